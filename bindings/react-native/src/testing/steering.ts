/** What a test does to the calls of a fake client, and what it sees of them. */
import type { MarketError } from '../errors';
import type { ErrorCode } from '../generated/jsi/market_sdk_ffi';
import type { Ticket } from './ticket';

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

/** Milliseconds that a test waits for calls at most. */
const PATIENCE = 10_000;
/** Those of the clock on the wall, also when a test stops the clock. */
const { setTimeout: later, clearTimeout: cancel } = globalThis;

/** The one failure that is the device's, and never the shop's. */
const STORE: ErrorCode = 'storeNotCleared';

type Rule<T> = { readonly call: CallName | undefined; readonly what: T };

export class Steering {
  readonly calls: FakeCall[] = [];
  private faults: (Rule<Fault> & { left: number })[] = [];
  private delays: Rule<number>[] = [];
  private holds: Rule<Promise<void>>[] = [];
  private letGo: () => void = () => undefined;
  private readonly onTheirWay: CallName[] = [];
  private awaited: { readonly call: CallName; readonly count: number; readonly come: () => void }[] = [];

  fail(fault: Fault, call: CallName | undefined, times: number): void {
    const isNumber = Number.isInteger(times) || times === Number.POSITIVE_INFINITY;
    if (!isNumber || times < 1) throw new RangeError(`A call fails once at least: times is ${String(times)}`);
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

  /** When so many calls of the name are under way at one time. */
  arrived(call: CallName, count: number, patience = PATIENCE): Promise<void> {
    return new Promise((resolve, reject) => {
      const come = (): void => {
        cancel(late);
        resolve();
      };
      const awaited = { call, count, come };
      const late = later(() => {
        this.awaited = this.awaited.filter((one) => one !== awaited);
        const those = this.onTheirWay.join(', ') || 'nothing';
        reject(new Error(`${call} is not under way ${String(count)} times within ${String(patience / 1000)} s, but ${those}`));
      }, patience);
      this.awaited.push(awaited);
      this.look();
    });
  }

  /** The way of a call to the shop, and what it meets there. */
  async onTheWay(name: CallName, ticket: Ticket): Promise<Fault | undefined> {
    const { over } = ticket;
    this.onTheirWay.push(name);
    this.look();
    try {
      const own = this.delays.find(({ call }) => call === name);
      const { what: milliseconds } = own ?? find(this.delays, name) ?? { what: 0 };
      // It can be moved on by a test that has stopped the clock.
      if (milliseconds > 0) await Promise.race([new Promise((resolve) => setTimeout(resolve, milliseconds)), over]);
      await Promise.race([find(this.holds, name)?.what, over]);
      ticket.check();
      return this.meet(name, (code) => code !== STORE);
    } finally {
      this.onTheirWay.splice(this.onTheirWay.indexOf(name), 1);
    }
  }

  /** What a call meets that erases what is stored. */
  erasing(name: CallName): Fault | undefined {
    return this.meet(name, (code) => code === STORE);
  }

  private meet(name: CallName, may: (code: ErrorCode) => boolean): Fault | undefined {
    const rule = find(this.faults.filter(({ what }) => may(what.error.code)), name);
    if (rule !== undefined) rule.left -= 1;
    this.faults = this.faults.filter(({ left }) => left > 0);
    return rule?.what;
  }

  private look(): void {
    this.awaited = this.awaited.filter(({ call, count, come }) => {
      const isCome = this.onTheirWay.filter((name) => name === call).length >= count;
      if (isCome) come();
      return !isCome;
    });
  }
}

function find<R extends Rule<unknown>>(rules: readonly R[], name: CallName): R | undefined {
  return rules.find(({ call }) => call === undefined || call === name);
}
