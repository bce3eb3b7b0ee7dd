#!/usr/bin/env bash
# Makes target/market-sdk-android-VERSION.aar: the jar's classes, what is Android's own, the native library for each kind of
# phone, and the rules for R8.
#
# Needs ANDROID_NDK_HOME (r27 or later), the Rust targets below, Maven, curl and zip. It was NOT RUN where this project's
# tests run, which have no NDK, but for a run with stand-ins for the compiler and the download; what the tests check is the
# classes (mvn test), the Rust for Android (cargo check) and the check of page sizes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../../.. && pwd)
: "${ANDROID_NDK_HOME:?set it to the folder of the NDK}"
api=26
tools=$(echo "$ANDROID_NDK_HOME"/toolchains/llvm/prebuilt/*/bin)
aar=target/aar

# The jar's own classes, without a library for a desktop in it. What is generated lies in `target` too: it is not cleaned.
(cd "$root" && cargo xtask bindgen kotlin)
(cd .. && rm -rf target/native target/classes && mvn -B -q -DskipTests -Dmarket.cargo.skip=true package)
mvn -B -q clean package
version=$(sed -n 's:.*<version>\(.*\)</version>.*:\1:p' pom.xml | head -n 1)

rm -rf "$aar" && mkdir -p "$aar/libs" target/classes-of-aar
(cd target/classes-of-aar && unzip -qo "$root/bindings/kotlin/target/market-sdk-$version.jar" && unzip -qo "../market-sdk-android-classes-$version.jar" && jar cf "../aar/classes.jar" dev META-INF)

for pair in aarch64-linux-android:arm64-v8a armv7-linux-androideabi:armeabi-v7a x86_64-linux-android:x86_64 i686-linux-android:x86; do
    target=${pair%%:*} abi=${pair##*:}
    clang=$tools/${target/armv7-/armv7a-}$api-clang
    name=$(echo "$target" | tr a-z- A-Z_)
    (
        cd "$root"
        export "CARGO_TARGET_${name}_LINKER=$clang" "CC_${target//-/_}=$clang" "AR_${target//-/_}=$tools/llvm-ar"
        cargo build -p market-sdk-ffi --no-default-features --profile mobile --target "$target"
    )
    mkdir -p "$aar/jni/$abi"
    cp "${CARGO_TARGET_DIR:-$root/target}/$target/mobile/libmarket_sdk_ffi.so" "$aar/jni/$abi/"
    (cd "$root" && cargo xtask elf "$OLDPWD/$aar/jni/$abi/libmarket_sdk_ffi.so")
done

# The class that rustls-platform-verifier calls into. Its makers publish it in a Maven repository of their own, in the version
# that Cargo.lock has of the crate that stands for it.
verifier=$(grep -A1 'name = "rustls-platform-verifier-android"' "$root/Cargo.lock" | sed -n 's/version = "\(.*\)"/\1/p')
curl -fsSL -o target/verifier.aar "https://github.com/rustls/rustls-platform-verifier/raw/maven-archive/android-release-support/maven/rustls/rustls-platform-verifier/$verifier/rustls-platform-verifier-$verifier.aar"
unzip -qp target/verifier.aar classes.jar > "$aar/libs/rustls-platform-verifier.jar"

cp src/main/AndroidManifest.xml "$aar/"
cp -r src/main/res "$aar/res"
cp consumer-rules.pro "$aar/proguard.txt"
: > "$aar/R.txt"
cp "$root"/LICENSE-* "$root"/THIRD-PARTY-LICENSES "$aar/"
(cd "$aar" && zip -qr "../market-sdk-android-$version.aar" .)
echo "target/market-sdk-android-$version.aar; an app depends on it and on net.java.dev.jna:jna:5.19.1@aar, org.jetbrains.kotlinx:kotlinx-coroutines-core, org.jetbrains.kotlin:kotlin-stdlib"
