//! The market SDK for other languages: the UniFFI surface of `market-sdk`, and the one tokio runtime.
//!
//! It converts and delegates; it decides nothing. What a call does, and which errors it can end with, is said
//! by the core's call of the same name. Numbers that the host's languages write without a sign or a suffix are
//! signed here: an amount that is out of bounds is passed on as another that the core refuses, and an id below zero is
//! refused.

#[cfg(target_os = "android")]
mod android;
mod api;
mod client;
mod error;
mod installed;
mod listeners;
mod logging;
mod model;
mod runtime;
mod store;

pub use api::{CartApi, OrdersApi, SessionApi, WishlistApi};
pub use client::{ClientConfig, MarketCore, ParkOnExpiry, SessionStore};
pub use error::{ErrorCode, Failure, FieldError, MarketError, Result};
pub use listeners::{
    CartListener, ExpiringSoonListener, ListenerError, SessionEndListener, SessionListener, Subscription,
};
pub use logging::{LogLevel, LogRecord, LogSink, set_log_sink};
pub use model::*;
pub use store::{SecureStore, StoreError};

uniffi::setup_scaffolding!();

/// Wipes what is freed: a token is in the HTTP client's buffers too, which know nothing of secrets.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// The number of this core: a million for each major version, a thousand for each minor one, and the patch.
/// Bindings made for another number do not fit, and say so when they are loaded.
#[uniffi::export]
pub fn core_version() -> u32 {
    VERSION
}

const VERSION: u32 = part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
    + part(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
    + part(env!("CARGO_PKG_VERSION_PATCH"));

const fn part(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(part) => part,
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_cores_number_grows_with_the_version() {
        assert_eq!(super::core_version() % 1000, super::part(env!("CARGO_PKG_VERSION_PATCH")));
        assert!(super::core_version() >= 1_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn p10_what_is_freed_is_wiped() {
        use std::os::unix::fs::FileExt as _;

        let secret = vec![0xa5_u8; 4096];
        let place = secret.as_ptr() as u64;
        drop(secret);
        let mut left = vec![0_u8; 4096 - 512];
        // The allocator writes at both ends what it has to know of a free block.
        std::fs::File::open("/proc/self/mem").unwrap().read_exact_at(&mut left, place + 256).unwrap();
        assert!(left.iter().all(|byte| *byte != 0xa5), "the library for other languages wipes what it frees");
    }
}
