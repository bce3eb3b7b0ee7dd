#!/usr/bin/env bash
# Puts the core for each kind of Android phone into android/src/main/jniLibs, and the class that checks certificates into
# android/libs. It needs ANDROID_NDK_HOME (r27 or later), Rust's Android targets, curl and unzip. NOT RUN where this
# project's tests run: no package registry has the NDK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
: "${ANDROID_NDK_HOME:?set it to the folder of the NDK}"
api=26
tools=$(echo "$ANDROID_NDK_HOME"/toolchains/llvm/prebuilt/*/bin)
android=bindings/react-native/android

cargo xtask bindgen typescript
for pair in aarch64-linux-android:arm64-v8a armv7-linux-androideabi:armeabi-v7a x86_64-linux-android:x86_64; do
  target=${pair%%:*} abi=${pair##*:}
  clang=$tools/${target/armv7-/armv7a-}$api-clang
  name=$(echo "$target" | tr a-z- A-Z_)
  env "CARGO_TARGET_${name}_LINKER=$clang" "CC_${target//-/_}=$clang" "AR_${target//-/_}=$tools/llvm-ar" \
    cargo build -p market-sdk-ffi --no-default-features --profile mobile --target "$target"
  mkdir -p "$android/src/main/jniLibs/$abi"
  cp "${CARGO_TARGET_DIR:-target}/$target/mobile/libmarket_sdk_ffi.so" "$android/src/main/jniLibs/$abi/"
  cargo xtask elf "$android/src/main/jniLibs/$abi/libmarket_sdk_ffi.so"
done

# Its makers publish it in a Maven repository of their own, in the version that Cargo.lock has of its crate.
verifier=$(grep -A1 'name = "rustls-platform-verifier-android"' Cargo.lock | sed -n 's/version = "\(.*\)"/\1/p')
mkdir -p "$android/libs"
aar=$(mktemp)
curl -fsSL -o "$aar" "https://github.com/rustls/rustls-platform-verifier/raw/maven-archive/android-release-support/maven/rustls/rustls-platform-verifier/$verifier/rustls-platform-verifier-$verifier.aar"
unzip -qp "$aar" classes.jar > "$android/libs/rustls-platform-verifier.jar"
rm "$aar"
