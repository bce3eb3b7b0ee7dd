import type { Cart } from '../../../src/node';
import { KG_PHONE, PHONE } from '../../dev-server';
import { leaving } from '../worlds';
import { type Behaviour, MINUTE, ORDER, signedIn, signIn, state, until } from './behaviour';

export const SHOPPING: Record<string, Behaviour> = {
  'a cart line grows, is set, goes, and the one changed last comes last': async (world, seen) => {
    const { cart } = await signedIn(world);
    await seen.call(cart.remove(1));
    await seen.call(cart.setQuantity(1, 2));
    await seen.call(cart.add(42, 2));
    await seen.call(cart.add(88, 1));
    await seen.call(cart.add(42, 100));
    await seen.call(cart.setQuantity(2, 7));
    await seen.call(cart.setQuantity(1, 0));
    await seen.call(cart.remove(1));
    await seen.call(cart.setQuantity(1, 3));
    await seen.call(cart.clear());
    await seen.call(cart.clear());
    await seen.call(cart.add(106, 1));
  },

  'an empty cart is cleared': async (world, seen) => {
    const { cart } = await signedIn(world);
    await seen.call(cart.clear());
    await seen.call(cart.get());
  },

  'what cannot be put into a cart is refused': async (world, seen) => {
    const { cart } = await signedIn(world);
    for (const [sku, quantity] of [
      [42, 0],
      [42, 101],
      [42, -1],
      [42, 1.5],
      [42, Number.NaN],
      [42, 2 ** 40],
      [-1, 1],
      [1.5, 1],
      [9999, 1],
      [107, 1],
      [105, 1],
    ] as const) {
      await seen.call(cart.add(sku, quantity));
    }
    await seen.call(cart.setQuantity(-1, 1));
    await seen.call(cart.setQuantity(1, 101));
    await seen.call(cart.remove(-7));
    await seen.call(cart.get());
  },

  'each market has its prices, names and users, and money is exact': async (world, seen) => {
    for (const phone of [KG_PHONE, PHONE, '+13128059852', '+996700123457']) {
      const { cart, session } = await signedIn(world, phone);
      seen.note(session.state);
      for (const sku of [42, 88, 101, 102, 103, 104, 106, 108]) await seen.call(cart.add(sku, 3));
    }
  },

  'carts are by user: after another one, and after a logout, it is there': async (world, seen) => {
    const market = await signedIn(world);
    await market.cart.add(42, 2);
    await market.session.logout();
    await signIn(world, market, '+13128059852');
    await seen.call(market.cart.get());
    await world.later(1000);
    await signIn(world, market);
    await seen.call(market.cart.get());
  },

  'another device of the same user has the same cart, and a logout of one is felt by the other': async (world, seen) => {
    const one = await signedIn(world);
    await one.cart.add(42, 2);
    await world.later(1000);
    const two = await signedIn(world);
    await seen.call(two.cart.add(42, 1));
    await seen.call(one.cart.get());
    await one.session.clear();
    await seen.call(two.cart.get());
    await two.session.logout();
    await world.later(16 * MINUTE);
    await signIn(world, one);
    await seen.call(one.cart.get());
    await world.later(1000);
    await signIn(world, two);
    await one.session.logout();
    await seen.call(two.cart.get());
    seen.note(state(two));
  },

  'additions that are made in a row are made in that order': async (world, seen) => {
    const { cart } = await signedIn(world);
    await world.hold('cart.add');
    const adds = [1, 2, 3].map((quantity) => cart.add(42, quantity));
    const read = cart.get();
    await world.held('cart.add');
    await world.release();
    for (const call of [...adds, read]) await seen.call(call);
  },

  'a cart write that is on its way is completed, and one in line is not made, when its caller leaves': async (world, seen) => {
    const { cart } = await signedIn(world);
    await world.hold('cart.add');
    const [first, second] = [leaving(), leaving()];
    const calls = [seen.call(cart.add(42, 2, first.options)), seen.call(cart.add(88, 1, second.options))];
    await world.held('cart.add');
    second.leave();
    await calls[1];
    first.leave();
    await calls[0];
    const read = cart.get();
    await world.release();
    await seen.call(read);
  },

  'who observes the cart is shown each that comes, and never another users': async (world, seen) => {
    const market = await signedIn(world);
    const shown: (Cart | undefined)[] = [];
    market.cart.subscribe((cart) => shown.push(cart));
    const next = async (count: number): Promise<void> => {
      await until(world, () => shown.length >= count);
      await world.settled();
      seen.note(shown);
    };
    await next(1);
    await market.cart.add(42, 2);
    await next(2);
    await market.cart.get();
    await seen.call(market.cart.remove(999));
    await next(2);
    await world.expireSessions();
    await seen.call(market.cart.get());
    await next(2);
    await signIn(world, market);
    await market.orders.place(ORDER);
    await next(3);
    await market.session.logout();
    await next(4);
    await signIn(world, market, KG_PHONE);
    await market.cart.get();
    await next(5);
  },

  'a wishlist holds a product once': async (world, seen) => {
    for (const phone of [PHONE, KG_PHONE]) {
      const { wishlist } = await signedIn(world, phone);
      await seen.call(wishlist.remove(15));
      await seen.call(wishlist.clear());
      for (const product of [15, 15, 10, 14, 16, 99, -1]) await seen.call(wishlist.add(product));
      await seen.call(wishlist.remove(15));
      await seen.call(wishlist.remove(15));
      await seen.call(wishlist.add(15));
      await seen.call(wishlist.clear());
      await seen.call(wishlist.get());
    }
  },
};
