import type { CallOptions } from './call';
import { MarketError } from './errors';
import type {
  Cart,
  CartApiLike,
  ExpiringSoon,
  MarketCoreLike,
  Method,
  OrdersApiLike,
  SessionApiLike,
  SessionEnd,
  SessionState,
  SubscriptionLike,
  User,
  WishlistApiLike,
} from './generated/jsi/market_sdk_ffi';
import type { UniffiAbstractObject } from './runtime';
import { same } from './same';

/** The session of the one user who can be signed in. */
export interface Session extends Omit<SessionApiLike, 'currentState' | 'observe' | 'onEnd' | 'onExpiringSoon'> {
  /** The present state. The same object as before if nothing changed. */
  readonly state: SessionState;
  /**
   * Calls `listener` after each change of the state, until the function that it returns is called. What the listener
   * throws is printed, and keeps nobody else from being told.
   */
  subscribe(this: void, listener: (state: SessionState) => void): () => void;
  /**
   * Calls `listener` once for every session that ends, with whose it was and why, until the function that it returns
   * is called. One that ended before there was a listener is told to the first.
   */
  onEnd(this: void, listener: (end: SessionEnd) => void): () => void;
  /**
   * Calls `listener` once for every session that will end soon, until the function that it returns is called: the place
   * to offer a sign-in, before a checkout is cut short. One that is added late is told at once.
   */
  onExpiringSoon(this: void, listener: (soon: ExpiringSoon) => void): () => void;
}

/** The cart of the user who is signed in. */
export interface CartApi extends Omit<CartApiLike, 'observe'> {
  /**
   * Calls `listener` with the present cart, if it is known, and then with each that comes, until the function that it
   * returns is called. There is none while nobody is signed in, when another user is, and until a call has read it.
   */
  subscribe(this: void, listener: (cart: Cart | undefined) => void): () => void;
}

/** The wishlist of the user who is signed in. */
export type WishlistApi = WishlistApiLike;

/** The orders of the user who is signed in. */
export type OrdersApi = OrdersApiLike;

/** A request to a route that the SDK has no typed call for. */
export type RequestOptions = CallOptions & {
  /** `get` if nothing is said. */
  readonly method?: Method;
  /** The query; what is undefined is left out, and the rest escaped. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** The body. It is written as JSON. */
  readonly json?: unknown;
  /** Whether it is made as the user who is signed in, and refused when nobody is. Without, the token is not sent. */
  readonly withSession?: boolean;
};

/** The answer to such a request: one with a status of 200 to 299. */
export type Response = {
  /** The HTTP status. */
  readonly status: number;
  /** The body as it came. */
  readonly body: string;
  /** Reads the body as JSON. A `MarketError` with code `unexpectedResponse` says that it is none. */
  json<T = unknown>(this: void): T;
};

function threw(error: unknown): void {
  console.error('A listener of the market SDK threw:', error);
}

type Listener<T> = { readonly tell: (news: T) => unknown };

/** A set of listeners. One that throws keeps nobody else from being told. */
class Listeners<T> {
  private readonly all = new Set<Listener<T>>();

  get size(): number {
    return this.all.size;
  }

  /** What `first` gives is told to this one alone, soon. */
  add(tell: (news: T) => unknown, first?: () => T | undefined): () => void {
    const listener = { tell };
    this.all.add(listener);
    if (first !== undefined) {
      // Not `queueMicrotask`: a test that stops the clock stops that too.
      void Promise.resolve().then(() => {
        const news = this.all.has(listener) ? first() : undefined;
        if (news !== undefined) this.tellOne(listener, news);
      });
    }
    return () => {
      this.all.delete(listener);
    };
  }

  tell(news: T): void {
    for (const listener of [...this.all]) this.tellOne(listener, news);
  }

  private tellOne(listener: Listener<T>, news: T): void {
    // Another one may have taken it away.
    if (!this.all.has(listener)) return;
    try {
      const done = listener.tell(news);
      // An asynchronous one throws later.
      if (done instanceof Promise) done.then(undefined, threw);
    } catch (error) {
      threw(error);
    }
  }
}

/**
 * What the core holds of this side does not hold the client: one that nobody refers to can go. The two functions below are
 * two, since closures made in one would share what each refers to.
 */
function weakly<T extends object, News>(owner: T, tell: (owner: T, news: News) => void): (news: News) => void {
  return typeof WeakRef === 'undefined' ? always(owner, tell) : whileThere(new WeakRef(owner), tell);
}

function always<T, News>(owner: T, tell: (owner: T, news: News) => void): (news: News) => void {
  return (news) => {
    tell(owner, news);
  };
}

function whileThere<T extends object, News>(
  weak: WeakRef<T>,
  tell: (owner: T, news: News) => void,
): (news: News) => void {
  return (news) => {
    const owner = weak.deref();
    if (owner !== undefined) tell(owner, news);
  };
}

/** @internal Who is signed in, as one word; ids are unique within a market only. */
export function whose(state: SessionState): string | undefined {
  return state.status === 'signedIn' ? name(state.user) : undefined;
}

/** @internal Whose the state is: it stays theirs after the session's end, until a logout or another's sign-in. */
export function stillWhose(state: SessionState): string | undefined {
  return state.status === 'expired' ? name(state.user) : whose(state);
}

function name({ market, id }: User): string {
  return `${market} ${id}`;
}

/** Follows the core's session for all listeners of this side. */
class Following {
  readonly states = new Listeners<SessionState>();
  readonly ends = new Listeners<SessionEnd>();
  readonly carts = new Listeners<{ readonly cart: Cart | undefined }>();
  private readonly subscriptions: SubscriptionLike[] = [];
  private readonly soon = new Set<Listeners<ExpiringSoon>>();
  private last: SessionState;
  private told: SessionState;
  private cart: { readonly cart: Cart | undefined; readonly whose: string | undefined } | undefined;
  private watchesCart = false;
  private untold: SessionEnd | undefined;
  private closed = false;

  constructor(
    private readonly session: SessionApiLike,
    private readonly cartApi: CartApiLike,
  ) {
    this.last = this.told = session.currentState();
    const changed = weakly(this, Following.changed);
    const ended = weakly(this, Following.ended);
    this.subscriptions.push(session.observe({ changed }), session.onEnd({ ended }));
  }

  /** Asked of the core, since it knows first: a call that signed in is followed by the state that it led to. */
  get state(): SessionState {
    // What still shows a client that was closed sees the last state.
    if (this.closed) return this.last;
    const state = this.session.currentState();
    if (!same(state, this.last)) this.last = state;
    return this.last;
  }

  addCarts(tell: (cart: Cart | undefined) => void): () => void {
    if (this.watchesCart || this.closed) return this.carts.add(({ cart }) => tell(cart), () => ({ cart: this.presentCart }));
    this.watchesCart = true;
    const remove = this.carts.add(({ cart }) => tell(cart));
    this.subscriptions.push(this.cartApi.observe({ changed: weakly(this, Following.cartChanged) }));
    return remove;
  }

  resumed(): void {
    if (!this.closed) this.session.resumed();
  }

  close(): void {
    // Looked at once more, for those who ask later.
    this.last = this.state;
    this.closed = true;
    for (const subscription of this.subscriptions.splice(0)) subscription.cancel();
  }

  /** The last one that was told, unless another has signed in: that theirs is none yet may still be on its way. */
  private get presentCart(): Cart | undefined {
    return this.cart?.whose === whose(this.state) ? this.cart?.cart : undefined;
  }

  addEnds(tell: (end: SessionEnd) => void): () => void {
    return this.ends.add(tell, () => {
      const end = this.untold;
      this.untold = undefined;
      // Somebody has signed in since: that there was a session before them is of no use to anyone.
      return this.state.status === 'signedIn' ? undefined : end;
    });
  }

  /** Each is the core's own listener, since the core knows whether it comes late. */
  addSoon(tell: (soon: ExpiringSoon) => void): () => void {
    if (this.closed) return () => undefined;
    const own = new Listeners<ExpiringSoon>();
    own.add(tell);
    this.soon.add(own);
    const subscription = this.session.onExpiringSoon({ expiresSoon: weakly(own, Following.expiresSoon) });
    this.subscriptions.push(subscription);
    return () => {
      if (!this.soon.delete(own)) return;
      this.subscriptions.splice(this.subscriptions.indexOf(subscription), 1);
      subscription.cancel();
    };
  }

  // Static, and so without anything of the place where they are handed over.

  private static changed(this: void, self: Following): void {
    const { state } = self;
    if (state === self.told) return;
    self.told = state;
    self.states.tell(state);
  }

  private static ended(this: void, self: Following, end: SessionEnd): void {
    if (self.ends.size === 0) self.untold = end;
    else self.ends.tell(end);
  }

  private static expiresSoon(this: void, own: Listeners<ExpiringSoon>, soon: ExpiringSoon): void {
    own.tell(soon);
  }

  private static cartChanged(this: void, self: Following, cart: Cart | undefined): void {
    self.cart = { cart, whose: whose(self.state) };
    self.carts.tell({ cart });
  }
}

/**
 * A client of one market server, and the session of the one user who can be signed in on it. Build one when the app
 * starts and keep it.
 *
 * Calls give a Promise that ends with a value or a `MarketError`; as their last argument they take `{ signal }`.
 */
export class MarketClient {
  /** The session: signing in and out, the state, the profile. */
  readonly session: Session;
  /** The cart. */
  readonly cart: CartApi;
  /** The wishlist. */
  readonly wishlist: WishlistApi;
  /** The orders. */
  readonly orders: OrdersApi;
  private readonly core: MarketCoreLike;
  private readonly parts: readonly UniffiAbstractObject[];
  private readonly following: Following;

  /** @internal Apps use `createMarketClient`. */
  constructor(core: MarketCoreLike) {
    const session = core.session();
    const cart = core.cart();
    const wishlist = core.wishlist();
    const orders = core.orders();
    const following = new Following(session, cart);
    this.core = core;
    this.following = following;
    this.parts = [session, cart, wishlist, orders, core] as unknown as UniffiAbstractObject[];
    // The generated objects themselves, with what a generator cannot make in place of how they do it. Their methods
    // of those names are still reached through the prototype by what follows them.
    this.session = Object.defineProperties(Object.create(session) as typeof session, {
      state: { get: () => following.state },
      resumed: { value: () => following.resumed(), writable: true },
      subscribe: { value: (tell: (state: SessionState) => void) => following.states.add(tell) },
      onEnd: { value: (tell: (end: SessionEnd) => void) => following.addEnds(tell) },
      onExpiringSoon: { value: (tell: (soon: ExpiringSoon) => void) => following.addSoon(tell) },
    }) as unknown as Session;
    this.cart = Object.defineProperties(Object.create(cart) as typeof cart, {
      subscribe: { value: (tell: (cart: Cart | undefined) => void) => following.addCarts(tell) },
    }) as unknown as CartApi;
    this.wishlist = wishlist;
    this.orders = orders;
  }

  /**
   * Makes a request to a route that the SDK has no typed call for, such as `/products`, through the same door as all
   * others: with the token, the market, the deadline, retries and errors, and to the client's own server only.
   */
  async request(path: string, options: RequestOptions = {}): Promise<Response> {
    const { method = 'get', query = {}, json, withSession, signal } = options;
    const parameters = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value: String(value) }],
    );
    const text = json === undefined ? undefined : written(json);
    const request = { method, path, query: parameters, json: text, withSession };
    const { status, body } = await this.core.request(request, { signal });
    return {
      status,
      body,
      json<T>(): T {
        try {
          return JSON.parse(body) as T;
        } catch {
          throw new MarketError({
            code: 'unexpectedResponse',
            message: 'The shop gave an unexpected answer.',
            status,
            detail: 'the body is not JSON',
          });
        }
      },
    };
  }

  /**
   * Lets go of the client. Calls under way are completed; no more can be made. An app that keeps its client for as long
   * as it runs has no need of this.
   */
  close(): void {
    this.following.close();
    for (const part of this.parts) part.uniffiDestroy();
  }
}

function written(json: unknown): string {
  try {
    return JSON.stringify(json);
  } catch {
    throw MarketError.invalid('The body cannot be written as JSON.');
  }
}
