import './environment';

import { coreVersion, MarketCore } from '../src/generated/jsi/market_sdk_ffi';
import { CORE_VERSION } from '../src/generated/version';
import {
  type Cart,
  createMarketClient,
  type LogRecord,
  type MarketClient,
  type SecureStore,
  type SessionEnd,
  type SessionState,
  type SessionStore,
  setLogSink,
  StoreError,
} from '../src/index';
import { check, equal, failsWith, failure, offer, pause, PHONE, thrown, until } from './harness';
import { lateness } from './lateness';

const LONG = { kind: 'latency', ms: 600_000 };

offer({
  'the library loads with the first client, and its version is that of the bindings': {
    async run(server) {
      check(!('NativeMarketSdkFfi' in globalThis), 'it is loaded already');
      server.client();
      check('NativeMarketSdkFfi' in globalThis, 'it is not loaded');
      equal(coreVersion(), CORE_VERSION, 'the version');
    },
  },

  'a shopper signs in and fills a cart': {
    async run(server) {
      const market = await server.signedIn();
      equal(market.session.state.status, 'signedIn', 'the state');
      const cart = await market.cart.add(42, 2);
      equal(cart.items.map((line) => [line.skuId, line.quantity]), [[42, 2]], 'the lines');
      equal([cart.totalPrice.amount, cart.totalPrice.currency], ['39.98', 'USD'], 'the total');
      equal(server.requests('/cart/items').map((request) => request.status), [200], 'what the server saw');
    },
  },

  'an error arrives with its code, status and fields': {
    async run(server) {
      const market = server.client();
      const phone = await failure(market.session.requestCode('12345'));
      equal([phone.code, phone.fields.map((field) => field.path)], ['invalidInput', ['phone']], 'a bad number');
      await failsWith(market.cart.get(), 'notSignedIn');
      await market.session.requestCode(PHONE);
      const wrong = await failure(market.session.verifyCode(PHONE, server.code() === '000000' ? '000001' : '000000'));
      equal([wrong.code, wrong.status], ['wrongCode', 400], 'the refused code');
      await market.session.verifyCode(PHONE, server.code());
      server.fault('GET /auth/profile', { kind: 'status', status: 429, retry_after: { seconds: 900 } });
      const limited = await failure(market.session.profile());
      equal([limited.code, limited.isRetryable, limited.retryAfter], ['rateLimited', true, 900_000], 'status 429');
      const config = await thrown((async () => createMarketClient({ baseUrl: 'ftp://x', appId: 'a' }))());
      equal((config as { code?: string }).code, 'config', 'a bad configuration');
    },
  },

  'a listener is told on the JavaScript thread what a thread of the library saw': {
    async run(server) {
      const market = server.client();
      const told: string[] = [];
      const carts: (Cart | undefined)[] = [];
      const threads: boolean[] = [];
      market.session.subscribe((state) => {
        threads.push(host.isJsThread());
        told.push(state.status);
      });
      market.cart.subscribe((cart) => {
        threads.push(host.isJsThread());
        carts.push(cart);
      });
      await market.session.requestCode(PHONE);
      await market.session.verifyCode(PHONE, server.code());
      await until('told that it is signed in', () => told.at(-1) === 'signedIn');
      await market.cart.add(42, 3);
      await until('told of the cart', () => carts.at(-1)?.items[0]?.quantity === 3);
      await until('a thread for each', () => host.threads('market-states') === 1 && host.threads('market-carts') === 1);
      check(threads.every(Boolean), 'not on the JavaScript thread');
      market.close();
      await until('the threads end', () => host.threads('market-states') + host.threads('market-carts') === 0);
    },
  },

  'a listener that throws harms nobody': {
    async run(server) {
      const market = server.client();
      const core = coreOf(market);
      let thrown = 0;
      const subscription = core.session().observe({
        changed() {
          thrown += 1;
          throw thrown % 2 ? new Error('on purpose') : 'on purpose, and no error';
        },
      });
      market.session.subscribe(() => {
        throw new Error('on purpose');
      });
      const told: string[] = [];
      market.session.subscribe((state) => void told.push(state.status));
      await market.session.requestCode(PHONE);
      await market.session.verifyCode(PHONE, server.code());
      await until('told that it is signed in', () => told.at(-1) === 'signedIn');
      await market.session.logout();
      await until('told that it is signed out', () => told.at(-1) === 'signedOut');
      await until('the other was told', () => thrown >= 2);
      subscription.cancel();
    },
  },

  'an aborted call ends at once, and the server sees its connection close': {
    async run(server) {
      const market = await server.signedIn();
      server.fault('GET /auth/profile', LONG, 1);
      const abort = new AbortController();
      const call = market.session.profile({ signal: abort.signal });
      await server.request('/auth/profile', (request) => request.status === null && !request.aborted);
      const start = Date.now();
      abort.abort();
      equal(((await thrown(call)) as Error).name, 'AbortError', 'the error');
      await server.request('/auth/profile', (request) => request.aborted);
      check(Date.now() - start < 1_000, `it took ${Date.now() - start} ms`);
      equal((await market.session.profile()).phone?.value, PHONE, 'the next call');
    },
  },

  'a signal that is aborted already sends nothing': {
    async run(server) {
      const market = await server.signedIn();
      const abort = new AbortController();
      abort.abort();
      equal(((await thrown(market.session.profile({ signal: abort.signal }))) as Error).name, 'AbortError', 'the error');
      equal(server.requests('/auth/profile').length, 0, 'requests');
    },
  },

  'a cart write that has begun is completed though it is aborted, and the next call waits': {
    async run(server) {
      const market = await server.signedIn();
      server.fault('POST /cart/items', { kind: 'latency', ms: 300, acted: true }, 1);
      const abort = new AbortController();
      const call = market.cart.add(42, 2, { signal: abort.signal });
      await server.request('/cart/items', (request) => request.status === null);
      abort.abort();
      equal(((await thrown(call)) as Error).name, 'AbortError', 'the error');
      equal((await market.cart.get()).items.map((line) => line.quantity), [2], 'the cart');
    },
  },

  'a thousand refused calls end the session once': {
    async run(server) {
      const market = await server.signedIn();
      const ends: SessionEnd[] = [];
      market.session.onEnd((end) => void ends.push(end));
      server.expireSessions();
      const calls = Array.from({ length: 1_000 }, () => failure(market.session.profile()));
      equal([...new Set((await Promise.all(calls)).map((error) => error.code))], ['sessionExpired'], 'the codes');
      await until('told of the end', () => ends.length > 0);
      // Real time passes: what must not come is waited for.
      await pause(200);
      equal(ends.map((end) => end.reason), ['rejected'], 'the ends');
    },
  },

  'ids and decimals arrive exactly': {
    async run(server) {
      const market = await server.signedIn();
      const most = Number.MAX_SAFE_INTEGER;
      await failsWith(market.orders.get(most), 'notFound');
      check(server.requests(`/${most}`).length + server.requests(`/${most}/`).length > 0, 'it was not asked for');
      await failsWith(market.orders.get(most + 1), 'invalidInput');
      const body = (await market.request('/cart')).body;
      const exact = '12345678901234567890.12';
      const cart = JSON.stringify({ ...JSON.parse(body), total_price: '@' }).replace('"@"', exact);
      server.fault('GET /cart', { kind: 'answer', status: 200, body: cart });
      equal((await market.cart.get()).totalPrice.amount, exact, 'the total');
    },
  },

  'text of every kind goes and comes as it is': {
    async run(server) {
      const market = await server.signedIn();
      const name = 'Zoë "Ünï" 🛒 Ж';
      equal((await market.session.updateProfile({ fullName: name })).fullName, name, 'the name');
      equal((await market.session.profile()).fullName, name, 'the name that is stored');
    },
  },

  'an answer of a megabyte arrives whole': {
    async run(server) {
      const market = await server.signedIn();
      const text = 'Größe ✓ 🛒 '.repeat(90_000);
      server.fault('GET /catalogue/big', { kind: 'answer', status: 200, body: JSON.stringify({ text }) });
      const answer = (await market.request('/catalogue/big')).json<{ text: string }>();
      check(answer.text === text, 'it is not what was sent');
    },
  },

  'a store written in JavaScript is asked on the JavaScript thread, and what it says and throws arrives': {
    async run(server) {
      const values = new Map<string, ArrayBuffer>();
      const threads: boolean[] = [];
      let broken: Error | undefined;
      const asked = <T>(answer: () => T): T => {
        threads.push(host.isJsThread());
        if (broken) throw broken;
        return answer();
      };
      const host_: SecureStore = {
        place: () => asked(() => 'javascript'),
        read: (key) => asked(() => values.get(key)),
        write: (key, value) => asked(() => void values.set(key, value)),
        delete: (key) => asked(() => void values.delete(key)),
      };
      const store: SessionStore = { type: 'host', store: host_ };
      const first = server.client(store);
      await first.session.requestCode(PHONE);
      check((await first.session.verifyCode(PHONE, server.code())).persisted, 'it is not stored');
      equal(values.size, 1, 'values');
      first.close();
      equal((await server.client(store).session.restore()).status, 'signedIn', 'the restored state');

      for (const [error, reason] of [
        [new StoreError('locked'), 'locked'],
        [new Error('on purpose'), 'unavailable'],
      ] as const) {
        const market = server.client(store);
        broken = error;
        await until(reason, () => {
          const { state } = market.session;
          return state.status === 'locked' && state.reason === reason;
        });
        broken = undefined;
      }
      check(threads.length > 4 && threads.every(Boolean), 'not on the JavaScript thread');
    },
  },

  'a log sink is told of each call, and after a reload only the next one is': {
    async before(server) {
      const records: LogRecord[] = [];
      setLogSink('info', (record) => void records.push(record));
      await server.signedIn();
      await until('a record', () => records.some((record) => record.message.includes('operation=verify_code')));
      check(!JSON.stringify(records).includes(PHONE.slice(2)), 'the phone number is in the log');
    },
    async run(server) {
      // To the sink of the runtime that is gone.
      await server.signedIn();
      const records: LogRecord[] = [];
      setLogSink('info', (record) => {
        records.push(record);
        throw new Error('on purpose');
      });
      await until('one sink', () => host.threads('market-log') === 1);
      await failsWith(server.client().cart.get(), 'notSignedIn');
      await until('a record', () => records.some((record) => record.message.includes('operation=get')));
      setLogSink('info');
      await until('no sink', () => host.threads('market-log') === 0);
    },
  },

  'a client that was closed refuses calls, and nothing of it is freed again': {
    async run(server) {
      const market = await server.signedIn();
      market.close();
      market.close();
      await failsWith(market.session.profile(), 'config');
      host.collect();
      equal((await (await server.signedIn()).session.profile()).phone?.value, PHONE, 'another client');
    },
  },

  'clients that nobody holds are collected': {
    async run(server) {
      const before = host.hostObjects();
      let held: MarketClient[] | undefined = Array.from({ length: 20 }, () => {
        const market = server.client();
        market.session.subscribe(() => {});
        market.session.onEnd(() => {});
        market.cart.subscribe(() => {});
        return market;
      });
      check(held.length && host.hostObjects() >= before + 100, 'there are no host objects');
      await until('threads tell', () => host.threads('market-states') === 20);
      held = undefined;
      await until('the library lets go of them', () => {
        host.collect();
        return ['market-states', 'market-carts', 'market-listener'].every((name) => host.threads(name) === 0);
      });
      check(host.hostObjects() < before + 50, `${host.hostObjects()} host objects are left of ${before}`);
    },
  },

  'calls, errors and callbacks leave no memory behind': {
    async run(server) {
      const market = await server.signedIn();
      const text = 'x'.repeat(4_000);
      await market.cart.add(42, 1);
      const cart = (await market.request('/cart')).json<{ items: object[] }>();
      Object.assign(cart.items[0]!, { name: text });
      server.fault('GET /cart', { kind: 'answer', status: 200, body: JSON.stringify(cart) });
      equal((await market.cart.get()).items[0]?.name.length, text.length, 'the name');
      const carts = coreOf(market).cart();
      let told = 0;
      const round = async () => {
        for (let i = 0; i < 50; i++) {
          await market.cart.get();
          await failsWith(market.session.requestCode(text), 'invalidInput');
          const before = told;
          const subscription = carts.observe({ changed: () => void (told += 1) });
          await until('told of the cart', () => told > before);
          subscription.cancel();
        }
        host.collect();
        await until('the threads end', () => host.threads('market-carts') === 0);
        host.collect();
        return host.allocated();
      };
      await round();
      const before = await round();
      for (let i = 0; i < 4; i++) await round();
      const grown = (await round()) - before;
      check(grown < 100_000, `${grown} bytes are left of 250 rounds`);
    },
  },

  'a reload with calls in flight and listeners alive leaves nobody waiting': {
    async before(server) {
      const markets = [await server.signedIn(), await server.signedIn()];
      server.fault('GET /auth/profile', LONG);
      for (const market of markets) {
        for (let i = 0; i < 25; i++) void thrown(market.session.profile());
        market.session.subscribe(() => {});
        market.cart.subscribe(() => {});
      }
      await server.request('/auth/profile', () => true);
      // The JavaScript thread is held up, in real time, until those of the library wait for it with the news of this.
      for (const market of markets) void market.session.clear();
      host.block(100);
    },
    async run(server) {
      await until('the listeners\' threads end', () => host.threads('market-states') + host.threads('market-carts') === 0);
      await until('the calls end', () => server.requests('/auth/profile').every((request) => request.aborted));
      const market = await server.signedIn();
      const told: SessionState[] = [];
      market.session.subscribe((state) => void told.push(state));
      equal((await market.cart.add(42, 1)).items.length, 1, 'lines');
      await market.session.logout();
      await until('told that it is signed out', () => told.at(-1)?.status === 'signedOut');
    },
  },

  'what comes late after a reload finds nobody': lateness(false),

  'two runtimes at once do not hear of each other': lateness(true),
});

/** The generated object behind a client. */
function coreOf(market: MarketClient): MarketCore {
  return (market as unknown as { core: MarketCore }).core;
}
