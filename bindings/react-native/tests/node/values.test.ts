import { inspect } from 'node:util';

import { formatMoney, isMarketError, PhoneNumber } from '../../src/node';
import { openLibrary } from '../../src/library';

test('money is written with its own decimals, its currency and the locale', () => {
  expect(formatMoney({ amount: '39.98', currency: 'USD' }, 'en-US')).toBe('$39.98');
  expect(formatMoney({ amount: '1234.50', currency: 'USD' }, 'en-US')).toBe('$1,234.50');
  expect(formatMoney({ amount: '-0.05', currency: 'USD' }, 'en-US')).toBe('-$0.05');
  expect(formatMoney({ amount: '1500.00', currency: 'KGS' }, 'en-US')).toBe('KGS\u00a01,500.00');
  expect(formatMoney({ amount: '1234567.5', currency: 'INR' }, 'en-IN')).toBe('₹12,34,567.5');
  expect(formatMoney({ amount: '1234.50', currency: 'EUR' }, 'de-DE')).toBe('1.234,50\u00a0€');
  expect(formatMoney({ amount: '12', currency: 'EUR' }, 'ar-EG')).toContain('١٢');
  expect(formatMoney({ amount: '12.00', currency: 'XXX' }, 'en-US')).toBe('12.00');
  expect(formatMoney({ amount: '12.00', currency: 'no currency' }, 'en-US')).toBe('12.00');
});

test('money that a number cannot hold is written to the last digit', () => {
  const large = { amount: '270215977642229793.03', currency: 'USD' };
  expect(formatMoney(large, 'en-US')).toBe('$270,215,977,642,229,793.03');
  expect(formatMoney({ ...large, amount: '0.123456789012345678' }, 'en-US')).toBe('$0.123456789012345678');
  const larger = '7922816251426433759354395.0335';
  expect(formatMoney({ ...large, amount: larger }, 'en-US')).toBe(`${larger} USD`);
});

test('money is written the same where numbers cannot be taken apart, as on iOS', () => {
  const parts = jest.spyOn(Intl.NumberFormat.prototype, 'formatToParts').mockImplementation(() => {
    throw new TypeError('undefined is not a function');
  });
  expect(formatMoney({ amount: '1234.50', currency: 'USD' }, 'en-US')).toBe('$1,234.50');
  expect(formatMoney({ amount: '1234.50', currency: 'EUR' }, 'de-DE')).toBe('1.234,50\u00a0€');
  expect(formatMoney({ amount: '-270215977642229793.03', currency: 'USD' }, 'en-US')).toBe('-$270,215,977,642,229,793.03');
  parts.mockRestore();
});

test('p10 a phone number does not show itself', () => {
  const phone = new PhoneNumber('+13128059851');
  const masked = '+•••••••••51';
  expect(String(phone)).toBe(masked);
  expect(JSON.stringify({ phone })).toBe(`{"phone":"${masked}"}`);
  expect(inspect({ phone }, { showHidden: true })).toBe(`{ phone: ${masked} }`);
  expect(Object.keys(phone)).toEqual([]);
  expect(String(new PhoneNumber(''))).toBe('+');
  expect(phone.value).toBe('+13128059851');
  expect(phone.equals(new PhoneNumber('+13128059851'))).toBe(true);
});

test('a library of another version, or for another machine, is refused when it is loaded', () => {
  const code = (open: () => unknown): unknown => {
    try {
      open();
    } catch (error) {
      return isMarketError(error) ? [error.code, error.message] : error;
    }
    return undefined;
  };
  expect(code(() => openLibrary(undefined))).toBeUndefined();
  expect(code(() => openLibrary(undefined, 1))).toEqual([
    'config',
    "The market SDK's library is of another version than its JavaScript part.",
  ]);
  expect(code(() => openLibrary('/nowhere'))).toEqual(['config', expect.stringContaining('has no library for')]);
});
