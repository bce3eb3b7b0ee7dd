/** What the tests ask of the dev server besides what an app's tests do. */
import { type LoggedRequest, MarketDevServer } from '../src/testing/dev-server';

export { MarketDevServer } from '../src/testing/dev-server';

export const PHONE = '+13128059851';
export const KG_PHONE = '+996700123456';

/** For tests in which nobody waits a quarter of an hour for a code. */
export function startServer(): Promise<MarketDevServer> {
  return MarketDevServer.start({ args: ['--no-rate-limits'] });
}

/** The requests of which the path ends so, in order. */
export async function requestsTo(server: MarketDevServer, path: string): Promise<LoggedRequest[]> {
  return (await server.requests()).filter((seen) => seen.path.endsWith(path));
}

/** Waits until the clients of so many requests to `path` have left. */
export async function left(server: MarketDevServer, path: string, count = 1): Promise<void> {
  const start = Date.now();
  while ((await requestsTo(server, path)).filter(({ aborted }) => aborted).length < count) {
    if (Date.now() - start > 50_000) throw new Error(`no client left: ${path}`);
    await moment(10);
  }
}

/** Some real milliseconds: for a process to be looked at again, or for what must not come to have had its time. */
export function moment(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
