import { type TurboModule, TurboModuleRegistry } from 'react-native';

/** What React Native's code generator reads: the module does nothing but put the library within reach. */
export interface Spec extends TurboModule {
  installRustCrate(): boolean;
  cleanupRustCrate(): boolean;
}

export default TurboModuleRegistry.get<Spec>('MarketSdk');
