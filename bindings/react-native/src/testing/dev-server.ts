/** The dev server as a process of its own, for tests on Node. It is the real shop, with faults. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** What a `MarketDevServer` is started with. */
export type DevServerOptions = {
  /** Which form of the API it speaks: `documented` if nothing is said. */
  readonly dialect?: 'documented' | 'g1' | 'g2';
  /** More of its arguments, `--no-rate-limits` say. `market-dev-server --help` lists them. */
  readonly args?: readonly string[];
};

/**
 * How it misbehaves. `acted` says whether it does what it was asked before; no, if left out. The kinds and what else they
 * take are in its README.
 */
export type Fault = {
  readonly kind:
    | 'latency'
    | 'hold'
    | 'reset'
    | 'hang_up'
    | 'truncated'
    | 'never_ending'
    | 'oversized'
    | 'mis_typed'
    | 'html'
    | 'status'
    | 'answer'
    | 'redirect'
    | 'date';
  readonly acted?: boolean;
  readonly [field: string]: unknown;
};

/** A request as the server saw it. */
export type LoggedRequest = {
  readonly method: string;
  readonly path: string;
  /** None while it is running, and when nothing was answered. */
  readonly status: number | null;
  /** The client left before it was answered. */
  readonly aborted: boolean;
  /** In lower case; a token shows as its number: `Bearer #1`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
};

/** What the server keeps, of one market. */
export type StoredShop = {
  readonly users: readonly { id: number; phone: string; full_name: string | null; is_active: boolean }[];
  readonly carts: readonly { id: number; user_id: number; items: readonly { id: number; sku_id: number; quantity: number }[] }[];
  readonly wishlists: readonly { id: number; user_id: number; product_ids: readonly number[] }[];
  readonly orders: readonly {
    id: number;
    user_id: number;
    status: string;
    total_amount: number;
    items: readonly { sku_id: number; quantity: number }[];
  }[];
  /** Pieces, by SKU. */
  readonly stock: Readonly<Record<string, number>>;
};

const PROGRAM = 'market-dev-server';
const READY = 'listening on ';
/** Milliseconds that it may take to start, and to end. */
const START = 30_000;
const END = 10_000;

/**
 * A `market-dev-server` that runs as long as the test does. It is found by the variable `MARKET_DEV_SERVER`, or on the
 * `PATH`; and it ends when it is closed, or with this process.
 */
export class MarketDevServer {
  private constructor(
    private readonly process: ChildProcess,
    /** For `createMarketClient`, which wants `allowHttpLoopback: true` with it. */
    readonly baseUrl: string,
  ) {}

  /** Starts one, on a free port, and waits until it listens: for 30 seconds at most. */
  static async start({ dialect = 'documented', args = [] }: DevServerOptions = {}): Promise<MarketDevServer> {
    const program = process.env['MARKET_DEV_SERVER'] || PROGRAM;
    const all = ['--port', '0', '--quiet', '--exit-with-stdin', '--dialect', dialect, ...args];
    // Jest's variables are not those of the process that it runs in.
    const { env } = process;
    const child = spawn(program, all, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let late: ReturnType<typeof setTimeout> | undefined;
    const line = await new Promise<string>((resolve, reject) => {
      child.once('error', (error) => reject(absent(program, error)));
      // When it has ended and all that it said was read.
      child.once('close', (code) => reject(new Error(`${program} ended with ${String(code)} before it listened.`)));
      createInterface(child.stdout).once('line', resolve);
      late = setTimeout(() => {
        reject(new Error(`${program} said nothing within ${String(START / 1000)} seconds.`));
        child.kill('SIGKILL');
      }, START);
    }).finally(() => clearTimeout(late));
    if (!line.startsWith(READY)) {
      child.kill();
      throw new Error(`${program} is no ${PROGRAM}. It said: ${line}`);
    }
    // A test that fails before it closes it must not keep this process, and so the server, for ever.
    child.unref();
    for (const pipe of [child.stdin, child.stdout]) (pipe as Socket).unref();
    return new MarketDevServer(child, line.slice(READY.length));
  }

  /** Ends it in good order, and waits until it is gone. One that does not go within 10 seconds is killed. */
  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.ref();
    this.process.stdin?.end();
    const late = setTimeout(() => this.process.kill('SIGKILL'), END);
    await gone;
    clearTimeout(late);
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The code that an SMS would have brought. */
  async code(phone: string): Promise<string> {
    const { code } = (await this.control('GET', `/codes?phone=${encodeURIComponent(phone)}`)) as { code: string | null };
    if (code === null) throw new Error('No code was asked for with this phone, or it was used, or it is too old.');
    return code;
  }

  /** Ends all sessions: the server refuses the tokens that it has given out until now. */
  async expireSessions(): Promise<void> {
    await this.control('POST', '/expire-sessions');
  }

  /** Moves its clock on by so many milliseconds. */
  async advanceClock(milliseconds: number): Promise<void> {
    await this.control('POST', '/clock', { advance_seconds: milliseconds / 1000 });
  }

  /**
   * Has it misbehave on a route, `POST /orders/create` say: so many times, or from now on. `{…}` stands for one part of the
   * path, and `*` for any method or, alone, for everything.
   */
  async fault(route: string, fault: Fault, times?: number): Promise<void> {
    await this.control('POST', '/faults', { route, fault, ...(times === undefined ? {} : { times }) });
  }

  /** Has it behave again: all faults go. */
  async clearFaults(): Promise<void> {
    await this.control('DELETE', '/faults');
  }

  /** Lets the requests go on that a fault of the kind `hold` holds, and holds no more. */
  async release(): Promise<void> {
    await this.control('POST', '/release');
  }

  /** All requests since the start, in their order. */
  async requests(): Promise<LoggedRequest[]> {
    return (await this.control('GET', '/requests')) as LoggedRequest[];
  }

  /**
   * Resolves when so many requests to a route, written as for `fault`, are under way: come, and not yet answered, but held,
   * delayed or being worked on. A fault that is to be played on them was taken by then: it may be cleared. It rejects if they
   * are not within 10 seconds, and says what is under way; and if there is no such route.
   */
  async arrived(route: string, count = 1): Promise<void> {
    await this.control('GET', `/arrived?route=${encodeURIComponent(route)}&count=${String(count)}`);
  }

  /** What it keeps. */
  async state(): Promise<Record<'kg' | 'us', StoredShop>> {
    return (await this.control('GET', '/state')) as Record<'kg' | 'us', StoredShop>;
  }

  /** Any other of its control calls, as its README has them: `control('POST', '/reset')`. */
  async control(method: 'GET' | 'POST' | 'DELETE', path: string, json?: unknown): Promise<unknown> {
    // Not `fetch`: that of React Native under jest is made for a phone.
    const headers = json === undefined ? {} : { 'Content-Type': 'application/json' };
    const text = await new Promise<string>((resolve, reject) => {
      const answered = (answer: IncomingMessage): void => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (body += chunk));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(body);
          else reject(new Error(`${method} ${path}: ${String(answer.statusCode)} ${body}`));
        });
      };
      // A connection of its own: the server closes those that rest.
      const sent = request(new URL(`/_dev${path}`, this.baseUrl), { method, headers, agent: false }, answered);
      sent.on('error', reject);
      sent.end(json === undefined ? undefined : JSON.stringify(json));
    });
    return text === '' ? undefined : JSON.parse(text);
  }
}

function absent(program: string, error: Error): Error {
  return new Error(
    `${program} does not start (${error.message}). In a checkout of the SDK, install it with ` +
      `\`cargo install --path tests/dev-server\`, or build it with \`cargo build -p ${PROGRAM}\` and name it in MARKET_DEV_SERVER.`,
  );
}
