#!/bin/sh
# Builds the core for iOS into build/MarketSdkCore.xcframework. It needs a Mac with Xcode and Rust's iOS targets.
# NOT RUN HERE.
set -eu
cd "$(dirname "$0")/../../.."
cargo xtask bindgen typescript
out=bindings/react-native/build
rm -rf "$out/MarketSdkCore.xcframework"
set --
for target in aarch64-apple-ios aarch64-apple-ios-sim; do
  cargo rustc --profile mobile -p market-sdk-ffi --no-default-features --target "$target" --crate-type staticlib
  set -- "$@" -library "${CARGO_TARGET_DIR:-target}/$target/mobile/libmarket_sdk_ffi.a"
done
xcodebuild -create-xcframework "$@" -output "$out/MarketSdkCore.xcframework"
