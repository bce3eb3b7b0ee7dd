// The SDK's side.
import { join } from 'node:path';

import sdk from '../../../bindings/react-native/lib/node.js';
import { CODE, given, PHONE, run } from './side.mjs';

const market = sdk.createMarketClient({
  baseUrl: given.baseUrl,
  appId: 'com.example.bench',
  store: { type: 'file', folder: join(given.folder, 'session') },
  allowHttpLoopback: true,
});

await run({
  signIn: () => market.session.verifyCode(PHONE, CODE),
  async open() {
    const state = await market.session.restore();
    if (state.status !== 'signedIn') throw new Error('nobody is signed in');
  },
  cart: () => market.cart.get(),
  wishlist: () => market.wishlist.get(),
});
