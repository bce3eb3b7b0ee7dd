import { createMarketClient } from '@market-sdk/react-native';
import { AppRegistry } from 'react-native';

import { name } from './app.json';
import { App } from './src/App';

const market = createMarketClient({
  baseUrl: 'https://api.example.com/api/v1',
  appId: 'com.example.shop',
  parkOnExpiry: { limit: 20, patience: 5 * 60_000 },
});

AppRegistry.registerComponent(name, () => () => <App market={market} />);
