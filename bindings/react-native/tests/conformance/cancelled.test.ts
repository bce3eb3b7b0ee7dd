import { conformance, left, lines } from './case';

/** How a cancelled call ends in JavaScript: with the signal's reason, which is an `AbortError` unless another is given. */
async function aborted(call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
}

conformance('cancelling_a_read_closes_its_connection', async (it) => {
  const client = await it.signedIn();
  await it.server.fault('GET /auth/profile', { kind: 'hold' });
  const took: number[] = [];
  for (let round = 1; round <= 5; round += 1) {
    const abort = new AbortController();
    const call = client.session.profile({ signal: abort.signal });
    await it.server.arrived('GET /auth/profile');
    const start = performance.now();
    abort.abort();
    await aborted(call);
    await left(it.server, '/auth/profile', round);
    took.push(performance.now() - start);
  }
  console.info(`figure: an aborted read was seen to be closed after ${took.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  expect(Math.min(...took)).toBeLessThan(100);
  await it.server.release();
  await client.session.profile();
});

conformance('a_cart_write_that_has_begun_is_completed_and_the_next_call_waits', async (it) => {
  const client = await it.signedIn();
  await it.server.fault('POST /cart/items', { kind: 'hold' });
  const abort = new AbortController();
  const add = client.cart.add(42, 2, { signal: abort.signal });
  await it.server.arrived('POST /cart/items');
  abort.abort();
  await aborted(add);
  const get = client.cart.get();
  await client.session.markets();
  await it.server.release();
  expect(lines(await get)).toEqual([[42, 2]]);
});

conformance('a_cart_call_that_is_cancelled_while_it_waits_is_not_made', async (it) => {
  const client = await it.signedIn();
  await it.server.fault('POST /cart/items', { kind: 'hold' });
  const first = client.cart.add(42, 2);
  await it.server.arrived('POST /cart/items');
  const abort = new AbortController();
  const second = client.cart.add(88, 1, { signal: abort.signal });
  await client.session.markets();
  abort.abort();
  await aborted(second);
  await it.server.release();
  await first;
  expect(lines(await client.cart.get())).toEqual([[42, 2]]);
});
