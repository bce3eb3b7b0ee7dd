/** Errors as the core makes them. A test compares the texts with the core's own. */
import { MarketError } from '../errors';
import type { ErrorCode, Failure } from '../generated/jsi/market_sdk_ffi';

const MESSAGES: Readonly<Record<ErrorCode, string>> = {
  invalidInput: 'Please check what you entered.',
  wrongCode: 'That code is wrong or too old.',
  rateLimited: 'Too many attempts. Please wait a little.',
  notSignedIn: 'Please sign in.',
  sessionExpired: 'Your session has expired. Please sign in again.',
  signedOut: 'You have been signed out.',
  storeLocked: "The device's secure storage is locked.",
  storeUnavailable: "The device's secure storage is not available.",
  storeNotCleared: 'You are signed out, but the stored session could not be erased yet.',
  network: 'The shop could not be reached.',
  timeout: 'The shop did not answer in time.',
  tls: 'The connection to the shop is not secure.',
  rejected: 'The shop declined the request.',
  notFound: 'That is no longer there.',
  unsupported: 'This shop does not offer that.',
  server: 'The shop has a problem. Please try again later.',
  unexpectedResponse: 'The shop gave an unexpected answer.',
  outcomeUnknown: 'The answer was lost; it is not known whether it went through.',
  orderPending: 'An earlier order is still being confirmed.',
  cancelled: 'The call was cancelled.',
  config: 'The client is not configured correctly.',
};

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['rateLimited', 'storeLocked', 'network', 'timeout', 'server']);

/** An error of this code: with its own words, unless others are given. */
export function failed(code: ErrorCode, more: Partial<Failure> = {}): MarketError {
  return new MarketError({ message: MESSAGES[code], isRetryable: RETRYABLE.has(code), ...more, code });
}

/** What the shop answered, in its words. */
export function refused(code: ErrorCode, status: number, message: string): MarketError {
  return failed(code, { status, message });
}

/** Input that was refused before anything was sent. */
export function invalid(path: string, message: string): MarketError {
  return failed('invalidInput', { message, fields: [{ path, message }] });
}
