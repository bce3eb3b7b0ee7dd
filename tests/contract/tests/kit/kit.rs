//! What the kit has besides: time, delays, faults that no server can play, and a record of what was asked.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use market_sdk::test_kit::{Dialect, FakeProduct, FakeShop, FakeSku, Fault, MarketDevServer};
use market_sdk::{
    ErrorCode, LockedReason, MarketClient, MemoryStore, Method, NewOrder, OrderId, OrderStatus, ProductId,
    RawRequest, Result, SessionState, SkuId, UserId,
};
use serde_json::json;
use tokio::time::Instant;

use crate::{AIDA, ANN, BEN};

fn code<T>(result: Result<T>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_as_late_as_it_is_told_and_none_is_a_timeout() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    shop.set_latency(Duration::from_secs(3));
    let begun = Instant::now();
    market.cart().get().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    shop.fail_next(Fault::Silence);
    assert_eq!(code(market.cart().get().await), Some(ErrorCode::Timeout));
    assert!(begun.elapsed() > Duration::from_secs(30));
    market.cart().get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fault_fails_one_call_with_all_its_attempts_or_every_call_until_it_is_over() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    for (fault, code_of_it) in [
        (Fault::Unreachable, ErrorCode::Network),
        (Fault::UntrustedCertificate, ErrorCode::Tls),
        (Fault::Down, ErrorCode::Server),
    ] {
        shop.fail_next(fault);
        assert_eq!(code(market.cart().get().await), Some(code_of_it));
        market.cart().get().await.unwrap();
    }
    shop.forget_requests();
    shop.fail_next(Fault::Unreachable);
    assert!(market.cart().get().await.is_err());
    assert_eq!(shop.requests().len(), 3, "a read is made three times, and fails each time");
    shop.fail_all("*", Fault::Unreachable);
    for _ in 0..3 {
        assert_eq!(code(market.wishlist().get().await), Some(ErrorCode::Network));
    }
    shop.recover();
    market.wishlist().get().await.unwrap();
}

#[tokio::test]
async fn faults_on_a_route_are_played_in_their_order_and_leave_others_alone() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    shop.fail_next_on("DELETE /cart/items/{line}", Fault::rejected("No"));
    shop.fail_next_on("POST /cart/items", Fault::rejected("First"));
    shop.fail_next_on("* /cart/items", Fault::RateLimited(Duration::from_secs(7)));
    market.cart().get().await.unwrap();
    assert_eq!(market.cart().add(SkuId(42), 1).await.unwrap_err().message(), "First");
    let error = market.cart().add(SkuId(42), 1).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::RateLimited, Some(429)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let cart = market.cart().add(SkuId(42), 1).await.unwrap();
    assert_eq!(market.cart().remove(cart.items[0].id).await.unwrap_err().message(), "No");
}

#[tokio::test]
async fn two_clients_of_one_shop_are_two_devices_and_two_shops_share_nothing() {
    let (shop, other) = (FakeShop::new(), FakeShop::new());
    let (phone, tablet) = (shop.signed_in_client(ANN).await, shop.signed_in_client(ANN).await);
    phone.cart().add(SkuId(42), 2).await.unwrap();
    assert_eq!(tablet.cart().get().await.unwrap().items.len(), 1);
    assert_eq!(shop.client().session().restore().await.unwrap().user(), None);
    assert_eq!(other.signed_in_client(ANN).await.cart().get().await.unwrap().items, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads_no_call_is_lost() {
    let shop = FakeShop::new();
    let devices = [shop.signed_in_client(ANN).await, shop.signed_in_client(ANN).await];
    let adds: Vec<_> = (0..100).map(|at| tokio::spawn(devices[at % 2].cart().add(SkuId(42), 1))).collect();
    for add in adds {
        add.await.unwrap().unwrap();
    }
    assert_eq!(devices[0].cart().get().await.unwrap().items[0].quantity, 100);
}

#[test]
#[should_panic = "within a tokio runtime"]
fn a_shop_that_is_made_outside_a_runtime_says_so() {
    let _ = FakeShop::new();
}

#[tokio::test]
async fn what_is_held_waits_until_it_is_released_and_the_cart_waits_behind_it() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    shop.forget_requests();
    shop.hold("POST /cart/items");
    let first = tokio::spawn(market.cart().add(SkuId(42), 1));
    shop.arrived("POST /cart/items", 1).await;
    let second = tokio::spawn(market.cart().get());
    tokio::task::yield_now().await;
    assert_eq!(shop.requests().len(), 1);
    assert_eq!(shop.requests()[0].status, None);
    shop.release();
    assert_eq!(first.await.unwrap().unwrap().items.len(), 1);
    assert_eq!(second.await.unwrap().unwrap().items.len(), 1);
    assert_eq!(shop.requests()[0].status, Some(200));
}

#[tokio::test]
async fn what_was_asked_is_on_record_without_the_token() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    market.cart().add(SkuId(42), 2).await.unwrap();
    let requests = shop.requests_on("POST /cart/items");
    let [add] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((add.user, add.status, add.query.as_str()), (Some(UserId(19)), Some(200), "market=us"));
    assert_eq!(add.body, Some(json!({"sku_id": 42, "quantity": 2, "user_id": 19})));
    assert!(!format!("{:?}", shop.requests()).contains("token"), "{:?}", shop.requests());
}

#[tokio::test]
async fn a_test_sells_what_it_likes_chooses_the_code_and_ships_orders() {
    let shop = FakeShop::new();
    shop.set_code("987654");
    let mug = FakeSku { stock: 1, ..FakeSku::new(SkuId(500), "7.50") };
    shop.add(FakeProduct::new(ProductId(77), "Mug", [mug]));
    let market = shop.signed_in_client(ANN).await;
    assert_eq!(market.cart().add(SkuId(500), 1).await.unwrap().total_price.to_string(), "USD 7.50");
    let order = NewOrder::from_cart("Ann", ANN, "1 Main St");
    let placed = market.orders().place(order.clone()).await.unwrap();
    assert_eq!(shop.orders(), std::slice::from_ref(&placed));
    assert_eq!((shop.orders_of(ANN).len(), shop.orders_of(BEN).len()), (1, 0));
    shop.set_order_status(ANN, placed.id, OrderStatus::Shipped);
    assert_eq!(market.orders().get(placed.id).await.unwrap().status, OrderStatus::Shipped);
    market.cart().add(SkuId(500), 1).await.unwrap();
    let error = market.orders().place(order).await.unwrap_err();
    assert_eq!(error.message(), "Product 'Mug' (size: ONE, color: ) is out of stock");
    shop.set_stock(SkuId(500), 5);
    assert!(market.wishlist().add(ProductId(77)).await.unwrap().items[0].product.name == "Mug");
}

#[tokio::test(start_paused = true)]
async fn a_locked_device_shows_neither_shop_nor_login_until_it_is_unlocked() {
    let (shop, store) = (FakeShop::new(), MemoryStore::default());
    let open = || shop.build(configured().store(store.clone())).unwrap();
    shop.sign_in(&open(), ANN).await.unwrap();
    shop.lock_devices();
    let market = open();
    assert_eq!(code(market.session().restore().await), Some(ErrorCode::StoreLocked));
    let state = market.session().state();
    assert!(matches!(state, SessionState::Locked { reason: LockedReason::Locked, .. }), "{state:?}");
    // A call waits for the user to unlock it.
    let cart = tokio::spawn(market.cart().get());
    tokio::time::sleep(Duration::from_secs(10)).await;
    shop.unlock_devices();
    cart.await.unwrap().unwrap();
    assert!(market.session().state().is_signed_in());
}

/// An app's own configuration, as it is anywhere.
fn configured() -> market_sdk::MarketClientBuilder {
    MarketClient::builder("https://api.example.com/shop/v2").app_id("com.example.shop")
}

#[tokio::test(start_paused = true)]
async fn an_apps_own_configuration_is_built_on_the_shop() {
    let shop = FakeShop::new();
    let market = shop.build(configured().timeout(Duration::from_secs(5))).unwrap();
    shop.sign_in(&market, ANN).await.unwrap();
    shop.fail_next(Fault::Silence);
    let begun = Instant::now();
    assert_eq!(code(market.cart().get().await), Some(ErrorCode::Timeout));
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(code(shop.build(configured().app_id(""))), Some(ErrorCode::Config));
}

#[tokio::test]
async fn what_is_sold_already_is_replaced() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    market.cart().add(SkuId(42), 1).await.unwrap();
    market.cart().add(SkuId(88), 1).await.unwrap();
    market.wishlist().add(ProductId(10)).await.unwrap();
    shop.add(FakeProduct::new(ProductId(10), "Mug", [FakeSku::new(SkuId(42), "7.50")]));
    // Its other SKU went with the product.
    let cart = market.cart().get().await.unwrap();
    let shown: Vec<_> = cart.items.iter().map(|line| (line.sku_id, line.name.as_str())).collect();
    assert_eq!((shown, cart.total_price.to_string().as_str()), (vec![(SkuId(42), "Mug")], "USD 7.50"));
    assert_eq!(code(market.cart().add(SkuId(88), 1).await), Some(ErrorCode::NotFound));
    assert_eq!(market.wishlist().get().await.unwrap().items[0].product.name, "Mug");
    // The one SKU goes over to another product.
    shop.add(FakeProduct::new(ProductId(77), "Cup", [FakeSku::new(SkuId(42), "8")]));
    assert_eq!(market.cart().get().await.unwrap().items[0].name, "Cup");
    assert_eq!(market.wishlist().get().await.unwrap().items, []);
}

#[test]
#[should_panic = "is no price"]
fn a_price_that_is_none_is_found_at_once() {
    let _ = FakeSku::new(SkuId(500), "cheap");
}

#[tokio::test]
async fn orders_have_numbers_of_their_market_and_are_told_apart_by_phone() {
    let shop = FakeShop::new();
    for phone in [AIDA, ANN] {
        let market = shop.signed_in_client(phone).await;
        market.orders().place(NewOrder::of_items("A", phone, "1 Main St", [(SkuId(42), 1)])).await.unwrap();
    }
    shop.set_order_status("+1 312 805 9851", OrderId(1), OrderStatus::Shipped);
    assert_eq!(shop.orders()[0].status, OrderStatus::Pending);
    assert_eq!(shop.orders_of(ANN), [shop.orders()[1].clone()]);
    assert_eq!(shop.orders_of(ANN)[0].status, OrderStatus::Shipped);
}

#[tokio::test]
async fn a_person_gets_three_codes_and_a_test_signs_in_as_often_as_it_likes() {
    let shop = FakeShop::new();
    let market = shop.client();
    for _ in 0..5 {
        shop.sign_in(&market, ANN).await.unwrap();
    }
    for _ in 0..3 {
        market.session().request_code(ANN).await.unwrap();
    }
    assert_eq!(code(market.session().request_code(ANN).await), Some(ErrorCode::RateLimited));
}

#[tokio::test]
async fn a_route_answers_what_the_test_has_given_it() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    let products = async || {
        let answer = market.request(RawRequest::new(Method::Get, "/products")).await?;
        answer.json::<serde_json::Value>()
    };
    assert_eq!(code(products().await), Some(ErrorCode::Unsupported));
    shop.answer("GET /products", json!([{"id": 10}]), 200);
    assert_eq!(products().await.unwrap(), json!([{"id": 10}]));
    // It is one of the shop's routes now.
    shop.fail_next_on("GET /products", Fault::rejected("Later"));
    assert_eq!(code(products().await), Some(ErrorCode::Rejected));
    shop.answer("GET /products", json!({"detail": "Too many"}), 429);
    assert_eq!(code(products().await), Some(ErrorCode::RateLimited));
    shop.answer("GET /cart", json!({"detail": "Gone"}), 404);
    assert_eq!(code(market.cart().get().await), Some(ErrorCode::NotFound));
    shop.expire_sessions();
    assert_eq!(code(products().await), Some(ErrorCode::SessionExpired));
    shop.sign_in(&market, ANN).await.unwrap();
    shop.answer("GET /products", json!({}), 401);
    assert_eq!(code(products().await), Some(ErrorCode::SessionExpired));
    assert!(!market.session().state().is_signed_in());
}

/// What a test is told that does this.
fn panic_of(act: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).expect_err("it panics");
    panic.downcast_ref::<String>().expect("a panic has a text").clone()
}

#[tokio::test]
async fn a_route_that_the_shop_has_not_is_refused_with_those_that_it_has() {
    let shop = FakeShop::new();
    shop.answer("GET /products/{id}", json!({}), 200);
    for route in
        ["POST /order/create", "GET /cart/items", "GET", "/cart", "GET cart", "POST /orders/create/now"]
    {
        for said in [
            panic_of(|| shop.fail_next_on(route, Fault::Down)),
            panic_of(|| shop.fail_all(route, Fault::Down)),
            panic_of(|| shop.hold(route)),
            panic_of(|| drop(shop.arrived(route, 1))),
            panic_of(|| drop(shop.requests_on(route))),
        ] {
            assert!(said.starts_with(&format!("the shop has no route {route}. It has\n")), "{said}");
            assert!(
                said.contains("\n  POST /orders/create\n") && said.ends_with("\n  GET /products/{id}"),
                "{said}"
            );
        }
    }
    for route in
        ["*", "* /cart", "GET /cart/", "PUT /cart/items/7", "DELETE /cart/items/{id}", "GET /products/7"]
    {
        shop.hold(route);
    }
    assert!(panic_of(|| shop.answer("products", json!({}), 200)).contains("is no route"));
}

#[tokio::test]
async fn the_installed_server_is_started_by_its_variable_plays_faults_and_ends_with_its_value() {
    const VARIABLE: &str = "MARKET_DEV_SERVER";
    if std::env::var_os(VARIABLE).is_none() {
        // Once more, in a process of its own that has the variable.
        let own = "kit::the_installed_server_is_started_by_its_variable_plays_faults_and_ends_with_its_value";
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", own]).env(VARIABLE, env!("CARGO_BIN_EXE_contract-dev-server"));
        let said = again.output().unwrap();
        let passed = String::from_utf8_lossy(&said.stdout).contains("1 passed");
        assert!(said.status.success() && passed, "{said:?}");
        return;
    }
    let server = MarketDevServer::start_with(Dialect::G2, ["--no-rate-limits"]);
    assert_eq!(server.control("GET", "dialect", json!(null)).await["dialect"], "g2");
    let server = Arc::new(MarketDevServer::start());
    let builder = MarketClient::builder(server.base_url()).app_id("kit").allow_http_loopback();
    let market = builder.store(MemoryStore::default()).build().unwrap();
    market.session().request_code(ANN).await.unwrap();
    market.session().verify_code(ANN, &server.code(ANN).await).await.unwrap();
    let wrong = tokio::spawn({
        let server = server.clone();
        async move { server.fault("POST /cart/item", json!({"kind": "reset"}), 1).await }
    });
    let wrong = wrong.await.unwrap_err().into_panic();
    let said = panic_of(|| std::panic::resume_unwind(wrong));
    assert!(said.contains("no route POST /cart/item.") && said.contains("POST /cart/items"), "{said}");
    server.fault("POST /cart/items", json!({"kind": "html", "status": 502}), 1).await;
    assert_eq!(code(market.cart().add(SkuId(42), 1).await), Some(ErrorCode::Server));
    market.cart().add(SkuId(42), 1).await.unwrap();
    assert_eq!(server.state().await["us"]["carts"][0]["items"][0]["quantity"], 1);
    assert_eq!(server.requests().await.last().unwrap()["path"], "/api/v1/cart/items");
    server.fault("GET /cart", json!({"kind": "hold"}), None).await;
    let cart = tokio::spawn(market.cart().get());
    server.arrived("GET /cart", 1).await;
    server.arrived("* /cart/", 1).await;
    let wrong = tokio::spawn({
        let server = server.clone();
        async move { server.arrived("GET /cart/items", 1).await }
    });
    let wrong = wrong.await.unwrap_err().into_panic();
    let said = panic_of(|| std::panic::resume_unwind(wrong));
    assert!(said.contains("no route GET /cart/items."), "{said}");
    server.release().await;
    assert_eq!(cart.await.unwrap().unwrap().items.len(), 1);
    server.advance_clock(Duration::from_secs(31 * 60)).await;
    assert_eq!(code(market.cart().get().await), Some(ErrorCode::SessionExpired));
    Arc::into_inner(server).unwrap().close();
    assert_eq!(code(market.session().markets().await), Some(ErrorCode::Network));
}

#[test]
fn readme_shows_an_apps_tests_that_are_run_here() {
    let readme = include_str!("../../../../README.md");
    assert!(
        readme.contains(include_str!("app.rs")),
        "README.md's section \"Testing your app\" has other tests"
    );
}
