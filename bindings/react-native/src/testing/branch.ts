/** The shop in one market: its users, what it sells at which price, and what it numbers. */
import type { Markets, Money } from '../generated/jsi/market_sdk_ffi';
import type { Account } from './account';
import { type Cents, cents, type FakeMarket, type FakeProduct, type FakeSku, money, of } from './catalogue';
import type { Clock } from './clock';
import { refused } from './errors';

export const MARKETS: Markets = {
  supported: [
    {
      market: 'kg',
      country: 'Kyrgyzstan',
      currencySign: 'сом',
      currency: 'KGS',
      language: 'ru',
      phonePrefix: '+996',
      phoneFormat: '+996 XXX XXX XXX',
    },
    {
      market: 'us',
      country: 'United States',
      currencySign: '$',
      currency: 'USD',
      language: 'en',
      phonePrefix: '+1',
      phoneFormat: '+1 (XXX) XXX-XXXX',
    },
  ],
  defaultMarket: 'kg',
};

type Sold = { readonly sku: FakeSku; readonly name: string; readonly price: Cents };

/** The users, the stock and the numbers of one market. */
export class Branch {
  readonly accounts = new Map<string, Account>();
  readonly stock = new Map<number, number>();
  private readonly numbers = new Map<string, number>();

  constructor(
    readonly market: FakeMarket,
    private readonly products: readonly FakeProduct[],
    private readonly clock: Clock,
  ) {}

  get info() {
    return MARKETS.supported[this.market === 'kg' ? 0 : 1];
  }

  now(): Date {
    return new Date(this.clock.now());
  }

  get currency(): string {
    return this.info?.currency ?? '';
  }

  /** The next number of its kind. */
  next(what: 'user' | 'cart' | 'cart line' | 'wishlist' | 'wish' | 'order' | 'order line'): number {
    const number = (this.numbers.get(what) ?? 0) + 1;
    this.numbers.set(what, number);
    return number;
  }

  product(id: number): FakeProduct | undefined {
    return this.products.find((product) => product.id === id);
  }

  /** What is sold by this number, and of which product it is. */
  sku(id: number): Sold {
    const sold = this.find(id);
    if (sold === undefined) throw refused('notFound', 404, `SKU with id ${id} not found`);
    return sold;
  }

  find(id: number): Sold | undefined {
    for (const { name, skus } of this.products) {
      const sku = skus.find((one) => one.id === id && one.active !== false);
      if (sku !== undefined) return { sku, name: of(name, this.market), price: cents(of(sku.price, this.market)) };
    }
    return undefined;
  }

  left(sku: FakeSku): number {
    return this.stock.get(sku.id) ?? sku.stock ?? 1000;
  }

  money(amount: Cents): Money {
    return money(amount, this.currency);
  }
}
