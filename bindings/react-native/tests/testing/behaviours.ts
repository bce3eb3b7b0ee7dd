/** What a client does, as an app sees it: each is played to the real one and to the fake. */
import type { Cart, MarketClient, SessionState } from '../../src/node';
import { KG_PHONE, PHONE } from '../dev-server';
import { leaving, type Seen, type World } from './worlds';

const MINUTE = 60_000;
const ORDER = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St' };
const PARKS = { parkOnExpiry: { limit: 2, patience: 5 * MINUTE } };

export type Behaviour = (world: World, seen: Seen) => Promise<void>;

export async function signIn(world: World, market: MarketClient, phone = PHONE): Promise<MarketClient> {
  await market.session.requestCode(phone);
  await market.session.verifyCode(phone, await world.code(phone));
  return market;
}

async function signedIn(world: World, phone = PHONE, options = {}): Promise<MarketClient> {
  return signIn(world, await world.client(options), phone);
}

/** The state without what may be a moment away. */
function state(market: MarketClient): SessionState {
  return market.session.state;
}

/** Waits until the state says that so many calls wait. */
async function waiting(world: World, market: MarketClient, calls: number): Promise<void> {
  while (!(market.session.state.status === 'expired' && market.session.state.waiting === calls)) await world.settled();
}

function listening(market: MarketClient): unknown[] {
  const told: unknown[] = [];
  market.session.onEnd((end) => told.push(end));
  return told;
}

export const SESSIONS: Record<string, Behaviour> = {
  'a code signs in once, and a wrong one does not': async (world, seen) => {
    const market = await world.client();
    seen.note(state(market));
    await seen.call(market.session.verifyCode(PHONE, '000000'));
    await seen.call(market.session.requestCode(PHONE));
    await seen.call(market.session.verifyCode(PHONE, '000000'));
    const code = await world.code(PHONE);
    await seen.call(market.session.verifyCode(' +1 (312) 805-9851', code));
    seen.note(state(market));
    await seen.call(market.session.verifyCode(PHONE, code));
    seen.note(state(market));
    await seen.call(market.session.restore());
  },

  'what is no phone number or code is refused': async (world, seen) => {
    const market = await world.client();
    for (const phone of ['', '12345', '+1312805985', '+13128059851234', '+0123456789', '+9965551234567', '+12 a', '+7 701 234 56 78']) {
      await seen.call(market.session.requestCode(phone));
    }
    for (const code of ['', '123', '123456789', '12ab']) await seen.call(market.session.verifyCode(PHONE, code));
  },

  'a client of one market refuses the numbers of another': async (world, seen) => {
    const market = await world.client({ market: 'us' });
    await seen.call(market.session.requestCode(KG_PHONE));
    await seen.call(market.session.verifyCode(KG_PHONE, '123456'));
    await seen.call(market.session.requestCode('+77012345678'));
    await seen.call(market.session.requestCode(PHONE));
  },

  'a fourth code in a quarter of an hour is refused': async (world, seen) => {
    const market = await world.client();
    for (let asked = 0; asked < 4; asked += 1) await seen.call(market.session.requestCode(PHONE));
    await seen.call(market.session.requestCode(KG_PHONE));
    await world.later(16 * MINUTE);
    await seen.call(market.session.requestCode(PHONE));
  },

  'a code is too old after a while': async (world, seen) => {
    const market = await world.client();
    await market.session.requestCode(PHONE);
    const code = await world.code(PHONE);
    await world.later(16 * MINUTE);
    await seen.call(market.session.verifyCode(PHONE, code));
  },

  'two taps on one code sign in once': async (world, seen) => {
    const market = await world.client();
    const ends = listening(market);
    await market.session.requestCode(PHONE);
    const code = await world.code(PHONE);
    await world.hold('session.verifyCode');
    const taps = [market.session.verifyCode(PHONE, code), market.session.verifyCode(PHONE, code)];
    await world.held('session.verifyCode');
    await world.settled();
    await world.release();
    for (const tap of taps) await seen.call(tap);
    await world.settled();
    seen.note(ends);
  },

  'a logout overtakes a sign-in': async (world, seen) => {
    const market = await world.client();
    await market.session.requestCode(PHONE);
    await world.hold('session.verifyCode');
    const call = seen.call(market.session.verifyCode(PHONE, await world.code(PHONE)));
    await world.held('session.verifyCode');
    await seen.call(market.session.logout());
    await call;
    await world.release();
    seen.note(state(market));
  },

  'without a session no call is made': async (world, seen) => {
    const { session, cart, wishlist, orders } = await world.client();
    for (const call of [
      () => session.profile(),
      () => session.updateProfile({ fullName: 'Ann' }),
      () => session.verifyToken(),
      () => session.requireValidity(MINUTE),
      () => cart.get(),
      () => cart.add(42, 1),
      () => cart.setQuantity(1, 1),
      () => cart.remove(1),
      () => cart.clear(),
      () => wishlist.get(),
      () => wishlist.add(15),
      () => wishlist.remove(15),
      () => wishlist.clear(),
      () => orders.place(ORDER),
      () => orders.resolve(),
      () => orders.list(),
      () => orders.get(1),
      () => orders.cancel(1),
    ]) {
      await seen.call(call());
    }
    // What cannot be right is refused first.
    await seen.call(cart.add(42, 0));
    await seen.call(orders.list({ limit: 0 }));
  },

  'a logout and a clearing end the session, once': async (world, seen) => {
    const market = await signedIn(world);
    const ends = listening(market);
    for (const end of [() => market.session.logout(), () => market.session.logout(), () => market.session.clear()]) {
      await seen.call(end());
      seen.note(state(market));
    }
    await world.later(1000);
    await signIn(world, market);
    await seen.call(market.session.clear());
    await seen.call(market.cart.get());
    await world.settled();
    seen.note([ends, state(market)]);
  },

  'a session that the server ends is over for all calls, and said once': async (world, seen) => {
    const market = await signedIn(world);
    const ends = listening(market);
    await market.cart.add(42, 2);
    await world.expireSessions();
    seen.note(state(market));
    const calls = [market.cart.add(88, 1), market.wishlist.get(), market.session.profile()].map((call) => seen.call(call));
    await Promise.all(calls);
    seen.note(state(market));
    await seen.call(market.session.restore());
    await seen.call(market.session.requireValidity(0));
    await signIn(world, market);
    await seen.call(market.cart.get());
    await world.settled();
    seen.note(ends);
  },

  'a logout after the end is no second end': async (world, seen) => {
    const market = await signedIn(world);
    const ends = listening(market);
    await world.expireSessions();
    await seen.call(market.cart.get());
    await seen.call(market.session.logout());
    await seen.call(market.cart.get());
    await world.settled();
    seen.note([ends, state(market)]);
  },

  'signing in over a session replaces it': async (world, seen) => {
    const market = await signedIn(world);
    const ends = listening(market);
    await market.cart.add(42, 2);
    await signIn(world, market, KG_PHONE);
    seen.note(state(market));
    await seen.call(market.cart.get());
    await signIn(world, market);
    await seen.call(market.cart.get());
    await world.settled();
    seen.note(ends);
  },

  'a logout overtakes a call that is on its way': async (world, seen) => {
    const market = await signedIn(world);
    await world.hold('cart.add');
    const add = seen.call(market.cart.add(42, 2));
    await world.held('cart.add');
    await market.session.logout();
    await add;
    await world.release();
    await world.later(1000);
    await signIn(world, market);
    await seen.call(market.cart.get());
  },

  'a late answer of an old session is an answer all the same': async (world, seen) => {
    const market = await signedIn(world);
    const other = await signedIn(world);
    await world.hold('session.profile');
    const profile = seen.call(market.session.profile());
    await world.held('session.profile');
    await other.session.logout();
    await seen.call(market.cart.get());
    await world.release();
    await profile;
    seen.note(state(market));
  },

  'the profile is read and changed': async (world, seen) => {
    const { session } = await signedIn(world);
    await seen.call(session.profile());
    await seen.call(session.updateProfile({ fullName: 'Анна Example' }));
    await seen.call(session.updateProfile({ profileImageUrl: 'https://example.com/a.png' }));
    await seen.call(session.profile());
    for (const wrong of [{}, { fullName: ' ' }, { fullName: 'x'.repeat(256) }]) await seen.call(session.updateProfile(wrong));
    await seen.call(session.verifyToken());
    const kg = await signedIn(world, KG_PHONE);
    await seen.call(kg.session.profile());
    await seen.call(kg.session.markets());
  },

  'a checkout asks whether the session lasts': async (world, seen) => {
    const { session } = await signedIn(world);
    for (const minutes of [0, 10, 60]) await seen.call(session.requireValidity(minutes * MINUTE));
    await seen.call(session.requireValidity(-1));
  },

  'a client that was closed makes no call': async (world, seen) => {
    const market = await signedIn(world);
    market.close();
    await seen.call(market.cart.get());
    seen.note(state(market));
  },

  'a route that is not there, and a path that leads elsewhere': async (world, seen) => {
    const market = await signedIn(world);
    for (const path of ['/nothing/here', 'products', '//evil.example', '/a/../b', '/a?x=1', '/a%2fb', '/', '/auth/logout/']) {
      await seen.call(market.request(path).then(({ status }) => status));
    }
    await seen.call(market.request('/nothing', { withSession: false }).then(({ status }) => status));
    await market.session.logout();
    await seen.call(market.request('/nothing').then(({ status }) => status));
  },

  'a call whose signal is aborted ends with its reason': async (world, seen) => {
    const market = await signedIn(world);
    const before = leaving();
    before.leave();
    await seen.call(market.session.profile(before.options));
    await world.hold('session.profile');
    const read = leaving();
    const profile = seen.call(market.session.profile(read.options));
    await world.held('session.profile');
    read.leave();
    await profile;
    await world.release();
    await seen.call(market.session.profile(leaving().options));
  },

  'a server that fails is an error, and ends no session': async (world, seen) => {
    const market = await signedIn(world);
    await world.breakDown('session.profile');
    await seen.call(market.session.profile());
    await seen.call(market.session.profile());
    seen.note(state(market));
  },
};

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
      while (shown.length < count) await world.settled();
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

export const PARKING: Record<string, Behaviour> = {
  'calls that an expiry stops go on in their order': async (world, seen) => {
    const market = await signedIn(world, PHONE, { parkOnExpiry: { limit: 10, patience: 5 * MINUTE } });
    const ends = listening(market);
    await world.expireSessions();
    const calls = [market.cart.add(42, 2)];
    await waiting(world, market, 1);
    seen.note(state(market));
    calls.push(market.cart.add(88, 1));
    await waiting(world, market, 2);
    calls.push(market.cart.get());
    await waiting(world, market, 3);
    const profile = market.session.profile();
    await waiting(world, market, 4);
    await signIn(world, market);
    for (const call of [...calls, profile]) await seen.call(call);
    await world.settled();
    seen.note([state(market), ends]);
  },

  'the call over the limit fails at once, and one whose caller leaves makes room': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await world.expireSessions();
    const first = leaving();
    const left = seen.call(market.cart.add(42, 2, first.options));
    await waiting(world, market, 1);
    const second = market.cart.add(88, 1);
    await waiting(world, market, 2);
    await seen.call(market.session.profile());
    await seen.call(market.cart.get());
    first.leave();
    await left;
    await waiting(world, market, 1);
    const third = market.session.profile();
    await waiting(world, market, 2);
    await signIn(world, market);
    await seen.call(second);
    await seen.call(third);
  },

  'what waited is never made as another user': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await world.expireSessions();
    const add = seen.call(market.cart.add(42, 2));
    await waiting(world, market, 1);
    const profile = seen.call(market.session.profile());
    await waiting(world, market, 2);
    await signIn(world, market, KG_PHONE);
    await add;
    await profile;
    await seen.call(market.cart.get());
  },

  'a logout ends what waits': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await world.expireSessions();
    const add = seen.call(market.cart.add(42, 2));
    await waiting(world, market, 1);
    await market.session.logout();
    await add;
    seen.note(state(market));
    await signIn(world, market);
    await seen.call(market.cart.get());
  },

  'an order waits only if it is asked to': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await market.cart.add(42, 2);
    await world.expireSessions();
    const profile = market.session.profile();
    await waiting(world, market, 1);
    await seen.call(market.orders.place(ORDER));
    const order = market.orders.place({ ...ORDER, parkOnExpiry: true });
    await waiting(world, market, 2);
    await signIn(world, market);
    await seen.call(profile);
    await seen.call(order);
    await seen.call(market.orders.resolve());
  },

  'who observes the cart is shown what a call that waited has made of it': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    const shown: (Cart | undefined)[] = [];
    market.cart.subscribe((cart) => shown.push(cart));
    await market.cart.add(42, 1);
    while (shown.length < 2) await world.settled();
    await world.expireSessions();
    const add = market.cart.add(88, 1);
    await waiting(world, market, 1);
    await world.settled();
    seen.note(shown);
    await signIn(world, market);
    await seen.call(add);
    while (shown.length < 3) await world.settled();
    await world.settled();
    seen.note(shown);
  },

  'patience ends': async (world, seen) => {
    const market = await signedIn(world, PHONE, { parkOnExpiry: { limit: 1, patience: 200 } });
    await world.expireSessions();
    await seen.call(market.cart.add(42, 2));
    seen.note(state(market));
  },
};
