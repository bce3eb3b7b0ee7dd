/** The README's snippets, run. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { transformSync } from '@babel/core';
import { cleanup, render, screen, userEvent, waitFor } from '@testing-library/react-native';
import type { ReactElement } from 'react';
import { Button, Text } from 'react-native';

import * as sdk from '../../src/index';
import * as kit from '../../src/testing';
import * as launcher from '../../src/testing/dev-server';
import { type MarketDevServer, PHONE, startServer } from '../dev-server';

const MODULES: Record<string, unknown> = {
  '@market-sdk/react-native': sdk,
  '@market-sdk/react-native/testing': kit,
  '@market-sdk/react-native/testing/dev-server': launcher,
};

/** The one snippet of the page that has this in it. */
function snippet(having: string): string {
  const page = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');
  const found = [...page.matchAll(/^```tsx?\n([^]*?)^```/gm)].filter(([, code = '']) => code.includes(having));
  expect(found).toHaveLength(1);
  return found[0]?.[1] ?? '';
}

/** Runs it, with what the page takes as given around it, and gives what it declares under these names. */
function run(code: string, around: Record<string, unknown>, ...names: string[]): Record<string, unknown> {
  const transformed = transformSync(`${code.replace(/^export /gm, '')}\nmodule.exports = { ${names.join(', ')} };`, {
    filename: 'README.tsx',
    presets: ['module:@react-native/babel-preset'],
    babelrc: false,
    configFile: false,
  })?.code;
  const module = { exports: {} };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the page is what is tested
  const play = new Function('module', 'require', ...Object.keys(around), transformed ?? '') as (...given: unknown[]) => void;
  play(module, (name: string) => MODULES[name] ?? (jest.requireActual(name)), ...Object.values(around));
  return module.exports;
}

MODULES['./App'] = run(snippet('export function App'), {}, 'App');

// They are test files: their tests are tests of this one.
run(snippet('new FakeMarketClient()'), {});
describe('a dev server as the README has it', () => {
  run(snippet('await MarketDevServer.start()'), {});
});

describe('with a dev server', () => {
  let server: MarketDevServer;
  let went: string[];
  let shown: string[];
  let market: sdk.MarketClient | undefined;

  beforeEach(async () => {
    server = await startServer();
    [went, shown] = [[], []];
  });

  afterEach(async () => {
    await cleanup();
    market?.close();
    market = undefined;
    await server.close();
  });

  /** What the snippets do not say where it comes from. The server that they name is not there. */
  function around(): typeof sdk & Record<string, unknown> {
    return {
      ...sdk,
      createMarketClient: (options: sdk.ClientConfig) =>
        (market = sdk.createMarketClient({ ...options, baseUrl: server.baseUrl, store: { type: 'memory' }, allowHttpLoopback: true })),
      navigation: { navigate: (name: string) => went.push(name) },
      show: (text: string) => shown.push(text),
    };
  }

  async function signIn(client: sdk.MarketClient): Promise<void> {
    await server.advanceClock(1000);
    await client.session.requestCode(PHONE);
    await client.session.verifyCode(PHONE, await server.code(PHONE));
  }

  async function signedIn(): Promise<sdk.MarketClient> {
    const client = around().createMarketClient({ baseUrl: '', appId: 'com.example.shop' });
    await signIn(client);
    return client;
  }

  test("the README's first snippet is a shop", async () => {
    const given = {
      ...around(),
      Spinner: () => <Text>Spinner</Text>,
      Lines: ({ items, total, onAdd }: { items: readonly sdk.CartLine[]; total: string; onAdd: (id: number) => void }) => (
        <>
          <Text>{`${items.length} lines, ${total}`}</Text>
          <Button title="Add" onPress={() => onAdd(42)} />
        </>
      ),
    };
    const { market: client, app } = run(snippet('<MarketProvider client={market} onSessionEnd'), given, 'market', 'app') as {
      market: sdk.MarketClient;
      app: ReactElement;
    };
    await render(app);
    expect(screen.getByText('Spinner')).toBeTruthy();
    await signIn(client);
    expect(await screen.findByText('0 lines, $0.00')).toBeTruthy();
    await userEvent.setup().press(screen.getByRole('button', { name: 'Add' }));
    expect(await screen.findByText('1 lines, $19.99')).toBeTruthy();
    await client.session.logout();
    await waitFor(() => {
      expect(went).toEqual(['Login']);
    });
  });

  test('the README asks before a checkout whether the session lasts', async () => {
    const client = await signedIn();
    const { checkout } = run(snippet('requireValidity(10'), { ...around(), market: client }, 'checkout') as { checkout: () => Promise<void> };
    await checkout();
    expect(went).toEqual(['Checkout']);
    await server.expireSessions();
    await client.cart.get().catch(() => undefined);
    await checkout();
    expect(went).toEqual(['Checkout', 'Login']);
    const fake = new kit.FakeMarketClient({ signedInAs: PHONE });
    run(snippet('requireValidity(10'), { ...around(), market: fake });
    await fake.expiringSoon(3 * 60_000);
    expect(shown).toEqual(['You will have to sign in again in 3 minutes.']);
  });

  test('the README has taps wait for the same user', async () => {
    const given = {
      ...around(),
      Spinner: () => <Text>Spinner</Text>,
      Login: ({ phone, hint }: { phone?: string; hint?: string }) => <Text>{`${phone ?? 'Nobody'}: ${hint ?? ''}`}</Text>,
      Screens: () => {
        const { cart, add } = sdk.useCart();
        const tap = (): void => [42, 88].forEach((sku) => void add(sku));
        return <Button title={`${cart?.items.length ?? 'No'} lines`} onPress={tap} />;
      },
    };
    const { market: client, App } = run(snippet('the same shop: its screens'), given, 'market', 'App') as {
      market: sdk.MarketClient;
      App: () => ReactElement;
    };
    await render(
      <sdk.MarketProvider client={client}>
        <App />
      </sdk.MarketProvider>,
    );
    expect(await screen.findByText('Nobody: ')).toBeTruthy();
    await signIn(client);
    const shop = await screen.findByRole('button', { name: '0 lines' });
    await server.expireSessions();
    await userEvent.press(shop);
    expect(await screen.findByText(`${PHONE}: 2 taps wait for you.`)).toBeTruthy();
    await signIn(client);
    expect(await screen.findByRole('button', { name: '2 lines' })).toBeTruthy();
    expect(screen.queryByText(/taps wait/)).toBeNull();
  });

  test('the README names an install marker', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'market-installed-'));
    // The same path, below a folder of the test's own: the core makes the file.
    const createMarketClient = (given: sdk.ClientConfig): sdk.MarketClient => {
      expect(given.installMarker).toMatch(/^\//);
      return around().createMarketClient({ ...given, installMarker: join(folder, basename(given.installMarker ?? '')) });
    };
    const { desktop } = run(snippet('installMarker'), { ...around(), createMarketClient }, 'desktop') as { desktop: sdk.MarketClient };
    await signIn(desktop);
    expect(readdirSync(folder)).toEqual(['installed']);
    rmSync(folder, { recursive: true });
  });

  test("the README's order has all that an order can have", async () => {
    const { bags } = run(snippet("paymentMethod: 'cash'"), {}, 'bags') as { bags: sdk.NewOrder };
    const whole: Required<sdk.NewOrder> = { ...bags } as Required<sdk.NewOrder>;
    expect(Object.values(whole)).not.toContain(undefined);
    for (const client of [await signedIn(), new kit.FakeMarketClient({ signedInAs: PHONE })]) {
      expect(await client.orders.place(bags)).toMatchObject({ customerName: 'Ann Example', totalAmount: { amount: '189.98', currency: 'KGS' } });
    }
  });

  test('the README finds out what became of an order', async () => {
    const client = await signedIn();
    const { order } = run(snippet('orders.resolve()'), { ...around(), market: client }, 'order') as {
      order: (order: sdk.NewOrder) => Promise<sdk.Order | undefined>;
    };
    const bag = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St', items: [{ skuId: 42, quantity: 1 }] };
    expect(await order(bag)).toMatchObject({ id: 1 });
    await server.fault('POST /orders/create', { kind: 'reset', acted: true }, 1);
    expect(await order(bag)).toMatchObject({ id: 2 });
    await server.fault('POST /orders/create', { kind: 'reset' }, 1);
    expect(await order(bag)).toBeUndefined();
    await server.advanceClock(16 * 60_000);
    expect(await order(bag)).toBeUndefined();
    expect(shown).toEqual(['Not known yet. Ask again in some minutes.', 'It did not go through. Order again.']);
    expect((await server.state()).us.orders).toHaveLength(2);
  });
});
