/** What the core refuses before anything is sent, in its words. */
import type { Market, NewOrder, OrderQuery, ProfileUpdate } from '../generated/jsi/market_sdk_ffi';
import { whole } from '../numbers';
import { failed, invalid } from './errors';

const INT32 = 0x7fff_ffff;

export function id(path: string, value: number): number {
  if (whole(value) < 0) throw invalid(path, 'There is nothing of this number.');
  return value;
}

export function pieces(quantity: number, least: 0 | 1): number {
  if (whole(quantity, INT32) < least || quantity > 100) throw invalid('quantity', `Enter a quantity from ${least} to 100.`);
  return quantity;
}

/** The number as it is sent: `+` and digits. `only` is the one market of the client, if it has one. */
export function phone(text: string, only?: Market): string {
  const refuse = (message: string) => invalid('phone', message);
  const [, national] = /^\+([0-9 \u00a0\-.()]*)$/.exec(text.trim()) ?? [];
  const digits = national?.replace(/[^0-9]/g, '') ?? '';
  if (digits.length < 8 || digits.length > 15 || digits.startsWith('0')) {
    throw refuse('Enter the phone number with its country code, like +996 or +1.');
  }
  const number = `+${digits}`;
  const market = marketOf(number);
  const length = { kg: 12, us: 11 }[market as string];
  if (length !== undefined && digits.length !== length) throw refuse('The phone number has too few or too many digits.');
  if (only !== undefined && market !== only) throw refuse("This shop does not serve that country's phone numbers.");
  return number;
}

/** The market that a number belongs to. */
export function marketOf(number: string): 'kg' | 'us' | undefined {
  if (number.startsWith('+996')) return 'kg';
  return number.startsWith('+1') ? 'us' : undefined;
}

export function code(text: string): string {
  const digits = text.trim();
  if (!/^[0-9]{4,8}$/.test(digits)) throw invalid('code', 'Enter the 4 to 8 digits of the code.');
  return digits;
}

export function profile({ fullName, profileImageUrl }: ProfileUpdate): void {
  if (fullName === undefined && profileImageUrl === undefined) throw invalid('full_name', 'There is nothing to change.');
  if (fullName !== undefined && (fullName.trim() === '' || length(fullName) > 255)) {
    throw invalid('full_name', 'Enter 1 to 255 characters.');
  }
}

export function query({ limit = 20, offset = 0 }: OrderQuery): void {
  whole(limit, INT32);
  if (whole(offset, INT32) < 0) throw invalid('offset', 'There is nothing before the first order.');
  if (limit < 1 || limit > 100) throw invalid('limit', 'Ask for 1 to 100 orders.');
}

export function order(order: NewOrder): void {
  // In a test that no compiler looks at.
  for (const [path, name] of [['customer_name', 'customerName'], ['customer_phone', 'customerPhone'], ['delivery_address', 'deliveryAddress']] as const) {
    if (typeof order[name] !== 'string') throw invalid(path, `A NewOrder needs a ${name}, a string.`);
  }
  const fields: { path: string; message: string }[] = [];
  const text = (path: string, value: string, least: number, most: number): void => {
    const short = length(value.trim()) < least;
    if (!short && length(value) <= most) return;
    const few = least > 1 ? `Enter at least ${least} characters.` : 'This is required.';
    fields.push({ path, message: short ? few : `Enter at most ${most} characters.` });
  };
  order.items?.forEach(({ skuId, quantity }, at) => {
    whole(quantity, INT32);
    id(`items.${at}.sku_id`, skuId);
  });
  text('customer_name', order.customerName, 1, 255);
  text('customer_phone', order.customerPhone, 10, 20);
  text('delivery_address', order.deliveryAddress, 5, 500);
  text('customer_email', order.email ?? '', 0, 255);
  text('delivery_city', order.city ?? '', 0, 100);
  text('delivery_notes', order.notes ?? '', 0, 500);
  text('payment_method', order.paymentMethod ?? 'cash', 1, 50);
  if (order.items?.length === 0) fields.push({ path: 'items', message: 'Choose something to order.' });
  order.items?.forEach(({ quantity }, at) => {
    if (quantity >= 1 && quantity <= 100) return;
    fields.push({ path: `items.${at}.quantity`, message: 'Enter a quantity from 1 to 100.' });
  });
  const [first] = fields;
  if (first !== undefined) throw failed('invalidInput', { message: first.message, fields });
}

/** Signing in and out are calls of the session, and a path stays below the base URL. */
export function path(path: string): void {
  const segments = path.replace(/^\//, '').replace(/\/$/, '').split('/');
  const escapes = [...path.matchAll(/%(.{0,2})/g)].map(([, hex = '']) => (/^[0-9a-f]{2}$/i.test(hex) ? Number.parseInt(hex, 16) : 0));
  const plain = path.startsWith('/') && !segments.some((segment) => ['', '.', '..'].includes(segment));
  if (!plain || /[?#\\\s\u0000-\u001f\u007f-\u009f]/.test(path) || escapes.some((byte) => !needed(byte))) {
    throw invalid('path', 'The path must lead to a place below the base URL, like /products.');
  }
  if (/^\/auth\/(verify-code|logout)\/*$/i.test(path)) throw invalid('path', 'Signing in and out are calls of the session.');
}

/** Whether a byte has to be escaped. */
function needed(byte: number): boolean {
  const plain = byte < 0x80 && /[A-Za-z0-9\-._~/\\%]/.test(String.fromCharCode(byte));
  return byte >= 0x20 && byte !== 0x7f && !plain;
}

/** In characters, of which JavaScript makes some of two. */
function length(text: string): number {
  return Array.from(text).length;
}
