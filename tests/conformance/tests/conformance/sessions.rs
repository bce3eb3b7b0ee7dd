//! What a session lives through, and how it ends.

use futures_util::future::{join, join_all};
use market_contract_tests::dev::Device;
use market_contract_tests::{Ends, in_time};
use market_dev_server::{Dialect, Fault};
use market_sdk::{EndReason, ErrorCode, SessionState, SignedOutReason, SkuId, UserId};

use crate::{PHONE, code, hold, lines, once, server, status};

#[tokio::test]
async fn an_app_that_is_opened_again_is_still_signed_in_and_asks_nothing() {
    let dev = server("an_app_that_is_opened_again_is_still_signed_in_and_asks_nothing", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    let device = device.restart();
    let state = device.market.session().restore().await.unwrap();
    let SessionState::SignedIn { user, persisted: true, .. } = state else { panic!("{state:?}") };
    assert_eq!((user.id, user.phone.as_str()), (UserId(19), PHONE));
    assert_eq!(dev.settled().await.len(), 3);
    assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(42, 2)]);
}

#[tokio::test]
async fn a_refused_session_is_not_there_when_the_app_is_opened_again() {
    let dev = server("a_refused_session_is_not_there_when_the_app_is_opened_again", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    dev.expire_sessions().await;
    assert_eq!(code(device.market.cart().get().await), ErrorCode::SessionExpired);
    let device = device.restart();
    let state = device.market.session().restore().await.unwrap();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }), "{state:?}");
    assert_eq!(code(device.market.cart().get().await), ErrorCode::NotSignedIn);
}

/// A thousand connections: a shell allows fewer files by default, and a process may allow itself more.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_refused_at_once_end_the_session_once() {
    allow_many_connections();
    let dev = server("a_thousand_calls_refused_at_once_end_the_session_once", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let ends = Ends::of(&device.market);
    hold(&dev, "GET /auth/profile").await;
    let calls: Vec<_> = (0..1000).map(|_| tokio::spawn(device.market.session().profile())).collect();
    in_time(async { while dev.requests().await.len() < 1002 {} }).await;
    dev.expire_sessions().await;
    dev.release().await;
    for call in join_all(calls).await {
        assert_eq!(code(call.unwrap()), ErrorCode::SessionExpired);
    }
    let ends: Vec<_> = ends.all(device.market).into_iter().map(|end| end.reason).collect();
    assert_eq!(ends, [EndReason::Rejected]);
}

#[tokio::test]
async fn a_logout_with_the_server_down_empties_the_store() {
    let mut dev = server("a_logout_with_the_server_down_empties_the_store", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let ends = Ends::of(&device.market);
    assert_eq!(device.secrets().len(), 1);
    dev.stop();
    device.market.session().logout().await.unwrap();
    assert_eq!(device.secrets().len(), 0);
    assert_eq!(code(device.market.cart().get().await), ErrorCode::NotSignedIn);
    let device = device.restart();
    let state = device.market.session().restore().await.unwrap();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }), "{state:?}");
    let reasons: Vec<_> = ends.after_client_is_gone().into_iter().map(|end| end.reason).collect();
    assert_eq!(reasons, [EndReason::LoggedOut]);
}

#[tokio::test]
async fn clearing_a_session_tells_the_server_nothing() {
    let dev = server("clearing_a_session_tells_the_server_nothing", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let ends = Ends::of(&device.market);
    device.market.session().clear().await.unwrap();
    assert_eq!(device.secrets().len(), 0);
    let state = device.market.session().state();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::Cleared, .. }), "{state:?}");
    assert_eq!(dev.stored().await["us"]["users"][0]["is_active"], true);
    let reasons: Vec<_> = ends.all(device.market).into_iter().map(|end| end.reason).collect();
    assert_eq!(reasons, [EndReason::Cleared]);
}

#[tokio::test]
async fn a_logout_overtakes_the_calls_that_run() {
    let dev = server("a_logout_overtakes_the_calls_that_run", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let market = &device.market;
    hold(&dev, "POST /cart/items").await;
    let cart = market.cart();
    let add = tokio::spawn(cart.add(SkuId(42), 2));
    dev.arrived("POST /cart/items").await;
    market.session().logout().await.unwrap();
    assert_eq!(code(add.await.unwrap()), ErrorCode::SignedOut);
    in_time(async { while !dev.requests().await[2].aborted {} }).await;
    dev.release().await;
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    assert_eq!(market.cart().get().await.unwrap().items, []);
}

#[tokio::test]
async fn a_late_answer_of_an_old_session_changes_nothing() {
    let dev = server("a_late_answer_of_an_old_session_changes_nothing", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let ends = Ends::of(&device.market);
    let market = &device.market;
    hold(&dev, "GET /auth/profile").await;
    let late = tokio::spawn(market.session().profile());
    dev.arrived("GET /auth/profile").await;
    dev.expire_sessions().await;
    assert_eq!(code(market.cart().get().await), ErrorCode::SessionExpired);
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    dev.release().await;
    // It is made again by the session of now, which is the same user's.
    assert_eq!(late.await.unwrap().unwrap().id, UserId(19));
    assert!(market.session().state().is_signed_in());
    market.cart().get().await.unwrap();
    let reasons: Vec<_> = ends.all(device.market).into_iter().map(|end| end.reason).collect();
    assert_eq!(reasons, [EndReason::Rejected]);
}

#[tokio::test]
async fn signing_in_over_a_session_replaces_it() {
    let dev = server("signing_in_over_a_session_replaces_it", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let ends = Ends::of(&device.market);
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    let sign_in = device.sign_in(&dev, crate::KG_PHONE).await;
    assert_eq!(sign_in.user.market.code(), "kg");
    assert_eq!(device.market.cart().get().await.unwrap().items, []);
    let ends = ends.all(device.market);
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!((ends[0].reason, ends[0].user.phone.as_str()), (EndReason::Replaced, PHONE));
}

#[tokio::test]
async fn nothing_but_a_refusal_of_its_token_ends_a_session() {
    let dev = server("nothing_but_a_refusal_of_its_token_ends_a_session", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let session = device.market.session();
    for (fault, expected) in [
        (status(500), ErrorCode::Server),
        (status(503), ErrorCode::Server),
        (status(403), ErrorCode::Rejected),
        (Fault::MisTyped, ErrorCode::UnexpectedResponse),
    ] {
        once(&dev, "GET /auth/profile", fault).await;
        assert_eq!(code(session.profile().await), expected);
        assert!(session.state().is_signed_in());
    }
    assert_eq!(session.profile().await.unwrap().id, UserId(19));
}

#[tokio::test]
async fn two_taps_on_sign_in_spend_the_code_once() {
    let dev = server("two_taps_on_sign_in_spend_the_code_once", Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    session.request_code(PHONE).await.unwrap();
    let spent = dev.code(PHONE).await;
    hold(&dev, "POST /auth/verify-code").await;
    let taps = join(session.verify_code(PHONE, &spent), session.verify_code(PHONE, &spent));
    let let_go = async {
        dev.arrived("POST /auth/verify-code").await;
        session.markets().await.unwrap();
        dev.release().await;
    };
    let ((first, second), ()) = join(taps, let_go).await;
    assert_eq!((first.unwrap().user.id, second.unwrap().user.id), (UserId(19), UserId(19)));
}
