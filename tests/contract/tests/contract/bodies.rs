//! Bodies of successful answers that cannot be read.

use market_contract_tests::shop::Shop;
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{CODE, PHONE, answers, shop};
use market_sdk::{ErrorCode, MarketClient, MarketClientBuilder, MemoryStore};
use wiremock::ResponseTemplate;

use crate::{calls, failed};

const LIMIT: usize = 4096;

/// A client that is signed in on a server which answers everything else with this.
async fn signed_in(
    configure: fn(MarketClientBuilder) -> MarketClientBuilder,
    reply: Reply,
) -> (Wire, MarketClient) {
    let token = shop::token(19, "us");
    let first = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let wire = Wire::start(move |_| {
        let first = first.swap(false, std::sync::atomic::Ordering::Relaxed);
        let reply = if first { Reply::Json(200, answers::signed_in(&token)) } else { reply.clone() };
        async move { reply }
    })
    .await;
    let market = configure(shop::client(&wire.base_url).store(MemoryStore::default())).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    wire.sent();
    (wire, market)
}

#[tokio::test]
async fn p9_an_answer_that_is_no_json_is_unexpected_and_after_sign_in_and_order_the_outcome_unknown() {
    let bodies = [
        "",
        "<html>Welcome to the hotel</html>",
        r#"{"id": 5, "items": ["#,
        "[1, 2",
        "null",
        "{}{}",
        "\u{feff}{}",
    ];
    for call in calls::all() {
        // A raw answer is the app's to read, and a code that was sent says nothing that must be there.
        if call.name.starts_with("raw") {
            continue;
        }
        for body in bodies {
            let shop = Shop::signed_in().await;
            shop.responds(call.method, call.path, ResponseTemplate::new(200).set_body_string(body), 1).await;
            let error = failed((call.make)(shop.market.clone()).await);
            let expected =
                if call.outcome_matters { ErrorCode::OutcomeUnknown } else { ErrorCode::UnexpectedResponse };
            assert_eq!((error.code(), error.status()), (expected, Some(200)), "{} {body}", call.name);
            let detail = error.detail().unwrap_or_default();
            assert!(!detail.contains("hotel") && !detail.is_empty(), "{detail}");
            assert!(shop.market.session().state().is_signed_in(), "{} {body}", call.name);
        }
    }
}

#[tokio::test]
async fn p9_a_body_that_announces_more_than_the_limit_is_not_read() {
    // Its end never comes: a client that read it would wait for the whole deadline.
    let reply = Reply::raw("200 OK\r\ncontent-length: 4097", "{");
    let (_wire, market) = signed_in(|builder| builder.body_limit(LIMIT), reply).await;
    assert_eq!(failed(market.cart().get().await).code(), ErrorCode::UnexpectedResponse);
}

#[tokio::test]
async fn p9_a_body_that_grows_beyond_the_limit_is_given_up() {
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(LIMIT));
    let chunks = format!("{chunk}{chunk}0\r\n\r\n");
    let reply = Reply::raw("200 OK\r\ntransfer-encoding: chunked", chunks);
    let (wire, market) = signed_in(|builder| builder.body_limit(LIMIT), reply).await;
    let error = failed(market.cart().get().await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::UnexpectedResponse, false));
    assert_eq!(wire.sent().len(), 1, "asked once");
    assert!(market.session().state().is_signed_in());
}

#[tokio::test]
async fn a_body_of_just_the_limit_is_read() {
    let mut body = answers::cart().to_string();
    body += &" ".repeat(LIMIT - body.len());
    let (_wire, market) = signed_in(|builder| builder.body_limit(LIMIT), Reply::Text(body.clone())).await;
    market.cart().get().await.unwrap();
    let (_wire, market) = signed_in(|builder| builder.body_limit(LIMIT), Reply::Text(body + " ")).await;
    assert_eq!(failed(market.cart().get().await).code(), ErrorCode::UnexpectedResponse);
}

#[tokio::test]
async fn without_a_limit_set_eight_mebibytes_are_read_and_no_more() {
    let mut body = answers::cart().to_string();
    body += &" ".repeat(8 * 1024 * 1024 - body.len());
    let (_wire, market) = signed_in(|builder| builder, Reply::Text(body.clone())).await;
    market.cart().get().await.unwrap();
    let (_wire, market) = signed_in(|builder| builder, Reply::Text(body + " ")).await;
    assert_eq!(failed(market.cart().get().await).code(), ErrorCode::UnexpectedResponse);
}

#[tokio::test]
async fn a_truncated_answer_is_a_cut_connection() {
    let body = answers::cart().to_string();
    let head = format!("200 OK\r\ncontent-length: {}", body.len());
    for reply in [
        Reply::raw(&head, &body[..body.len() / 2]),
        Reply::raw("200 OK\r\ntransfer-encoding: chunked", format!("{:x}\r\n{body}", body.len() + 10)),
    ] {
        let (wire, market) = signed_in(|builder| builder, reply).await;
        let error = failed(market.cart().add(market_sdk::SkuId(42), 1).await);
        assert_eq!(error.code(), ErrorCode::Network, "{error:?}");
        assert_eq!(wire.sent().len(), 1, "it may have been added");
        assert!(market.session().state().is_signed_in());
    }
}

#[tokio::test]
async fn p9_bytes_that_are_no_http_are_a_network_error() {
    for bytes in
        ["", "\0\0\0\0", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"]
    {
        let (_wire, market) = signed_in(|builder| builder, Reply::Bytes(bytes.into())).await;
        let error = failed(market.orders().cancel(market_sdk::OrderId(1)).await);
        assert_eq!(error.code(), ErrorCode::Network, "{bytes:?} {error:?}");
    }
}
