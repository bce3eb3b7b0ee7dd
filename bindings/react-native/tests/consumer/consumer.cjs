/** The same package, for who still writes `require`. */
const { existsSync, readdirSync, readFileSync } = require('node:fs');

const { createMarketClient, MarketError } = require('@market-sdk/react-native');

const [baseUrl] = process.argv.slice(2);
const client = () => createMarketClient({ baseUrl, appId: 'com.example.shop', store: { type: 'memory' }, allowHttpLoopback: true });

/** The core's threads that follow something for a client. */
function followers() {
  const name = (task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
  return readdirSync('/proc/self/task').filter((task) => existsSync(`/proc/self/task/${task}`) && /^market-(states|carts)$/.test(name(task))).length;
}

function abandon() {
  for (let count = 0; count < 10; count += 1) {
    const market = client();
    market.session.subscribe(() => undefined);
    market.cart.subscribe(() => undefined);
  }
}

(async () => {
  const { supported } = await client().session.markets();
  console.log(supported.length, 'markets', MarketError.name);
  // A client that nobody refers to goes, and its threads with it.
  abandon();
  for (let round = 0; round < 500 && (round === 0 || followers() > 0); round += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  console.log(followers(), 'threads follow');
})();
