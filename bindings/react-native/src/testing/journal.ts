/** What a fake client notes of its orders, so that none is placed twice. It outlives a logout, as the core's does. */
import type { NewOrder, OrderOutcome } from '../generated/jsi/market_sdk_ffi';
import type { Account } from './account';
import type { Clock } from './clock';
import { failed } from './errors';

const SETTLE = 15 * 60_000;

type Pending = {
  /** The newest order before it. */
  readonly newest: number;
  /** When the latest attempt began. */
  began: number;
  /** What the attempts ordered that have no known outcome. */
  attempts: string[];
};

export class Journal {
  private readonly pages = new Map<Account, Pending>();

  constructor(
    private readonly clock: Clock,
    private readonly settle = SETTLE,
  ) {}

  has(account: Account): boolean {
    return this.pages.has(account);
  }

  /** Notes an attempt. From now on it is open, until it is said what came of it. */
  claim(account: Account, order: NewOrder): void {
    const pending = this.pages.get(account);
    if (pending !== undefined && order.force !== true) throw failed('orderPending');
    const page = pending ?? { newest: account.newestOrder, began: 0, attempts: [] };
    page.began = this.clock.now();
    page.attempts.push(digest(order.customerName, order.customerPhone, order.deliveryAddress));
    this.pages.set(account, page);
  }

  /** It was placed. */
  close(account: Account): void {
    this.pages.delete(account);
  }

  /** The last attempt certainly placed nothing. */
  takeBack(account: Account): void {
    const attempts = this.pages.get(account)?.attempts;
    attempts?.pop();
    if (attempts?.length === 0) this.pages.delete(account);
  }

  resolve(account: Account): OrderOutcome {
    const pending = this.pages.get(account);
    if (pending === undefined) return { type: 'nothingPending' };
    const since = account.listOrders({ limit: Number.MAX_SAFE_INTEGER }).filter(({ id }) => id > pending.newest);
    const ordered = since.filter(({ customerName = '', customerPhone, deliveryAddress = '' }) =>
      pending.attempts.includes(digest(customerName, customerPhone?.value ?? '', deliveryAddress)),
    );
    const order = ordered.at(-1);
    if (order !== undefined) {
      this.pages.delete(account);
      return { type: 'placed', order };
    }
    const settlesIn = pending.began + this.settle - this.clock.now();
    if (settlesIn > 0) return { type: 'notSeenYet', settlesIn };
    this.pages.delete(account);
    return { type: 'notPlaced' };
  }
}

/** A server may trim a text or write a phone number in another form. */
function digest(name: string, phone: string, address: string): string {
  const words = (text: string): string => text.trim().toLowerCase().split(/\s+/).join(' ');
  return JSON.stringify([words(name), phone.replace(/\D/g, ''), words(address)]);
}
