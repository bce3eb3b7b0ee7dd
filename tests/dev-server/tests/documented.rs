//! The documented dialect, call by call, over real sockets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{Ask, KG_PHONE, US_PHONE, sign_in};
use market_dev_server::DevServer;
use serde_json::{Value, json};

async fn server() -> DevServer {
    DevServer::builder().start().await.unwrap()
}

async fn shopper(server: &DevServer) -> String {
    sign_in(server, US_PHONE).await.0
}

async fn get(server: &DevServer, token: &str, path: &str) -> common::Answer {
    Ask::api(server, "GET", path).token(token).send().await
}

async fn add(server: &DevServer, token: &str, sku: i64, quantity: i64) -> common::Answer {
    let body = json!({"sku_id": sku, "quantity": quantity});
    Ask::api(server, "POST", "/cart/items").token(token).json(body).send().await
}

fn order(more: Value) -> Value {
    let mut order = json!({
        "customer_name": "Ann", "customer_phone": US_PHONE, "delivery_address": "1 Main St", "payment_method": "cash",
    });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

async fn place(server: &DevServer, token: &str, more: Value) -> common::Answer {
    Ask::api(server, "POST", "/orders/create").token(token).json(order(more)).send().await
}

#[tokio::test]
async fn signing_in_gives_a_token_and_the_first_us_user_is_number_19() {
    let server = server().await;
    let (token, answer) = sign_in(&server, US_PHONE).await;
    assert_eq!(answer, json!({"access_token": token, "user": {"id": 19, "phone": US_PHONE}}));
    let (_, answer) = sign_in(&server, KG_PHONE).await;
    assert_eq!(answer["user"]["id"], 1);
    let (_, again) = sign_in(&server, US_PHONE).await;
    assert_eq!(again["user"]["id"], 19);
}

#[tokio::test]
async fn a_code_works_once_and_not_after_its_time() {
    let server = server().await;
    let ask = json!({"phone": US_PHONE});
    Ask::api(&server, "POST", "/auth/send-verification").json(ask.clone()).send().await;
    let code = server.code(US_PHONE).unwrap().unwrap();
    let verify = json!({"phone": US_PHONE, "verification_code": code});
    let verify = Ask::api(&server, "POST", "/auth/verify-code").json(verify);
    assert_eq!(verify.send().await.status, 200);
    let again = verify.send().await;
    assert_eq!(
        (again.status, again.json()),
        (400, json!({"detail": "Invalid or expired verification code"}))
    );

    Ask::api(&server, "POST", "/auth/send-verification").json(ask).send().await;
    let code = server.code(US_PHONE).unwrap().unwrap();
    server.advance_clock(15 * 60 + 1);
    assert_eq!(server.code(US_PHONE).unwrap(), None);
    let verify = json!({"phone": US_PHONE, "verification_code": code});
    assert_eq!(Ask::api(&server, "POST", "/auth/verify-code").json(verify).send().await.status, 400);
}

#[tokio::test]
async fn the_fourth_code_within_15_minutes_is_refused_unless_limits_are_off() {
    let server = server().await;
    let ask = Ask::api(&server, "POST", "/auth/send-verification").json(json!({"phone": US_PHONE}));
    for _ in 0..3 {
        assert_eq!(ask.send().await.status, 200);
    }
    let fourth = ask.send().await;
    let text = "Too many verification attempts. Please wait 15 minutes.";
    assert_eq!((fourth.status, fourth.json()), (422, json!({"detail": text})));
    server.advance_clock(15 * 60 + 1);
    assert_eq!(ask.send().await.status, 200);

    let server = DevServer::builder().rate_limits(false).start().await.unwrap();
    for _ in 0..5 {
        sign_in(&server, US_PHONE).await;
    }
}

#[tokio::test]
async fn a_code_asked_for_and_verified_in_the_wrong_market_is_burned() {
    let server = server().await;
    let ask = |path: &str, market: &str, body| {
        Ask::api(&server, "POST", path).header("x-market", market).json(body)
    };
    ask("/auth/send-verification", "kg", json!({"phone": US_PHONE})).send().await;
    let code = server.code(US_PHONE).unwrap().unwrap();
    let verify = json!({"phone": US_PHONE, "verification_code": code});
    let answer = ask("/auth/verify-code", "kg", verify.clone()).send().await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["detail"], format!("Invalid KG phone number format: {US_PHONE}"));
    assert_eq!(server.code(US_PHONE).unwrap(), None);

    // With the contradiction on one side alone the code stays good.
    ask("/auth/send-verification", "us", json!({"phone": US_PHONE})).send().await;
    let code = server.code(US_PHONE).unwrap().unwrap();
    let verify = json!({"phone": US_PHONE, "verification_code": code});
    assert_eq!(ask("/auth/verify-code", "kg", verify.clone()).send().await.status, 400);
    assert_eq!(ask("/auth/verify-code", "us", verify).send().await.status, 200);
}

#[tokio::test]
async fn malformed_sign_ins_are_422_with_a_list_that_echoes_the_input() {
    let server = server().await;
    let answer = Ask::api(&server, "POST", "/auth/send-verification").json(json!({"phone": "12345"}));
    let answer = answer.send().await;
    assert_eq!(answer.status, 422);
    let fault = &answer.json()["detail"][0];
    assert_eq!(fault["loc"], json!(["body", "phone"]));
    assert_eq!((&fault["input"], &fault["ctx"]), (&json!("12345"), &json!({"error": {}})));

    for code in [json!("12ab56"), json!("123"), json!("123456789"), json!(123456)] {
        let body = json!({"phone": US_PHONE, "verification_code": code});
        let answer = Ask::api(&server, "POST", "/auth/verify-code").json(body).send().await;
        assert_eq!(answer.status, 422, "{code}");
        assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", "verification_code"]));
    }
    let broken = Ask::api(&server, "POST", "/auth/verify-code").header("content-type", "application/json");
    let answer = broken.text("{\"phone\":\"+1").send().await;
    assert_eq!((answer.status, &answer.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
}

#[tokio::test]
async fn two_sign_ins_of_one_second_give_the_same_token() {
    let server = server().await;
    loop {
        server.reset().unwrap();
        let before = server.now();
        let (first, second) = (shopper(&server).await, shopper(&server).await);
        if server.now() == before {
            assert_eq!(first, second);
            break;
        }
    }
}

#[tokio::test]
async fn a_token_ends_by_time_by_logout_and_by_command() {
    let server = server().await;
    let token = shopper(&server).await;
    assert_eq!(get(&server, &token, "/auth/verify-token").await.status, 200);
    server.advance_clock(1799);
    assert_eq!(get(&server, &token, "/cart").await.status, 200);
    server.advance_clock(1);
    let late = get(&server, &token, "/cart").await;
    assert_eq!((late.status, late.json()), (401, json!({"detail": "Invalid token"})));
    assert_eq!(late.header("www-authenticate"), None);

    let token = shopper(&server).await;
    let out = Ask::api(&server, "POST", "/auth/logout").token(&token).send().await;
    assert_eq!((out.status, out.json().as_object().unwrap().len()), (200, 1));
    assert_eq!(get(&server, &token, "/cart").await.status, 401);
    let fresh = shopper(&server).await;
    assert_eq!(get(&server, &token, "/cart").await.status, 200, "a sign-in makes the user active again");

    server.expire_sessions().unwrap();
    assert_eq!(get(&server, &fresh, "/cart").await.status, 401);
    server.advance_clock(900);
    assert_eq!(get(&server, &shopper(&server).await, "/cart").await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_not_the_servers_own_is_401() {
    let server = server().await;
    let token = shopper(&server).await;
    let cart = || Ask::api(&server, "GET", "/cart");
    assert_eq!(cart().send().await.json()["detail"], "Missing authorization header");
    assert_eq!(cart().header("authorization", &format!("Basic {token}")).send().await.status, 401);
    assert_eq!(cart().header("authorization", &format!("bEaReR {token}")).send().await.status, 200);
    assert_eq!(cart().token(&format!("{token}x")).send().await.status, 401);
    let exp = server.now() + 60;
    let claims = |claims: Value| server.token(&claims);
    assert_eq!(
        get(&server, &claims(json!({"user_id": 19, "market": "us", "exp": exp})), "/cart").await.status,
        200
    );
    for claims in [
        json!({"user_id": 19, "market": "us"}),
        json!({"user_id": 20, "market": "us", "exp": exp}),
        json!({"user_id": 19, "market": "zz", "exp": exp}),
        json!({"sub": "19", "market": "us", "exp": exp}),
    ] {
        assert_eq!(get(&server, &server.token(&claims), "/cart").await.status, 401, "{claims}");
    }
}

#[tokio::test]
async fn the_profile_is_read_and_changed() {
    let server = server().await;
    let token = shopper(&server).await;
    let profile = get(&server, &token, "/auth/profile").await.json();
    assert_eq!((&profile["id"], &profile["full_name"]), (&json!("19"), &Value::Null));
    assert_eq!(profile["formatted_phone"], "+1 (312) 805-9851");
    let put = async |body| Ask::api(&server, "PUT", "/auth/profile").token(&token).json(body).send().await;
    assert_eq!(put(json!({"full_name": "Ann"})).await.json()["user"]["name"], "Ann");
    assert_eq!(put(json!({"full_name": null})).await.json()["user"]["name"], "Ann");
    assert_eq!(put(json!({"full_name": ""})).await.status, 422);
    let verified = get(&server, &token, "/auth/verify-token").await.json();
    assert_eq!((&verified["user_id"], &verified["market"]), (&json!(19), &json!("us")));
}

#[tokio::test]
async fn markets_need_no_token() {
    let server = server().await;
    let answer = Ask::api(&server, "GET", "/auth/markets").send().await;
    assert_eq!(answer.json()["supported_markets"][1]["currency_code"], "USD");
}

#[tokio::test]
async fn a_cart_is_filled_changed_and_emptied() {
    let server = server().await;
    let token = shopper(&server).await;
    let call = async |method: &str, path: &str| Ask::api(&server, method, path).token(&token).send().await;
    let unread = call("DELETE", "/cart").await;
    assert_eq!((unread.status, unread.json()), (404, json!({"detail": "Cart not found"})));
    assert_eq!(call("GET", "/cart").await.json()["items"], json!([]));

    let cart = add(&server, &token, 42, 2).await.json();
    let line = cart["items"][0]["id"].as_i64().unwrap();
    assert_eq!((&cart["total_price"], &cart["user_id"]), (&json!(39.98), &json!(19)));
    assert_eq!(add(&server, &token, 42, 1).await.json()["items"][0]["quantity"], 3);
    let set = call("PUT", &format!("/cart/items/{line}?quantity=5")).await;
    assert!(set.text.contains("99.94999999999999"), "sums carry float noise: {}", set.text);
    assert_eq!(call("PUT", &format!("/cart/items/{line}")).await.status, 422);
    assert_eq!(call("PUT", "/cart/items/999?quantity=5").await.json()["detail"], "Cart item not found");
    for quantity in [0, 101] {
        assert_eq!(add(&server, &token, 42, quantity).await.status, 422);
        assert_eq!(call("PUT", &format!("/cart/items/{line}?quantity={quantity}")).await.status, 422);
    }
    assert_eq!(add(&server, &token, 9999, 1).await.status, 404);
    assert_eq!(call("DELETE", &format!("/cart/items/{line}")).await.json()["total_items"], 0);
    assert_eq!(call("DELETE", &format!("/cart/items/{line}")).await.status, 404);
    add(&server, &token, 88, 1).await;
    assert_eq!(call("DELETE", "/cart").await.json()["items"], json!([]));
}

#[tokio::test]
async fn parallel_adds_lose_nothing() {
    let server = server().await;
    let token = shopper(&server).await;
    let adds = (0..8).map(|_| add(&server, &token, 42, 1));
    futures_util::future::join_all(adds).await;
    assert_eq!(get(&server, &token, "/cart").await.json()["items"][0]["quantity"], 8);
}

#[tokio::test]
async fn a_wishlist_is_filled_and_emptied() {
    let server = server().await;
    let token = shopper(&server).await;
    let call = async |method: &str, path: &str| Ask::api(&server, method, path).token(&token).send().await;
    let add = async |id: i64| {
        let body = json!({"product_id": id});
        Ask::api(&server, "POST", "/wishlist/items").token(&token).json(body).send().await
    };
    assert_eq!(call("DELETE", "/wishlist").await.json()["detail"], "Wishlist not found");
    let list = add(15).await.json();
    assert_eq!(list["items"][0]["product"], json!({"id": 15, "title": "Silk Scarf", "price": 24.5}));
    assert_eq!(add(15).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(add(9999).await.status, 404);
    assert_eq!(call("DELETE", "/wishlist/items/15").await.json()["items"], json!([]));
    assert_eq!(call("DELETE", "/wishlist/items/15").await.status, 404);
    add(12).await;
    assert_eq!(call("DELETE", "/wishlist").await.json()["items"], json!([]));
    assert_eq!(call("GET", "/wishlist").await.json()["user_id"], 19);
}

#[tokio::test]
async fn an_order_from_the_cart_takes_stock_and_empties_the_cart() {
    let server = server().await;
    let token = shopper(&server).await;
    assert_eq!(place(&server, &token, json!({})).await.json()["detail"], "Your cart is empty");
    add(&server, &token, 42, 2).await;
    let order = place(&server, &token, json!({})).await.json();
    assert_eq!((&order["order_number"], &order["currency"]), (&json!("#1001"), &json!("KGS")));
    assert_eq!((&order["shipping_cost"], &order["total_amount"]), (&json!(150.0), &json!(189.98)));
    assert_eq!(order["items"][0]["sku_code"], "LM-010-ONE-NAT");
    let stored = server.stored().unwrap();
    assert_eq!(stored["us"]["stock"]["42"], 998);
    assert_eq!(stored["us"]["carts"][0]["items"], json!([]));
    assert_eq!(stored["kg"]["orders"], json!([]));
}

#[tokio::test]
async fn an_order_of_given_items_empties_the_cart_unless_told_not_to() {
    let server = server().await;
    let token = shopper(&server).await;
    let items = json!([{"sku_id": 88, "quantity": 1}]);
    add(&server, &token, 42, 2).await;
    place(&server, &token, json!({"items": items, "use_cart": false})).await;
    assert_eq!(get(&server, &token, "/cart").await.json()["total_items"], 1);
    place(&server, &token, json!({"items": items})).await;
    assert_eq!(get(&server, &token, "/cart").await.json()["total_items"], 0);
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_and_changes_nothing() {
    let server = server().await;
    let token = shopper(&server).await;
    let items = async |items: Value| {
        let answer = place(&server, &token, json!({"use_cart": false, "items": items})).await;
        (answer.status, answer.json()["detail"].clone())
    };
    let line = |sku: i64, quantity: i64| json!({"sku_id": sku, "quantity": quantity});
    let (status, text) = items(json!([line(42, 1), line(105, 1)])).await;
    assert_eq!(
        (status, text),
        (400, json!("Product 'Winter Boots' (size: 43, color: Brown) is out of stock"))
    );
    let (status, text) = items(json!([line(104, 3)])).await;
    assert_eq!(status, 400);
    assert_eq!(text, "Not enough stock for 'Denim Jacket' (size: M, color: Blue). Available: 2");
    assert_eq!(items(json!([line(9999, 1)])).await.0, 404);
    let (status, list) = items(json!([line(42, 1), line(42, 101)])).await;
    assert_eq!((status, &list[0]["loc"]), (422, &json!(["body", "items", 1, "quantity"])));
    let bad = [
        json!({"customer_phone": "1"}),
        json!({"delivery_address": "Here"}),
        json!({"customer_name": ""}),
        json!({"delivery_notes": "x".repeat(501)}),
    ];
    for more in bad {
        let answer = place(&server, &token, more).await;
        assert_eq!((answer.status, answer.json()["detail"].as_array().unwrap().len()), (422, 1));
    }
    assert_eq!(server.stored().unwrap()["us"]["stock"]["42"], 1000);
    assert_eq!(server.stored().unwrap()["us"]["orders"], json!([]));
}

#[tokio::test]
async fn orders_are_listed_newest_first_filtered_shown_and_cancelled_once() {
    let server = server().await;
    let token = shopper(&server).await;
    let items = json!({"use_cart": false, "items": [{"sku_id": 42, "quantity": 1}]});
    for _ in 0..3 {
        place(&server, &token, items.clone()).await;
    }
    let ids = async |query: &str| {
        let list = get(&server, &token, &format!("/orders{query}")).await.json();
        list.as_array().unwrap().iter().map(|order| order["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [3, 2, 1]);
    assert_eq!(ids("?limit=1&offset=1").await, [2]);
    let cancel = async |id: i64| {
        Ask::api(&server, "POST", &format!("/profile/orders/{id}/cancel")).token(&token).send().await
    };
    assert_eq!(cancel(2).await.json()["status"], "cancelled");
    assert_eq!(cancel(2).await.json()["detail"], "Cannot cancel order with status: cancelled");
    assert_eq!(cancel(99).await.status, 404);
    assert_eq!(ids("?status_filter=CANCELLED").await, [2]);
    assert_eq!(ids("?status_filter=pending").await, [3, 1]);
    assert_eq!(get(&server, &token, "/orders/2").await.json()["status"], "cancelled");
    let (other, _) = sign_in(&server, "+13128059852").await;
    assert_eq!(get(&server, &other, "/orders/2").await.status, 404);
    assert_eq!(get(&server, &token, "/orders/abc").await.json()["detail"][0]["loc"][1], "order_id");
}

#[tokio::test]
async fn an_idempotency_key_counts_only_where_it_is_honoured() {
    for (honoured, orders) in [(false, 2), (true, 1)] {
        let server = DevServer::builder().honour_idempotency_key(honoured).start().await.unwrap();
        let token = shopper(&server).await;
        let body = order(json!({"use_cart": false, "items": [{"sku_id": 42, "quantity": 1}]}));
        let ask = Ask::api(&server, "POST", "/orders/create").token(&token).json(body);
        let ask = ask.header("idempotency-key", "\"one\"");
        let (first, second) = (ask.send().await.json(), ask.send().await.json());
        assert_eq!(first == second, honoured);
        assert_eq!(server.stored().unwrap()["us"]["orders"].as_array().unwrap().len(), orders);
    }
}

#[tokio::test]
async fn unknown_routes_wrong_methods_and_wrong_slashes_are_the_frameworks_answers() {
    let server = server().await;
    let ask = |method: &str, path: &str| Ask::api(&server, method, path);
    let missing = ask("GET", "/nothing/here").send().await;
    assert_eq!((missing.status, missing.json()), (404, json!({"detail": "Not Found"})));
    assert_eq!(ask("POST", "/wishlist/get").send().await.json(), json!({"detail": "Not Found"}));
    let wrong = ask("POST", "/cart").send().await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET")));
    let head = ask("HEAD", "/cart").send().await;
    assert_eq!((head.status, head.text.as_str()), (405, ""));
    let slash = ask("GET", "/cart/?market=us").send().await;
    let location = format!("{}/cart?market=us", server.base_url());
    assert_eq!((slash.status, slash.header("location")), (307, Some(location.as_str())));
}

#[tokio::test]
async fn every_answer_is_dated_by_the_servers_clock() {
    let server = server().await;
    server.advance_clock(4_000_000_000 - server.now());
    let answer = Ask::api(&server, "GET", "/nothing").send().await;
    assert!(answer.header("date").unwrap().starts_with("Tue, 02 Oct 2096 07:0"), "{answer:?}");
}
