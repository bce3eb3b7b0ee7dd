import { createMarketClient, isMarketError, type MarketClient, MarketError, setLogSink, type LogRecord } from '../../src/node';
import { KG_PHONE, type MarketDevServer, moment, PHONE, requestsTo, startServer } from '../dev-server';

let server: MarketDevServer;
let market: MarketClient;

beforeEach(async () => {
  server = await startServer();
  market = client();
});

afterEach(async () => {
  market.close();
  await server.close();
});

function client(): MarketClient {
  return createMarketClient({
    baseUrl: server.baseUrl,
    appId: 'com.example.shop',
    store: { type: 'memory' },
    allowHttpLoopback: true,
  });
}

async function signIn(phone = PHONE): Promise<void> {
  await market.session.requestCode(phone);
  await market.session.verifyCode(phone, await server.code(phone));
}

async function thrown(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test('a call ends with the reason of its signal, whatever that is', async () => {
  await signIn();
  await server.fault('GET /auth/profile', { kind: 'hold' });
  const reason = { why: 'the screen is gone' };
  const abort = new AbortController();
  const call = thrown(market.session.profile({ signal: abort.signal }));
  await server.arrived('GET /auth/profile');
  abort.abort(reason);
  expect(await call).toBe(reason);
  // One that is aborted before is not sent.
  expect(await thrown(market.session.profile({ signal: abort.signal }))).toBe(reason);
  expect(await requestsTo(server, '/auth/profile')).toHaveLength(1);
});

test('a signal that says no reason ends a call with an AbortError', async () => {
  await signIn();
  await server.fault('GET /auth/profile', { kind: 'hold' });
  // As on React Native: its signals know no reason.
  const listeners = new Set<() => void>();
  const signal = {
    aborted: false,
    addEventListener: (_: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
  };
  const call = thrown(market.session.profile({ signal: signal as unknown as AbortSignal }));
  await server.arrived('GET /auth/profile');
  signal.aborted = true;
  listeners.forEach((listener) => {
    listener();
  });
  expect(await call).toMatchObject({ name: 'AbortError' });
  expect(listeners.size).toBe(0);
});

test('aborting after the answer came does nothing', async () => {
  await signIn();
  const abort = new AbortController();
  expect((await market.session.profile({ signal: abort.signal })).id).toBe(19);
  abort.abort();
  expect((await market.cart.get()).items).toEqual([]);
});

test('an error says who called, and its own words', async () => {
  async function whoCalls(): Promise<void> {
    await market.cart.get();
  }
  const error = await thrown(whoCalls());
  expect(error).toBeInstanceOf(MarketError);
  expect(error).toBeInstanceOf(Error);
  expect(String(error)).toBe('MarketError: Please sign in.');
  expect(isMarketError(error) && error.stack).toMatch(/^MarketError: Please sign in\.\n[^]*calls\.test\.ts/);
  expect(isMarketError(new Error('another'))).toBe(false);
});

test('a number that is not whole or too large is refused and not cut down', async () => {
  await signIn();
  for (const call of [
    () => market.cart.add(1.5, 1),
    () => market.cart.add(2 ** 53, 1),
    () => market.cart.add(42, 2 ** 32 + 1),
    () => market.cart.add(42, Number.NaN),
    () => market.orders.list({ limit: 1.5 }),
  ]) {
    expect(await thrown(call())).toMatchObject({ code: 'invalidInput' });
  }
  expect(await requestsTo(server, '/cart/items')).toEqual([]);
});

test('an id that a number cannot hold is refused and not rounded', async () => {
  await signIn();
  const body = '{"id":9007199254740993,"user_id":19,"total_items":0,"items":[],"total_price":0}';
  await server.fault('GET /cart', { kind: 'answer', status: 200, body }, 1);
  expect(await thrown(market.cart.get())).toMatchObject({ code: 'unexpectedResponse' });
  expect((await market.cart.get()).items).toEqual([]);
});

test('a client is not built with a time that is none', () => {
  const build = () => createMarketClient({ baseUrl: server.baseUrl, appId: 'a', timeout: -1 });
  expect(build).toThrow(MarketError);
  expect(build).toThrow('The option timeout does not fit: it is a number of milliseconds.');
});

test('the state is known when the call that changed it has ended', async () => {
  await signIn();
  const { state } = market.session;
  expect(state.status).toBe('signedIn');
  // The same object as long as nothing changes, as React wants it.
  expect(market.session.state).toBe(state);
  await market.session.logout();
  expect(market.session.state).toEqual({ status: 'signedOut', reason: 'loggedOut' });
});

test('who no longer listens is told nothing', async () => {
  const told: string[] = [];
  const stop = market.session.subscribe((state) => told.push(state.status));
  const stopEnds = market.session.onEnd((end) => told.push(end.reason));
  stop();
  stopEnds();
  await signIn();
  await market.session.logout();
  await moment(100);
  expect(told).toEqual([]);
});

test('an end that nobody listened to is told to the first who does, and once', async () => {
  await signIn();
  await market.session.logout();
  await moment(100);
  const told: string[] = [];
  market.session.onEnd((end) => told.push(`first ${end.reason}`));
  await moment(20);
  market.session.onEnd((end) => told.push(`second ${end.reason}`));
  await moment(20);
  expect(told).toEqual(['first loggedOut']);
});

test('who comes to observe the cart when another user has just signed in is not shown the former one', async () => {
  await signIn();
  market.cart.subscribe(() => undefined);
  await market.cart.add(42, 2);
  const told: (number | undefined)[] = [];
  market.cart.subscribe((cart) => told.push(cart?.items.length));
  await moment(50);
  expect(told.at(-1)).toBe(1);
  told.length = 0;
  await signIn(KG_PHONE);
  const late: (number | undefined)[] = [];
  market.cart.subscribe((cart) => late.push(cart?.items.length));
  await moment(50);
  expect(late.length).toBeGreaterThan(0);
  expect(new Set(late)).toEqual(new Set([undefined]));
});

test('what still shows a client that was closed sees its last state, and is told nothing more', async () => {
  await signIn();
  const { state } = market.session;
  market.close();
  expect(market.session.state).toBe(state);
  market.session.resumed();
  const told: unknown[] = [];
  for (const stop of [market.session.subscribe((news) => told.push(news)), market.session.onEnd((end) => told.push(end))]) stop();
  market.cart.subscribe((cart) => told.push(cart))();
  await moment(50);
  expect(told).toEqual([]);
});

test('a body that cannot be written as JSON ends the call with an error of the SDK', async () => {
  expect(await thrown(market.request('/products', { method: 'post', json: 1n }))).toMatchObject({ code: 'invalidInput' });
  expect(await requestsTo(server, '/products')).toEqual([]);
});

test('a client that was closed says so, and may be closed twice', async () => {
  const other = client();
  other.close();
  other.close();
  expect(await thrown(other.cart.get())).toMatchObject({ code: 'config', message: 'The client was closed.' });
});

test('the log shows the calls, and nothing personal', async () => {
  const records: LogRecord[] = [];
  setLogSink('debug', (record) => records.push(record));
  await signIn();
  await market.cart.get();
  await moment(100);
  setLogSink('debug');
  expect(records.some(({ message }) => message.includes('cart'))).toBe(true);
  expect(JSON.stringify(records)).not.toMatch(/3128059851|Bearer [^•]/);
});

/** The package anew, as after a reload: Rust still holds what the former one gave it. */
function reloaded(appId: string): MarketClient {
  let context: typeof import('../../src/node') | undefined;
  jest.isolateModules(() => {
    context = jest.requireActual('../../src/node');
  });
  if (context === undefined) throw new Error('not loaded');
  const options = { baseUrl: server.baseUrl, store: { type: 'memory' }, allowHttpLoopback: true } as const;
  return context.createMarketClient({ ...options, appId });
}

test('what a former JavaScript context listened to finds nobody in the next', async () => {
  const told: string[] = [];
  const former = reloaded('com.example.former');
  former.session.subscribe((state) => told.push(`former ${state.status}`));
  former.session.onEnd((end) => told.push(`former ${end.reason}`));
  await former.session.restore();
  await moment(50);
  const next = reloaded('com.example.next');
  next.session.subscribe((state) => told.push(`next ${state.status}`));
  next.session.onEnd((end) => told.push(`next ${end.reason}`));
  await next.session.restore();
  await moment(50);
  told.length = 0;

  // The former context's session begins and ends, and a call of its own is still answered: by Rust, not through the
  // listeners, which are of a context that is gone.
  await former.session.requestCode(PHONE);
  await former.session.verifyCode(PHONE, await server.code(PHONE));
  await former.session.logout();
  await moment(100);
  expect(told).toEqual([]);
  // And what listens in the next is told what is its own.
  await next.session.requestCode(PHONE);
  await next.session.verifyCode(PHONE, await server.code(PHONE));
  // Who is told late is told the latest state alone.
  while (told.length === 0) await moment(5);
  await next.session.logout();
  await moment(100);
  expect(told.at(0)).toBe('next signedIn');
  expect(told.slice(-2).sort()).toEqual(['next loggedOut', 'next signedOut']);
  former.close();
  next.close();
});
