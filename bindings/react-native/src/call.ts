import {
  type UniffiByteArray,
  type UniffiErrorHandler,
  type UniffiHandle,
  UniffiInternalError,
  type UniffiRustCaller,
  type UniffiRustCallStatus,
} from 'uniffi-bindgen-react-native';

import { abortReason, isMarketError, MarketError } from './errors';
import { Handles } from './handles';

/** How a call is made. */
export type CallOptions = {
  /**
   * Aborting it ends the call with the signal's reason. A read's connection is closed at once; a cart write or an
   * order that has begun runs to its end though nobody waits for it.
   */
  readonly signal?: AbortSignal | undefined;
};

const READY = 0;
/** Longer than any call; the longest that timers take. */
const LONG = 0x7fff_ffff;

const waiting = new Handles<(pollResult: number) => void>();
/** Elsewhere than on Node there is less of it, or none. */
const { env, versions } = (typeof process === 'object' ? process : {}) as Partial<Pick<NodeJS.Process, 'env' | 'versions'>>;
const inProduction = env?.['NODE_ENV'] === 'production';
const onNode = typeof versions?.node === 'string';

function woken(handle: UniffiHandle, pollResult: number): void {
  // One of a former JavaScript context finds nobody here.
  waiting.remove(handle)?.(pollResult);
}

/**
 * Makes an asynchronous call of Rust's, for generated code. It stands in for the runtime's own, which wants a signal
 * wherever there are options, does not know its reason, and rejects with errors of its own.
 */
export async function uniffiRustCallAsync<F, S extends UniffiRustCallStatus, T>(
  rustCaller: UniffiRustCaller<S>,
  start: () => bigint,
  poll: (future: bigint, woken: (handle: UniffiHandle, pollResult: number) => void, handle: UniffiHandle) => void,
  cancel: (future: bigint) => void,
  complete: (future: bigint, status: S) => F,
  free: (future: bigint) => void,
  lift: (lowered: F) => T,
  liftString: (bytes: UniffiByteArray) => string,
  options?: CallOptions,
  errorHandler?: UniffiErrorHandler,
): Promise<T> {
  const signal = options?.signal;
  if (signal?.aborted) throw abortReason(signal);
  // Who called is no longer on the stack when the answer comes.
  const { stack } = inProduction ? {} : new Error();
  let future: bigint;
  try {
    future = start();
  } catch (error) {
    throw ours(error);
  }
  const abort = (): void => cancel(future);
  signal?.addEventListener('abort', abort);
  // What Rust wakes does not keep a Node process alive, and a call that is waited for has to.
  const alive = onNode ? setTimeout(() => undefined, LONG) : undefined;
  try {
    let polled: number;
    do {
      polled = await new Promise<number>((resolve) => poll(future, woken, waiting.insert(resolve)));
    } while (polled !== READY);
    return lift(rustCaller.makeRustCall((status) => complete(future, status), liftString, errorHandler));
  } catch (error) {
    if (signal?.aborted && error instanceof UniffiInternalError.AbortError) throw abortReason(signal);
    const thrown = ours(error);
    if (stack !== undefined) thrown.stack = `${String(thrown)}${stack.replace(/^Error:? ?(?=\n)/, '')}`;
    throw thrown;
  } finally {
    clearTimeout(alive);
    signal?.removeEventListener('abort', abort);
    free(future);
  }
}

/** @internal Every error that is not a signal's reason is a `MarketError`. */
export function ours(error: unknown): MarketError {
  if (isMarketError(error)) return error;
  if (error instanceof UniffiInternalError.AbortError) {
    return new MarketError({ code: 'cancelled', message: 'The call was cancelled.' });
  }
  if (error instanceof UniffiInternalError.UnexpectedNullPointer) return MarketError.config('The client was closed.');
  // Its message may say anything.
  if (error instanceof UniffiInternalError.RustPanic) return MarketError.internal('a call panicked');
  return MarketError.internal(error instanceof Error ? error.name : 'something was thrown');
}
