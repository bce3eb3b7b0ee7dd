/** What a client is built from, looked at before it goes to the core: TypeScript is not there when the app runs. */
import { MarketError } from './errors';
import type { ClientConfig } from './generated/jsi/market_sdk_ffi';

type Kind = readonly [fits: (value: unknown) => boolean, words: string];

const record = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const text = (value: unknown): boolean => typeof value === 'string';
const whole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const duration = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
const texts = (value: unknown): boolean => Array.isArray(value) && value.every(text);

function secureStore(value: unknown): boolean {
  return record(value) && ['place', 'read', 'write', 'delete'].every((name) => typeof value[name] === 'function');
}

function sessionStore(value: unknown): boolean {
  if (!record(value)) return false;
  switch (value.type) {
    case 'keyring':
    case 'memory':
      return true;
    case 'file':
      return text(value.folder);
    case 'host':
      return secureStore(value.store);
    default:
      return false;
  }
}

const milliseconds: Kind = [duration, 'a number of milliseconds'];

const OPTIONS: { readonly [Name in keyof Required<ClientConfig>]: Kind } = {
  baseUrl: [text, "the server's address, such as 'https://api.example.com/api/v1'"],
  appId: [text, "the app's own name, such as 'com.example.shop'"],
  market: [text, "a market, such as 'us'"],
  store: [sessionStore, "{ type: 'keyring' }, { type: 'memory' }, { type: 'file', folder } or { type: 'host', store }"],
  connectTimeout: milliseconds,
  timeout: milliseconds,
  storeTimeout: milliseconds,
  parkOnExpiry: [
    (value) => record(value) && whole(value.limit) && (value.limit as number) <= 1000 && duration(value.patience),
    '{ limit, patience }: a whole number up to 1,000, and a number of milliseconds',
  ],
  expiringSoon: milliseconds,
  bodyLimit: [whole, 'a whole number of bytes'],
  extraRootCertificates: [texts, 'an array of PEM texts'],
  pinnedKeys: [texts, "an array of texts, each 'sha256/' and a digest in base64"],
  userAgent: [text, 'a text'],
  allowHttpLoopback: [(value) => typeof value === 'boolean', 'true or false'],
  orderSettleTime: milliseconds,
  installMarker: [text, 'the absolute path of a file'],
};

const NEEDED: ReadonlySet<string> = new Set<keyof ClientConfig>(['baseUrl', 'appId']);

/** @internal A `MarketError` with code `config` names the option that is missing, wrong or unknown. */
export function checked(options: ClientConfig): ClientConfig {
  const given: unknown = options;
  if (!record(given)) throw MarketError.config('createMarketClient takes options: { baseUrl, appId, … }.');
  const names = Object.keys(OPTIONS);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw MarketError.config(`There is no option ${unknown}. There are: ${names.join(', ')}.`);
  for (const [name, [fits, words]] of Object.entries(OPTIONS)) {
    const value = given[name] ?? undefined;
    if (value === undefined ? NEEDED.has(name) : !fits(value)) {
      const problem = value === undefined ? 'is missing' : 'does not fit';
      throw MarketError.config(`The option ${name} ${problem}: it is ${words}.`);
    }
  }
  return options;
}
