//! Signing in, coming back, and running out of time.

use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::join;
use tokio::time::{Instant, timeout};

use super::shop::{CODE, LATENCY, Mishap};
use super::world::{OTHER_PHONE, PHONE, World};
use crate::ErrorCode;
use crate::model::{
    EndReason, LockedReason, Market, Method, NewOrder, OrderQuery, RawRequest, SessionState, SignedOutReason,
};
use crate::session::clock::Clock;

const HALF_HOUR: Duration = Duration::from_secs(30 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[tokio::test(start_paused = true)]
async fn signing_in_is_told_written_and_published() {
    let world = World::new();
    let mut states = world.market.session().subscribe();
    assert_eq!(states.next().await, Some(SessionState::Restoring));
    assert_eq!(
        world.market.session().restore().await.unwrap(),
        SessionState::SignedOut { reason: SignedOutReason::NoSession }
    );
    let sent = world.market.session().request_code(PHONE).await.unwrap();
    let sign_in = world.sign_in().await.unwrap();
    assert!(sent.expires_at.unwrap() > sent.retry_at);
    assert!(sign_in.persisted);
    assert_eq!(
        (sign_in.user.id.0, sign_in.user.market, sign_in.user.phone.as_str()),
        (19, Market::Us, PHONE)
    );
    assert!(world.store.stored().unwrap().contains("secret-token-1"));
    let Some(SessionState::SignedIn { user, expires_at, persisted, .. }) = states.next().await else {
        panic!("signed in")
    };
    assert_eq!((user.id.0, expires_at, persisted), (19, sign_in.expires_at, true));
    let left = expires_at.unwrap().duration_since(world.clock.wall()).unwrap();
    assert!(left <= HALF_HOUR && left > HALF_HOUR - Duration::from_secs(1), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn p9_a_market_that_no_call_could_carry_is_not_taken_from_the_answer_to_a_sign_in() {
    let world = World::new();
    let answer = br#"{"access_token":"secret-token-9","user":{"id":19},"market":"u\ns \u00e9"}"#;
    world.shop.mishap("/auth/verify-code", Mishap::Body(answer));
    assert_eq!(world.sign_in().await.unwrap().user.market, Market::Us, "that of the phone number");
    let refused = world.market.cart().get().await.unwrap_err().code();
    assert_eq!(refused, ErrorCode::SessionExpired, "it was sent, and the shop does not know this token");
}

#[tokio::test(start_paused = true)]
async fn a_late_subscriber_gets_the_present_state_first_and_the_stream_ends_with_the_client() {
    let world = World::signed_in().await;
    let mut states = world.market.session().subscribe();
    assert!(states.next().await.unwrap().is_signed_in());
    assert!(timeout(Duration::from_secs(60), states.next()).await.is_err(), "nothing has changed");
    world.market.session().logout().await.unwrap();
    assert_eq!(states.next().await, Some(SessionState::SignedOut { reason: SignedOutReason::LoggedOut }));
    drop(world);
    assert_eq!(states.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn two_taps_share_one_flight() {
    let world = World::new();
    let session = world.market.session();
    let (first, second) = join(session.verify_code(PHONE, CODE), session.verify_code(PHONE, CODE)).await;
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(world.shop.seen_at("/auth/verify-code").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_code_waits_for_its_turn() {
    let world = World::new();
    let session = world.market.session();
    let (wrong, right) = join(session.verify_code(PHONE, "999999"), session.verify_code(PHONE, CODE)).await;
    assert_eq!(wrong.unwrap_err().code(), ErrorCode::WrongCode);
    assert!(right.is_ok());
    let at: Vec<_> = world.shop.seen_at("/auth/verify-code").iter().map(|seen| seen.at).collect();
    assert!(at[1] - at[0] >= 2 * LATENCY, "one after the other");
}

#[tokio::test(start_paused = true)]
async fn p7_a_sign_in_whose_caller_left_goes_on_once_it_is_sent_and_not_before() {
    let world = World::new();
    assert!(timeout(LATENCY, world.sign_in()).await.is_err());
    world.settle().await;
    assert!(world.state().is_signed_in());

    let world = World::new();
    assert!(
        timeout(Duration::from_millis(1), world.sign_in()).await.is_err(),
        "the store is still being read"
    );
    world.settle().await;
    assert_eq!(world.shop.seen().len(), 0);
    assert!(!world.state().is_signed_in());
}

#[tokio::test(start_paused = true)]
async fn p2_a_logout_while_the_code_is_on_its_way_signs_nobody_in() {
    let world = World::signed_in().await;
    world.market.session().logout().await.unwrap();
    let session = world.market.session();
    let logout = async {
        tokio::time::sleep(LATENCY).await;
        world.market.session().logout().await.unwrap();
    };
    let (sign_in, ()) = join(session.verify_code(PHONE, CODE), logout).await;
    assert_eq!(sign_in.unwrap_err().code(), ErrorCode::SignedOut);
    world.settle().await;
    world.assert_consistent("after the late answer");
    assert_eq!(world.state(), SessionState::SignedOut { reason: SignedOutReason::LoggedOut });
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_sign_in_is_unknown_and_never_a_wrong_code() {
    for mishap in [Mishap::LostAfter, Mishap::Silent, Mishap::Status(502, ""), Mishap::Body(b"{}")] {
        let world = World::new();
        world.shop.mishap("/auth/verify-code", mishap.clone());
        assert_eq!(world.sign_in().await.unwrap_err().code(), ErrorCode::OutcomeUnknown, "{mishap:?}");
        assert!(!world.state().is_signed_in());
        assert!(world.sign_in().await.is_ok(), "another code works");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_work_is_refused_before_anything_is_sent() {
    let world = World::new();
    let session = world.market.session();
    for phone in ["", "12345", "+1312805985", "+99655512345"] {
        assert_eq!(session.request_code(phone).await.unwrap_err().fields()[0].path, "phone");
    }
    for code in ["", "123", "123456789", "12345a", "１２３４５６"] {
        assert_eq!(session.verify_code(PHONE, code).await.unwrap_err().fields()[0].path, "code");
    }
    assert_eq!(world.shop.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn signing_in_over_a_session_replaces_it() {
    let world = World::signed_in().await;
    let ends = world.ends();
    let sign_in = world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
    assert_eq!(sign_in.user.id.0, 20);
    let end = ends.next();
    assert_eq!((end.user.id.0, end.reason), (19, EndReason::Replaced));
    assert!(world.store.stored().unwrap().contains("secret-token-2"));
    world.assert_consistent("after the second sign-in");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_there_after_a_restart() {
    let world = World::signed_in().await.restart();
    assert!(world.market.session().restore().await.unwrap().is_signed_in());
    world.market.cart().get().await.unwrap();
    let world = world.restart();
    world.market.cart().get().await.expect("a call restores by itself");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_by_itself_when_its_time_is_up() {
    let world = World::signed_in().await;
    let ends = world.ends();
    tokio::time::sleep(HALF_HOUR - Duration::from_secs(1)).await;
    assert!(world.state().is_signed_in());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(matches!(world.state(), SessionState::Expired { reason: EndReason::Expired, .. }));
    assert_eq!(ends.next().reason, EndReason::Expired);
    world.shop.forget_seen();
    let error = world.market.cart().add(crate::model::SkuId(42), 1).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SessionExpired);
    assert_eq!(world.shop.seen().len(), 0, "no request is spent on it");
    world.settle().await;
    world.assert_consistent("after expiry");
}

#[tokio::test(start_paused = true)]
async fn an_expiry_that_was_slept_through_is_noticed_when_the_app_comes_back() {
    let world = World::signed_in().await;
    world.clock.sleep(HALF_HOUR);
    assert!(world.state().is_signed_in(), "no timer runs while a phone sleeps");
    world.market.session().resumed();
    assert!(matches!(world.state(), SessionState::Expired { reason: EndReason::Expired, .. }));

    let world = World::signed_in().await;
    world.clock.sleep(HALF_HOUR);
    world.shop.forget_seen();
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    assert_eq!(world.shop.seen().len(), 0, "a call notices by itself too");
}

#[tokio::test(start_paused = true)]
async fn after_a_week_the_session_is_expired_without_a_request_or_a_signal() {
    let world = World::signed_in().await;
    world.clock.set_forward(WEEK);
    let world = world.restart();
    let ends = world.ends();
    world.shop.forget_seen();
    let state = world.market.session().restore().await.unwrap();
    let SessionState::Expired { user, reason, .. } = state else { panic!("{state:?}") };
    assert_eq!((user.phone.as_str(), reason), (PHONE, EndReason::Expired));
    assert_eq!(world.shop.seen().len(), 0);
    world.settle().await;
    world.assert_consistent("after a week");
    world.sign_in().await.unwrap();
    world.market.cart().get().await.unwrap();
    assert_eq!(ends.all(world), [], "nobody was told that it lived");
}

#[tokio::test(start_paused = true)]
async fn p4_a_device_clock_that_is_moved_ends_nothing_that_the_server_would_accept() {
    // While the process lives the clock means nothing.
    let world = World::signed_in().await;
    world.clock.set_forward(WEEK);
    world.market.session().resumed();
    world.market.cart().get().await.unwrap();

    // After a restart a clock that was set back says nothing: the server is asked.
    let world = World::signed_in().await;
    world.clock.set_back(WEEK);
    let world = world.restart();
    world.market.cart().get().await.unwrap();
    world.shop.expire_tokens();
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_say_how_long_is_asked_until_it_refuses() {
    let world = World::new();
    world.shop.says_no_expiry();
    let sign_in = world.sign_in().await.unwrap();
    assert_eq!(sign_in.expires_at, None);
    tokio::time::sleep(WEEK).await;
    assert!(world.state().is_signed_in());
    let world = world.restart();
    world.market.cart().get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn signing_in_again_goes_on_where_the_expiry_was() {
    let world = World::signed_in().await;
    world.market.cart().add(crate::model::SkuId(42), 2).await.unwrap();
    world.shop.expire_tokens();
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    let SessionState::Expired { user, .. } = world.state() else { panic!("expired") };
    world.market.session().verify_code(user.phone.as_str(), CODE).await.unwrap();
    let cart = world.market.cart().get().await.unwrap();
    assert_eq!((cart.items.len(), cart.total_price.to_string()), (1, "USD 39.98".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn with_nobody_signed_in_a_call_says_so_and_logout_has_nothing_to_do() {
    let world = World::new();
    assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::NotSignedIn);
    let started = Instant::now();
    world.market.session().logout().await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(world.shop.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn clearing_forgets_the_session_and_tells_the_server_nothing() {
    let world = World::signed_in().await;
    let ends = world.ends();
    world.market.session().clear().await.unwrap();
    assert_eq!(ends.next().reason, EndReason::Cleared);
    assert_eq!(world.state(), SessionState::SignedOut { reason: SignedOutReason::Cleared });
    assert_eq!(world.shop.seen_at("/auth/logout").len(), 0);
    world.assert_consistent("after clearing");
}

#[tokio::test(start_paused = true)]
async fn the_next_sign_in_waits_until_the_server_was_told_of_the_logout() {
    let world = World::signed_in().await;
    world.shop.mishap("/auth/logout", Mishap::Slow(Duration::from_secs(2)));
    let session = world.market.session();
    let sign_in = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.sign_in().await.unwrap();
    };
    let (logout, ()) = join(session.logout(), sign_in).await;
    logout.unwrap();
    let paths: Vec<_> = world.shop.seen().iter().map(|seen| (seen.path.clone(), seen.at)).collect();
    let (logout, verify) = (&paths[paths.len() - 2], &paths[paths.len() - 1]);
    assert_eq!((logout.0.as_str(), verify.0.as_str()), ("/auth/logout", "/auth/verify-code"));
    assert!(verify.1 - logout.1 >= Duration::from_secs(2));
    assert!(world.state().is_signed_in());
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_orders_does_not_go_on_as_another_user() {
    let world = World::signed_in().await;
    let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(crate::model::SkuId(42), 1)]);
    world.market.orders().place(order).await.unwrap();
    let mut orders = world.market.orders().stream(OrderQuery::new().limit(1));
    assert!(orders.try_next().await.unwrap().is_some());
    world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
    assert_eq!(orders.try_next().await.unwrap_err().code(), ErrorCode::SignedOut);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_orders_loses_none_while_others_are_placed() {
    let world = World::signed_in().await;
    let place = || async {
        let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(crate::model::SkuId(42), 1)]);
        world.market.orders().place(order).await.unwrap();
    };
    for _ in 0..5 {
        place().await;
    }
    let mut orders = world.market.orders().stream(OrderQuery::new().limit(1));
    let mut ids = vec![orders.try_next().await.unwrap().unwrap().id.0];
    place().await;
    place().await;
    while let Some(order) = orders.try_next().await.unwrap() {
        ids.push(order.id.0);
    }
    // One that was placed meanwhile may be among them.
    let before: Vec<u64> = ids.iter().copied().filter(|id| *id <= 1005).collect();
    assert_eq!(before, [1005, 1004, 1003, 1002, 1001], "{ids:?}");
    assert!(ids.len() <= 6, "{ids:?}");
}

#[test]
fn a_runtime_without_io_is_an_error_and_no_panic() {
    let market = crate::MarketClient::builder("http://127.0.0.1:1")
        .app_id("test")
        .store(crate::MemoryStore::default())
        .allow_http_loopback()
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let error = runtime.block_on(market.session().markets()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config, "{error:?}");
}

#[test]
fn a_runtime_without_a_timer_is_an_error_and_no_panic() {
    let market = crate::MarketClient::builder("https://shop.example")
        .app_id("test")
        .store(crate::MemoryStore::default())
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(market.cart().get()).unwrap_err().code(), ErrorCode::Config);
}

#[tokio::test(start_paused = true)]
async fn a_raw_request_neither_signs_in_nor_out() {
    let world = World::signed_in().await;
    for path in ["/auth/verify-code", "/auth/verify-code/", "/AUTH/Logout"] {
        for request in
            [RawRequest::new(Method::Post, path), RawRequest::new(Method::Post, path).without_session()]
        {
            let error = world.market.request(request).await.unwrap_err();
            assert_eq!(error.fields()[0].path, "path", "{path}");
        }
    }
    assert_eq!(world.shop.seen_at("/auth/logout").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn restoring_on_a_store_that_cannot_be_read_is_an_error_and_not_signed_out() {
    let world = World::signed_in().await;
    world.store.reads(Some(crate::StoreRead::Locked));
    let world = world.restart();
    assert_eq!(world.market.session().restore().await.unwrap_err().code(), ErrorCode::StoreLocked);
    assert_eq!(world.state(), SessionState::Locked { reason: LockedReason::Locked });
}
