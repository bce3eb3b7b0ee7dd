/** A client for tests of an app: the shop is in memory, and the test steers it. */
import { MarketClient } from '../client';
import type { ClientConfig, EndReason, ErrorCode, Failure, SessionState } from '../generated/jsi/market_sdk_ffi';
import type { FakeMarket } from './catalogue';
import * as check from './checks';
import { FakeCore } from './core';
import { failed } from './errors';
import { FakeShop } from './shop';
import type { CallName, FakeCall } from './steering';
import { allTold } from './told';

/** How a fake is built: as the client that it stands for. */
export type FakeOptions = Pick<ClientConfig, 'parkOnExpiry' | 'expiringSoon' | 'orderSettleTime'> & {
  /** The phone number of who is signed in. Nobody, if nothing is said. */
  readonly signedInAs?: string;
  /** The one market that the app serves. */
  readonly market?: FakeMarket;
  /** The shop, for two devices of one shop. One of its own, if nothing is said. */
  readonly shop?: FakeShop;
};

/** An error that a test has a call end with: a code, or one with more to it. */
export type FakeFailure = ErrorCode | ({ readonly code: ErrorCode } & Partial<Failure>);

/** Which calls, and how. */
export type FailOptions = {
  /** Only this call; any, if nothing is said. */
  readonly call?: CallName;
  /** How many, one at least; one, if nothing is said, and all from now on with `Infinity`. */
  readonly times?: number;
  /** The shop does what it was asked for, and the answer is lost. */
  readonly acted?: boolean;
};

/**
 * A `MarketClient` that asks no server and loads no library. It behaves as the real one does with the dev server:
 * this package's tests play the same to both, and compare what an app sees.
 *
 * ```ts
 * const market = new FakeMarketClient({ signedInAs: '+13128059851' });
 * ```
 */
export class FakeMarketClient extends MarketClient {
  /** What the server keeps. */
  readonly shop: FakeShop;
  private readonly fake: FakeCore;

  constructor({ signedInAs, shop = new FakeShop(), ...rules }: FakeOptions = {}) {
    const fake = new FakeCore(shop, rules);
    if (signedInAs !== undefined) fake.sessionState.signIn(shop.open(shop.account(check.phone(signedInAs, rules.market))));
    super(fake);
    this.shop = shop;
    this.fake = fake;
  }

  /** The calls that the app has made, in their order: `{ name: 'cart.add', arguments: [42, 2] }`. */
  get calls(): readonly FakeCall[] {
    return this.fake.calls.steering.calls;
  }

  /**
   * Ends the session: its time is up, or the server refuses it. `waiting` is how many calls the state says wait, beside
   * those that do. It resolves when the app was told. (After `shop.expireSessions()` the next call finds out.)
   */
  expire(reason: EndReason & ('expired' | 'rejected') = 'expired', waiting = 0): Promise<void> {
    const token = this.fake.sessionState.end(reason, waiting);
    if (token !== undefined) this.shop.close(token);
    return allTold();
  }

  /** Has the session end in so many milliseconds, and says so to who listens with `onExpiringSoon`. */
  expiringSoon(left: number): Promise<void> {
    this.fake.sessionState.lasts(left);
    return allTold();
  }

  /** Shows a state, whatever was before: `restoring` or `locked`, say, in which calls wait until another is shown. */
  show(state: SessionState): Promise<void> {
    const token = state.status === 'signedIn' ? this.shop.open(this.shop.account(state.user.phone.value)) : undefined;
    this.fake.sessionState.show(state, token);
    return allTold();
  }

  /**
   * Has the next calls fail: `fail('network')`, `fail('rateLimited', { call: 'session.requestCode' })`. Where nobody is
   * signed in they fail for that. `sessionExpired` ends the session, as the shop's refusal does.
   */
  fail(failure: FakeFailure, { call, times = 1, acted = false }: FailOptions = {}): void {
    const { code, ...more } = typeof failure === 'string' ? { code: failure } : failure;
    this.fake.calls.steering.fail({ error: failed(code, more), acted }, call, times);
  }

  /** Loses the answer to the next order: it fails with `outcomeUnknown`. If it was placed, `resolve` finds it. */
  loseOrderAnswer(placed = true): void {
    this.fail('outcomeUnknown', { call: 'orders.place', acted: placed });
  }

  /** Has each call, or each of one name, take so long from now on. Fake timers move it on; 0 ends it. */
  delay(milliseconds: number, call?: CallName): void {
    this.fake.calls.steering.delay(milliseconds, call);
  }

  /** Holds calls, all or those of one name, until they are released. */
  hold(call?: CallName): void {
    this.fake.calls.steering.hold(call);
  }

  /**
   * Resolves when so many calls of this name are under way: come to the shop, and not yet answered, but held or delayed. It
   * rejects if they are not within 10 seconds, whatever fake timers do, and says what is under way.
   */
  arrived(call: CallName, count = 1): Promise<void> {
    return this.fake.calls.steering.arrived(call, count);
  }

  /**
   * Lets go on what is held, and holds no more. It resolves when those calls, and those that wait in line behind them, have
   * ended, or wait for a session again or for a delay.
   */
  release(): Promise<void> {
    const underWay = this.fake.sessionState.underWay;
    this.fake.calls.steering.release();
    return allTold(underWay + 1);
  }
}

