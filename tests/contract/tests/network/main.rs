//! What the network does to a shopper, over real sockets: idle connections that the server closes, parallel
//! calls on servers that lose updates, servers of each generation, and a server that becomes another one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

mod certificates;
mod dialects;
mod tls;

use market_contract_tests::PHONE;
use std::time::Duration;

use market_dev_server::{DevServer, Dialect, Fault, FaultRule};
use market_sdk::{MarketClient, MemoryStore, SkuId};

const DIALECTS: [Dialect; 3] = [Dialect::Documented, Dialect::G1, Dialect::G2];

async fn server(dialect: Dialect) -> DevServer {
    DevServer::builder().dialect(dialect).rate_limits(false).start().await.unwrap()
}

fn client(server: &DevServer) -> MarketClient {
    let builder = MarketClient::builder(server.base_url()).app_id("network").store(MemoryStore::default());
    builder.allow_http_loopback().build().unwrap()
}

async fn sign_in(server: &DevServer, market: &MarketClient) {
    let session = market.session();
    session.request_code(PHONE).await.unwrap();
    session.verify_code(PHONE, &server.code(PHONE).unwrap().unwrap()).await.unwrap();
}

#[tokio::test]
async fn p6_two_hundred_adds_each_after_the_server_closed_the_idle_connection_are_two_hundred_pieces() {
    for dialect in DIALECTS {
        let server = server(dialect).await;
        let market = client(&server);
        sign_in(&server, &market).await;
        for _ in 0..200 {
            server.close_idle_connections().await;
            market.cart().add(SkuId(42), 1).await.expect("no error");
        }
        let cart = market.cart().get().await.unwrap();
        let lines: Vec<_> = cart.items.iter().map(|line| (line.sku_id, line.quantity)).collect();
        assert_eq!(lines, [(SkuId(42), 200)], "no add is lost, and none is there twice");
        let adds = server.settled_requests().await;
        let adds: Vec<_> = adds.iter().filter(|request| request.path.ends_with("/cart/items")).collect();
        assert_eq!(adds.len(), 200, "none was sent twice");
        let mut connections: Vec<_> = adds.iter().map(|request| request.connection).collect();
        connections.dedup();
        assert_eq!(connections.len(), 200, "each came over a connection of its own");
    }
}

#[test]
fn one_client_serves_runtimes_that_come_and_go() {
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = elsewhere.block_on(server(Dialect::Documented));
    let market = client(&server);
    for pieces in 1..=20 {
        let app = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        app.block_on(async {
            if pieces == 1 {
                sign_in(&server, &market).await;
            }
            let cart = market.cart().add(SkuId(42), 1).await.expect("no error");
            assert_eq!(cart.items[0].quantity, pieces);
        });
    }
}

/// The first runtime rests in the middle of telling the server; its tasks are neither polled nor dropped.
#[test]
fn p9_a_logout_on_a_runtime_that_rests_holds_up_neither_the_next_logout_nor_the_next_sign_in() {
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = elsewhere.block_on(server(Dialect::Documented));
    let market = client(&server);
    let app = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (app(), app());
    let hours = Fault::Latency { ms: 3_600_000, acted: false };
    server.fault(FaultRule::new("POST /auth/logout", hours).times(1)).unwrap();
    first.block_on(async {
        sign_in(&server, &market).await;
        let session = market.session();
        let begun = tokio::time::timeout(Duration::from_millis(100), session.logout()).await;
        assert!(begun.is_err(), "the server does not answer");
    });
    second.block_on(async {
        let bound = Duration::from_secs(10);
        tokio::time::timeout(bound, market.session().clear()).await.expect("no hang").unwrap();
        tokio::time::timeout(bound, sign_in(&server, &market)).await.expect("no hang");
        market.cart().get().await.unwrap();
    });
}

/// A phone freezes an app in the background: what the network says meanwhile is heard only after the next call
/// has begun.
#[test]
fn p6_an_add_right_after_the_app_was_frozen_does_not_go_out_on_a_connection_that_was_closed_meanwhile() {
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = std::sync::Arc::new(elsewhere.block_on(server(Dialect::G2)));
    let app = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    app.block_on(async {
        let market = client(&server);
        sign_in(&server, &market).await;
        for _ in 0..200 {
            let (closed, wait) = std::sync::mpsc::channel();
            let server = server.clone();
            elsewhere.spawn(async move {
                server.close_idle_connections().await;
                closed.send(()).unwrap();
            });
            // This blocks the app's only thread, on purpose.
            wait.recv().unwrap();
            market.cart().add(SkuId(42), 1).await.expect("no error");
        }
        assert_eq!(market.cart().get().await.unwrap().items[0].quantity, 200);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_eight_adds_at_once_are_eight_pieces_on_servers_that_lose_updates() {
    for dialect in [Dialect::G1, Dialect::G2] {
        let server = server(dialect).await;
        let market = client(&server);
        sign_in(&server, &market).await;
        let adds: Vec<_> = (0..8)
            .map(|_| {
                let market = market.clone();
                tokio::spawn(async move { market.cart().add(SkuId(42), 1).await })
            })
            .collect();
        for add in adds {
            add.await.unwrap().unwrap();
        }
        let cart = market.cart().get().await.unwrap();
        assert_eq!(cart.items.iter().map(|line| line.quantity).sum::<i64>(), 8);
        assert_eq!(cart.items.len(), 1);
    }
}

/// That the servers do lose updates, or the test above shows nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_clients_that_do_not_wait_for_each_other_lose_updates_there() {
    let server = server(Dialect::G2).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let market = client(&server);
        sign_in(&server, &market).await;
        market.cart().get().await.unwrap();
        clients.push(market);
    }
    let adds = clients
        .iter()
        .cloned()
        .map(|market| tokio::spawn(async move { market.cart().add(SkuId(42), 1).await }));
    for add in adds.collect::<Vec<_>>() {
        add.await.unwrap().unwrap();
    }
    let cart = clients[0].cart().get().await.unwrap();
    assert!(cart.items[0].quantity < 8 || cart.items.len() > 1, "{cart:?}");
}
