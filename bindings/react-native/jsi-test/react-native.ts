// What the package asks of React Native.

/** Registers the generated C++, as the turbo module's glue does. */
export const TurboModuleRegistry = {
  get: () => ({ installRustCrate: () => host.installRustCrate(), cleanupRustCrate: () => true }),
};

export const AppState = { addEventListener: () => ({ remove() {} }) };
