//! Orders that wait for an expired session's user: where calls that wait meet orders that are noted.

use std::time::Duration;

use serde_json::json;

use super::parking::{MINUTE, PATIENCE, code, profile, rejected, rest, waiting};
use super::shop::{LATENCY, Mishap};
use super::world::{PHONE, TIMEOUT, World};
use crate::ErrorCode;
use crate::model::*;
use crate::store::StoreError;

#[tokio::test(start_paused = true)]
async fn p12_an_order_waits_only_if_it_is_asked_to() {
    let orders: [fn() -> NewOrder; 2] = [
        || NewOrder::from_cart("Ann", PHONE, "1 Main St"),
        || NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]),
    ];
    for order in orders {
        let world = rejected().await;
        // Found by a 401, and found locally.
        for _ in 0..2 {
            let started = tokio::time::Instant::now();
            let placed = world.market.orders().place(order()).await;
            assert_eq!(placed.unwrap_err().code(), ErrorCode::SessionExpired);
            assert!(started.elapsed() < MINUTE);
        }
        assert_eq!(waiting(&world), 0);
        let placed = tokio::spawn(world.market.orders().place(order().park_on_expiry()));
        rest().await;
        assert_eq!(waiting(&world), 1);
        world.sign_in().await.unwrap();
        assert_eq!(code(placed).await, None);
        assert_eq!(world.shop.orders(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_waited_is_noted_anew_before_it_is_sent() {
    let world = World::parking(100, PATIENCE).await;
    let order = NewOrder::from_cart("Ann", PHONE, "1 Main St").park_on_expiry();
    // The read before it is answered, and then the order itself is refused.
    world.shop.mishap("/orders/create", Mishap::Status(401, ""));
    let placed = tokio::spawn(world.market.orders().place(order));
    rest().await;
    tokio::time::sleep(LATENCY * 3).await;
    assert_eq!(waiting(&world), 1);
    let reads = world.shop.seen_at("/orders").len();
    // Longer than an order takes to settle would do harm here, were it counted from before the wait.
    tokio::time::sleep(5 * MINUTE).await;
    world.shop.mishap("/orders/create", Mishap::LostBefore);
    world.sign_in().await.unwrap();
    assert_eq!(code(placed).await, Some(ErrorCode::OutcomeUnknown));
    assert_eq!(world.shop.seen_at("/orders").len(), reads + 1, "the newest order is read anew");
    let OrderOutcome::NotSeenYet { settles_in: Some(time) } = world.market.orders().resolve().await.unwrap()
    else {
        panic!("it may still come");
    };
    assert!(time > 14 * MINUTE, "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_waited_for_nobody_leaves_nothing_pending() {
    let world = World::parking(100, PATIENCE).await;
    let order = || NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).park_on_expiry();
    for leaves in [true, false] {
        world.shop.mishap("/orders/create", Mishap::Status(401, ""));
        let placed = tokio::spawn(world.market.orders().place(order()));
        tokio::time::sleep(LATENCY * 6).await;
        assert_eq!(waiting(&world), 1);
        if leaves {
            placed.abort();
            let _ = placed.await;
            assert_eq!(waiting(&world), 0);
        } else {
            assert_eq!(code(placed).await, Some(ErrorCode::SessionExpired));
        }
        world.sign_in().await.unwrap();
        assert_eq!(world.market.orders().resolve().await.unwrap(), OrderOutcome::NothingPending);
    }
    world.market.orders().place(order()).await.unwrap();
    assert_eq!(world.shop.orders(), 1);
}

#[tokio::test(start_paused = true)]
async fn p12_nothing_is_noted_of_an_order_while_it_waits_and_nothing_older_is_taken_for_it() {
    let world = World::parking(100, PATIENCE).await;
    let order = || NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).park_on_expiry();
    world.shop.mishap("/orders/create", Mishap::Status(401, ""));
    let placed = tokio::spawn(world.market.orders().place(order()));
    tokio::time::sleep(LATENCY * 6).await;
    assert_eq!((waiting(&world), world.store.noted()), (1, None));
    // Just the same, on another device, while it waits.
    let same = json!({"customer_name": "Ann", "customer_phone": PHONE, "delivery_address": "1 Main St"});
    world.shop.place_elsewhere(19, &same);
    // A second tap is none the less no second order, whatever it asks for.
    let second = world.market.orders().place(order().force()).await;
    assert_eq!(second.unwrap_err().code(), ErrorCode::OrderPending);

    world.shop.mishap("/orders/create", Mishap::LostBefore);
    world.sign_in().await.unwrap();
    assert_eq!(code(placed).await, Some(ErrorCode::OutcomeUnknown));
    assert!(world.store.noted().is_some());
    let outcome = world.market.orders().resolve().await.unwrap();
    assert!(matches!(outcome, OrderOutcome::NotSeenYet { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn p12_a_forced_attempt_that_waits_leaves_the_first_as_unknown_as_before() {
    for leaves in [true, false] {
        let world = World::parking(100, PATIENCE).await;
        let order =
            |address: &str| NewOrder::of_items("Ann", PHONE, address, [(SkuId(42), 1)]).park_on_expiry();
        world.shop.mishap("/orders/create", Mishap::LostAfter);
        let first = world.market.orders().place(order("1 Main St")).await;
        assert_eq!(first.unwrap_err().code(), ErrorCode::OutcomeUnknown);
        world.shop.mishap("/orders/create", Mishap::Status(401, ""));
        let forced = tokio::spawn(world.market.orders().place(order("2 Main St").force()));
        tokio::time::sleep(LATENCY * 6).await;
        assert_eq!(waiting(&world), 1);
        assert!(world.store.noted().is_some(), "of the first");
        if leaves {
            forced.abort();
            rest().await;
            assert_eq!(waiting(&world), 0);
        }
        // It stands behind the order, and waits with it.
        let resolved = tokio::spawn(world.market.orders().resolve());
        rest().await;
        assert_eq!(waiting(&world), if leaves { 1 } else { 2 });
        tokio::time::sleep(2 * TIMEOUT).await;
        world.sign_in().await.unwrap();
        let outcome = resolved.await.unwrap().unwrap();
        if leaves {
            assert!(
                matches!(&outcome, OrderOutcome::Placed(order) if order.id == OrderId(1001)),
                "{outcome:?}"
            );
        } else {
            assert_eq!(code(forced).await, None);
        }
        assert_eq!(world.store.noted(), None);
        assert_eq!(world.shop.orders(), if leaves { 1 } else { 2 });
        let keys: Vec<_> = world
            .shop
            .seen_at("/orders/create")
            .iter()
            .map(|seen| seen.headers["idempotency-key"].clone())
            .collect();
        assert!(keys.windows(2).all(|two| two[0] == two[1]), "all are attempts at one order");
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_goes_on_has_half_of_its_whole_time_for_the_read_before_it() {
    let world = World::parking(100, PATIENCE).await;
    let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).park_on_expiry();
    // It is stopped when little of its time is left.
    world.shop.mishap("/orders", Mishap::Slow(TIMEOUT / 3));
    world.shop.mishap("/orders/create", Mishap::Slow(TIMEOUT / 2));
    let placed = tokio::spawn(world.market.orders().place(order));
    tokio::time::sleep(5 * LATENCY).await;
    world.shop.expire_tokens();
    tokio::time::sleep(TIMEOUT).await;
    assert_eq!((waiting(&world), world.shop.orders()), (1, 0));
    world.shop.mishap("/orders", Mishap::Silent);
    world.sign_in().await.unwrap();
    let resumed = tokio::time::Instant::now();
    assert_eq!(code(placed).await, Some(ErrorCode::Timeout));
    let took = resumed.elapsed();
    assert!(took > TIMEOUT / 2 - 10 * LATENCY && took < TIMEOUT / 2 + 10 * LATENCY, "{took:?}");
    assert_eq!(world.store.noted(), None);
}

#[tokio::test(start_paused = true)]
async fn the_read_before_an_order_has_half_of_the_whole_time_also_if_it_is_what_waited() {
    let world = World::parking(100, PATIENCE).await;
    // The order's turn comes when much of its time is gone, and the read before it is refused.
    world.shop.mishap("/cart", Mishap::Slow(TIMEOUT * 2 / 3));
    let cart = tokio::spawn(world.market.cart().get());
    rest().await;
    world.shop.mishap("/orders", Mishap::Status(401, ""));
    let order = NewOrder::from_cart("Ann", PHONE, "1 Main St").park_on_expiry();
    let placed = tokio::spawn(world.market.orders().place(order));
    assert_eq!(code(cart).await, None);
    rest().await;
    assert_eq!(waiting(&world), 1);
    world.shop.mishap("/orders", Mishap::Silent);
    world.sign_in().await.unwrap();
    let resumed = tokio::time::Instant::now();
    assert_eq!(code(placed).await, Some(ErrorCode::Timeout));
    let took = resumed.elapsed();
    assert!(took > TIMEOUT / 2 - 10 * LATENCY && took < TIMEOUT / 2 + 10 * LATENCY, "{took:?}");
}

fn refuses() -> Option<StoreError> {
    Some(StoreError::Unavailable("it refuses".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_waited_is_not_held_back_by_a_note_of_its_own_that_the_store_kept() {
    let world = World::parking(100, PATIENCE).await;
    let order = || NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).park_on_expiry();
    world.shop.mishap("/orders/create", Mishap::Status(401, ""));
    world.store.deletes(refuses());
    let placed = tokio::spawn(world.market.orders().place(order()));
    tokio::time::sleep(LATENCY * 6).await;
    assert_eq!(waiting(&world), 1);
    assert!(world.store.noted().is_some());
    world.sign_in().await.unwrap();
    assert_eq!(code(placed).await, None);
    assert_eq!(world.shop.orders(), 1);
    assert_eq!(world.market.orders().resolve().await.unwrap(), OrderOutcome::NothingPending);
    world.store.deletes(None);
    world.market.orders().place(order()).await.unwrap();
    assert_eq!((world.shop.orders(), world.store.noted()), (2, None));
}

#[tokio::test(start_paused = true)]
async fn p12_an_attempt_that_did_nothing_and_stays_in_the_store_hides_no_earlier_one() {
    let world = World::parking(100, PATIENCE).await;
    let order = |address: &str| NewOrder::of_items("Ann", PHONE, address, [(SkuId(42), 1)]);
    world.shop.mishap("/orders/create", Mishap::LostAfter);
    let first = world.market.orders().place(order("1 Main St")).await;
    assert_eq!(first.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    world.shop.mishap("/orders/create", Mishap::Status(401, ""));
    let forced = tokio::spawn(world.market.orders().place(order("2 Main St").force()));
    while world.shop.seen_at("/orders/create").len() < 2 {
        tokio::time::sleep(LATENCY / 4).await;
    }
    world.store.writes(refuses());
    assert_eq!(code(forced).await, Some(ErrorCode::SessionExpired));
    world.store.writes(None);
    world.sign_in().await.unwrap();
    let third = world.market.orders().place(order("3 Main St")).await;
    assert_eq!(third.unwrap_err().code(), ErrorCode::OrderPending);
    let outcome = world.market.orders().resolve().await.unwrap();
    assert!(matches!(&outcome, OrderOutcome::Placed(order) if order.id == OrderId(1001)), "{outcome:?}");
}

/// What came since the sign-in, in the order in which it did.
fn paths(world: &World) -> Vec<String> {
    let seen = world.shop.seen().into_iter().map(|seen| seen.path);
    seen.skip_while(|path| path != "/auth/verify-code").skip(1).collect()
}

#[tokio::test(start_paused = true)]
async fn an_order_that_waited_leaves_before_the_calls_that_were_made_after_it() {
    for order in [
        NewOrder::from_cart("Ann", PHONE, "1 Main St"),
        NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]),
    ] {
        let world = rejected().await;
        let before = profile(&world.market);
        rest().await;
        let placed = tokio::spawn(world.market.orders().place(order.park_on_expiry()));
        rest().await;
        let after = tokio::spawn(world.market.wishlist().get());
        rest().await;
        assert_eq!(waiting(&world), 3);
        world.sign_in().await.unwrap();
        assert_eq!((code(before).await, code(placed).await, code(after).await), (None, None, None));
        assert_eq!(paths(&world)[..4], ["/auth/profile", "/orders", "/orders/create", "/wishlist"]);
        world.settle().await;
        world.assert_consistent("after all went on");
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_waited_does_not_hold_up_the_calls_after_it_for_long() {
    for (mishap, leaves) in
        [(Mishap::Slow(TIMEOUT / 3), false), (Mishap::Status(500, ""), false), (Mishap::Silent, true)]
    {
        let world = rejected().await;
        let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).park_on_expiry();
        let placed = tokio::spawn(world.market.orders().place(order));
        rest().await;
        let after = profile(&world.market);
        rest().await;
        assert_eq!(waiting(&world), 2);
        world.shop.mishap("/orders", mishap.clone());
        world.sign_in().await.unwrap();
        let resumed = tokio::time::Instant::now();
        rest().await;
        if leaves {
            placed.abort();
        }
        assert_eq!(code(after).await, None, "{mishap:?}");
        assert!(resumed.elapsed() < 2 * SECOND, "{mishap:?}: {:?}", resumed.elapsed());
    }
}

const SECOND: Duration = Duration::from_secs(1);
