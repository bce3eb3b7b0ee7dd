//! Attempts: which calls are made again, when, and how often.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::shop::{LATENCY, Mishap, Shop};
use super::world::{Device, PHONE, Store, TIMEOUT, World};
use crate::ErrorCode;
use crate::model::{NewOrder, SkuId};

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_made_again_at_most_twice() {
    for mishap in [Mishap::Status(504, ""), Mishap::Status(502, ""), Mishap::LostAfter, Mishap::NotSent] {
        // What the server has had is made again as often as the budget allows, which begins with one.
        let most = if matches!(mishap, Mishap::NotSent) { 3 } else { 2 };
        for failures in 1..=3 {
            let world = World::signed_in().await;
            for _ in 0..failures {
                world.shop.mishap("/cart", mishap.clone());
            }
            assert_eq!(world.market.cart().get().await.is_ok(), failures < most, "{mishap:?}");
            assert_eq!(world.shop.seen_at("/cart").len(), most.min(failures + 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_server_that_does_not_say_when_to_come_back_is_left_alone() {
    for (status, code) in [(503, ErrorCode::Server), (429, ErrorCode::RateLimited)] {
        let world = World::signed_in().await;
        world.shop.mishap("/cart", Mishap::Status(status, ""));
        let error = world.market.cart().get().await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (code, true));
        assert_eq!(world.shop.seen_at("/cart").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_500_is_not_asked_for_again() {
    let world = World::signed_in().await;
    world.shop.mishap("/cart", Mishap::Status(500, r#"{"detail":"SELECT secret"}"#));
    let error = world.market.cart().get().await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::Server, Some(500)));
    assert!(!error.message().contains("SELECT"));
    assert_eq!(world.shop.seen_at("/cart").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    for status in [429, 503] {
        let world = World::signed_in().await;
        world.shop.mishap("/cart", Mishap::RetryAfter(status, "7"));
        world.market.cart().get().await.unwrap();
        let at: Vec<_> = world.shop.seen_at("/cart").iter().map(|seen| seen.at).collect();
        assert!(at[1] - at[0] >= Duration::from_secs(7), "{at:?}");
        // And up to half as long again, so that clients do not come back together.
        assert!(at[1] - at[0] < Duration::from_secs(11), "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_the_deadline_is_said_at_once() {
    for (status, code) in [(429, ErrorCode::RateLimited), (503, ErrorCode::Server)] {
        let world = World::signed_in().await;
        world.shop.mishap("/cart", Mishap::RetryAfter(status, "31"));
        let started = Instant::now();
        let error = world.market.cart().get().await.unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (code, Some(Duration::from_secs(31))));
        assert_eq!(started.elapsed(), 2 * LATENCY);
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_call_ends_at_its_deadline() {
    let world = World::signed_in().await;
    for _ in 0..3 {
        world.shop.mishap("/cart", Mishap::Silent);
    }
    let started = Instant::now();
    let error = world.market.cart().get().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(started.elapsed(), TIMEOUT);
    assert!(world.market.cart().get().await.unwrap_err().is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_in_the_lane_for_too_long_times_out_unsent() {
    let world = World::signed_in().await;
    world.shop.mishap("/cart/items", Mishap::Silent);
    let cart = world.market.cart();
    let (first, second) = futures_util::future::join(cart.add(SkuId(1), 1), cart.add(SkuId(2), 1)).await;
    assert_eq!(first.unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(second.unwrap_err().code(), ErrorCode::Timeout);
    world.settle().await;
    assert_eq!(world.shop.quantity(2), 0);
}

#[tokio::test(start_paused = true)]
async fn retries_end_when_the_budget_is_spent_and_success_earns_it_back() {
    let world = World::signed_in().await;
    for _ in 0..100 {
        world.shop.mishap("/wishlist", Mishap::Status(502, ""));
    }
    for _ in 0..50 {
        world.market.wishlist().get().await.unwrap_err();
    }
    assert_eq!(world.shop.seen_at("/wishlist").len(), 51, "one more than was asked for");
    world.shop.no_mishaps();
    for _ in 0..11 {
        world.market.wishlist().get().await.unwrap();
    }
    world.shop.mishap("/wishlist", Mishap::Status(502, ""));
    world.market.wishlist().get().await.unwrap();
}

/// A thousand clients, a call a second each; for a minute every call is answered with this. Gives the
/// offered load of each second of that minute, in terms of the steady load.
fn offered_in_an_outage(answer: Mishap) -> Vec<f64> {
    const CLIENTS: usize = 1000;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let shop = Shop::open();
        let started = Instant::now();
        let second = Duration::from_secs(1);
        let mut shoppers = Vec::new();
        for at in 0..CLIENTS {
            let world = World::with(shop.clone(), Store::default(), Arc::new(Device::new()));
            shoppers.push(tokio::spawn(async move {
                world.sign_in().await.unwrap();
                // Spread over the second, as people are.
                let first = started + 10 * second + second * at as u32 / CLIENTS as u32;
                for tap in 0..100 {
                    tokio::time::sleep_until(first + tap * second).await;
                    let market = world.market.clone();
                    tokio::spawn(async move { market.wishlist().get().await });
                }
                tokio::time::sleep(10 * second).await;
            }));
        }
        // Steady from 10 s to 40 s, an outage from 40 s to 100 s.
        tokio::time::sleep_until(started + 40 * second).await;
        shop.fails(Some(answer));
        tokio::time::sleep_until(started + 100 * second).await;
        shop.fails(None);
        for shopper in shoppers {
            shopper.await.unwrap();
        }
        let mut load = vec![0_usize; 150];
        for seen in shop.seen_at("/wishlist") {
            load[seen.at.as_secs() as usize] += 1;
        }
        assert!(load[15..35].iter().all(|calls| *calls == CLIENTS), "{load:?}");
        load[40..100].iter().map(|calls| *calls as f64 / CLIENTS as f64).collect()
    })
}

fn mean(window: &[f64]) -> f64 {
    window.iter().sum::<f64>() / window.len() as f64
}

fn worst(load: &[f64], seconds: usize) -> f64 {
    load.windows(seconds).map(mean).fold(0.0, f64::max)
}

/// What is answered so is never made again, so the load does not grow at all, not for a second.
#[test]
fn in_an_outage_of_503s_the_offered_load_is_never_above_1_1_times_the_steady_load() {
    let load = offered_in_an_outage(Mishap::Status(503, ""));
    println!(
        "figure: outage of 503: offered load in the worst second {:.3} of the steady load",
        worst(&load, 1)
    );
    assert!(worst(&load, 1) <= 1.1);
    assert!(load.iter().all(|second| *second > 0.9), "and the clients go on asking");
}

/// What is made again is, once by each client until the outage is over: a load for a moment, and none that lasts.
#[test]
fn in_an_outage_that_is_retried_the_offered_load_over_the_minute_is_not_above_1_1_times_the_steady_load() {
    let answers = [("502", Mishap::Status(502, "")), ("503, Retry-After: 5", Mishap::RetryAfter(503, "5"))];
    for (name, answer) in answers {
        let load = offered_in_an_outage(answer);
        println!(
            "figure: outage of {name}: offered load over the minute {:.3} of the steady load, in the worst 10 s {:.3}, in the worst second {:.3}",
            mean(&load),
            worst(&load, 10),
            worst(&load, 1),
        );
        assert!(mean(&load) > 1.0, "something was made again");
        assert!(mean(&load) <= 1.1 && worst(&load, 10) <= 1.1);
    }
}

fn order() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St")
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_whose_answer_is_lost_is_unknown_and_sent_once() {
    let mishaps = [
        Mishap::LostAfter,
        Mishap::LostBefore,
        Mishap::Silent,
        Mishap::Status(500, ""),
        Mishap::Status(502, ""),
        Mishap::Status(503, ""),
        Mishap::Body(b"{\"id\":1"),
    ];
    for mishap in mishaps {
        let world = World::signed_in().await;
        world.shop.mishap("/orders/create", mishap.clone());
        let error = world.market.orders().place(order()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{mishap:?}");
        assert!(!error.is_retryable());
        assert_eq!(world.shop.seen_at("/orders/create").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn p12_all_attempts_at_one_order_carry_one_key_and_another_order_another() {
    let world = World::signed_in().await;
    world.shop.mishap("/orders/create", Mishap::NotSent);
    world.shop.mishap("/orders/create", Mishap::NotSent);
    world.market.orders().place(order()).await.unwrap();
    world.market.orders().place(order()).await.unwrap();
    let keys: Vec<_> = world
        .shop
        .seen_at("/orders/create")
        .iter()
        .map(|seen| seen.headers["idempotency-key"].clone())
        .collect();
    assert_eq!(keys.len(), 4);
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[2] != keys[3], "{keys:?}");
    assert_eq!(world.shop.orders(), 2);
    assert!(world.shop.seen_at("/cart").iter().all(|seen| !seen.headers.contains_key("idempotency-key")));
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_was_refused_is_no_unknown_one() {
    let world = World::signed_in().await;
    world.shop.mishap("/orders/create", Mishap::Status(400, r#"{"detail":"Cart is empty"}"#));
    let error = world.market.orders().place(order()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (ErrorCode::Rejected, "Cart is empty"));
}

#[test]
fn a_call_outside_a_tokio_runtime_is_an_error_and_no_panic() {
    let market = crate::MarketClient::builder("https://shop.example")
        .app_id("test")
        .store(crate::MemoryStore::default())
        .build()
        .unwrap();
    let error = futures_util::FutureExt::now_or_never(market.cart().get()).unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
    let error = futures_util::FutureExt::now_or_never(market.session().logout()).unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
}
