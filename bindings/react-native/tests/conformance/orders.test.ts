import { writeFileSync } from 'node:fs';

import type { Fault } from '../../src/testing/dev-server';
import type { MarketClient } from '../../src/node';
import { type Case, conformance, failed, KG_PHONE, ORDER } from './case';

/** Signed out, after an order whose answer was lost. */
async function lostAndLoggedOut(it: Case, fault: Fault): Promise<MarketClient> {
  const client = await it.signedIn();
  await client.cart.add(42, 2);
  await it.server.fault('POST /orders/create', fault, 1);
  await failed(client.orders.place(ORDER), 'outcomeUnknown');
  await client.session.logout();
  return client;
}

conformance('an_order_whose_answer_was_lost_is_found_after_a_logout_and_opening_the_app_again', async (it) => {
  const client = it.again(await lostAndLoggedOut(it, { kind: 'reset', acted: true }));
  await it.server.advanceClock(1000);
  await it.signIn(client);
  await failed(client.orders.place(ORDER), 'orderPending');
  const outcome = await client.orders.resolve();
  expect(outcome).toMatchObject({ type: 'placed', order: { items: [{ quantity: 2 }] } });
  expect(outcome.type === 'placed' && outcome.order.items).toHaveLength(1);
  expect((await it.server.state()).us.orders).toHaveLength(1);
});

conformance('an_order_that_is_unknown_holds_no_other_user_back', async (it) => {
  const client = await lostAndLoggedOut(it, { kind: 'reset' });
  await it.signIn(client, KG_PHONE);
  expect(await client.orders.resolve()).toEqual({ type: 'nothingPending' });
  await client.cart.add(103, 1);
  const order = await client.orders.place({ ...ORDER, customerName: 'Anna', customerPhone: KG_PHONE });
  expect([order.status, order.items.length]).toEqual(['pending', 1]);
});

conformance('a_note_of_an_order_that_cannot_be_read_is_said_once_and_orders_go_on', async (it) => {
  const client = await lostAndLoggedOut(it, { kind: 'reset' });
  writeFileSync(it.secret() ?? '', '{');
  await it.server.advanceClock(1000);
  await it.signIn(client);
  await failed(client.orders.place(ORDER), 'orderPending');
  expect(await client.orders.resolve()).toEqual({ type: 'unreadable' });
  expect(await client.orders.resolve()).toEqual({ type: 'nothingPending' });
  expect(await client.orders.place(ORDER)).toMatchObject({ id: 1 });
});
