//! Promise 10 as a thief sees it: a token, a code and a phone number that can be recognised are looked for
//! wherever a process leaves something behind.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

mod memory;
