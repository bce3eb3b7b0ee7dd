//! UniFFI's own generator, at the version that `market-sdk-ffi` is built with.

fn main() {
    uniffi::uniffi_bindgen_main();
}
