import type { Cart } from '../../../src/node';
import { KG_PHONE, PHONE } from '../../dev-server';
import { leaving } from '../worlds';
import { type Behaviour, listening, MINUTE, ORDER, signedIn, signIn, state, waiting, until } from './behaviour';

const PARKS = { parkOnExpiry: { limit: 2, patience: 5 * MINUTE } };

export const PARKING: Record<string, Behaviour> = {
  'calls that an expiry stops go on in their order': async (world, seen) => {
    const market = await signedIn(world, PHONE, { parkOnExpiry: { limit: 10, patience: 5 * MINUTE } });
    const ends = listening(market);
    await world.expireSessions();
    const calls = [market.cart.add(42, 2)];
    await waiting(world, market, 1);
    seen.note(state(market));
    calls.push(market.cart.add(88, 1));
    await waiting(world, market, 2);
    calls.push(market.cart.get());
    await waiting(world, market, 3);
    const profile = market.session.profile();
    await waiting(world, market, 4);
    await signIn(world, market);
    for (const call of [...calls, profile]) await seen.call(call);
    await world.settled();
    seen.note([state(market), ends]);
  },

  'the call over the limit fails at once, and one whose caller leaves makes room': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await world.expireSessions();
    const first = leaving();
    const left = seen.call(market.cart.add(42, 2, first.options));
    await waiting(world, market, 1);
    const second = market.cart.add(88, 1);
    await waiting(world, market, 2);
    await seen.call(market.session.profile());
    await seen.call(market.cart.get());
    first.leave();
    await left;
    await waiting(world, market, 1);
    const third = market.session.profile();
    await waiting(world, market, 2);
    await signIn(world, market);
    await seen.call(second);
    await seen.call(third);
  },

  'what waited is never made as another user': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await world.expireSessions();
    const add = seen.call(market.cart.add(42, 2));
    await waiting(world, market, 1);
    const profile = seen.call(market.session.profile());
    await waiting(world, market, 2);
    await signIn(world, market, KG_PHONE);
    await add;
    await profile;
    await seen.call(market.cart.get());
  },

  'a logout ends what waits': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await world.expireSessions();
    const add = seen.call(market.cart.add(42, 2));
    await waiting(world, market, 1);
    await market.session.logout();
    await add;
    seen.note(state(market));
    await signIn(world, market);
    await seen.call(market.cart.get());
  },

  'an order waits only if it is asked to': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    await market.cart.add(42, 2);
    await world.expireSessions();
    const profile = market.session.profile();
    await waiting(world, market, 1);
    await seen.call(market.orders.place(ORDER));
    const order = market.orders.place({ ...ORDER, parkOnExpiry: true });
    await waiting(world, market, 2);
    await signIn(world, market);
    await seen.call(profile);
    await seen.call(order);
    await seen.call(market.orders.resolve());
  },

  'who observes the cart is shown what a call that waited has made of it': async (world, seen) => {
    const market = await signedIn(world, PHONE, PARKS);
    const shown: (Cart | undefined)[] = [];
    market.cart.subscribe((cart) => shown.push(cart));
    await until(world, () => shown.length >= 1);
    await market.cart.add(42, 1);
    await until(world, () => shown.length >= 2);
    await world.expireSessions();
    const add = market.cart.add(88, 1);
    await waiting(world, market, 1);
    await world.settled();
    seen.note(shown);
    await signIn(world, market);
    await seen.call(add);
    await until(world, () => shown.length >= 3);
    await world.settled();
    seen.note(shown);
  },

  'states are told in their order': async (world, seen) => {
    const market = await world.client(PARKS);
    const told: unknown[] = [];
    const stop = market.session.subscribe((state) => {
      // That the store held nothing may not have been told yet.
      if (told.length === 0 && state.status !== 'signedIn') return;
      // A session is stored a moment after its sign-in, which is told too.
      const one = 'persisted' in state ? { ...state, persisted: true } : state;
      if (JSON.stringify(told.at(-1)) !== JSON.stringify(one)) told.push(one);
    });
    const turns = async (count: number): Promise<void> => {
      await until(world, () => told.length >= count);
      await world.settled();
      seen.note(told);
    };
    await signIn(world, market);
    await turns(1);
    await world.expireSessions();
    const add = market.cart.add(42, 2);
    await waiting(world, market, 1);
    await turns(2);
    await signIn(world, market);
    await seen.call(add);
    await turns(3);
    await market.session.logout();
    await turns(4);
    stop();
    await world.later(1000);
    await signIn(world, market);
    await world.settled();
    seen.note(told);
  },

  'patience ends': async (world, seen) => {
    const market = await signedIn(world, PHONE, { parkOnExpiry: { limit: 1, patience: 200 } });
    await world.expireSessions();
    await seen.call(market.cart.add(42, 2));
    seen.note(state(market));
  },
};
