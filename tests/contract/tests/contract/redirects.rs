//! Redirects: on the own origin with method and body kept, to any other never.

use market_contract_tests::sent::As;
use market_contract_tests::shop::{Shop, client, token};
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{CODE, PHONE, answers};
use market_sdk::{ErrorCode, MemoryStore, Method, NewOrder, RawRequest, SkuId};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::calls;
use crate::failed;

fn to(status: u16, location: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("location", location)
}

/// A server that nothing may reach. It checks that on drop.
async fn stranger() -> MockServer {
    let stranger = MockServer::start().await;
    let all = Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(json!({})));
    all.expect(0).named("a server of another origin").mount(&stranger).await;
    stranger
}

#[tokio::test]
async fn a_write_that_is_sent_on_keeps_its_method_its_body_and_its_token() {
    for status in [307, 308] {
        let shop = Shop::signed_in().await;
        let location = format!("{}/api/v1/cart/items/?market=us", shop.server.uri());
        shop.responds("POST", "/cart/items", to(status, &location), 1).await;
        shop.answers("POST", "/cart/items/", answers::cart()).await;
        shop.market.cart().add(SkuId(42), 2).await.unwrap();
        let body = Some(json!({"sku_id": 42, "quantity": 2, "user_id": 19}));
        let sent = shop.sent().await;
        let who = As::User(&shop.token);
        sent[0].is("POST", "/cart/items", who, Some("us"), body.clone());
        sent[1].is("POST", "/cart/items/", who, Some("us"), body);
    }
}

#[tokio::test]
async fn p12_an_order_that_is_sent_on_keeps_its_key() {
    let shop = Shop::signed_in().await;
    shop.responds("POST", "/orders/create", to(307, "/api/v1/orders/create/?market=us"), 1).await;
    shop.answers("POST", "/orders/create/", answers::order()).await;
    shop.market.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St")).await.unwrap();
    let sent = shop.sent().await;
    assert_eq!(sent.len(), 2);
    assert!(sent[0].header("idempotency-key").is_some());
    assert_eq!((&sent[0].headers, &sent[0].body), (&sent[1].headers, &sent[1].body));
}

#[tokio::test]
async fn a_read_is_sent_on_by_every_kind_of_redirect_and_by_a_relative_location() {
    for status in [301, 302, 303, 307, 308] {
        for location in ["/api/v1/cart/?market=us", "cart/?market=us", "./cart/?market=us#part"] {
            let shop = Shop::signed_in().await;
            shop.responds("GET", "/cart", to(status, location), 1).await;
            shop.answers("GET", "/cart/", answers::cart()).await;
            shop.market.cart().get().await.unwrap();
            shop.sent().await[1].is("GET", "/cart/", As::User(&shop.token), Some("us"), None);
        }
    }
}

#[tokio::test]
async fn p6_a_redirect_that_would_turn_a_write_into_a_read_is_refused() {
    for status in [302, 303] {
        let shop = Shop::signed_in().await;
        shop.responds("POST", "/cart/items", to(status, "/api/v1/cart"), 1).await;
        let error = failed(shop.market.cart().add(SkuId(42), 2).await);
        assert_eq!((error.code(), error.status()), (ErrorCode::UnexpectedResponse, Some(status)));
    }
}

#[tokio::test]
async fn p1_no_call_is_sent_on_to_another_origin_and_the_session_lives() {
    let stranger = stranger().await;
    for call in calls::all() {
        let shop = Shop::signed_in().await;
        let location = format!("{}/api/v1{}", stranger.uri(), call.path);
        shop.responds(call.method, call.path, to(307, &location), 1).await;
        let error = failed((call.make)(shop.market.clone()).await);
        assert_eq!(
            (error.code(), error.status()),
            (ErrorCode::UnexpectedResponse, Some(307)),
            "{}",
            call.name
        );
        assert!(shop.market.session().state().is_signed_in(), "{}", call.name);
    }
}

#[tokio::test]
async fn p1_no_spelling_of_another_origin_is_followed() {
    let stranger = stranger().await;
    let address = stranger.address();
    for status in [301, 302, 303, 307, 308] {
        for location in [
            format!("http://{address}/api/v1/cart"),
            format!("//{address}/api/v1/cart"),
            format!("/\\{address}/api/v1/cart"),
            format!("\\\\{address}\\api\\v1\\cart"),
            format!("HTTP://{address}/"),
            format!("  http://{address}/"),
            format!("https://{address}/"),
        ] {
            let shop = Shop::signed_in().await;
            shop.responds("GET", "/cart", to(status, &location), 1).await;
            assert_eq!(
                failed(shop.market.cart().get().await).code(),
                ErrorCode::UnexpectedResponse,
                "{location}"
            );
        }
    }
}

#[tokio::test]
async fn p1_the_same_host_by_another_name_port_scheme_or_with_a_user_is_another_origin() {
    let shop = Shop::signed_in().await;
    let port = shop.server.address().port();
    let locations = [
        format!("http://localhost:{port}/api/v1/x"),
        format!("http://[::1]:{port}/api/v1/x"),
        format!("http://127.0.0.2:{port}/api/v1/x"),
        "http://127.0.0.1:1/api/v1/x".to_owned(),
        "http://127.0.0.1/api/v1/x".to_owned(),
        "https://127.0.0.1/api/v1/x".to_owned(),
        format!("http://ann:secret@127.0.0.1:{port}/api/v1/x"),
        format!("http://127.0.0.1:{port}@shop.example/api/v1/x"),
        "file:///etc/passwd".to_owned(),
        "javascript:alert(1)".to_owned(),
        "http://".to_owned(),
    ];
    for (number, location) in locations.iter().enumerate() {
        let path = format!("/redirect/{number}");
        shop.responds("GET", &path, to(307, location), 1).await;
        let error = failed(shop.market.request(RawRequest::new(Method::Get, path)).await);
        assert_eq!(error.code(), ErrorCode::UnexpectedResponse, "{location}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[tokio::test]
async fn p9_a_loop_a_long_chain_and_a_redirect_to_nowhere_end() {
    let shop = Shop::signed_in().await;
    // To itself: asked once.
    shop.responds("GET", "/cart", to(307, "/api/v1/cart?market=us"), 1).await;
    assert_eq!(failed(shop.market.cart().get().await).code(), ErrorCode::UnexpectedResponse);
    // In a circle of two: five hops after the first request.
    shop.responds("GET", "/a", to(307, "/api/v1/b"), 3).await;
    shop.responds("GET", "/b", to(307, "/api/v1/a"), 3).await;
    let error = failed(shop.market.request(RawRequest::new(Method::Get, "/a")).await);
    assert_eq!(error.code(), ErrorCode::UnexpectedResponse);
    // Without a place, or with one that is none.
    for (path, response) in
        [("/c", ResponseTemplate::new(307)), ("/d", to(308, "http://[")), ("/e", to(301, ""))]
    {
        shop.responds("GET", path, response, 1).await;
        let error = failed(shop.market.request(RawRequest::new(Method::Get, path)).await);
        assert_eq!(error.code(), ErrorCode::UnexpectedResponse, "{path}");
    }
    assert!(shop.market.session().state().is_signed_in());
}

#[tokio::test]
async fn a_chain_of_five_is_followed_to_its_end() {
    let shop = Shop::signed_in().await;
    for hop in 0..5 {
        let (from, next) = (format!("/hop/{hop}"), format!("/api/v1/hop/{}", hop + 1));
        shop.responds("PUT", &from, to(308, &next), 1).await;
    }
    shop.answers("PUT", "/hop/5", json!({})).await;
    let request = RawRequest::new(Method::Put, "/hop/0").json(&json!({"a": 1})).unwrap();
    shop.market.request(request).await.unwrap();
    assert!(shop.sent().await.iter().all(|sent| sent.body == Some(json!({"a": 1}))));
}

#[tokio::test]
async fn p9_a_location_of_odd_bytes_is_refused() {
    let answers = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let token = token(19, "us");
    let wire = Wire::start(move |_| {
        let again = answers.swap(true, std::sync::atomic::Ordering::Relaxed);
        let odd = b"HTTP/1.1 307 T\r\nlocation: /api/v1/\xff\xfe\r\ncontent-length: 0\r\n\r\n".to_vec();
        let reply = if again { Reply::Bytes(odd) } else { Reply::Json(200, answers::signed_in(&token)) };
        async move { reply }
    })
    .await;
    let market = client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    assert_eq!(failed(market.cart().get().await).code(), ErrorCode::UnexpectedResponse);
    assert_eq!(wire.sent().len(), 2);
}
