/** What a client does, as an app sees it: each is played to the real one and to the fake. */
import type { MarketClient, SessionState } from '../../../src/node';
import { PHONE } from '../../dev-server';
import type { Seen, World } from '../worlds';

export const MINUTE = 60_000;
export const ORDER = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St' };

export type Behaviour = (world: World, seen: Seen) => Promise<void>;

export async function signIn(world: World, market: MarketClient, phone = PHONE): Promise<MarketClient> {
  await market.session.requestCode(phone);
  await market.session.verifyCode(phone, await world.code(phone));
  return market;
}

export async function signedIn(world: World, phone = PHONE, options = {}): Promise<MarketClient> {
  return signIn(world, await world.client(options), phone);
}

/** The state without what may be a moment away. */
export function state(market: MarketClient): SessionState {
  return market.session.state;
}

/** Waits until the state says that so many calls wait. */
export async function waiting(world: World, market: MarketClient, calls: number): Promise<void> {
  await until(world, () => market.session.state.status === 'expired' && market.session.state.waiting === calls);
}

export function listening(market: MarketClient): unknown[] {
  const told: unknown[] = [];
  market.session.onEnd((end) => told.push(end));
  return told;
}

/** Waits until it is so. What does not come is a failure, and not a test that never ends. */
export async function until(world: World, so: () => boolean): Promise<void> {
  const start = performance.now();
  while (!so()) {
    if (performance.now() - start > 20_000) throw new Error('it did not come');
    await world.settled();
  }
}
