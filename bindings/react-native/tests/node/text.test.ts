import { Cursor } from 'uniffi-bindgen-react-native';

import { MarketError } from '../../src/errors';
import { FfiConverterInt64, uniffiCreateFfiConverterString } from '../../src/runtime';
import { readInPlace } from '../../src/text';

const texts = readInPlace(
  uniffiCreateFfiConverterString({
    stringToBytes: (text) => new TextEncoder().encode(text),
    bytesToString: (bytes) => new TextDecoder().decode(bytes),
    stringByteLength: (text) => Buffer.byteLength(text),
  }),
);

function cursor(length: number): Cursor {
  // Not at the beginning of its memory.
  return new Cursor(new ArrayBuffer(length + 16), 8, length);
}

test('texts of all lengths and scripts are read as they were written', () => {
  const letters = ['a', 'é', 'ш', '漢', '😀', '\u{feff}', '\0'];
  const all = ['', 'USD', '19.99', 'сом', 'Шёлковый шарф', ...letters];
  for (const letter of letters) for (let n = 1; n < 9; n += 1) all.push('x'.repeat(n - 1) + letter, letter + 'x'.repeat(n));
  const length = all.reduce((sum, text) => sum + texts.allocationSize(text), 0);
  const written = cursor(length);
  for (const text of all) texts.writeIntoCursor(text, written);
  const { u8 } = written as unknown as { u8: Uint8Array };
  const read = Cursor.fromUint8Array(u8);
  expect(all.map(() => texts.readFromCursor(read))).toEqual(all);
  expect(read.remaining()).toBe(0);
});

test('a text that is cut short is an error', () => {
  const written = cursor(7);
  texts.writeIntoCursor('USD', written);
  const { u8 } = written as unknown as { u8: Uint8Array };
  expect(() => texts.readFromCursor(Cursor.fromUint8Array(u8.subarray(0, 6)))).toThrow();
});

test('an id is read to the last digit, or refused', () => {
  const read = (id: bigint): number => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigInt64(0, id);
    return FfiConverterInt64.readFromCursor(new Cursor(view.buffer, 0, 8));
  };
  const largest = BigInt(Number.MAX_SAFE_INTEGER);
  for (const id of [0n, 1n, -1n, 4294967295n, 4294967296n, -4294967296n, -4294967297n, largest, -largest]) {
    expect(read(id)).toBe(Number(id));
  }
  for (const id of [largest + 1n, largest + 2n, -largest - 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    expect(() => read(id)).toThrow(MarketError);
  }
});
