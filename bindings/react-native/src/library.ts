/** The native library on Node: where it is, and that it is the right one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { MarketError } from './errors';
import { CORE_VERSION } from './generated/version';

type Tagged = { readonly tag: string };
const tagged = (tag: string): Tagged => ({ tag });

/** The types of the library's functions, as the runtime names them. */
export const FfiType = {
  UInt8: tagged('UInt8'),
  Int8: tagged('Int8'),
  UInt16: tagged('UInt16'),
  Int16: tagged('Int16'),
  UInt32: tagged('UInt32'),
  Int32: tagged('Int32'),
  UInt64: tagged('UInt64'),
  Int64: tagged('Int64'),
  Float32: tagged('Float32'),
  Float64: tagged('Float64'),
  Handle: tagged('Handle'),
  RustBuffer: tagged('RustBuffer'),
  ForeignBytes: tagged('ForeignBytes'),
  RustCallStatus: tagged('RustCallStatus'),
  VoidPointer: tagged('VoidPointer'),
  Void: tagged('Void'),
  Callback: (name: string) => ({ tag: 'Callback', name }),
  Struct: (name: string) => ({ tag: 'Struct', name }),
  Reference: (inner: object) => ({ tag: 'Reference', inner }),
  MutReference: (inner: object) => ({ tag: 'MutReference', inner }),
};

type Library = { register(definitions: object): object };
type Runtime = { UniffiNativeModule: { open(path: string): Library } };

/** Opens the library. A `MarketError` with code `config` says that there is none for this machine, or another one. */
export function openLibrary(folder = join(__dirname, '..', 'native'), expected = CORE_VERSION): Library {
  const machine = join(folder, platform());
  const suffix = { win32: '.dll', darwin: '.dylib' }[process.platform as string] ?? '.so';
  const path = join(machine, `market_sdk_ffi${suffix}`);
  if (!existsSync(path)) throw MarketError.config(`The market SDK has no library for ${platform()}.`);
  let library: Library;
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- an addon can be loaded in no other way
    library = (require(join(machine, 'runtime.node')) as Runtime).UniffiNativeModule.open(path);
  } catch (error) {
    throw MarketError.config('The market SDK\'s library cannot be loaded.', error instanceof Error ? error.message : '');
  }
  requireVersion(loadedVersion(library), expected);
  return library;
}

function platform(): string {
  return `${process.platform}-${process.arch}${process.platform === 'linux' && onMusl() ? '-musl' : ''}`;
}

/** By the loader that this process has; Node's own report says it too, and takes as long as loading the library. */
function onMusl(): boolean {
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
  } catch {
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime === undefined;
  }
}

/** Asks for this one function alone: others may be missing in a library of another version. */
function loadedVersion(library: Library): number {
  const name = 'uniffi_market_sdk_ffi_fn_func_core_version';
  const own = (what: string): string => `ffi_market_sdk_ffi_rustbuffer_${what}`;
  const module = library.register({
    symbols: { rustbuffer_alloc: own('alloc'), rustbuffer_free: own('free'), rustbuffer_from_bytes: own('from_bytes') },
    structs: {},
    callbacks: {},
    functions: { [name]: { args: [], ret: FfiType.UInt32, hasRustCallStatus: true } },
  }) as Record<typeof name, (status: { code: number }) => number>;
  return module[name]({ code: 0 });
}

/** One number in place of a checksum for each function. */
export function requireVersion(loaded: number, expected = CORE_VERSION): void {
  if (loaded === expected) return;
  throw MarketError.config(
    'The market SDK\'s library is of another version than its JavaScript part.',
    `loaded ${loaded}, expected ${expected}`,
  );
}
