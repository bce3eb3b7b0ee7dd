//! What an error answer becomes: by its status and its shape.

use std::time::Duration;

use ErrorCode::*;
use market_contract_tests::shop::Shop;
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{CODE, PHONE, answers, shop};
use market_sdk::{Error, ErrorCode, MemoryStore, NewOrder, OrderId};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{failed, paths};

/// The answer to a call that is not made again by itself, so that no test waits for retries.
async fn to_cancel(response: ResponseTemplate) -> Error {
    let shop = Shop::signed_in().await;
    shop.responds("POST", "/profile/orders/1/cancel", response, 1).await;
    failed(shop.market.orders().cancel(OrderId(1)).await)
}

async fn to_request_code(response: ResponseTemplate) -> Error {
    let shop = Shop::open().await;
    shop.responds("POST", "/auth/send-verification", response, 1).await;
    failed(shop.market.session().request_code(PHONE).await)
}

async fn to_verify_code(response: ResponseTemplate) -> Error {
    let shop = Shop::open().await;
    shop.responds("POST", "/auth/verify-code", response, 1).await;
    failed(shop.market.session().verify_code(PHONE, CODE).await)
}

async fn to_place(response: ResponseTemplate) -> Error {
    let shop = Shop::signed_in().await;
    shop.responds("POST", "/orders/create", response, 1).await;
    failed(shop.market.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St")).await)
}

fn json_body(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn detail(status: u16, text: &str) -> ResponseTemplate {
    json_body(status, json!({"detail": text}))
}

/// The shape of most errors of deployed servers.
fn deployed(status: u16, text: &str) -> ResponseTemplate {
    let body = json!({"success": false, "error": "http_error", "message": text, "status_code": status});
    json_body(status, body)
}

#[tokio::test]
async fn the_status_decides_the_code_and_a_servers_text_is_shown_in_either_shape() {
    let cases = [
        (400, Rejected),
        (402, Rejected),
        (403, Rejected),
        (404, NotFound),
        (409, Rejected),
        (410, NotFound),
        (422, InvalidInput),
        (429, RateLimited),
        (451, Rejected),
    ];
    for (status, code) in cases {
        for response in [detail(status, "Only 3 left"), deployed(status, " Only 3 left ")] {
            let error = to_cancel(response).await;
            assert_eq!((error.code(), error.status()), (code, Some(status)));
            assert_eq!(
                (error.message(), error.to_string().as_str()),
                ("Only 3 left", "Only 3 left"),
                "{status}"
            );
            assert_eq!((error.fields(), error.retry_after()), ([].as_slice(), None), "{status}");
        }
    }
}

#[tokio::test]
async fn codes_with_a_text_of_their_own_never_show_the_servers() {
    let cases = [
        (405, Unsupported),
        (408, Timeout),
        (500, Server),
        (501, Server),
        (502, Server),
        (503, Server),
        (504, Server),
        (599, Server),
        (304, UnexpectedResponse),
        (600, UnexpectedResponse),
    ];
    for (status, code) in cases {
        for response in [detail(status, "SELECT secret"), deployed(status, "SELECT secret")] {
            // 304 has no body.
            let response = if status == 304 { ResponseTemplate::new(304) } else { response };
            let error = to_cancel(response).await;
            assert_eq!((error.code(), error.status()), (code, Some(status)));
            assert!(!format!("{error} {error:?}").contains("secret"), "{status}: {error:?}");
            assert!(!error.message().is_empty());
        }
    }
}

#[tokio::test]
async fn only_what_may_pass_is_worth_another_try() {
    for (status, retryable) in [
        (400, false),
        (403, false),
        (404, false),
        (405, false),
        (422, false),
        (408, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        assert_eq!(to_cancel(detail(status, "x")).await.is_retryable(), retryable, "{status}");
    }
}

#[tokio::test]
async fn an_unknown_route_is_unsupported_and_an_unknown_thing_is_not_found() {
    assert_eq!(to_cancel(detail(404, "Not Found")).await.code(), Unsupported);
    for response in [
        detail(404, "Not found"),
        detail(404, "Not Found."),
        deployed(404, "Not Found"),
        json_body(404, json!({"detail": ["Not Found"]})),
        ResponseTemplate::new(404).set_body_string("Not Found"),
        ResponseTemplate::new(404),
    ] {
        assert_eq!(to_cancel(response).await.code(), NotFound);
    }
}

#[tokio::test]
async fn a_400_to_a_code_means_that_the_code_is_wrong_and_only_there() {
    let error = to_verify_code(detail(400, "Invalid or expired verification code")).await;
    assert_eq!((error.code(), error.message()), (WrongCode, "Invalid or expired verification code"));
    assert_eq!(to_verify_code(ResponseTemplate::new(400)).await.code(), WrongCode);
    assert_eq!(to_request_code(detail(400, "x")).await.code(), Rejected);
    assert_eq!(to_place(detail(400, "Your cart is empty")).await.code(), Rejected);
}

#[tokio::test]
async fn too_many_codes_are_told_by_the_text_of_a_422_and_mean_15_minutes() {
    let text = "Too many verification attempts. Please wait 15 minutes.";
    for response in [detail(422, text), deployed(422, text)] {
        let error = to_request_code(response).await;
        assert_eq!((error.code(), error.message(), error.status()), (RateLimited, text, Some(422)));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(15 * 60)));
    }
    let error = to_request_code(detail(422, text).insert_header("retry-after", "60")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(to_request_code(detail(422, "Invalid market header: xx")).await.code(), InvalidInput);
}

#[tokio::test]
async fn a_list_of_refused_fields_keeps_its_paths_and_reasons() {
    let problem =
        |loc: Value, msg: &str| json!({"type": "x", "loc": loc, "msg": msg, "input": null, "url": "u"});
    let body = json!({"detail": [
        problem(json!(["body", "items", 0, "quantity"]), "Input should be at least 1"),
        problem(json!(["query", "limit"]), "Input should be a valid integer"),
        problem(json!(["body", 25]), "JSON decode error"),
        problem(json!(["body"]), "Field required"),
        json!({"type": "value_error", "loc": ["body", "phone"], "ctx": {"error": {}}}),
    ]});
    let error = to_cancel(json_body(422, body)).await;
    assert_eq!((error.code(), error.status()), (InvalidInput, Some(422)));
    assert_eq!(paths(&error), ["items.0.quantity", "limit", "25", "body", "phone"]);
    assert_eq!(error.fields()[0].message, "Input should be at least 1");
    assert_eq!(error.message(), "Input should be at least 1");
}

#[tokio::test]
async fn p9_error_bodies_of_any_shape_are_judged_by_their_status() {
    let list = |problem: Value| json!({"detail": [problem]}).to_string();
    let nested = "[".repeat(100_000);
    let bodies = [
        String::new(),
        "<html><h1>Bad Gateway</h1></html>".to_owned(),
        "plain text".to_owned(),
        r#"{"detail": "cut of"#.to_owned(),
        r#"{"detail": null}"#.to_owned(),
        r#"{"detail": {"code": 7}, "message": [1]}"#.to_owned(),
        r#"{"detail": [], "message": ""}"#.to_owned(),
        r#"{"detail": "   "}"#.to_owned(),
        r#"[{"loc": ["a"]}]"#.to_owned(),
        "null".to_owned(),
        "\"text\"".to_owned(),
        list(json!(1)),
        list(json!({"loc": "body"})),
        list(json!({"msg": 7})),
        "\u{feff}{}".to_owned(),
        nested,
    ];
    for body in bodies {
        for (status, code) in [(403, Rejected), (404, NotFound), (422, InvalidInput), (500, Server)] {
            let error = to_cancel(ResponseTemplate::new(status).set_body_string(body.clone())).await;
            let start: String = body.chars().take(40).collect();
            assert_eq!((error.code(), error.status()), (code, Some(status)), "{start}");
            assert_eq!(error.fields(), [], "{start}");
            assert!(!error.message().is_empty() && !error.message().contains("html"), "{start}");
        }
    }
}

#[tokio::test]
async fn p9_a_list_of_refused_fields_is_capped() {
    let problems = vec![json!({"loc": ["body", "x".repeat(5000)], "msg": "m".repeat(5000)}); 5000];
    let error = to_cancel(json_body(422, json!({"detail": problems}))).await;
    assert!(error.fields().len() <= 100, "{}", error.fields().len());
    assert!(error.fields().iter().all(|field| field.path.len() <= 1000 && field.message.len() <= 1000));
}

#[tokio::test]
async fn a_servers_text_is_capped_and_has_no_control_characters() {
    let error = to_cancel(detail(400, &format!("a\u{1b}[31m\r\nb{}", "ж".repeat(5000)))).await;
    assert!(error.message().starts_with("a [31m  b"), "{:?}", error.message());
    assert_eq!(error.message().chars().count(), 300);
}

#[tokio::test]
async fn an_error_quotes_the_servers_name_for_the_request() {
    let error = to_cancel(detail(500, "x").insert_header("X-Request-Id", "req-7f3a")).await;
    assert_eq!(error.request_id(), Some("req-7f3a"));
    let error = to_cancel(detail(403, "x").insert_header("X-Request-Id", "r".repeat(1000))).await;
    assert_eq!(error.request_id(), Some("r".repeat(128).as_str()));
    assert_eq!(to_cancel(detail(403, "x")).await.request_id(), None);
}

#[tokio::test]
async fn retry_after_is_read_in_seconds_and_as_a_date_beside_the_servers_own() {
    let (date, later) = ("Tue, 24 Nov 2026 09:00:00 GMT", "Tue, 24 Nov 2026 09:02:00 GMT");
    for status in [429, 503] {
        let error = to_cancel(detail(status, "x").insert_header("retry-after", "120")).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(120)), "{status}");
        let response = detail(status, "x").insert_header("retry-after", later).insert_header("date", date);
        assert_eq!(to_cancel(response).await.retry_after(), Some(Duration::from_secs(120)), "{status}");
    }
    for text in ["-1", "1.5", "soon", "99999999999999999999", "Tue, 99 Nov 2026 09:00:00 GMT"] {
        let error = to_cancel(detail(429, "x").insert_header("retry-after", text)).await;
        assert_eq!((error.code(), error.retry_after()), (RateLimited, None), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_fails_under_an_order_leaves_its_outcome_unknown() {
    for status in [500, 502, 503, 504] {
        let error = to_place(detail(status, "INSERT INTO orders")).await;
        assert_eq!((error.code(), error.status()), (OutcomeUnknown, Some(status)));
        assert!(!format!("{error:?}").contains("INSERT"));
    }
    for (status, code) in [(400, Rejected), (404, NotFound), (422, InvalidInput), (429, RateLimited)] {
        assert_eq!(to_place(detail(status, "x")).await.code(), code, "nothing was ordered");
    }
}

#[tokio::test]
async fn a_gateway_that_gives_up_under_a_sign_in_leaves_its_outcome_unknown() {
    for status in [502, 504] {
        assert_eq!(to_verify_code(detail(status, "x")).await.code(), OutcomeUnknown);
    }
    for status in [500, 503] {
        assert_eq!(to_verify_code(detail(status, "x")).await.code(), Server);
    }
}

#[tokio::test]
async fn a_401_to_a_call_without_a_token_is_a_refusal_and_ends_no_session() {
    let shop = Shop::signed_in().await;
    shop.responds("POST", "/auth/send-verification", detail(401, "Not for you"), 1).await;
    let error = failed(shop.market.session().request_code(PHONE).await);
    assert_eq!((error.code(), error.status()), (Rejected, Some(401)));
    assert!(shop.market.session().state().is_signed_in());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_network_error_for_every_kind_of_call() {
    let wire = Wire::start(|_| async { Reply::Json(200, answers::signed_in(&shop::token(19, "us"))) }).await;
    let market = shop::client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    drop(wire);
    // Never connected, so nothing was ordered and no code spent, whatever the call.
    let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(market_sdk::SkuId(42), 1)]);
    for error in [
        failed(market.cart().get().await),
        failed(market.orders().place(order).await),
        failed(market.session().verify_code(PHONE, CODE).await),
    ] {
        assert_eq!((error.code(), error.status(), error.is_retryable()), (Network, None, true), "{error:?}");
    }
    assert!(market.session().state().is_signed_in());
}
