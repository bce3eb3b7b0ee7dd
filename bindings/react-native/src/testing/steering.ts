/** What a test does to the calls of a fake client, and what it sees of them. */
import type { MarketError } from '../errors';

/** A call of the client, as a test names it. */
export type CallName =
  | 'session.requestCode'
  | 'session.verifyCode'
  | 'session.restore'
  | 'session.requireValidity'
  | 'session.logout'
  | 'session.clear'
  | 'session.profile'
  | 'session.updateProfile'
  | 'session.verifyToken'
  | 'session.markets'
  | 'cart.get'
  | 'cart.add'
  | 'cart.setQuantity'
  | 'cart.remove'
  | 'cart.clear'
  | 'wishlist.get'
  | 'wishlist.add'
  | 'wishlist.remove'
  | 'wishlist.clear'
  | 'orders.place'
  | 'orders.resolve'
  | 'orders.list'
  | 'orders.get'
  | 'orders.cancel'
  | 'request';

/** A call that was made. */
export type FakeCall = { readonly name: CallName; readonly arguments: readonly unknown[] };

/** How a call fails. */
export type Fault = {
  readonly error: MarketError;
  /** Whether the shop does what it was asked for, and the answer is lost. */
  readonly acted: boolean;
};

type Rule<T> = { readonly call: CallName | undefined; readonly what: T };

export class Steering {
  readonly calls: FakeCall[] = [];
  private faults: (Rule<Fault> & { left: number })[] = [];
  private delays: Rule<number>[] = [];
  private holds: Rule<Promise<void>>[] = [];
  private letGo: () => void = () => undefined;

  fail(fault: Fault, call: CallName | undefined, times: number): void {
    this.faults.push({ call, what: fault, left: times });
  }

  delay(milliseconds: number, call: CallName | undefined): void {
    this.delays = [{ call, what: milliseconds }, ...this.delays.filter((rule) => rule.call !== call)];
  }

  hold(call: CallName | undefined): void {
    const held = this.holds[0]?.what ?? new Promise<void>((resolve) => (this.letGo = resolve));
    this.holds.push({ call, what: held });
  }

  release(): void {
    this.holds = [];
    this.letGo();
  }

  /** The way of a call to the shop, and what it meets there. */
  async onTheWay(name: CallName, over: Promise<never>): Promise<Fault | undefined> {
    const own = this.delays.find(({ call }) => call === name);
    const { what: milliseconds } = own ?? find(this.delays, name) ?? { what: 0 };
    // It can be moved on by a test that has stopped the clock.
    if (milliseconds > 0) await Promise.race([new Promise((resolve) => setTimeout(resolve, milliseconds)), over]);
    await Promise.race([find(this.holds, name)?.what, over]);
    const rule = find(this.faults, name);
    if (rule !== undefined) rule.left -= 1;
    this.faults = this.faults.filter(({ left }) => left > 0);
    return rule?.what;
  }
}

function find<R extends Rule<unknown>>(rules: readonly R[], name: CallName): R | undefined {
  return rules.find(({ call }) => call === undefined || call === name);
}
