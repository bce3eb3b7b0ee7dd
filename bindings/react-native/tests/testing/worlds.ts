/** The two worlds in which a behaviour is looked at: the real client on the dev server, and the fake. */
import { type CallOptions, createMarketClient, isMarketError, type MarketClient, PhoneNumber } from '../../src/node';
import { FakeMarketClient, type FakeOptions, FakeShop } from '../../src/testing';
import { MarketDevServer, moment } from '../dev-server';

/** A call that a test holds or fails, and where it goes to. */
const ROUTES = {
  'session.requestCode': 'POST /auth/send-verification',
  'session.verifyCode': 'POST /auth/verify-code',
  'session.markets': 'GET /auth/markets',
  'session.profile': 'GET /auth/profile',
  'cart.add': 'POST /cart/items',
  'orders.place': 'POST /orders/create',
} as const;
type Held = keyof typeof ROUTES;

type Options = Omit<FakeOptions, 'signedInAs' | 'shop'>;

/** What a behaviour may do that an app cannot. Each client is a device of its own. */
export interface World {
  /** A new one, with nobody signed in. */
  client(options?: Options): Promise<MarketClient>;
  code(phone: string): Promise<string>;
  /** The server refuses all tokens given out until now. */
  expireSessions(): Promise<void>;
  /** Time passes at the server. */
  later(milliseconds: number): Promise<void>;
  /** The next order is placed, or not, and its answer lost. */
  loseOrder(acted: boolean): Promise<void>;
  /** The next such call, or of any, is answered with this status, and not acted on. */
  breakDown(call: Held | undefined, status: number): Promise<void>;
  /** So is each request to a route of the app's own. */
  answer(route: string, json: unknown, status: number): Promise<void>;
  hold(call: Held): Promise<void>;
  /** Waits until such a call is held. */
  held(call: Held): Promise<void>;
  release(): Promise<void>;
  /** Whatever was to be told has been told. */
  settled(): Promise<void>;
  end(): Promise<void>;
}

export class RealWorld implements World {
  private readonly clients: MarketClient[] = [];

  private constructor(private readonly server: MarketDevServer) {}

  static async begin(): Promise<RealWorld> {
    return new RealWorld(await MarketDevServer.start());
  }

  async client(options: Options = {}): Promise<MarketClient> {
    const { baseUrl } = this.server;
    const own = { appId: 'com.example.shop', store: { type: 'memory' }, allowHttpLoopback: true } as const;
    const client = createMarketClient({ baseUrl, ...own, ...options });
    this.clients.push(client);
    await client.session.restore();
    return client;
  }

  code(phone: string): Promise<string> {
    return this.server.code(phone);
  }

  async expireSessions(): Promise<void> {
    await this.server.expireSessions();
    // A token that is given out in the same second as one before is the same.
    await this.later(1000);
  }

  later(milliseconds: number): Promise<void> {
    return this.server.advanceClock(milliseconds);
  }

  loseOrder(acted: boolean): Promise<void> {
    return this.server.fault(ROUTES['orders.place'], { kind: 'reset', acted }, 1);
  }

  breakDown(call: Held | undefined, status: number): Promise<void> {
    return this.server.fault(call === undefined ? '*' : ROUTES[call], { kind: 'status', status }, 1);
  }

  async answer(route: string, json: unknown, status: number): Promise<void> {
    await this.server.clearFaults();
    await this.server.fault(route, { kind: 'answer', status, body: JSON.stringify(json) });
  }

  hold(call: Held): Promise<void> {
    return this.server.fault(ROUTES[call], { kind: 'hold' });
  }

  held(call: Held): Promise<void> {
    return this.server.arrived(ROUTES[call]);
  }

  release(): Promise<void> {
    return this.server.release();
  }

  settled(): Promise<void> {
    return moment(150);
  }

  async end(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.server.close();
  }
}

export class FakeWorld implements World {
  private readonly shop = new FakeShop();
  private readonly clients: FakeMarketClient[] = [];

  client(options: Options = {}): Promise<MarketClient> {
    const client = new FakeMarketClient({ ...options, shop: this.shop });
    this.clients.push(client);
    return Promise.resolve(client);
  }

  code(): Promise<string> {
    return Promise.resolve(this.shop.code);
  }

  expireSessions(): Promise<void> {
    this.shop.expireSessions();
    return Promise.resolve();
  }

  later(milliseconds: number): Promise<void> {
    return this.shop.advanceClock(milliseconds);
  }

  loseOrder(acted: boolean): Promise<void> {
    for (const client of this.clients) client.loseOrderAnswer(acted);
    return Promise.resolve();
  }

  breakDown(call: Held | undefined, status: number): Promise<void> {
    const code = ({ 401: 'sessionExpired', 408: 'timeout' } as const)[status] ?? 'server';
    for (const client of this.clients) client.fail({ code, status }, { call });
    return Promise.resolve();
  }

  answer(route: string, json: unknown, status: number): Promise<void> {
    this.shop.answer(route, json, status);
    return Promise.resolve();
  }

  hold(call: Held): Promise<void> {
    for (const client of this.clients) client.hold(call);
    return Promise.resolve();
  }

  held(call: Held): Promise<void> {
    return Promise.race(this.clients.map((client) => client.arrived(call)));
  }

  async release(): Promise<void> {
    for (const client of this.clients) await client.release();
  }

  settled(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  end(): Promise<void> {
    for (const client of this.clients) client.close();
    return Promise.resolve();
  }
}

/** What an app sees, in the order in which it does. */
export class Seen {
  readonly all: unknown[] = [];

  /** What a call ends with: a value, an error of the SDK as data, or a signal's reason. */
  async call(call: Promise<unknown>): Promise<void> {
    this.note(
      await call.catch((error: unknown) => {
        if (!isMarketError(error)) return { thrown: error instanceof Error ? error.name : error };
        const { code, message, status, isRetryable, retryAfter, fields } = error;
        return { code, message, status, isRetryable, retryAfter, fields };
      }),
    );
  }

  note(what: unknown): void {
    this.all.push(plain(what));
  }
}

/** To be compared: moments differ from run to run, and a phone number hides. */
function plain(what: unknown): unknown {
  if (what instanceof Date) return 'a moment';
  if (what instanceof PhoneNumber) return what.value;
  if (Array.isArray(what)) return what.map(plain);
  if (typeof what !== 'object' || what === null) return what;
  return Object.fromEntries(Object.entries(what).map(([name, value]) => [name, name === 'settlesIn' ? typeof value : plain(value)]));
}

/** So that a signal's reason is that of the test. */
export function leaving(): { readonly options: CallOptions; readonly leave: () => void } {
  const abort = new AbortController();
  return { options: { signal: abort.signal }, leave: () => abort.abort() };
}
