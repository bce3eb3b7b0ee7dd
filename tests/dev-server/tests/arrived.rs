//! Waiting for requests: what is under way, and what is not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{Ask, US_PHONE};
use market_dev_server::{DevServer, Dialect, Fault, FaultRule};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{pause, resume};

fn hold(server: &DevServer, route: &str) {
    server.fault(FaultRule::new(route, Fault::Hold { acted: false })).unwrap();
}

/// Whether it would have to be waited for. No time passes.
async fn is_late(server: &DevServer, route: &str, count: usize) -> bool {
    pause();
    let late = server.arrived(route, count).await.is_err();
    resume();
    late
}

#[tokio::test]
async fn requests_are_under_way_until_they_are_answered_or_their_client_leaves() {
    let server = DevServer::builder().start().await.unwrap();
    Ask::api(&server, "GET", "/auth/markets").send().await;
    assert!(is_late(&server, "*", 1).await, "it was answered");
    hold(&server, "*");
    let streams = [
        Ask::api(&server, "PUT", "/cart/items/7?quantity=2").begin().await,
        Ask::api(&server, "PUT", "/cart/items/8/").begin().await,
        Ask::api(&server, "GET", "/cart").begin().await,
    ];
    for (route, count) in
        [("*", 3), ("PUT /cart/items/{id}", 2), ("put /cart/items/7", 1), ("* /cart/", 1), ("PUT", 2)]
    {
        server.arrived(route, count).await.unwrap();
        assert!(is_late(&server, route, count + 1).await, "{route}");
    }
    assert!(is_late(&server, "GET /orders", 1).await);
    server.clear_requests();
    server.arrived("GET /cart", 1).await.unwrap();
    let [put, ..] = streams;
    drop(put);
    while !is_late(&server, "PUT /cart/items/7", 1).await {
        tokio::task::yield_now().await;
    }
    server.arrived("PUT /cart/items/8", 1).await.unwrap();
}

#[tokio::test]
async fn what_is_under_way_has_taken_its_fault_so_that_a_test_may_clear_it() {
    let server = DevServer::builder().start().await.unwrap();
    hold(&server, "POST /auth/send-verification");
    let whole = Ask::api(&server, "POST", "/auth/send-verification").json(json!({"phone": US_PHONE})).bytes();
    let (last, most) = whole.split_last().unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(most).await.unwrap();
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(is_late(&server, "POST /auth/send-verification", 1).await, "it has not come as a whole");
    stream.write_all(&[*last]).await.unwrap();
    server.arrived("POST /auth/send-verification", 1).await.unwrap();
    server.clear_faults();
    assert!(server.code(US_PHONE).unwrap().is_none(), "it is held");
    server.release();
    server.settled_requests().await;
    assert!(server.code(US_PHONE).unwrap().is_some());
}

#[tokio::test]
async fn over_http_it_is_said_what_is_under_way_instead_and_which_routes_there_are() {
    let server = DevServer::builder().dialect(Dialect::G2).start().await.unwrap();
    let arrived = |what: &str| Ask::new(&server, "GET", &format!("/_dev/arrived?{what}"));
    let unknown = arrived("route=GET%20/products").send().await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.contains("no route GET /products. It has POST /auth/"), "{unknown:?}");
    hold(&server, "*");
    let _held = Ask::api(&server, "GET", "/cart/").begin().await;
    assert_eq!(arrived("route=*%20/cart").send().await.status, 200);
    assert_eq!(arrived("route=GET&count=1").send().await.status, 200);
    assert_eq!(arrived("route=GET&count=some").send().await.status, 400);
    pause();
    let late = arrived("route=GET%20/cart&count=2").send().await;
    assert_eq!(late.status, 408);
    let why = "GET /cart is not under way 2 times within 10s, but GET /api/v1/cart/";
    assert_eq!(late.json(), json!({ "error": why }));
}
