#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    // Its time is paused, so that no wait is waited for.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(market_sdk::fuzzing::exchange(input));
});
