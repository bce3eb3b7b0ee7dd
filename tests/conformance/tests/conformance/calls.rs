//! What each area's calls do, and what they show.

use futures_util::future::join_all;
use market_contract_tests::dev::Device;
use market_dev_server::Dialect;
use market_sdk::{
    Currency, ErrorCode, Market, Method, Money, NewOrder, OrderId, OrderQuery, OrderStatus, ProductId,
    ProfileUpdate, RawRequest, SkuId, UserId,
};
use serde_json::Value;

use crate::{KG_PHONE, PHONE, answer, code, failed, hold, lines, once, server};

fn money(amount: &str, currency: &str) -> Money {
    Money::new(amount.parse().unwrap(), Currency::new(currency))
}

#[tokio::test]
async fn a_cart_line_grows_is_set_and_goes() {
    let dev = server("a_cart_line_grows_is_set_and_goes", Dialect::Documented);
    let cart = Device::signed_in(&dev, PHONE).await.market.cart();
    cart.add(SkuId(42), 2).await.unwrap();
    let grown = cart.add(SkuId(42), 1).await.unwrap();
    assert_eq!(lines(&grown), [(42, 3)]);
    let line = &grown.items[0];
    assert_eq!((line.name.as_str(), &line.price), ("Canvas Bag", &money("19.99", "USD")));
    let line = line.id;
    assert_eq!(lines(&cart.set_quantity(line, 7).await.unwrap()), [(42, 7)]);
    assert_eq!(lines(&cart.set_quantity(line, 0).await.unwrap()), []);
    let line = cart.add(SkuId(88), 1).await.unwrap().items[0].id;
    assert_eq!(lines(&cart.remove(line).await.unwrap()), []);
    assert_eq!(code(cart.remove(line).await), ErrorCode::NotFound);
    cart.add(SkuId(42), 1).await.unwrap();
    assert_eq!(lines(&cart.clear().await.unwrap()), []);
}

#[tokio::test]
async fn additions_that_are_made_in_a_row_reach_the_server_in_that_order() {
    let dev = server("additions_that_are_made_in_a_row_reach_the_server_in_that_order", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    hold(&dev, "POST /cart/items").await;
    // The test's runtime has one thread.
    let adds: Vec<_> =
        (1..=6).map(|quantity| tokio::spawn(device.market.cart().add(SkuId(42), quantity))).collect();
    dev.arrived("POST /cart/items").await;
    dev.release().await;
    for (add, sum) in adds.into_iter().zip([1, 3, 6, 10, 15, 21]) {
        assert_eq!(lines(&add.await.unwrap().unwrap()), [(42, sum)]);
    }
}

#[tokio::test]
async fn ten_additions_at_once_lose_nothing_on_a_server_that_loses_parallel_ones() {
    let dev = server("ten_additions_at_once_lose_nothing_on_a_server_that_loses_parallel_ones", Dialect::G2);
    let cart = Device::signed_in(&dev, PHONE).await.market.cart();
    let carts = join_all((0..10).map(|_| cart.add(SkuId(42), 1))).await;
    let mut seen: Vec<_> = carts.into_iter().map(|cart| cart.unwrap().items[0].quantity).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn money_in_soms_is_exact() {
    let dev = server("money_in_soms_is_exact", Dialect::Documented);
    let device = Device::signed_in(&dev, KG_PHONE).await;
    device.market.cart().add(SkuId(103), 1).await.unwrap();
    let cart = device.market.cart().add(SkuId(104), 2).await.unwrap();
    assert_eq!(cart.total_price, money("10200.30", "KGS"));
    let mut prices: Vec<_> = cart.items.iter().map(|line| line.price.to_string()).collect();
    prices.sort();
    assert_eq!(prices, ["KGS 2999.90", "KGS 4200.50"]);
}

#[tokio::test]
async fn the_noise_of_a_servers_floats_is_not_shown() {
    let dev = server("the_noise_of_a_servers_floats_is_not_shown", Dialect::G2);
    let device = Device::signed_in(&dev, PHONE).await;
    let add = device.market.cart().add(SkuId(42), 5).await.unwrap();
    assert_eq!(add.total_price.to_string(), "USD 99.95");
}

#[tokio::test]
async fn money_that_a_double_cannot_hold_is_exact() {
    let dev = server("money_that_a_double_cannot_hold_is_exact", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let line =
        r#"{"id":1,"sku_id":42,"quantity":3,"name":"Canvas Bag","price":90071992547409931.01,"image":""}"#;
    let body = format!(
        r#"{{"id":1,"user_id":19,"total_items":1,"items":[{line}],"total_price":270215977642229793.03}}"#
    );
    once(&dev, "GET /cart", answer(200, &body)).await;
    let cart = device.market.cart().get().await.unwrap();
    assert_eq!(cart.items[0].price.to_string(), "USD 90071992547409931.01");
    assert_eq!(cart.total_price.to_string(), "USD 270215977642229793.03");
}

#[tokio::test]
async fn an_order_is_placed_listed_read_and_cancelled() {
    let dev = server("an_order_is_placed_listed_read_and_cancelled", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let orders = device.market.orders();
    device.market.cart().add(SkuId(88), 1).await.unwrap();
    let placed = orders.place(NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 2)])).await.unwrap();
    assert_eq!((placed.id, placed.order_number.as_deref()), (OrderId(1), Some("#1001")));
    assert_eq!((&placed.status, placed.customer_name.as_deref()), (&OrderStatus::Pending, Some("Ann")));
    assert_eq!(placed.subtotal.as_ref().unwrap().amount().to_string(), "39.98");
    assert_eq!(placed.total_amount.amount().to_string(), "189.98");
    let line = &placed.items[0];
    assert_eq!((line.product_name.as_str(), line.quantity), ("Canvas Bag", 2));
    assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(88, 1)]);
    assert_eq!(orders.list(OrderQuery::new()).await.unwrap(), std::slice::from_ref(&placed));
    assert_eq!(orders.get(placed.id).await.unwrap(), placed);
    let cancelled = orders.cancel(placed.id).await.unwrap();
    assert_eq!((cancelled.id, cancelled.status), (placed.id, OrderStatus::Cancelled));
    assert_eq!(code(orders.cancel(placed.id).await), ErrorCode::Rejected);
    assert_eq!(orders.list(OrderQuery::new().status(OrderStatus::Pending)).await.unwrap(), []);
}

#[tokio::test]
async fn an_order_status_that_nobody_knows_is_kept() {
    let dev = server("an_order_status_that_nobody_knows_is_kept", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let orders = device.market.orders();
    orders.place(NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 2)])).await.unwrap();
    dev.sql("UPDATE us_orders SET status = 'teleported'").await;
    let listed = orders.list(OrderQuery::new()).await.unwrap();
    assert_eq!(listed[0].status, OrderStatus::Unknown("teleported".to_owned()));
    assert_eq!(orders.get(listed[0].id).await.unwrap(), listed[0]);
}

#[tokio::test]
async fn a_wishlist_is_kept_and_holds_a_product_once() {
    let dev = server("a_wishlist_is_kept_and_holds_a_product_once", Dialect::Documented);
    let wishlist = Device::signed_in(&dev, PHONE).await.market.wishlist();
    wishlist.add(ProductId(15)).await.unwrap();
    wishlist.add(ProductId(15)).await.unwrap();
    let listed = wishlist.get().await.unwrap();
    assert_eq!(listed.items.len(), 1);
    let product = &listed.items[0].product;
    assert_eq!((product.id, product.name.as_str()), (ProductId(15), "Silk Scarf"));
    assert_eq!(product.price, Some(money("24.50", "USD")));
    assert_eq!(wishlist.remove(ProductId(15)).await.unwrap().items, []);
    assert_eq!(code(wishlist.remove(ProductId(15)).await), ErrorCode::NotFound);
    wishlist.add(ProductId(10)).await.unwrap();
    assert_eq!(wishlist.clear().await.unwrap().items, []);
}

#[tokio::test]
async fn the_profile_is_read_and_changed_and_the_change_stays() {
    let dev = server("the_profile_is_read_and_changed_and_the_change_stays", Dialect::Documented);
    let session = Device::signed_in(&dev, PHONE).await.market.session();
    let before = session.profile().await.unwrap();
    assert_eq!((before.id, before.full_name, before.market), (UserId(19), None, Some(Market::Us)));
    assert_eq!(before.phone.unwrap().as_str(), PHONE);
    let changed = session.update_profile(ProfileUpdate::new().full_name("Анна Example")).await.unwrap();
    assert_eq!(changed.full_name.as_deref(), Some("Анна Example"));
    assert_eq!(session.profile().await.unwrap(), changed);
    assert!(session.verify_token().await.unwrap().valid);
}

#[tokio::test]
async fn the_markets_are_there_before_anybody_signs_in() {
    let dev = server("the_markets_are_there_before_anybody_signs_in", Dialect::Documented);
    let markets = Device::new(&dev).market.session().markets().await.unwrap();
    let mut shown: Vec<_> = markets
        .supported
        .iter()
        .map(|info| {
            (info.market.code(), info.phone_prefix.as_deref(), info.currency.as_ref().map(Currency::code))
        })
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, [("kg", Some("+996"), Some("KGS")), ("us", Some("+1"), Some("USD"))]);
}

#[tokio::test]
async fn another_route_is_reached_through_the_same_door() {
    let dev = server("another_route_is_reached_through_the_same_door", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let market = &device.market;
    let profile =
        market.request(RawRequest::new(Method::Get, "/auth/profile").query("page", 2)).await.unwrap();
    assert_eq!(profile.status(), 200);
    assert_eq!(profile.json::<Value>().unwrap()["phone_number"], PHONE);
    let missing = failed(market.request(RawRequest::new(Method::Get, "/products")).await);
    assert_eq!(missing.code(), ErrorCode::Unsupported);
    let bare = failed(market.request(RawRequest::new(Method::Get, "/auth/profile").without_session()).await);
    assert_eq!((bare.code(), bare.status()), (ErrorCode::Rejected, Some(401)));
    assert!(market.session().state().is_signed_in());
    dev.expire_sessions().await;
    let expired = market.request(RawRequest::new(Method::Get, "/auth/profile")).await;
    assert_eq!(code(expired), ErrorCode::SessionExpired);
    assert!(!market.session().state().is_signed_in());
}
