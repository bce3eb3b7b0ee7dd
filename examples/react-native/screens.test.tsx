/** Screens in states that are hard to come by, each in a moment: there is no server, and no library. */
import { FakeMarketClient, type FakeOptions } from '@market-sdk/react-native/testing';
import { act, cleanup, render, screen, userEvent } from '@testing-library/react-native';

import { App } from './src/App';

const PHONE = '+13128059851';
const user = userEvent.setup();
const press = async (title: string) => user.press(await screen.findByRole('button', { name: title }));

/** The app, with a catalogue of one bag. */
async function open(options?: FakeOptions): Promise<FakeMarketClient> {
  const market = new FakeMarketClient(options);
  market.shop.answer('GET /products', { products: [{ id: 10, name: 'Canvas Bag', sku_id: 42 }] });
  await render(<App market={market} />);
  return market;
}

afterEach(cleanup);

test('until it is known who is signed in, there is no login screen', async () => {
  const market = await open({ signedInAs: PHONE });
  await act(() => market.show({ status: 'restoring' }));
  expect(screen.queryByText('Sign in')).toBeNull();
  await act(() => market.show({ status: 'signedOut', reason: 'noSession' }));
  expect(screen.getByText('Sign in')).toBeTruthy();
});

test('a fourth code is refused in the words of the shop', async () => {
  const market = await open();
  market.fail({ code: 'rateLimited', message: 'Too many codes.', retryAfter: 900_000 }, { call: 'session.requestCode' });
  await user.type(screen.getByLabelText('Phone'), PHONE);
  await press('Send a code');
  expect(await screen.findByText('Too many codes.')).toBeTruthy();
  await press('Send a code');
  expect(await screen.findByLabelText('Code')).toBeTruthy();
});

test('a session that ends while shopping says so, keeps the number and the cart, and comes back to the same tab', async () => {
  const market = await open({ signedInAs: PHONE });
  await press('Add Canvas Bag');
  await press('Go to Cart');
  expect(await screen.findByText('1 x Canvas Bag, $19.99')).toBeTruthy();
  await act(() => market.expire('rejected'));
  expect(screen.getByText('Your session has ended. Your cart is kept.')).toBeTruthy();
  expect(screen.getByLabelText('Phone').props['value']).toBe(PHONE);
  await press('Send a code');
  await user.type(await screen.findByLabelText('Code'), market.shop.code);
  await press('Sign in');
  expect(await screen.findByText('1 x Canvas Bag, $19.99')).toBeTruthy();
});

test('a tap that the end of the session stops is made when the same user has signed in again', async () => {
  const market = await open({ signedInAs: PHONE, parkOnExpiry: { limit: 20, patience: 5 * 60_000 } });
  await press('Add Canvas Bag');
  await press('Go to Cart');
  await screen.findByText('1 x Canvas Bag, $19.99');
  market.shop.expireSessions();
  await press('One more Canvas Bag');
  await press('Send a code');
  expect(market.session.state).toMatchObject({ status: 'expired', waiting: 1 });
  await user.type(await screen.findByLabelText('Code'), market.shop.code);
  await press('Sign in');
  expect(await screen.findByText('2 x Canvas Bag, $19.99')).toBeTruthy();
});

test('another user finds nothing of what was under the login', async () => {
  const market = await open({ signedInAs: PHONE, parkOnExpiry: { limit: 20, patience: 5 * 60_000 } });
  await press('Add Canvas Bag');
  await press('Go to Cart');
  await screen.findByText('1 x Canvas Bag, $19.99');
  market.shop.expireSessions();
  await user.type(screen.getByLabelText('Address'), '1 Main Street');
  await press('One more Canvas Bag');
  await user.clear(await screen.findByLabelText('Phone'));
  await user.type(screen.getByLabelText('Phone'), '+13128059852');
  await press('Send a code');
  await user.type(await screen.findByLabelText('Code'), market.shop.code);
  await press('Sign in');
  await press('Go to Cart');
  expect(await screen.findByText('In all $0.00')).toBeTruthy();
  expect(screen.queryByText(/1 x Canvas Bag/)).toBeNull();
  await act(() => market.cart.add(42, 1));
  expect((await screen.findByLabelText('Address')).props['value']).toBe('');
});

test('an order whose answer is lost leads to the orders, where it is', async () => {
  const market = await open({ signedInAs: PHONE });
  await act(() => market.cart.add(42, 2));
  await press('Go to Cart');
  for (const [label, text] of [['Name', 'Ann Example'], ['Phone', PHONE], ['Address', '1 Main Street']] as const) {
    await user.type(await screen.findByLabelText(label), text);
  }
  market.loseOrderAnswer();
  await press('Order');
  expect(await screen.findByText('It may have been placed: look at your orders.')).toBeTruthy();
  await press('Go to Orders');
  expect(await screen.findByText(/^#1001: pending/)).toBeTruthy();
  expect(market.calls.filter(({ name }) => name === 'orders.place')).toHaveLength(1);
});
