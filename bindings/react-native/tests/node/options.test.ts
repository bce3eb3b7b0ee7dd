import { createMarketClient, isMarketError } from '../../src/node';

const needed = { baseUrl: 'https://shop.example', appId: 'com.example.shop' };

function refused(options: unknown): string {
  try {
    createMarketClient(options as Parameters<typeof createMarketClient>[0]).close();
  } catch (error) {
    if (isMarketError(error) && error.code === 'config') return error.message;
    throw error;
  }
  return '';
}

test('an option that is missing is named, with what it is', () => {
  expect(refused({ baseUrl: needed.baseUrl })).toBe(
    "The option appId is missing: it is the app's own name, such as 'com.example.shop'.",
  );
  expect(refused({ appId: needed.appId })).toContain('The option baseUrl is missing: ');
  expect(refused({ ...needed, appId: null })).toContain('The option appId is missing: ');
  for (const none of [undefined, null, 'https://shop.example', 7]) {
    expect(refused(none)).toBe('createMarketClient takes options: { baseUrl, appId, … }.');
  }
});

test.each([
  ['baseUrl', new URL('https://shop.example')],
  ['appId', 7],
  ['market', 1],
  ['store', { type: 'mem' }],
  ['store', 'memory'],
  ['store', { type: 'file' }],
  ['store', { type: 'host', store: { read: () => undefined } }],
  ['connectTimeout', '30'],
  ['timeout', -1],
  ['storeTimeout', Number.NaN],
  ['parkOnExpiry', true],
  ['parkOnExpiry', { limit: 20, patince: 1000 }],
  ['parkOnExpiry', { limit: 1.5, patience: 1000 }],
  ['parkOnExpiry', { limit: 2 ** 32, patience: 1000 }],
  ['expiringSoon', {}],
  ['bodyLimit', 1.5],
  ['extraRootCertificates', 'PEM'],
  ['pinnedKeys', [1]],
  ['userAgent', 7],
  ['allowHttpLoopback', 'no'],
  ['orderSettleTime', Number.POSITIVE_INFINITY],
  ['installMarker', 7],
])('an option that does not fit is named: %s', (name, value) => {
  expect(refused({ ...needed, [name]: value })).toContain(`The option ${name} does not fit: it is `);
});

test('an option that there is not is refused by name', () => {
  const message = refused({ ...needed, parkOnexpiry: { limit: 20, patience: 1000 } });
  expect(message).toContain('There is no option parkOnexpiry. There are: ');
  expect(message).toContain('parkOnExpiry');
  expect(refused({ ...needed, toString: true })).toContain('There is no option toString.');
});

test('what is said to be undefined counts as not said', () => {
  expect(refused({ ...needed, store: { type: 'memory' }, timeout: undefined, parkOnExpiry: null })).toBe('');
});
