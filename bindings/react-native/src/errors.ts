import type { ErrorCode, Failure, FieldError } from './generated/jsi/market_sdk_ffi';

type What = Omit<Failure, 'isRetryable' | 'fields'> & Partial<Failure>;

/**
 * Every error of the SDK. What to do about it is in its `code`:
 *
 * ```ts
 * try {
 *   await market.cart.add(42, 2);
 * } catch (e) {
 *   if (!isMarketError(e)) throw e;
 *   switch (e.code) {
 *     case 'sessionExpired': break; // the session's state has already led to the login screen
 *     case 'invalidInput': show(e.fields); break;
 *     default: show(e.message);
 *   }
 * }
 * ```
 */
export class MarketError extends Error {
  /** What went wrong, in terms of what the app does about it. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without anything else being done. */
  readonly isRetryable: boolean;
  /** The HTTP status of the answer that was judged, if there was one. */
  readonly status: number | undefined;
  /** The server's name for the request, if it gave one. Quote it when reporting. */
  readonly requestId: string | undefined;
  /** How many milliseconds to wait before asking again, if that is known. */
  readonly retryAfter: number | undefined;
  /** The refused fields of an invalid input. */
  readonly fields: readonly FieldError[];
  /** For a developer's log: what the layer below said. It holds nothing personal. */
  readonly detail: string | undefined;

  /** `message` is a text fit for a person. It holds no token, code or full phone number. */
  constructor(what: What) {
    super(what.message);
    Object.defineProperty(this, 'name', { value: 'MarketError', configurable: true, writable: true });
    this.code = what.code;
    this.isRetryable = what.isRetryable ?? false;
    this.status = what.status;
    this.requestId = what.requestId;
    this.retryAfter = what.retryAfter;
    this.fields = what.fields ?? [];
    this.detail = what.detail;
  }

  /** @internal */
  static config(message: string, detail?: string): MarketError {
    return new MarketError({ code: 'config', message, detail });
  }

  /** @internal */
  static invalid(message: string): MarketError {
    return new MarketError({ code: 'invalidInput', message });
  }

  /** @internal */
  static internal(detail: string): MarketError {
    return new MarketError({ code: 'unexpectedResponse', message: 'Something went wrong.', detail });
  }

  /** @internal */
  static instanceOf(this: void, error: unknown): error is MarketError {
    return isMarketError(error);
  }

  /** @internal */
  static lifted(what: { failure: Failure }): MarketError {
    return new MarketError(what.failure);
  }

  /** @internal */
  static lowered(error: MarketError): { type: 'failed'; failure: Failure } {
    const { code, message, isRetryable, status, requestId, retryAfter, detail } = error;
    const fields = [...error.fields];
    return { type: 'failed', failure: { code, message, isRetryable, status, requestId, retryAfter, detail, fields } };
  }
}

/** Whether `error` is an error of the SDK's, so that its `code` can be looked at. */
export function isMarketError(error: unknown): error is MarketError {
  // By name too: an app may have the package twice.
  return error instanceof MarketError || (error instanceof Error && error.name === 'MarketError' && 'code' in error);
}

/** @internal What `fetch` rejects with; some platforms' signals have no reason. */
export function abortReason(signal: AbortSignal): unknown {
  if (signal.reason !== undefined) return signal.reason;
  const error = new Error('The call was aborted.');
  error.name = 'AbortError';
  return error;
}

/** What a listener throws never gets as far as this: it is caught on this side. */
export class ListenerError extends Error {
  static instanceOf(this: void, error: unknown): error is ListenerError {
    return error instanceof ListenerError;
  }

  static lifted(what: { reason: string }): ListenerError {
    return new ListenerError(what.reason);
  }

  static lowered(error: ListenerError): { type: 'failed'; reason: string } {
    return { type: 'failed', reason: error.message };
  }
}

type StoreProblem =
  | { readonly type: 'locked' }
  | { readonly type: 'corrupt' }
  | { readonly type: 'unavailable'; readonly reason: string };

/** What a store of the host's own throws. */
export class StoreError extends Error {
  constructor(
    /** Why it did not do what it was asked for. */
    readonly problem: 'locked' | 'corrupt' | 'unavailable',
    /** For a developer; nothing personal. */
    reason = '',
  ) {
    super(reason);
    this.name = 'StoreError';
  }

  /** @internal */
  static instanceOf(this: void, error: unknown): error is StoreError {
    return error instanceof StoreError;
  }

  /** @internal */
  static lifted(what: StoreProblem): StoreError {
    return new StoreError(what.type, what.type === 'unavailable' ? what.reason : '');
  }

  /** @internal */
  static lowered(error: StoreError): StoreProblem {
    return error.problem === 'unavailable' ? { type: 'unavailable', reason: error.message } : { type: error.problem };
  }
}
