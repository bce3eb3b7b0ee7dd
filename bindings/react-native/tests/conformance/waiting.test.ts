import type { MarketClient } from '../../src/node';
import { conformance, endsOf, failed, lines, until } from './case';

const MINUTE = 60_000;

/** Waits until the state says that so many calls wait. */
async function waiting(client: MarketClient, calls: number): Promise<void> {
  await until(() => {
    const { state } = client.session;
    return state.status === 'expired' && state.waiting === calls ? true : undefined;
  });
}

conformance('calls_that_an_expiry_stops_go_on_in_order_after_the_same_user_signs_in', async (it) => {
  const client = it.client({ parkOnExpiry: { limit: 10, patience: 5 * MINUTE } });
  await it.signIn(client);
  const ends = endsOf(client);
  await it.server.expireSessions();
  const first = client.cart.add(42, 2);
  await waiting(client, 1);
  const { state } = client.session;
  expect(state).toMatchObject({ status: 'expired', reason: 'rejected', user: { id: 19 } });
  const second = client.cart.add(88, 1);
  await waiting(client, 2);
  const third = client.cart.get();
  await waiting(client, 3);
  await it.server.advance(1);
  await it.signIn(client);
  expect(lines(await first)).toEqual([[42, 2]]);
  expect(lines(await second)).toEqual([[42, 2], [88, 1]]);
  expect(lines(await third)).toEqual([[42, 2], [88, 1]]);
  expect((await ends()).map((end) => end.reason)).toEqual(['rejected']);
});

conformance('a_call_that_is_cancelled_while_it_waits_for_a_session_is_not_made', async (it) => {
  const client = it.client({ parkOnExpiry: { limit: 10, patience: 5 * MINUTE } });
  await it.signIn(client);
  await it.server.expireSessions();
  const leaving = new AbortController();
  const first = client.cart.add(42, 2, { signal: leaving.signal });
  await waiting(client, 1);
  const second = client.cart.add(88, 1);
  await waiting(client, 2);
  leaving.abort();
  await expect(first).rejects.toThrow();
  await waiting(client, 1);
  await it.server.advance(1);
  await it.signIn(client);
  expect(lines(await second)).toEqual([[88, 1]]);
});

conformance('a_session_that_ends_too_soon_for_a_checkout_is_said_and_goes_on', async (it) => {
  const client = it.client();
  await failed(client.session.requireValidity(10 * MINUTE), 'notSignedIn');
  await it.signIn(client);
  await client.session.requireValidity(10 * MINUTE);
  await failed(client.session.requireValidity(60 * MINUTE), 'sessionExpired');
  expect(client.session.state.status).toBe('signedIn');
  client.session.onExpiringSoon(() => undefined)();
  expect(lines(await client.cart.get())).toEqual([]);
});
