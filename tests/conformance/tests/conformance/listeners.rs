//! Listeners, and hosts that treat them badly.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use market_contract_tests::dev::Device;
use market_contract_tests::{Ends, in_time};
use market_dev_server::{Dialect, Fault};
use market_sdk::{Carts, EndReason, ErrorCode, SessionState, SessionStates, SignedOutReason, SkuId, UserId};

use crate::{KG_PHONE, PHONE, code, lines, once, order_from_cart, server, server_with};

/// Only what is broken takes this long.
const DEADLINE: Duration = Duration::from_secs(10);

async fn until(states: &mut SessionStates, wanted: impl Fn(&SessionState) -> bool) -> SessionState {
    in_time(async {
        loop {
            let state = states.next().await.unwrap();
            if wanted(&state) {
                return state;
            }
            assert!(
                matches!(state, SessionState::Restoring | SessionState::SignedIn { .. }),
                "out of order: {state:?}"
            );
        }
    })
    .await
}

#[tokio::test]
async fn the_states_come_in_order() {
    let dev = server("the_states_come_in_order", Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    let mut states = session.subscribe();
    let first = until(&mut states, |state| matches!(state, SessionState::SignedOut { .. })).await;
    assert!(matches!(first, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }), "{first:?}");
    device.sign_in(&dev, PHONE).await;
    until(&mut states, |state| matches!(state, SessionState::SignedIn { persisted: true, .. })).await;
    dev.expire_sessions().await;
    crate::failed(device.market.cart().get().await);
    until(&mut states, |state| matches!(state, SessionState::Expired { reason: EndReason::Rejected, .. }))
        .await;
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    until(&mut states, |state| matches!(state, SessionState::SignedIn { persisted: true, .. })).await;
    session.logout().await.unwrap();
    let last = until(&mut states, |state| matches!(state, SessionState::SignedOut { .. })).await;
    assert!(matches!(last, SessionState::SignedOut { reason: SignedOutReason::LoggedOut, .. }), "{last:?}");
}

#[tokio::test]
async fn a_listener_that_throws_harms_nobody() {
    let dev = server("a_listener_that_throws_harms_nobody", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    device.market.session().on_end(|_| panic!("on purpose"));
    let ends = Ends::of(&device.market);
    device.market.session().logout().await.unwrap();
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    device.market.cart().get().await.unwrap();
    device.market.session().logout().await.unwrap();
    assert_eq!(ends.all(device.market).len(), 2);
}

#[tokio::test]
async fn a_listener_that_blocks_holds_up_nobody() {
    let dev = server("a_listener_that_blocks_holds_up_nobody", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let (release, blocked) = channel::<()>();
    let (began, begun) = channel();
    device.market.session().on_end(move |_| {
        began.send(()).unwrap();
        let _ = blocked.recv(); // An error is the end of the test.
    });
    let (told, ends) = channel();
    device.market.session().on_end(move |end| told.send(end.reason).unwrap());
    device.market.session().logout().await.unwrap();
    begun.recv_timeout(DEADLINE).unwrap();
    assert_eq!(ends.recv_timeout(DEADLINE).unwrap(), EndReason::LoggedOut);
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    device.market.cart().get().await.unwrap();
    drop(device);
    drop(release);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_calls_back_is_answered() {
    let dev = server("a_listener_that_calls_back_is_answered", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let (told, ends) = channel();
    let (market, runtime) = (device.market.clone(), tokio::runtime::Handle::current());
    let listener = device.market.session().on_end(move |_| {
        let state = market.session().state();
        let markets = runtime.block_on(market.session().markets());
        told.send((state, markets.unwrap().supported.len())).unwrap();
    });
    dev.expire_sessions().await;
    crate::failed(device.market.cart().get().await);
    let (state, markets) =
        tokio::task::spawn_blocking(move || ends.recv_timeout(DEADLINE)).await.unwrap().unwrap();
    assert!(matches!(state, SessionState::Expired { .. }), "{state:?}");
    assert_eq!(markets, 2);
    listener.remove();
}

/// Waits until the cart is this, as SKUs and quantities, or none to show. Before it only `before` may come.
async fn shows(carts: &mut Carts, wanted: Option<&[(u64, i64)]>, before: Option<&[(u64, i64)]>) {
    in_time(async {
        loop {
            let cart = carts.next().await.unwrap().as_ref().map(lines);
            if cart.as_deref() == wanted {
                return;
            }
            assert_eq!(cart.as_deref(), before, "out of order");
        }
    })
    .await;
}

#[tokio::test]
async fn who_observes_the_cart_is_shown_each_change() {
    let dev = server("who_observes_the_cart_is_shown_each_change", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let (market, mut carts) = (&device.market, device.market.cart().subscribe());
    shows(&mut carts, None, None).await;
    market.cart().get().await.unwrap();
    shows(&mut carts, Some(&[]), None).await;
    market.cart().add(SkuId(42), 2).await.unwrap();
    shows(&mut carts, Some(&[(42, 2)]), Some(&[])).await;
    market.orders().place(order_from_cart()).await.unwrap();
    shows(&mut carts, Some(&[]), Some(&[(42, 2)])).await;
    market.session().logout().await.unwrap();
    shows(&mut carts, None, Some(&[])).await;
}

#[tokio::test]
async fn who_observes_the_cart_is_shown_what_a_failed_change_has_left() {
    let dev = server("who_observes_the_cart_is_shown_what_a_failed_change_has_left", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let mut carts = device.market.cart().subscribe();
    shows(&mut carts, None, None).await;
    once(&dev, "POST /cart/items", Fault::Status { status: 500, acted: true, retry_after: None }).await;
    assert_eq!(code(device.market.cart().add(SkuId(42), 2).await), ErrorCode::Server);
    shows(&mut carts, Some(&[(42, 2)]), None).await;
}

#[tokio::test]
async fn a_session_that_ends_soon_is_said_once_before_its_end() {
    let id = "a_session_that_ends_soon_is_said_once_before_its_end";
    // A whole session passes, of four seconds of real time.
    let dev = server_with(id, Dialect::Documented, &["--token-lifetime", "4"]);
    let device = Device::new(&dev);
    let session = device.market.session();
    let (told, news) = channel();
    let soon = told.clone();
    session.on_expiring_soon(move |it| soon.send((it.user.id, Some(it.left), None)).unwrap());
    session.on_end(move |end| told.send((end.user.id, None, Some(end.reason))).unwrap());
    device.sign_in(&dev, PHONE).await;
    drop(session);
    let (user, left, _) = news.recv_timeout(DEADLINE).unwrap();
    let left = left.expect("it is said before the end");
    assert_eq!(user, UserId(19));
    assert!(left <= Duration::from_secs(2), "{left:?}");
    assert_eq!(news.recv_timeout(DEADLINE).unwrap(), (UserId(19), None, Some(EndReason::Expired)));
    // Nothing comes after, of either kind: with the client go the listeners.
    drop(device);
    assert_eq!(news.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
}

#[tokio::test]
async fn who_observes_the_cart_is_never_shown_another_users() {
    let dev = server("who_observes_the_cart_is_never_shown_another_users", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let (session, cart, mut carts) =
        (device.market.session(), device.market.cart(), device.market.cart().subscribe());
    shows(&mut carts, None, None).await;
    cart.add(SkuId(42), 2).await.unwrap();
    shows(&mut carts, Some(&[(42, 2)]), None).await;
    dev.expire_sessions().await;
    assert_eq!(code(cart.get().await), ErrorCode::SessionExpired);
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    cart.add(SkuId(88), 1).await.unwrap();
    shows(&mut carts, Some(&[(42, 2), (88, 1)]), Some(&[(42, 2)])).await;
    session.logout().await.unwrap();
    shows(&mut carts, None, Some(&[(42, 2), (88, 1)])).await;
    device.sign_in(&dev, KG_PHONE).await;
    cart.get().await.unwrap();
    let shown = in_time(carts.next()).await.unwrap().expect("there was none to show, and now there is one");
    assert_eq!(lines(&shown), []);
    assert_ne!(shown.user_id, Some(UserId(19)));
}
