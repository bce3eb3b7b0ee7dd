// What React Native gives a script and JavaScriptCore does not, and what the runner gives it besides.
import { AbortController, AbortSignal } from "abort-controller";

export interface Host {
  installRustCrate(): boolean;
  start(options: string[]): string;
  exchange(method: string, url: string, json: string): string;
  keep(text: string): void;
  kept(): string;
  threads(name: string): number;
  isJsThread(): boolean;
  collect(): void;
  hostObjects(): number;
  allocated(): number;
  block(ms: number): void;
  setTimeout(call: () => void, ms?: number): number;
  clearTimeout(timer: number): void;
}

declare global {
  var host: Host;
}

class Encoder {
  encode(text: string): Uint8Array {
    const bytes = unescape(encodeURIComponent(text.toWellFormed()));
    return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
  }

  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    const bytes = this.encode(text);
    target.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

Object.assign(globalThis, {
  // What a listener throws is printed by the package; the cases look at what comes of it.
  console: { assert() {}, error() {} },
  AbortController,
  AbortSignal,
  TextEncoder: Encoder,
  setTimeout: (call: () => void, ms?: number) => host.setTimeout(call, ms),
  clearTimeout: (timer: number) => host.clearTimeout(timer),
  queueMicrotask: (call: () => void) => void Promise.resolve().then(call),
});
