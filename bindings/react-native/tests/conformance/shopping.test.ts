import type { Order } from '../../src/node';
import { type Case, conformance, failed, KG_PHONE, lines, ORDER, PHONE, stateOf } from './case';

conformance('a_cart_line_grows_is_set_and_goes', async (it) => {
  const { cart } = await it.signedIn();
  await cart.add(42, 2);
  const grown = await cart.add(42, 1);
  expect(lines(grown)).toEqual([[42, 3]]);
  const line = grown.items[0];
  expect(line).toMatchObject({ name: 'Canvas Bag', price: { amount: '19.99', currency: 'USD' } });
  expect(lines(await cart.setQuantity(line?.id ?? 0, 7))).toEqual([[42, 7]]);
  expect(lines(await cart.setQuantity(line?.id ?? 0, 0))).toEqual([]);
  const other = await cart.add(88, 1);
  expect(lines(other)).toEqual([[88, 1]]);
  const id = other.items[0]?.id ?? 0;
  expect(lines(await cart.remove(id))).toEqual([]);
  await failed(cart.remove(id), 'notFound');
  await cart.add(42, 1);
  expect(lines(await cart.clear())).toEqual([]);
});

conformance('additions_that_are_made_in_a_row_reach_the_server_in_that_order', async (it) => {
  const client = await it.signedIn();
  await it.server.fault('POST /cart/items', { kind: 'hold' });
  const adds = [1, 2, 3, 4, 5, 6].map((quantity) => client.cart.add(42, quantity));
  await it.server.arrived('POST /cart/items');
  await it.server.release();
  const carts = await Promise.all(adds);
  expect(carts.map(lines)).toEqual([1, 3, 6, 10, 15, 21].map((sum) => [[42, sum]]));
});

conformance(
  'ten_additions_at_once_lose_nothing_on_a_server_that_loses_parallel_ones',
  async (it) => {
    const { cart } = await it.signedIn();
    const carts = await Promise.all(Array.from({ length: 10 }, () => cart.add(42, 1)));
    const seen = carts.map(({ items }) => items[0]?.quantity ?? 0).sort((one, other) => one - other);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  },
  { dialect: 'g2' },
);

conformance('money_in_soms_is_exact', async (it) => {
  const client = it.client();
  await it.signIn(client, KG_PHONE);
  await client.cart.add(103, 1);
  const cart = await client.cart.add(104, 2);
  expect(cart.totalPrice).toEqual({ amount: '10200.30', currency: 'KGS' });
  const prices = cart.items.map(({ price }) => `${price.amount} ${price.currency}`);
  expect(prices.sort()).toEqual(['2999.90 KGS', '4200.50 KGS']);
});

conformance(
  'the_noise_of_a_servers_floats_is_not_shown',
  async (it) => {
    const { cart } = await it.signedIn();
    expect((await cart.add(42, 5)).totalPrice).toEqual({ amount: '99.95', currency: 'USD' });
  },
  { dialect: 'g2' },
);

conformance('money_that_a_double_cannot_hold_is_exact', async (it) => {
  const { cart } = await it.signedIn();
  const body =
    '{"id":1,"user_id":19,"total_items":1,"items":[{"id":1,"sku_id":42,"quantity":3,"name":"Canvas Bag",' +
    '"price":90071992547409931.01,"image":""}],"total_price":270215977642229793.03}';
  await it.server.fault('GET /cart', { kind: 'answer', status: 200, body }, 1);
  const { items, totalPrice } = await cart.get();
  expect(items[0]?.price).toEqual({ amount: '90071992547409931.01', currency: 'USD' });
  expect(totalPrice).toEqual({ amount: '270215977642229793.03', currency: 'USD' });
});

conformance('an_order_is_placed_listed_read_and_cancelled', async (it) => {
  const { cart, orders } = await it.signedIn();
  await cart.add(88, 1);
  const order = await orders.place({ ...ORDER, items: [{ skuId: 42, quantity: 2 }] });
  expect(order).toMatchObject({
    id: 1,
    orderNumber: '#1001',
    status: 'pending',
    customerName: 'Ann',
    subtotal: { amount: '39.98' },
    totalAmount: { amount: '189.98' },
    items: [{ productName: 'Canvas Bag', quantity: 2 }],
  });
  expect(order.items).toHaveLength(1);
  expect(lines(await cart.get())).toEqual([[88, 1]]);
  expect((await orders.list()).map(({ id }) => id)).toEqual([1]);
  const same = ({ id, orderNumber, totalAmount }: Order) => ({ id, orderNumber, totalAmount });
  expect(same(await orders.get(1))).toEqual(same(order));
  expect(await orders.cancel(1)).toEqual({ id: 1, status: 'cancelled' });
  await failed(orders.cancel(1), 'rejected');
  expect(await orders.list({ status: 'pending' })).toEqual([]);
});

conformance('an_order_status_that_nobody_knows_is_kept', async (it) => {
  const { orders } = await it.signedIn();
  const { id } = await orders.place({ ...ORDER, items: [{ skuId: 42, quantity: 2 }] });
  await it.server.control('POST', '/sql', { sql: "UPDATE us_orders SET status = 'teleported'" });
  expect((await orders.list())[0]?.status).toBe('teleported');
  expect((await orders.get(id)).status).toBe('teleported');
});

conformance('a_wishlist_is_kept_and_holds_a_product_once', async (it) => {
  const { wishlist } = await it.signedIn();
  await wishlist.add(15);
  await wishlist.add(15);
  const { items } = await wishlist.get();
  expect(items).toHaveLength(1);
  expect(items[0]?.product).toMatchObject({ id: 15, name: 'Silk Scarf', price: { amount: '24.50', currency: 'USD' } });
  expect((await wishlist.remove(15)).items).toEqual([]);
  await failed(wishlist.remove(15), 'notFound');
  await wishlist.add(10);
  expect((await wishlist.clear()).items).toEqual([]);
});

conformance('the_profile_is_read_and_changed_and_the_change_stays', async (it) => {
  const { session } = await it.signedIn();
  const before = await session.profile();
  expect([before.id, before.fullName, before.market, before.phone?.value]).toEqual([19, undefined, 'us', PHONE]);
  const changed = await session.updateProfile({ fullName: 'Анна Example' });
  expect(changed.fullName).toBe('Анна Example');
  expect(JSON.stringify(await session.profile())).toBe(JSON.stringify(changed));
  expect((await session.verifyToken()).valid).toBe(true);
});

conformance('the_markets_are_there_before_anybody_signs_in', async (it) => {
  const { supported } = await it.client().session.markets();
  const told = supported.map(({ market, phonePrefix, currency }) => [market, phonePrefix, currency]);
  expect(told.sort()).toEqual([['kg', '+996', 'KGS'], ['us', '+1', 'USD']]);
});

conformance('another_route_is_reached_through_the_same_door', async (it) => {
  const client = await it.signedIn();
  const { status, json } = await client.request('/auth/profile', { query: { page: 2 } });
  expect([status, json<{ phone_number: string }>().phone_number]).toEqual([200, PHONE]);
  await failed(client.request('/products'), 'unsupported');
  await failed(client.request('/auth/profile', { withSession: false }), 'rejected', { status: 401 });
  stateOf(client, 'signedIn');
  await it.server.expireSessions();
  await failed(client.request('/auth/profile'), 'sessionExpired');
  stateOf(client, 'expired');
});

/** Gives the order, or the call that failed to place it. */
async function trip(it: Case) {
  const client = await it.signedIn();
  const { cart, wishlist, orders } = client;
  expect(lines(await cart.get())).toEqual([]);
  await cart.add(42, 2);
  expect((await cart.get()).totalPrice).toEqual({ amount: '39.98', currency: 'USD' });
  const products = ({ items }: { items: readonly { product: { id: number } }[] }) => items.map(({ product }) => product.id);
  expect(products(await wishlist.get())).toEqual([]);
  expect(products(await wishlist.add(15))).toEqual([15]);
  expect(products(await wishlist.remove(15))).toEqual([]);
  expect(await orders.list()).toEqual([]);
  return { client, placed: orders.place(ORDER) };
}

async function ordered(it: Case): Promise<void> {
  const { client, placed } = await trip(it);
  const order = await placed;
  expect(order.items).toHaveLength(1);
  expect((await client.orders.list()).map(({ id }) => id)).toEqual([order.id]);
  await client.session.logout();
}

conformance('a_shopping_trip_on_a_documented_server', ordered);

conformance(
  'a_shopping_trip_on_a_server_of_the_first_generation',
  async (it) => {
    const { client, placed } = await trip(it);
    await failed(placed, 'unsupported');
    expect(lines(await client.cart.get())).toEqual([[42, 2]]);
    await client.session.logout();
  },
  { dialect: 'g1' },
);

conformance('a_shopping_trip_on_a_server_of_the_second_generation', ordered, { dialect: 'g2' });
