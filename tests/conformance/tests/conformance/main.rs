//! The Rust column: a test for each case of `cases.toml`, named as its id.

// The devices keep their sessions in the file store, which there is on Unix alone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

mod calls;
mod cancelled;
mod errors;
mod installed;
mod listeners;
mod orders;
mod scenarios;
mod sessions;
mod shopping;
mod stores;
mod waiting;

use std::path::PathBuf;

use market_contract_tests::dev::Dev;
use market_dev_server::{Dialect, Fault, FaultRule};
use market_sdk::{Cart, Error, ErrorCode, NewOrder, Result};

const PHONE: &str = "+13128059851";
const KG_PHONE: &str = "+996700123456";

/// The server of a case. Its log is written when it ends, for `cargo xtask conformance` to judge.
fn server(id: &str, dialect: Dialect) -> Dev {
    server_with(id, dialect, &[])
}

fn server_with(id: &str, dialect: Dialect, arguments: &[&str]) -> Dev {
    let folder = std::env::var_os("MARKET_CONFORMANCE").map(PathBuf::from);
    let log = folder.map(|folder| folder.join(format!("{id}.json")));
    Dev::start_with(env!("CARGO_BIN_EXE_conformance-dev-server"), dialect, arguments, log.as_deref())
}

/// What is asked for on this route waits until the server is told to let it go.
async fn hold(dev: &Dev, route: &str) {
    dev.fault(FaultRule::new(route, Fault::Hold { acted: false })).await;
}

/// A fault that is played once.
async fn once(dev: &Dev, route: &str, fault: Fault) {
    dev.fault(FaultRule::new(route, fault).times(1)).await;
}

/// An error of this status in the server's own form.
fn status(status: u16) -> Fault {
    Fault::Status { status, acted: false, retry_after: None }
}

/// Just this, with a status.
fn answer(status: u16, body: &str) -> Fault {
    Fault::Answer { status, content_type: "application/json".to_owned(), body: body.to_owned(), acted: false }
}

/// What is in a cart, as SKU and quantity, in the order of the SKUs: that of the lines is the server's.
fn lines(cart: &Cart) -> Vec<(u64, i64)> {
    let mut lines: Vec<_> = cart.items.iter().map(|line| (line.sku_id.0, line.quantity)).collect();
    lines.sort_unstable();
    lines
}

fn order_from_cart() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St")
}

#[track_caller]
fn failed<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("the call must fail, and did not"),
        Err(error) => error,
    }
}

/// The code of the error that the call must end with.
#[track_caller]
fn code<T>(result: Result<T>) -> ErrorCode {
    failed(result).code()
}
