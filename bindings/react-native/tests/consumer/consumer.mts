/** A project of its own that has the packed package: `package.test.ts` compiles and runs it. */
import {
  type Cart,
  createMarketClient,
  type ErrorCode,
  formatMoney,
  isMarketError,
  type SessionState,
} from '@market-sdk/react-native';

const [baseUrl = '', phone = ''] = process.argv.slice(2);
const market = createMarketClient({ baseUrl, appId: 'com.example.shop', store: { type: 'memory' }, allowHttpLoopback: true });

function told(state: SessionState): string {
  switch (state.status) {
    case 'signedIn':
      return `signed in: ${state.user.phone.toString()}, persisted ${String(state.persisted)}`;
    case 'expired':
    case 'signedOut':
    case 'locked':
      return `${state.status}: ${state.reason}`;
    case 'restoring':
      return state.status;
  }
}

async function code(): Promise<string> {
  const answer = await fetch(new URL(`/_dev/codes?phone=${encodeURIComponent(phone)}`, baseUrl));
  return ((await answer.json()) as { code: string }).code;
}

console.log(told(await market.session.restore()));
try {
  await market.cart.get();
} catch (error) {
  if (!isMarketError(error)) throw error;
  // @ts-expect-error -- there is no such code, and the compiler knows
  if (error.code === 'noSuchCode') throw error;
  const known: ErrorCode = error.code;
  console.log(known, error.message);
}
await market.session.requestCode(phone);
await market.session.verifyCode(phone, await code());
console.log(told(market.session.state));
const cart: Cart = await market.cart.add(42, 2);
console.log(`${cart.items.length} line, ${formatMoney(cart.totalPrice, 'en-US')}`);

// Aborting at the moment when the answer comes: once that froze the process.
let [answered, aborted] = [0, 0];
for (let round = 0; round < 500; round += 1) {
  const abort = new AbortController();
  const call = market.session.markets({ signal: abort.signal }).then(
    () => (answered += 1),
    () => (aborted += 1),
  );
  const until = performance.now() + (round % 30) / 20;
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  await call;
}
console.log(answered + aborted, 'calls ended');
