/** The generator's runtime, and what this package puts in the place of some of it. Generated code imports it. */
import {
  AbstractFfiConverterByteArray,
  type Cursor,
  type FfiConverter,
  FfiConverterDuration as PlainDuration,
  FfiConverterInt32 as PlainInt32,
  FfiConverterInt64 as PlainInt64,
  FfiConverterObjectWithCallbacks as PlainObjectWithCallbacks,
  type RustBufferAllocator,
  type UniffiByteArray,
  type UniffiHandle,
  type UniffiObjectFactory,
} from 'uniffi-bindgen-react-native';

import { MarketError } from './errors';
import { Handles } from './handles';
import { milliseconds, whole } from './numbers';

export * from 'uniffi-bindgen-react-native';
export { type CallOptions, uniffiRustCallAsync } from './call';

/** An object of this side's finds nobody in another context; it would be taken for one of Rust's. */
export class FfiConverterObjectWithCallbacks<T> extends PlainObjectWithCallbacks<T> {
  private readonly own: Handles<T>;

  constructor(factory: UniffiObjectFactory<T>) {
    const own = new Handles<T>();
    super(factory, own);
    this.own = own;
  }

  /** Inside a record too, where the runtime takes only objects of Rust's. */
  protected override lowerHandle(value: T): UniffiHandle {
    return this.factory.isConcreteType(value) ? super.lowerHandle(value) : this.own.insert(value);
  }

  override lift(value: UniffiHandle): T {
    return value % BigInt(2) === BigInt(0) ? super.lift(value) : this.own.get(value);
  }
}

/** Numbers that JavaScript would cut down to 32 bits are refused. */
export const FfiConverterInt32: FfiConverter<number, number> = {
  ...PlainInt32,
  lower: (value, alloc) => PlainInt32.lower(whole(value, 0x7fff_ffff), alloc),
  writeIntoCursor: (value, c) => PlainInt32.writeIntoCursor(whole(value, 0x7fff_ffff), c),
};

function id(number: number): number {
  if (Number.isSafeInteger(number)) return number;
  throw MarketError.internal('a number of the server is too large for JavaScript');
}

/** Ids are numbers. One that a number cannot hold is refused, not rounded. */
export const FfiConverterInt64: FfiConverter<bigint, number> = {
  lift: (value) => id(Number(value)),
  lower: (value, alloc) => PlainInt64.lower(BigInt(whole(value, Number.MAX_SAFE_INTEGER)), alloc),
  // From its halves: one that is too large is never rounded to one that is not, and no bigint is made.
  readFromCursor: (c) => id(c.readI32() * 0x1_0000_0000 + c.readU32()),
  writeIntoCursor: (value, c) => PlainInt64.writeIntoCursor(BigInt(whole(value, Number.MAX_SAFE_INTEGER)), c),
  allocationSize: () => 8,
};

class DurationConverter extends AbstractFfiConverterByteArray<number> {
  readFromCursor(c: Cursor): number {
    return PlainDuration.readFromCursor(c);
  }
  writeIntoCursor(value: number, c: Cursor): void {
    PlainDuration.writeIntoCursor(milliseconds(value), c);
  }
  allocationSize(): number {
    return 12;
  }
}

/** Durations are milliseconds. */
export const FfiConverterDuration: FfiConverter<UniffiByteArray, number> = new DurationConverter();

class Literals<T extends string> extends AbstractFfiConverterByteArray<T> {
  constructor(
    private readonly name: string,
    private readonly literals: readonly T[],
  ) {
    super();
  }
  readFromCursor(c: Cursor): T {
    const literal = this.literals[c.readI32() - 1];
    if (literal === undefined) throw MarketError.internal(`an unknown ${this.name}`);
    return literal;
  }
  writeIntoCursor(value: T, c: Cursor): void {
    const index = this.literals.indexOf(value);
    if (index < 0) throw MarketError.invalid(`${value} is none of ${this.literals.join(', ')}.`);
    c.writeI32(index + 1);
  }
  allocationSize(): number {
    return 4;
  }
}

/** An enum without fields, as string literals. */
export function uniffiLiterals<T extends string>(
  name: string,
  literals: readonly T[],
): FfiConverter<UniffiByteArray, T> {
  return new Literals(name, literals);
}

class OpenLiterals extends AbstractFfiConverterByteArray<string> {
  constructor(
    private readonly literals: readonly string[],
    private readonly text: FfiConverter<UniffiByteArray, string>,
  ) {
    super();
  }
  readFromCursor(c: Cursor): string {
    return this.literals[c.readI32() - 1] ?? this.text.readFromCursor(c);
  }
  writeIntoCursor(value: string, c: Cursor): void {
    const index = this.literals.indexOf(value);
    c.writeI32((index < 0 ? this.literals.length : index) + 1);
    if (index < 0) this.text.writeIntoCursor(value, c);
  }
  allocationSize(value: string): number {
    return 4 + (this.literals.includes(value) ? 0 : this.text.allocationSize(value));
  }
}

/** An enum that the server drives: one that is not known is what the server wrote. */
export function uniffiOpenLiterals(
  literals: readonly string[],
  text: FfiConverter<UniffiByteArray, string>,
): FfiConverter<UniffiByteArray, string> {
  return new OpenLiterals(literals, text);
}

class Thrown<Case, E extends Error> extends AbstractFfiConverterByteArray<E> {
  constructor(
    private readonly cases: FfiConverter<UniffiByteArray, Case>,
    private readonly kind: { lifted(what: Case): E; lowered(error: E): Case },
  ) {
    super();
  }
  readFromCursor(c: Cursor): E {
    return this.kind.lifted(this.cases.readFromCursor(c));
  }
  writeIntoCursor(value: E, c: Cursor): void {
    this.cases.writeIntoCursor(this.kind.lowered(value), c);
  }
  allocationSize(value: E): number {
    return this.cases.allocationSize(this.kind.lowered(value));
  }
}

/** An error: a class made by hand, from what comes over. */
export function uniffiThrown<Case, E extends Error>(
  cases: FfiConverter<UniffiByteArray, Case>,
  kind: { lifted(what: Case): E; lowered(error: E): Case },
): FfiConverter<UniffiByteArray, E> & { lower(value: E, alloc: RustBufferAllocator): UniffiByteArray } {
  return new Thrown(cases, kind);
}
