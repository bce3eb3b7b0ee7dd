/** What has become of calls. */
import type { ErrorCode } from '../../src/node';
import type { MarketError } from '../../src/testing';

/** The code of what a call failed with; nothing if it did not. */
export async function code(call: Promise<unknown>): Promise<ErrorCode | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => (error as MarketError).code,
  );
}

/** What has become of a call, as far as it has. */
export function watched(call: Promise<unknown>): { done: boolean } {
  const what = { done: false };
  const done = (): void => {
    what.done = true;
  };
  call.then(done, done);
  return what;
}

/** Whatever was promised has been told, whether or not the clock stands still. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}
