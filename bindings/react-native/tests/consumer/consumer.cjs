/** The same package, for who still writes `require`. */
const { createMarketClient, MarketError } = require('@market-sdk/react-native');

const [baseUrl] = process.argv.slice(2);
const market = createMarketClient({ baseUrl, appId: 'com.example.shop', store: { type: 'memory' }, allowHttpLoopback: true });
market.session.markets().then(({ supported }) => console.log(supported.length, 'markets', MarketError.name));
