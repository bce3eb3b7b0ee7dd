/** What snippets of the documentation take from the app around them. */
import type { MarketClient as Client, MarketError } from '../../src/index';

declare global {
  const market: Client;
  const navigation: { navigate(screen: string): void };
  const total: { text: string };
  function show(text: string): void;
  function report(error: MarketError): void;
  function call(path: string, init?: { method?: string; body?: string }): Promise<unknown>;
  const AsyncStorage: {
    getItem(key: string): Promise<string | null>;
    multiRemove(keys: string[]): Promise<void>;
  };
  function Spinner(props: { error?: MarketError | undefined; onRetry?: () => unknown }): null;
  function Lines(props: { items: readonly { id: number }[]; total: string; onAdd: (id: number) => void }): null;
  function Login(props: { phone?: string; hint?: string }): null;
  function Pay(props: { total: string; disabled: boolean; onPress: () => void }): null;
  function Screens(): null;
}
