import { FakeMarketClient, FakeShop } from '../../src/testing';
import { KG_PHONE, PHONE } from '../dev-server';
import { code, settled } from './ended';

const ORDER = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St' };
const MINUTE = 60_000;

test('the shop sells what the test adds, at each markets price, as long as there is any', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  const large = { id: 901, price: { kg: '90071992547409931.01', us: '0.05' }, size: 'L', stock: 1 };
  market.shop.add({ id: 90, name: { kg: 'Кружка', us: 'Mug' }, skus: [{ id: 900, price: '4.5' }, large] });
  expect((await market.cart.add(900, 2)).items[0]).toMatchObject({ name: 'Mug', price: { amount: '4.50', currency: 'USD' } });
  expect((await market.wishlist.add(90)).items[0]?.product).toMatchObject({ name: 'Mug', price: { amount: '0.05' } });
  const items = [{ skuId: 901, quantity: 2 }];
  await expect(market.orders.place({ ...ORDER, items })).rejects.toMatchObject({
    code: 'rejected',
    message: "Not enough stock for 'Mug' (size: L, color: ). Available: 1",
  });
  market.shop.setStock(901, 0);
  await expect(market.orders.place({ ...ORDER, items })).rejects.toThrow("Product 'Mug' (size: L, color: ) is out of stock");
  market.shop.setStock(901, 3);
  expect((await market.orders.place({ ...ORDER, items })).status).toBe('pending');
  market.shop.setOrderStatus('+1 (312) 805-9851', 1, 'shipped');
  expect((await market.orders.get(1)).status).toBe('shipped');
  const kg = new FakeMarketClient({ signedInAs: KG_PHONE, shop: market.shop });
  expect((await kg.cart.add(901, 3)).totalPrice).toEqual({ amount: '270215977642229793.03', currency: 'KGS' });
  expect(() => market.shop.add({ id: 91, name: 'Plate', skus: [{ id: 910, price: '$5' }] })).toThrow('$5 is no price');
});

test('another route is answered as the test says', async () => {
  const market = new FakeMarketClient();
  market.shop.answer('GET /products', { products: [{ id: 10 }] });
  const { status, json } = await market.request('/products/', { withSession: false });
  expect([status, json()]).toEqual([200, { products: [{ id: 10 }] }]);
  expect(await code(market.request('/products', { withSession: false, method: 'post' }))).toBe('unsupported');
});

test('two devices of one shop have one cart, and its sessions end together', async () => {
  const shop = new FakeShop();
  const [phone, tablet] = [1, 2].map(() => new FakeMarketClient({ shop, signedInAs: PHONE })) as [FakeMarketClient, FakeMarketClient];
  await phone.cart.add(42, 2);
  expect((await tablet.cart.get()).items).toHaveLength(1);
  shop.expireSessions();
  expect(phone.session.state.status).toBe('signedIn');
  expect(await code(phone.cart.get())).toBe('sessionExpired');
  expect(await code(tablet.cart.get())).toBe('sessionExpired');
  expect(tablet.session.state).toMatchObject({ status: 'expired', reason: 'rejected' });
});

test('another route has a status, and parts that are left open', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.shop.answer('GET /products/{id}', { id: 7 }, 203);
  market.shop.answer('GET /products/8', { detail: 'Gone' }, 410);
  market.shop.answer('DELETE /products/{id}/', undefined, 204);
  const answer = await market.request('/products/7');
  expect([answer.status, answer.json()]).toEqual([203, { id: 7 }]);
  await expect(market.request('/products/8')).rejects.toMatchObject({ code: 'notFound', message: 'Gone', status: 410 });
  expect(await market.request('/products/8', { method: 'delete' })).toMatchObject({ status: 204, body: '' });
  expect(await code(market.request('/products/7/parts'))).toBe('unsupported');
  for (const route of ['POST /cart/items', 'GET /cart/', 'PUT /cart/items/7', 'DELETE /cart/items/{line}']) {
    expect(() => market.shop.answer(route, {})).toThrow(`${route} has a call of its own`);
  }
  expect(() => market.shop.answer('/products', {})).toThrow('/products is no route: it is written GET /products');
});

test('a product, or a SKU, that is sold already is replaced, with its stock', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  const { shop, cart, orders, wishlist } = market;
  await cart.add(42, 1);
  await cart.add(88, 1);
  shop.setStock(42, 0);
  shop.add({ id: 10, name: 'Tote', skus: [{ id: 42, price: '5', stock: 3 }] });
  // Its other SKU is gone.
  expect((await cart.get()).items).toMatchObject([{ skuId: 42, name: 'Tote', price: { amount: '5.00' } }]);
  expect(await code(cart.add(88, 1))).toBe('notFound');
  expect(await code(orders.place({ ...ORDER, items: [{ skuId: 42, quantity: 3 }] }))).toBeUndefined();
  shop.add({ id: 95, name: 'Scarf and hat', skus: [{ id: 106, price: '40' }] });
  expect((await cart.add(106, 1)).items.at(-1)).toMatchObject({ name: 'Scarf and hat' });
  expect((await wishlist.add(15)).items[0]?.product).toMatchObject({ name: 'Silk Scarf', price: undefined });
});

test('the shop tells its orders, the newest first', async () => {
  const shop = new FakeShop();
  const items = [{ skuId: 42, quantity: 1 }];
  for (const phone of [PHONE, KG_PHONE, PHONE]) {
    const market = new FakeMarketClient({ shop, signedInAs: phone });
    await market.orders.place({ ...ORDER, customerPhone: phone, items });
    await shop.advanceClock(1000);
  }
  const told = (phone?: string) => shop.orders(phone).map(({ id, customerPhone }) => [id, customerPhone?.value]);
  expect(told()).toEqual([[2, PHONE], [1, KG_PHONE], [1, PHONE]]);
  expect(told('+1 (312) 805-9851')).toEqual([[2, PHONE], [1, PHONE]]);
  expect(told('+13128059852')).toEqual([]);
  shop.setOrderStatus(KG_PHONE, 1, 'shipped');
  expect(shop.orders().map(({ status }) => status)).toEqual(['pending', 'shipped', 'pending']);
});

test("moving the shop's clock on says that a session ends soon, and ends it", async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE, orderSettleTime: 20 * MINUTE });
  const told: string[] = [];
  market.session.onExpiringSoon(({ left }) => told.push(`soon ${Math.round(left / MINUTE)}`));
  market.session.onEnd(({ reason }) => told.push(reason));
  market.loseOrderAnswer(false);
  expect(await code(market.orders.place({ ...ORDER, items: [{ skuId: 42, quantity: 1 }] }))).toBe('outcomeUnknown');
  await market.shop.advanceClock(24 * MINUTE);
  expect(await market.orders.resolve()).toEqual({ type: 'notPlaced' });
  expect(told).toEqual([]);
  await market.shop.advanceClock(2 * MINUTE);
  expect(told).toEqual(['soon 4']);
  expect(await code(market.session.requireValidity(5 * MINUTE))).toBe('sessionExpired');
  await market.shop.advanceClock(4 * MINUTE);
  expect(told).toEqual(['soon 4', 'expired']);
  expect(market.session.state).toMatchObject({ status: 'expired', reason: 'expired' });
  expect(() => market.shop.advanceClock(-1)).toThrow('milliseconds');
});

test("its clock moves the timers of each of its clients, as long as they are open", async () => {
  jest.useFakeTimers();
  const shop = new FakeShop();
  const [one, two] = [1, 2].map(() => new FakeMarketClient({ shop, signedInAs: PHONE })) as [FakeMarketClient, FakeMarketClient];
  await shop.advanceClock(20 * MINUTE);
  await jest.advanceTimersByTimeAsync(9 * MINUTE);
  expect(one.session.state.status).toBe('signedIn');
  const timers = jest.getTimerCount();
  two.close();
  await shop.advanceClock(1);
  expect(jest.getTimerCount()).toBe(timers / 2);
  await jest.advanceTimersByTimeAsync(MINUTE);
  await settled();
  expect([one, two].map(({ session }) => session.state.status)).toEqual(['expired', 'signedIn']);
  await shop.advanceClock(60 * MINUTE);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

test('a code is too old, and asked for again, by its clock', async () => {
  const market = new FakeMarketClient();
  for (let asked = 0; asked < 3; asked += 1) await market.session.requestCode(PHONE);
  expect(await code(market.session.requestCode(PHONE))).toBe('rateLimited');
  await market.shop.advanceClock(16 * MINUTE);
  expect(await code(market.session.verifyCode(PHONE, market.shop.code))).toBe('wrongCode');
  await market.session.requestCode(PHONE);
  const { expiresAt } = await market.session.verifyCode(PHONE, market.shop.code);
  // For a countdown on the device, whose clock it is not.
  expect((expiresAt?.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(30 * MINUTE);
});
