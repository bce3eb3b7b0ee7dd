import type { SessionEnd, SessionState } from '../src/index';
import { type Case, equal, pause, PHONE, thrown, until } from './harness';

/** A cart write is under way when the script is loaded anew, and its answer ends the session of a client that is gone. */
export function lateness(overlap: boolean): Case {
  return {
    overlap,
    async before(server) {
      const market = await server.signedIn();
      market.session.subscribe(() => {});
      market.session.onEnd(() => {});
      // Real time passes until the late answer.
      server.fault('POST /cart/items', { kind: 'latency', ms: 500 }, 1);
      void thrown(market.cart.add(42, 1));
      await server.request('/cart/items', (request) => request.status === null);
      server.expireSessions();
    },
    async run(server) {
      const [told, ends]: [SessionState[], SessionEnd[]] = [[], []];
      const markets = Array.from({ length: 3 }, () => server.client());
      for (const market of markets) {
        market.session.subscribe((state) => void told.push(state));
        market.session.onEnd((end) => void ends.push(end));
      }
      await server.request('/cart/items', (request) => request.status === 401);
      await until('only these are told', () => host.threads('market-states') === 3);
      await pause(100);
      equal(told.filter((state) => state.status !== 'signedOut'), [], 'states that are another\'s');
      equal(ends, [], 'ends that are another\'s');
      // They are still there: nothing of the old client took them away.
      for (const market of markets) {
        await market.session.requestCode(PHONE);
        await market.session.verifyCode(PHONE, server.code());
        await market.session.logout();
      }
      await until('told of the ends', () => ends.length === 3);
    },
  };
}
