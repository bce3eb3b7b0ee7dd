/** The market SDK on Node: for servers, and for an app's tests. */
import type { MarketClient } from './client';
import { type Core, clientOf, logOf } from './core';
import type { ClientConfig, LogLevel, LogRecord } from './generated/jsi/market_sdk_ffi';
import generated, { MarketCore, setLogSink as generatedLogSink } from './generated/napi/market_sdk_ffi';

export * from './exports';

let loaded: Core | undefined;

function core(): Core {
  if (loaded === undefined) {
    // The library is opened, and its version looked at, by the first call of it.
    generated.initialize();
    loaded = { MarketCore, setLogSink: generatedLogSink };
  }
  return loaded;
}

/**
 * Builds a client, which begins to read the store at once. It waits for nothing. A `MarketError` with code `config`
 * says that something in the configuration is missing or makes no sense, or that the native library does not fit.
 */
export function createMarketClient(options: ClientConfig): MarketClient {
  return clientOf(core(), options);
}

/**
 * Hands what all clients of this process log, at `level` and what matters more, to `sink`, in place of the one before;
 * to nobody if there is none. Nothing in it is personal.
 */
export function setLogSink(level: LogLevel, sink?: (record: LogRecord) => void): void {
  logOf(core(), level, sink);
}
