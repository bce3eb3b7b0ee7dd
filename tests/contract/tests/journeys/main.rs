//! Whole stories over real sockets, against the dev server as a process of its own. Each is told on servers of
//! every kind that has what it is about; where one has not, a comment says so.

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
use market_contract_tests::dev::{Dev, Device};
use market_dev_server::{Dialect, LoggedRequest};
use market_sdk::{Cart, Error, MarketClient, NewOrder, Result, SkuId};

const PROGRAM: &str = env!("CARGO_BIN_EXE_contract-dev-server");

/// A server of each kind that an app can meet.
fn of_each_kind() -> impl Iterator<Item = Dev> {
    started([Dialect::Documented, Dialect::G1, Dialect::G2])
}

/// A server of each kind that takes orders: the first generation has no route to place one.
fn of_each_kind_that_takes_orders() -> impl Iterator<Item = Dev> {
    started([Dialect::Documented, Dialect::G2])
}

fn started<const N: usize>(kinds: [Dialect; N]) -> impl Iterator<Item = Dev> {
    kinds.into_iter().map(|dialect| {
        // It is shown if the test fails.
        println!("on a server of the kind {dialect}");
        Dev::start(PROGRAM, dialect)
    })
}

/// How a client that knows the server reads its collections: method and path.
struct Reads {
    cart: &'static str,
    wishlist: &'static str,
    orders: &'static str,
}

fn reads(dev: &Dev) -> Reads {
    match dev.dialect {
        Dialect::Documented => Reads { cart: "GET /cart", wishlist: "GET /wishlist", orders: "GET /orders" },
        Dialect::G1 => {
            Reads { cart: "GET /cart/", wishlist: "GET /wishlist/", orders: "GET /profile/orders" }
        }
        Dialect::G2 => Reads { cart: "GET /cart/", wishlist: "POST /wishlist/get", orders: "GET /orders" },
    }
}

/// A device on which somebody has signed in, and whose client has found out what the server is like: from here
/// on a call is one request on each kind. The log is empty.
async fn knowing(dev: &Dev) -> Device {
    let device = Device::signed_in(dev, PHONE).await;
    get_to_know(&device.market).await;
    dev.clear_requests().await;
    device
}

async fn get_to_know(market: &MarketClient) {
    market.cart().get().await.unwrap();
    market.wishlist().get().await.unwrap();
    market.orders().list(Default::default()).await.unwrap();
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
