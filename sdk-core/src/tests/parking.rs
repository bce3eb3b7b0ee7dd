//! Calls that wait for the user of an expired session.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::shop::{CODE, LATENCY, Mishap};
use super::world::{OTHER_PHONE, PHONE, TIMEOUT, World};
use crate::model::*;
use crate::{ErrorCode, MarketClient, Result};

pub(super) const PATIENCE: Duration = Duration::from_secs(600);
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// A client with room for 100 calls, whose session the server no longer accepts.
pub(super) async fn rejected() -> World {
    let world = World::parking(100, PATIENCE).await;
    world.shop.expire_tokens();
    world.shop.forget_seen();
    world
}

/// How many calls wait, as the app is shown.
pub(super) fn waiting(world: &World) -> usize {
    match world.state() {
        SessionState::Expired { waiting, .. } => waiting,
        _ => 0,
    }
}

/// Lets what is under way come to rest, without much time passing.
pub(super) async fn rest() {
    tokio::time::sleep(LATENCY * 3).await;
}

pub(super) fn profile(market: &MarketClient) -> JoinHandle<Result<Profile>> {
    tokio::spawn(market.session().profile())
}

pub(super) fn add(market: &MarketClient, sku: u64) -> JoinHandle<Result<Cart>> {
    tokio::spawn(market.cart().add(SkuId(sku), 1))
}

pub(super) async fn code<T>(call: JoinHandle<Result<T>>) -> Option<ErrorCode> {
    call.await.unwrap().err().map(|error| error.code())
}

pub(super) fn raw(at: u64) -> RawRequest {
    RawRequest::new(Method::Post, "/products").query("at", at)
}

/// Which raw requests came since a point of the shop's log, in the order in which they did.
pub(super) fn raws(world: &World, since: usize) -> Vec<u64> {
    let seen = world.shop.seen();
    let raws = seen[since..].iter().filter(|seen| seen.path == "/products");
    raws.map(|seen| seen.query.split('&').find_map(|pair| pair.strip_prefix("at=")).unwrap().parse().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_stopped_by_expiry_waits_and_goes_on_when_the_same_user_signs_in() {
    let world = rejected().await;
    let ends = world.ends();
    let add = add(&world.market, 42);
    rest().await;
    let state = world.state();
    let SessionState::Expired { user, reason, waiting, .. } = &state else { panic!("{state:?}") };
    assert_eq!((user.id, *reason, *waiting), (UserId(19), EndReason::Rejected, 1));
    tokio::time::sleep(MINUTE).await;
    assert!(!add.is_finished());
    assert_eq!(world.shop.seen_at("/cart/items").len(), 1, "nothing is sent while it waits");

    world.sign_in().await.unwrap();
    assert_eq!(add.await.unwrap().unwrap().items.len(), 1);
    assert_eq!(world.shop.seen_at("/cart/items").len(), 2);
    assert_eq!(world.shop.quantity(42), 1);
    world.settle().await;
    world.assert_consistent("after the tap went through");
    assert_eq!(ends.all(world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_expiry_that_is_found_locally_parks_without_a_request() {
    let world = World::parking(100, PATIENCE).await;
    world.shop.forget_seen();
    tokio::time::sleep(31 * MINUTE).await;
    let calls = [profile(&world.market), profile(&world.market)];
    rest().await;
    assert_eq!(waiting(&world), 2);
    assert!(world.shop.seen().is_empty());
    world.sign_in().await.unwrap();
    for call in calls {
        assert_eq!(code(call).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn p2_another_users_sign_in_ends_what_waits_and_never_sends_it() {
    let world = rejected().await;
    let (add, profile) = (add(&world.market, 42), profile(&world.market));
    rest().await;
    assert_eq!(waiting(&world), 2);
    world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
    assert_eq!(code(add).await, Some(ErrorCode::SignedOut));
    assert_eq!(code(profile).await, Some(ErrorCode::SignedOut));
    world.settle().await;
    assert_eq!(world.shop.seen_at("/cart/items").len(), 1, "once, as the first user, and refused");
    assert_eq!(world.shop.seen_at("/auth/profile").len(), 1);
    // Nor when the first user comes back.
    world.sign_in().await.unwrap();
    world.settle().await;
    assert_eq!(world.shop.quantity(42), 0);
}

#[tokio::test(start_paused = true)]
async fn p5_a_logout_and_a_clear_end_what_waits_at_once() {
    for notice in [true, false] {
        let world = rejected().await;
        let calls = [add(&world.market, 42), add(&world.market, 43)];
        rest().await;
        assert_eq!(waiting(&world), 2);
        let session = world.market.session();
        match notice {
            true => session.logout().await.unwrap(),
            false => session.clear().await.unwrap(),
        }
        let after = tokio::time::Instant::now();
        for call in calls {
            assert_eq!(code(call).await, Some(ErrorCode::SignedOut));
        }
        assert_eq!(after.elapsed(), Duration::ZERO, "also the one that stood in the line");
        world.sign_in().await.unwrap();
        world.settle().await;
        assert_eq!(world.shop.quantity(42) + world.shop.quantity(43), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_may_have_been_made_does_not_wait_to_be_made_again() {
    let world = World::parking(100, PATIENCE).await;
    let cart = world.market.cart();
    cart.add(SkuId(42), 2).await.unwrap();
    // It is made, the answer is lost, and the session is over when it is made again.
    for mishap in [Mishap::LostAfter, Mishap::Status(401, "")] {
        world.shop.mishap("/cart/items/0", mishap);
    }
    let set = tokio::time::timeout(MINUTE, cart.set_quantity(LineId(0), 5)).await.expect("it waits");
    assert_eq!(set.unwrap_err().code(), ErrorCode::SessionExpired);
    assert_eq!((waiting(&world), world.shop.quantity(42)), (0, 5));
    // What another device does meanwhile stands.
    world.shop.set_elsewhere(42, 7);
    world.sign_in().await.unwrap();
    world.settle().await;
    assert_eq!(cart.get().await.unwrap().items[0].quantity, 7);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_its_call_with_it_at_once() {
    let world = rejected().await;
    let (first, second, profile) = (add(&world.market, 42), add(&world.market, 43), profile(&world.market));
    rest().await;
    assert_eq!(waiting(&world), 3);
    profile.abort();
    // A task of its own waits at the door for it, and holds the line.
    first.abort();
    let _ = (profile.await, first.await);
    assert_eq!(waiting(&world), 1);
    world.sign_in().await.unwrap();
    assert_eq!(code(second).await, None);
    world.settle().await;
    assert_eq!((world.shop.quantity(42), world.shop.quantity(43)), (0, 1));
    assert_eq!(world.shop.seen_at("/auth/profile").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_caller_left_while_it_was_under_way_does_not_wait() {
    let world = rejected().await;
    let first = add(&world.market, 42);
    tokio::time::sleep(LATENCY).await;
    first.abort();
    rest().await;
    assert_eq!(waiting(&world), 0);
    world.sign_in().await.unwrap();
    world.market.cart().get().await.unwrap();
    assert_eq!(world.shop.quantity(42), 0);
    // One that the server acts on is completed, as ever.
    let second = add(&world.market, 43);
    tokio::time::sleep(LATENCY / 2).await;
    second.abort();
    world.settle().await;
    assert_eq!(world.shop.quantity(43), 1);
}

#[tokio::test(start_paused = true)]
async fn patience_runs_out_by_its_own_clock_and_ends_with_session_expired() {
    let world = rejected().await;
    let first = profile(&world.market);
    rest().await;
    tokio::time::sleep(5 * MINUTE).await;
    let second = profile(&world.market);
    tokio::time::sleep(PATIENCE - 5 * MINUTE - 2 * LATENCY - LATENCY / 2).await;
    assert_eq!(waiting(&world), 2, "a moment before");
    assert!(!first.is_finished());
    tokio::time::sleep(LATENCY).await;
    assert_eq!(code(first).await, Some(ErrorCode::SessionExpired));
    assert_eq!(waiting(&world), 1);
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(code(second).await, Some(ErrorCode::SessionExpired));
    assert_eq!(waiting(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn patience_that_ran_out_while_the_device_slept_resumes_nothing() {
    let world = rejected().await;
    let add = add(&world.market, 42);
    rest().await;
    world.clock.sleep(2 * PATIENCE);
    world.sign_in().await.unwrap();
    assert_eq!(code(add).await, Some(ErrorCode::SessionExpired));
    assert_eq!(world.shop.quantity(42), 0);

    // Also if the app looks first.
    world.shop.expire_tokens();
    let add = self::add(&world.market, 42);
    rest().await;
    world.clock.sleep(2 * PATIENCE);
    world.market.session().resumed();
    assert_eq!(waiting(&world), 0);
    assert_eq!(code(add).await, Some(ErrorCode::SessionExpired));
}

#[tokio::test(start_paused = true)]
async fn patience_that_ran_out_while_the_device_slept_leaves_its_room_to_the_next_tap() {
    let world = World::parking(1, PATIENCE).await;
    world.shop.expire_tokens();
    let first = add(&world.market, 42);
    rest().await;
    assert_eq!(waiting(&world), 1);
    world.clock.sleep(PATIENCE * 2);
    let second = add(&world.market, 43);
    rest().await;
    assert_eq!((first.is_finished(), second.is_finished(), waiting(&world)), (true, false, 1));
    world.sign_in().await.unwrap();
    assert_eq!((code(first).await, code(second).await), (Some(ErrorCode::SessionExpired), None));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_goes_on_has_its_whole_time_again() {
    let world = rejected().await;
    let (slow, silent) = (profile(&world.market), tokio::spawn(world.market.wishlist().get()));
    rest().await;
    tokio::time::sleep(2 * TIMEOUT).await;
    world.shop.mishap("/auth/profile", Mishap::Slow(TIMEOUT - 5 * LATENCY));
    world.shop.mishap("/wishlist", Mishap::Silent);
    world.sign_in().await.unwrap();
    let resumed = tokio::time::Instant::now();
    assert_eq!(code(slow).await, None);
    assert_eq!(code(silent).await, Some(ErrorCode::Timeout));
    let took = resumed.elapsed();
    assert!(took > TIMEOUT - 3 * LATENCY && took <= TIMEOUT, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_call_over_the_limit_fails_at_once_and_room_that_is_left_is_used_again() {
    let world = World::parking(2, PATIENCE).await;
    world.shop.expire_tokens();
    let (first, second) = (profile(&world.market), profile(&world.market));
    rest().await;
    let started = tokio::time::Instant::now();
    assert_eq!(code(profile(&world.market)).await, Some(ErrorCode::SessionExpired));
    assert_eq!(code(add(&world.market, 42)).await, Some(ErrorCode::SessionExpired));
    assert_eq!(started.elapsed(), Duration::ZERO);
    first.abort();
    let _ = first.await;
    let third = profile(&world.market);
    rest().await;
    assert_eq!(waiting(&world), 2);
    world.sign_in().await.unwrap();
    assert_eq!((code(second).await, code(third).await), (None, None));
}

#[tokio::test(start_paused = true)]
async fn each_change_of_the_count_is_a_published_state() {
    let world = rejected().await;
    let mut states = world.market.session().subscribe();
    let mut shown = async || {
        let state = tokio::time::timeout(MINUTE, states.next()).await.ok()??;
        Some(match state {
            SessionState::Expired { waiting, .. } => Some(waiting),
            _ => None,
        })
    };
    assert_eq!(shown().await, Some(None));
    let first = profile(&world.market);
    // The end is published before the call is back at the door.
    let mut counts = Vec::new();
    while counts.last() != Some(&Some(1)) {
        counts.extend(shown().await);
    }
    // Nothing else is to publish in its place, as the erased store would.
    rest().await;
    let second = profile(&world.market);
    assert_eq!(shown().await, Some(Some(2)));
    second.abort();
    assert_eq!(shown().await, Some(Some(1)));
    drop(second.await);
    tokio::time::sleep(PATIENCE).await;
    assert_eq!(shown().await, Some(Some(0)));
    assert_eq!(code(first).await, Some(ErrorCode::SessionExpired));
    assert_eq!(shown().await, None, "and nothing else is");
}

#[tokio::test(start_paused = true)]
async fn p3_of_a_storm_of_a_thousand_401s_a_hundred_wait_and_one_end_is_signalled() {
    let world = rejected().await;
    let ends = world.ends();
    for at in 0..1000 {
        world.shop.mishap("/products", Mishap::Slow(Duration::from_millis(at)));
    }
    let calls: Vec<_> = (0..1000)
        .map(|_| tokio::spawn(world.market.request(RawRequest::new(Method::Get, "/products"))))
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(waiting(&world), 100);
    world.sign_in().await.unwrap();
    let codes = join_all(calls.into_iter().map(code)).await;
    assert_eq!(codes.iter().filter(|code| code.is_none()).count(), 100);
    assert_eq!(codes.iter().filter(|code| **code == Some(ErrorCode::SessionExpired)).count(), 900);
    assert_eq!(world.shop.seen_at("/products").len(), 1100, "only those who waited were sent again");
    world.settle().await;
    world.assert_consistent("after the storm");
    assert_eq!(ends.all(world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_session_ends_again_waits_again() {
    let world = rejected().await;
    let add = add(&world.market, 42);
    rest().await;
    // The new token is refused too.
    world.sign_in().await.unwrap();
    world.shop.expire_tokens();
    rest().await;
    assert_eq!(waiting(&world), 1);
    world.sign_in().await.unwrap();
    assert_eq!(code(add).await, None);
    assert_eq!(world.shop.quantity(42), 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_ends_with_the_process() {
    let world = rejected().await;
    let add = add(&world.market, 42);
    rest().await;
    assert_eq!(waiting(&world), 1);
    world.settle().await;
    add.abort();
    let _ = add.await;
    let world = world.restart();
    world.market.session().restore().await.unwrap();
    world.sign_in().await.unwrap();
    world.settle().await;
    assert_eq!(world.shop.quantity(42), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_made_while_an_expired_session_is_restored_waits_too() {
    let world = World::parking(100, PATIENCE).await;
    world.settle().await;
    world.clock.sleep(120 * MINUTE);
    let world = world.restart();
    assert_eq!(world.state(), SessionState::Restoring);
    let add = add(&world.market, 42);
    rest().await;
    assert_eq!(waiting(&world), 1, "{:?}", world.state());
    world.sign_in().await.unwrap();
    assert_eq!(code(add).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_second_client_on_the_same_entry_resumes_only_what_waits_in_itself() {
    let world = rejected().await;
    let add = add(&world.market, 42);
    rest().await;
    let other = world.beside();
    other.market.session().restore().await.unwrap();
    other.sign_in().await.unwrap();
    other.market.cart().get().await.unwrap();
    world.settle().await;
    assert_eq!(waiting(&world), 1);
    assert!(other.store.stored().is_some(), "the other's session is not erased");
    world.sign_in().await.unwrap();
    assert_eq!(code(add).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_question_whether_the_session_is_accepted_is_answered_and_does_not_wait() {
    let world = rejected().await;
    for _ in 0..2 {
        let started = tokio::time::Instant::now();
        let asked = world.market.session().verify_token().await;
        assert_eq!(asked.unwrap_err().code(), ErrorCode::SessionExpired);
        assert!(started.elapsed() < MINUTE, "{:?}", started.elapsed());
        assert_eq!(waiting(&world), 0);
    }
    assert_eq!(world.shop.seen_at("/auth/verify-token").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_it_nothing_waits() {
    let world = World::signed_in().await;
    world.shop.expire_tokens();
    let adds: Vec<_> = (0..3).map(|sku| add(&world.market, sku)).collect();
    rest().await;
    for add in adds {
        assert_eq!(code(add).await, Some(ErrorCode::SessionExpired));
    }
    assert_eq!(waiting(&world), 0);
    let order = NewOrder::from_cart("Ann", PHONE, "1 Main St").park_on_expiry();
    assert_eq!(world.market.orders().place(order).await.unwrap_err().code(), ErrorCode::SessionExpired);
}

// On real threads and in real time, about two seconds: what is parked and released meets on different threads
// here, which it never does on paused time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_no_call_is_lost_and_none_is_made_twice() {
    let world = World::parking(1000, PATIENCE).await;
    let mut added = 0;
    for round in 0..6 {
        world.shop.expire_tokens();
        let calls: Vec<_> = (0..8)
            .flat_map(|_| {
                let (add, profile, raw) = (
                    world.market.cart().add(SkuId(42), 1),
                    world.market.session().profile(),
                    world.market.request(raw(0)),
                );
                let unsupported = |error: crate::Error| error.code() == ErrorCode::Unsupported;
                [
                    tokio::spawn(async move { add.await.is_ok() }),
                    tokio::spawn(async move { profile.await.is_ok() }),
                    tokio::spawn(async move { raw.await.is_err_and(unsupported) }),
                ]
            })
            .collect();
        let mut states = world.market.session().subscribe();
        while !matches!(states.next().await, Some(SessionState::Expired { waiting: 24, .. })) {}
        // Some callers leave while the session comes.
        let left: Vec<_> = calls.iter().step_by(7).map(JoinHandle::abort_handle).collect();
        let leaving = tokio::spawn(async move {
            for call in left {
                call.abort();
                tokio::task::yield_now().await;
            }
        });
        world.sign_in().await.unwrap();
        leaving.await.unwrap();
        for (at, call) in calls.into_iter().enumerate() {
            let done = tokio::time::timeout(Duration::from_secs(20), call).await.expect("it hangs");
            match done {
                Ok(done) => assert!(done, "round {round}, call {at}"),
                Err(error) => assert!(error.is_cancelled() && at % 7 == 0, "round {round}, call {at}"),
            }
            added += u64::from(at % 3 == 0 && at % 7 != 0);
        }
        world.market.cart().get().await.unwrap();
    }
    assert_eq!(world.market.core.keeper.listed(), 0);
    let most = added + 6 * 2;
    let quantity = world.shop.quantity(42);
    assert!((added..=most).contains(&quantity), "{quantity} of {added} to {most}");
}
