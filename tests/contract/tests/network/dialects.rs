//! Every call works on servers of each kind, with no switch; and a server that is upgraded is noticed.

use market_dev_server::{DevServer, Dialect, LoggedRequest};
use market_sdk::{
    ErrorCode, MarketClient, Method, NewOrder, OrderId, OrderQuery, OrderStatus, ProductId, ProfileUpdate,
    RawRequest, SkuId,
};

use crate::{DIALECTS, client, server, sign_in};

fn order() -> NewOrder {
    NewOrder::from_cart("Ann", crate::PHONE, "1 Main St")
}

/// The requests since the last look, as method, path and status.
async fn requests(server: &DevServer) -> Vec<(String, u16)> {
    let requests = server.settled_requests().await;
    server.clear_requests();
    let line = |request: &LoggedRequest| {
        let path = request.path.strip_prefix("/api/v1").unwrap();
        (format!("{} {path}", request.method), request.status.unwrap())
    };
    requests.iter().map(line).collect()
}

fn seen(lines: &[(&str, u16)]) -> Vec<(String, u16)> {
    lines.iter().map(|(line, status)| ((*line).to_owned(), *status)).collect()
}

#[tokio::test]
async fn every_call_works_on_every_server_that_has_it() {
    for dialect in DIALECTS {
        let server = server(dialect).await;
        let market = client(&server);
        sign_in(&server, &market).await;
        let session = market.session();
        assert_eq!(session.profile().await.unwrap().id.0, 19);
        let update = ProfileUpdate::new().full_name("Ann Example");
        assert_eq!(session.update_profile(update).await.unwrap().full_name.as_deref(), Some("Ann Example"));
        assert!(session.verify_token().await.unwrap().valid);
        assert_eq!(session.markets().await.unwrap().supported.len(), 2);

        let cart = market.cart();
        assert!(cart.clear().await.unwrap().items.is_empty(), "{dialect:?}: a cart that was never read");
        let line = cart.add(SkuId(101), 5).await.unwrap().items[0].id;
        let read = cart.get().await.unwrap();
        assert_eq!(read.total_price.to_string(), "USD 99.95", "{dialect:?}: whatever the float noise");
        assert_eq!(cart.set_quantity(line, 3).await.unwrap().items[0].quantity, 3);
        assert!(cart.remove(line).await.unwrap().items.is_empty());
        assert_eq!(cart.remove(line).await.unwrap_err().code(), ErrorCode::NotFound);

        let wishlist = market.wishlist();
        assert!(wishlist.clear().await.unwrap().items.is_empty(), "{dialect:?}: one that was never read");
        assert_eq!(wishlist.add(ProductId(15)).await.unwrap().items[0].product.id, ProductId(15));
        assert_eq!(wishlist.add(ProductId(15)).await.unwrap().items.len(), 1);
        assert_eq!(wishlist.get().await.unwrap().items.len(), 1);
        assert!(wishlist.remove(ProductId(15)).await.unwrap().items.is_empty());
        assert_eq!(wishlist.remove(ProductId(15)).await.unwrap_err().code(), ErrorCode::NotFound);

        cart.add(SkuId(42), 2).await.unwrap();
        let orders = market.orders();
        if dialect == Dialect::G1 {
            assert_eq!(orders.place(order()).await.unwrap_err().code(), ErrorCode::Unsupported);
            assert_eq!(orders.list(OrderQuery::new()).await.unwrap(), []);
            assert_eq!(orders.get(OrderId(1)).await.unwrap_err().code(), ErrorCode::NotFound);
        } else {
            let placed = orders.place(order()).await.unwrap();
            assert_eq!(orders.list(OrderQuery::new()).await.unwrap()[0].id, placed.id);
            let pending = orders.list(OrderQuery::new().status(OrderStatus::Pending)).await.unwrap();
            assert_eq!(pending.len(), 1);
            assert_eq!(orders.get(placed.id).await.unwrap().items[0].quantity, 2);
            assert_eq!(orders.cancel(placed.id).await.unwrap().status, OrderStatus::Cancelled);
            assert_eq!(orders.cancel(placed.id).await.unwrap_err().code(), ErrorCode::Rejected);
        }
        let raw = RawRequest::new(Method::Get, "/auth/profile");
        assert_eq!(market.request(raw).await.unwrap().status(), 200);
        session.logout().await.unwrap();

        // A careful client: the market in header and query wherever there is a session, and no more.
        let complaints: Vec<_> =
            server.settled_requests().await.into_iter().flat_map(|request| request.complaints).collect();
        assert_eq!(complaints, [] as [String; 0], "{dialect:?}");
    }
}

#[tokio::test]
async fn what_a_server_is_like_is_paid_for_once() {
    let g1 = server(Dialect::G1).await;
    let market = client(&g1);
    sign_in(&g1, &market).await;
    requests(&g1).await;
    market.cart().get().await.unwrap();
    assert_eq!(requests(&g1).await, seen(&[("GET /cart", 307), ("GET /cart/", 200)]));
    market.cart().get().await.unwrap();
    market.cart().clear().await.unwrap();
    assert_eq!(requests(&g1).await, seen(&[("GET /cart/", 200), ("DELETE /cart/", 200)]));
    market.orders().list(OrderQuery::new()).await.unwrap();
    assert_eq!(requests(&g1).await, seen(&[("GET /orders", 404), ("GET /profile/orders", 200)]));
    market.orders().list(OrderQuery::new()).await.unwrap();
    assert_eq!(requests(&g1).await, seen(&[("GET /profile/orders", 200)]));

    let g2 = server(Dialect::G2).await;
    let market = client(&g2);
    sign_in(&g2, &market).await;
    requests(&g2).await;
    market.wishlist().get().await.unwrap();
    let asked = [("GET /wishlist", 307), ("GET /wishlist/", 400), ("POST /wishlist/get", 200)];
    assert_eq!(requests(&g2).await, seen(&asked));
    market.wishlist().add(ProductId(15)).await.unwrap();
    market.wishlist().get().await.unwrap();
    assert_eq!(requests(&g2).await, seen(&[("POST /wishlist/add", 200), ("POST /wishlist/get", 200)]));
}

/// What an upgrade makes a call cost: what was sent for it, the refusal first.
async fn costs<T>(
    server: &DevServer,
    call: impl Future<Output = market_sdk::Result<T>>,
) -> Vec<(String, u16)> {
    server.clear_requests();
    call.await.expect("the call works");
    requests(server).await
}

/// Placing an order is one way to learn where orders are: here somebody else does it.
async fn another_device_orders(server: &DevServer) {
    let device = client(server);
    sign_in(server, &device).await;
    device.orders().place(order()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_upgraded_under_a_running_client_is_noticed() {
    let server = server(Dialect::G1).await;
    let market = client(&server);
    sign_in(&server, &market).await;
    market.cart().get().await.unwrap();
    market.wishlist().get().await.unwrap();
    market.orders().list(OrderQuery::new()).await.unwrap();

    server.set_dialect(Dialect::G2);
    let wishlist = market.wishlist();
    let cost = costs(&server, wishlist.get()).await;
    assert_eq!(cost, seen(&[("GET /wishlist/", 400), ("POST /wishlist/get", 200)]), "one call more");
    market.cart().add(SkuId(42), 1).await.unwrap();
    another_device_orders(&server).await;
    let orders = market.orders();
    let cost = costs(&server, orders.list(OrderQuery::new())).await;
    assert_eq!(cost, seen(&[("GET /profile/orders", 500), ("GET /orders", 200)]), "one call more");
    assert_eq!(costs(&server, orders.list(OrderQuery::new())).await, seen(&[("GET /orders", 200)]));

    server.set_dialect(Dialect::Documented);
    // A documented server does not read what a deployed one says in a token.
    sign_in(&server, &market).await;
    let cost = costs(&server, wishlist.add(ProductId(15))).await;
    let noticed = [
        ("POST /wishlist/add", 404),
        ("GET /wishlist/", 307),
        ("GET /wishlist", 200),
        ("POST /wishlist/items", 200),
    ];
    assert_eq!(cost, seen(&noticed));
    let cart = market.cart();
    assert_eq!(costs(&server, cart.get()).await, seen(&[("GET /cart/", 307), ("GET /cart", 200)]));
    assert_eq!(costs(&server, cart.get()).await, seen(&[("GET /cart", 200)]));
}

#[tokio::test]
async fn many_calls_that_find_the_server_changed_ask_it_once() {
    let server = server(Dialect::Documented).await;
    let market = client(&server);
    sign_in(&server, &market).await;
    market.wishlist().get().await.unwrap();
    server.set_dialect(Dialect::G2);
    server.clear_requests();
    let add = |market: MarketClient| async move { market.wishlist().add(ProductId(15)).await };
    let adds: Vec<_> = (0..20).map(|_| tokio::spawn(add(market.clone()))).collect();
    for add in adds {
        add.await.unwrap().unwrap();
    }
    let asked = requests(&server).await;
    let count = |what: &str| asked.iter().filter(|(line, _)| line == what).count();
    assert_eq!(count("POST /wishlist/get"), 1, "{asked:?}");
    assert_eq!(count("POST /wishlist/add"), 20);
}

#[tokio::test]
async fn many_lists_of_orders_that_find_the_server_upgraded_ask_it_once_and_all_work() {
    let server = server(Dialect::G1).await;
    let market = client(&server);
    sign_in(&server, &market).await;
    market.orders().list(OrderQuery::new()).await.unwrap();
    server.set_dialect(Dialect::G2);
    market.cart().add(SkuId(42), 1).await.unwrap();
    another_device_orders(&server).await;
    server.clear_requests();
    let list = |market: MarketClient| async move { market.orders().list(OrderQuery::new()).await };
    let lists: Vec<_> = (0..8).map(|_| tokio::spawn(list(market.clone()))).collect();
    for list in lists {
        assert_eq!(list.await.unwrap().unwrap().len(), 1);
    }
    let asked = requests(&server).await;
    let count = |what: &str| asked.iter().filter(|(line, _)| line == what).count();
    assert_eq!((count("GET /profile/orders"), count("GET /orders")), (8, 8), "{asked:?}");
}

#[tokio::test]
async fn a_server_of_the_first_generation_is_known_for_one_though_its_list_of_orders_fails() {
    let server = server(Dialect::G2).await;
    let market = client(&server);
    sign_in(&server, &market).await;
    market.cart().add(SkuId(42), 1).await.unwrap();
    let placed = market.orders().place(order()).await.unwrap();
    // The same shop as the first generation has it: an order with items fails its list.
    server.set_dialect(Dialect::G1);
    let market = client(&server);
    sign_in(&server, &market).await;
    server.clear_requests();
    let orders = market.orders();
    assert_eq!(orders.list(OrderQuery::new()).await.unwrap_err().code(), ErrorCode::Server);
    assert_eq!(requests(&server).await, seen(&[("GET /orders", 404), ("GET /profile/orders", 500)]));
    assert_eq!(orders.list(OrderQuery::new()).await.unwrap_err().code(), ErrorCode::Server);
    let asked_once_more = [("GET /profile/orders", 500), ("GET /orders", 404)];
    assert_eq!(requests(&server).await, seen(&asked_once_more));
    assert_eq!(orders.list(OrderQuery::new()).await.unwrap_err().code(), ErrorCode::Server);
    assert_eq!(requests(&server).await, seen(&[("GET /profile/orders", 500)]), "and then not for a while");
    let fresh = client(&server);
    sign_in(&server, &fresh).await;
    assert_eq!(
        fresh.orders().get(placed.id).await.unwrap_err().code(),
        ErrorCode::Server,
        "it was asked for"
    );
    assert_eq!(fresh.orders().cancel(placed.id).await.unwrap().status, OrderStatus::Cancelled);
}

#[tokio::test]
async fn p1_the_wishlist_that_looks_at_no_token_is_asked_for_nobody_but_the_user_who_is_signed_in() {
    let server = server(Dialect::G2).await;
    let market = client(&server);
    assert_eq!(market.wishlist().get().await.unwrap_err().code(), ErrorCode::NotSignedIn);
    sign_in(&server, &market).await;
    market.wishlist().add(ProductId(15)).await.unwrap();
    let named: Vec<_> = server
        .settled_requests()
        .await
        .into_iter()
        .filter(|request| request.path.contains("/wishlist/") && request.method == "POST")
        .filter_map(|request| request.body.map(|body| body["user_id"].clone()))
        .filter(|user| !user.is_null())
        .collect();
    assert!(!named.is_empty() && named.iter().all(|user| user == 19), "{named:?}");
    market.session().logout().await.unwrap();
    server.clear_requests();
    assert_eq!(market.wishlist().get().await.unwrap_err().code(), ErrorCode::NotSignedIn);
    assert!(server.settled_requests().await.is_empty());
}
