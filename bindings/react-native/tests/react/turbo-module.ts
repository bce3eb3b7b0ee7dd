/** In the place of the turbo module, which a phone alone has: the same core, as Node loads it. */
import type { Core } from '../../src/core';
import generated, { MarketCore, setLogSink } from '../../src/generated/napi/market_sdk_ffi';

export function loadCore(): Core {
  generated.initialize();
  return { MarketCore, setLogSink };
}
