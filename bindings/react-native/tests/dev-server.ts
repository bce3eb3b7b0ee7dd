/** The dev server, as a process that ends with this one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { get, request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';

export const PHONE = '+13128059851';
export const KG_PHONE = '+996700123456';

/** What the server saw. */
export type Seen = {
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly aborted: boolean;
  readonly headers: Readonly<Record<string, string>>;
};

export class DevServer {
  private constructor(
    private readonly process: ChildProcess,
    readonly baseUrl: string,
  ) {}

  static async start(...more: string[]): Promise<DevServer> {
    const program = process.env['MARKET_DEV_SERVER'];
    if (!program) throw new Error('Run `cargo xtask test node`: it says where the dev server is.');
    const child = spawn(program, ['--quiet', '--exit-with-stdin', ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).once('line', resolve).once('close', () => reject(new Error('the dev server said nothing')));
    });
    if (!line.startsWith('listening on ')) throw new Error(`the dev server said: ${line}`);
    return new DevServer(child, line.slice('listening on '.length));
  }

  /** Ends it in good order, and waits until it is gone. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.stdin?.end();
    await gone;
  }

  async code(phone: string): Promise<string> {
    return ((await this.control('GET', `/codes?phone=${encodeURIComponent(phone)}`)) as { code: string }).code;
  }

  async expireSessions(): Promise<void> {
    await this.control('POST', '/expire-sessions');
  }

  async advance(seconds: number): Promise<void> {
    await this.control('POST', '/clock', { advance_seconds: seconds });
  }

  async fault(route: string, fault: object, times?: number): Promise<void> {
    await this.control('POST', '/faults', { route, fault, ...(times === undefined ? {} : { times }) });
  }

  async once(route: string, fault: object): Promise<void> {
    await this.fault(route, fault, 1);
  }

  async hold(route: string): Promise<void> {
    await this.fault(route, { kind: 'hold' });
  }

  async release(): Promise<void> {
    await this.control('POST', '/release');
  }

  async sql(sql: string): Promise<void> {
    await this.control('POST', '/sql', { sql });
  }

  async state(): Promise<Record<string, { users: { is_active: boolean }[]; orders: unknown[] }>> {
    return (await this.control('GET', '/state')) as never;
  }

  /** The log, in order; only what ends with `path`. */
  async requests(path = ''): Promise<Seen[]> {
    return ((await this.control('GET', '/requests')) as Seen[]).filter((seen) => seen.path.endsWith(path));
  }

  /** Waits until the log shows it. */
  async until(path: string, wanted: (seen: Seen[]) => boolean): Promise<void> {
    const start = Date.now();
    while (!wanted(await this.requests(path))) {
      const waited = Date.now() - start;
      if (waited > 50_000) throw new Error(`the server did not see it: ${path}`);
      // A log of a thousand requests takes its time to be read: what takes longer is looked at less often.
      await moment(Math.min(1 + waited / 10, 100));
    }
  }

  /** Waits until so many requests to `path` have arrived and not been answered. */
  async arrived(path: string, count = 1): Promise<void> {
    const waits = (seen: Seen): boolean => seen.status === null && !seen.aborted;
    await this.until(path, (seen) => seen.filter(waits).length >= count);
  }

  /** Waits until the clients of so many requests to `path` have left. */
  async left(path: string, count = 1): Promise<void> {
    await this.until(path, (seen) => seen.filter(({ aborted }) => aborted).length >= count);
  }

  async control(method: 'GET' | 'POST', path: string, json?: unknown): Promise<unknown> {
    // Not `fetch`: that of React Native under jest is made for a phone.
    const url = new URL(`/_dev${path}`, this.baseUrl);
    const headers = json === undefined ? {} : { 'Content-Type': 'application/json' };
    const text = await new Promise<string>((resolve, reject) => {
      const answered = (answer: import('node:http').IncomingMessage): void => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (body += chunk));
        answer.on('end', () => {
          if (answer.statusCode === undefined || answer.statusCode >= 300) reject(new Error(`${path}: ${answer.statusCode} ${body}`));
          else resolve(body);
        });
      };
      const sent = method === 'GET' ? get(url, answered) : httpRequest(url, { method, headers }, answered);
      sent.on('error', reject);
      sent.end(json === undefined ? undefined : JSON.stringify(json));
    });
    return text === '' ? undefined : JSON.parse(text);
  }
}

/** Some real milliseconds: for a process to be looked at again, or for what must not come to have had its time. */
export function moment(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
