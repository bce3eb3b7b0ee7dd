/** The shop's side of the fakes: what a server keeps, in memory. */
import type { Order, OrderStatus, SignIn, User } from '../generated/jsi/market_sdk_ffi';
import { PhoneNumber } from '../values';
import { Account } from './account';
import { Branch } from './branch';
import { CATALOGUE, cents, type FakeMarket, type FakeProduct, of } from './catalogue';
import * as check from './checks';
import { Clock } from './clock';
import { failed, judged, refused } from './errors';
import { checkOwn, fits } from './routes';
import { allTold } from './told';

const MINUTE = 60_000;
const LIFETIME = 30 * MINUTE;
const CODES_PER_WINDOW = 3;
const WINDOW = 15 * MINUTE;
const CODE_LIFETIME: Readonly<Record<FakeMarket, number>> = { kg: 10 * MINUTE, us: 15 * MINUTE };

/** What stands for a session at the shop. */
export type Token = {
  readonly account: Account;
  /** By the shop's clock. */
  readonly since: number;
  readonly expiresAt: number;
  /** When it ends by the device's clock, which is nobody's to move. */
  readonly shown: Date;
};

/**
 * What a server keeps: users, codes, carts, wishlists, orders, stock. It sells what the dev server sells, and what a test
 * adds. Two `FakeMarketClient`s of one shop are two devices.
 */
export class FakeShop {
  /** The code that every SMS brings. */
  code = '123456';
  /** @internal */
  readonly clock = new Clock();
  private readonly products: FakeProduct[] = [...CATALOGUE];
  private readonly branches: Readonly<Record<FakeMarket, Branch>> = {
    kg: new Branch('kg', this.products, this.clock),
    us: new Branch('us', this.products, this.clock),
  };
  private readonly sent = new Map<string, { readonly at: number; used: boolean }[]>();
  private tokens = new Set<Token>();
  private answers: { readonly route: string; readonly status: number; readonly json: unknown }[] = [];

  /** Sells this too, in place of the product and the SKUs that are sold by the same numbers. */
  add(product: FakeProduct): void {
    // A price that is none is found here, and not in the middle of a test.
    for (const { price } of product.skus) for (const market of ['kg', 'us'] as const) cents(of(price, market));
    const isNew = ({ id }: { readonly id: number }): boolean => product.skus.every((sku) => sku.id !== id);
    const others = this.products.filter(({ id }) => id !== product.id).map((one) => ({ ...one, skus: one.skus.filter(isNew) }));
    this.products.splice(0, this.products.length, ...others, product);
    for (const branch of Object.values(this.branches)) for (const { id } of product.skus) branch.stock.delete(id);
  }

  /** Says how many pieces of a SKU are left, in all markets. */
  setStock(skuId: number, pieces: number): void {
    for (const branch of Object.values(this.branches)) branch.stock.set(skuId, pieces);
  }

  /** The orders that it has, the newest first: those of the user of a phone number, or of all. */
  orders(phone?: string): Order[] {
    const accounts = Object.values(this.branches).flatMap(({ accounts }) => [...accounts.values()]);
    const number = phone === undefined ? undefined : check.phone(phone);
    const orders = accounts
      .filter((account) => number === undefined || account.phone === number)
      .flatMap((account) => account.listOrders({ limit: Number.MAX_SAFE_INTEGER }));
    const placed = ({ orderDate }: Order): number => orderDate?.getTime() ?? 0;
    return orders.sort((one, other) => placed(other) - placed(one));
  }

  /** Moves a user's order on, to `shipped` say. */
  setOrderStatus(phone: string, orderId: number, status: OrderStatus): void {
    this.account(phone).order(orderId).status = status;
  }

  /** Ends all sessions as a server does: whoever calls next is refused. */
  expireSessions(): void {
    this.tokens = new Set();
  }

  /**
   * Moves its clock on by so many milliseconds: a session that is over by then ends, and one that will be soon is said to.
   * It resolves when the app was told.
   */
  advanceClock(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds);
    return allTold();
  }

  /**
   * What `request` is answered on a route that the SDK has no typed call for: `answer('GET /products', { products: [] })`.
   * `{…}` stands for one part of the path. A status that is an error ends the call as the server's would: 401 the session too.
   * A route that has a typed call is refused: `FakeMarketClient.fail` steers those.
   */
  answer(route: string, json: unknown, status = 200): void {
    checkOwn(route);
    this.answers = [{ route, status, json }, ...this.answers.filter((one) => one.route !== route)];
  }

  /** @internal The user of a phone number that can sign in here, made if it is new. */
  account(written: string): Account {
    const phone = check.phone(written);
    const branch = this.branch(phone);
    const known = branch.accounts.get(phone);
    if (known !== undefined) return known;
    const number = branch.next('user');
    // The first of us is number 19; numbers are unique within a market only.
    const id = branch.market === 'kg' ? number : number === 1 ? 19 : number - 1;
    const account = new Account(id, phone, branch);
    branch.accounts.set(phone, account);
    return account;
  }

  /** @internal */
  sendCode(phone: string): void {
    this.branch(phone);
    const sent = this.sent.get(phone) ?? [];
    const recent = sent.filter(({ at }) => at > this.clock.now() - WINDOW);
    if (recent.length >= CODES_PER_WINDOW) {
      const message = 'Too many verification attempts. Please wait 15 minutes.';
      throw failed('rateLimited', { status: 422, message, retryAfter: WINDOW });
    }
    this.sent.set(phone, [...sent, { at: this.clock.now(), used: false }]);
  }

  /** @internal Spends the code. */
  signIn(phone: string, code: string): Token {
    const { market } = this.branch(phone);
    const good = (at: number) => at > this.clock.now() - CODE_LIFETIME[market];
    const sent = this.sent.get(phone)?.find(({ at, used }) => !used && good(at));
    if (sent === undefined || code !== this.code) throw refused('wrongCode', 400, 'Invalid or expired verification code');
    sent.used = true;
    const account = this.account(phone);
    return this.open(account);
  }

  /** @internal A session of this user. */
  open(account: Account): Token {
    account.signedIn();
    const since = this.clock.now();
    const token = { account, since, expiresAt: since + LIFETIME, shown: new Date(Date.now() + LIFETIME) };
    this.tokens.add(token);
    return token;
  }

  /** @internal It is over. */
  close(token: Token): void {
    this.tokens.delete(token);
  }

  /** @internal Whether the shop lets in who has it. */
  accepts(token: Token): boolean {
    return this.tokens.has(token) && token.account.isActive && this.clock.now() < token.expiresAt;
  }

  /** @internal What the test has said that a route answers. */
  respond(method: string, path: string, withSession: boolean): { status: number; body: string } {
    const answer = this.answers.find(({ route }) => fits(route, method, path));
    if (answer === undefined) throw failed('unsupported', { status: 404 });
    const { status, json } = answer;
    if (status === 401 && withSession) throw failed('sessionExpired');
    const error = judged(status, json);
    if (error !== undefined) throw error;
    return { status, body: json === undefined ? '' : JSON.stringify(json) };
  }

  private branch(phone: string): Branch {
    const market = check.marketOf(phone);
    if (market !== undefined) return this.branches[market];
    const message = 'Value error, Phone number must be in format +996XXXXXXXXX (KG) or +1XXXXXXXXXX (US)';
    throw failed('invalidInput', { status: 422, message, fields: [{ path: 'phone', message }] });
  }
}

/** @internal What whoever signs in is told. */
export function signInOf({ account, shown }: Token): SignIn {
  return { user: userOf(account), isNewUser: undefined, expiresAt: shown, persisted: true };
}

/** @internal The name is the profile's: it is not told to who signs in. */
export function userOf({ id, phone, branch }: Account): User {
  return { id, market: branch.market, phone: new PhoneNumber(phone), fullName: undefined };
}
