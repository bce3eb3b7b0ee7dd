/** The generated module in one of its two flavours, and what is made with it. */
import { ours } from './call';
import { MarketClient } from './client';
import type { ClientConfig, LogLevel, LogRecord, MarketCore } from './generated/jsi/market_sdk_ffi';
import { checked } from './options';

export type Core = {
  readonly MarketCore: new (config: ClientConfig) => MarketCore;
  setLogSink(level: LogLevel, sink: { log(record: LogRecord): void } | undefined): void;
};

/** @internal */
export function clientOf(core: Core, options: ClientConfig): MarketClient {
  try {
    return new MarketClient(new core.MarketCore(checked(options)));
  } catch (error) {
    throw ours(error);
  }
}

/** @internal */
export function logOf(core: Core, level: LogLevel, sink: ((record: LogRecord) => void) | undefined): void {
  const log = (record: LogRecord): void => {
    try {
      sink?.(record);
    } catch (error) {
      console.error('A log sink of the market SDK threw:', error);
    }
  };
  core.setLogSink(level, sink === undefined ? undefined : { log });
}
