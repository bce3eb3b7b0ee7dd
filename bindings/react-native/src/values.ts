import type { Money } from './generated/jsi/market_sdk_ffi';

/**
 * A phone number: `+` and 8 to 15 digits; one that came from the server is as the server wrote it. It does not show
 * itself in text, JSON or the console: the whole number is its `value`.
 */
export class PhoneNumber {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The whole number. */
  get value(): string {
    return this.#value;
  }

  /** Whether `other` is the same number. */
  equals(other: unknown): boolean {
    return other instanceof PhoneNumber && other.#value === this.#value;
  }

  /** The last two digits. */
  toString(): string {
    return `+${'•'.repeat(Math.max(this.#value.length - 3, 0))}${this.#value.slice(1).slice(-2)}`;
  }

  /** As `toString`: what is logged as JSON shows no more. */
  toJSON(): string {
    return this.toString();
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Above this, a power of ten is no longer one in floating point. */
const MOST_DIGITS = 22;

/**
 * The amount as it is written in `locale`, the device's if none is given: `$39.98`. Every digit is that of the amount:
 * nothing is calculated in floating point.
 */
export function formatMoney(money: Money, locale?: string): string {
  const match = /^(-?)0*(\d+)(?:\.(\d+))?$/.exec(money.amount);
  const [, minus = '', whole = '', fraction = ''] = match ?? [];
  if (match === null || whole.length > MOST_DIGITS || typeof Intl !== 'object') return plain(money);
  const digits: Intl.NumberFormatOptions = {
    minimumFractionDigits: fraction.length,
    maximumFractionDigits: fraction.length,
  };
  // A number of as many digits shows where everything goes; its digits are then replaced.
  const sample = (minus === '' ? 1 : -1) * Number(`1${'0'.repeat(whole.length - 1)}`);
  try {
    const shown = new Intl.NumberFormat(locale, { useGrouping: false });
    const own = new Set(Array.from('0123456789', (digit) => shown.format(Number(digit))));
    const rest = Array.from(whole + fraction, (digit) => shown.format(Number(digit)));
    // Not by its parts: there are none on iOS, where React Native's engine asks the system.
    const filled = Array.from(numberFormat(money.currency, digits, locale).format(sample), (sign) =>
      own.has(sign) ? (rest.shift() ?? '') : sign,
    );
    return rest.length === 0 && !filled.includes('') ? filled.join('') : plain(money);
  } catch {
    return plain(money);
  }
}

function plain({ amount, currency }: Money): string {
  return `${amount} ${currency}`;
}

function numberFormat(currency: string, digits: Intl.NumberFormatOptions, locale?: string): Intl.NumberFormat {
  // XXX stands for no currency.
  if (currency === 'XXX' || !/^[A-Z]{3}$/.test(currency)) return new Intl.NumberFormat(locale, digits);
  return new Intl.NumberFormat(locale, { ...digits, style: 'currency', currency });
}
