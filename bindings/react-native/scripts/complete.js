/** Ends with what is missing in a package that is about to be published: the libraries of phones, and a shipped one for Node. */
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

const here = join(__dirname, '..');
const wanted = [
  ...['arm64-v8a', 'armeabi-v7a', 'x86_64'].map((abi) => `android/src/main/jniLibs/${abi}/libmarket_sdk_ffi.so`),
  'android/libs/rustls-platform-verifier.jar',
  'build/MarketSdkCore.xcframework/Info.plist',
  'ios/PrivacyInfo.xcprivacy',
  'cpp/generated/market_sdk_ffi.cpp',
];
const problems = wanted.filter((file) => !existsSync(join(here, file))).map((file) => `${file} is missing`);

const native = join(here, 'native');
const libraries = (existsSync(native) ? readdirSync(native, { recursive: true }) : []).filter((file) => /\.(so|dylib|dll)$/.test(file));
if (libraries.length === 0) problems.push('native holds no library');
for (const file of libraries) {
  // What is stripped has none.
  if (readFileSync(join(native, file)).includes('.debug_info')) problems.push(`native/${file} is one for development`);
}

if (problems.length > 0) {
  console.error(`This package is not complete: ${problems.join('; ')}. See \`scripts\`.`);
  process.exit(1);
}
