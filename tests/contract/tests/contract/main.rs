//! Each call against a mock server: what goes out, what comes back, and each way to fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

mod bodies;
mod calls;
mod cart;
mod errors;
mod orders;
mod raw;
mod redirects;
mod retries;
mod secrets;
mod session;
mod sessions_end;
mod wishlist;

use market_sdk::{Currency, Error, Money, Result};

/// An amount of money, as `money("19.99", "USD")`.
fn money(amount: &str, currency: &str) -> Money {
    Money::new(amount.parse().unwrap(), Currency::new(currency))
}

/// The error of a call that must fail.
#[track_caller]
fn failed<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("the call must fail, and did not"),
        Err(error) => error,
    }
}

/// The paths of the refused fields.
fn paths(error: &Error) -> Vec<&str> {
    error.fields().iter().map(|field| field.path.as_str()).collect()
}
