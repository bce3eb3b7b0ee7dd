/** What is tapped through the hooks is made as it is on the client, which orders the calls: on the real one and on the fake. */
import { act, cleanup, render, screen, waitFor } from '@testing-library/react-native';
import { useEffect } from 'react';
import { Text } from 'react-native';

import { type MarketClient, MarketProvider, type NewOrder, useCart, useOrders, useWishlist } from '../../src/index';
import { PHONE } from '../dev-server';
import { FakeWorld, RealWorld, type World } from '../testing/worlds';

const ORDER = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St', parkOnExpiry: true };
const BAG: NewOrder = { ...ORDER, items: [{ skuId: 42, quantity: 1 }] };

type Title = 'Bag' | 'Shirt' | 'Wish' | 'Order' | 'Buy a bag';

let world: World;
let market: MarketClient;
/** What there is to tap. A button under test hears one tap at a time, and these come at once. */
let buttons: Readonly<Record<Title, () => Promise<unknown>>>;
/** What the taps end with, and the errors that are shown, in their order. */
let taps: Promise<unknown>[];
let errors: string[];

afterEach(async () => {
  await cleanup();
  await world.end();
});

async function signIn(): Promise<void> {
  await market.session.requestCode(PHONE);
  await market.session.verifyCode(PHONE, await world.code(PHONE));
}

function Shop() {
  const { cart, add, error: refused } = useCart();
  const { orders, place, error, busy } = useOrders();
  const { wishlist, add: wish } = useWishlist();
  for (const one of [refused?.code, error?.code]) if (one !== undefined && errors.at(-1) !== one) errors.push(one);
  useEffect(() => {
    buttons = { Bag: () => add(42), Shirt: () => add(88), Wish: () => wish(15), Order: () => place(ORDER), 'Buy a bag': () => place(BAG) };
  });
  return (
    <>
      <Text>{`${cart?.items.length ?? 'no'} lines, ${orders?.map(({ items }) => items.length).join(' and ') || 'none'} ordered`}</Text>
      <Text>{`${wishlist?.items.length ?? 'no'} wishes, ${error?.code ?? 'all is well'}${busy ? ', busy' : ''}`}</Text>
    </>
  );
}

async function open(limit: number): Promise<void> {
  taps = [];
  errors = [];
  market = await world.client({ parkOnExpiry: { limit, patience: 600_000 } });
  await signIn();
  await render(
    <MarketProvider client={market}>
      <Shop />
    </MarketProvider>,
  );
  await shows('0 lines, none ordered');
  await shows('0 wishes, all is well');
}

const shows = (text: string) => screen.findByText(text, {}, { timeout: 5_000 });
const tap = (...titles: Title[]): Promise<void> => act(() => titles.forEach((title) => void taps.push(buttons[title]())));
const ended = () => act(() => Promise.all(taps));
const waiting = (calls: number) =>
  waitFor(() => expect(market.session.state).toMatchObject({ status: 'expired', waiting: calls }), { timeout: 5000 });

describe.each([
  ['the real client', () => RealWorld.begin()],
  ['the fake', () => Promise.resolve(new FakeWorld())],
] as const)('on %s', (_, begin) => {
  beforeEach(async () => {
    world = await begin();
  });

  test('two taps on "order" are one order, and the second says that the first is under way', async () => {
    await open(5);
    await world.hold('orders.place');
    await tap('Buy a bag', 'Buy a bag');
    await act(() => world.held('orders.place'));
    await shows('0 wishes, orderPending, busy');
    await act(() => world.release());
    await ended();
    expect(await Promise.all(taps)).toEqual([expect.objectContaining({ status: 'pending' }), undefined]);
    // What was under way has been placed.
    await shows('0 wishes, all is well');
    await shows('0 lines, 1 ordered');
    expect(errors).toEqual(['orderPending']);
    expect(await market.orders.list()).toHaveLength(1);
  });

  test('bag, shirt, order: the order has both, and the cart is empty', async () => {
    await open(5);
    await world.hold('cart.add');
    await tap('Bag', 'Shirt', 'Order');
    await act(() => world.held('cart.add'));
    await act(() => world.release());
    await ended();
    await shows('0 lines, 2 ordered');
    expect((await market.cart.get()).items).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('over an expiry, too, two taps on "order" are one order', async () => {
    await open(5);
    await world.expireSessions();
    await tap('Buy a bag', 'Buy a bag');
    await waiting(1);
    await act(signIn);
    await ended();
    expect(errors).toEqual(['orderPending']);
    expect(await market.orders.list()).toHaveLength(1);
  });

  test('over an expiry, too, bag, shirt and order wait in the order of the taps', async () => {
    await open(5);
    await world.expireSessions();
    await tap('Bag', 'Shirt', 'Order');
    await waiting(3);
    await act(signIn);
    await ended();
    await shows('0 lines, 2 ordered');
    expect((await market.cart.get()).items).toEqual([]);
  });

  test.each(['Bag', 'Wish'] as const)('where one may wait, a second tap on "%s" fails at once', async (title) => {
    await open(1);
    await world.expireSessions();
    await tap(title);
    await waiting(1);
    await tap(title);
    const second = jest.fn();
    void taps[1]?.then(second);
    await waitFor(() => expect(second).toHaveBeenCalledWith(undefined), { timeout: 5000 });
    await waiting(1);
    await act(signIn);
    await ended();
    await shows(title === 'Bag' ? '1 lines, none ordered' : '1 wishes, all is well');
  });
});
