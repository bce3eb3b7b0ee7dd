/** The test kit as a project has it that has installed the package: `package.test.ts` compiles and runs this. */
import { createMarketClient } from '@market-sdk/react-native';
import { type CallName, FakeMarketClient, FakeShop } from '@market-sdk/react-native/testing';
import { MarketDevServer } from '@market-sdk/react-native/testing/dev-server';
import type { MarketClient } from '@market-sdk/react-native';

const phone = '+13128059851';

async function buy(market: MarketClient): Promise<string> {
  const { totalPrice } = await market.cart.add(42, 2);
  return `${market.session.state.status}, ${totalPrice.amount} ${totalPrice.currency}`;
}

const shop = new FakeShop();
const fake = new FakeMarketClient({ signedInAs: phone, shop });
console.log('fake:', await buy(fake));
const last: CallName | undefined = fake.calls.at(-1)?.name;
console.log('called:', last);
// @ts-expect-error -- there is no such call, and the compiler knows
fake.hold('cart.ad');
await fake.release();

await using server = await MarketDevServer.start();
const real = createMarketClient({ baseUrl: server.baseUrl, appId: 'a', store: { type: 'memory' }, allowHttpLoopback: true });
await real.session.requestCode(phone);
await real.session.verifyCode(phone, await server.code(phone));
console.log('real:', await buy(real));
await server.expireSessions();
await real.cart.get().catch((error: Error) => console.log(error.message));
real.close();
