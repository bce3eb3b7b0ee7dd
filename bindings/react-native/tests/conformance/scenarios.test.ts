import { conformance, endsOf, failed, KG_PHONE, left, lines, moment, ORDER, PHONE, stateOf } from './case';
import { existsSync } from 'node:fs';

conformance('after_logging_out_and_in_the_cart_is_still_there', async (it) => {
  const client = await it.signedIn();
  await client.cart.add(42, 2);
  await client.cart.add(88, 1);
  await client.session.logout();
  expect(stateOf(client, 'signedOut').reason).toBe('loggedOut');
  await failed(client.cart.get(), 'notSignedIn');
  await it.server.advanceClock(1_000);
  const { user } = await it.signIn(client);
  expect([user.id, user.phone.value]).toEqual([19, PHONE]);
  expect(lines(await client.cart.get())).toEqual([[42, 2], [88, 1]]);
});

conformance('a_session_that_expires_while_shopping_ends_once_and_after_signing_in_all_goes_on', async (it) => {
  const client = await it.signedIn();
  const ends = endsOf(client);
  await client.cart.add(42, 2);
  await it.server.advanceClock(1_860_000);
  await failed(client.cart.add(88, 1), 'sessionExpired');
  const { reason, user } = stateOf(client, 'expired');
  expect([reason, user.id, user.phone.value]).toEqual(['rejected', 19, PHONE]);
  await failed(client.wishlist.get(), 'sessionExpired');
  await it.signIn(client);
  expect(lines(await client.cart.add(88, 1))).toEqual([[42, 2], [88, 1]]);
  const order = await client.orders.place(ORDER);
  expect([order.status, order.items.length]).toEqual(['pending', 2]);
  expect(lines(await client.cart.get())).toEqual([]);
  expect((await ends()).map((end) => [end.reason, end.user.id])).toEqual([['rejected', 19]]);
});

conformance('an_app_that_was_closed_for_a_week_finds_its_session_over_and_its_cart_there', async (it) => {
  const first = await it.signedIn();
  await first.cart.add(42, 2);
  const client = it.again(first);
  await it.server.advanceClock(604_800_000);
  const restored = await client.session.restore();
  expect(restored.status === 'signedIn' && restored.user.phone.value).toBe(PHONE);
  const ends = endsOf(client);
  await failed(client.cart.get(), 'sessionExpired');
  const { reason, user } = stateOf(client, 'expired');
  expect([reason, user.phone.value]).toEqual(['rejected', PHONE]);
  await it.signIn(client);
  expect(lines(await client.cart.get())).toEqual([[42, 2]]);
  expect(await ends()).toHaveLength(1);
});

conformance('on_another_device_the_same_phone_finds_the_same_cart', async (it) => {
  const one = await it.signedIn();
  await one.cart.add(42, 2);
  await it.server.advanceClock(1_000);
  const two = await it.signedIn({ device: 'two' });
  expect(lines(await two.cart.get())).toEqual([[42, 2]]);
  await two.cart.add(42, 1);
  expect(lines(await one.cart.get())).toEqual([[42, 3]]);
});

conformance('an_app_that_is_opened_again_is_still_signed_in_and_asks_nothing', async (it) => {
  const first = await it.signedIn();
  await first.cart.add(42, 2);
  const client = it.again(first);
  expect(await client.session.restore()).toMatchObject({ status: 'signedIn', persisted: true, user: { id: 19 } });
  expect(stateOf(client, 'signedIn').user.phone.value).toBe(PHONE);
  expect(await it.server.requests()).toHaveLength(3);
  expect(lines(await client.cart.get())).toEqual([[42, 2]]);
});

conformance('a_refused_session_is_not_there_when_the_app_is_opened_again', async (it) => {
  const first = await it.signedIn();
  await it.server.expireSessions();
  await failed(first.cart.get(), 'sessionExpired');
  const client = it.again(first);
  expect(await client.session.restore()).toEqual({ status: 'signedOut', reason: 'noSession' });
  await failed(client.cart.get(), 'notSignedIn');
});

conformance('a_thousand_calls_refused_at_once_end_the_session_once', async (it) => {
  const client = await it.signedIn();
  const ends = endsOf(client);
  await it.server.fault('GET /auth/profile', { kind: 'hold' });
  const calls = Array.from({ length: 1000 }, () => failed(client.session.profile(), 'sessionExpired'));
  await it.server.arrived('GET /auth/profile', 1000);
  await it.server.expireSessions();
  await it.server.release();
  expect(await Promise.all(calls)).toHaveLength(1000);
  expect((await ends()).map((end) => end.reason)).toEqual(['rejected']);
});

conformance('a_logout_with_the_server_down_empties_the_store', async (it) => {
  const first = await it.signedIn();
  const ends = endsOf(first);
  await it.server.close();
  expect(it.secret()).toBeDefined();
  await first.session.logout();
  expect(it.secret()).toBeUndefined();
  await failed(first.cart.get(), 'notSignedIn');
  expect((await ends()).map((end) => end.reason)).toEqual(['loggedOut']);
  const client = it.again(first);
  expect(await client.session.restore()).toEqual({ status: 'signedOut', reason: 'noSession' });
});

conformance('clearing_a_session_tells_the_server_nothing', async (it) => {
  const client = await it.signedIn();
  const ends = endsOf(client);
  const secret = it.secret();
  await client.session.clear();
  expect([secret !== undefined && existsSync(secret), it.secret()]).toEqual([false, undefined]);
  expect(stateOf(client, 'signedOut').reason).toBe('cleared');
  expect((await it.server.state()).us.users[0]?.is_active).toBe(true);
  expect((await ends()).map((end) => end.reason)).toEqual(['cleared']);
});

conformance('a_logout_overtakes_the_calls_that_run', async (it) => {
  const client = await it.signedIn();
  await it.server.fault('POST /cart/items', { kind: 'hold' });
  const add = failed(client.cart.add(42, 2), 'signedOut');
  await it.server.arrived('POST /cart/items');
  await client.session.logout();
  await left(it.server, '/cart/items');
  await it.server.release();
  await add;
  await it.server.advanceClock(1_000);
  await it.signIn(client);
  expect(lines(await client.cart.get())).toEqual([]);
});

conformance('a_late_answer_of_an_old_session_changes_nothing', async (it) => {
  const client = await it.signedIn();
  const ends = endsOf(client);
  await it.server.fault('GET /auth/profile', { kind: 'hold' });
  const profile = client.session.profile();
  await it.server.arrived('GET /auth/profile');
  await it.server.expireSessions();
  await failed(client.cart.get(), 'sessionExpired');
  await it.server.advanceClock(1_000);
  await it.signIn(client);
  await it.server.release();
  expect((await profile).id).toBe(19);
  stateOf(client, 'signedIn');
  await client.cart.get();
  expect((await ends()).map((end) => end.reason)).toEqual(['rejected']);
});

conformance('signing_in_over_a_session_replaces_it', async (it) => {
  const client = await it.signedIn();
  const ends = endsOf(client);
  await client.cart.add(42, 2);
  expect((await it.signIn(client, KG_PHONE)).user.market).toBe('kg');
  expect(lines(await client.cart.get())).toEqual([]);
  expect((await ends()).map((end) => [end.reason, end.user.phone.value])).toEqual([['replaced', PHONE]]);
});

conformance('nothing_but_a_refusal_of_its_token_ends_a_session', async (it) => {
  const client = await it.signedIn();
  const status = (status: number) => ({ kind: 'status', status }) as const;
  for (const [fault, code] of [
    [status(500), 'server'],
    [status(503), 'server'],
    [status(403), 'rejected'],
    [{ kind: 'mis_typed' }, 'unexpectedResponse'],
  ] as const) {
    await it.server.fault('GET /auth/profile', fault, 1);
    await failed(client.session.profile(), code);
    stateOf(client, 'signedIn');
  }
  expect((await client.session.profile()).id).toBe(19);
});

conformance('two_taps_on_sign_in_spend_the_code_once', async (it) => {
  const client = it.client();
  await client.session.requestCode(PHONE);
  await it.server.fault('POST /auth/verify-code', { kind: 'hold' });
  const code = await it.server.code(PHONE);
  const taps = [client.session.verifyCode(PHONE, code), client.session.verifyCode(PHONE, code)];
  await it.server.arrived('POST /auth/verify-code');
  await client.session.markets();
  await it.server.release();
  expect((await Promise.all(taps)).map(({ user }) => user.id)).toEqual([19, 19]);
  await moment(0);
});
