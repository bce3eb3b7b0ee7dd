/** Errors as the core makes them, without the core. A test holds them against the core's own. */
import { MarketError } from '../errors';
import type { ErrorCode, Failure, FieldError } from '../generated/jsi/market_sdk_ffi';
import type { CallName } from './steering';
import type { MadeAs } from './ticket';

/** What the core makes of a code. */
export type Meaning = {
  readonly message: string;
  readonly retryable?: true;
  /** An order that ended so was certainly not placed. */
  readonly leavesNoOrder?: true;
  /** What is shown of the cart may be wrong now. */
  readonly leavesCartInDoubt?: true;
};

export const CODES: Readonly<Record<ErrorCode, Meaning>> = {
  invalidInput: { message: 'Please check what you entered.', leavesNoOrder: true, leavesCartInDoubt: true },
  wrongCode: { message: 'That code is wrong or too old.' },
  rateLimited: { message: 'Too many attempts. Please wait a little.', retryable: true, leavesNoOrder: true },
  notSignedIn: { message: 'Please sign in.', leavesNoOrder: true },
  sessionExpired: { message: 'Your session has expired. Please sign in again.', leavesNoOrder: true },
  signedOut: { message: 'You have been signed out.' },
  storeLocked: { message: "The device's secure storage is locked.", retryable: true, leavesNoOrder: true },
  storeUnavailable: { message: "The device's secure storage is not available.", leavesNoOrder: true },
  storeNotCleared: { message: 'You are signed out, but the stored session could not be erased yet.' },
  network: { message: 'The shop could not be reached.', retryable: true, leavesNoOrder: true, leavesCartInDoubt: true },
  timeout: { message: 'The shop did not answer in time.', retryable: true, leavesCartInDoubt: true },
  tls: { message: 'The connection to the shop is not secure.', leavesNoOrder: true },
  rejected: { message: 'The shop declined the request.', leavesNoOrder: true, leavesCartInDoubt: true },
  notFound: { message: 'That is no longer there.', leavesNoOrder: true, leavesCartInDoubt: true },
  unsupported: { message: 'This shop does not offer that.', leavesNoOrder: true },
  server: { message: 'The shop has a problem. Please try again later.', retryable: true, leavesCartInDoubt: true },
  unexpectedResponse: { message: 'The shop gave an unexpected answer.', leavesNoOrder: true, leavesCartInDoubt: true },
  outcomeUnknown: { message: 'The answer was lost; it is not known whether it went through.', leavesCartInDoubt: true },
  orderPending: { message: 'An earlier order is still being confirmed.' },
  cancelled: { message: 'The call was cancelled.' },
  config: { message: 'The client is not configured correctly.' },
};

/** An error of this code: with its own words, unless others are given. */
export function failed(code: ErrorCode, more: Partial<Failure> = {}): MarketError {
  const { message, retryable = false } = CODES[code];
  return new MarketError({ message, isRetryable: retryable, ...more, code });
}

/** What the shop answered, in its words. */
export function refused(code: ErrorCode, status: number, message: string): MarketError {
  return failed(code, { status, message });
}

/** Input that was refused before anything was sent. */
export function invalid(path: string, message: string): MarketError {
  return failed('invalidInput', { message, fields: [{ path, message }] });
}

/** What a call ends with that meets this failure on its way. */
export function met(error: MarketError, acted: boolean, name: CallName, as: MadeAs): MarketError {
  const { code, status, requestId } = error;
  // A 401, which is the end of a session only where there is one.
  if (code === 'sessionExpired' && as !== 'user') return failed('rejected', { status: status ?? 401 });
  // A failure of the server spends no code; a gateway's may come after it was spent.
  const failing = name === 'orders.place' || (name === 'session.verifyCode' && (status === 502 || status === 504));
  const once = name === 'orders.place' || name === 'session.verifyCode';
  const isLost =
    (once && (code === 'timeout' || (acted && (code === 'network' || code === 'unexpectedResponse')))) || (failing && code === 'server');
  return isLost ? failed('outcomeUnknown', { status, requestId }) : error;
}

const TOO_MANY_CODES = 15 * 60_000;

/** What an answer with this status is to a request of the app's own; nothing if it is no error. */
export function judged(status: number, body: unknown): MarketError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const { detail, message } = (typeof body === 'object' && body !== null ? body : {}) as { detail?: unknown; message?: unknown };
  const text = [detail, message].find((one) => typeof one === 'string')?.trim() || undefined;
  const said = (code: ErrorCode, more?: Partial<Failure>) => failed(code, { status, ...(text && { message: text }), ...more });
  if ((status === 404 && detail === 'Not Found') || status === 405) return failed('unsupported', { status });
  if (status === 404 || status === 410) return said('notFound');
  if (status === 408) return failed('timeout', { status });
  if (status === 422) {
    const fields = fieldsOf(detail);
    const [first] = fields;
    if (first !== undefined) return failed('invalidInput', { status, message: first.message, fields });
    return /too many/i.test(text ?? '') ? said('rateLimited', { retryAfter: TOO_MANY_CODES }) : said('invalidInput');
  }
  if (status === 429) return said('rateLimited');
  if (status === 401) return failed('rejected', { status });
  if (status >= 400 && status < 500) return said('rejected');
  return failed(status >= 500 && status < 600 ? 'server' : 'unexpectedResponse', { status });
}

/** `[{ loc: ['body', 'full_name'], msg: 'Too long' }]` */
function fieldsOf(detail: unknown): FieldError[] {
  if (!Array.isArray(detail)) return [];
  return (detail as { loc?: unknown; msg?: unknown }[]).flatMap(({ loc, msg }) => {
    if (!Array.isArray(loc)) return [];
    return [{ path: (loc.length > 1 ? loc.slice(1) : loc).join('.'), message: typeof msg === 'string' ? msg : '' }];
  });
}
