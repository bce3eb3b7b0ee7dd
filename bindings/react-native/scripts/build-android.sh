#!/bin/sh
# Builds the core for Android into android/src/main/jniLibs. It needs the Android NDK (ANDROID_NDK_HOME), cargo-ndk and
# Rust's Android targets. NOT RUN HERE: no package registry has the NDK.
set -eu
cd "$(dirname "$0")/../../.."
cargo xtask bindgen typescript
for abi in arm64-v8a armeabi-v7a x86_64; do
  # 16 KiB pages, as Android 15 and later may have.
  RUSTFLAGS="${RUSTFLAGS-} -C link-arg=-Wl,-z,max-page-size=16384" \
    cargo ndk --target "$abi" --platform 24 --output-dir bindings/react-native/android/src/main/jniLibs \
    build --release -p market-sdk-ffi
done
