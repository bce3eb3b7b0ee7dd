/** The shop's side of the fakes: what a server keeps, in memory. */
import type { OrderStatus, SignIn, User } from '../generated/jsi/market_sdk_ffi';
import { PhoneNumber } from '../values';
import { Account } from './account';
import { Branch } from './branch';
import { CATALOGUE, cents, type FakeMarket, type FakeProduct, of } from './catalogue';
import * as check from './checks';
import { failed, refused } from './errors';

const MINUTE = 60_000;
const LIFETIME = 30 * MINUTE;
const CODES_PER_WINDOW = 3;
const WINDOW = 15 * MINUTE;
const CODE_LIFETIME: Readonly<Record<FakeMarket, number>> = { kg: 10 * MINUTE, us: 15 * MINUTE };

/** What stands for a session at the shop. */
export type Token = { readonly account: Account; readonly since: number; readonly expiresAt: number };

/**
 * What a server keeps: users, codes, carts, wishlists, orders, stock. It sells what the dev server sells, and what a test
 * adds. Two `FakeMarketClient`s of one shop are two devices.
 */
export class FakeShop {
  /** The code that every SMS brings. */
  code = '123456';
  private readonly products: FakeProduct[] = [...CATALOGUE];
  private readonly branches: Readonly<Record<FakeMarket, Branch>> = {
    kg: new Branch('kg', this.products),
    us: new Branch('us', this.products),
  };
  private readonly sent = new Map<string, { readonly at: number; used: boolean }[]>();
  private tokens = new Set<Token>();
  private readonly answers = new Map<string, unknown>();

  /** Sells this too. Of two products, or SKUs, of one number the one that was added last counts. */
  add(product: FakeProduct): void {
    // A price that is none is found here, and not in the middle of a test.
    for (const { price } of product.skus) for (const market of ['kg', 'us'] as const) cents(of(price, market));
    this.products.unshift(product);
  }

  /** Says how many pieces of a SKU are left, in all markets. */
  setStock(skuId: number, pieces: number): void {
    for (const branch of Object.values(this.branches)) branch.stock.set(skuId, pieces);
  }

  /** Moves an order of a user on: `shipped`, say. */
  setOrderStatus(phone: string, orderId: number, status: OrderStatus): void {
    this.account(phone).order(orderId).status = status;
  }

  /** Ends all sessions as a server does: whoever calls next is refused. */
  expireSessions(): void {
    this.tokens = new Set();
  }

  /** What `request` is answered on a route that the SDK has no typed call for: `answer('GET /products', { products: [] })`. */
  answer(route: string, json: unknown): void {
    this.answers.set(route.replace(/\/$/, ''), json);
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
    const recent = sent.filter(({ at }) => at > Date.now() - WINDOW);
    if (recent.length >= CODES_PER_WINDOW) {
      const message = 'Too many verification attempts. Please wait 15 minutes.';
      throw failed('rateLimited', { status: 422, message, retryAfter: WINDOW });
    }
    this.sent.set(phone, [...sent, { at: Date.now(), used: false }]);
  }

  /** @internal Spends the code. */
  signIn(phone: string, code: string): Token {
    const { market } = this.branch(phone);
    const good = (at: number) => at > Date.now() - CODE_LIFETIME[market];
    const sent = this.sent.get(phone)?.find(({ at, used }) => !used && good(at));
    if (sent === undefined || code !== this.code) throw refused('wrongCode', 400, 'Invalid or expired verification code');
    sent.used = true;
    const account = this.account(phone);
    return this.open(account);
  }

  /** @internal A session of this user. */
  open(account: Account): Token {
    account.signedIn();
    const since = Date.now();
    const token = { account, since, expiresAt: since + LIFETIME };
    this.tokens.add(token);
    return token;
  }

  /** @internal It is over. */
  close(token: Token): void {
    this.tokens.delete(token);
  }

  /** @internal Whether the shop lets in who has it. */
  accepts(token: Token): boolean {
    return this.tokens.has(token) && token.account.isActive && Date.now() < token.expiresAt;
  }

  /** @internal The body of what the test has said that a route answers. */
  respond(method: string, path: string): string {
    const route = `${method.toUpperCase()} ${path.replace(/\/$/, '')}`;
    if (!this.answers.has(route)) throw failed('unsupported', { status: 404 });
    return JSON.stringify(this.answers.get(route));
  }

  private branch(phone: string): Branch {
    const market = check.marketOf(phone);
    if (market !== undefined) return this.branches[market];
    const message = 'Value error, Phone number must be in format +996XXXXXXXXX (KG) or +1XXXXXXXXXX (US)';
    throw failed('invalidInput', { status: 422, message, fields: [{ path: 'phone', message }] });
  }
}

/** @internal What whoever signs in is told. */
export function signInOf({ account, expiresAt }: Token): SignIn {
  return { user: userOf(account), isNewUser: undefined, expiresAt: new Date(expiresAt), persisted: true };
}

/** @internal The name is the profile's: it is not told to who signs in. */
export function userOf({ id, phone, branch }: Account): User {
  return { id, market: branch.market, phone: new PhoneNumber(phone), fullName: undefined };
}
