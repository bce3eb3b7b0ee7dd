import { type MarketClient, MarketProvider, useSession } from '@market-sdk/react-native';
import { type ReactNode, useState } from 'react';
import { ActivityIndicator, Button, Text, View } from 'react-native';

import { Cart } from './Cart';
import { Catalogue } from './Catalogue';
import { Login } from './Login';
import { Orders } from './Orders';
import { Wishlist } from './Wishlist';

const TABS = { Catalogue, Wishlist, Cart, Orders };
type Tab = keyof typeof TABS;

export function App({ market }: { readonly market: MarketClient }): ReactNode {
  const [notice, setNotice] = useState('');
  return (
    <MarketProvider
      client={market}
      onSessionEnd={({ reason }) => setNotice(reason === 'loggedOut' ? '' : 'Your session has ended. Your cart is kept.')}
    >
      <View>
        <Screens notice={notice} />
      </View>
    </MarketProvider>
  );
}

/** The session's state chooses the screen. The tab is kept while somebody signs in again. */
function Screens({ notice }: { readonly notice: string }): ReactNode {
  const session = useSession();
  const [tab, setTab] = useState<Tab>('Catalogue');
  switch (session.status) {
    case 'restoring':
    case 'locked':
      return <ActivityIndicator />;
    case 'signedOut':
      return <Login notice={notice} />;
    case 'expired':
      return <Login notice={notice} phone={session.user.phone.value} />;
    case 'signedIn': {
      const Screen = TABS[tab];
      return (
        <View>
          <Text accessibilityRole="header">{tab}</Text>
          <Screen />
          <View accessibilityRole="tablist">
            {(Object.keys(TABS) as Tab[]).map((name) => (
              <Button key={name} title={`Go to ${name}`} disabled={name === tab} onPress={() => setTab(name)} />
            ))}
          </View>
        </View>
      );
    }
  }
}
