//! Orders that wait for an expired session's user: where calls that wait meet orders that are noted.

use serde_json::json;

use super::parking::{MINUTE, PATIENCE, code, rest, waiting};
use super::shop::{LATENCY, Mishap};
use super::world::{PHONE, TIMEOUT, World};
use crate::ErrorCode;
use crate::model::*;
use crate::store::StoreError;

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
async fn p12_an_order_that_goes_on_is_not_held_up_by_its_own_note_which_the_store_did_not_erase() {
    let world = World::parking(100, PATIENCE).await;
    let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).park_on_expiry();
    world.shop.mishap("/orders/create", Mishap::Status(401, ""));
    world.store.deletes(Some(StoreError::Locked));
    let placed = tokio::spawn(world.market.orders().place(order));
    tokio::time::sleep(LATENCY * 6).await;
    assert_eq!(waiting(&world), 1);
    assert!(world.store.noted().is_some(), "the store did not let go of it");
    world.sign_in().await.unwrap();
    assert_eq!(code(placed).await, None);
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
