//! Whole stories over real sockets, against the dev server as a process of its own.

// The devices keep their sessions in the file store, which there is on Unix alone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]
#![allow(clippy::print_stdout, reason = "what a test prints is shown if it fails")]

mod dropped;
mod goodbye;
mod lost;
mod scenarios;
mod shopping;

use market_contract_tests::PHONE;
use market_contract_tests::dev::Dev;
use market_dev_server::{Dialect, LoggedRequest};
use market_sdk::{Cart, Error, NewOrder, Result, SkuId};

const PROGRAM: &str = env!("CARGO_BIN_EXE_contract-dev-server");

/// A server of its own for each test.
fn dev() -> Dev {
    Dev::start(PROGRAM, Dialect::Documented)
}

/// One of each kind that an app can meet.
fn of_each_kind() -> impl Iterator<Item = Dev> {
    let kinds = [Dialect::Documented, Dialect::G1, Dialect::G2];
    kinds.into_iter().map(|dialect| {
        // It is shown if the test fails.
        println!("on a server of the kind {dialect}");
        Dev::start(PROGRAM, dialect)
    })
}

fn order_from_cart() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St")
}

/// What is in a cart, as SKU and quantity, in the order of the SKUs: that of the lines is the server's.
fn lines(cart: &Cart) -> Vec<(SkuId, i64)> {
    let mut lines: Vec<_> = cart.items.iter().map(|line| (line.sku_id, line.quantity)).collect();
    lines.sort();
    lines
}

#[track_caller]
fn failed<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("the call must fail, and did not"),
        Err(error) => error,
    }
}

/// The requests that carried this token, as the log numbers tokens.
fn with_token<'a>(log: &'a [LoggedRequest], token: &str) -> Vec<&'a LoggedRequest> {
    let carries =
        |request: &&LoggedRequest| request.headers.get("authorization").is_some_and(|sent| sent == token);
    log.iter().filter(carries).collect()
}

/// Method and path of a request, without the base.
fn route(request: &LoggedRequest) -> String {
    format!("{} {}", request.method, request.path.strip_prefix("/api/v1").unwrap())
}

fn routes(log: &[LoggedRequest]) -> Vec<String> {
    log.iter().map(route).collect()
}
