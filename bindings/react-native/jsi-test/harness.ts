// How a case is written, and what it is written with.
import {
  createMarketClient,
  type ErrorCode,
  isMarketError,
  type MarketClient,
  type MarketError,
  type SessionStore,
} from '../src/index';

export const PHONE = '+13128059851';

export interface Case {
  /** What is done before the script is loaded anew: it is torn down when this has resolved. */
  before?: (server: DevServer) => Promise<void>;
  /** Whether the next runtime is there before the first one goes. */
  overlap?: boolean;
  run: (server: DevServer) => Promise<void>;
}

/** What the server saw of a request. */
export interface Logged {
  method: string;
  path: string;
  status: number | null;
  aborted: boolean;
}

/** The dev server, as a process that ends with the case. */
export class DevServer {
  constructor(readonly baseUrl: string) {}

  private control(method: string, path: string, body = ''): string {
    const origin = /^http:\/\/[^/]+/.exec(this.baseUrl)![0];
    return host.exchange(method, `${origin}/_dev${path}`, body);
  }

  client(store: SessionStore = { type: 'memory' }): MarketClient {
    return createMarketClient({ baseUrl: this.baseUrl, appId: 'com.example.shop', store, allowHttpLoopback: true });
  }

  code(phone = PHONE): string {
    return JSON.parse(this.control('GET', `/codes?phone=${encodeURIComponent(phone)}`)).code;
  }

  async signedIn(): Promise<MarketClient> {
    const market = this.client();
    await market.session.requestCode(PHONE);
    await market.session.verifyCode(PHONE, this.code());
    return market;
  }

  expireSessions(): void {
    this.control('POST', '/expire-sessions');
  }

  fault(route: string, fault: object, times?: number): void {
    this.control('POST', '/faults', JSON.stringify({ route, fault, times }));
  }

  requests(path: string): Logged[] {
    const all: Logged[] = JSON.parse(this.control('GET', '/requests'));
    return all.filter((request) => request.path.endsWith(path));
  }

  /** Waits for a request that is as it should be. */
  async request(path: string, wanted: (request: Logged) => boolean): Promise<void> {
    await until(`${path} as it should be`, () => this.requests(path).some(wanted));
  }
}

export function check(truth: unknown, what: string): asserts truth {
  if (!truth) throw new Error(what);
}

export function equal<T>(is: T, should: T, what: string): void {
  const shown = (value: unknown) =>
    JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value);
  check(shown(is) === shown(should), `${what}: ${shown(is)} in place of ${shown(should)}`);
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits for something that is to become true, 10 s at the most. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo(); await pause(5)) {
    check(Date.now() < end, `in vain waited for: ${what}`);
  }
}

/** What a call ends with that does not succeed. */
export async function thrown(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The error that a call ends with. */
export async function failure(call: Promise<unknown>): Promise<MarketError> {
  const error = await thrown(call);
  check(isMarketError(error), `not a MarketError: ${String(error)}`);
  return error;
}

export async function failsWith(call: Promise<unknown>, code: ErrorCode): Promise<void> {
  equal((await failure(call)).code, code, 'the code');
}

/** Gives the cases to the runner. */
export function offer(cases: Record<string, Case>): void {
  const run = async (name: string, reloads: number, ended: (how: string, why: string) => void) => {
    try {
      const { before, overlap, run } = cases[name]!;
      if (reloads === 0) host.keep(host.start([]));
      const server = new DevServer(host.kept());
      if (before && reloads === 0) {
        await before(server);
        ended('reload', overlap ? 'overlap' : '');
      } else {
        await run(server);
        ended('passed', '');
      }
    } catch (error) {
      ended('failed', error instanceof Error ? `${error.message}\n${error.stack}` : String(error));
    }
  };
  Object.assign(globalThis, {
    caseNames: () => Object.keys(cases),
    runCase: (name: string, reloads: number, ended: (how: string, why: string) => void) => void run(name, reloads, ended),
  });
}
