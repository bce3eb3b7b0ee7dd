//! TLS with an authority made on the fly.

use std::net::SocketAddr;

use market_contract_tests::PHONE;
use market_contract_tests::sent::Sent;
use market_contract_tests::wire::{Reply, Wire};
use market_dev_server::DevServer;
use market_sdk::{ErrorCode, MarketClient, MemoryStore, NewOrder, SkuId};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a TLS connection begins with.
const TLS_HANDSHAKE: u8 = 0x16;

async fn server() -> DevServer {
    DevServer::builder().tls(true).start().await.unwrap()
}

#[tokio::test]
async fn a_private_authority_is_accepted_when_the_client_is_told_of_it() {
    let server = server().await;
    let market = MarketClient::builder(server.base_url())
        .app_id("tls")
        .store(MemoryStore::default())
        .extra_root_certificates(server.ca_pem().unwrap())
        .build()
        .unwrap();
    let session = market.session();
    session.request_code(PHONE).await.unwrap();
    session.verify_code(PHONE, &server.code(PHONE).unwrap().unwrap()).await.unwrap();
    assert_eq!(market.cart().add(SkuId(42), 2).await.unwrap().total_price.to_string(), "USD 39.98");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_once_and_for_all() {
    let server = server().await;
    let market =
        MarketClient::builder(server.base_url()).app_id("tls").store(MemoryStore::default()).build().unwrap();
    let error = market.session().markets().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Tls, "{:?}", error.detail());
    assert!(!error.is_retryable());
    assert!(server.settled_requests().await.is_empty());
}

/// A port at which a proxy sends plain http to https, and hands TLS on to `server`: what it sent on is in the
/// [`Wire`].
async fn behind_a_proxy(server: &DevServer) -> (SocketAddr, Wire, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let plain = Wire::start(move |sent: Sent| async move {
        let location = format!("https://{address}{}", sent.target);
        let head = format!("301 Moved Permanently\r\nlocation: {location}\r\ncontent-length: 0");
        Reply::raw(&format!("{head}\r\nconnection: close"), "")
    })
    .await;
    let sends_on = plain.base_url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let (sends_on, tls) = (sends_on.parse().unwrap(), server.address());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                let mut first = [0];
                // Whoever leaves before it says anything is no news, and whoever leaves later neither.
                if client.peek(&mut first).await.unwrap_or(0) == 1 {
                    let to: SocketAddr = if first == [TLS_HANDSHAKE] { tls } else { sends_on };
                    let mut server = TcpStream::connect(to).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    (address, plain, tasks)
}

#[tokio::test]
async fn p6_a_301_to_https_takes_a_write_there_with_its_method_body_token_and_key() {
    let server = server().await;
    let (address, plain, _proxy) = behind_a_proxy(&server).await;
    let market = MarketClient::builder(format!("http://{address}/api/v1"))
        .app_id("tls")
        .store(MemoryStore::default())
        .allow_http_loopback()
        .extra_root_certificates(server.ca_pem().unwrap())
        .build()
        .unwrap();
    crate::sign_in(&server, &market).await;
    let cart = market.cart().add(SkuId(42), 2).await.unwrap();
    assert_eq!(cart.total_price.to_string(), "USD 39.98");
    let order = market.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St")).await.unwrap();
    assert_eq!(order.items[0].quantity, 2);

    let log = server.settled_requests().await;
    let made: Vec<_> = log
        .iter()
        .map(|request| {
            let token = request.headers.get("authorization").map(String::as_str);
            (request.method.as_str(), request.path.as_str(), token, request.acted, request.status)
        })
        .collect();
    let token = Some("Bearer #1");
    let expected = [
        ("POST", "/api/v1/auth/send-verification", None, true, Some(200)),
        ("POST", "/api/v1/auth/verify-code", None, true, Some(200)),
        ("POST", "/api/v1/cart/items", token, true, Some(200)),
        ("GET", "/api/v1/orders", token, false, Some(200)),
        ("POST", "/api/v1/orders/create", token, true, Some(200)),
    ];
    assert_eq!(made, expected, "each write once");

    // What was sent on and what came there are the same, headers, body and all. The log has no token's text.
    let mut sent_on = plain.sent();
    let tokens: Vec<_> = sent_on.iter_mut().map(|sent| sent.headers.remove("authorization")).collect();
    assert_eq!(tokens[..2], [None, None]);
    assert!(
        tokens[2].is_some() && tokens[2..].iter().all(|token| *token == tokens[2]),
        "one token, as it was signed in with"
    );
    let key = sent_on[4].header("idempotency-key").expect("an order has one").to_owned();
    assert_eq!(log[4].headers["idempotency-key"], key);
    let arrived: Vec<_> = log
        .iter()
        .map(|request| {
            let target = match request.query.as_str() {
                "" => request.path.clone(),
                query => format!("{}?{query}", request.path),
            };
            let headers = request.headers.clone().into_iter().filter(|(name, _)| name != "authorization");
            let body = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
            Sent::new(&request.method, &target, headers, body.as_bytes())
        })
        .collect();
    assert_eq!(arrived, sent_on);
    let bodies = [&log[2].body, &log[4].body].map(|body| body.clone().unwrap());
    assert_eq!((&bodies[0]["sku_id"], &bodies[0]["quantity"]), (&json!(42), &json!(2)));
    assert_eq!(bodies[1]["delivery_address"], "1 Main St");
    let stored = server.stored().unwrap();
    assert_eq!(stored["us"]["orders"].as_array().unwrap().len(), 1);
    assert_eq!(stored["us"]["orders"][0]["items"], json!([{"sku_id": 42, "quantity": 2}]));
}
