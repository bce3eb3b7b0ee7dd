/** Plays a shopper on the app, and compares what the screens show with the README's transcript. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createMarketClient } from '@market-sdk/react-native';
import { MarketDevServer } from '@market-sdk/react-native/testing/dev-server';
import { cleanup, render, screen, userEvent, waitFor } from '@testing-library/react-native';

import { App } from './src/App';

const PHONE = '+13128059851';

const CATALOGUE = {
  products: [
    { id: 10, name: 'Canvas Bag', sku_id: 42 },
    { id: 15, name: 'Silk Scarf', sku_id: 106 },
  ],
};

type Node = { type: string; props: Record<string, unknown>; children: (Node | string)[] | null };

/** What lies over everything else, if something does. */
function over(node: Node | string): Node | undefined {
  if (typeof node === 'string') return undefined;
  if (node.type === 'Modal') return node;
  return (node.children ?? []).map(over).find((one) => one !== undefined);
}

/** What is to be read on the screen, button by button and text by text. */
function shown(whole = screen.toJSON() as unknown as Node | null): string[] {
  if (whole === null) return [];
  const node = over(whole) ?? whole;
  const inner = (node.children ?? []).flatMap((child) => (typeof child === 'string' ? [child] : shown(child)));
  if (node.props['accessibilityRole'] === 'button' || node.props['role'] === 'button') return [`[${inner.join('')}]`];
  const label = node.props['accessibilityLabel'];
  return typeof label === 'string' ? [`${label}: ${String(node.props['value'] ?? '')}`] : inner;
}

test('the example shops as its README shows', async () => {
  const server = await MarketDevServer.start({ args: ['--no-rate-limits'] });
  await server.fault('GET /products', { kind: 'answer', status: 200, body: JSON.stringify(CATALOGUE) });
  const market = createMarketClient({
    baseUrl: server.baseUrl,
    appId: 'com.example.shop',
    store: { type: 'memory' },
    allowHttpLoopback: true,
    parkOnExpiry: { limit: 20, patience: 5 * 60_000 },
  });
  const user = userEvent.setup();
  const transcript: string[] = [];
  const step = async (what: string, act: () => Promise<unknown>, until: RegExp): Promise<void> => {
    await act();
    await waitFor(
      () => {
        expect(shown().join('\n')).toMatch(until);
      },
      { timeout: 20_000 },
    );
    transcript.push(`> ${what}`, ...shown().filter((line) => !line.startsWith('[Go to ')));
  };
  const press = (title: string, until: RegExp) =>
    step(title, async () => user.press(await screen.findByRole('button', { name: title })), until);
  const write = async (label: string, text: string): Promise<void> => {
    await user.clear(screen.getByLabelText(label));
    await user.type(screen.getByLabelText(label), text);
  };
  const signIn = async (): Promise<void> => {
    await press('Send a code', /Code:/);
    await write('Code', await server.code(PHONE));
  };

  await step('open', () => render(<App market={market} />), /Send a code/);
  await write('Phone', '12345');
  await press('Send a code', /country code/);
  await write('Phone', PHONE);
  await press('Send a code', /Code:/);
  await write('Code', '000000');
  await press('Sign in', /Invalid or expired/);
  await write('Code', await server.code(PHONE));
  await press('Sign in', /Add Canvas Bag/);
  await press('Add Canvas Bag', /Catalogue/);
  await press('Wish for Silk Scarf', /Catalogue/);
  await press('Go to Wishlist', /Silk Scarf, \$24\.50/);
  await press('Go to Cart', /1 x Canvas Bag/);
  await press('One more Canvas Bag', /2 x Canvas Bag[^]*\$39\.98/);
  await step('(Half an hour later: the server has ended the session.) One more', async () => {
    await server.expireSessions();
    await user.press(screen.getByRole('button', { name: 'One more Canvas Bag' }));
  }, /Your session has ended/);
  await signIn();
  // The tap was kept.
  await press('Sign in', /3 x Canvas Bag/);
  await write('Name', 'Ann Example');
  await write('Phone', PHONE);
  await write('Address', '1 Main Street');
  await press('Order', /In all \$0\.00\nOrder #1001/);
  await press('Go to Orders', /#1001: pending/);
  await press('Cancel #1001', /#1001: cancelled/);
  await press('Log out', /Send a code/);
  await cleanup();
  market.close();
  await server.close();

  const text = transcript.map((line) => line.trimEnd()).join('\n').replace(/^(Code:) \d{4,8}$/gm, '$1 ••••••');
  const file = join(__dirname, 'README.md');
  const page = readFileSync(file, 'utf8');
  const block = /(```text\n)[^]*?(```\n)/;
  if (process.env['UPDATE_EXAMPLE'] === '1') writeFileSync(file, page.replace(block, (_, open: string, close: string) => `${open}${text}\n${close}`));
  else expect(block.exec(page)?.[0]).toBe(`\`\`\`text\n${text}\n\`\`\`\n`);
});
