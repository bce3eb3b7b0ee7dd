import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { createMarketClient, isMarketError, type MarketClient } from '../../src/node';
import { requireVersion } from '../../src/library';
import { CORE_VERSION } from '../../src/generated/version';
import { type Case, conformance, failed, left, lines, ORDER, PHONE, stateOf } from './case';

const none = { status: undefined, isRetryable: false };

conformance('a_call_without_a_session_says_not_signed_in_and_is_not_sent', async (it) => {
  const client = it.client();
  await client.session.restore();
  const said = { ...none, message: 'Please sign in.' };
  await failed(client.cart.get(), 'notSignedIn', said);
  await failed(client.session.profile(), 'notSignedIn', said);
  await client.session.markets();
});

conformance('a_wrong_code_and_a_used_code_are_said_to_be_wrong', async (it) => {
  const client = it.client();
  await client.session.requestCode(PHONE);
  const right = await it.server.code(PHONE);
  await failed(client.session.verifyCode(PHONE, '000000'), 'wrongCode', {
    status: 400,
    isRetryable: false,
    message: 'Invalid or expired verification code',
  });
  stateOf(client, 'signedOut');
  await client.session.verifyCode(PHONE, right);
  await failed(client.session.verifyCode(PHONE, right), 'wrongCode');
  stateOf(client, 'signedIn');
});

conformance('a_fourth_code_in_a_quarter_of_an_hour_is_rate_limited', async (it) => {
  const client = it.client();
  for (let asked = 0; asked < 3; asked += 1) await client.session.requestCode(PHONE);
  await failed(client.session.requestCode(PHONE), 'rateLimited', { status: 422, isRetryable: true, retryAfter: 900_000 });
});

conformance('an_overloaded_server_says_when_to_come_back', async (it) => {
  const client = await it.signedIn();
  await it.server.fault('GET /auth/profile', { kind: 'status', status: 429, retry_after: { seconds: 3600 } }, 1);
  await failed(client.session.profile(), 'rateLimited', { status: 429, isRetryable: true, retryAfter: 3_600_000 });
  await it.server.fault('GET /auth/profile', { kind: 'status', status: 404 }, 1);
  await failed(client.session.profile(), 'notFound', { status: 404 });
});

conformance('input_that_cannot_be_right_is_refused_before_it_is_sent', async (it) => {
  const client = it.client();
  const refused = async (call: Promise<unknown>, path: string): Promise<void> => {
    const error = await failed(call, 'invalidInput', none);
    expect(error.fields).toEqual([{ path, message: error.message }]);
  };
  await refused(client.session.requestCode('12345'), 'phone');
  await refused(client.session.verifyCode(PHONE, '12ab'), 'code');
  await it.signIn(client);
  await refused(client.cart.add(42, 0), 'quantity');
  await refused(client.cart.add(42, 101), 'quantity');
  await refused(client.request('/auth/logout', { method: 'post' }), 'path');
});

conformance('fields_that_the_server_refuses_are_named', async (it) => {
  const client = await it.signedIn();
  const message = 'Value error, Quantity must be at least 1';
  const call = client.request('/cart/items', { method: 'post', json: { sku_id: 42, quantity: 0 } });
  const error = await failed(call, 'invalidInput', { status: 422, message });
  expect(error.fields).toEqual([{ path: 'quantity', message }]);
});

conformance('what_the_shop_declines_is_shown_in_its_words', async (it) => {
  const client = await it.signedIn();
  const empty = { status: 400, isRetryable: false, message: 'Your cart is empty' };
  await failed(client.orders.place(ORDER), 'rejected', empty);
  await failed(client.orders.place({ ...ORDER, items: [{ skuId: 105, quantity: 1 }] }), 'rejected', {
    message: "Product 'Winter Boots' (size: 43, color: Brown) is out of stock",
  });
});

conformance('what_is_not_there_is_not_found', async (it) => {
  const client = await it.signedIn();
  await failed(client.cart.add(9999, 1), 'notFound', { status: 404 });
  await failed(client.orders.get(7), 'notFound');
});

conformance(
  'a_server_that_takes_no_orders_does_not_support_them',
  async (it) => {
    const client = await it.signedIn();
    await client.cart.add(42, 2);
    await failed(client.orders.place(ORDER), 'unsupported', { status: 404 });
    expect(lines(await client.cart.get())).toEqual([[42, 2]]);
  },
  { dialect: 'g1' },
);

conformance('the_words_of_a_server_that_fails_are_not_shown', async (it) => {
  const client = await it.signedIn();
  const body = JSON.stringify({ detail: 'SELECT password FROM users' });
  await it.server.fault('GET /auth/profile', { kind: 'answer', status: 500, body }, 1);
  const error = await failed(client.session.profile(), 'server', {
    status: 500,
    isRetryable: true,
    message: 'The shop has a problem. Please try again later.',
  });
  const texts = [String(error), inspect(error), JSON.stringify(error), error.detail, error.stack];
  expect(texts.join('\n')).not.toContain('password');
});

conformance('an_answer_that_cannot_be_read_is_unexpected', async (it) => {
  const client = await it.signedIn();
  await it.server.fault('GET /cart', { kind: 'mis_typed' }, 1);
  await failed(client.cart.get(), 'unexpectedResponse', { status: 200, isRetryable: false });
  await client.cart.get();
});

conformance('a_redirect_to_another_origin_is_refused', async (it) => {
  const client = await it.signedIn();
  const fault = { kind: 'redirect', status: 307, to: { origin: 'https://other.example' } } as const;
  await it.server.fault('GET /auth/profile', fault, 1);
  await failed(client.session.profile(), 'unexpectedResponse', { status: 307 });
  stateOf(client, 'signedIn');
});

conformance('a_server_that_is_gone_is_a_network_error_and_ends_no_session', async (it) => {
  const client = await it.signedIn();
  await it.server.close();
  const said = { status: undefined, isRetryable: true, message: 'The shop could not be reached.' };
  await failed(client.cart.get(), 'network', said);
  stateOf(client, 'signedIn');
});

conformance('an_answer_that_does_not_come_is_a_timeout', async (it) => {
  await it.signedIn();
  const client = it.client({ timeout: 2000 });
  expect((await client.session.restore()).status).toBe('signedIn');
  await it.server.fault('GET /auth/profile', { kind: 'hold' });
  await failed(client.session.profile(), 'timeout', { isRetryable: true });
  await left(it.server, '/auth/profile');
  stateOf(client, 'signedIn');
});

const authority = (folder: string): string => join(folder, 'authority.pem');

conformance(
  'a_certificate_that_nobody_vouches_for_is_refused',
  async (it) => {
    await failed(it.client().session.markets(), 'tls', { isRetryable: false });
    const trusting = it.client({ extraRootCertificates: [readFileSync(authority(it.folder), 'utf8')] });
    expect((await trusting.session.markets()).supported).toHaveLength(2);
  },
  { server: (folder) => ['--tls', '--tls-ca-out', authority(folder)] },
);

conformance('an_order_whose_answer_is_lost_is_of_unknown_outcome_and_placed_once', async (it) => {
  const client = await it.signedIn();
  await client.cart.add(42, 2);
  await it.server.fault('POST /orders/create', { kind: 'reset', acted: true }, 1);
  await failed(client.orders.place(ORDER), 'outcomeUnknown', { isRetryable: false });
  expect(await client.orders.list()).toHaveLength(1);
  expect((await it.server.state()).us.orders).toHaveLength(1);
});

/** Signed in, with two bags in the cart, and an order of them without an answer. */
async function withLostOrder(it: Case, acted: boolean): Promise<MarketClient> {
  const client = await it.signedIn();
  await client.cart.add(42, 2);
  await it.server.fault('POST /orders/create', { kind: 'reset', acted }, 1);
  await failed(client.orders.place(ORDER), 'outcomeUnknown');
  return client;
}

conformance('an_order_whose_answer_is_lost_holds_the_next_one_back_until_it_is_found', async (it) => {
  const client = await withLostOrder(it, true);
  await failed(client.orders.place(ORDER), 'orderPending', { isRetryable: false });
  expect(await client.orders.resolve()).toMatchObject({ type: 'placed', order: { items: [{ quantity: 2 }] } });
  expect(await client.orders.resolve()).toEqual({ type: 'nothingPending' });
  expect((await it.server.state()).us.orders).toHaveLength(1);
});

conformance('an_order_that_is_not_seen_is_called_not_placed_only_after_its_time', async (it) => {
  const client = await withLostOrder(it, false);
  const yet = await client.orders.resolve();
  expect(yet.type).toBe('notSeenYet');
  const settlesIn = yet.type === 'notSeenYet' ? yet.settlesIn : undefined;
  expect(settlesIn).toBeGreaterThanOrEqual(800_000);
  expect(settlesIn).toBeLessThanOrEqual(900_000);
  await it.server.advanceClock(960_000);
  expect(await client.orders.resolve()).toEqual({ type: 'notPlaced' });
  expect(await client.orders.resolve()).toEqual({ type: 'nothingPending' });
});

conformance('a_forced_order_goes_out_though_an_earlier_one_is_unknown', async (it) => {
  const client = await withLostOrder(it, false);
  expect(await client.orders.place({ ...ORDER, force: true })).toMatchObject({ id: 1 });
  expect(await client.orders.resolve()).toEqual({ type: 'nothingPending' });
});

conformance('a_sign_in_whose_answer_is_lost_is_of_unknown_outcome_and_a_new_code_signs_in', async (it) => {
  const client = it.client();
  await client.session.requestCode(PHONE);
  await it.server.fault('POST /auth/verify-code', { kind: 'reset', acted: true }, 1);
  const code = await it.server.code(PHONE);
  await failed(client.session.verifyCode(PHONE, code), 'outcomeUnknown', { isRetryable: false });
  stateOf(client, 'signedOut');
  await it.signIn(client);
  await client.cart.get();
});

conformance('a_client_that_makes_no_sense_is_refused', async (it) => {
  for (const [baseUrl, appId] of [
    ['ftp://shop.example', 'a'],
    ['http://shop.example', 'a'],
    ['https://shop.example', ''],
  ] as const) {
    const build = async () => Promise.resolve(createMarketClient({ baseUrl, appId, allowHttpLoopback: true }));
    await failed(build(), 'config', { isRetryable: false });
  }
  await it.client().session.markets();
});

conformance('a_phone_and_a_code_in_a_servers_words_are_masked', async (it) => {
  const client = it.client();
  const body = JSON.stringify({ detail: 'No code 482913 for +1 (312) 805-9851' });
  await it.server.fault('POST /auth/verify-code', { kind: 'answer', status: 400, body }, 1);
  const call = client.session.verifyCode(PHONE, '482913');
  const error = await failed(call, 'wrongCode', { message: 'No code ••• for +•••' });
  const { user } = await it.signIn(client);
  const shown = [error, user, user.phone, client.session.state].flatMap((what) => [
    // eslint-disable-next-line @typescript-eslint/no-base-to-string -- what comes of it is the subject
    String(what),
    inspect(what, { depth: 9, showHidden: true }),
    JSON.stringify(what),
  ]);
  expect(shown.join('\n')).not.toMatch(/482913|3128059851|805-9851/);
  // The whole number is there for who asks for it.
  expect(user.phone.value).toBe(PHONE);
});

conformance('a_read_whose_answer_is_lost_is_made_again_and_an_addition_is_not', async (it) => {
  const client = await it.signedIn();
  const fault = { kind: 'reset', acted: true } as const;
  await it.server.fault('GET /auth/profile', fault, 1);
  await client.session.profile();
  await it.server.fault('POST /cart/items', fault, 1);
  await failed(client.cart.add(42, 2), 'network');
  expect(lines(await client.cart.get())).toEqual([[42, 2]]);
});

conformance('a_binding_made_for_another_core_refuses_to_load', async (it) => {
  await it.client().session.markets();
  let refused: unknown;
  try {
    requireVersion(CORE_VERSION, CORE_VERSION + 1);
  } catch (error) {
    refused = error;
  }
  expect(isMarketError(refused) && refused.code).toBe('config');
});
