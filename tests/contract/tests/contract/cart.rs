//! The cart.

use market_contract_tests::shop::Shop;
use market_contract_tests::{answers, assert_is};
use market_sdk::{Cart, CartId, ErrorCode, LineId, SkuId, UserId};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::{failed, money, paths};

fn assert_is_the_cart(cart: &Cart, currency: &str) {
    assert_is!(
        cart,
        Cart {
            id: CartId(5),
            user_id: Some(UserId(19)),
            items: cart.items,
            total_price: money("99.95", currency),
        }
    );
    assert_eq!(cart.items.len(), 1);
    assert_is!(
        cart.items[0],
        CartLine {
            id: LineId(101),
            sku_id: SkuId(42),
            quantity: 5,
            name: "Canvas Bag",
            price: money("19.99", currency),
            image: Some("/b.jpg".to_owned()),
        }
    );
}

#[tokio::test]
async fn the_cart_is_read_in_full_and_its_total_without_float_noise() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/cart", answers::cart()).await;
    assert_is_the_cart(&shop.market.cart().get().await.unwrap(), "USD");
    shop.sent_as_user("GET", "/cart", None).await;
}

#[tokio::test]
async fn prices_are_in_the_currency_of_the_sessions_market_which_every_call_names() {
    let shop = Shop::signed_in_kg().await;
    shop.answers("GET", "/cart", answers::cart()).await;
    assert_is_the_cart(&shop.market.cart().get().await.unwrap(), "KGS");
    shop.sent_as_user("GET", "/cart", None).await;
}

#[tokio::test]
async fn adding_sends_the_sku_the_quantity_and_the_user() {
    let shop = Shop::signed_in().await;
    shop.answers("POST", "/cart/items", answers::cart()).await;
    assert_is_the_cart(&shop.market.cart().add(SkuId(42), 5).await.unwrap(), "USD");
    let body = json!({"sku_id": 42, "quantity": 5, "user_id": 19});
    shop.sent_as_user("POST", "/cart/items", Some(body)).await;
}

#[tokio::test]
async fn setting_a_quantity_sends_it_in_query_and_body() {
    let shop = Shop::signed_in().await;
    shop.answers("PUT", "/cart/items/101", answers::cart()).await;
    assert_is_the_cart(&shop.market.cart().set_quantity(LineId(101), 5).await.unwrap(), "USD");
    shop.sent_as_user("PUT", "/cart/items/101?quantity=5", Some(json!({"quantity": 5}))).await;
}

#[tokio::test]
async fn removing_a_line_and_setting_it_to_zero_are_the_same_call() {
    let shop = Shop::signed_in().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::cart());
    shop.responds("DELETE", "/cart/items/101", answer, 2).await;
    assert_is_the_cart(&shop.market.cart().remove(LineId(101)).await.unwrap(), "USD");
    shop.sent_as_user("DELETE", "/cart/items/101", None).await;
    assert_is_the_cart(&shop.market.cart().set_quantity(LineId(101), 0).await.unwrap(), "USD");
    shop.sent_as_user("DELETE", "/cart/items/101", None).await;
}

#[tokio::test]
async fn clearing_gives_the_empty_cart() {
    let shop = Shop::signed_in().await;
    shop.answers("DELETE", "/cart", answers::empty_cart()).await;
    let cart = shop.market.cart().clear().await.unwrap();
    assert_is!(
        cart,
        Cart { id: CartId(5), user_id: Some(UserId(19)), items: [], total_price: money("0", "USD") }
    );
    shop.sent_as_user("DELETE", "/cart", None).await;
}

#[tokio::test]
async fn clearing_a_cart_that_was_never_made_is_no_error() {
    let shop = Shop::signed_in().await;
    let not_there = ResponseTemplate::new(404).set_body_json(json!({"detail": "Cart not found"}));
    shop.responds("DELETE", "/cart", not_there, 1).await;
    shop.answers("GET", "/cart", answers::empty_cart()).await;
    assert_eq!(shop.market.cart().clear().await.unwrap().items, []);
}

#[tokio::test]
async fn ids_and_amounts_in_strings_absent_optional_fields_and_new_fields_are_read_too() {
    let shop = Shop::signed_in().await;
    let answer = json!({
        "id": "5", "total_price": "1e2", "loyalty": {"points": 3},
        "items": [{"id": "101", "sku_id": "42", "quantity": "-2", "price": "19.990", "image": "", "new": []}],
    });
    shop.answers("GET", "/cart", answer).await;
    let cart = shop.market.cart().get().await.unwrap();
    assert_is!(
        cart,
        Cart { id: CartId(5), user_id: None, items: cart.items, total_price: money("100", "USD") }
    );
    assert_is!(
        cart.items[0],
        CartLine {
            id: LineId(101),
            sku_id: SkuId(42),
            quantity: -2,
            name: "",
            price: money("19.99", "USD"),
            image: None,
        }
    );
}

#[tokio::test]
async fn a_quantity_out_of_bounds_is_refused_before_anything_is_sent() {
    let shop = Shop::signed_in().await;
    let cart = shop.market.cart();
    let mut refused = vec![];
    for quantity in [0, 101, u32::MAX] {
        refused.push(failed(cart.add(SkuId(42), quantity).await));
    }
    for quantity in [101, u32::MAX] {
        refused.push(failed(cart.set_quantity(LineId(101), quantity).await));
    }
    for error in refused {
        assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["quantity"]));
        assert_eq!((error.status(), error.is_retryable()), (None, false));
    }
    assert_eq!(shop.sent().await, []);
}

#[tokio::test]
async fn a_line_that_is_not_there_is_not_found() {
    let shop = Shop::signed_in().await;
    let not_there = ResponseTemplate::new(404).set_body_json(json!({"detail": "Cart item not found"}));
    shop.responds("PUT", "/cart/items/7", not_there.clone(), 1).await;
    shop.responds("DELETE", "/cart/items/7", not_there, 1).await;
    for error in [
        failed(shop.market.cart().set_quantity(LineId(7), 1).await),
        failed(shop.market.cart().remove(LineId(7)).await),
    ] {
        assert_eq!((error.code(), error.status()), (ErrorCode::NotFound, Some(404)));
        assert_eq!(error.message(), "Cart item not found");
    }
}
