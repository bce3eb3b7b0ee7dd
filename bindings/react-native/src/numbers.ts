/** Which of JavaScript's numbers a call takes. */
import { MarketError } from './errors';

/** @internal A whole number that is not cut down or rounded on its way. */
export function whole(value: unknown, limit = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Math.abs(value) > limit) {
    throw MarketError.invalid(`${String(value)} is not a whole number that can be used here.`);
  }
  return value;
}

/** @internal A duration. */
export function milliseconds(value: number): number {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw MarketError.config(`${String(value)} is no number of milliseconds.`);
}
