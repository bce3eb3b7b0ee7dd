//! Promise 12: one order is placed at most once, and what became of it can be found out.

use std::time::Duration;

use serde_json::json;

use super::shop::{CODE, LATENCY, Mishap, Seen};
use super::world::{HANG, OTHER_PHONE, PHONE, SETTLE, World};
use crate::model::*;
use crate::store::{StoreError, StoreRead};
use crate::{ErrorCode, Result};

const CREATE: &str = "/orders/create";
const MINUTE: Duration = Duration::from_secs(60);

fn order() -> NewOrder {
    NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)])
}

fn elsewhere(address: &str) -> serde_json::Value {
    json!({"customer_name": "Ann", "customer_phone": PHONE, "delivery_address": address})
}

impl World {
    async fn place(&self) -> Result<Order> {
        self.market.orders().place(order()).await
    }

    async fn resolve(&self) -> OrderOutcome {
        self.market.orders().resolve().await.unwrap()
    }

    /// An order of which `mishap` makes the answer unknown.
    async fn with_unknown(mishap: Mishap) -> Self {
        let world = Self::signed_in().await;
        world.shop.mishap(CREATE, mishap);
        assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
        assert!(world.store.noted().is_some());
        world.shop.forget_seen();
        world
    }

    async fn assert_pending(&self) {
        self.shop.forget_seen();
        assert_eq!(self.place().await.unwrap_err().code(), ErrorCode::OrderPending);
        assert!(self.shop.seen().is_empty(), "nothing was asked");
    }
}

fn placed(outcome: OrderOutcome) -> u64 {
    match outcome {
        OrderOutcome::Placed(order) => order.id.0,
        other => panic!("{other:?}"),
    }
}

fn not_seen_yet(outcome: &OrderOutcome) -> Option<Duration> {
    match outcome {
        OrderOutcome::NotSeenYet { settles_in } => *settles_in,
        other => panic!("{other:?}"),
    }
}

fn paths(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_reads_the_newest_one_and_is_noted_before_it_is_sent_and_not_after_it_was_placed() {
    let world = World::signed_in().await;
    world.shop.forget_seen();
    let (shop, store) = (world.shop.clone(), world.store.clone());
    let noted_when_sent = tokio::spawn(async move {
        while shop.seen_at(CREATE).is_empty() {
            assert!(shop.seen_at("/orders").is_empty() || shop.orders() == 0);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store.noted().is_some()
    });
    assert_eq!(world.place().await.unwrap().id, OrderId(1001));
    assert!(noted_when_sent.await.unwrap());
    assert_eq!(paths(&world.shop.seen()), ["GET /orders", "POST /orders/create"]);
    assert!(world.shop.seen()[0].query.contains("limit=1&offset=0"));
    assert_eq!(world.store.noted(), None);
    world.shop.forget_seen();
    assert_eq!(world.resolve().await, OrderOutcome::NothingPending);
    assert!(world.shop.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn p12_after_a_lost_answer_no_other_order_goes_out_until_this_one_is_found() {
    for mishap in [Mishap::LostAfter, Mishap::Body(b"<html>"), Mishap::Slow(HANG * 2)] {
        let world = World::with_unknown(mishap).await;
        world.assert_pending().await;
        // Over a restart, and a logout.
        let world = world.restart();
        world.market.session().restore().await.unwrap();
        world.assert_pending().await;
        world.market.session().logout().await.unwrap();
        world.sign_in().await.unwrap();
        world.assert_pending().await;
        assert_eq!(placed(world.resolve().await), 1001);
        assert_eq!(world.store.noted(), None);
        assert_eq!(world.resolve().await, OrderOutcome::NothingPending);
        assert_eq!(world.place().await.unwrap().id, OrderId(1002));
    }
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_is_not_seen_is_not_called_safe_before_the_servers_clock_says_so() {
    for mishap in [Mishap::LostBefore, Mishap::Silent, Mishap::Status(500, "")] {
        let world = World::with_unknown(mishap).await;
        // The device's clock has no say in it.
        world.clock.set_forward(HANG * 10_000);
        let left = not_seen_yet(&world.resolve().await).unwrap();
        assert!(left > SETTLE - MINUTE && left <= SETTLE, "{left:?}");
        world.assert_pending().await;
        tokio::time::sleep(left - Duration::from_secs(2)).await;
        assert!(not_seen_yet(&world.resolve().await).is_some_and(|left| !left.is_zero()));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(world.resolve().await, OrderOutcome::NotPlaced);
        assert_eq!(world.resolve().await, OrderOutcome::NothingPending);
        assert!(world.place().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_is_written_late_is_found_when_it_is() {
    let world = World::with_unknown(Mishap::ActsLate(10 * MINUTE)).await;
    assert!(not_seen_yet(&world.resolve().await).is_some());
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(placed(world.resolve().await), 1001);
    assert_eq!(world.shop.orders(), 1);
}

#[tokio::test(start_paused = true)]
async fn p12_neither_an_older_order_nor_another_address_nor_another_user_is_taken_for_it() {
    let world = World::signed_in().await;
    // Just the same, and newer than what this client has seen last: only a look right before tells.
    world.place().await.unwrap();
    world.shop.place_elsewhere(19, &elsewhere("1 Main St"));
    world.shop.mishap(CREATE, Mishap::LostBefore);
    assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    world.shop.place_elsewhere(19, &elsewhere("2 Main St"));
    world.shop.place_elsewhere(20, &elsewhere("1 Main St"));
    assert!(not_seen_yet(&world.resolve().await).is_some());
    tokio::time::sleep(SETTLE).await;
    assert_eq!(world.resolve().await, OrderOutcome::NotPlaced);
}

#[tokio::test(start_paused = true)]
async fn p12_the_oldest_of_several_that_match_is_the_one_and_however_it_is_written() {
    let world = World::with_unknown(Mishap::LostBefore).await;
    for _ in 0..2 {
        world.shop.place_elsewhere(
            19,
            &json!({"customer_name": " ANN ", "customer_phone": "1 (312) 805-9851", "delivery_address": "1  Main St"}),
        );
    }
    assert_eq!(placed(world.resolve().await), 1001);
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_whose_customer_the_server_does_not_tell_leaves_it_open() {
    let world = World::with_unknown(Mishap::LostAfter).await;
    world.shop.tells_no_customer(true);
    tokio::time::sleep(2 * SETTLE).await;
    world.sign_in().await.unwrap();
    assert_eq!(not_seen_yet(&world.resolve().await), None);
    world.assert_pending().await;
    world.shop.tells_no_customer(false);
    assert_eq!(placed(world.resolve().await), 1001);
}

#[tokio::test(start_paused = true)]
async fn p12_a_server_that_tells_no_time_leaves_what_is_not_seen_open() {
    let world = World::signed_in().await;
    world.shop.says_no_date();
    world.shop.mishap(CREATE, Mishap::LostBefore);
    assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    tokio::time::sleep(2 * SETTLE).await;
    world.sign_in().await.unwrap();
    assert_eq!(not_seen_yet(&world.resolve().await), None);
    assert!(world.market.orders().place(order().force()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn p12_a_forced_order_is_another_attempt_at_the_same_one() {
    // A server that honours the key places one of the two.
    for honours in [true, false] {
        let world = World::signed_in().await;
        if honours {
            world.shop.honours_keys();
        }
        world.shop.mishap(CREATE, Mishap::LostAfter);
        assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
        assert!(world.market.orders().place(order().force()).await.is_ok());
        assert_eq!(world.shop.orders(), if honours { 1 } else { 2 });
        let keys: Vec<_> =
            world.shop.seen_at(CREATE).iter().map(|seen| seen.headers["idempotency-key"].clone()).collect();
        assert_eq!(keys[0], keys[1]);
        assert_eq!(world.store.noted(), None, "the order was placed");
        world.place().await.unwrap();
        assert_ne!(world.shop.seen_at(CREATE)[2].headers["idempotency-key"], keys[0], "another order");
    }
}

#[tokio::test(start_paused = true)]
async fn p12_a_forced_attempt_that_is_refused_leaves_the_first_as_unknown_as_before() {
    let world = World::with_unknown(Mishap::LostAfter).await;
    let before = world.store.noted();
    for refused in [Mishap::Status(400, ""), Mishap::NotSent, Mishap::Status(401, "")] {
        // Once for each try that is made by itself.
        (0..4).for_each(|_| world.shop.mishap(CREATE, refused.clone()));
        let address = NewOrder::of_items("Ann", PHONE, "2 Main St", [(SkuId(42), 1)]);
        assert!(world.market.orders().place(address.force()).await.is_err());
        world.shop.no_mishaps();
        world.sign_in().await.unwrap();
        world.assert_pending().await;
    }
    assert!(before.is_some() && world.store.noted().is_some());
    assert_eq!(placed(world.resolve().await), 1001);
}

#[tokio::test(start_paused = true)]
async fn p12_each_attempt_counts_for_what_it_ordered_and_the_last_for_when_it_settles() {
    let world = World::with_unknown(Mishap::LostBefore).await;
    tokio::time::sleep(10 * MINUTE).await;
    world.shop.mishap(CREATE, Mishap::ActsLate(8 * MINUTE));
    let corrected = NewOrder::of_items("Ann", PHONE, "2 Main St", [(SkuId(42), 1)]);
    let forced = world.market.orders().place(corrected.force()).await;
    assert_eq!(forced.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    tokio::time::sleep(6 * MINUTE).await;
    assert!(not_seen_yet(&world.resolve().await).is_some_and(|left| left > 8 * MINUTE));
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(placed(world.resolve().await), 1001);
}

#[tokio::test(start_paused = true)]
async fn p12_what_certainly_did_nothing_leaves_nothing_behind() {
    let certain = [
        (Mishap::Status(400, ""), ErrorCode::Rejected),
        (Mishap::Status(404, ""), ErrorCode::NotFound),
        (Mishap::Status(422, ""), ErrorCode::InvalidInput),
        (Mishap::Status(429, ""), ErrorCode::RateLimited),
        (Mishap::Status(401, ""), ErrorCode::SessionExpired),
        (Mishap::Status(307, ""), ErrorCode::UnexpectedResponse),
        (Mishap::NotSent, ErrorCode::Network),
    ];
    for (mishap, code) in certain {
        let world = World::signed_in().await;
        (0..4).for_each(|_| world.shop.mishap(CREATE, mishap.clone()));
        assert_eq!(world.place().await.unwrap_err().code(), code);
        assert_eq!(world.store.noted(), None, "{mishap:?}");
        world.shop.no_mishaps();
        world.sign_in().await.unwrap();
        assert!(world.place().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_is_not_sent_unless_the_newest_was_read() {
    for (mishap, code) in [
        (Mishap::Status(500, ""), ErrorCode::Server),
        (Mishap::Silent, ErrorCode::Timeout),
        (Mishap::Body(b"{}"), ErrorCode::UnexpectedResponse),
        (Mishap::Status(404, r#"{"detail":"Not Found"}"#), ErrorCode::Unsupported),
    ] {
        let world = World::signed_in().await;
        world.shop.mishap("/orders", mishap);
        assert_eq!(world.place().await.unwrap_err().code(), code);
        assert!(world.shop.seen_at(CREATE).is_empty());
        assert_eq!(world.store.noted(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_cannot_be_noted_is_not_sent() {
    let world = World::signed_in().await;
    for half in [false, true] {
        world.store.fails_by_half(half);
        for (error, code) in [
            (StoreError::Locked, ErrorCode::StoreLocked),
            (StoreError::Unavailable("full".to_owned()), ErrorCode::StoreUnavailable),
        ] {
            world.store.writes(Some(error));
            assert_eq!(world.place().await.unwrap_err().code(), code);
            world.store.writes(None);
            assert_eq!(world.store.noted(), None, "by half: {half}");
        }
    }
    world.store.fails_by_half(false);
    for (read, code) in [
        (StoreRead::Locked, ErrorCode::StoreLocked),
        (StoreRead::Unavailable("gone".to_owned()), ErrorCode::StoreUnavailable),
    ] {
        world.store.reads(Some(read));
        assert_eq!(world.place().await.unwrap_err().code(), code);
        assert_eq!(world.market.orders().resolve().await.unwrap_err().code(), code);
        world.store.reads(None);
    }
    world.store.panics(true);
    assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::StoreUnavailable);
    world.store.panics(false);
    assert!(world.shop.seen_at(CREATE).is_empty());
    assert!(world.place().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn p12_a_note_that_is_written_too_late_is_taken_back() {
    let world = World::signed_in().await;
    let placing = tokio::spawn(world.market.orders().place(order()));
    // After the look at the entry, while the newest is read.
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.store.hangs(true);
    assert_eq!(placing.await.unwrap().unwrap_err().code(), ErrorCode::StoreLocked);
    world.store.hangs(false);
    world.settle().await;
    assert_eq!(world.store.noted(), None);
    assert!(world.shop.seen_at(CREATE).is_empty());
    assert!(world.place().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn p12_an_order_that_was_placed_is_given_though_its_note_cannot_be_erased() {
    let world = World::signed_in().await;
    world.store.deletes(Some(StoreError::Unavailable("read only".to_owned())));
    assert!(world.place().await.is_ok());
    assert!(world.store.noted().is_some());
    assert_eq!(world.resolve().await, OrderOutcome::NothingPending, "this client knows");
    assert!(world.place().await.is_ok());
    // One that does not know finds out.
    let world = world.restart();
    assert_eq!(placed(world.resolve().await), 1002);
}

#[tokio::test(start_paused = true)]
async fn p8_p12_a_note_that_cannot_be_read_stops_orders_until_the_app_was_told() {
    for damage in [b"damaged".as_slice(), b""] {
        let world = World::signed_in().await;
        world.store.put_note(damage);
        world.assert_pending().await;
        assert_eq!(world.resolve().await, OrderOutcome::Unreadable);
        assert_eq!(world.resolve().await, OrderOutcome::NothingPending);
        assert!(world.place().await.is_ok());
        // Or until the shopper insists.
        world.store.put_note(damage);
        world.shop.mishap(CREATE, Mishap::LostAfter);
        let forced = world.market.orders().place(order().force()).await;
        assert_eq!(forced.unwrap_err().code(), ErrorCode::OutcomeUnknown);
        assert_eq!(placed(world.resolve().await), 1002);
    }
}

#[tokio::test(start_paused = true)]
async fn p8_a_note_that_cannot_be_erased_is_not_said_to_be() {
    let world = World::signed_in().await;
    world.store.put_note(b"damaged");
    world.store.deletes(Some(StoreError::Locked));
    assert_eq!(world.market.orders().resolve().await.unwrap_err().code(), ErrorCode::StoreLocked);
    world.store.deletes(None);
    assert_eq!(world.resolve().await, OrderOutcome::Unreadable);
}

#[tokio::test(start_paused = true)]
async fn p2_p12_another_user_is_not_stopped_by_it_and_does_not_find_it() {
    let world = World::with_unknown(Mishap::LostAfter).await;
    world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
    assert_eq!(world.resolve().await, OrderOutcome::NothingPending);
    assert!(world.place().await.is_ok());
    world.sign_in().await.unwrap();
    assert_eq!(placed(world.resolve().await), 1001);
}

#[tokio::test(start_paused = true)]
async fn p12_a_second_tap_is_no_second_order_even_if_it_is_forced() {
    let world = World::signed_in().await;
    let first = tokio::spawn(world.market.orders().place(order()));
    for wait in [1, 10, 30, 20] {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        for tap in [order(), order().force()] {
            let tap = world.market.orders().place(tap).await;
            assert_eq!(tap.unwrap_err().code(), ErrorCode::OrderPending);
        }
    }
    assert!(first.await.unwrap().is_ok());
    assert_eq!(world.shop.orders(), 1);
    // Nor on another client of the same process.
    let beside = world.beside();
    beside.market.session().restore().await.unwrap();
    let first = tokio::spawn(world.market.orders().place(order()));
    tokio::time::sleep(Duration::from_millis(70)).await;
    assert_eq!(beside.place().await.unwrap_err().code(), ErrorCode::OrderPending);
    assert!(first.await.unwrap().is_ok());
    assert!(beside.place().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn p12_of_two_that_begin_in_the_same_moment_one_goes_out() {
    let world = World::signed_in().await;
    let beside = world.beside();
    beside.market.session().restore().await.unwrap();
    let both = futures_util::future::join(world.place(), beside.place()).await;
    let (Ok(_), Err(error)) = both else { panic!("{both:?}") };
    assert_eq!(error.code(), ErrorCode::OrderPending);
    assert_eq!(world.shop.orders(), 1);
}

#[tokio::test(start_paused = true)]
async fn p7_p12_an_order_whose_caller_leaves_before_it_is_sent_is_not_sent() {
    for from_cart in [false, true] {
        for leaves in [1, 4, 20, 42, 45] {
            let world = World::signed_in().await;
            let order = if from_cart { NewOrder::from_cart("Ann", PHONE, "1 Main St") } else { order() };
            let placing = world.market.orders().place(order);
            let left = tokio::time::timeout(Duration::from_millis(leaves), placing).await;
            let sent = !world.shop.seen_at(CREATE).is_empty();
            assert!(left.is_err() && !sent, "{leaves} ms");
            world.settle().await;
            assert!(world.shop.seen_at(CREATE).is_empty(), "{leaves} ms");
            assert_eq!(world.store.noted(), None, "{leaves} ms");
            assert!(world.place().await.is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p7_p12_an_order_that_never_left_is_not_tried_again_once_its_caller_has_gone() {
    for from_cart in [false, true] {
        let world = World::signed_in().await;
        let order = if from_cart { NewOrder::from_cart("Ann", PHONE, "1 Main St") } else { order() };
        world.shop.mishap(CREATE, Mishap::NotSent);
        let placing = tokio::spawn(world.market.orders().place(order));
        while world.shop.seen_at(CREATE).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The connection was refused, and the next try has not come yet.
        tokio::time::sleep(LATENCY * 2).await;
        assert_eq!(world.shop.seen_at(CREATE).len(), 1);
        placing.abort();
        world.settle().await;
        assert_eq!((world.shop.seen_at(CREATE).len(), world.shop.orders()), (1, 0));
        assert_eq!(world.store.noted(), None);
        assert!(world.place().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn p7_p12_an_order_whose_caller_leaves_after_it_was_sent_is_completed_and_settled() {
    for from_cart in [false, true] {
        let world = World::signed_in().await;
        let order = if from_cart { NewOrder::from_cart("Ann", PHONE, "1 Main St") } else { order() };
        let placing = world.market.orders().place(order);
        assert!(tokio::time::timeout(LATENCY * 3, placing).await.is_err());
        assert_eq!(world.shop.seen_at(CREATE).len(), 1);
        world.settle().await;
        assert_eq!((world.shop.orders(), world.store.noted()), (1, None));
    }
}

/// The note holds the server's time of before the order was sent, and a device that wakes may send it long after that.
#[tokio::test(start_paused = true)]
async fn p12_an_order_that_a_device_slept_over_settles_from_when_it_woke() {
    for (slept, settled) in [(Duration::ZERO, true), (Duration::from_secs(10 * 60), false)] {
        let world = World::signed_in().await;
        world.shop.mishap(CREATE, Mishap::LostBefore);
        let placing = tokio::spawn(world.market.orders().place(order()));
        while world.shop.seen_at(CREATE).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // (The shop's clock stands still for that: it tells what was noted.)
        world.clock.sleep(slept);
        assert_eq!(placing.await.unwrap().unwrap_err().code(), ErrorCode::OutcomeUnknown);
        tokio::time::advance(SETTLE + Duration::from_secs(60)).await;
        let outcome = world.market.orders().resolve().await.unwrap();
        assert_eq!(matches!(outcome, OrderOutcome::NotPlaced), settled, "{slept:?}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn p12_a_logout_under_an_order_leaves_it_to_be_resolved() {
    let world = World::signed_in().await;
    let placing = tokio::spawn(world.market.orders().place(order()));
    tokio::time::sleep(LATENCY * 3).await;
    assert_eq!(world.shop.seen_at(CREATE).len(), 1);
    world.market.session().logout().await.unwrap();
    assert_eq!(placing.await.unwrap().unwrap_err().code(), ErrorCode::SignedOut);
    world.sign_in().await.unwrap();
    world.assert_pending().await;
}

#[tokio::test(start_paused = true)]
async fn p12_it_is_found_pages_below_what_was_ordered_since() {
    let world = World::with_unknown(Mishap::LostAfter).await;
    for _ in 0..120 {
        world.shop.place_elsewhere(19, &elsewhere("2 Main St"));
    }
    assert_eq!(placed(world.resolve().await), 1001);
    assert_eq!(world.shop.seen_at("/orders").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn p12_who_taps_again_while_it_is_resolved_does_not_order_twice() {
    let world = World::signed_in().await;
    world.shop.mishap(CREATE, Mishap::LostAfter);
    assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    let resolving = tokio::spawn(world.market.orders().resolve());
    tokio::time::sleep(LATENCY).await;
    // It was not known yet that the first had been placed.
    assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::OrderPending);
    assert!(matches!(resolving.await.unwrap().unwrap(), OrderOutcome::Placed(_)));
    assert_eq!(world.shop.orders(), 1);
    world.place().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn p7_p12_an_order_that_is_found_and_not_told_of_is_not_placed_once_more() {
    for millis in 0..=200 {
        let world = World::signed_in().await;
        world.shop.mishap(CREATE, Mishap::LostAfter);
        assert_eq!(world.place().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
        let resolving = world.market.orders().resolve();
        if tokio::time::timeout(Duration::from_millis(millis), resolving).await.is_ok() {
            assert!(millis > 40, "it takes a read");
            return;
        }
        world.settle().await;
        assert_eq!(
            world.place().await.unwrap_err().code(),
            ErrorCode::OrderPending,
            "left after {millis} ms"
        );
        assert!(matches!(world.market.orders().resolve().await, Ok(OrderOutcome::Placed(_))));
    }
    panic!("it never ends");
}

#[tokio::test(start_paused = true)]
async fn p12_an_attempt_that_begins_while_it_is_resolved_stays_open() {
    let world = World::with_unknown(Mishap::LostBefore).await;
    tokio::time::sleep(SETTLE).await;
    let beside = world.second_process();
    beside.market.session().restore().await.unwrap();
    world.shop.mishap("/orders", Mishap::Slow(MINUTE / 6));
    let resolving = tokio::spawn(world.market.orders().resolve());
    tokio::time::sleep(Duration::from_millis(100)).await;
    beside.shop.mishap(CREATE, Mishap::ActsLate(MINUTE));
    let forced = beside.market.orders().place(order().force()).await;
    assert_eq!(forced.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert!(not_seen_yet(&resolving.await.unwrap().unwrap()).is_some());
    world.assert_pending().await;
    tokio::time::sleep(MINUTE).await;
    let both = futures_util::future::join(world.resolve(), beside.resolve()).await;
    assert_eq!((placed(both.0), placed(both.1)), (1001, 1001));
}

#[tokio::test(start_paused = true)]
async fn p12_the_cart_is_read_anew_for_who_observes_it_once_the_order_is_found() {
    let world = World::signed_in().await;
    world.market.cart().add(SkuId(42), 2).await.unwrap();
    world.shop.mishap(CREATE, Mishap::ActsLate(MINUTE));
    let from_cart = NewOrder::from_cart("Ann", PHONE, "1 Main St");
    assert_eq!(world.market.orders().place(from_cart).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    let mut carts = world.market.cart().subscribe();
    assert_eq!(carts.next().await.unwrap().unwrap().items.len(), 1);
    tokio::time::sleep(MINUTE).await;
    placed(world.resolve().await);
    assert_eq!(carts.next().await.unwrap().unwrap().items.len(), 0);
}
