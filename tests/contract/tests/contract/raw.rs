//! Any other route.

use market_contract_tests::sent::As;
use market_contract_tests::shop::Shop;
use market_sdk::{ErrorCode, Market, Method, RawRequest};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{failed, paths};

#[tokio::test]
async fn a_request_of_each_method_goes_out_as_the_user_and_its_answer_comes_back_as_it_is() {
    let shop = Shop::signed_in().await;
    for (method, name) in [
        (Method::Get, "GET"),
        (Method::Post, "POST"),
        (Method::Put, "PUT"),
        (Method::Patch, "PATCH"),
        (Method::Delete, "DELETE"),
    ] {
        let answer = ResponseTemplate::new(203).set_body_raw(r#"{"a": [1, 2.50]}"#, "text/odd");
        shop.responds(name, "/products/7/", answer, 1).await;
        let body = json!({"x": null, "y": ["ж"]});
        let request = RawRequest::new(method, "/products/7/").json(&body).unwrap();
        let response = shop.market.request(request).await.unwrap();
        assert_eq!((response.status(), response.bytes()), (203, br#"{"a": [1, 2.50]}"#.as_slice()));
        assert_eq!(response.json::<Value>().unwrap(), json!({"a": [1, 2.5]}));
        shop.sent_as_user(name, "/products/7/", Some(body)).await;
    }
}

#[tokio::test]
async fn query_parameters_are_escaped_and_a_request_without_a_body_has_no_content_type() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/products", json!([])).await;
    let request = RawRequest::new(Method::Get, "/products").query("q", "a&b=c d/ж?#%").query("page", 2);
    shop.market.request(request).await.unwrap();
    shop.sent_as_user("GET", "/products?q=a%26b%3Dc+d%2F%D0%B6%3F%23%25&page=2", None).await;
}

#[tokio::test]
async fn without_the_session_no_token_is_sent_though_somebody_is_signed_in() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/banners", json!([])).await;
    shop.market.request(RawRequest::new(Method::Get, "/banners").without_session()).await.unwrap();
    shop.only_sent().await.is("GET", "/banners", As::Nobody, None, None);
}

#[tokio::test]
async fn without_the_session_the_market_is_that_of_the_client_if_it_has_one() {
    let shop = Shop::open_with(|builder| builder.market(Market::Kg)).await;
    shop.answers("GET", "/banners", json!([])).await;
    shop.market.request(RawRequest::new(Method::Get, "/banners").without_session()).await.unwrap();
    shop.only_sent().await.is("GET", "/banners", As::Nobody, Some("kg"), None);
}

#[tokio::test]
async fn with_the_session_nothing_is_sent_while_nobody_is_signed_in() {
    let shop = Shop::open().await;
    let error = failed(shop.market.request(RawRequest::new(Method::Get, "/products")).await);
    assert_eq!(error.code(), ErrorCode::NotSignedIn);
    assert_eq!(shop.sent().await, []);
}

#[tokio::test]
async fn a_market_in_the_apps_own_query_does_not_go_out_beside_the_sessions() {
    // Two of them leave it to the server which one counts, and the wrong one is another person's data.
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/products", json!([])).await;
    let request = RawRequest::new(Method::Get, "/products").query("market", "kg");
    shop.market.request(request).await.unwrap();
    shop.sent_as_user("GET", "/products", None).await;
}

#[tokio::test]
async fn an_empty_answer_is_one_that_holds_no_json() {
    let shop = Shop::signed_in().await;
    shop.responds("DELETE", "/things/1", ResponseTemplate::new(204), 1).await;
    let response = shop.market.request(RawRequest::new(Method::Delete, "/things/1")).await.unwrap();
    assert_eq!((response.status(), response.bytes()), (204, b"".as_slice()));
    let error = failed(response.json::<Value>());
    assert_eq!((error.code(), error.status()), (ErrorCode::UnexpectedResponse, Some(204)));
}

#[tokio::test]
async fn p1_a_path_that_leads_out_of_the_base_url_is_refused_before_anything_is_sent() {
    let shop = Shop::signed_in().await;
    for path in [
        "",
        "/",
        "products",
        "//evil.example/x",
        "https://evil.example/x",
        "/../admin",
        "/a/%2e%2e/b",
        "/a//b",
        "/a?x=1",
        "/a#b",
        "/a\\b",
        "/a%2Fb",
        "/a\r\nX-Header: 1",
    ] {
        let error = failed(shop.market.request(RawRequest::new(Method::Get, path)).await);
        assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["path"]), "{path:?}");
    }
    assert_eq!(shop.sent().await, []);
}
