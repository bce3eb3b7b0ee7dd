/** For tests of an app: a client without a server. It loads neither the native library nor React. */
export { MarketError } from '../errors';
export { PhoneNumber } from '../values';
export type { FakeMarket, FakeProduct, FakeSku, PerMarket } from './catalogue';
export { FakeMarketClient } from './client';
export type { FailOptions, FakeFailure, FakeOptions } from './client';
export { FakeShop } from './shop';
export type { CallName, FakeCall } from './steering';
