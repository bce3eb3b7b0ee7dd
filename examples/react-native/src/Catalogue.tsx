import { isMarketError, useCart, useMarket, useWishlist } from '@market-sdk/react-native';
import { type ReactNode, useEffect, useState } from 'react';
import { ActivityIndicator, Button, Text, View } from 'react-native';

type Product = { readonly id: number; readonly name: string; readonly sku_id: number };

/** A route that the SDK has no call for: it is reached through `request`, with the same session. */
export function Catalogue(): ReactNode {
  const market = useMarket();
  const { add, error } = useCart();
  const wishlist = useWishlist();
  const [products, setProducts] = useState<readonly Product[]>();
  const [problem, setProblem] = useState('');

  useEffect(() => {
    const leaving = new AbortController();
    market.request('/products', { signal: leaving.signal }).then(
      ({ json }) => setProducts(json<{ products: Product[] }>().products),
      (thrown: unknown) => {
        if (isMarketError(thrown)) setProblem(thrown.message);
      },
    );
    return () => leaving.abort();
  }, [market]);

  if (problem !== '') return <Text>{problem}</Text>;
  if (products === undefined) return <ActivityIndicator />;
  return (
    <View>
      {products.map(({ id, name, sku_id }) => (
        <View key={id}>
          <Text>{name}</Text>
          <Button title={`Add ${name}`} onPress={() => void add(sku_id)} />
          <Button title={`Wish for ${name}`} onPress={() => void wishlist.add(id)} />
        </View>
      ))}
      {error !== undefined && <Text>{error.message}</Text>}
    </View>
  );
}
