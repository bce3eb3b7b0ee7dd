/** What both entry points hand out. */
export type { CallOptions } from './call';
export type { CartApi, MarketClient, OrdersApi, RequestOptions, Response, Session, WishlistApi } from './client';
export { isMarketError, MarketError, StoreError } from './errors';
export type {
  CancelledOrder,
  Cart,
  CartLine,
  ClientConfig,
  CodeSent,
  Decimal,
  EndReason,
  ErrorCode,
  ExpiringSoon,
  FieldError,
  LockedReason,
  LogLevel,
  LogRecord,
  Market,
  MarketInfo,
  Markets,
  Method,
  Money,
  NewOrder,
  NewOrderItem,
  Order,
  OrderLine,
  OrderOutcome,
  OrderQuery,
  OrderStatus,
  ParkOnExpiry,
  Product,
  Profile,
  ProfileUpdate,
  SecureStore,
  SessionEnd,
  SessionState,
  SessionStore,
  SignedOutReason,
  SignIn,
  TokenStatus,
  Url,
  User,
  Wishlist,
  WishlistItem,
} from './generated/jsi/market_sdk_ffi';
export { MarketProvider, useCart, useMarket, useOrders, useSession, useWishlist } from './react';
export type { MarketProviderProps, UseCart, UseOrders, UseWishlist } from './react';
export { formatMoney, PhoneNumber } from './values';
