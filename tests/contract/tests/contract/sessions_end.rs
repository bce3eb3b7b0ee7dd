//! What ends a session, and what does not.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use market_contract_tests::shop::{Shop, client, token};
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{CODE, Ends, PHONE, answers};
use market_sdk::{EndReason, ErrorCode, MarketClient, MemoryStore, SessionState, SkuId, UserId};
use serde_json::json;
use tokio::sync::oneshot;
use wiremock::ResponseTemplate;

use crate::{calls, failed};

#[tokio::test]
async fn p3_many_calls_answered_401_at_once_are_one_signal() {
    let shop = Shop::signed_in().await;
    let ends = Ends::of(&shop.market);
    let answer = ResponseTemplate::new(401).set_body_json(json!({"detail": "Invalid token"}));
    shop.responds("GET", "/wishlist", answer, 1..).await;
    let calls: Vec<_> = (0..50).map(|_| shop.market.wishlist()).collect();
    for result in join_all(calls.iter().map(|wishlist| wishlist.get())).await {
        assert_eq!(failed(result).code(), ErrorCode::SessionExpired);
    }
    let state = shop.market.session().state();
    let SessionState::Expired { user, reason: EndReason::Rejected, .. } = state else { panic!("{state:?}") };
    assert_eq!(user.id, UserId(19));
    drop(calls);
    let Shop { market, server: _server, .. } = shop;
    let reasons: Vec<_> = ends.all(market).into_iter().map(|end| end.reason).collect();
    assert_eq!(reasons, [EndReason::Rejected]);
}

#[tokio::test]
async fn p4_no_other_status_and_no_body_ends_a_session() {
    let run = |call: calls::Call| async move {
        let next = Arc::new(Mutex::new(Reply::Json(200, answers::signed_in(&token(19, "us")))));
        let shown = next.clone();
        let wire = Wire::start(move |_| {
            let reply = shown.lock().unwrap().clone();
            async move { reply }
        })
        .await;
        let market = client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
        market.session().verify_code(PHONE, CODE).await.unwrap();
        let ends = Ends::of(&market);
        for status in [400, 403, 404, 405, 407, 409, 410, 418, 422, 429, 500, 501, 502, 503, 504] {
            for body in [r#"{"detail": "Invalid token"}"#, r#"{"message": "Expired", "status_code": 401}"#] {
                // A wait that no deadline holds: nothing is made again, and the test does not wait.
                let head = "Status\r\nwww-authenticate: Bearer\r\nretry-after: 9999\r\ncontent-length:";
                *next.lock().unwrap() = Reply::raw(&format!("{status} {head} {}", body.len()), body);
                failed((call.make)(market.clone()).await);
                assert!(market.session().state().is_signed_in(), "{} {status}", call.name);
            }
        }
        assert_eq!(ends.all(market), [], "{}", call.name);
    };
    join_all(calls::all().into_iter().map(run)).await;
}

/// A client that is signed in on a server which answers everything else with this.
async fn signed_in(reply: Reply) -> (Wire, MarketClient) {
    let wire = Wire::start(move |sent| {
        let reply = match sent.target.contains("verify-code") {
            true => Reply::Json(200, answers::signed_in(&token(19, "us"))),
            false => reply.clone(),
        };
        async move { reply }
    })
    .await;
    let market = client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    (wire, market)
}

#[tokio::test]
async fn a_401_ends_the_session_whatever_its_body_is() {
    let html = "<html>";
    for reply in [
        Reply::raw("401 Unauthorized\r\ncontent-length: 0", ""),
        Reply::raw(&format!("401 Unauthorized\r\ncontent-length: {}", html.len()), html),
        Reply::Json(
            401,
            json!({"success": false, "error": "http_error", "message": "x", "status_code": 401}),
        ),
    ] {
        let (_wire, market) = signed_in(reply).await;
        assert_eq!(failed(market.wishlist().get().await).code(), ErrorCode::SessionExpired);
        assert!(!market.session().state().is_signed_in());
    }
}

#[tokio::test]
async fn a_401_ends_the_session_though_its_body_is_cut_short() {
    let (wire, market) =
        signed_in(Reply::raw("401 Unauthorized\r\ncontent-length: 100", "{\"detail\":")).await;
    wire.sent();
    let error = failed(market.wishlist().get().await);
    assert_eq!(error.code(), ErrorCode::SessionExpired, "the status has said it: {error:?}");
    assert!(!market.session().state().is_signed_in());
    assert_eq!(wire.sent().len(), 1, "and the refused token is not sent again");
}

#[tokio::test]
async fn a_401_ends_the_session_though_its_body_is_too_large() {
    let (_wire, market) = signed_in(Reply::raw("401 Unauthorized\r\ncontent-length: 9000000", "{")).await;
    let error = failed(market.wishlist().get().await);
    assert_eq!(error.code(), ErrorCode::SessionExpired, "the status has said it: {error:?}");
    assert!(!market.session().state().is_signed_in());
}

#[tokio::test]
async fn p2_a_401_to_a_call_of_an_older_session_leaves_the_newer_one_alone() {
    let (arrived, call_arrived) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let first = Arc::new(Mutex::new(Some((arrived, released))));
    let wire = Wire::start(move |sent| {
        let first = first.clone();
        async move {
            if sent.target.contains("verify-code") {
                // Two sign-ins within one second give the same token: only the generation tells them apart.
                return Reply::Json(200, answers::signed_in("the.same.token"));
            }
            let taken = first.lock().unwrap().take();
            let Some((arrived, released)) = taken else { return Reply::Json(200, answers::wishlist()) };
            arrived.send(()).unwrap();
            released.await.unwrap();
            Reply::Json(401, json!({"detail": "Invalid token"}))
        }
    })
    .await;
    let market = client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    let ends = Ends::of(&market);
    market.session().verify_code(PHONE, CODE).await.unwrap();
    let wishlist = market.wishlist();
    let reading = tokio::spawn(async move { wishlist.get().await });
    call_arrived.await.unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    release.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap().items.len(), 1, "made again under the newer session");
    assert!(market.session().state().is_signed_in());
    let reasons: Vec<_> = ends.all(market).into_iter().map(|end| end.reason).collect();
    assert_eq!(reasons, [EndReason::Replaced]);
}

#[tokio::test]
async fn p2_an_answer_that_comes_after_a_logout_is_given_to_nobody_and_signs_nobody_in() {
    let (arrived, call_arrived) = oneshot::channel();
    let (_release, released) = oneshot::channel::<()>();
    let held = Arc::new(Mutex::new(Some((arrived, released))));
    let wire = Wire::start(move |sent| {
        let held = held.clone();
        async move {
            if sent.target.contains("verify-code") {
                return Reply::Json(200, answers::signed_in(&token(19, "us")));
            }
            if sent.target.contains("logout") {
                return Reply::Json(200, json!({}));
            }
            let (arrived, released) = held.lock().unwrap().take().unwrap();
            arrived.send(()).unwrap();
            let _ = released.await;
            Reply::Json(200, answers::wishlist())
        }
    })
    .await;
    let market = client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    let wishlist = market.wishlist();
    let reading = tokio::spawn(async move { wishlist.get().await });
    call_arrived.await.unwrap();
    // It does not wait for the answer that is held back.
    market.session().logout().await.unwrap();
    assert_eq!(failed(reading.await.unwrap()).code(), ErrorCode::SignedOut);
    assert!(matches!(market.session().state(), SessionState::SignedOut { .. }));
}

#[tokio::test]
async fn p11_cart_calls_reach_the_server_one_at_a_time_in_the_order_they_were_made() {
    let (busy, overlaps) = (Arc::new(tokio::sync::Mutex::new(())), Arc::new(Mutex::new(0)));
    let seen = overlaps.clone();
    let wire = Wire::start(move |sent| {
        let (busy, overlaps) = (busy.clone(), overlaps.clone());
        async move {
            if sent.target.contains("verify-code") {
                return Reply::Json(200, answers::signed_in(&token(19, "us")));
            }
            let Ok(_busy) = busy.try_lock() else {
                *overlaps.lock().unwrap() += 1;
                return Reply::Json(200, answers::cart());
            };
            // Time enough for others to come in, if they do not wait for their turn.
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            Reply::Json(200, answers::cart())
        }
    })
    .await;
    let market = client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    wire.sent();
    let cart = market.cart();
    let calls = (1..=20).map(|quantity| {
        let cart = cart.clone();
        async move {
            match quantity % 3 {
                0 => cart.get().await,
                _ => cart.add(SkuId(42), quantity).await,
            }
        }
    });
    join_all(calls).await.into_iter().for_each(|result| drop(result.unwrap()));
    let reached: Vec<u64> = wire
        .sent()
        .iter()
        .map(|sent| sent.body.as_ref().map_or(0, |body| body["quantity"].as_u64().unwrap()))
        .collect();
    let made: Vec<u64> = (1..=20).map(|quantity| if quantity % 3 == 0 { 0 } else { quantity }).collect();
    assert_eq!(reached, made);
    assert_eq!(*seen.lock().unwrap(), 0);
}
