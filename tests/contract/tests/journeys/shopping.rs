//! All that a shopper does when nothing goes wrong.

use futures_util::TryStreamExt as _;
use market_contract_tests::dev::Device;
use market_contract_tests::{KG_PHONE, PHONE};
use market_dev_server::Dialect;
use market_sdk::{
    Currency, ErrorCode, Market, MarketClient, Method, Money, NewOrder, OrderId, OrderQuery, OrderStatus,
    ProductId, ProfileUpdate, RawRequest, SkuId, UserId,
};
use serde_json::{Value, json};

use crate::{
    failed, knowing, lines, of_each_kind, of_each_kind_that_takes_orders, order_from_cart, reads, route,
    routes,
};

fn money(amount: &str, currency: &str) -> Money {
    Money::new(amount.parse().unwrap(), Currency::new(currency))
}

/// All calls for orders.
async fn orders(market: &MarketClient, phone: &str) {
    let (cart, orders) = (market.cart(), market.orders());
    assert_eq!(failed(orders.place(order_from_cart()).await).code(), ErrorCode::Rejected, "an empty cart");
    cart.add(SkuId(101), 1).await.unwrap();
    let two = NewOrder::of_items("Ann", phone, "1 Main St", [(SkuId(42), 2)]);
    let placed = orders.place(two).await.unwrap();
    assert_eq!(lines(&cart.get().await.unwrap()), [(SkuId(101), 1)], "the cart was not meant");
    assert_eq!(orders.get(placed.id).await.unwrap(), placed);
    assert_eq!(orders.list(OrderQuery::new()).await.unwrap(), std::slice::from_ref(&placed));
    let cancelled = orders.cancel(placed.id).await.unwrap();
    assert_eq!((cancelled.id, cancelled.status), (placed.id, OrderStatus::Cancelled));
    assert_eq!(failed(orders.cancel(placed.id).await).code(), ErrorCode::Rejected, "it is cancelled already");
    assert_eq!(orders.list(OrderQuery::new().status(OrderStatus::Pending)).await.unwrap(), []);
    let sold_out = NewOrder::of_items("Ann", phone, "1 Main St", [(SkuId(105), 1)]);
    assert_eq!(failed(orders.place(sold_out).await).code(), ErrorCode::Rejected);
}

/// All calls for orders, on a server of the first generation.
async fn finds_no_way_to_order(market: &MarketClient) {
    let (cart, orders) = (market.cart(), market.orders());
    cart.add(SkuId(101), 1).await.unwrap();
    let error = failed(orders.place(order_from_cart()).await);
    assert_eq!((error.code(), error.status()), (ErrorCode::Unsupported, Some(404)));
    assert_eq!(lines(&cart.get().await.unwrap()), [(SkuId(101), 1)], "nothing was ordered");
    assert_eq!(orders.list(OrderQuery::new()).await.unwrap(), []);
    assert_eq!(orders.list(OrderQuery::new().status(OrderStatus::Pending)).await.unwrap(), []);
    assert_eq!(failed(orders.get(OrderId(1)).await).code(), ErrorCode::NotFound);
    assert_eq!(failed(orders.cancel(OrderId(1)).await).code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_shopper_of_each_market_goes_through_all_calls_and_a_careful_server_has_nothing_to_say() {
    for dev in of_each_kind() {
        for (phone, market, user, price) in
            [(PHONE, Market::Us, UserId(19), "59.97"), (KG_PHONE, Market::Kg, UserId(1), "4500.00")]
        {
            let currency = market.currency();
            let device = Device::new(&dev);
            let (session, cart) = (device.market.session(), device.market.cart());
            assert_eq!(session.markets().await.unwrap().supported.len(), 2);
            let sign_in = device.sign_in(&dev, phone).await;
            assert_eq!((sign_in.user.id, &sign_in.user.market), (user, &market));
            let status = session.verify_token().await.unwrap();
            assert_eq!(
                (status.valid, status.user_id, status.market.as_ref()),
                (true, Some(user), Some(&market))
            );

            cart.clear().await.unwrap();
            cart.add(SkuId(42), 2).await.unwrap();
            let three = cart.add(SkuId(42), 1).await.unwrap();
            assert_eq!(
                (lines(&three), &three.total_price),
                (vec![(SkuId(42), 3)], &money(price, currency.code()))
            );
            let line = three.items[0].id;
            assert_eq!(lines(&cart.set_quantity(line, 7).await.unwrap()), [(SkuId(42), 7)]);
            assert_eq!(lines(&cart.set_quantity(line, 0).await.unwrap()), []);
            let line = cart.add(SkuId(88), 1).await.unwrap().items[0].id;
            assert_eq!(lines(&cart.remove(line).await.unwrap()), []);
            assert_eq!(failed(cart.remove(line).await).code(), ErrorCode::NotFound);
            // A deployed server runs into its database's constraint.
            let unknown = if dev.dialect == Dialect::Documented {
                (ErrorCode::NotFound, Some(404))
            } else {
                (ErrorCode::Server, Some(500))
            };
            let error = failed(cart.add(SkuId(9999), 1).await);
            assert_eq!((error.code(), error.status()), unknown);

            let wishlist = device.market.wishlist();
            wishlist.clear().await.unwrap();
            wishlist.add(ProductId(15)).await.unwrap();
            wishlist.add(ProductId(15)).await.unwrap();
            let products: Vec<_> =
                wishlist.get().await.unwrap().items.into_iter().map(|item| item.product.id).collect();
            assert_eq!(products, [ProductId(15)], "adding twice adds once");
            assert_eq!(wishlist.remove(ProductId(15)).await.unwrap().items, []);
            assert_eq!(failed(wishlist.remove(ProductId(15)).await).code(), ErrorCode::NotFound);

            if dev.dialect == Dialect::G1 {
                finds_no_way_to_order(&device.market).await;
            } else {
                orders(&device.market, phone).await;
            }
            session.logout().await.unwrap();
        }
        let log = dev.settled().await;
        assert!(log.len() > 40, "{}", log.len());
        for request in &log {
            // Before a phone is given no market is known; from then on it is in header and query.
            assert_eq!(request.complaints, Vec::<String>::new(), "{request:?}");
            assert!(!request.headers.contains_key("cookie") && !request.aborted, "{request:?}");
        }
    }
}

#[tokio::test]
async fn on_each_kind_of_server_cart_and_wishlist_work_and_a_careful_one_has_nothing_to_say() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        let (cart, wishlist) = (device.market.cart(), device.market.wishlist());
        cart.clear().await.unwrap();
        let line = cart.add(SkuId(42), 1).await.unwrap().items[0].id;
        assert_eq!(lines(&cart.set_quantity(line, 3).await.unwrap()), [(SkuId(42), 3)]);
        assert_eq!(cart.get().await.unwrap().total_price, money("59.97", "USD"));
        assert_eq!(lines(&cart.set_quantity(line, 0).await.unwrap()), []);
        wishlist.clear().await.unwrap();
        wishlist.add(ProductId(15)).await.unwrap();
        wishlist.add(ProductId(15)).await.unwrap();
        let listed = wishlist.get().await.unwrap();
        assert_eq!((listed.items.len(), listed.items[0].product.id), (1, ProductId(15)));
        assert_eq!(wishlist.remove(ProductId(15)).await.unwrap().items, []);
        assert_eq!(device.market.orders().list(OrderQuery::new()).await.unwrap(), []);
        device.market.session().profile().await.unwrap();
        device.market.session().logout().await.unwrap();
        for request in dev.settled().await {
            assert_eq!(request.complaints, Vec::<String>::new(), "{request:?}");
        }
    }
}

#[tokio::test]
async fn the_profile_is_read_and_changed_and_the_change_stays() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        let session = device.market.session();
        let before = session.profile().await.unwrap();
        assert_eq!((before.id, before.full_name, before.market), (UserId(19), None, Some(Market::Us)));
        assert_eq!(before.phone.unwrap().as_str(), PHONE);
        let changed = session.update_profile(ProfileUpdate::new().full_name("Анна Example")).await.unwrap();
        assert_eq!(changed.full_name.as_deref(), Some("Анна Example"));
        let changed =
            session.update_profile(ProfileUpdate::new().profile_image_url("/ann.jpg")).await.unwrap();
        assert_eq!(changed.full_name.as_deref(), Some("Анна Example"), "what is not set stays");
        assert_eq!(session.profile().await.unwrap(), changed);
    }
}

#[tokio::test]
async fn a_wrong_code_a_used_code_and_a_fourth_code_are_told_apart() {
    for dev in of_each_kind() {
        let device = Device::new(&dev);
        let session = device.market.session();
        session.request_code(PHONE).await.unwrap();
        let code = dev.code(PHONE).await;
        let wrong = if code == "1234" { "4321" } else { "1234" };
        assert_eq!(failed(session.verify_code(PHONE, wrong).await).code(), ErrorCode::WrongCode);
        session.verify_code(PHONE, &code).await.unwrap();
        assert_eq!(
            failed(session.verify_code(PHONE, &code).await).code(),
            ErrorCode::WrongCode,
            "it is used"
        );
        assert!(session.state().is_signed_in(), "who was signed in still is");
        session.request_code(PHONE).await.unwrap();
        session.request_code(PHONE).await.unwrap();
        let error = failed(session.request_code(PHONE).await);
        assert_eq!(error.code(), ErrorCode::RateLimited, "{error:?}");
        assert!(error.retry_after().is_some());
    }
}

#[tokio::test]
async fn orders_are_a_stream_over_several_pages_newest_first() {
    for dev in of_each_kind() {
        let device = knowing(&dev).await;
        let orders = device.market.orders();
        let mut placed = Vec::new();
        // The first generation takes no orders: there the stream ends with its first page.
        let count = if dev.dialect == Dialect::G1 { 0 } else { 5 };
        for quantity in 1..=count {
            let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), quantity)]);
            placed.insert(0, orders.place(order).await.unwrap());
        }
        dev.clear_requests().await;
        let streamed: Vec<_> = orders.stream(OrderQuery::new().limit(2)).try_collect().await.unwrap();
        assert_eq!(streamed, placed);
        let pages: Vec<_> =
            dev.settled().await.iter().map(|request| (route(request), request.query.clone())).collect();
        let offsets: &[_] = if dev.dialect == Dialect::G1 { &[0] } else { &[0, 2, 4] };
        let page = |offset| (reads(&dev).orders.to_owned(), format!("limit=2&offset={offset}&market=us"));
        assert_eq!(pages, offsets.iter().map(page).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_stream_of_orders_that_is_dropped_reads_no_further_page() {
    // On the first generation no order can be placed, so there is no second page.
    for dev in of_each_kind_that_takes_orders() {
        let device = Device::signed_in(&dev, PHONE).await;
        let orders = device.market.orders();
        for _ in 0..3 {
            orders.place(NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)])).await.unwrap();
        }
        dev.clear_requests().await;
        let mut stream = orders.stream(OrderQuery::new().limit(1));
        stream.try_next().await.unwrap().unwrap();
        drop(stream);
        orders.list(OrderQuery::new()).await.unwrap();
        assert_eq!(routes(&dev.settled().await), ["GET /orders", "GET /orders"]);
    }
}

#[tokio::test]
async fn any_other_route_is_reached_through_the_same_door() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        let market = &device.market;
        let profile = market.request(RawRequest::new(Method::Get, "/auth/profile")).await.unwrap();
        assert_eq!(profile.json::<Value>().unwrap()["phone_number"], PHONE);
        // This door adds nothing to a body: the second generation wants to be told the user, the others do not look.
        let body = json!({"user_id": 19, "sku_id": 42, "quantity": 1});
        let add = RawRequest::new(Method::Post, "/cart/items").json(&body).unwrap();
        assert_eq!(market.request(add).await.unwrap().status(), 200);
        assert_eq!(lines(&market.cart().get().await.unwrap()), [(SkuId(42), 1)]);
        let missing = market.request(RawRequest::new(Method::Get, "/products")).await;
        assert_eq!(failed(missing).code(), ErrorCode::Unsupported);
        let bare = RawRequest::new(Method::Get, "/auth/profile").without_session();
        assert_eq!(failed(market.request(bare).await).status(), Some(401), "no token went with it");
        assert!(market.session().state().is_signed_in());
        dev.expire_sessions().await;
        let expired = market.request(RawRequest::new(Method::Get, "/auth/profile")).await;
        assert_eq!(failed(expired).code(), ErrorCode::SessionExpired);
        assert!(!market.session().state().is_signed_in());
    }
}

#[tokio::test]
async fn p11_writes_made_at_once_reach_the_server_one_after_another_in_their_order() {
    for dev in of_each_kind() {
        let device = knowing(&dev).await;
        let cart = device.market.cart();
        let adds =
            futures_util::future::join_all((1..=10).map(|quantity| cart.add(SkuId(42), quantity))).await;
        let seen: Vec<i64> = adds.into_iter().map(|cart| cart.unwrap().items[0].quantity).collect();
        assert_eq!(seen, [1, 3, 6, 10, 15, 21, 28, 36, 45, 55], "each saw those before it");
        let log = dev.settled().await;
        let quantities: Vec<_> =
            log.iter().map(|request| request.body.clone().unwrap()["quantity"].clone()).collect();
        assert_eq!(quantities, (1..=10).map(|quantity| json!(quantity)).collect::<Vec<_>>());
    }
}
