import { formatMoney, useWishlist } from '@market-sdk/react-native';
import type { ReactNode } from 'react';
import { ActivityIndicator, Button, Text, View } from 'react-native';

export function Wishlist(): ReactNode {
  const { wishlist, status, error, remove } = useWishlist();
  if (status === 'loading') return error === undefined ? <ActivityIndicator /> : <Text>{error.message}</Text>;
  return (
    <View>
      {wishlist.items.length === 0 && <Text>No wishes.</Text>}
      {wishlist.items.map(({ product }) => (
        <View key={product.id}>
          <Text>{product.price === undefined ? product.name : `${product.name}, ${formatMoney(product.price, 'en-US')}`}</Text>
          <Button title={`Forget ${product.name}`} onPress={() => void remove(product.id)} />
        </View>
      ))}
    </View>
  );
}
