import type { MarketError } from '../../../src/testing';
import { KG_PHONE, PHONE } from '../../dev-server';
import { leaving } from '../worlds';
import { type Behaviour, listening, MINUTE, ORDER, signedIn, signIn, state } from './behaviour';

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
    await world.breakDown('session.profile', 500);
    await seen.call(market.session.profile());
    await seen.call(market.session.profile());
    seen.note(state(market));
  },

  'who is refused with a session has one no more, and who is without is refused': async (world, seen) => {
    const market = await signedIn(world);
    const ends = listening(market);
    await world.breakDown('session.markets', 401);
    await market.session.markets().catch((error: unknown) => {
      const { code, status } = error as MarketError;
      seen.note([code, status]);
    });
    seen.note(state(market));
    await world.breakDown('session.profile', 401);
    await seen.call(market.session.profile());
    await world.settled();
    seen.note([ends, state(market)]);
  },

  'a sign-in that nobody knows the outcome of is said to be so': async (world, seen) => {
    const market = await world.client();
    await market.session.requestCode(PHONE);
    const code = await world.code(PHONE);
    for (const status of [500, 503, 502, 504, 408]) {
      await world.breakDown('session.verifyCode', status);
      await seen.call(market.session.verifyCode(PHONE, code));
    }
    await seen.call(market.session.verifyCode(PHONE, code));
  },

  'a logout meets what fails only where the server is told of it': async (world, seen) => {
    const market = await world.client();
    await world.breakDown(undefined, 500);
    await seen.call(market.session.logout());
    await seen.call(market.session.clear());
    await seen.call(market.session.requestCode(PHONE));
    await signIn(world, market);
    await world.breakDown(undefined, 500);
    await seen.call(market.session.logout());
    await seen.call(market.session.requestCode(PHONE));
    await signIn(world, market);
    await world.breakDown(undefined, 500);
    await seen.call(market.session.clear());
    await seen.call(market.session.requestCode(PHONE));
    seen.note(state(market));
  },

  'a route of the apps own is answered, or ends as its status says': async (world, seen) => {
    const market = await signedIn(world);
    const request = (withSession = true) => market.request('/shelf/7', { withSession });
    const answers: [number, unknown][] = [
      [200, { id: 7 }],
      [201, []],
      [400, { detail: 'Not like this' }],
      [403, { message: ' No. ' }],
      [404, { detail: 'Not Found' }],
      [404, { detail: 'No such shelf' }],
      [404, {}],
      [405, { detail: 'Method Not Allowed' }],
      [409, []],
      [410, null],
      [418, { detail: 5 }],
      [422, { detail: 'Too many of them' }],
      [422, { detail: 'No' }],
      [422, { detail: [{ loc: ['body', 'items', 0, 'name'], msg: 'Too long' }, { loc: ['name'], msg: 'Short' }] }],
      [422, { detail: [{ msg: 'Short' }] }],
      [429, { detail: 'Slow down' }],
      [500, { detail: 'SELECT' }],
      [501, {}],
    ];
    for (const [status, json] of answers) {
      await world.answer(`GET /shelf/{id}`, json, status);
      await seen.call(request().then((answer) => [answer.status, answer.json()]));
    }
    await world.answer('GET /shelf/{id}', { detail: 'Who are you?' }, 401);
    await seen.call(request(false));
    seen.note(state(market));
    await seen.call(request());
    seen.note(state(market));
  },
};
