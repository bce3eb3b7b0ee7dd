/** A screen of an app, tested as React Native's own template has it: with nothing mapped, and nothing native. */
import { MarketProvider, useCart, useSession } from '@market-sdk/react-native';
import { FakeMarketClient } from '@market-sdk/react-native/testing';
import { act, render, screen } from '@testing-library/react-native';
import { Text } from 'react-native';

function Cart() {
  const session = useSession();
  const { cart } = useCart();
  return <Text>{session.status === 'signedIn' ? `${cart?.items.length ?? '?'} lines` : 'Please sign in'}</Text>;
}

test('a screen shows the fake cart, and the end of the session', async () => {
  const market = new FakeMarketClient({ signedInAs: '+13128059851' });
  await market.cart.add(42, 2);
  await render(
    <MarketProvider client={market}>
      <Cart />
    </MarketProvider>,
  );
  expect(await screen.findByText('1 lines')).toBeTruthy();
  await act(() => market.expire());
  expect(screen.getByText('Please sign in')).toBeTruthy();
});
