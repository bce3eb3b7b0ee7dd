import type { Cart, Markets, SessionState } from '../../src/node';
import { conformance, endsOf, failed, lines, ORDER, until } from './case';

conformance('the_states_come_in_order', async (it) => {
  const client = it.client();
  const told: string[] = [];
  const name = (state: SessionState): string =>
    state.status === 'signedIn' ? `signedIn ${state.persisted}` : `${state.status} ${'reason' in state ? state.reason : ''}`;
  const first = name(client.session.state);
  told.push(first);
  client.session.subscribe((state) => {
    // Who looked first may be told the same once more.
    if (told.length > 1 || name(state) !== first) told.push(name(state));
  });
  const wanted: string[] = [];
  const next = async (state: string): Promise<void> => {
    wanted.push(state);
    await until(() => (told.at(-1) === state ? true : undefined));
  };
  await client.session.restore();
  await next('signedOut noSession');
  await it.signIn(client);
  await next('signedIn true');
  await it.server.expireSessions();
  await failed(client.cart.get(), 'sessionExpired');
  await next('expired rejected');
  await it.server.advanceClock(1_000);
  await it.signIn(client);
  await next('signedIn true');
  await client.session.logout();
  await next('signedOut loggedOut');
  const between = ['restoring ', 'signedIn false'];
  expect(told.filter((state) => !between.includes(state))).toEqual(wanted);
});

conformance('a_listener_that_throws_harms_nobody', async (it) => {
  const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const client = await it.signedIn();
  client.session.onEnd(() => {
    throw new Error('on purpose');
  });
  const ends = endsOf(client);
  await client.session.logout();
  await it.server.advanceClock(1_000);
  await it.signIn(client);
  await client.cart.get();
  await client.session.logout();
  expect((await ends()).map((end) => end.reason)).toEqual(['loggedOut', 'loggedOut']);
  expect(printed).toHaveBeenCalled();
  printed.mockRestore();
});

conformance('a_listener_that_blocks_holds_up_nobody', async (it) => {
  const client = await it.signedIn();
  let blocked = 0;
  // All listeners run on the one thread: this one waits in the only way there is.
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- so do apps
  client.session.onEnd(() => {
    blocked += 1;
    return new Promise(() => undefined);
  });
  const ends = endsOf(client);
  await client.session.logout();
  expect((await ends()).map((end) => end.reason)).toEqual(['loggedOut']);
  expect(blocked).toBe(1);
  await it.server.advanceClock(1_000);
  await it.signIn(client);
  await client.cart.get();
});

conformance('a_listener_that_calls_back_is_answered', async (it) => {
  const client = await it.signedIn();
  const handed: { state: SessionState; markets: Promise<Markets> }[] = [];
  client.session.onEnd(() => handed.push({ state: client.session.state, markets: client.session.markets() }));
  await it.server.expireSessions();
  await failed(client.cart.get(), 'sessionExpired');
  const { state, markets } = await until(() => handed[0]);
  expect(state.status).toBe('expired');
  expect((await markets).supported).toHaveLength(2);
});

conformance('who_observes_the_cart_is_shown_each_change', async (it) => {
  const client = await it.signedIn();
  const told: (Cart | undefined)[] = [];
  client.cart.subscribe((cart) => told.push(cart));
  const wanted: unknown[] = [];
  const next = async (cart: [number, number][] | undefined): Promise<void> => {
    wanted.push(cart);
    await until(() => (told.length >= wanted.length ? true : undefined));
    expect(told.map(lines)).toEqual(wanted);
  };
  await next(undefined);
  await client.cart.get();
  await next([]);
  await client.cart.add(42, 2);
  await next([[42, 2]]);
  await client.orders.place(ORDER);
  await next([]);
  await client.session.logout();
  await next(undefined);
});

conformance('who_observes_the_cart_is_shown_what_a_failed_change_has_left', async (it) => {
  const client = await it.signedIn();
  const told: (Cart | undefined)[] = [];
  client.cart.subscribe((cart) => told.push(cart));
  await until(() => (told.length === 1 ? true : undefined));
  await it.server.fault('POST /cart/items', { kind: 'status', status: 500, acted: true }, 1);
  await failed(client.cart.add(42, 2), 'server');
  await until(() => told[1]);
  expect(told.map(lines)).toEqual([undefined, [[42, 2]]]);
});
