import type { MarketClient, SessionEnd } from '../../src/node';
import { type Case, conformance, endsOf, failed, KG_PHONE, lines, ORDER, until } from './case';

const MINUTE = 60_000;

/** Waits until the state says that so many calls wait. */
async function waiting(client: MarketClient, calls: number): Promise<void> {
  await until(() => {
    const { state } = client.session;
    return state.status === 'expired' && state.waiting === calls ? true : undefined;
  });
}

/** Signed in, on a client that parks so many calls, and refused from now on. */
async function refused(it: Case, limit: number): Promise<MarketClient> {
  const client = await it.signedIn({ parkOnExpiry: { limit, patience: 5 * MINUTE } });
  await it.server.expireSessions();
  return client;
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
  await it.server.advanceClock(1_000);
  await it.signIn(client);
  expect(lines(await first)).toEqual([[42, 2]]);
  expect(lines(await second)).toEqual([[42, 2], [88, 1]]);
  expect(lines(await third)).toEqual([[42, 2], [88, 1]]);
  expect((await ends()).map((end) => end.reason)).toEqual(['rejected']);
});

conformance('a_call_that_is_cancelled_while_it_waits_for_a_session_is_not_made', async (it) => {
  const client = await refused(it, 10);
  const leaving = new AbortController();
  const first = client.cart.add(42, 2, { signal: leaving.signal });
  await waiting(client, 1);
  const second = client.cart.add(88, 1);
  await waiting(client, 2);
  leaving.abort();
  await expect(first).rejects.toThrow();
  await waiting(client, 1);
  await it.server.advanceClock(1_000);
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

conformance('after_another_user_signs_in_what_waited_is_never_sent', async (it) => {
  const client = await refused(it, 10);
  const add = failed(client.cart.add(42, 2), 'signedOut');
  await waiting(client, 1);
  const profile = failed(client.session.profile(), 'signedOut');
  await waiting(client, 2);
  expect((await it.signIn(client, KG_PHONE)).user.market).toBe('kg');
  await add;
  await profile;
  expect(lines(await client.cart.get())).toEqual([]);
});

conformance('a_logout_ends_what_waits', async (it) => {
  const client = await refused(it, 10);
  const add = failed(client.cart.add(42, 2), 'signedOut');
  await waiting(client, 1);
  await client.session.logout();
  await add;
  await it.server.advanceClock(1000);
  await it.signIn(client);
  expect(lines(await client.cart.get())).toEqual([]);
});

conformance('of_calls_that_an_expiry_stops_the_one_over_the_limit_fails_at_once', async (it) => {
  const client = await refused(it, 1);
  const add = client.cart.add(42, 2);
  await waiting(client, 1);
  await failed(client.session.profile(), 'sessionExpired');
  await failed(client.cart.get(), 'sessionExpired');
  await it.server.advanceClock(1000);
  await it.signIn(client);
  expect(lines(await add)).toEqual([[42, 2]]);
});

conformance('an_order_waits_for_a_session_only_if_it_is_asked_to', async (it) => {
  const client = it.client({ parkOnExpiry: { limit: 10, patience: 5 * MINUTE } });
  await it.signIn(client);
  await client.cart.add(42, 2);
  await it.server.expireSessions();
  const profile = client.session.profile();
  await waiting(client, 1);
  await failed(client.orders.place(ORDER), 'sessionExpired');
  const order = client.orders.place({ ...ORDER, parkOnExpiry: true });
  await waiting(client, 2);
  await it.server.advanceClock(1000);
  await it.signIn(client);
  expect((await profile).id).toBe(19);
  expect((await order).status).toBe('pending');
});

conformance(
  'a_session_that_ends_soon_is_said_once_before_its_end',
  async (it) => {
    const client = it.client();
    const told: string[] = [];
    const ends: SessionEnd[] = [];
    client.session.onExpiringSoon(({ user, left }) => {
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(2000);
      told.push(`soon ${user.id}`);
    });
    client.session.onEnd((end) => {
      ends.push(end);
      told.push(`${end.reason} ${end.user.id}`);
    });
    await it.signIn(client);
    // Four seconds of real time: a device's own clock tells when a session ends.
    await until(() => ends[0]);
    await endsOf(client)();
    expect(told).toEqual(['soon 19', 'expired 19']);
  },
  { server: () => ['--token-lifetime', '4'] },
);

conformance('who_observes_the_cart_is_never_shown_another_users', async (it) => {
  const client = await it.signedIn();
  const shown: unknown[] = [];
  client.cart.subscribe((cart) => shown.push(cart === undefined ? 'none' : { of: cart.userId, lines: lines(cart) }));
  const wanted: unknown[] = [];
  const next = async (cart: unknown): Promise<void> => {
    wanted.push(cart);
    await until(() => (shown.length >= wanted.length ? true : undefined));
    expect(shown).toEqual(wanted);
  };
  await next('none');
  await client.cart.add(42, 2);
  await next({ of: 19, lines: [[42, 2]] });
  await it.server.expireSessions();
  await failed(client.cart.get(), 'sessionExpired');
  await it.server.advanceClock(1000);
  await it.signIn(client);
  await client.cart.add(88, 1);
  await next({ of: 19, lines: [[42, 2], [88, 1]] });
  await client.session.logout();
  await next('none');
  const { user } = await it.signIn(client, KG_PHONE);
  expect(user.id).not.toBe(19);
  await client.cart.get();
  await next({ of: user.id, lines: [] });
});
