#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| market_sdk::fuzzing::redirect(input));
