import { type UniffiHandle, UniffiHandleMap } from 'uniffi-bindgen-react-native';

/**
 * Handles that no other JavaScript context gives out: after a reload Rust may still hold some of the former context,
 * and both would count from one.
 */
export class Handles<T> extends UniffiHandleMap<T> {
  constructor() {
    super();
    // Odd, as handles of this side have to be; the counter begins somewhere among 2^62 numbers, 2^31 apart.
    const epoch = BigInt(Math.floor(Math.random() * 0x7fff_ffff));
    (this as unknown as { currentHandle: UniffiHandle }).currentHandle = (epoch << BigInt(31)) + BigInt(1);
  }
}
