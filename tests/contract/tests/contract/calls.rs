//! All calls in one list, for what holds of every one of them.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use market_contract_tests::shop::Shop;
use market_contract_tests::{CODE, PHONE, answers};
use market_sdk::{
    ErrorCode, LineId, MarketClient, Method, NewOrder, OrderId, OrderQuery, ProductId, ProfileUpdate,
    RawRequest, Result, SkuId,
};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::failed;

/// A call, and what it is.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// It carries the token.
    pub(crate) as_user: bool,
    /// Twice is the same as once.
    pub(crate) idempotent: bool,
    /// A lost answer leaves open whether it took effect, and finding out is not to call again.
    pub(crate) outcome_matters: bool,
    /// What the server says when all is well.
    pub(crate) answer: Value,
    pub(crate) make: fn(MarketClient) -> BoxFuture<'static, Result<()>>,
}

/// As whom a call is made.
const USER: bool = true;
const NOBODY: bool = false;
/// Whether it may be sent again by itself.
const AGAIN: bool = true;
const ONCE: bool = false;

/// Each call by `name: as whom, how often, method, path, answer, the call itself`.
macro_rules! calls {
    ($($name:literal: $user:ident, $idempotent:ident, $method:literal, $path:literal, $answer:expr,
        |$market:ident| $call:expr;)*) => {
        vec![$(Call {
            name: $name,
            method: $method,
            path: $path,
            as_user: $user,
            idempotent: $idempotent,
            outcome_matters: ["verify_code", "place", "place of items"].contains(&$name),
            answer: $answer,
            make: |$market| async move { $call.await.map(drop) }.boxed(),
        }),*]
    };
}

fn order() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St")
}

fn items() -> NewOrder {
    NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 2)])
}

fn name() -> ProfileUpdate {
    ProfileUpdate::new().full_name("Ann")
}

fn raw(method: Method) -> RawRequest {
    RawRequest::new(method, "/any")
}

/// All calls, logout and the stream of orders aside: they have tests of their own.
pub(crate) fn all() -> Vec<Call> {
    let (ok, any) = (answers::cart, || json!({}));
    let signed_in = answers::signed_in(&market_contract_tests::shop::token(19, "us"));
    calls! {
        "request_code": NOBODY, ONCE, "POST", "/auth/send-verification", any(),
            |m| m.session().request_code(PHONE);
        "verify_code": NOBODY, ONCE, "POST", "/auth/verify-code", signed_in,
            |m| m.session().verify_code(PHONE, CODE);
        "verify_token": USER, AGAIN, "GET", "/auth/verify-token", answers::token_status(),
            |m| m.session().verify_token();
        "profile": USER, AGAIN, "GET", "/auth/profile", answers::profile(),
            |m| m.session().profile();
        "update_profile": USER, AGAIN, "PUT", "/auth/profile", answers::profile_updated(),
            |m| m.session().update_profile(name());
        "markets": NOBODY, AGAIN, "GET", "/auth/markets", answers::markets(),
            |m| m.session().markets();
        "cart": USER, AGAIN, "GET", "/cart", ok(),
            |m| m.cart().get();
        "cart add": USER, ONCE, "POST", "/cart/items", ok(),
            |m| m.cart().add(SkuId(42), 2);
        "cart set": USER, AGAIN, "PUT", "/cart/items/101", ok(),
            |m| m.cart().set_quantity(LineId(101), 2);
        "cart remove": USER, ONCE, "DELETE", "/cart/items/101", ok(),
            |m| m.cart().remove(LineId(101));
        "cart clear": USER, AGAIN, "DELETE", "/cart", ok(),
            |m| m.cart().clear();
        "wishlist": USER, AGAIN, "GET", "/wishlist", answers::wishlist(),
            |m| m.wishlist().get();
        "wishlist add": USER, AGAIN, "POST", "/wishlist/items", answers::wishlist(),
            |m| m.wishlist().add(ProductId(15));
        "wishlist remove": USER, ONCE, "DELETE", "/wishlist/items/15", answers::wishlist(),
            |m| m.wishlist().remove(ProductId(15));
        "wishlist clear": USER, AGAIN, "DELETE", "/wishlist", answers::wishlist(),
            |m| m.wishlist().clear();
        "place": USER, ONCE, "POST", "/orders/create", answers::order(),
            |m| m.orders().place(order());
        "place of items": USER, ONCE, "POST", "/orders/create", answers::order(),
            |m| m.orders().place(items());
        "orders": USER, AGAIN, "GET", "/orders", json!([]),
            |m| m.orders().list(OrderQuery::new());
        "order": USER, AGAIN, "GET", "/orders/1001", answers::order(),
            |m| m.orders().get(OrderId(1001));
        "cancel": USER, ONCE, "POST", "/profile/orders/1001/cancel", answers::cancelled(),
            |m| m.orders().cancel(OrderId(1001));
        "raw get": USER, AGAIN, "GET", "/any", any(),
            |m| m.request(raw(Method::Get));
        "raw post": USER, ONCE, "POST", "/any", any(),
            |m| m.request(raw(Method::Post));
        "raw put": USER, AGAIN, "PUT", "/any", any(),
            |m| m.request(raw(Method::Put));
        "raw patch": USER, ONCE, "PATCH", "/any", any(),
            |m| m.request(raw(Method::Patch));
        "raw delete": USER, AGAIN, "DELETE", "/any", any(),
            |m| m.request(raw(Method::Delete));
        "raw without session": NOBODY, AGAIN, "GET", "/any", any(),
            |m| m.request(raw(Method::Get).without_session());
    }
}

#[tokio::test]
async fn p1_exactly_the_calls_that_want_the_token_carry_it_and_only_in_its_header() {
    for call in all() {
        let shop = Shop::signed_in().await;
        shop.answers(call.method, call.path, call.answer).await;
        (call.make)(shop.market.clone()).await.unwrap();
        let sent = shop.only_sent().await;
        let expected = call.as_user.then(|| format!("Bearer {}", shop.token));
        assert_eq!(sent.header("authorization"), expected.as_deref(), "{}", call.name);
        let mut elsewhere = sent.clone();
        elsewhere.headers.remove("authorization");
        assert!(!format!("{elsewhere:?}").contains(&shop.token), "{}", call.name);
    }
}

#[tokio::test]
async fn every_call_of_a_session_names_its_market_in_header_and_query() {
    for call in all().into_iter().filter(|call| call.as_user) {
        let shop = Shop::signed_in_kg().await;
        shop.answers(call.method, call.path, call.answer).await;
        (call.make)(shop.market.clone()).await.unwrap();
        let sent = shop.only_sent().await;
        assert_eq!(sent.header("x-market"), Some("kg"), "{}", call.name);
        let (_, query) = sent.target.split_once('?').unwrap();
        let markets: Vec<_> = query.split('&').filter(|pair| pair.starts_with("market=")).collect();
        assert_eq!(markets, ["market=kg"], "{}", call.name);
    }
}

#[tokio::test]
async fn a_call_as_the_user_sends_nothing_while_nobody_is_signed_in() {
    let shop = Shop::open().await;
    for call in all().into_iter().filter(|call| call.as_user) {
        assert_eq!(
            failed((call.make)(shop.market.clone()).await).code(),
            ErrorCode::NotSignedIn,
            "{}",
            call.name
        );
    }
    assert_eq!(shop.sent().await, []);
}

#[tokio::test]
async fn a_cookie_that_a_server_sets_is_never_sent_back() {
    let shop = Shop::signed_in().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::cart());
    shop.responds("GET", "/cart", answer.insert_header("set-cookie", "id=1; Path=/"), 2).await;
    shop.market.cart().get().await.unwrap();
    shop.market.cart().get().await.unwrap();
    let names: BTreeSet<_> =
        shop.sent().await.into_iter().flat_map(|sent| sent.headers.into_keys()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(names, ["accept", "authorization", "user-agent", "x-market"]);
}

#[tokio::test]
#[should_panic = "a request that the test has not announced"]
async fn a_request_that_a_test_has_not_announced_makes_it_fail() {
    let shop = Shop::signed_in().await;
    let _ = shop.market.cart().get().await;
}

#[tokio::test]
#[should_panic = "Verifications failed"]
async fn a_request_that_a_test_has_announced_and_that_never_comes_makes_it_fail() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/cart", answers::cart()).await;
}

#[tokio::test]
async fn a_base_url_without_a_prefix_and_one_with_a_slash_at_its_end_lead_to_the_same_paths() {
    for (given, path) in [("", "/cart"), ("/", "/cart"), ("/api/v1/", "/api/v1/cart"), ("/a/b", "/a/b/cart")]
    {
        let server = wiremock::MockServer::start().await;
        let sign_in = ResponseTemplate::new(200)
            .set_body_json(answers::signed_in(&market_contract_tests::shop::token(19, "us")));
        wiremock::Mock::given(wiremock::matchers::method("POST")).respond_with(sign_in).mount(&server).await;
        wiremock::Mock::given(wiremock::matchers::path(path))
            .respond_with(ResponseTemplate::new(200).set_body_json(answers::cart()))
            .expect(1)
            .mount(&server)
            .await;
        let market = market_contract_tests::shop::client(&format!("{}{given}", server.uri()));
        let market = market.store(market_sdk::MemoryStore::default()).build().unwrap();
        market.session().verify_code(PHONE, CODE).await.unwrap();
        market.cart().get().await.unwrap();
    }
}
