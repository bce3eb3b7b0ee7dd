//! In which order calls that waited go on.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::parking::*;
use super::shop::{LATENCY, Mishap};
use super::world::{PHONE, TIMEOUT, World};
use crate::ErrorCode;
use crate::model::*;
use crate::session::UNPOLLED;

#[tokio::test(start_paused = true)]
async fn p11_calls_behind_a_parked_one_in_the_cart_line_wait_with_it_and_keep_their_places() {
    let world = rejected().await;
    let adds: Vec<_> = (0..10).map(|sku| add(&world.market, sku)).collect();
    rest().await;
    assert_eq!(waiting(&world), 10, "those in the line too");
    assert_eq!(world.shop.seen_at("/cart/items").len(), 1, "only the first was sent");
    tokio::time::sleep(2 * TIMEOUT).await;
    let late = add(&world.market, 10);
    rest().await;
    assert_eq!(waiting(&world), 11);
    assert!(adds.iter().all(|add| !add.is_finished()), "no deadline runs");
    world.shop.forget_seen();
    // Their deadlines run again, from the sign-in on.
    world.shop.mishap("/cart/items", Mishap::Slow(TIMEOUT - MINUTE / 6));
    world.sign_in().await.unwrap();
    for add in adds.into_iter().chain([late]) {
        assert_eq!(code(add).await, None);
    }
    let skus: Vec<_> =
        world.shop.seen_at("/cart/items").iter().map(|seen| seen.body["sku_id"].as_u64()).collect();
    assert_eq!(skus, (0..=10).map(Some).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_from_the_line_to_the_door_has_the_patience_that_is_left() {
    let world = rejected().await;
    let first = add(&world.market, 42);
    let second = add(&world.market, 43);
    rest().await;
    tokio::time::sleep(9 * MINUTE).await;
    first.abort();
    let started = tokio::time::Instant::now();
    assert_eq!(code(second).await, Some(ErrorCode::SessionExpired));
    assert!(started.elapsed() < MINUTE, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn those_in_the_line_when_the_session_ends_are_parked_in_the_order_of_making() {
    let world = World::parking(3, PATIENCE).await;
    world.shop.expire_tokens();
    let adds: Vec<_> = (0..8).map(|sku| add(&world.market, sku)).collect();
    rest().await;
    let done: Vec<_> = adds.iter().map(JoinHandle::is_finished).collect();
    assert_eq!(waiting(&world), 3);
    // An order that was made after a change does not go on without it.
    assert_eq!(done, [false, false, false, true, true, true, true, true]);
    world.sign_in().await.unwrap();
    let codes: Vec<_> = join_all(adds.into_iter().map(code)).await;
    let expired = Some(ErrorCode::SessionExpired);
    assert_eq!(codes, [None, None, None, expired, expired, expired, expired, expired]);
    let stored: Vec<_> = (0..8).map(|sku| world.shop.quantity(sku)).collect();
    assert_eq!(stored, [1, 1, 1, 0, 0, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn those_at_the_door_go_on_in_the_order_in_which_they_were_made() {
    let world = rejected().await;
    // Each is answered 401 earlier than the one before, so they come to the door the other way round; and they are not
    // safe to repeat, so that each lets others go before it sends.
    for at in 0..50 {
        world.shop.mishap("/products", Mishap::Slow(Duration::from_millis(500 - 10 * at)));
    }
    let calls: Vec<_> = (0..50).map(|at| tokio::spawn(world.market.request(raw(at)))).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(waiting(&world), 50);
    let before = world.shop.seen().len();
    world.sign_in().await.unwrap();
    for call in calls {
        // The shop has no such route, and that is its answer.
        assert_eq!(code(call).await, Some(ErrorCode::Unsupported));
    }
    assert_eq!(raws(&world, before), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_polls_does_not_hold_up_those_after_it() {
    let world = rejected().await;
    let mut aside = Box::pin(world.market.request(raw(0)));
    assert!(tokio::time::timeout(MINUTE, &mut aside).await.is_err());
    let other = tokio::spawn(world.market.request(raw(1)));
    rest().await;
    assert_eq!(waiting(&world), 2);
    let before = world.shop.seen().len();
    world.sign_in().await.unwrap();
    let started = tokio::time::Instant::now();
    assert_eq!(code(other).await, Some(ErrorCode::Unsupported));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(aside.await.unwrap_err().code(), ErrorCode::Unsupported);
    assert_eq!(raws(&world, before), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_called_again_has_its_whole_time_to_go_again() {
    let world = rejected().await;
    let mut aside = Box::pin(world.market.request(raw(0)));
    assert!(tokio::time::timeout(MINUTE, &mut aside).await.is_err());
    let other = tokio::spawn(world.market.request(raw(1)));
    rest().await;
    let before = world.shop.seen().len();
    world.sign_in().await.unwrap();
    // It is called, and the session ends before it has gone.
    tokio::time::sleep(UNPOLLED * 6 / 10).await;
    world.shop.expire_tokens();
    let finds_out = profile(&world.market);
    rest().await;
    finds_out.abort();
    rest().await;
    assert_eq!(waiting(&world), 2);
    world.sign_in().await.unwrap();
    tokio::time::sleep(UNPOLLED * 6 / 10).await;
    assert_eq!(raws(&world, before), [0_u64; 0], "who was called before is not passed over for that");
    assert_eq!(aside.await.unwrap_err().code(), ErrorCode::Unsupported);
    assert_eq!(code(other).await, Some(ErrorCode::Unsupported));
    assert_eq!(raws(&world, before), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_order_in_the_cart_line_fails_at_once_unless_it_is_asked_to_wait() {
    let world = rejected().await;
    let add = add(&world.market, 42);
    let order = || NewOrder::from_cart("Ann", PHONE, "1 Main St");
    // One stands in the line when the session ends, and one comes when it has ended.
    let before = tokio::spawn(world.market.orders().place(order()));
    rest().await;
    assert!(before.is_finished());
    assert_eq!(code(before).await, Some(ErrorCode::SessionExpired));
    let after = tokio::time::Instant::now();
    assert_eq!(world.market.orders().place(order()).await.unwrap_err().code(), ErrorCode::SessionExpired);
    assert_eq!(after.elapsed(), Duration::ZERO);
    let asked = tokio::spawn(world.market.orders().place(order().park_on_expiry()));
    rest().await;
    assert_eq!(waiting(&world), 2);
    world.sign_in().await.unwrap();
    assert_eq!(code(add).await, None);
    assert_eq!(code(asked).await, None);
    assert_eq!((world.shop.orders(), world.shop.quantity(42)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_behind_one_that_asks_the_server_which_kind_it_is_waits_with_it() {
    let world = rejected().await;
    for _ in 0..2 {
        world.shop.mishap("/wishlist", Mishap::Status(404, r#"{"detail":"Not Found"}"#));
    }
    let reads: Vec<_> = (0..2).map(|_| tokio::spawn(world.market.wishlist().get())).collect();
    tokio::time::sleep(LATENCY * 5).await;
    // One asks at the other path and is answered 401; the other stands behind it.
    assert_eq!(world.shop.seen_at("/wishlist/get").len(), 1);
    assert_eq!(waiting(&world), 2);
    tokio::time::sleep(2 * TIMEOUT).await;
    world.sign_in().await.unwrap();
    // The first goes on where it stopped: it does not begin anew.
    for read in reads {
        assert_eq!(code(read).await, Some(ErrorCode::Unsupported));
    }
    assert_eq!(world.shop.seen_at("/wishlist").len(), 2);
}
