//! What is sent again by itself, how often, and what never.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use market_contract_tests::shop::Shop;
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{CODE, PHONE, answers, shop};
use market_sdk::{ErrorCode, MarketClient, MemoryStore, OrderId, SecureStore as _, SkuId, StoreRead};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::calls::{self, Call};
use crate::failed;

/// How often a call is sent that the server has had: a client's first such call once more.
const ATTEMPTS: RangeInclusive<u64> = 2..=2;

fn attempts(call: &Call) -> RangeInclusive<u64> {
    if call.idempotent { ATTEMPTS } else { 1..=1 }
}

/// A server that is overloaded says when to come back; one that does not is left alone.
#[tokio::test]
async fn a_503_or_429_that_names_no_time_is_not_sent_again() {
    for (status, code) in [(503, ErrorCode::Server), (429, ErrorCode::RateLimited)] {
        let shop = Shop::signed_in().await;
        shop.responds("GET", "/cart", ResponseTemplate::new(status), 1).await;
        assert_eq!(failed(shop.market.cart().get().await).code(), code);
    }
}

#[tokio::test]
async fn p6_of_all_calls_only_the_idempotent_ones_are_sent_again_after_a_gateways_failure_or_when_asked_to() {
    // At once, each with a client and a server of its own: the waits in between are real.
    let run = |call: Call| async move {
        for status in [503, 502, 504] {
            let shop = Shop::signed_in().await;
            let answer = ResponseTemplate::new(status).insert_header("retry-after", "0");
            shop.responds(call.method, call.path, answer, attempts(&call)).await;
            let error = failed((call.make)(shop.market.clone()).await);
            let lost = call.outcome_matters && (call.name != "verify_code" || status != 503);
            let code = if lost { ErrorCode::OutcomeUnknown } else { ErrorCode::Server };
            assert_eq!((error.code(), error.status()), (code, Some(status)), "{}", call.name);
            let sent = shop.sent().await;
            assert!(sent.iter().all(|again| *again == sent[0]), "{}: the same each time", call.name);
            assert!(shop.market.session().state().is_signed_in(), "{}", call.name);
        }
    };
    join_all(calls::all().into_iter().map(run)).await;
}

#[tokio::test]
async fn p6_of_all_calls_only_the_idempotent_ones_are_sent_again_after_a_cut_connection() {
    let run = |call: Call| async move {
        let (wire, market) = cutting(usize::MAX).await;
        let error = failed((call.make)(market.clone()).await);
        let code = if call.outcome_matters { ErrorCode::OutcomeUnknown } else { ErrorCode::Network };
        assert_eq!((error.code(), error.status()), (code, None), "{}", call.name);
        let sent = wire.sent().iter().filter(|sent| !sent.reads_the_newest_order()).count();
        assert!(attempts(&call).contains(&(sent as u64)), "{}", call.name);
        assert!(market.session().state().is_signed_in(), "{}", call.name);
    };
    join_all(calls::all().into_iter().map(run)).await;
}

/// A client that is signed in on a server which cuts so many connections, and gives a cart after that.
async fn cutting(times: usize) -> (Wire, MarketClient) {
    let (token, count) = (shop::token(19, "us"), Arc::new(AtomicUsize::new(0)));
    let wire = Wire::start(move |sent| {
        let looks = sent.reads_the_newest_order();
        let count = if looks { usize::MAX } else { count.fetch_add(1, Ordering::Relaxed) };
        let reply = match count {
            _ if looks => Reply::Json(200, json!([])),
            0 => Reply::Json(200, answers::signed_in(&token)),
            count if count <= times => Reply::Cut,
            _ => Reply::Json(200, answers::cart()),
        };
        async move { reply }
    })
    .await;
    let market = shop::client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    wire.sent();
    (wire, market)
}

#[tokio::test]
async fn a_read_that_succeeds_at_the_second_attempt_succeeds() {
    let (wire, market) = cutting(1).await;
    assert_eq!(market.cart().get().await.unwrap().items.len(), 1);
    assert_eq!(wire.sent().len(), 2);
}

#[tokio::test]
async fn p6_a_500_is_not_sent_again_for_it_would_only_come_again() {
    let shop = Shop::signed_in().await;
    shop.responds("GET", "/cart", ResponseTemplate::new(500), 1).await;
    assert_eq!(failed(shop.market.cart().get().await).code(), ErrorCode::Server);
}

#[tokio::test]
async fn a_429_to_a_read_is_sent_again_and_one_to_an_add_is_not() {
    let shop = Shop::signed_in().await;
    shop.responds("GET", "/cart", ResponseTemplate::new(429).insert_header("retry-after", "0"), ATTEMPTS)
        .await;
    let error = failed(shop.market.cart().get().await);
    assert_eq!((error.code(), error.retry_after()), (ErrorCode::RateLimited, Some(Duration::ZERO)));
    shop.responds("POST", "/cart/items", ResponseTemplate::new(429), 1).await;
    assert_eq!(failed(shop.market.cart().add(SkuId(42), 1).await).code(), ErrorCode::RateLimited);
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_and_the_deadline_does_not_hold_ends_the_call_at_once() {
    let shop = Shop::signed_in_with(|builder| builder.timeout(Duration::from_secs(1000))).await;
    shop.responds("GET", "/cart", ResponseTemplate::new(503).insert_header("retry-after", "1001"), 1).await;
    let error = failed(shop.market.cart().get().await);
    assert_eq!((error.code(), error.retry_after()), (ErrorCode::Server, Some(Duration::from_secs(1001))));
}

#[tokio::test]
async fn a_refusal_is_final() {
    for status in [400, 403, 404, 405, 409, 422] {
        let shop = Shop::signed_in().await;
        shop.responds("GET", "/auth/profile", ResponseTemplate::new(status), 1).await;
        failed(shop.market.session().profile().await);
    }
}

#[tokio::test]
async fn calls_sent_again_are_paid_for_by_calls_that_succeed() {
    // However long an outage lasts, each call after the first few goes out once.
    let shop = Shop::signed_in().await;
    shop.responds("GET", "/orders/1", ResponseTemplate::new(502), 1..).await;
    for _ in 0..10 {
        failed(shop.market.orders().get(OrderId(1)).await);
    }
    let sent = shop.sent().await.len();
    assert!((11..=12).contains(&sent), "{sent}");
    let cart = ResponseTemplate::new(200).set_body_json(answers::cart());
    shop.responds("GET", "/cart", cart, 20).await;
    for _ in 0..20 {
        shop.market.cart().get().await.unwrap();
    }
    shop.sent().await;
    failed(shop.market.orders().get(OrderId(1)).await);
    assert!(shop.sent().await.len() > 1, "earned again");
}

#[tokio::test]
async fn the_deadline_ends_a_call_whose_answer_does_not_come() {
    // Real time has to pass, half a second: the deadline is the subject.
    let (token, first) = (shop::token(19, "us"), Arc::new(AtomicUsize::new(0)));
    let wire = Wire::start(move |sent| {
        let first = first.fetch_add(1, Ordering::Relaxed) == 0;
        let sign_in = first.then(|| Reply::Json(200, answers::signed_in(&token)));
        let looks = sent.reads_the_newest_order();
        async move {
            match sign_in {
                Some(reply) => reply,
                None if looks => Reply::Json(200, json!([])),
                None => std::future::pending().await,
            }
        }
    })
    .await;
    let (store, client) = (MemoryStore::default(), || shop::client(&wire.base_url));
    let patient = client().store(store.clone()).build().unwrap();
    patient.session().verify_code(PHONE, CODE).await.unwrap();
    // Each has a store of its own: an order without an answer stops the next one.
    let key = format!("contract.tests {}", wire.base_url);
    let StoreRead::Found(session) = store.read(&key) else { panic!("the session is stored") };
    let run = |call: Call| {
        let store = MemoryStore::default();
        store.write(&key, &session).unwrap();
        let hasty = client().store(store).timeout(Duration::from_millis(500)).build().unwrap();
        async move {
            hasty.session().restore().await.unwrap();
            let error = failed((call.make)(hasty.clone()).await);
            let code = if call.outcome_matters { ErrorCode::OutcomeUnknown } else { ErrorCode::Timeout };
            assert_eq!((error.code(), error.status()), (code, None), "{}", call.name);
            assert!(hasty.session().state().is_signed_in(), "{}", call.name);
        }
    };
    join_all(calls::all().into_iter().map(run)).await;
}

#[tokio::test]
async fn p6_a_401_is_not_answered_by_a_second_attempt_with_the_same_token() {
    let run = |call: Call| async move {
        let shop = Shop::signed_in().await;
        let answer = ResponseTemplate::new(401).set_body_json(json!({"detail": "Invalid token"}));
        shop.responds(call.method, call.path, answer, 1).await;
        assert_eq!(
            failed((call.make)(shop.market.clone()).await).code(),
            ErrorCode::SessionExpired,
            "{}",
            call.name
        );
        assert!(!shop.market.session().state().is_signed_in(), "{}", call.name);
    };
    join_all(calls::all().into_iter().filter(|call| call.as_user).map(run)).await;
}
