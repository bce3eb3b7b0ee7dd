//! Each code that a host can be shown here, and what comes with it.

use std::time::Duration;

use market_contract_tests::dev::{Dev, Device};
use market_dev_server::{Dialect, Fault, Target};
use market_sdk::{
    ErrorCode, MarketClient, MemoryStore, Method, NewOrder, OrderId, OrderOutcome, RawRequest, SkuId,
};
use serde_json::json;

use crate::{PHONE, answer, code, failed, lines, once, order_from_cart, server, server_with, status};

#[tokio::test]
async fn a_call_without_a_session_says_not_signed_in_and_is_not_sent() {
    let dev = server("a_call_without_a_session_says_not_signed_in_and_is_not_sent", Dialect::Documented);
    let device = Device::new(&dev);
    device.market.session().restore().await.unwrap();
    let error = failed(device.market.cart().get().await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::NotSignedIn, false));
    assert_eq!((error.status(), error.message()), (None, "Please sign in."));
    assert_eq!(code(device.market.session().profile().await), ErrorCode::NotSignedIn);
    device.market.session().markets().await.unwrap();
}

#[tokio::test]
async fn a_wrong_code_and_a_used_code_are_said_to_be_wrong() {
    let dev = server("a_wrong_code_and_a_used_code_are_said_to_be_wrong", Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    session.request_code(PHONE).await.unwrap();
    let right = dev.code(PHONE).await;
    // A code never begins with a zero.
    let error = failed(session.verify_code(PHONE, "000000").await);
    assert_eq!((error.code(), error.status()), (ErrorCode::WrongCode, Some(400)));
    assert_eq!((error.message(), error.is_retryable()), ("Invalid or expired verification code", false));
    assert!(!session.state().is_signed_in());
    session.verify_code(PHONE, &right).await.unwrap();
    assert_eq!(code(session.verify_code(PHONE, &right).await), ErrorCode::WrongCode);
    assert!(session.state().is_signed_in());
}

#[tokio::test]
async fn a_fourth_code_in_a_quarter_of_an_hour_is_rate_limited() {
    let dev = server("a_fourth_code_in_a_quarter_of_an_hour_is_rate_limited", Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    for _ in 0..3 {
        session.request_code(PHONE).await.unwrap();
    }
    let error = failed(session.request_code(PHONE).await);
    assert_eq!((error.code(), error.status()), (ErrorCode::RateLimited, Some(422)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(900)));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn input_that_cannot_be_right_is_refused_before_it_is_sent() {
    let dev = server("input_that_cannot_be_right_is_refused_before_it_is_sent", Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    let fields = |error: market_sdk::Error| {
        assert_eq!(
            (error.code(), error.status(), error.is_retryable()),
            (ErrorCode::InvalidInput, None, false)
        );
        assert_eq!(error.fields()[0].message, error.message());
        error.fields().iter().map(|field| field.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(fields(failed(session.request_code("12345").await)), ["phone"]);
    assert_eq!(fields(failed(session.verify_code(PHONE, "12ab").await)), ["code"]);
    device.sign_in(&dev, PHONE).await;
    assert_eq!(fields(failed(device.market.cart().add(SkuId(42), 0).await)), ["quantity"]);
    assert_eq!(fields(failed(device.market.cart().add(SkuId(42), 101).await)), ["quantity"]);
    let logout = RawRequest::new(Method::Post, "/auth/logout");
    assert_eq!(fields(failed(device.market.request(logout).await)), ["path"]);
}

#[tokio::test]
async fn fields_that_the_server_refuses_are_named() {
    let dev = server("fields_that_the_server_refuses_are_named", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let add =
        RawRequest::new(Method::Post, "/cart/items").json(&json!({"sku_id": 42, "quantity": 0})).unwrap();
    let error = failed(device.market.request(add).await);
    assert_eq!((error.code(), error.status()), (ErrorCode::InvalidInput, Some(422)));
    assert_eq!(error.fields().len(), 1, "{error:?}");
    assert_eq!(error.fields()[0].path, "quantity");
    assert_eq!(error.fields()[0].message, "Value error, Quantity must be at least 1");
    assert_eq!(error.message(), "Value error, Quantity must be at least 1");
}

#[tokio::test]
async fn what_the_shop_declines_is_shown_in_its_words() {
    let dev = server("what_the_shop_declines_is_shown_in_its_words", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let error = failed(device.market.orders().place(order_from_cart()).await);
    assert_eq!((error.code(), error.status()), (ErrorCode::Rejected, Some(400)));
    assert_eq!((error.message(), error.is_retryable()), ("Your cart is empty", false));
    let sold_out = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(105), 1)]);
    let error = failed(device.market.orders().place(sold_out).await);
    assert_eq!(error.code(), ErrorCode::Rejected);
    assert_eq!(error.message(), "Product 'Winter Boots' (size: 43, color: Brown) is out of stock");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let dev = server("what_is_not_there_is_not_found", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let error = failed(device.market.cart().add(SkuId(9999), 1).await);
    assert_eq!((error.code(), error.status()), (ErrorCode::NotFound, Some(404)));
    assert_eq!(code(device.market.orders().get(market_sdk::OrderId(7)).await), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_server_that_takes_no_orders_does_not_support_them() {
    let dev = server("a_server_that_takes_no_orders_does_not_support_them", Dialect::G1);
    let device = Device::signed_in(&dev, PHONE).await;
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    let error = failed(device.market.orders().place(order_from_cart()).await);
    assert_eq!((error.code(), error.status()), (ErrorCode::Unsupported, Some(404)));
    assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(42, 2)]);
}

#[tokio::test]
async fn the_words_of_a_server_that_fails_are_not_shown() {
    let dev = server("the_words_of_a_server_that_fails_are_not_shown", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let body = r#"{"detail":"SELECT password FROM users"}"#;
    once(&dev, "GET /auth/profile", answer(500, body)).await;
    let error = failed(device.market.session().profile().await);
    assert_eq!((error.code(), error.status()), (ErrorCode::Server, Some(500)));
    assert_eq!(error.message(), "The shop has a problem. Please try again later.");
    assert!(error.is_retryable());
    assert!(!format!("{error} {error:?}").contains("password"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_unexpected() {
    let dev = server("an_answer_that_cannot_be_read_is_unexpected", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    once(&dev, "GET /cart", Fault::MisTyped).await;
    let error = failed(device.market.cart().get().await);
    assert_eq!((error.code(), error.status()), (ErrorCode::UnexpectedResponse, Some(200)));
    assert!(!error.is_retryable());
    device.market.cart().get().await.unwrap();
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_refused() {
    let dev = server("a_redirect_to_another_origin_is_refused", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let to = Target::Origin("https://other.example".to_owned());
    once(&dev, "GET /auth/profile", Fault::Redirect { status: 307, to }).await;
    let error = failed(device.market.session().profile().await);
    assert_eq!((error.code(), error.status()), (ErrorCode::UnexpectedResponse, Some(307)));
    assert!(device.market.session().state().is_signed_in());
}

#[tokio::test]
async fn a_server_that_is_gone_is_a_network_error_and_ends_no_session() {
    let mut dev = server("a_server_that_is_gone_is_a_network_error_and_ends_no_session", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    dev.stop();
    let error = failed(device.market.cart().get().await);
    assert_eq!((error.code(), error.status()), (ErrorCode::Network, None));
    assert_eq!((error.message(), error.is_retryable()), ("The shop could not be reached.", true));
    assert!(device.market.session().state().is_signed_in());
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let dev = server("an_answer_that_does_not_come_is_a_timeout", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    // The deadline is the subject, and two seconds of real time pass.
    let hasty = device.builder().timeout(Duration::from_secs(2)).build().unwrap();
    assert!(hasty.session().restore().await.unwrap().is_signed_in());
    crate::hold(&dev, "GET /auth/profile").await;
    let error = failed(hasty.session().profile().await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Timeout, true));
    assert!(hasty.session().state().is_signed_in());
    market_contract_tests::in_time(async { while !dev.requests().await[2].aborted {} }).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let arguments = ["--tls", "--tls-ca-out", file.to_str().unwrap()];
    let dev =
        server_with("a_certificate_that_nobody_vouches_for_is_refused", Dialect::Documented, &arguments);
    let client =
        || MarketClient::builder(&dev.base_url).app_id("com.example.shop").store(MemoryStore::default());
    let error = failed(client().build().unwrap().session().markets().await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Tls, false));
    let trusting = client().extra_root_certificates(std::fs::read(&file).unwrap()).build().unwrap();
    assert_eq!(trusting.session().markets().await.unwrap().supported.len(), 2);
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_of_unknown_outcome_and_placed_once() {
    let dev =
        server("an_order_whose_answer_is_lost_is_of_unknown_outcome_and_placed_once", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    once(&dev, "POST /orders/create", Fault::Reset { acted: true }).await;
    let error = failed(device.market.orders().place(order_from_cart()).await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, false));
    assert_eq!(device.market.orders().list(Default::default()).await.unwrap().len(), 1);
    assert_eq!(dev.stored().await["us"]["orders"].as_array().unwrap().len(), 1);
}

/// Signed in, with two bags in the cart, and an order of them without an answer.
async fn with_lost_order(dev: &Dev, acted: bool) -> Device {
    let device = Device::signed_in(dev, PHONE).await;
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    once(dev, "POST /orders/create", Fault::Reset { acted }).await;
    assert_eq!(code(device.market.orders().place(order_from_cart()).await), ErrorCode::OutcomeUnknown);
    device
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_holds_the_next_one_back_until_it_is_found() {
    let id = "an_order_whose_answer_is_lost_holds_the_next_one_back_until_it_is_found";
    let dev = server(id, Dialect::Documented);
    let device = with_lost_order(&dev, true).await;
    let orders = device.market.orders();
    let error = failed(orders.place(order_from_cart()).await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OrderPending, false));
    let OrderOutcome::Placed(order) = orders.resolve().await.unwrap() else { panic!("it was placed") };
    assert_eq!(order.items.iter().map(|line| line.quantity).collect::<Vec<_>>(), [2]);
    assert_eq!(orders.resolve().await.unwrap(), OrderOutcome::NothingPending);
    assert_eq!(dev.stored().await["us"]["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_that_is_not_seen_is_called_not_placed_only_after_its_time() {
    let id = "an_order_that_is_not_seen_is_called_not_placed_only_after_its_time";
    let dev = server(id, Dialect::Documented);
    let device = with_lost_order(&dev, false).await;
    let orders = device.market.orders();
    let outcome = orders.resolve().await.unwrap();
    let OrderOutcome::NotSeenYet { settles_in: Some(time) } = outcome else { panic!("{outcome:?}") };
    assert!((800..=900).contains(&time.as_secs()), "{time:?}");
    dev.advance_clock(960).await;
    assert_eq!(orders.resolve().await.unwrap(), OrderOutcome::NotPlaced);
    assert_eq!(orders.resolve().await.unwrap(), OrderOutcome::NothingPending);
}

#[tokio::test]
async fn a_forced_order_goes_out_though_an_earlier_one_is_unknown() {
    let dev = server("a_forced_order_goes_out_though_an_earlier_one_is_unknown", Dialect::Documented);
    let device = with_lost_order(&dev, false).await;
    let orders = device.market.orders();
    assert_eq!(orders.place(order_from_cart().force()).await.unwrap().id, OrderId(1));
    assert_eq!(orders.resolve().await.unwrap(), OrderOutcome::NothingPending);
}

#[tokio::test]
async fn a_sign_in_whose_answer_is_lost_is_of_unknown_outcome_and_a_new_code_signs_in() {
    let id = "a_sign_in_whose_answer_is_lost_is_of_unknown_outcome_and_a_new_code_signs_in";
    let dev = server(id, Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    session.request_code(PHONE).await.unwrap();
    once(&dev, "POST /auth/verify-code", Fault::Reset { acted: true }).await;
    let error = failed(session.verify_code(PHONE, &dev.code(PHONE).await).await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, false));
    assert!(!session.state().is_signed_in());
    device.sign_in(&dev, PHONE).await;
    device.market.cart().get().await.unwrap();
}

#[tokio::test]
async fn a_client_that_makes_no_sense_is_refused() {
    let dev = server("a_client_that_makes_no_sense_is_refused", Dialect::Documented);
    let build = |url: &str, app: &str| {
        MarketClient::builder(url).app_id(app).store(MemoryStore::default()).allow_http_loopback().build()
    };
    for (url, app) in
        [("ftp://shop.example", "a"), ("http://shop.example", "a"), ("https://shop.example", "")]
    {
        let error = build(url, app).unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Config, false), "{url}");
    }
    build(&dev.base_url, "com.example.shop").unwrap().session().markets().await.unwrap();
}

#[tokio::test]
async fn a_phone_and_a_code_in_a_servers_words_are_masked() {
    let dev = server("a_phone_and_a_code_in_a_servers_words_are_masked", Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    let body = r#"{"detail":"No code 482913 for +1 (312) 805-9851"}"#;
    once(&dev, "POST /auth/verify-code", answer(400, body)).await;
    let error = failed(session.verify_code(PHONE, "482913").await);
    assert_eq!((error.code(), error.message()), (ErrorCode::WrongCode, "No code ••• for +•••"));
    let user = device.sign_in(&dev, PHONE).await.user;
    for text in
        [format!("{error} {error:?}"), format!("{user:?} {}", user.phone), format!("{:?}", session.state())]
    {
        assert!(
            !text.contains("482913") && !text.contains("3128059851") && !text.contains("805-9851"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_read_whose_answer_is_lost_is_made_again_and_an_addition_is_not() {
    let dev = server("a_read_whose_answer_is_lost_is_made_again_and_an_addition_is_not", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    once(&dev, "GET /auth/profile", Fault::Reset { acted: true }).await;
    device.market.session().profile().await.unwrap();
    once(&dev, "POST /cart/items", Fault::Reset { acted: true }).await;
    assert_eq!(code(device.market.cart().add(SkuId(42), 2).await), ErrorCode::Network);
    assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(42, 2)]);
}

#[tokio::test]
async fn an_overloaded_server_says_when_to_come_back() {
    let dev = server("an_overloaded_server_says_when_to_come_back", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let retry_after = Some(market_dev_server::RetryAfter::Seconds(3600));
    once(&dev, "GET /auth/profile", Fault::Status { status: 429, acted: false, retry_after }).await;
    let error = failed(device.market.session().profile().await);
    assert_eq!((error.code(), error.status()), (ErrorCode::RateLimited, Some(429)));
    assert_eq!((error.retry_after(), error.is_retryable()), (Some(Duration::from_secs(3600)), true));
    once(&dev, "GET /auth/profile", status(404)).await;
    assert_eq!(code(device.market.session().profile().await), ErrorCode::NotFound);
}
