#!/usr/bin/env bash
# Makes the Swift package for Apple's systems: a folder with the package's sources and MarketSDKFFI.xcframework, which
# holds the core as a static library for iOS, its simulator and macOS. An app depends on the folder by its path.
#
#   scripts/swift-xcframework.sh [FOLDER]      target/swift/apple/market-sdk-swift if nothing is said
#
# Needs a Mac with Xcode, and Rust with the targets below. IT HAS NOT BEEN RUN: there was no Mac. What was run is the
# static library's build for aarch64-apple-ios (`cargo xtask full ios`), and the package itself on Linux.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "$(uname)" = Darwin ] || { echo "swift-xcframework: this needs a Mac" >&2; exit 1; }
TARGET=${CARGO_TARGET_DIR:-target}
OUT=${1:-$TARGET/swift/apple/market-sdk-swift}
SWIFT=bindings/swift
TARGETS=(aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin)
# As Package.swift says.
export IPHONEOS_DEPLOYMENT_TARGET=16.0 MACOSX_DEPLOYMENT_TARGET=13.0

cargo xtask bindgen swift
rustup target add "${TARGETS[@]}"
for target in "${TARGETS[@]}"; do
  # The crate names a shared library alone, so that this one keeps its link-time optimisation.
  cargo rustc -p market-sdk-ffi --profile mobile --target "$target" --crate-type staticlib
done
built() { echo "$TARGET/$1/mobile/libmarket_sdk_ffi.a"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{simulator,macos,headers}
lipo -create "$(built aarch64-apple-ios-sim)" "$(built x86_64-apple-ios)" -output "$work/simulator/libmarket_sdk_ffi.a"
lipo -create "$(built aarch64-apple-darwin)" "$(built x86_64-apple-darwin)" -output "$work/macos/libmarket_sdk_ffi.a"
cp "$SWIFT/Sources/MarketSDKFFI/MarketSDKFFI.h" "$work/headers/"
# Without the name of a library to link: the framework is the library.
printf 'module MarketSDKFFI {\n    header "MarketSDKFFI.h"\n    export *\n}\n' > "$work/headers/module.modulemap"

rm -rf "$OUT"
mkdir -p "$OUT/Sources"
cp -R "$SWIFT/Package.swift" "$SWIFT/README.md" LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENSES "$OUT/"
cp -R "$SWIFT/Sources/MarketSDK" "$SWIFT/Sources/MarketSDKTesting" "$OUT/Sources/"
xcodebuild -create-xcframework \
  -library "$(built aarch64-apple-ios)" -headers "$work/headers" \
  -library "$work/simulator/libmarket_sdk_ffi.a" -headers "$work/headers" \
  -library "$work/macos/libmarket_sdk_ffi.a" -headers "$work/headers" \
  -output "$OUT/MarketSDKFFI.xcframework"
(cd "$OUT" && swift build)
echo "$OUT"
