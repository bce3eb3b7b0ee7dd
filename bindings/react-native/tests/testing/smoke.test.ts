import { FakeMarketClient } from '../../src/testing';
test('x', async () => {
  const market = new FakeMarketClient({ signedInAs: '+13128059851' });
  const states: unknown[] = []; market.session.subscribe((s) => states.push(s.status));
  console.log(JSON.stringify(await market.cart.add(42, 2)));
  console.log(JSON.stringify(await market.orders.place({ customerName: 'Ann', customerPhone: '+13128059851', deliveryAddress: '1 Main St' })));
  console.log(JSON.stringify(await market.cart.get()));
  await market.expire();
  console.log(await market.cart.get().catch((e) => e.code), states);
  await market.session.requestCode('+13128059851');
  await market.session.verifyCode('+13128059851', '123456');
  console.log(market.session.state, market.calls);
});
