import { type MarketClient, MarketProvider, useSession } from '@market-sdk/react-native';
import { type ReactNode, useState } from 'react';
import { ActivityIndicator, Button, Modal, Text, View } from 'react-native';

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

/**
 * The session's state chooses the screen. When a session has expired the login goes over the shop, which stays: a tap that waits
 * for the sign-in goes with the component that it was made in. Another user's is another shop.
 */
function Screens({ notice }: { readonly notice: string }): ReactNode {
  const session = useSession();
  switch (session.status) {
    case 'restoring':
    case 'locked':
      return <ActivityIndicator />;
    case 'signedOut':
      return <Login notice={notice} />;
    case 'signedIn':
    case 'expired':
      return (
        <View>
          <Shop key={session.user.phone.value} />
          <Modal visible={session.status === 'expired'} accessibilityViewIsModal>
            <Login notice={notice} phone={session.user.phone.value} />
          </Modal>
        </View>
      );
  }
}

function Shop(): ReactNode {
  const [tab, setTab] = useState<Tab>('Catalogue');
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
