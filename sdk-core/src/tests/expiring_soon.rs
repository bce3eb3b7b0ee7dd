//! What is said before a session ends.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::shop::{CODE, Shop};
use super::world::{Device, OTHER_PHONE, SOON, Store, World};
use crate::ErrorCode;
use crate::model::*;

const MINUTE: Duration = Duration::from_secs(60);

fn listen(world: &World) -> Receiver<ExpiringSoon> {
    let (told, soon) = std::sync::mpsc::channel();
    world.market.session().on_expiring_soon(move |news| told.send(news).unwrap_or_default());
    soon
}

/// Listeners have threads of their own, which paused time does not wait for.
fn told(soon: &Receiver<ExpiringSoon>) -> ExpiringSoon {
    soon.recv_timeout(Duration::from_secs(10)).expect("it was said")
}

/// What was said and not looked at; the client must be gone, since the listener's thread ends after it.
fn rest(soon: &Receiver<ExpiringSoon>, world: World) -> usize {
    drop(world);
    let mut count = 0;
    loop {
        match soon.recv_timeout(Duration::from_secs(10)) {
            Ok(_) => count += 1,
            Err(RecvTimeoutError::Disconnected) => return count,
            Err(RecvTimeoutError::Timeout) => panic!("the listener's thread still runs"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_said_once_per_session_the_margin_before_its_end() {
    let world = World::signed_in().await;
    let soon = listen(&world);
    tokio::time::sleep(26 * MINUTE).await;
    let said = told(&soon);
    assert_eq!(said.user.id, UserId(19));
    assert!(said.left <= SOON && said.left > SOON - MINUTE, "{:?}", said.left);
    world.market.cart().get().await.unwrap();
    world.market.session().resumed();
    // A new session, of the same user, is said anew.
    world.sign_in().await.unwrap();
    tokio::time::sleep(26 * MINUTE).await;
    told(&soon);
    tokio::time::sleep(60 * MINUTE).await;
    assert!(matches!(world.state(), SessionState::Expired { .. }));
    assert_eq!(rest(&soon, world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_slept_through_it_hears_it_when_the_app_comes_back() {
    let world = World::signed_in().await;
    let soon = listen(&world);
    world.clock.sleep(27 * MINUTE);
    world.market.session().resumed();
    let said = told(&soon);
    assert!(said.left <= 3 * MINUTE, "{:?}", said.left);
    // And a call is as good.
    world.sign_in().await.unwrap();
    world.clock.sleep(27 * MINUTE);
    world.market.cart().get().await.unwrap();
    told(&soon);
    assert_eq!(rest(&soon, world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_early_by_the_clock_of_the_session_is_set_again() {
    let world = World::signed_in().await;
    let soon = listen(&world);
    world.clock.fall_behind(Duration::from_secs(1));
    tokio::time::sleep(26 * MINUTE).await;
    assert_eq!(told(&soon).left, SOON);
    assert_eq!(rest(&soon, world), 0);
}

#[tokio::test(start_paused = true)]
async fn it_is_not_said_once_the_session_has_ended() {
    let world = World::signed_in().await;
    let soon = listen(&world);
    world.clock.sleep(31 * MINUTE);
    world.market.session().resumed();
    assert!(matches!(world.state(), SessionState::Expired { .. }));
    tokio::time::sleep(60 * MINUTE).await;
    world.sign_in().await.unwrap();
    world.market.session().logout().await.unwrap();
    tokio::time::sleep(60 * MINUTE).await;
    assert_eq!(rest(&soon, world), 0);
}

#[tokio::test(start_paused = true)]
async fn the_devices_time_of_day_does_not_matter() {
    let world = World::signed_in().await;
    let soon = listen(&world);
    world.clock.set_forward(27 * MINUTE);
    world.market.session().resumed();
    world.clock.set_back(300 * MINUTE);
    tokio::time::sleep(26 * MINUTE).await;
    let left = told(&soon).left;
    assert!(left <= SOON && left > SOON - MINUTE, "{left:?}");
    assert_eq!(rest(&soon, world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_restored_late_is_said_at_once_also_to_who_comes_after() {
    let world = World::signed_in().await;
    world.settle().await;
    world.clock.sleep(26 * MINUTE);
    let world = world.restart();
    let early = listen(&world);
    world.market.session().restore().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    told(&early);
    let late = listen(&world);
    told(&late);
    assert_eq!(rest(&early, world), 0);
    assert_eq!(rest(&late, World::new()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_short_session_is_not_said_to_end_soon_in_its_first_half() {
    let shop = Shop::open();
    shop.expires_in(120);
    let world = World::with(shop, Store::default(), std::sync::Arc::new(Device::new()));
    let soon = listen(&world);
    world.sign_in().await.unwrap();
    tokio::time::sleep(MINUTE - Duration::from_secs(1)).await;
    world.market.session().resumed();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let left = told(&soon).left;
    assert!(left <= MINUTE, "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn one_whose_end_is_not_known_says_nothing_and_a_removed_listener_hears_nothing() {
    let world = World::new();
    world.shop.says_no_expiry();
    let soon = listen(&world);
    world.sign_in().await.unwrap();
    tokio::time::sleep(600 * MINUTE).await;
    assert!(world.state().is_signed_in());
    assert_eq!(rest(&soon, world), 0);

    let world = World::signed_in().await;
    let (tell, removed) = std::sync::mpsc::channel();
    world.market.session().on_expiring_soon(move |soon| tell.send(soon).unwrap()).remove();
    let other = listen(&world);
    tokio::time::sleep(26 * MINUTE).await;
    told(&other);
    assert_eq!(rest(&removed, world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_blocks_or_panics_holds_up_no_other() {
    let world = World::signed_in().await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    world.market.session().on_expiring_soon(move |_| {
        let _ = held.recv();
    });
    world.market.session().on_expiring_soon(|_| panic!("as a host's code can"));
    let soon = listen(&world);
    for _ in 0..2 {
        tokio::time::sleep(26 * MINUTE).await;
        told(&soon);
        world.sign_in().await.unwrap();
    }
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn p4_required_validity_is_checked_and_ends_nothing() {
    let world = World::new();
    let session = world.market.session();
    assert_eq!(session.require_validity(MINUTE).await.unwrap_err().code(), ErrorCode::NotSignedIn);
    world.sign_in().await.unwrap();
    world.shop.forget_seen();
    session.require_validity(29 * MINUTE).await.unwrap();
    tokio::time::sleep(20 * MINUTE).await;
    session.require_validity(9 * MINUTE).await.unwrap();
    let error = session.require_validity(11 * MINUTE).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SessionExpired);
    assert_eq!(error.detail(), Some("the session lasts 599 s more"));
    assert!(world.state().is_signed_in(), "a call may go on");
    assert!(world.shop.seen().is_empty(), "nobody is asked");
    // The same user signs in over it.
    world.sign_in().await.unwrap();
    session.require_validity(11 * MINUTE).await.unwrap();
    world.clock.sleep(31 * MINUTE);
    assert_eq!(session.require_validity(MINUTE).await.unwrap_err().code(), ErrorCode::SessionExpired);
    assert!(matches!(world.state(), SessionState::Expired { .. }));
    session.verify_code(OTHER_PHONE, CODE).await.unwrap();
    session.require_validity(MINUTE).await.unwrap();
    session.logout().await.unwrap();
    assert_eq!(session.require_validity(MINUTE).await.unwrap_err().code(), ErrorCode::NotSignedIn);
}

#[tokio::test(start_paused = true)]
async fn required_validity_waits_for_the_restore_and_takes_an_unknown_end_to_last() {
    let world = World::new();
    world.shop.says_no_expiry();
    world.sign_in().await.unwrap();
    world.settle().await;
    let world = world.restart();
    assert_eq!(world.state(), SessionState::Restoring);
    world.market.session().require_validity(600 * MINUTE).await.unwrap();
}
