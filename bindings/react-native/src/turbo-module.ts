/** The turbo module: it puts the library's functions where generated code looks for them. */
import type { Core } from './core';
import { MarketError } from './errors';
import generated, { coreVersion, MarketCore, setLogSink } from './generated/jsi/market_sdk_ffi';
import { CORE_VERSION } from './generated/version';
import installer from './NativeMarketSdk';

const NO_MODULE =
  'The app was built without the market SDK\'s library: build it again. Under jest, which has none of a phone\'s libraries, use ' +
  "FakeMarketClient, or map the package to Node's: moduleNameMapper: { '^@market-sdk/react-native$': '@market-sdk/react-native/node' }.";

/** Loads the library. A `MarketError` with code `config` says that it is not in the app, or another one. */
export function loadCore(): Core {
  // iOS answers with a number.
  if (!installer?.installRustCrate()) {
    throw MarketError.config(NO_MODULE);
  }
  const version = coreVersion();
  if (version !== CORE_VERSION) {
    throw MarketError.config(
      'The market SDK\'s library is of another version than its JavaScript part. Build the app again.',
      `loaded ${version}, expected ${CORE_VERSION}`,
    );
  }
  generated.initialize();
  return { MarketCore, setLogSink };
}
