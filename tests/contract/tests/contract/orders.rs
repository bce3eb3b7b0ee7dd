//! Orders.

use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use market_contract_tests::sent::Sent;
use market_contract_tests::shop::Shop;
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{CODE, PHONE, answers, assert_is, shop};
use market_sdk::{
    ErrorCode, MemoryStore, NewOrder, Order, OrderId, OrderLineId, OrderQuery, OrderStatus, PhoneNumber,
    SkuId,
};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{failed, money, paths};

fn assert_is_the_order(order: &Order) {
    let text = |text: &str| Some(text.to_owned());
    assert_is!(
        order,
        Order {
            id: OrderId(1001),
            order_number: text("#1001"),
            status: OrderStatus::Pending,
            customer_name: text("Ann"),
            customer_phone: Some(PhoneNumber::parse(PHONE).unwrap()),
            delivery_address: text("1 Main St"),
            // The order's own currency, though the market's is USD.
            subtotal: Some(money("39.98", "KGS")),
            shipping_cost: Some(money("150", "KGS")),
            total_amount: money("189.98", "KGS"),
            order_date: Some(SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_466_302_672_617)),
            items: order.items,
        }
    );
    assert_eq!(order.items.len(), 1);
    assert_is!(
        order.items[0],
        OrderLine {
            id: OrderLineId(7),
            product_name: "Canvas Bag",
            sku_code: text("LM-010"),
            size: text("ONE"),
            color: text("Natural"),
            unit_price: money("19.99", "KGS"),
            quantity: 2,
            total_price: money("39.98", "KGS"),
        }
    );
}

fn from_cart() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St")
}

fn from_cart_body() -> Value {
    json!({
        "customer_name": "Ann", "customer_phone": PHONE, "delivery_address": "1 Main St",
        "payment_method": "cash", "use_cart": true,
    })
}

/// Takes the key out of the one request, so that the rest can be compared.
fn key_of(sent: &mut Sent) -> String {
    sent.headers.remove("idempotency-key").expect("an order carries a key")
}

async fn sent_with_key(shop: &Shop, body: Value) -> String {
    let mut sent = shop.only_sent().await;
    let key = key_of(&mut sent);
    let who = market_contract_tests::sent::As::User(&shop.token);
    sent.is("POST", "/orders/create", who, Some(shop.market_code), Some(body));
    key
}

#[tokio::test]
async fn an_order_from_the_cart_says_so_and_carries_a_key() {
    let shop = Shop::signed_in().await;
    shop.answers("POST", "/orders/create", answers::order()).await;
    assert_is_the_order(&shop.market.orders().place(from_cart()).await.unwrap());
    let key = sent_with_key(&shop, from_cart_body()).await;
    assert!(key.len() >= 32, "128 bits of randomness: {key}");
}

#[tokio::test]
async fn p12_right_before_each_order_the_newest_one_is_read() {
    let shop = Shop::signed_in().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::order());
    shop.responds("POST", "/orders/create", answer, 2).await;
    for _ in 0..2 {
        shop.market.orders().place(from_cart()).await.unwrap();
        let sent = shop.all_sent().await;
        let sent: Vec<_> = sent.iter().map(|sent| format!("{} {}", sent.method, sent.target)).collect();
        let expected =
            ["GET /api/v1/orders?limit=1&offset=0&market=us", "POST /api/v1/orders/create?market=us"];
        assert_eq!(sent, expected);
    }
}

#[tokio::test]
async fn an_order_of_given_items_says_that_the_cart_is_not_meant() {
    let shop = Shop::signed_in().await;
    let created = ResponseTemplate::new(201).set_body_json(answers::order());
    shop.responds("POST", "/orders/create", created, 1).await;
    let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 2), (SkuId(88), 100)])
        .email("ann@shop.example")
        .city("Chicago")
        .notes("ring twice")
        .payment_method("card");
    assert_is_the_order(&shop.market.orders().place(order).await.unwrap());
    let body = json!({
        "customer_name": "Ann", "customer_phone": PHONE, "customer_email": "ann@shop.example",
        "delivery_address": "1 Main St", "delivery_city": "Chicago", "delivery_notes": "ring twice",
        "payment_method": "card", "use_cart": false,
        "items": [{"sku_id": 42, "quantity": 2}, {"sku_id": 88, "quantity": 100}],
    });
    sent_with_key(&shop, body).await;
}

#[tokio::test]
async fn p12_two_orders_carry_two_keys() {
    let shop = Shop::signed_in().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::order());
    shop.responds("POST", "/orders/create", answer, 2).await;
    shop.market.orders().place(from_cart()).await.unwrap();
    let first = sent_with_key(&shop, from_cart_body()).await;
    shop.market.orders().place(from_cart()).await.unwrap();
    assert_ne!(sent_with_key(&shop, from_cart_body()).await, first);
}

#[tokio::test]
async fn the_key_is_a_string_in_the_form_that_the_draft_gives_the_header() {
    // draft-ietf-httpapi-idempotency-key-header, section 2.1: "an Item Structured Header [RFC8941]. Its value
    // MUST be a String", and a String of RFC 8941 stands in quotation marks.
    let shop = Shop::signed_in().await;
    shop.answers("POST", "/orders/create", answers::order()).await;
    shop.market.orders().place(from_cart()).await.unwrap();
    let key = sent_with_key(&shop, from_cart_body()).await;
    let inner = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    assert!(inner.is_some_and(|inner| !inner.contains(['"', '\\'])), "{key}");
}

/// A server on which the first attempt at an order is answered 401 only when somebody has signed in once more.
#[tokio::test]
async fn p12_an_order_that_goes_out_again_under_a_newer_session_carries_the_same_key() {
    let (arrived, order_arrived) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel();
    let first_order = std::sync::Arc::new(std::sync::Mutex::new(Some((arrived, released))));
    let old = shop::token(19, "us");
    let new = format!("{old}-new");
    let tokens = std::sync::Arc::new(std::sync::Mutex::new(vec![new.clone(), old.clone()]));
    let wire = Wire::start(move |sent| {
        let (first_order, tokens) = (first_order.clone(), tokens.clone());
        async move {
            if sent.target.starts_with("/api/v1/auth/verify-code") {
                let token = tokens.lock().unwrap().pop().unwrap();
                return Reply::Json(200, json!({"access_token": token, "user": {"id": 19}}));
            }
            if sent.reads_the_newest_order() {
                return Reply::Json(200, json!([]));
            }
            let first = first_order.lock().unwrap().take();
            let Some((arrived, released)) = first else { return Reply::Json(200, answers::order()) };
            arrived.send(()).unwrap();
            released.await.unwrap();
            Reply::Json(401, json!({"detail": "Invalid token"}))
        }
    })
    .await;
    let market = shop::client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    let placing = tokio::spawn({
        let market = market.clone();
        async move { market.orders().place(from_cart()).await }
    });
    order_arrived.await.unwrap();
    market.session().verify_code(PHONE, CODE).await.unwrap();
    release.send(()).unwrap();
    assert_is_the_order(&placing.await.unwrap().unwrap());
    assert!(market.session().state().is_signed_in(), "the 401 was about the older session");

    let mut orders = wire.sent();
    orders.retain(|sent| sent.target.starts_with("/api/v1/orders/create"));
    let [mut first, mut second] = <[Sent; 2]>::try_from(orders).unwrap();
    assert_eq!(key_of(&mut first), key_of(&mut second));
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("authorization"), Some(&*format!("Bearer {old}")));
    assert_eq!(second.header("authorization"), Some(&*format!("Bearer {new}")));
}

#[tokio::test]
async fn an_order_out_of_bounds_is_refused_with_its_fields_before_anything_is_sent() {
    let shop = Shop::signed_in().await;
    let long = |length: usize| "x".repeat(length);
    let items = |quantity: u32| NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), quantity)]);
    let cases: Vec<(NewOrder, &[&str])> = vec![
        (NewOrder::from_cart("", PHONE, "1 Main St"), &["customer_name"]),
        (NewOrder::from_cart("   ", PHONE, "1 Main St"), &["customer_name"]),
        (NewOrder::from_cart(long(256), PHONE, "1 Main St"), &["customer_name"]),
        (NewOrder::from_cart("Ann", "123456789", "1 Main St"), &["customer_phone"]),
        (NewOrder::from_cart("Ann", long(21), "1 Main St"), &["customer_phone"]),
        (NewOrder::from_cart("Ann", PHONE, "1 St"), &["delivery_address"]),
        (NewOrder::from_cart("Ann", PHONE, long(501)), &["delivery_address"]),
        (from_cart().email(long(256)), &["customer_email"]),
        (from_cart().city(long(101)), &["delivery_city"]),
        (from_cart().notes(long(501)), &["delivery_notes"]),
        (from_cart().payment_method(""), &["payment_method"]),
        (NewOrder::of_items("Ann", PHONE, "1 Main St", []), &["items"]),
        (items(0), &["items.0.quantity"]),
        (items(101), &["items.0.quantity"]),
        (NewOrder::from_cart("", "", ""), &["customer_name", "customer_phone", "delivery_address"]),
    ];
    for (order, fields) in cases {
        let error = failed(shop.market.orders().place(order).await);
        assert_eq!((error.code(), &*paths(&error)), (ErrorCode::InvalidInput, fields));
    }
    for limit in [0, 101] {
        let error = failed(shop.market.orders().list(OrderQuery::new().limit(limit)).await);
        assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["limit"]));
    }
    assert_eq!(shop.sent().await, []);
}

#[tokio::test]
async fn texts_at_their_bounds_are_sent() {
    let shop = Shop::signed_in().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::order());
    shop.responds("POST", "/orders/create", answer, 2).await;
    let long = |length: usize| "ж".repeat(length);
    let longest = NewOrder::from_cart(long(255), long(20), long(500));
    let longest = longest.email(long(255)).city(long(100)).notes(long(500));
    shop.market.orders().place(longest).await.unwrap();
    shop.market.orders().place(NewOrder::from_cart("A", "0123456789", "St. 1")).await.unwrap();
}

#[tokio::test]
async fn orders_are_listed_by_limit_offset_and_status() {
    let shop = Shop::signed_in().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!([answers::order()]));
    shop.responds("GET", "/orders", answer, 3).await;
    let query = OrderQuery::new;
    for (query, target) in [
        (query(), "/orders?limit=20&offset=0"),
        (query().limit(100).offset(40), "/orders?limit=100&offset=40"),
        (query().status(OrderStatus::Shipped), "/orders?limit=20&offset=0&status_filter=shipped"),
    ] {
        let orders = shop.market.orders().list(query).await.unwrap();
        assert_eq!(orders.len(), 1);
        assert_is_the_order(&orders[0]);
        shop.sent_as_user("GET", target, None).await;
    }
}

#[tokio::test]
async fn an_order_is_read_in_full() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/orders/1001", answers::order()).await;
    assert_is_the_order(&shop.market.orders().get(OrderId(1001)).await.unwrap());
    shop.sent_as_user("GET", "/orders/1001", None).await;
}

#[tokio::test]
async fn an_order_with_what_it_must_have_alone_is_read_too() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/orders/1", json!({"id": "1", "status": "On_Hold", "total_amount": "5"})).await;
    let order = shop.market.orders().get(OrderId(1)).await.unwrap();
    assert_is!(
        order,
        Order {
            id: OrderId(1),
            order_number: None,
            status: OrderStatus::Unknown("On_Hold".to_owned()),
            customer_name: None,
            customer_phone: None,
            delivery_address: None,
            subtotal: None,
            shipping_cost: None,
            total_amount: money("5", "USD"),
            order_date: None,
            items: [],
        }
    );
}

#[tokio::test]
async fn an_order_is_cancelled() {
    let shop = Shop::signed_in().await;
    shop.answers("POST", "/profile/orders/1001/cancel", answers::cancelled()).await;
    let cancelled = shop.market.orders().cancel(OrderId(1001)).await.unwrap();
    assert_is!(cancelled, CancelledOrder { id: OrderId(1001), status: OrderStatus::Cancelled });
    shop.sent_as_user("POST", "/profile/orders/1001/cancel", None).await;
}

/// A page of bare orders with these ids.
fn page(ids: &[u64]) -> ResponseTemplate {
    let order = |id: &u64| json!({"id": id, "status": "pending", "total_amount": 1});
    ResponseTemplate::new(200).set_body_json(ids.iter().map(order).collect::<Vec<_>>())
}

async fn pages(shop: &Shop, pages: &[&[u64]]) {
    for (number, ids) in pages.iter().enumerate() {
        wiremock::Mock::given(wiremock::matchers::path("/api/v1/orders"))
            .and(wiremock::matchers::query_param("offset", (2 * number).to_string()))
            .respond_with(page(ids))
            .expect(1)
            .mount(&shop.server)
            .await;
    }
}

async fn streamed(shop: &Shop) -> Vec<u64> {
    let orders = shop.market.orders().stream(OrderQuery::new().limit(2));
    orders.map_ok(|order| order.id.0).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_stream_reads_page_after_page_until_one_is_not_full() {
    let shop = Shop::signed_in().await;
    pages(&shop, &[&[9, 8], &[7, 6], &[5]]).await;
    assert_eq!(streamed(&shop).await, [9, 8, 7, 6, 5]);
    let targets: Vec<_> = shop.sent().await.into_iter().map(|sent| sent.target).collect();
    let expected = [0, 2, 4].map(|offset| format!("/api/v1/orders?limit=2&offset={offset}&market=us"));
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn a_stream_whose_last_page_is_full_asks_once_more() {
    let shop = Shop::signed_in().await;
    pages(&shop, &[&[9, 8], &[]]).await;
    assert_eq!(streamed(&shop).await, [9, 8]);
}

#[tokio::test]
async fn an_order_placed_while_a_stream_is_read_moves_none_to_be_given_out_twice() {
    let shop = Shop::signed_in().await;
    pages(&shop, &[&[9, 8], &[8, 7], &[6]]).await;
    assert_eq!(streamed(&shop).await, [9, 8, 7, 6]);
}

#[tokio::test]
async fn a_stream_reads_nothing_before_it_is_asked_and_ends_after_an_error() {
    let shop = Shop::signed_in().await;
    let mut orders = shop.market.orders().stream(OrderQuery::new());
    assert_eq!(shop.sent().await, []);
    let refused = ResponseTemplate::new(403).set_body_json(json!({"detail": "No"}));
    shop.responds("GET", "/orders", refused, 1).await;
    assert_eq!(orders.try_next().await.unwrap_err().code(), ErrorCode::Rejected);
    assert_eq!(orders.try_next().await.unwrap(), None);
}
