/** A small shop, written as an app's developer would. */
import { type ReactNode, useState } from 'react';
import { Button, Text, TextInput, View } from 'react-native';

import { formatMoney, isMarketError, type MarketClient, MarketProvider, useCart, useMarket, useOrders, useSession, useWishlist } from '../../src/index';

export function App({ market }: { readonly market: MarketClient }): ReactNode {
  return (
    <MarketProvider client={market}>
      <Shop />
    </MarketProvider>
  );
}

export function Shop(): ReactNode {
  const session = useSession();
  switch (session.status) {
    case 'restoring':
    case 'locked':
      return <Text>Splash</Text>;
    case 'signedOut':
      return <Login />;
    case 'expired':
      return <Login hint={session.user.phone.value} />;
    case 'signedIn':
      return <Checkout />;
  }
}

export function Login({ hint = '' }: { readonly hint?: string }): ReactNode {
  const { session } = useMarket();
  const [phone, setPhone] = useState(hint);
  const [code, setCode] = useState('');
  const [error, setError] = useState('');
  const attempt = async (call: () => Promise<unknown>): Promise<void> => {
    try {
      await call();
      setError('');
    } catch (e) {
      if (!isMarketError(e)) throw e;
      setError(e.code === 'invalidInput' ? `${e.fields[0]?.path}: ${e.message}` : e.message);
    }
  };
  return (
    <View>
      <TextInput accessibilityLabel="Phone" value={phone} onChangeText={setPhone} />
      <Button title="Send code" onPress={() => void attempt(() => session.requestCode(phone))} />
      <TextInput accessibilityLabel="Code" value={code} onChangeText={setCode} />
      <Button title="Sign in" onPress={() => void attempt(() => session.verifyCode(phone, code))} />
      <Text>{error === '' ? 'No error' : `Error: ${error}`}</Text>
    </View>
  );
}

export function CartScreen(): ReactNode {
  const { cart, add, status, error, refresh } = useCart();
  if (status === 'loading') return <Text>{error === undefined ? 'Loading' : `No cart: ${error.code}`}</Text>;
  return (
    <View>
      {cart.items.map((line) => (
        <Text key={line.id}>{`${line.quantity} x ${line.name}`}</Text>
      ))}
      <Text>{`Total ${formatMoney(cart.totalPrice, 'en-US')}`}</Text>
      <Text>{error === undefined ? 'Cart is fine' : `Cart: ${error.code}`}</Text>
      <Button title="Add a bag" onPress={() => void add(42, 2)} />
      <Button title="Refresh" onPress={() => void refresh()} />
    </View>
  );
}

function Checkout(): ReactNode {
  const { session } = useMarket();
  const { orders, place, cancel, error } = useOrders();
  const { wishlist, add } = useWishlist();
  const order = { customerName: 'Ann', customerPhone: '+13128059851', deliveryAddress: '1 Main St' };
  return (
    <View>
      <CartScreen />
      <Text>{`Orders: ${orders === undefined ? '?' : orders.map(({ id, status }) => `${id} ${status}`).join(', ')}`}</Text>
      <Text>{`Wishes: ${wishlist === undefined ? '?' : wishlist.items.map(({ product }) => product.name).join(', ')}`}</Text>
      {error !== undefined && <Text>{error.code === 'outcomeUnknown' ? 'It may have been placed.' : error.message}</Text>}
      <Button title="Wish" onPress={() => void add(15)} />
      <Button title="Order" onPress={() => void place(order)} />
      <Button title="Cancel order" onPress={() => void cancel(orders?.[0]?.id ?? 0)} />
      <Button title="Log out" onPress={() => void session.logout()} />
    </View>
  );
}
