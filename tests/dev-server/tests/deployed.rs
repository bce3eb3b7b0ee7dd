//! What the deployed dialects do that no single recorded exchange shows.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{Ask, KG_PHONE, US_PHONE, sign_in};
use futures_util::future::join_all;
use market_dev_server::{DevServer, Dialect};
use serde_json::{Value, json};

const BOTH: [Dialect; 2] = [Dialect::G1, Dialect::G2];

async fn server(dialect: Dialect) -> DevServer {
    DevServer::builder().dialect(dialect).start().await.unwrap()
}

async fn add(server: &DevServer, token: &str, market: &str, quantity: i64) -> common::Answer {
    let body = json!({"user_id": 0, "sku_id": 42, "quantity": quantity});
    let path = format!("/cart/items?market={market}");
    Ask::api(server, "POST", &path).token(token).json(body).send().await
}

fn pieces(cart: &Value) -> i64 {
    cart["items"].as_array().unwrap().iter().map(|line| line["quantity"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn parallel_adds_lose_updates_and_adds_in_turn_do_not() {
    for dialect in BOTH {
        let server = server(dialect).await;
        let (token, _) = sign_in(&server, US_PHONE).await;
        for _ in 0..8 {
            add(&server, &token, "us", 1).await;
        }
        let stored = server.stored().unwrap();
        assert_eq!(pieces(&stored["us"]["carts"][0]), 8, "{dialect}");

        join_all((0..8).map(|_| add(&server, &token, "us", 1))).await;
        let after = pieces(&server.stored().unwrap()["us"]["carts"][0]);
        assert!((9..16).contains(&after), "{dialect}: {after}");
    }
}

#[tokio::test]
async fn two_first_adds_at_once_make_two_lines_of_one_sku() {
    for dialect in BOTH {
        let server = server(dialect).await;
        let (token, _) = sign_in(&server, US_PHONE).await;
        join_all((0..2).map(|_| add(&server, &token, "us", 1))).await;
        let stored = server.stored().unwrap();
        assert_eq!(stored["us"]["carts"][0]["items"].as_array().unwrap().len(), 2, "{dialect}");
    }
}

#[tokio::test]
async fn a_us_user_who_leaves_the_market_out_fills_the_cart_of_a_kg_user() {
    for dialect in BOTH {
        let server = server(dialect).await;
        sign_in(&server, KG_PHONE).await;
        sign_in(&server, US_PHONE).await;
        let (second, answer) = sign_in(&server, "+13128059852").await;
        assert_eq!(answer["user"]["id"], "1", "the second us user has the id of the first kg user");
        let body = json!({"user_id": 1, "sku_id": 42, "quantity": 3});
        let ask = Ask::api(&server, "POST", "/cart/items").token(&second).header("x-market", "us");
        assert_eq!(ask.json(body).send().await.status, 200);
        let stored = server.stored().unwrap();
        assert_eq!(pieces(&stored["kg"]["carts"][0]), 3, "{dialect}");
        let log = server.settled_requests().await;
        assert_eq!(log.last().unwrap().complaints, ["no market in the query"]);
    }
}

#[tokio::test]
async fn a_server_upgraded_under_a_running_client_keeps_its_tokens_and_carts() {
    let server = server(Dialect::G1).await;
    let (token, _) = sign_in(&server, US_PHONE).await;
    add(&server, &token, "us", 2).await;
    let orders = Ask::api(&server, "GET", "/orders?market=us").token(&token);
    let wishlist = Ask::api(&server, "GET", "/wishlist/?market=us").token(&token);
    assert_eq!((orders.send().await.status, wishlist.send().await.status), (404, 200));
    server.set_dialect(Dialect::G2);
    assert_eq!((orders.send().await.status, wishlist.send().await.status), (200, 400));
    let cart = Ask::api(&server, "GET", "/cart/?market=us").token(&token).send().await;
    assert_eq!(pieces(&cart.json()), 2);
}
