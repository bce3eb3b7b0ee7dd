//! Stores in trouble.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::shop::{CODE, Mishap, Shop};
use super::world::{Device, OTHER_PHONE, STORE_TIMEOUT, Store, TIMEOUT, World};
use crate::model::{EndReason, LockedReason, SessionState, SignedOutReason, UserId};
use crate::{ErrorCode, StoreError, StoreRead};

fn unavailable() -> StoreRead {
    StoreRead::Unavailable("no bus".to_owned())
}

/// Signed in, and started again with a store that reads so.
async fn restarted(read: StoreRead) -> World {
    let world = World::signed_in().await;
    world.store.reads(Some(read));
    world.restart()
}

#[tokio::test(start_paused = true)]
async fn p8_a_call_waits_while_the_store_is_locked_and_goes_on_once_it_is_not() {
    let world = restarted(StoreRead::Locked).await;
    let unlock = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(world.state(), SessionState::Locked { reason: LockedReason::Locked });
        world.store.reads(None);
    };
    let cart = world.market.cart();
    let (cart, ()) = futures_util::future::join(cart.get(), unlock).await;
    cart.expect("went on by itself within the deadline");
}

#[tokio::test(start_paused = true)]
async fn p8_a_call_on_a_store_that_stays_locked_says_so_at_its_deadline() {
    let world = restarted(StoreRead::Locked).await;
    world.shop.forget_seen();
    let started = Instant::now();
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::StoreLocked);
    assert_eq!(started.elapsed(), TIMEOUT);
    assert_eq!(world.shop.seen().len(), 0);
    world.store.reads(None);
    world.market.session().resumed();
    world.settle().await;
    assert!(world.state().is_signed_in());
}

#[tokio::test(start_paused = true)]
async fn a_user_who_did_not_unlock_the_store_is_not_asked_again_by_the_same_call() {
    let world = restarted(StoreRead::Locked).await;
    world.settle().await;
    // The keyring shows a prompt, and the user dismisses it after three seconds.
    world.store.next_takes(Duration::from_secs(3));
    let before = world.store.reads_so_far();
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::StoreLocked);
    assert_eq!(world.store.reads_so_far() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn p8_an_unavailable_store_is_said_at_once_and_asked_anew_by_the_next_call() {
    let world = restarted(unavailable()).await;
    for _ in 0..2 {
        let started = Instant::now();
        assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::StoreUnavailable);
        assert!(started.elapsed() < Duration::from_secs(1));
    }
    assert_eq!(world.market.session().restore().await.unwrap_err().code(), ErrorCode::StoreUnavailable);
    world.store.reads(None);
    world.market.cart().get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn p8_a_corrupt_record_is_erased_and_reported() {
    for corrupt in ["", "{", "\u{0}", r#"{"version":99}"#] {
        let world = World::new();
        world.store.put(corrupt.as_bytes());
        let world = world.restart();
        let state = world.market.session().restore().await.unwrap();
        assert_eq!(state, SessionState::SignedOut { reason: SignedOutReason::Corrupt });
        world.settle().await;
        assert_eq!(world.store.stored(), None);
        world.sign_in().await.unwrap();
        world.assert_consistent("after signing in over a corrupt record");
    }
}

#[tokio::test(start_paused = true)]
async fn p8_a_store_that_hangs_is_locked_and_what_it_says_later_counts() {
    let world = World::signed_in().await;
    world.store.next_takes(Duration::from_secs(20));
    let world = world.restart();
    let started = Instant::now();
    assert_eq!(world.market.session().restore().await.unwrap_err().code(), ErrorCode::StoreLocked);
    assert_eq!(started.elapsed(), STORE_TIMEOUT);
    assert_eq!(world.state(), SessionState::Locked { reason: LockedReason::Hung });
    assert_eq!(
        world.sign_in().await.unwrap_err().code(),
        ErrorCode::StoreLocked,
        "at once, the code unspent"
    );
    assert_eq!(started.elapsed(), STORE_TIMEOUT);
    world.market.cart().get().await.expect("waited for the answer");
}

#[tokio::test(start_paused = true)]
async fn p9_a_store_that_panics_is_unavailable_and_the_next_call_works() {
    let world = World::signed_in().await;
    world.store.panics(true);
    let world = world.restart();
    assert_eq!(world.market.session().restore().await.unwrap_err().code(), ErrorCode::StoreUnavailable);
    world.store.panics(false);
    assert!(world.market.session().restore().await.unwrap().is_signed_in());
    world.store.panics(true);
    assert_eq!(world.market.session().logout().await.unwrap_err().code(), ErrorCode::StoreNotCleared);
    world.store.panics(false);
    world.market.session().resumed();
    world.settle().await;
    world.assert_consistent("after the store came to its senses");
}

#[tokio::test(start_paused = true)]
async fn p8_a_code_is_not_spent_on_a_store_that_cannot_keep_the_session() {
    for (read, code) in
        [(StoreRead::Locked, ErrorCode::StoreLocked), (unavailable(), ErrorCode::StoreUnavailable)]
    {
        let world = World::new();
        world.store.reads(Some(read));
        let world = world.restart();
        assert_eq!(world.sign_in().await.unwrap_err().code(), code);
        assert_eq!(world.shop.seen().len(), 0);
        world.store.reads(None);
        assert!(world.sign_in().await.unwrap().persisted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_cannot_be_written_is_one_until_the_process_ends() {
    let world = World::new();
    world.store.writes(Some(StoreError::Unavailable("full".to_owned())));
    assert!(!world.sign_in().await.unwrap().persisted);
    assert!(matches!(world.state(), SessionState::SignedIn { persisted: false, .. }));
    world.market.cart().get().await.unwrap();
    world.store.writes(None);
    world.market.session().resumed();
    world.settle().await;
    assert_eq!(world.store.stored(), None, "a write is not tried again");
    let world = world.restart();
    assert!(!world.market.session().restore().await.unwrap().is_signed_in());
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_over_another_that_cannot_be_written_leaves_nothing_of_the_other() {
    let world = World::signed_in().await;
    world.store.writes(Some(StoreError::Locked));
    assert!(!world.sign_in().await.unwrap().persisted);
    world.settle().await;
    assert_eq!(world.store.stored(), None);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_whose_write_hangs_is_told_and_is_persisted_when_it_is() {
    let world = World::new();
    world.market.session().restore().await.unwrap();
    world.store.next_takes(Duration::from_secs(20));
    let started = Instant::now();
    assert!(!world.sign_in().await.unwrap().persisted);
    assert!(started.elapsed() < STORE_TIMEOUT + Duration::from_secs(1));
    assert!(matches!(world.state(), SessionState::SignedIn { persisted: false, .. }));
    world.settle().await;
    assert!(matches!(world.state(), SessionState::SignedIn { persisted: true, .. }));
}

#[tokio::test(start_paused = true)]
async fn p5_a_logout_that_cannot_erase_says_so_and_it_is_erased_at_the_next_chance() {
    let world = World::signed_in().await;
    world.store.deletes(Some(StoreError::Locked));
    assert_eq!(world.market.session().logout().await.unwrap_err().code(), ErrorCode::StoreNotCleared);
    assert_eq!(world.state(), SessionState::SignedOut { reason: SignedOutReason::LoggedOut });
    assert!(world.store.stored().is_some());
    world.store.deletes(None);
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::NotSignedIn);
    world.settle().await;
    assert_eq!(world.store.stored(), None, "the call at the door was a chance");
}

#[tokio::test(start_paused = true)]
async fn p5_what_an_earlier_installation_left_is_said_by_a_logout_and_erased_at_the_next_chance() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.install");
    let device = Arc::new(Device::with_marker(file.clone()));
    let world = World::with(Shop::open(), Store::default(), device);
    world.sign_in().await.unwrap();
    std::fs::remove_file(file).unwrap();
    world.store.deletes(Some(StoreError::Unavailable("read only".to_owned())));
    let world = world.restart();
    let state = world.market.session().restore().await.unwrap();
    assert_eq!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession });
    assert!(world.store.stored().is_some());
    let logout = world.market.session().logout().await;
    assert_eq!(logout.unwrap_err().code(), ErrorCode::StoreNotCleared);
    world.store.deletes(None);
    world.market.session().resumed();
    world.settle().await;
    assert_eq!(world.store.stored(), None);
}

#[tokio::test(start_paused = true)]
async fn p5_a_logout_whose_erase_hangs_says_so_in_time_and_the_store_is_erased_in_the_end() {
    let world = World::signed_in().await;
    world.store.next_takes(Duration::from_secs(60));
    let started = Instant::now();
    assert_eq!(world.market.session().logout().await.unwrap_err().code(), ErrorCode::StoreNotCleared);
    assert_eq!(started.elapsed(), STORE_TIMEOUT);
    world.settle().await;
    world.assert_consistent("in the end");
}

#[tokio::test(start_paused = true)]
async fn p5_a_logout_before_the_store_was_read_erases_what_is_in_it() {
    let world = World::signed_in().await;
    world.store.next_takes(Duration::from_secs(2));
    let world = world.restart();
    assert_eq!(world.state(), SessionState::Restoring);
    world.market.session().logout().await.unwrap();
    assert_eq!(world.state(), SessionState::SignedOut { reason: SignedOutReason::LoggedOut });
    assert_eq!(world.store.stored(), None);
}

#[tokio::test(start_paused = true)]
async fn p2_one_clients_late_401_does_not_delete_anothers_fresh_session() {
    let world = World::signed_in().await;
    let other = world.beside();
    assert!(other.market.session().restore().await.unwrap().is_signed_in());
    world.shop.expire_tokens();
    assert_eq!(other.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    other.sign_in().await.unwrap();
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    world.settle().await;
    assert!(world.store.stored().unwrap().contains("secret-token-2"));
    assert!(other.restart().market.session().restore().await.unwrap().is_signed_in());
}

#[tokio::test(start_paused = true)]
async fn p3_the_signal_waits_for_no_store() {
    let world = World::signed_in().await;
    let ends = world.ends();
    world.store.next_takes(Duration::from_secs(3600));
    world.shop.expire_tokens();
    let failed = timeout(Duration::from_secs(1), world.market.cart().get()).await.expect("in time");
    assert_eq!(failed.unwrap_err().code(), ErrorCode::SessionExpired);
    assert_eq!(ends.next().reason, EndReason::Rejected);
}

// Two clients of one entry: in one process they share its thread, in two they do not.

type Beside = fn(&World) -> World;
const BESIDE: [(&str, Beside); 2] =
    [("one process", World::beside), ("two processes", World::second_process)];

async fn restored(world: &World, beside: Beside) -> World {
    let other = beside(world);
    other.market.session().restore().await.unwrap();
    other
}

async fn sign_in_as_other(world: &World) {
    assert!(world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap().persisted);
}

/// What is stored in the end: whose session, if anybody's. It is also what the next start makes of it.
async fn next_start_finds(world: &World) -> Option<UserId> {
    world.settle().await;
    let next = world.second_process();
    let state = next.market.session().restore().await.unwrap();
    assert_eq!(state.is_signed_in(), world.store.stored().is_some());
    state.user().map(|user| user.id)
}

const FIRST: Option<UserId> = Some(UserId(19));
const SECOND: Option<UserId> = Some(UserId(20));

#[tokio::test(start_paused = true)]
async fn p2_a_signs_in_and_its_write_is_slow_b_signs_in_and_writes_then_as_write_comes_and_bs_stays() {
    for (where_, beside) in BESIDE {
        let a = World::new();
        a.market.session().restore().await.unwrap();
        let b = restored(&a, beside).await;
        a.store.next_takes(Duration::from_secs(20));
        assert!(!a.sign_in().await.unwrap().persisted, "{where_}");
        // In one process B's write is behind A's, and late with it.
        let sign_in = b.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
        assert_eq!(sign_in.persisted, where_ == "two processes");
        assert_eq!(next_start_finds(&a).await, SECOND, "{where_}");
        assert!(matches!(b.state(), SessionState::SignedIn { persisted: true, .. }), "{where_}");
        // A is signed in all the same, and its own end leaves B's alone.
        a.market.cart().get().await.unwrap();
        a.market.session().logout().await.unwrap();
        assert_eq!(next_start_finds(&a).await, SECOND, "{where_}");
    }
}

#[tokio::test(start_paused = true)]
async fn p2_a_reads_a_corrupt_record_b_signs_in_and_writes_then_as_erase_comes_and_bs_stays() {
    for (where_, beside) in BESIDE {
        let b = World::new();
        b.market.session().restore().await.unwrap();
        b.store.put(b"{");
        // B's write must come between A's read and A's erase. On one thread it is queued behind a slow read; on
        // two it overtakes a slow erase, the first operation to begin after the read.
        let slow = Duration::from_secs(2);
        if where_ == "one process" {
            b.store.next_takes(slow);
        }
        let a = beside(&b);
        tokio::time::sleep(Duration::from_millis(1)).await;
        if where_ == "two processes" {
            b.store.next_takes(slow);
        }
        let session = a.market.session();
        let (read, ()) = futures_util::future::join(session.restore(), sign_in_as_other(&b)).await;
        let read = read.unwrap();
        assert_eq!(read, SessionState::SignedOut { reason: SignedOutReason::Corrupt }, "{where_}");
        assert_eq!(next_start_finds(&a).await, SECOND, "{where_}");
        a.market.session().resumed();
        assert_eq!(next_start_finds(&a).await, SECOND, "{where_}: nothing of it is owed any more");
    }
}

#[tokio::test(start_paused = true)]
async fn p5_as_write_fails_but_has_landed_b_restores_it_and_logs_out_and_nothing_brings_it_back() {
    for (where_, beside) in BESIDE {
        let a = World::new();
        a.market.session().restore().await.unwrap();
        a.store.writes(Some(StoreError::Unavailable("full".to_owned())));
        a.store.fails_by_half(true);
        assert!(!a.sign_in().await.unwrap().persisted, "{where_}");
        a.store.writes(None);
        a.store.fails_by_half(false);
        let b = beside(&a);
        assert!(b.market.session().restore().await.unwrap().is_signed_in(), "{where_}: it had landed");
        b.market.session().logout().await.unwrap();
        // Each chance that A has to write again.
        a.market.session().resumed();
        a.market.cart().get().await.unwrap();
        assert_eq!(next_start_finds(&a).await, None, "{where_}");
        // Nor does A's own end, at its 401.
        a.shop.expire_tokens();
        assert_eq!(a.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
        assert_eq!(next_start_finds(&a).await, None, "{where_}");
    }
}

#[tokio::test(start_paused = true)]
async fn p2_a_sends_a_call_b_signs_in_over_as_session_then_as_401_comes_and_bs_stays() {
    for (where_, beside) in BESIDE {
        let a = World::signed_in().await;
        let b = restored(&a, beside).await;
        a.shop.expire_tokens();
        a.shop.mishap("/cart", Mishap::Slow(Duration::from_secs(2)));
        let cart = a.market.cart();
        let (late, ()) = futures_util::future::join(cart.get(), sign_in_as_other(&b)).await;
        assert_eq!(late.unwrap_err().code(), ErrorCode::SessionExpired, "{where_}");
        assert!(matches!(a.state(), SessionState::Expired { .. }), "{where_}");
        assert_eq!(next_start_finds(&a).await, SECOND, "{where_}");
        b.market.cart().get().await.expect("it is good");
    }
}

#[tokio::test(start_paused = true)]
async fn p2_p5_a_logs_out_while_restoring_b_signs_in_later_then_as_erase_comes_and_bs_stays() {
    for (where_, beside) in BESIDE {
        let b = World::signed_in().await;
        // A's read is slow, and so its erase comes after B's write; in one process it is refused before.
        b.store.next_takes(Duration::from_secs(2));
        let a = beside(&b);
        b.store.deletes((where_ == "one process").then_some(StoreError::Locked));
        let session = a.market.session();
        let later = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            b.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap()
        };
        assert_eq!(a.state(), SessionState::Restoring);
        let (out, _) = futures_util::future::join(session.logout(), later).await;
        assert_eq!(out.is_ok(), where_ == "two processes", "{where_}: {out:?}");
        assert_eq!(a.state(), SessionState::SignedOut { reason: SignedOutReason::LoggedOut });
        b.store.deletes(None);
        session.resumed();
        assert_eq!(next_start_finds(&a).await, SECOND, "{where_}");
    }
}

#[tokio::test(start_paused = true)]
async fn p5_a_logs_out_while_restoring_and_what_b_had_signed_in_before_is_gone() {
    for (where_, beside) in BESIDE {
        let b = World::signed_in().await;
        assert_eq!(next_start_finds(&b).await, FIRST);
        b.store.next_takes(Duration::from_secs(2));
        let a = beside(&b);
        a.market.session().logout().await.unwrap();
        assert_eq!(next_start_finds(&a).await, None, "{where_}");
    }
}

#[tokio::test(start_paused = true)]
async fn p8_an_unavailable_store_says_why_and_a_locked_one_does_not_say_what_another_said_before() {
    let world = restarted(unavailable()).await;
    let error = world.market.session().restore().await.unwrap_err();
    assert_eq!((error.code(), error.detail()), (ErrorCode::StoreUnavailable, Some("no bus")));
    world.store.reads(None);
    world.market.cart().get().await.unwrap();
    world.store.deletes(Some(StoreError::Locked));
    let error = world.market.session().logout().await.unwrap_err();
    assert_eq!((error.code(), error.detail()), (ErrorCode::StoreNotCleared, None));
}
