/** What the shop sells. */
import type { Money } from '../generated/jsi/market_sdk_ffi';

/** The markets that the shop serves. */
export type FakeMarket = 'kg' | 'us';

/** The same in all markets, or what it is in each. */
export type PerMarket<T> = T | Readonly<Record<FakeMarket, T>>;

/** A kind of a product that can be put into a cart. */
export type FakeSku = {
  readonly id: number;
  /** What it costs, as decimal digits: `'19.99'`. */
  readonly price: PerMarket<string>;
  /** How many pieces there are; 1000 if nothing is said. */
  readonly stock?: number;
  readonly code?: string;
  readonly size?: string;
  readonly color?: string;
  /** Whether it is sold; yes if nothing is said. */
  readonly active?: boolean;
};

/** A product, for wishlists, and what it comes in, for carts. */
export type FakeProduct = {
  readonly id: number;
  readonly name: PerMarket<string>;
  readonly skus: readonly FakeSku[];
};

export function of<T extends string>(value: PerMarket<T>, market: FakeMarket): T {
  return typeof value === 'string' ? value : value[market];
}

/** An amount in hundredths, which are whole. */
export type Cents = bigint;

/** A number of decimals is written as one of two. */
export function cents(digits: string): Cents {
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,2}))?$/.exec(digits) ?? [];
  if (whole === undefined) throw new TypeError(`${digits} is no price: decimal digits, two at most after the point`);
  return BigInt(whole + fraction.padEnd(2, '0'));
}

export function money(amount: Cents, currency: string): Money {
  const digits = amount.toString().padStart(3, '0');
  return { amount: `${digits.slice(0, -2)}.${digits.slice(-2)}`, currency };
}

function product(id: number, kg: string, us: string, ...skus: FakeSku[]): FakeProduct {
  return { id, name: { kg, us }, skus };
}

function sku(id: number, code: string, [kg, us]: [string, string], stock: number, active = true): FakeSku {
  const [, , size, short = ''] = code.split('-');
  const color = { NAT: 'Natural', BLK: 'Black', WHT: 'White', BLU: 'Blue', BRN: 'Brown', RED: 'Red', GRY: 'Grey' }[short];
  return { id, code, size, color, price: { kg, us }, stock, active };
}

/** The same as the dev server's. */
export const CATALOGUE: readonly FakeProduct[] = [
  product(
    10,
    'Холщовая сумка',
    'Canvas Bag',
    sku(42, 'LM-010-ONE-NAT', ['1500', '19.99'], 1000),
    sku(88, 'LM-010-ONE-BLK', ['900', '12.50'], 1000),
  ),
  product(
    11,
    'Хлопковая футболка',
    'Cotton T-Shirt',
    sku(101, 'NP-011-M-BLK', ['1500', '19.99'], 50),
    sku(102, 'NP-011-L-WHT', ['1500', '19.99'], 10),
  ),
  product(12, 'Кроссовки для бега', 'Running Shoes', sku(103, 'NP-012-42-BLU', ['4200.50', '89.95'], 5)),
  product(13, 'Denim Jacket', 'Denim Jacket', sku(104, 'LM-013-M-BLU', ['2999.90', '59.90'], 2)),
  product(14, 'Зимние ботинки', 'Winter Boots', sku(105, 'LM-014-43-BRN', ['6400', '120'], 0)),
  product(15, 'Шёлковый шарф', 'Silk Scarf', sku(106, 'NP-015-ONE-RED', ['890', '24.50'], 20)),
  product(
    16,
    'Кожаный ремень',
    'Leather Belt',
    sku(107, 'LM-016-S-GRY', ['1250', '17.49'], 10, false),
    sku(108, 'LM-016-M-GRY', ['1250', '17.49'], 10),
  ),
];
