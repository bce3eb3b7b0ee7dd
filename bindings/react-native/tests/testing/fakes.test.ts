import type { MarketClient, SessionState } from '../../src/node';
import { FakeMarketClient, FakeShop, PhoneNumber } from '../../src/testing';
import { KG_PHONE, PHONE } from '../dev-server';
import { code, settled, watched } from './ended';

const ORDER = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St' };

afterEach(() => {
  jest.useRealTimers();
});

test('a fake is a client, and nobody waits for it', async () => {
  jest.useFakeTimers();
  const market: MarketClient = new FakeMarketClient({ signedInAs: '+1 (312) 805-9851' });
  expect(market.session.state).toMatchObject({ status: 'signedIn', user: { id: 19, market: 'us' }, persisted: true });
  expect(await market.cart.add(42, 2)).toMatchObject({ totalPrice: { amount: '39.98', currency: 'USD' } });
  expect(new FakeMarketClient().session.state).toEqual({ status: 'signedOut', reason: 'noSession' });
  expect(() => new FakeMarketClient({ signedInAs: '12345' })).toThrow('country code');
});

test('the code of the SMS is what the test says', async () => {
  const market = new FakeMarketClient();
  market.shop.code = '4711';
  await market.session.requestCode(PHONE);
  expect(await code(market.session.verifyCode(PHONE, '123456'))).toBe('wrongCode');
  expect((await market.session.verifyCode(PHONE, '4711')).user.id).toBe(19);
});

test('a code is good once for each time that it was sent', async () => {
  const market = new FakeMarketClient();
  for (let sent = 0; sent < 2; sent += 1) await market.session.requestCode(PHONE);
  for (let used = 0; used < 2; used += 1) expect(await code(market.session.verifyCode(PHONE, '123456'))).toBeUndefined();
  expect(await code(market.session.verifyCode(PHONE, '123456'))).toBe('wrongCode');
});

test('nobody signs in while it is not known who is signed in, and the code is still good', async () => {
  const market = new FakeMarketClient();
  await market.session.requestCode(PHONE);
  await market.show({ status: 'locked', reason: 'locked' });
  expect(await code(market.session.verifyCode(PHONE, '123456'))).toBe('storeLocked');
  await market.show({ status: 'restoring' });
  const signIn = market.session.verifyCode(PHONE, '123456');
  const waits = watched(signIn);
  await settled();
  expect(waits.done).toBe(false);
  await market.show({ status: 'signedOut', reason: 'noSession' });
  expect((await signIn).user.id).toBe(19);
});

test('the test ends a session in either way, and the app is told once', async () => {
  for (const reason of ['expired', 'rejected'] as const) {
    const market = new FakeMarketClient({ signedInAs: PHONE });
    const told: unknown[] = [];
    market.session.subscribe((state) => told.push(state));
    market.session.onEnd((end) => told.push(end.reason));
    await market.expire(reason);
    await market.expire(reason);
    expect(told).toHaveLength(2);
    expect(told).toEqual(expect.arrayContaining([reason, market.session.state]));
    expect(market.session.state).toMatchObject({ status: 'expired', reason, waiting: 0, user: { id: 19 } });
  }
});

test('while a test has stopped the clock, listeners are told all the same', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE });
  const told: string[] = [];
  market.session.subscribe(({ status }) => told.push(status));
  market.cart.subscribe(() => told.push('first'));
  await market.cart.get();
  market.cart.subscribe(() => told.push('second'));
  await settled();
  await market.expire();
  expect(told).toEqual(['first', 'first', 'second', 'expired']);
});

test('a call that is on its way when the test ends the session is refused, or waits', async () => {
  for (const parkOnExpiry of [undefined, { limit: 1, patience: 60_000 }]) {
    const market = new FakeMarketClient({ signedInAs: PHONE, parkOnExpiry });
    market.hold('cart.add');
    const add = market.cart.add(42, 1);
    const refused = code(add);
    await settled();
    await market.expire();
    await market.release();
    if (parkOnExpiry === undefined) {
      expect(await refused).toBe('sessionExpired');
      continue;
    }
    expect(market.session.state).toMatchObject({ waiting: 1 });
    await market.session.requestCode(PHONE);
    await market.session.verifyCode(PHONE, market.shop.code);
    expect((await add).items).toHaveLength(1);
  }
});

test('a call that waited and goes on has all the time that it takes', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE, parkOnExpiry: { limit: 2, patience: 1000 } });
  await market.expire();
  const calls = [market.cart.add(42, 1), market.cart.add(88, 1)];
  market.hold('cart.add');
  await market.session.requestCode(PHONE);
  await market.session.verifyCode(PHONE, market.shop.code);
  await jest.advanceTimersByTimeAsync(5000);
  await market.release();
  expect((await Promise.all(calls)).map(({ items }) => items.length)).toEqual([1, 2]);
  await market.expire();
  const late = code(market.cart.add(42, 1));
  await jest.advanceTimersByTimeAsync(1000);
  expect(await late).toBe('sessionExpired');
  expect(market.session.state).toMatchObject({ waiting: 0 });
});

test('a state says how many calls wait: those that do, and those that the test adds', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE, parkOnExpiry: { limit: 5, patience: 60_000 } });
  await market.expire('expired', 2);
  expect(market.session.state).toMatchObject({ waiting: 2 });
  const leaving = new AbortController();
  const call = market.cart.add(42, 1, { signal: leaving.signal }).catch(() => undefined);
  expect(market.session.state).toMatchObject({ waiting: 3 });
  leaving.abort();
  await call;
  expect(market.session.state).toMatchObject({ waiting: 2 });
});

test('a session ends in half an hour, said five minutes before', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE });
  const told: string[] = [];
  market.session.onExpiringSoon(({ left }) => told.push(`soon ${left}`));
  market.session.onEnd(({ reason }) => told.push(reason));
  await jest.advanceTimersByTimeAsync(25 * 60_000 - 1);
  expect(told).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  expect(told).toEqual(['soon 300000']);
  await jest.advanceTimersByTimeAsync(5 * 60_000);
  expect(told).toEqual(['soon 300000', 'expired']);
});

test('an app that slept through the end finds out when it comes back', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE });
  jest.setSystemTime(Date.now() + 60 * 60_000);
  expect(market.session.state.status).toBe('signedIn');
  market.session.resumed();
  await settled();
  expect(market.session.state).toMatchObject({ status: 'expired', reason: 'expired' });
});

test('the end that comes soon is said when the test wants it, also to who listens late', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE, expiringSoon: 60_000 });
  const told: number[] = [];
  market.session.onExpiringSoon(({ left }) => told.push(left));
  await market.expiringSoon(90_000);
  market.session.onExpiringSoon(({ left }) => told.push(left));
  await settled();
  expect(told).toHaveLength(2);
  for (const left of told) expect(left).toBeLessThanOrEqual(90_000);
  expect(await code(market.session.requireValidity(10 * 60_000))).toBe('sessionExpired');
  expect(await code(market.session.requireValidity(1000))).toBeUndefined();
});

test('any state is shown, and calls wait until it is known who is signed in', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  const { state } = market.session;
  const told: SessionState[] = [];
  market.session.subscribe((news) => told.push(news));
  for (const shown of [{ status: 'restoring' }, { status: 'locked', reason: 'locked' }] as const) {
    await market.show(shown);
    expect(market.session.state).toBe(shown);
    const call = market.cart.get();
    const waits = watched(call);
    await settled();
    expect(waits.done).toBe(false);
    await market.show(state);
    expect((await call).items).toEqual([]);
  }
  expect(told.map(({ status }) => status)).toEqual(['restoring', 'signedIn', 'locked', 'signedIn']);
  await market.show({ status: 'locked', reason: 'unavailable' });
  expect(await code(market.cart.get())).toBe('storeUnavailable');
  expect(await code(market.session.restore())).toBe('storeUnavailable');
  const user = { id: 1, market: 'kg', phone: new PhoneNumber(KG_PHONE) };
  await market.show({ status: 'expired', user, reason: 'rejected', waiting: 3 });
  expect(market.session.state).toMatchObject({ waiting: 3, user: { id: 1 } });
});

test('the next calls fail as the test says: all, or those of one name, so often', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.fail('network', { times: 2 });
  market.fail({ code: 'rateLimited', retryAfter: 3000, status: 429 }, { call: 'orders.list' });
  market.fail({ code: 'invalidInput', message: 'No.', fields: [{ path: 'full_name', message: 'No.' }] }, { call: 'session.updateProfile' });
  expect(await code(market.cart.get())).toBe('network');
  expect(await code(market.wishlist.get())).toBe('network');
  expect(await code(market.cart.get())).toBeUndefined();
  await expect(market.orders.list()).rejects.toMatchObject({
    name: 'MarketError',
    code: 'rateLimited',
    status: 429,
    retryAfter: 3000,
    isRetryable: true,
    message: 'Too many attempts. Please wait a little.',
  });
  await expect(market.session.updateProfile({ fullName: 'Ann' })).rejects.toMatchObject({ fields: [{ path: 'full_name' }] });
  expect(await code(market.orders.list())).toBeUndefined();
});

test('a call that fails with an expired session ends it, and waits where calls may', async () => {
  for (const parkOnExpiry of [undefined, { limit: 1, patience: 60_000 }]) {
    const market = new FakeMarketClient({ signedInAs: PHONE, parkOnExpiry });
    const ends: string[] = [];
    market.session.onEnd(({ reason }) => ends.push(reason));
    market.fail('sessionExpired');
    const call = watched(market.cart.get());
    await settled();
    expect(call.done).toBe(parkOnExpiry === undefined);
    expect(market.session.state).toMatchObject({ status: 'expired', reason: 'rejected', waiting: call.done ? 0 : 1 });
    expect(ends).toEqual(['rejected']);
  }
});

test('a shop is not there for as long as the test says', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.fail('network', { times: Infinity });
  for (let call = 0; call < 5; call += 1) expect(await code(market.cart.get())).toBe('network');
});

test('a call that fails with nobody signed in fails for that', async () => {
  const market = new FakeMarketClient();
  market.fail('network');
  expect(await code(market.cart.get())).toBe('notSignedIn');
  expect(await code(market.session.markets())).toBe('network');
});

test('a lost answer may have been acted on', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.fail('network', { call: 'cart.add', acted: true });
  expect(await code(market.cart.add(42, 2))).toBe('network');
  expect((await market.cart.get()).items).toMatchObject([{ skuId: 42, quantity: 2 }]);
  market.loseOrderAnswer();
  expect(await code(market.orders.place(ORDER))).toBe('outcomeUnknown');
  expect(await market.orders.resolve()).toMatchObject({ type: 'placed', order: { id: 1 } });
});

test('an order that fails in a way that does not say that nothing was done is pending', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  await market.cart.add(42, 2);
  for (const failure of ['timeout', 'server', 'network', 'unexpectedResponse'] as const) {
    market.fail(failure, { call: 'orders.place', acted: true });
    expect(await code(market.orders.place({ ...ORDER, items: [{ skuId: 42, quantity: 1 }] }))).toBe('outcomeUnknown');
    expect(await code(market.orders.place(ORDER))).toBe('orderPending');
    expect(await market.orders.resolve()).toMatchObject({ type: 'placed' });
  }
  for (const failure of ['network', 'unexpectedResponse', 'tls'] as const) {
    market.fail(failure, { call: 'orders.place' });
    expect(await code(market.orders.place(ORDER))).toBe(failure);
  }
  expect(await code(market.orders.place(ORDER))).toBeUndefined();
});

test('a logout is one though the shop is not told, unless the store does not erase', async () => {
  const shop = new FakeShop();
  const [one, two] = [1, 2].map(() => new FakeMarketClient({ shop, signedInAs: PHONE })) as [FakeMarketClient, FakeMarketClient];
  one.fail('network', { call: 'session.logout' });
  expect(await code(one.session.logout())).toBeUndefined();
  expect(one.session.state).toEqual({ status: 'signedOut', reason: 'loggedOut' });
  // The other device has not heard of it.
  expect(await code(two.cart.get())).toBeUndefined();
  two.fail('storeNotCleared', { call: 'session.logout' });
  expect(await code(two.session.logout())).toBe('storeNotCleared');
  expect(two.session.state.status).toBe('signedOut');
});

test('calls take as long as the test says, on a clock that it moves', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.delay(500, 'cart.get');
  market.delay(100);
  const slow = watched(market.cart.get());
  const fast = watched(market.wishlist.get());
  await jest.advanceTimersByTimeAsync(99);
  expect([fast.done, slow.done]).toEqual([false, false]);
  await jest.advanceTimersByTimeAsync(1);
  expect([fast.done, slow.done]).toEqual([true, false]);
  await jest.advanceTimersByTimeAsync(400);
  expect(slow.done).toBe(true);
  market.delay(0, 'cart.get');
  market.delay(0);
  await market.cart.get();
});

test('held calls wait until they are let go, and only those of the name', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.hold('cart.add');
  const add = market.cart.add(42, 1);
  const held = watched(add);
  await market.wishlist.get();
  await settled();
  expect(held.done).toBe(false);
  await market.release();
  expect((await add).items).toHaveLength(1);
  await market.cart.add(42, 1);
  market.hold();
  const again = watched(market.session.markets());
  await settled();
  expect(again.done).toBe(false);
  await market.release();
  await settled();
  expect(again.done).toBe(true);
});

test('the calls that were made are there to be looked at', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  await market.cart.add(42, 2, { signal: new AbortController().signal });
  await code(market.cart.remove(7));
  await code(market.request('/products', { query: { page: 1, sort: undefined }, method: 'post', json: { a: 1 } }));
  expect(market.calls).toEqual([
    { name: 'cart.add', arguments: [42, 2] },
    { name: 'cart.remove', arguments: [7] },
    { name: 'request', arguments: [{ method: 'post', path: '/products', query: { page: '1' }, json: { a: 1 } }] },
  ]);
});

test('an order that a logout overtakes is as unknown as one without an answer', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  await market.cart.add(42, 1);
  market.hold('orders.place');
  const order = code(market.orders.place(ORDER));
  await settled();
  await market.session.logout();
  expect(await order).toBe('signedOut');
  await market.release();
  await market.session.requestCode(PHONE);
  await market.session.verifyCode(PHONE, market.shop.code);
  expect(await code(market.orders.place(ORDER))).toBe('orderPending');
  expect(await market.orders.resolve()).toMatchObject({ type: 'notSeenYet' });
});

test('a fake that is closed goes off no more', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE });
  const told: unknown[] = [];
  market.session.onEnd((end) => told.push(end));
  market.close();
  await jest.advanceTimersByTimeAsync(60 * 60_000);
  expect(told).toEqual([]);
  expect(jest.getTimerCount()).toBe(0);
});

test('what never reaches the shop uses up no failure', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.fail('network');
  await market.session.requireValidity(0);
  expect(await market.orders.resolve()).toEqual({ type: 'nothingPending' });
  expect(await code(market.cart.add(42, 0))).toBe('invalidInput');
  await market.session.clear();
  await market.session.logout();
  expect(await code(market.cart.get())).toBe('notSignedIn');
  market.hold('session.markets');
  const leaving = new AbortController();
  const left = market.session.markets({ signal: leaving.signal }).catch(() => undefined);
  await market.arrived('session.markets');
  const released = market.release();
  leaving.abort();
  await left;
  await released;
  expect(await code(market.session.requestCode(PHONE))).toBe('network');
});

test('a store that does not erase fails the next logout, and no other call', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.fail('storeNotCleared');
  expect(await code(market.cart.get())).toBeUndefined();
  expect(await code(market.session.logout())).toBe('storeNotCleared');
  expect(await code(market.session.logout())).toBeUndefined();
});

test('a test waits until calls are on their way', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.hold('wishlist.get');
  const [one, two] = [watched(market.arrived('wishlist.get')), watched(market.arrived('wishlist.get', 2))];
  const calls = [market.wishlist.get()];
  await settled();
  expect([one.done, two.done]).toEqual([true, false]);
  calls.push(market.wishlist.get());
  await market.arrived('wishlist.get', 2);
  expect(two.done).toBe(true);
  await market.release();
  await Promise.all(calls);
  // None is on its way any more.
  const next = watched(market.arrived('wishlist.get'));
  await settled();
  expect(next.done).toBe(false);
  await market.wishlist.get();
  await settled();
  expect(next.done).toBe(true);
});

test('calls that are not under way in time are said, with those that are, whatever the timers of the test do', async () => {
  const { steering } = new FakeMarketClient({ signedInAs: PHONE })['fake'].calls;
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.hold();
  const carts = [market.cart.get(), market.wishlist.get()];
  await expect(market['fake'].calls.steering.arrived('wishlist.get', 2, 1)).rejects.toThrow(
    'wishlist.get is not under way 2 times within 0.001 s, but wishlist.get, cart.get',
  );
  await expect(steering.arrived('cart.get', 1, 1)).rejects.toThrow('cart.get is not under way 1 times within 0.001 s, but nothing');
  const patient = market.arrived('wishlist.get', 2);
  await jest.advanceTimersByTimeAsync(60_000);
  carts.push(market.wishlist.get());
  await patient;
  await market.release();
  await Promise.all(carts);
});

test('calls that were held have ended when they are released, be they ever so many', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.hold();
  let ended = 0;
  const calls = Array.from({ length: 40 }, (_, at) =>
    (at % 2 === 0 ? market.cart.add(42, 1) : market.wishlist.get()).then(() => (ended += 1)),
  );
  await market.arrived('wishlist.get', 20);
  await market.release();
  expect(ended).toBe(calls.length);
});

test('a call fails once at least', () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  for (const times of [0, -1, 1.5, Number.NaN]) expect(() => market.fail('network', { times })).toThrow(`times is ${String(times)}`);
});

test('an order that lacks what an order has is told what', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  const order = { customerName: 'Ann', customerPhone: PHONE } as typeof ORDER;
  await expect(market.orders.place(order)).rejects.toMatchObject({
    code: 'invalidInput',
    message: 'A NewOrder needs a deliveryAddress, a string.',
    fields: [{ path: 'delivery_address' }],
  });
});
