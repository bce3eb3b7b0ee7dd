import { formatMoney, useCart, useOrders } from '@market-sdk/react-native';
import { type ReactNode, useState } from 'react';
import { ActivityIndicator, Button, Text, TextInput, View } from 'react-native';

/** The cart, and the checkout below it. */
export function Cart(): ReactNode {
  const { cart, status, error, setQuantity, remove, refresh } = useCart();
  const { place, busy, error: refused } = useOrders();
  const [name, setName] = useState('');
  const [phone, setPhone] = useState('');
  const [address, setAddress] = useState('');
  const [placed, setPlaced] = useState('');

  if (status === 'loading') {
    return error === undefined ? <ActivityIndicator /> : <Button title={error.message} onPress={() => void refresh()} />;
  }

  async function order(): Promise<void> {
    const answer = await place({ customerName: name, customerPhone: phone, deliveryAddress: address });
    if (answer !== undefined) setPlaced(`Order ${answer.orderNumber ?? answer.id}: ${formatMoney(answer.totalAmount, 'en-US')}`);
  }

  return (
    <View>
      {cart.items.map((line) => (
        <View key={line.id}>
          <Text>{`${line.quantity} x ${line.name}, ${formatMoney(line.price, 'en-US')}`}</Text>
          <Button title={`One more ${line.name}`} onPress={() => void setQuantity(line.id, line.quantity + 1)} />
          <Button title={`Remove ${line.name}`} onPress={() => void remove(line.id)} />
        </View>
      ))}
      <Text>{`In all ${formatMoney(cart.totalPrice, 'en-US')}`}</Text>
      {error !== undefined && <Text>{error.message}</Text>}
      {cart.items.length > 0 && (
        <View>
          <TextInput accessibilityLabel="Name" value={name} onChangeText={setName} />
          <TextInput accessibilityLabel="Phone" inputMode="tel" value={phone} onChangeText={setPhone} />
          <TextInput accessibilityLabel="Address" value={address} onChangeText={setAddress} />
          <Button title="Order" disabled={busy} onPress={() => void order()} />
        </View>
      )}
      {refused !== undefined && (
        <Text>{refused.code === 'outcomeUnknown' ? 'It may have been placed: look at your orders.' : refused.message}</Text>
      )}
      {placed !== '' && <Text>{placed}</Text>}
    </View>
  );
}
