import { cleanup, render, screen, userEvent, waitFor } from '@testing-library/react-native';
import { StrictMode } from 'react';
import { AppState, type AppStateStatus } from 'react-native';

import { createMarketClient, type MarketClient, MarketProvider, type SessionEnd, useCart } from '../../src/index';
import { KG_PHONE, left, type MarketDevServer, moment, PHONE, requestsTo, startServer } from '../dev-server';
import { CartScreen, Shop } from './shop';

let server: MarketDevServer;
let market: MarketClient;
const user = userEvent.setup();

beforeEach(async () => {
  server = await startServer();
  market = createMarketClient({
    baseUrl: server.baseUrl,
    appId: 'com.example.shop',
    store: { type: 'memory' },
    allowHttpLoopback: true,
  });
});

afterEach(async () => {
  await cleanup();
  market.close();
  await server.close();
});

async function signIn(phone = PHONE): Promise<void> {
  await market.session.requestCode(phone);
  await market.session.verifyCode(phone, await server.code(phone));
}

const shows = (text: string | RegExp) => screen.findByText(text, {}, { timeout: 10_000 });
const press = async (title: string) => user.press(await screen.findByRole('button', { name: title }));
const type = async (label: string, text: string): Promise<void> => {
  const input = screen.getByLabelText(label);
  await user.clear(input);
  await user.type(input, text);
};

test('a shopper signs in, fills the cart, orders it and logs out', async () => {
  const ends: SessionEnd[] = [];
  await render(
    <MarketProvider client={market} onSessionEnd={(end) => ends.push(end)}>
      <Shop />
    </MarketProvider>,
  );
  await shows('No error');
  await type('Phone', '12345');
  await press('Send code');
  await shows(/^Error: phone: /);
  await type('Phone', PHONE);
  await press('Send code');
  await shows('No error');
  await type('Code', '000000');
  await press('Sign in');
  await shows('Error: Invalid or expired verification code');
  await type('Code', await server.code(PHONE));
  await press('Sign in');

  await shows('Total $0.00');
  await shows('Orders: ');
  await press('Add a bag');
  await shows('2 x Canvas Bag');
  await shows('Total $39.98');
  await press('Wish');
  await shows('Wishes: Silk Scarf');
  await press('Order');
  await shows('Orders: 1 pending');
  await shows('Total $0.00');
  await press('Cancel order');
  await shows('Orders: 1 cancelled');
  await press('Log out');
  await shows('Send code');
  await waitFor(() => {
    expect(ends.map(({ reason }) => reason)).toEqual(['loggedOut']);
  });
});

test('an expired session leads to the login screen once, with the phone filled in, and back to the same cart', async () => {
  await signIn();
  await market.cart.add(42, 2);
  const ends: SessionEnd[] = [];
  await render(
    <MarketProvider client={market} onSessionEnd={(end) => ends.push(end)}>
      <Shop />
    </MarketProvider>,
  );
  await shows('2 x Canvas Bag');
  await server.expireSessions();
  await Promise.allSettled(Array.from({ length: 50 }, () => market.session.profile()));
  await press('Send code').catch(() => undefined);
  await shows('Send code');
  expect(screen.getByLabelText('Phone').props['value']).toBe(PHONE);
  await moment(200);
  expect(ends.map(({ reason }) => reason)).toEqual(['rejected']);
  await press('Send code');
  await moment(100);
  await type('Code', await server.code(PHONE));
  await press('Sign in');
  await shows('2 x Canvas Bag');
});

test('the provider calls onSessionEnd for no session that another sign-in replaced', async () => {
  await signIn();
  const ends: SessionEnd[] = [];
  const heard: string[] = [];
  market.session.onEnd(({ reason }) => heard.push(reason));
  await render(
    <MarketProvider client={market} onSessionEnd={(end) => ends.push(end)}>
      <CartScreen />
    </MarketProvider>,
  );
  await shows('Total $0.00');
  await signIn(KG_PHONE);
  await waitFor(() => {
    expect(heard).toEqual(['replaced']);
  });
  expect(ends).toEqual([]);
});

test('another user sees nothing of the first, not for a moment', async () => {
  await signIn();
  await market.cart.add(42, 2);
  const seen: string[] = [];
  // What a component is given, with whose session it was given under.
  function Watch() {
    const { cart } = useCart();
    const { state } = market.session;
    if (state.status === 'signedIn') seen.push(`${state.user.market} ${cart?.items.length ?? 'none'}`);
    return null;
  }
  await render(
    <MarketProvider client={market}>
      <Watch />
      <CartScreen />
    </MarketProvider>,
  );
  await shows('2 x Canvas Bag');
  await server.fault('GET /cart', { kind: 'hold' });
  await signIn(KG_PHONE);
  await shows('Loading');
  expect(screen.queryAllByText(/Canvas Bag/)).toEqual([]);
  await server.release();
  await shows('Total KGS\u00a00.00');
  expect(new Set(seen)).toEqual(new Set(['us none', 'us 1', 'kg none', 'kg 0']));
});

test('a screen that goes takes its read with it, and the next one reads anew', async () => {
  await signIn();
  await server.fault('GET /cart', { kind: 'hold' });
  const shop = (
    <MarketProvider client={market}>
      <CartScreen />
    </MarketProvider>
  );
  await render(shop);
  await server.arrived('GET /cart');
  await screen.unmount();
  await left(server, '/cart');
  await server.release();
  await render(shop);
  await shows('Total $0.00');
});

test('in strict mode, too, screens share one reading and ends are told once', async () => {
  await signIn();
  const ends: SessionEnd[] = [];
  await render(
    <StrictMode>
      <MarketProvider client={market} onSessionEnd={(end) => ends.push(end)}>
        <CartScreen />
        <CartScreen />
      </MarketProvider>
    </StrictMode>,
  );
  await waitFor(() => {
    expect(screen.getAllByText('Total $0.00')).toHaveLength(2);
  });
  // Strict mode lets the screens go once, and so gives up the first reading; it may have been answered by then.
  expect((await requestsTo(server, '/cart')).length).toBeLessThanOrEqual(2);
  await market.session.logout();
  await moment(200);
  expect(ends).toHaveLength(1);
});

test('an error is said beside the cart, and refreshing takes it away', async () => {
  await signIn();
  await render(
    <MarketProvider client={market}>
      <CartScreen />
    </MarketProvider>,
  );
  await shows('Total $0.00');
  await server.fault('POST /cart/items', { kind: 'status', status: 403 }, 1);
  await press('Add a bag');
  await shows('Cart: rejected');
  await press('Refresh');
  await shows('Cart is fine');
});

test('a first read that fails says why there is no cart', async () => {
  await signIn();
  await server.fault('GET /cart', { kind: 'mis_typed' }, 1);
  await render(
    <MarketProvider client={market}>
      <CartScreen />
    </MarketProvider>,
  );
  await shows('No cart: unexpectedResponse');
});

test('coming to the foreground is told to the core', async () => {
  const heard: ((state: AppStateStatus) => void)[] = [];
  const removed = jest.fn();
  const listen = jest.spyOn(AppState, 'addEventListener').mockImplementation((_, listener) => {
    heard.push(listener);
    return { remove: removed };
  });
  const resumed = jest.spyOn(market.session, 'resumed');
  await render(
    <MarketProvider client={market}>
      <CartScreen />
    </MarketProvider>,
  );
  expect(heard).toHaveLength(1);
  heard.forEach((tell) => {
    tell('background');
    tell('active');
  });
  expect(resumed).toHaveBeenCalledTimes(1);
  await screen.unmount();
  expect(removed).toHaveBeenCalledTimes(1);
  listen.mockRestore();
});

test('outside a provider the hooks say what is missing', async () => {
  const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  await expect(async () => render(<CartScreen />)).rejects.toThrow('This has to be inside a MarketProvider.');
  printed.mockRestore();
});
