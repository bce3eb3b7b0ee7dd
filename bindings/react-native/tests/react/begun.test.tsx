import { cleanup, render, screen, userEvent, waitFor } from '@testing-library/react-native';
import { StrictMode } from 'react';
import { Button } from 'react-native';

import { createMarketClient, type MarketClient, MarketProvider, useCart, useOrders } from '../../src/index';
import { type MarketDevServer, PHONE, startServer } from '../dev-server';

let server: MarketDevServer;
let market: MarketClient;
const user = userEvent.setup();

beforeEach(async () => {
  server = await startServer();
  const own = { appId: 'com.example.shop', store: { type: 'memory' }, allowHttpLoopback: true } as const;
  market = createMarketClient({ baseUrl: server.baseUrl, ...own, parkOnExpiry: { limit: 10, patience: 60_000 } });
  await signIn();
});

afterEach(async () => {
  await cleanup();
  market.close();
  await server.close();
});

async function signIn(): Promise<void> {
  await server.advanceClock(1000);
  await market.session.requestCode(PHONE);
  await market.session.verifyCode(PHONE, await server.code(PHONE));
}

async function waiting(calls: number): Promise<void> {
  await waitFor(() => {
    expect(market.session.state).toMatchObject({ status: 'expired', waiting: calls });
  });
}

function Screen({ sku }: { readonly sku: number }) {
  const { add } = useCart();
  const { place } = useOrders();
  const order = { customerName: 'Ann', customerPhone: PHONE, deliveryAddress: '1 Main St', items: [{ skuId: sku, quantity: 1 }] };
  return (
    <>
      <Button title={`Add ${sku}`} onPress={() => void add(sku)} />
      <Button title={`Order ${sku}`} onPress={() => void place({ ...order, parkOnExpiry: true })} />
    </>
  );
}

/** Two screens that show the same cart. */
function shop(...skus: number[]) {
  return (
    <StrictMode>
      <MarketProvider client={market}>
        {skus.map((sku) => (
          <Screen key={sku} sku={sku} />
        ))}
      </MarketProvider>
    </StrictMode>
  );
}

const press = (title: string) => user.press(screen.getByRole('button', { name: title }));
const inCart = async () => (await market.cart.get()).items.map(({ skuId }) => skuId);

test('a screen that unmounts takes its parked call with it, and leaves those of others', async () => {
  await render(shop(42, 88));
  await market.cart.get();
  await server.expireSessions();
  await press('Add 42');
  await waiting(1);
  await press('Add 42');
  await press('Add 88');
  await press('Order 42');
  await waiting(4);
  await screen.rerender(shop(88));
  await waiting(1);
  await signIn();
  await waitFor(async () => {
    expect(await inCart()).toEqual([88]);
  });
  expect(await market.orders.list()).toEqual([]);
});

test('a screen that is gone when its session ends leaves no call that waits', async () => {
  await render(shop(42));
  await server.fault('POST /cart/items', { kind: 'hold' });
  await press('Add 42');
  await server.arrived('POST /cart/items');
  await screen.unmount();
  await server.expireSessions();
  await server.release();
  await waiting(0);
  await signIn();
  expect(await inCart()).toEqual([]);
});

test('a tap is not lost because its screen goes while somebody is signed in', async () => {
  await render(shop(42));
  await server.fault('POST /cart/items', { kind: 'hold' });
  await press('Add 42');
  await press('Add 42');
  await server.arrived('POST /cart/items');
  await screen.unmount();
  await server.release();
  await waitFor(async () => {
    expect((await market.cart.get()).items).toMatchObject([{ skuId: 42, quantity: 2 }]);
  });
});
