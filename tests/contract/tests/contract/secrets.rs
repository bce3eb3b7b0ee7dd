//! What must never be shown: tokens, codes, whole phone numbers, and what a server echoes of a request.

use market_contract_tests::shop::Shop;
use market_contract_tests::{CODE, PHONE, answers};
use market_sdk::{Error, NewOrder, OrderId, RawRequest};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{calls, failed};

/// In whatever form an error can be shown.
fn shown(error: &Error) -> String {
    let boxed: Box<dyn std::error::Error> = Box::new(error.clone());
    format!("{error} {error:?} {error:#?} {boxed} {:?} {:?}", error.detail(), error.fields())
}

#[tokio::test]
async fn p10_what_a_422_echoes_of_the_request_is_in_no_form_of_the_error() {
    let secret = "Rosebud Lane 7";
    let body = json!({"detail": [
        {"type": "too_short", "loc": ["body", "phone"], "msg": "Too short", "input": PHONE, "url": secret},
        {"type": secret, "loc": ["body", "verification_code"], "msg": "Only digits", "input": CODE},
        {"type": "x", "loc": ["body"], "msg": "Value error", "input": {"address": secret, "a": [PHONE]},
            "ctx": {"error": {"given": secret, "token": CODE}}},
    ]});
    for call in calls::all() {
        let shop = Shop::signed_in().await;
        let response = ResponseTemplate::new(422).set_body_json(&body);
        shop.responds(call.method, call.path, response, 1).await;
        if call.path.starts_with("/wishlist") {
            shop.is_asked_for_its_wishlist(0..=1).await;
        }
        let shown = shown(&failed((call.make)(shop.market.clone()).await));
        assert!(shown.contains("verification_code") && shown.contains("Too short"), "{shown}");
        for leaked in [secret, "Rosebud", PHONE, "3128059851", CODE] {
            assert!(!shown.contains(leaked), "{}: {leaked} in {shown}", call.name);
        }
    }
}

#[tokio::test]
async fn p10_a_phone_number_in_a_servers_text_or_path_is_masked() {
    for number in ["+13128059851", "+1 (312) 805-9851", "13128059851", "+996 555 12-34-56"] {
        let text = format!("No user with {number} here");
        for body in [
            json!({"detail": text}),
            json!({"message": text}),
            json!({"detail": [{"loc": ["body", number], "msg": text}]}),
        ] {
            let shop = Shop::signed_in().await;
            let response = ResponseTemplate::new(422).set_body_json(&body);
            shop.responds("POST", "/profile/orders/1/cancel", response, 1).await;
            let error = failed(shop.market.orders().cancel(OrderId(1)).await);
            let shown = shown(&error);
            assert!(shown.contains("No user with"), "{shown}");
            for end in ["9851", "805", "3456", "34-56"] {
                assert!(!shown.contains(end), "{number}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn p10_an_answer_that_cannot_be_read_is_in_no_form_of_the_error() {
    for call in calls::all().into_iter().filter(|call| !call.name.starts_with("raw")) {
        let shop = Shop::signed_in().await;
        // Right but for its end, so that a parser comes to the values.
        let mut body = call.answer.to_string();
        if body == "[]" || body == "{}" {
            body = format!("[{}]", answers::order());
        }
        let body = body.replace("19.99", "\"Rosebud\"").replace("true", "\"Rosebud\"");
        let body = &body[..body.len() - 1];
        shop.responds(call.method, call.path, ResponseTemplate::new(200).set_body_string(body), 1).await;
        let shown = shown(&failed((call.make)(shop.market.clone()).await));
        for leaked in ["Rosebud", PHONE, "3128059851", "eyJ", &shop.token] {
            assert!(!shown.contains(leaked), "{}: {leaked} in {shown}", call.name);
        }
    }
}

#[tokio::test]
async fn p10_the_types_of_the_sdk_show_neither_token_nor_code_nor_whole_phone_number() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/auth/profile", answers::profile()).await;
    shop.answers("GET", "/orders/1001", answers::order()).await;
    shop.answers("POST", "/auth/logout", json!({"message": "Logged out"})).await;
    shop.answers("POST", "/auth/verify-code", answers::signed_in(&shop.token)).await;
    let order = shop.market.orders().get(OrderId(1001)).await.unwrap();
    let profile = shop.market.session().profile().await.unwrap();
    let sign_in = shop.market.session().verify_code(PHONE, CODE).await.unwrap();
    let state = shop.market.session().state();
    let new = NewOrder::from_cart("Ann", PHONE, "Rosebud Lane 7").notes(CODE);
    let raw = RawRequest::new(market_sdk::Method::Post, "/x").query("q", PHONE);
    let raw = raw.json(&json!({"code": CODE, "address": "Rosebud"})).unwrap();
    let ends = market_contract_tests::Ends::of(&shop.market);
    shop.market.session().logout().await.unwrap();
    let read = market_sdk::SecureStore::read(&shop.store, "any");
    let Shop { market, store, token, server: _server, .. } = shop;
    let client =
        format!("{market:?} {:?} {store:?} {read:?}", market_contract_tests::shop::client("http://[::1]"));
    let ends = ends.all(market);
    let shown = format!("{order:?} {profile:?} {sign_in:?} {state:?} {new:?} {raw:?} {ends:?} {client}");
    assert!(shown.contains("51"), "the last two digits are shown: {shown}");
    for leaked in [PHONE, "3128059851", CODE, "eyJ", &token, "Rosebud Lane", "Rosebud\""] {
        assert!(!shown.contains(leaked), "{leaked} in {shown}");
    }
}

#[tokio::test]
async fn p10_an_answer_to_a_raw_request_is_shown_by_its_length_alone() {
    let shop = Shop::signed_in().await;
    let secret: Value = json!({"phone": PHONE});
    shop.answers("GET", "/any", secret.clone()).await;
    let response = shop.market.request(RawRequest::new(market_sdk::Method::Get, "/any")).await.unwrap();
    assert!(!format!("{response:?}").contains("312"), "{response:?}");
    assert_eq!(response.json::<Value>().unwrap(), secret);
}
