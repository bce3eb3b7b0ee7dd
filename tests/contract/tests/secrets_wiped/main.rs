//! The memory of a process whose allocator wipes what is freed, as that of the library for the other languages does:
//! what the HTTP client leaves behind elsewhere is not there.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what was found is reported, by one process to the other"
)]

#[path = "../secrets/memory.rs"]
mod memory;
#[path = "../secrets/needles.rs"]
mod needles;

use std::alloc::System;

use zeroizing_alloc::ZeroAlloc;

use self::needles::{CODE, token};

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// See the binary without it.
const WIPES: bool = true;
