/** The market SDK on React Native. */
import { AppState } from 'react-native';

import type { MarketClient } from './client';
import { type Core, clientOf, logOf } from './core';
import type { ClientConfig, LogLevel, LogRecord } from './generated/jsi/market_sdk_ffi';
import { loadCore } from './turbo-module';
import { onForegroundWith } from './react';

export * from './exports';

onForegroundWith((listener) => {
  const subscription = AppState.addEventListener('change', (state) => {
    if (state === 'active') listener();
  });
  return () => subscription.remove();
});

let loaded: Core | undefined;

function core(): Core {
  return (loaded ??= loadCore());
}

/**
 * Builds a client, which begins to read the store at once. It waits for nothing. A `MarketError` with code `config`
 * says that something in the configuration is missing or makes no sense, or that the native library does not fit.
 */
export function createMarketClient(options: ClientConfig): MarketClient {
  return clientOf(core(), options);
}

/**
 * Hands what all clients of this app log, at `level` and what matters more, to `sink`, in place of the one before; to
 * nobody if there is none. Nothing in it is personal.
 */
export function setLogSink(level: LogLevel, sink?: (record: LogRecord) => void): void {
  logOf(core(), level, sink);
}
