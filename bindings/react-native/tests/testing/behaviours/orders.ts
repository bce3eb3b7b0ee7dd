import { KG_PHONE } from '../../dev-server';
import { type Behaviour, MINUTE, ORDER, signedIn, signIn } from './behaviour';

export const ORDERS: Record<string, Behaviour> = {
  'an order of the cart empties it, and one of items does not': async (world, seen) => {
    const { cart, orders } = await signedIn(world);
    await cart.add(42, 2);
    await seen.call(orders.place({ ...ORDER, items: [{ skuId: 88, quantity: 1 }, { skuId: 106, quantity: 2 }] }));
    await seen.call(cart.get());
    await cart.add(103, 1);
    await seen.call(orders.place({ ...ORDER, email: 'ann@example.com', city: 'Springfield', notes: 'Ring twice' }));
    await seen.call(cart.get());
    await seen.call(orders.place(ORDER));
    await seen.call(orders.list());
  },

  'shipping costs nothing from 5000': async (world, seen) => {
    const { orders } = await signedIn(world, KG_PHONE);
    await seen.call(orders.place({ ...ORDER, items: [{ skuId: 104, quantity: 2 }] }));
    await seen.call(orders.place({ ...ORDER, items: [{ skuId: 103, quantity: 1 }] }));
  },

  'orders are listed, read and cancelled': async (world, seen) => {
    const { orders } = await signedIn(world);
    const items = [{ skuId: 42, quantity: 1 }];
    for (let count = 0; count < 3; count += 1) {
      await orders.place({ ...ORDER, items });
      await world.later(1000);
    }
    await seen.call(orders.cancel(2));
    await seen.call(orders.cancel(2));
    await seen.call(orders.cancel(9));
    await seen.call(orders.get(2));
    await seen.call(orders.get(9));
    await seen.call(orders.get(-9));
    for (const query of [{}, { limit: 2 }, { limit: 2, offset: 2 }, { status: 'cancelled' }, { status: 'pending', offset: 1 }, { status: 'odd' }]) {
      await seen.call(orders.list(query));
    }
    for (const query of [{ limit: 0 }, { limit: 101 }, { limit: 1.5 }, { offset: -1 }]) await seen.call(orders.list(query));
    const other = await signedIn(world, '+13128059852');
    await seen.call(other.orders.list());
    await seen.call(other.orders.get(1));
    await seen.call(other.orders.cancel(1));
  },

  'an order that cannot be right names its fields': async (world, seen) => {
    const { orders } = await signedIn(world);
    await seen.call(orders.place({ customerName: ' ', customerPhone: '123', deliveryAddress: 'x', city: 'c'.repeat(101), paymentMethod: '' }));
    await seen.call(orders.place({ ...ORDER, items: [] }));
    await seen.call(orders.place({ ...ORDER, items: [{ skuId: 42, quantity: 0 }, { skuId: 42, quantity: 101 }] }));
    await seen.call(orders.place({ ...ORDER, items: [{ skuId: -42, quantity: 1 }] }));
    await seen.call(orders.place({ ...ORDER, customerName: 'n'.repeat(256), email: 'e'.repeat(256), notes: 'n'.repeat(501) }));
  },

  'what the shop has not got is declined in its words, and nothing is taken': async (world, seen) => {
    const { cart, orders } = await signedIn(world);
    await seen.call(orders.place(ORDER));
    const items = (...all: [number, number][]) => ({ ...ORDER, items: all.map(([skuId, quantity]) => ({ skuId, quantity })) });
    await seen.call(orders.place(items([105, 1])));
    await seen.call(orders.place(items([104, 1], [104, 2])));
    await seen.call(orders.place(items([42, 1], [9999, 1])));
    await seen.call(orders.place(items([104, 2])));
    await seen.call(orders.place(items([104, 1])));
    await cart.add(104, 1);
    await seen.call(orders.place(ORDER));
    await seen.call(cart.get());
    await seen.call(orders.list());
  },

  'a second order while one is being placed is no order': async (world, seen) => {
    const { orders } = await signedIn(world);
    const order = { ...ORDER, items: [{ skuId: 42, quantity: 1 }] };
    await world.hold('orders.place');
    const first = orders.place(order);
    await world.held('orders.place');
    await seen.call(orders.place(order));
    await seen.call(orders.place({ ...order, force: true }));
    await world.release();
    await seen.call(first);
    await seen.call(orders.list());
  },

  'an order whose answer is lost is found': async (world, seen) => {
    const { cart, orders } = await signedIn(world);
    await seen.call(orders.resolve());
    await cart.add(42, 2);
    await world.loseOrder(true);
    await seen.call(orders.place(ORDER));
    await seen.call(orders.place(ORDER));
    await seen.call(orders.resolve());
    await seen.call(orders.resolve());
    await seen.call(orders.list());
    await seen.call(cart.get());
  },

  'an order that the server fails under may have been placed': async (world, seen) => {
    const market = await signedIn(world);
    for (const [at, status] of [500, 503, 502, 408].entries()) {
      const { cart, orders } = market;
      await world.breakDown('orders.place', status);
      await seen.call(orders.place({ ...ORDER, items: [{ skuId: 42, quantity: 1 }] }));
      await seen.call(orders.place(ORDER));
      await seen.call(orders.resolve());
      await cart.add(42, at + 1);
      await seen.call(orders.place({ ...ORDER, force: true }));
      await seen.call(orders.resolve());
    }
    await seen.call(market.orders.list());
  },

  'an order that was declined in an answer that is lost is found nowhere': async (world, seen) => {
    const { orders } = await signedIn(world);
    await world.loseOrder(true);
    await seen.call(orders.place({ ...ORDER, items: [{ skuId: 105, quantity: 1 }] }));
    await seen.call(orders.resolve());
    await world.later(16 * MINUTE);
    await seen.call(orders.resolve());
  },

  'an order that was not placed is said so after its time': async (world, seen) => {
    const { orders } = await signedIn(world);
    const order = { ...ORDER, items: [{ skuId: 42, quantity: 1 }] };
    await world.loseOrder(false);
    await seen.call(orders.place(order));
    await seen.call(orders.resolve());
    await world.later(16 * MINUTE);
    await seen.call(orders.resolve());
    await seen.call(orders.resolve());
    await seen.call(orders.place(order));
  },

  'an order is forced though an earlier one is unknown': async (world, seen) => {
    const { orders } = await signedIn(world);
    const order = { ...ORDER, items: [{ skuId: 42, quantity: 1 }] };
    await world.loseOrder(false);
    await seen.call(orders.place(order));
    await seen.call(orders.place({ ...order, items: [{ skuId: 105, quantity: 1 }], force: true }));
    await seen.call(orders.place(order));
    await seen.call(orders.place({ ...order, force: true }));
    await seen.call(orders.resolve());
  },

  'an unknown order is its users, over a logout': async (world, seen) => {
    const market = await signedIn(world);
    const order = { ...ORDER, items: [{ skuId: 42, quantity: 1 }] };
    await world.loseOrder(true);
    await seen.call(market.orders.place(order));
    await market.session.logout();
    await signIn(world, market, KG_PHONE);
    await seen.call(market.orders.resolve());
    await seen.call(market.orders.place({ ...order, customerPhone: KG_PHONE }));
    await world.later(1000);
    await signIn(world, market);
    await seen.call(market.orders.place(order));
    await seen.call(market.orders.resolve());
  },
};
