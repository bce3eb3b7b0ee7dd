/** How texts are read on Node. Generated code imports it there. */
import type { Cursor, FfiConverter, UniffiByteArray } from 'uniffi-bindgen-react-native';

/** What a cursor reads from, and where it is. */
type Reading = { readonly u8: Uint8Array; readonly pos: number };

type Slice = (this: Uint8Array, start: number, end: number) => string;
const { utf8Slice } = Buffer.prototype as unknown as { readonly utf8Slice: Slice };
const chars = String.fromCharCode;

/** A converter of texts that reads them where they are: the generator's own makes a view and asks a decoder for each. */
export function readInPlace(plain: FfiConverter<UniffiByteArray, string>): FfiConverter<UniffiByteArray, string> {
  return {
    lift: (bytes) => plain.lift(bytes),
    lower: (text, alloc) => plain.lower(text, alloc),
    readFromCursor: read,
    writeIntoCursor: (text, c) => plain.writeIntoCursor(text, c),
    allocationSize: (text) => plain.allocationSize(text),
  };
}

function read(c: Cursor): string {
  const length = c.readI32();
  const { u8, pos } = c as unknown as Reading;
  c.skip(length);
  return short(u8, pos, length) ?? utf8Slice.call(u8, pos, pos + length);
}

/** A currency, an amount: what a call into the engine would take longer for than to read it here. */
function short(u8: Uint8Array, at: number, length: number): string | undefined {
  if (length === 0) return '';
  if (length < 3 || length > 6) return undefined;
  const a = u8[at] ?? 0;
  const b = u8[at + 1] ?? 0;
  const c = u8[at + 2] ?? 0;
  if (length === 3) return (a | b | c) < 128 ? chars(a, b, c) : undefined;
  const d = u8[at + 3] ?? 0;
  if (length === 4) return (a | b | c | d) < 128 ? chars(a, b, c, d) : undefined;
  const e = u8[at + 4] ?? 0;
  if (length === 5) return (a | b | c | d | e) < 128 ? chars(a, b, c, d, e) : undefined;
  const f = u8[at + 5] ?? 0;
  return (a | b | c | d | e | f) < 128 ? chars(a, b, c, d, e, f) : undefined;
}
