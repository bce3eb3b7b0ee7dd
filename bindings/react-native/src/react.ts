import { createContext, createElement, type ReactNode, useContext, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';

import { Begun } from './begun';
import type { MarketClient } from './client';
import type { MarketError } from './errors';
import type {
  CancelledOrder,
  Cart,
  NewOrder,
  Order,
  OrderQuery,
  SessionEnd,
  SessionState,
  Wishlist,
} from './generated/jsi/market_sdk_ffi';
import { Resource, type View } from './resource';

type Foreground = (listener: () => void) => () => void;
let onForeground: Foreground = () => () => undefined;

/** @internal Says how it is known that the app came to the foreground. */
export function onForegroundWith(how: Foreground): void {
  onForeground = how;
}

type Shared = {
  readonly client: MarketClient;
  readonly cart: Resource<Cart>;
  readonly wishlist: Resource<Wishlist>;
  readonly orders: (query: OrderQuery) => Resource<Order[]>;
  readonly ordersChanged: () => void;
};

function share(client: MarketClient): Shared {
  const { session } = client;
  const lists = new Map<string, Resource<Order[]>>();
  return {
    client,
    cart: new Resource(session, (options) => client.cart.get(options), client.cart.subscribe),
    wishlist: new Resource(session, (options) => client.wishlist.get(options)),
    orders(query) {
      const key = JSON.stringify([query.status, query.limit, query.offset]);
      let list = lists.get(key);
      if (list === undefined) {
        list = new Resource(session, (options) => client.orders.list(query, options));
        lists.set(key, list);
      }
      return list;
    },
    ordersChanged() {
      for (const list of lists.values()) list.changed();
    },
  };
}

const Context = createContext<Shared | undefined>(undefined);

function useShared(): Shared {
  const shared = useContext(Context);
  if (shared === undefined) throw new Error('This has to be inside a MarketProvider.');
  return shared;
}

/** What a `MarketProvider` is given. */
export type MarketProviderProps = {
  /** The client that everything inside uses. */
  readonly client: MarketClient;
  /**
   * Called once for every session that ends: the place to go to the login screen from. Not when somebody signed in over
   * it, which leads nowhere.
   */
  readonly onSessionEnd?: (end: SessionEnd) => void;
  readonly children?: ReactNode;
};

/** Hands the client to the hooks inside it, and tells the SDK when the app comes to the foreground. */
export function MarketProvider({ client, onSessionEnd, children }: MarketProviderProps): ReactNode {
  const shared = useMemo(() => share(client), [client]);
  const ended = useRef(onSessionEnd);
  useEffect(() => {
    ended.current = onSessionEnd;
  }, [onSessionEnd]);
  useEffect(
    () =>
      client.session.onEnd((end) => {
        if (end.reason !== 'replaced') ended.current?.(end);
      }),
    [client],
  );
  useEffect(() => onForeground(() => client.session.resumed()), [client]);
  return createElement(Context.Provider, { value: shared }, children);
}

/** The client of the `MarketProvider` that this is inside. */
export function useMarket(): MarketClient {
  return useShared().client;
}

/** The state of the session, which decides what an app shows. */
export function useSession(): SessionState {
  const { session } = useMarket();
  const state = (): SessionState => session.state;
  return useSyncExternalStore(session.subscribe, state, state);
}

/** What this component begins: it goes with the component if it waits for a session then. */
function useBegun(client: MarketClient): Begun['make'] {
  const begun = useMemo(() => new Begun(client.session), [client]);
  useEffect(() => begun.stay(), [begun]);
  return begun.make;
}

type Common = {
  /** Why the last call failed; nothing if it did not, or if it failed because the session ended. */
  readonly error: MarketError | undefined;
  /** Whether a call is under way. */
  readonly busy: boolean;
};

/**
 * The actions never reject: they end with what the server answered, or with nothing and `error` set. A component that
 * wants to catch uses the client's calls, and sees the change here all the same. An action that waits for a session
 * (`parkOnExpiry`) goes with its component.
 */
export type UseCart = Common &
  (
    | { readonly status: 'loading'; readonly cart: undefined }
    /** There is a cart: the server's, as it was last seen. */
    | { readonly status: 'ready'; readonly cart: Cart }
  ) & {
    /** Adds pieces, 1 to 100, of a SKU; one if nothing is said. */
    readonly add: (skuId: number, quantity?: number) => Promise<Cart | undefined>;
    /** Sets how many pieces a line holds, 0 to 100; 0 removes it. */
    readonly setQuantity: (lineId: number, quantity: number) => Promise<Cart | undefined>;
    /** Removes a line. */
    readonly remove: (lineId: number) => Promise<Cart | undefined>;
    /** Removes all lines. */
    readonly clear: () => Promise<Cart | undefined>;
    /** Reads the cart again. */
    readonly refresh: () => Promise<Cart | undefined>;
  };

/**
 * The cart of the user who is signed in. It is read when the component comes and after each sign-in, follows every
 * change that this client makes, and is `loading` while there is none to show: `error` says why, if a read failed. When the
 * session has expired it stays, until the same user is back, another signs in, or somebody logs out.
 */
export function useCart(): UseCart {
  const { client, cart } = useShared();
  const begun = useBegun(client);
  const view = useSyncExternalStore(cart.subscribe, cart.snapshot, cart.snapshot);
  return useMemo(
    () => ({
      ...named(view, 'cart'),
      add: (skuId: number, quantity = 1) => begun((options) => cart.write(() => client.cart.add(skuId, quantity, options))),
      setQuantity: (lineId: number, quantity: number) =>
        begun((options) => cart.write(() => client.cart.setQuantity(lineId, quantity, options))),
      remove: (lineId: number) => begun((options) => cart.write(() => client.cart.remove(lineId, options))),
      clear: () => begun((options) => cart.write(() => client.cart.clear(options))),
      refresh: cart.refresh,
    }),
    [client, cart, begun, view],
  );
}

/** As in `UseCart`, the actions never reject. */
export type UseWishlist = Common &
  (
    | { readonly status: 'loading'; readonly wishlist: undefined }
    | { readonly status: 'ready'; readonly wishlist: Wishlist }
  ) & {
    /** Puts a product on the wishlist. */
    readonly add: (productId: number) => Promise<Wishlist | undefined>;
    /** Takes a product off the wishlist. */
    readonly remove: (productId: number) => Promise<Wishlist | undefined>;
    /** Takes all products off the wishlist. */
    readonly clear: () => Promise<Wishlist | undefined>;
    /** Reads the wishlist again. */
    readonly refresh: () => Promise<Wishlist | undefined>;
  };

/** The wishlist of the user who is signed in, as `useCart` is the cart. */
export function useWishlist(): UseWishlist {
  const { client, wishlist } = useShared();
  const begun = useBegun(client);
  const view = useSyncExternalStore(wishlist.subscribe, wishlist.snapshot, wishlist.snapshot);
  return useMemo(
    () => ({
      ...named(view, 'wishlist'),
      add: (productId: number) => begun((options) => wishlist.write(() => client.wishlist.add(productId, options))),
      remove: (productId: number) => begun((options) => wishlist.write(() => client.wishlist.remove(productId, options))),
      clear: () => begun((options) => wishlist.write(() => client.wishlist.clear(options))),
      refresh: wishlist.refresh,
    }),
    [client, wishlist, begun, view],
  );
}

/** As in `UseCart`, the actions never reject. */
export type UseOrders = Common &
  (
    | { readonly status: 'loading'; readonly orders: undefined }
    | { readonly status: 'ready'; readonly orders: readonly Order[] }
  ) & {
    /** Places an order. After an `error` with code `outcomeUnknown` it may have been placed: look at the list. */
    readonly place: (order: NewOrder) => Promise<Order | undefined>;
    /** Cancels an order. */
    readonly cancel: (orderId: number) => Promise<CancelledOrder | undefined>;
    /** Reads the list again. */
    readonly refresh: () => Promise<readonly Order[] | undefined>;
  };

/** A page of the orders of the user who is signed in, newest first, as `useCart` is the cart. */
export function useOrders(query: OrderQuery = {}): UseOrders {
  const shared = useShared();
  const { client } = shared;
  const orders = shared.orders(query);
  const begun = useBegun(client);
  const view = useSyncExternalStore(orders.subscribe, orders.snapshot, orders.snapshot);
  return useMemo(
    () => ({
      ...named(view, 'orders'),
      place: (order: NewOrder) => begun((options) => orders.act(() => client.orders.place(order, options), shared.ordersChanged)),
      cancel: (orderId: number) => begun((options) => orders.act(() => client.orders.cancel(orderId, options), shared.ordersChanged)),
      refresh: orders.refresh,
    }),
    [client, orders, shared, begun, view],
  );
}

function named<T, Name extends string>(view: View<T>, name: Name) {
  type Named =
    | (Common & { readonly status: 'loading' } & Readonly<Record<Name, undefined>>)
    | (Common & { readonly status: 'ready' } & Readonly<Record<Name, T>>);
  const { status, data, error, busy } = view;
  return { status, [name]: data, error, busy } as Named;
}
