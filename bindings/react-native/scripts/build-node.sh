#!/bin/sh
# Puts the library that ships for Node, of this machine's kind, where `npm pack` takes it from: optimised and stripped.
set -eu
cd "$(dirname "$0")/../../.."
cargo xtask bindgen typescript
cargo build --profile mobile -p market-sdk-ffi
native=bindings/react-native/native
for folder in "$native"/*/; do
  for library in "$folder"market_sdk_ffi.*; do
    cp "${CARGO_TARGET_DIR:-target}/mobile/libmarket_sdk_ffi.${library##*.}" "$library"
  done
done
