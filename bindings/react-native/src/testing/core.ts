/** In the place of the core: calls find their way to a `FakeShop`, through a session, a line and what the test does to them. */
import type { CallOptions } from '../call';
import type { MarketError } from '../errors';
import type {
  Cart,
  CartApiLike,
  CartListener,
  MarketCoreLike,
  NewOrder,
  Order,
  OrdersApiLike,
  RawRequest,
  SessionApiLike,
  SignIn,
  WishlistApiLike,
} from '../generated/jsi/market_sdk_ffi';
import { milliseconds } from '../numbers';
import { same } from '../same';
import type { Account } from './account';
import { MARKETS } from './branch';
import { Calls } from './calls';
import type { FakeMarket } from './catalogue';
import * as check from './checks';
import { CODES, failed } from './errors';
import { Journal } from './journal';
import { FakeSession, type SessionRules } from './session';
import { type FakeShop, signInOf } from './shop';
import type { CallName } from './steering';
import { Told } from './told';

/** How a client was built. */
export type Rules = SessionRules & {
  readonly market?: FakeMarket | undefined;
  readonly orderSettleTime?: number | undefined;
};

export class FakeCore implements MarketCoreLike {
  readonly calls: Calls;
  readonly sessionState: FakeSession;
  private readonly journal: Journal;
  private readonly carts = new Told<Cart | undefined>();
  private shown: Cart | undefined;
  private signingIn: { readonly key: string; readonly done: Promise<SignIn> } | undefined;
  private readonly placing = new Set<number>();
  private readonly codesSent = new Map<string, number[]>();

  constructor(
    readonly shop: FakeShop,
    private readonly rules: Rules,
  ) {
    this.sessionState = new FakeSession(rules, shop.clock, () => this.show(undefined));
    this.calls = new Calls(shop, this.sessionState);
    this.journal = new Journal(shop.clock, rules.orderSettleTime);
  }

  uniffiDestroy(): void {
    this.calls.close();
  }

  session(): SessionApiLike {
    const session = this.sessionState;
    const { steering } = this.calls;
    return part<SessionApiLike>({
      currentState: () => session.state,
      resumed: () => session.resumed(),
      observe: (listener) => {
        void Promise.resolve().then(() => listener.changed(session.state));
        return session.states.add((state) => listener.changed(state));
      },
      onEnd: (listener) => session.ends.add((end) => listener.ended(end)),
      onExpiringSoon: (listener) => session.onSoon((soon) => listener.expiresSoon(soon)),
      restore: (options) => this.calls.here('session.restore', [], options, (ticket) => session.known(ticket)),
      requireValidity: (duration, options) =>
        this.calls.here('session.requireValidity', [duration], options, async (ticket) => {
          milliseconds(duration);
          const { status } = await session.known(ticket);
          if (status !== 'signedIn' && status !== 'expired') throw failed('notSignedIn');
          if (status === 'expired' || session.left() < duration) throw failed('sessionExpired');
        }),
      requestCode: (phone, options) =>
        this.calls.asNobody('session.requestCode', [phone], options, () => {
          const number = check.phone(phone, this.rules.market);
          return () => {
            this.shop.sendCode(number);
            return { expiresAt: undefined, retryAt: this.codeSent(number) };
          };
        }),
      verifyCode: (phone, code, options) => this.signIn(phone, code, options),
      logout: (options) =>
        this.calls.here('session.logout', [], options, async (ticket) => {
          const token = session.logOut('loggedOut');
          const unerased = steering.erasing('session.logout');
          // With nobody signed in there is nothing to tell the shop of.
          const fault = token && (await steering.onTheWay('session.logout', ticket));
          // That it could not be told is no failure.
          if (token !== undefined && fault?.acted !== false) token.account.isActive = false;
          if (unerased !== undefined) throw unerased.error;
        }),
      clear: (options) =>
        this.calls.here('session.clear', [], options, () => {
          session.logOut('cleared');
          const unerased = steering.erasing('session.clear');
          return unerased === undefined ? Promise.resolve() : Promise.reject(unerased.error);
        }),
      profile: (options) => this.calls.asUser('session.profile', [], { ...options }, () => ({ act: (account) => account.profile() })),
      updateProfile: (update, options) =>
        this.calls.asUser('session.updateProfile', [update], { ...options }, () => {
          check.profile(update);
          return { act: (account) => account.updateProfile(update) };
        }),
      verifyToken: (options) => this.calls.asUser('session.verifyToken', [], { ...options }, () => ({ act: (account) => account.tokenStatus() })),
      markets: (options) => this.calls.asNobody('session.markets', [], options, () => () => MARKETS),
    });
  }

  cart(): CartApiLike {
    const write = (name: CallName, args: unknown[], options: CallOptions | undefined, act: () => (account: Account) => Cart) =>
      this.calls.asUser(name, args, { ...options, inLine: true, runsOn: true }, () => ({
        act: act(),
        ended: (account, error) => this.cartChanged(account, error),
      }));
    return part<CartApiLike>({
      observe: (listener) => this.observe(listener),
      get: (options) =>
        this.calls.asUser('cart.get', [], { ...options, inLine: true }, () => ({
          act: (account) => account.getCart(),
          ended: (account, error) => {
            if (error === undefined) this.show(account.getCart());
          },
        })),
      add: (skuId, quantity, options) =>
        write('cart.add', [skuId, quantity], options, () => {
          check.id('sku_id', skuId);
          check.pieces(quantity, 1);
          return (account) => account.addToCart(skuId, quantity);
        }),
      setQuantity: (lineId, quantity, options) =>
        write('cart.setQuantity', [lineId, quantity], options, () => {
          check.id('line_id', lineId);
          check.pieces(quantity, 0);
          return (account) => account.setQuantity(lineId, quantity);
        }),
      remove: (lineId, options) =>
        write('cart.remove', [lineId], options, () => {
          check.id('line_id', lineId);
          return (account) => account.removeFromCart(lineId);
        }),
      clear: (options) => write('cart.clear', [], options, () => (account) => account.clearCart()),
    });
  }

  wishlist(): WishlistApiLike {
    return part<WishlistApiLike>({
      get: (options) => this.calls.asUser('wishlist.get', [], { ...options }, () => ({ act: (account) => account.getWishlist() })),
      add: (productId, options) =>
        this.calls.asUser('wishlist.add', [productId], { ...options }, () => {
          check.id('product_id', productId);
          return { act: (account) => account.addWish(productId) };
        }),
      remove: (productId, options) =>
        this.calls.asUser('wishlist.remove', [productId], { ...options }, () => {
          check.id('product_id', productId);
          return { act: (account) => account.removeWish(productId) };
        }),
      clear: (options) => this.calls.asUser('wishlist.clear', [], { ...options }, () => ({ act: (account) => account.clearWishlist() })),
    });
  }

  orders(): OrdersApiLike {
    return part<OrdersApiLike>({
      place: (order, options) => this.place(order, options),
      resolve: (options) =>
        this.calls.asUser('orders.resolve', [], { ...options }, () => ({
          known: (account) => (this.journal.has(account) ? undefined : { type: 'nothingPending' as const }),
          act: (account) => this.journal.resolve(account),
        })),
      list: (query = {}, options) =>
        this.calls.asUser('orders.list', [query], { ...options }, () => {
          check.query(query);
          return { act: (account) => account.listOrders(query) };
        }),
      get: (orderId, options) =>
        this.calls.asUser('orders.get', [orderId], { ...options }, () => {
          check.id('order_id', orderId);
          return { act: (account) => account.getOrder(orderId) };
        }),
      cancel: (orderId, options) =>
        this.calls.asUser('orders.cancel', [orderId], { ...options }, () => {
          check.id('order_id', orderId);
          return { act: (account) => account.cancelOrder(orderId) };
        }),
    });
  }

  request(request: RawRequest, options?: CallOptions) {
    const { method, path, query = [], json, withSession = true } = request;
    const seen = {
      method,
      path,
      query: Object.fromEntries(query.map(({ name, value }) => [name, value])),
      json: json === undefined ? undefined : (JSON.parse(json) as unknown),
    };
    const act = () => {
      check.path(path);
      return () => this.shop.respond(method, path, withSession);
    };
    if (!withSession) return this.calls.asNobody('request', [seen], options, act);
    return this.calls.asUser('request', [seen], { ...options }, () => ({ act: act() }));
  }

  private async place(order: NewOrder, options: CallOptions | undefined): Promise<Order> {
    const { lineage } = this.sessionState;
    const second = this.placing.has(lineage);
    const way = { ...options, inLine: order.items === undefined, runsOn: true, parks: order.parkOnExpiry === true };
    const placed = this.calls.asUser('orders.place', [order], way, () => {
      check.order(order);
      if (second) throw failed('orderPending');
      this.placing.add(lineage);
      return {
        known: (account) => {
          this.journal.claim(account, order);
          return undefined;
        },
        act: (account) => account.place(order),
        ended: (account, error) => {
          if (error === undefined) this.journal.close(account);
          else if (CODES[error.code].leavesNoOrder) this.journal.takeBack(account);
          if (order.items === undefined) this.cartChanged(account, error);
        },
      };
    });
    try {
      return await placed;
    } finally {
      if (!second) this.placing.delete(lineage);
    }
  }

  // Signing in

  /** Two taps on one code are one sign-in; with another code it waits for the one before. */
  private signIn(phone: string, code: string, options?: CallOptions): Promise<SignIn> {
    const name = 'session.verifyCode';
    return this.calls.made(name, [phone, code], options, { as: 'signIn', runsOn: true, parks: false }, async (ticket) => {
      const number = check.phone(phone, this.rules.market);
      const digits = check.code(code);
      const key = `${number} ${digits}`;
      const before = this.signingIn;
      if (before?.key === key) return before.done;
      const fly = async (): Promise<SignIn> => {
        await before?.done.catch(() => undefined);
        // The store is asked before the code is spent.
        await this.sessionState.known(ticket);
        return this.calls.sent(name, ticket, () => {
          const token = this.shop.signIn(number, digits);
          this.sessionState.signIn(token);
          return signInOf(token);
        });
      };
      const flight = { key, done: fly() };
      this.signingIn = flight;
      try {
        return await flight.done;
      } finally {
        if (this.signingIn === flight) this.signingIn = undefined;
      }
    });
  }

  /** When one may be asked for again: three in a quarter of an hour. */
  private codeSent(phone: string): Date {
    const now = Date.now();
    const window = 15 * 60_000;
    const recent = [...(this.codesSent.get(phone) ?? []).filter((at) => at > now - window), now];
    this.codesSent.set(phone, recent);
    const third = recent.at(-3);
    return new Date(third === undefined ? now : third + window);
  }

  // What observers of the cart are shown

  private observe(listener: CartListener): { cancel(): void } {
    void Promise.resolve().then(() => listener.changed(this.shown));
    return this.carts.add((cart) => listener.changed(cart));
  }

  private show(cart: Cart | undefined): void {
    if (same(inOrder(cart), inOrder(this.shown))) return;
    this.shown = cart;
    this.carts.tell(cart);
  }

  private cartChanged(account: Account, error: MarketError | undefined): void {
    if (error !== undefined && !(this.carts.size > 0 && CODES[error.code].leavesCartInDoubt)) return;
    this.show(account.getCart());
  }
}

/** The order of the lines is the shop's, and changes from answer to answer. */
function inOrder(cart: Cart | undefined): Cart | undefined {
  return cart && { ...cart, items: [...cart.items].sort((one, other) => one.id - other.id) };
}

type Part<T> = T & { uniffiDestroy(): void };

/** One of the core's objects. It is let go of as they are, and holds nothing. */
function part<T extends object>(own: T): Part<T> {
  return Object.assign(own, { uniffiDestroy: () => undefined });
}
