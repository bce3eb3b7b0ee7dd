/** What the shop keeps for one user: profile, cart, wishlist and orders. */
import type {
  CancelledOrder,
  Cart,
  NewOrder,
  Order,
  OrderQuery,
  OrderStatus,
  Profile,
  ProfileUpdate,
  TokenStatus,
  Wishlist,
} from '../generated/jsi/market_sdk_ffi';
import { PhoneNumber } from '../values';
import type { Branch } from './branch';
import { type Cents, cents, type FakeSku, money, of } from './catalogue';
import { refused } from './errors';

const SHIPPING: Cents = cents('150');
const FREE_FROM: Cents = cents('5000');
/** The dev server writes this on every order, whatever the market. */
const ORDER_CURRENCY = 'KGS';

const STATUSES: readonly OrderStatus[] = ['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled', 'returned'];

type Line = { readonly id: number; readonly skuId: number; quantity: number };

type Item = { readonly id: number; readonly sku: FakeSku; readonly name: string; readonly price: Cents; readonly quantity: number };

/** An order as it is kept. */
export type OrderRecord = {
  readonly id: number;
  status: OrderStatus;
  readonly name: string;
  readonly phone: string;
  readonly address: string;
  readonly items: readonly Item[];
  readonly at: Date;
};

export class Account {
  isActive = true;
  private fullName: string | undefined;
  private image: string | undefined;
  private lastLogin: Date;
  private readonly createdAt: Date;
  private cart: { readonly id: number; lines: Line[] } | undefined;
  private wishlist: { readonly id: number; wishes: { readonly id: number; readonly productId: number }[] } | undefined;
  private readonly orders: OrderRecord[] = [];

  constructor(
    readonly id: number,
    readonly phone: string,
    readonly branch: Branch,
  ) {
    this.lastLogin = this.createdAt = branch.now();
  }

  signedIn(): void {
    this.isActive = true;
    this.lastLogin = this.branch.now();
  }

  // The profile

  profile(): Profile {
    const { market, info } = this.branch;
    return {
      id: this.id,
      phone: new PhoneNumber(this.phone),
      fullName: this.fullName,
      profileImageUrl: this.image,
      isActive: this.isActive,
      isVerified: true,
      market,
      language: info?.language,
      country: info?.country,
      currency: info?.currency,
      lastLogin: this.lastLogin,
      createdAt: this.createdAt,
    };
  }

  updateProfile({ fullName, profileImageUrl }: ProfileUpdate): Profile {
    this.fullName = fullName ?? this.fullName;
    this.image = profileImageUrl ?? this.image;
    return this.profile();
  }

  tokenStatus(): TokenStatus {
    return { valid: true, userId: this.id, market: this.branch.market };
  }

  // The cart

  getCart(): Cart {
    const { id, lines } = this.openCart();
    let total = cents('0');
    const items = lines.flatMap((line) => {
      const sold = this.branch.find(line.skuId);
      if (sold === undefined) return [];
      total += sold.price * BigInt(line.quantity);
      return [{ ...line, name: sold.name, price: this.branch.money(sold.price), image: undefined }];
    });
    return { id, userId: this.id, items, totalPrice: this.branch.money(total) };
  }

  addToCart(skuId: number, quantity: number): Cart {
    this.branch.sku(skuId);
    const { lines } = this.openCart();
    const line = lines.find((one) => one.skuId === skuId);
    if (line === undefined) lines.push({ id: this.branch.next('cart line'), skuId, quantity });
    else this.changed(line, line.quantity + quantity);
    return this.getCart();
  }

  setQuantity(lineId: number, quantity: number): Cart {
    if (quantity === 0) return this.removeFromCart(lineId);
    this.changed(this.line(lineId), quantity);
    return this.getCart();
  }

  removeFromCart(lineId: number): Cart {
    const line = this.line(lineId);
    const cart = this.openCart();
    cart.lines = cart.lines.filter((one) => one !== line);
    return this.getCart();
  }

  clearCart(): Cart {
    this.openCart().lines = [];
    return this.getCart();
  }

  private openCart() {
    return (this.cart ??= { id: this.branch.next('cart'), lines: [] });
  }

  private line(id: number): Line {
    if (this.cart === undefined) throw refused('notFound', 404, 'Cart not found');
    const line = this.cart.lines.find((one) => one.id === id);
    if (line === undefined) throw refused('notFound', 404, 'Cart item not found');
    return line;
  }

  /** The line that was changed last comes last. */
  private changed(line: Line, quantity: number): void {
    line.quantity = quantity;
    const cart = this.openCart();
    cart.lines = [...cart.lines.filter((one) => one !== line), line];
  }

  // The wishlist

  getWishlist(): Wishlist {
    const { id, wishes } = this.openWishlist();
    const items = wishes.map((wish) => ({ id: wish.id, product: this.product(wish.productId) }));
    return { id, userId: this.id, items };
  }

  addWish(productId: number): Wishlist {
    this.product(productId);
    const { wishes } = this.openWishlist();
    if (!wishes.some((wish) => wish.productId === productId)) wishes.push({ id: this.branch.next('wish'), productId });
    return this.getWishlist();
  }

  removeWish(productId: number): Wishlist {
    if (this.wishlist === undefined) throw refused('notFound', 404, 'Wishlist not found');
    const wish = this.wishlist.wishes.find((one) => one.productId === productId);
    if (wish === undefined) throw refused('notFound', 404, 'Wishlist item not found');
    this.wishlist.wishes = this.wishlist.wishes.filter((one) => one !== wish);
    return this.getWishlist();
  }

  clearWishlist(): Wishlist {
    this.openWishlist().wishes = [];
    return this.getWishlist();
  }

  private openWishlist() {
    return (this.wishlist ??= { id: this.branch.next('wishlist'), wishes: [] });
  }

  private product(id: number) {
    const product = this.branch.product(id);
    if (product === undefined) throw refused('notFound', 404, 'Product not found');
    const { market } = this.branch;
    const prices = product.skus.filter(({ active }) => active !== false).map(({ price }) => cents(of(price, market)));
    const [first, ...rest] = prices;
    const price = first === undefined ? undefined : rest.reduce((least, one) => (one < least ? one : least), first);
    return {
      id,
      name: of(product.name, market),
      slug: undefined,
      brand: undefined,
      price: price === undefined ? undefined : this.branch.money(price),
      originalPrice: undefined,
      discount: undefined,
      image: undefined,
      images: [],
      category: undefined,
      subcategory: undefined,
      sizes: [],
      colors: [],
      rating: undefined,
      reviews: undefined,
      salesCount: undefined,
      inStock: undefined,
      description: undefined,
    };
  }

  // Orders

  place({ items, customerName, customerPhone, deliveryAddress }: NewOrder): Order {
    const wanted = items ?? this.cart?.lines ?? [];
    if (wanted.length === 0) throw refused('rejected', 400, 'Your cart is empty');
    const left = new Map<number, number>();
    const taken = wanted.map(({ skuId, quantity }) => {
      const found = this.branch.sku(skuId);
      const pieces = left.get(skuId) ?? this.branch.left(found.sku);
      enough(found.name, found.sku, pieces, quantity);
      left.set(skuId, pieces - quantity);
      return { ...found, quantity };
    });
    // All of it or nothing.
    for (const [skuId, pieces] of left) this.branch.stock.set(skuId, pieces);
    const order: OrderRecord = {
      id: this.branch.next('order'),
      status: 'pending',
      name: customerName,
      phone: customerPhone,
      address: deliveryAddress,
      items: taken.map((item) => ({ ...item, id: this.branch.next('order line') })),
      at: this.branch.now(),
    };
    this.orders.unshift(order);
    if (items === undefined) this.clearCart();
    return shown(order);
  }

  listOrders({ limit = 20, offset = 0, status }: OrderQuery): Order[] {
    const known = status !== undefined && STATUSES.includes(status);
    const orders = known ? this.orders.filter((order) => order.status === status) : this.orders;
    return orders.slice(offset, offset + limit).map(shown);
  }

  getOrder(id: number): Order {
    return shown(this.order(id));
  }

  cancelOrder(id: number): CancelledOrder {
    const order = this.order(id);
    if (order.status === 'cancelled' || order.status === 'delivered') {
      throw refused('rejected', 400, `Cannot cancel order with status: ${order.status}`);
    }
    order.status = 'cancelled';
    return { id, status: order.status };
  }

  order(id: number): OrderRecord {
    const order = this.orders.find((one) => one.id === id);
    if (order === undefined) throw refused('notFound', 404, 'Order not found');
    return order;
  }

  /** The newest order's number; 0 if there is none. */
  get newestOrder(): number {
    return this.orders[0]?.id ?? 0;
  }
}

function enough(name: string, { size, color }: FakeSku, left: number, quantity: number): void {
  const what = `'${name}' (size: ${size ?? ''}, color: ${color ?? ''})`;
  if (left <= 0) throw refused('rejected', 400, `Product ${what} is out of stock`);
  if (left < quantity) throw refused('rejected', 400, `Not enough stock for ${what}. Available: ${left}`);
}

function shown({ id, status, name, phone, address, items, at }: OrderRecord): Order {
  const price = (amount: Cents) => money(amount, ORDER_CURRENCY);
  const subtotal = items.reduce((sum, item) => sum + item.price * BigInt(item.quantity), cents('0'));
  const shipping = subtotal >= FREE_FROM ? cents('0') : SHIPPING;
  return {
    id,
    orderNumber: `#${1000 + id}`,
    status,
    customerName: name,
    customerPhone: new PhoneNumber(phone),
    deliveryAddress: address,
    subtotal: price(subtotal),
    shippingCost: price(shipping),
    totalAmount: price(subtotal + shipping),
    orderDate: at,
    items: items.map((item) => ({
      id: item.id,
      productName: item.name,
      skuCode: item.sku.code,
      size: item.sku.size,
      color: item.sku.color,
      unitPrice: price(item.price),
      quantity: item.quantity,
      totalPrice: price(item.price * BigInt(item.quantity)),
    })),
  };
}
