import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type Cart,
  type ClientConfig,
  createMarketClient,
  type ErrorCode,
  isMarketError,
  type MarketClient,
  type MarketError,
  type NewOrder,
  type SessionEnd,
  type SessionState,
} from '../../src/node';
import { MarketDevServer, moment, PHONE } from '../dev-server';

export { KG_PHONE, left, moment, PHONE, requestsTo } from '../dev-server';

export const ORDER: NewOrder = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St' };

type Options = { readonly dialect?: 'g1' | 'g2'; readonly server?: (folder: string) => string[] };

/** What a case has: a server whose log is judged, and devices. */
export class Case {
  private readonly clients = new Set<MarketClient>();

  private constructor(
    readonly server: MarketDevServer,
    /** A folder of the case's own; a device is one in it. */
    readonly folder: string,
  ) {}

  static async start(id: string, { dialect, server }: Options): Promise<Case> {
    const folder = mkdtempSync(join(tmpdir(), 'market-case-'));
    const logs = process.env['MARKET_CONFORMANCE'];
    const log = logs ? ['--log', join(logs, `${id}.json`)] : [];
    const more = server?.(folder) ?? [];
    return new Case(await MarketDevServer.start({ dialect, args: [...more, ...log] }), folder);
  }

  async end(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  client(more: Partial<ClientConfig> & { readonly device?: string } = {}): MarketClient {
    const { device = 'one', ...options } = more;
    const client = createMarketClient({
      baseUrl: this.server.baseUrl,
      appId: 'com.example.shop',
      store: { type: 'file', folder: this.device(device) },
      allowHttpLoopback: true,
      ...options,
    });
    this.clients.add(client);
    return client;
  }

  device(name = 'one'): string {
    return join(this.folder, name);
  }

  again(client: MarketClient, more: Partial<ClientConfig> = {}): MarketClient {
    this.close(client);
    return this.client(more);
  }

  close(client: MarketClient): void {
    client.close();
    this.clients.delete(client);
  }

  async signIn(client: MarketClient, phone = PHONE) {
    await client.session.requestCode(phone);
    return client.session.verifyCode(phone, await this.server.code(phone));
  }

  async signedIn(more: Parameters<Case['client']>[0] = {}): Promise<MarketClient> {
    const client = this.client(more);
    await this.signIn(client);
    return client;
  }

  /** The file that holds the session, if there is one. */
  secret(): string | undefined {
    const found = readdirSync(this.device(), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.secret'));
    expect(found.length).toBeLessThan(2);
    return found[0] === undefined ? undefined : join(this.device(), found[0]);
  }
}

/** A test named as the case is. */
export function conformance(id: string, run: (it: Case) => Promise<void>, options: Options = {}): void {
  test(id, async () => {
    const it = await Case.start(id, options);
    try {
      await run(it);
    } finally {
      await it.end();
    }
  });
}

/** The error that a call has to end with. */
export async function failed(call: Promise<unknown>, code: ErrorCode, more: Partial<MarketError> = {}): Promise<MarketError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isMarketError(error)) throw new Error(`not an error of the SDK: ${String(error)}`);
  expect(error).toMatchObject({ code, ...more });
  return error;
}

/** What is in a cart, as SKU and quantity, in the order of the SKUs: that of the lines is the server's. */
export function lines(cart: Cart | undefined): [number, number][] | undefined {
  return cart?.items.map(({ skuId, quantity }): [number, number] => [skuId, quantity]).sort(([one], [other]) => one - other);
}

/** What a session's end is told as. Whoever counts waits a moment, so that one too many is seen. */
export function endsOf(client: MarketClient) {
  const ends: SessionEnd[] = [];
  client.session.onEnd((end) => ends.push(end));
  return async (): Promise<SessionEnd[]> => {
    await moment(200);
    return ends;
  };
}

export async function until<T>(look: () => T | undefined): Promise<T> {
  const start = Date.now();
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() - start > 20_000) throw new Error('it did not come');
    await moment(2);
  }
}

/** The state, which has to be this one. */
export function stateOf<S extends SessionState['status']>(client: MarketClient, status: S) {
  const { state } = client.session;
  expect(state).toMatchObject({ status });
  return state as Extract<SessionState, { status: S }>;
}
