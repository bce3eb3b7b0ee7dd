/** Screens on a fake, as an app's developer tests them: with the clock stopped, too. */
import { act, cleanup, render, screen, userEvent, waitFor } from '@testing-library/react-native';
import { useEffect, useState } from 'react';
import { Button, Text } from 'react-native';

import { isMarketError, MarketProvider, type SessionEnd, useCart, useMarket, useSession, useWishlist } from '../../src/index';
import { FakeMarketClient } from '../../src/testing';
import { KG_PHONE, PHONE } from '../dev-server';

afterEach(async () => {
  await cleanup();
  jest.useRealTimers();
});

function Cart() {
  const session = useSession();
  const { cart, status, error, refresh } = useCart();
  if (session.status !== 'signedIn') return <Text>Please sign in</Text>;
  if (status === 'ready') return <Text>{`${cart.items.length} lines`}</Text>;
  return error === undefined ? <Text>Loading</Text> : <Button title={error.message} onPress={() => void refresh()} />;
}

async function show(market: FakeMarketClient, ends: SessionEnd[] = []): Promise<void> {
  await render(
    <MarketProvider client={market} onSessionEnd={(end) => ends.push(end)}>
      <Cart />
    </MarketProvider>,
  );
}

const pass = (milliseconds: number) => act(() => jest.advanceTimersByTimeAsync(milliseconds));

test('a screen waits as long as the test says', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.delay(500);
  await show(market);
  await pass(499);
  expect(screen.getByText('Loading')).toBeTruthy();
  await pass(1);
  expect(screen.getByText('0 lines')).toBeTruthy();
});

test('a read that is held fails when it is let go, and is made again', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  market.hold('cart.get');
  market.fail('network', { call: 'cart.get' });
  await show(market);
  expect(screen.getByText('Loading')).toBeTruthy();
  await act(() => market.release());
  await userEvent.press(screen.getByRole('button', { name: 'The shop could not be reached.' }));
  expect(await screen.findByText('0 lines')).toBeTruthy();
});

test('a session that nobody ends is over in half an hour, and the provider says so once', async () => {
  jest.useFakeTimers();
  const ends: SessionEnd[] = [];
  await show(new FakeMarketClient({ signedInAs: PHONE }), ends);
  await pass(30 * 60_000 - 1);
  expect(screen.getByText('0 lines')).toBeTruthy();
  await pass(1);
  expect(screen.getByText('Please sign in')).toBeTruthy();
  expect(ends.map(({ reason }) => reason)).toEqual(['expired']);
});

test('what another device puts into the cart is there after a refresh', async () => {
  const market = new FakeMarketClient({ signedInAs: PHONE });
  await new FakeMarketClient({ signedInAs: PHONE, shop: market.shop }).cart.add(42, 1);
  await show(market);
  expect(await screen.findByText('1 lines')).toBeTruthy();
});

function Countdown() {
  const { session } = useMarket();
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const timer = left > 0 ? setTimeout(() => setLeft(left - 1), 1000) : undefined;
    return () => clearTimeout(timer);
  }, [left]);
  const send = async (): Promise<void> => {
    try {
      await session.requestCode(PHONE);
    } catch (e) {
      if (isMarketError(e)) setLeft((e.retryAfter ?? 0) / 1000);
    }
  };
  return <Button title={left > 0 ? `Wait ${left} s` : 'Send a code'} onPress={() => void send()} />;
}

test('a countdown runs on the clock of the test', async () => {
  jest.useFakeTimers();
  const market = new FakeMarketClient();
  market.fail({ code: 'rateLimited', retryAfter: 2000 }, { call: 'session.requestCode' });
  await render(
    <MarketProvider client={market}>
      <Countdown />
    </MarketProvider>,
  );
  const user = userEvent.setup({ advanceTimers: jest.advanceTimersByTime });
  await user.press(screen.getByRole('button', { name: 'Send a code' }));
  expect(screen.getByRole('button', { name: 'Wait 2 s' })).toBeTruthy();
  await pass(1000);
  expect(screen.getByRole('button', { name: 'Wait 1 s' })).toBeTruthy();
  await pass(1000);
  expect(screen.getByRole('button', { name: 'Send a code' })).toBeTruthy();
});

test('a cart stays on the screen when its session has expired, and goes with its user', async () => {
  const seen: string[] = [];
  function Under() {
    const { cart, wishlist } = { ...useCart(), ...useWishlist() };
    const text = `${cart?.items.length ?? 'no'} lines, ${wishlist?.items.length ?? 'no'} wishes`;
    const { state } = market.session;
    const one = `${'user' in state ? state.user.market : 'nobody'}: ${text}`;
    if (seen.at(-1) !== one) seen.push(one);
    return <Text>{text}</Text>;
  }
  const market = new FakeMarketClient({ signedInAs: PHONE });
  await market.cart.add(42, 1);
  await market.wishlist.add(15);
  await render(
    <MarketProvider client={market}>
      <Under />
    </MarketProvider>,
  );
  expect(await screen.findByText('1 lines, 1 wishes')).toBeTruthy();
  const before = seen.length;
  const calls = market.calls.length;
  await act(() => market.expire());
  expect(market.calls).toHaveLength(calls);
  const signIn = async (phone: string): Promise<void> => {
    await market.session.requestCode(phone);
    await market.session.verifyCode(phone, market.shop.code);
  };
  await act(() => signIn(PHONE));
  expect(seen).toHaveLength(before);
  // It was read again, once each.
  await waitFor(() => {
    expect(market.calls.slice(calls).map(({ name }) => name)).toEqual(['session.requestCode', 'session.verifyCode', 'cart.get', 'wishlist.get']);
  });
  await act(() => market.expire());
  expect(screen.getByText('1 lines, 1 wishes')).toBeTruthy();
  await act(() => signIn(KG_PHONE));
  expect(await screen.findByText('0 lines, 0 wishes')).toBeTruthy();
  expect(seen.filter((one) => one.startsWith('kg'))).not.toContainEqual(expect.stringMatching(/1 lines|1 wishes/));
  await act(() => market.expire());
  await act(() => market.session.logout());
  expect(seen.at(-1)).toBe('nobody: no lines, no wishes');
});

test("without a phone's library the error says what jest needs", () => {
  // The file of that name is mapped to another in these tests.
  const { loadCore } = jest.requireActual<{ loadCore: () => unknown }>('../../src/turbo-module.ts');
  expect(loadCore).toThrow(/under jest.*moduleNameMapper.*@market-sdk\/react-native\/node/is);
});
