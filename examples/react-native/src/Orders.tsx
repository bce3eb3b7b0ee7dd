import { formatMoney, useMarket, useOrders } from '@market-sdk/react-native';
import type { ReactNode } from 'react';
import { ActivityIndicator, Button, Text, View } from 'react-native';

export function Orders(): ReactNode {
  const { session } = useMarket();
  const { orders, status, error, cancel } = useOrders();
  if (status === 'loading') return error === undefined ? <ActivityIndicator /> : <Text>{error.message}</Text>;
  return (
    <View>
      {orders.map((order) => (
        <View key={order.id}>
          <Text>{`${order.orderNumber ?? order.id}: ${order.status}, ${formatMoney(order.totalAmount, 'en-US')}`}</Text>
          {order.status === 'pending' && <Button title={`Cancel ${order.orderNumber ?? order.id}`} onPress={() => void cancel(order.id)} />}
        </View>
      ))}
      {error !== undefined && <Text>{error.message}</Text>}
      <Button title="Log out" onPress={() => void session.logout()} />
    </View>
  );
}
