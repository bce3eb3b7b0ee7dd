//! Calls that wait for the user of an expired session.

use std::time::Duration;

use market_contract_tests::dev::{Dev, Device};
use market_contract_tests::{Ends, in_time};
use market_dev_server::Dialect;
use market_sdk::{EndReason, ErrorCode, OrderStatus, SessionState, SkuId, UserId};
use tokio::task::JoinHandle;

use crate::{KG_PHONE, PHONE, code, lines, order_from_cart, server};

/// A device whose app was built so that calls wait, and on which Ann has signed in.
async fn parking(dev: &Dev, limit: usize) -> Device {
    let mut device = Device::new(dev);
    device.market = device.builder().park_on_expiry(limit, Duration::from_secs(300)).build().unwrap();
    device.sign_in(dev, PHONE).await;
    device
}

/// Waits until the state says that so many calls wait.
async fn waiting(device: &Device, calls: usize) -> SessionState {
    let mut states = device.market.session().subscribe();
    in_time(async {
        loop {
            let state = states.next().await.unwrap();
            if matches!(state, SessionState::Expired { waiting, .. } if waiting == calls) {
                return state;
            }
        }
    })
    .await
}

async fn ended<T>(call: JoinHandle<market_sdk::Result<T>>) -> market_sdk::Result<T> {
    in_time(call).await.unwrap()
}

#[tokio::test]
async fn calls_that_an_expiry_stops_go_on_in_order_after_the_same_user_signs_in() {
    let dev =
        server("calls_that_an_expiry_stops_go_on_in_order_after_the_same_user_signs_in", Dialect::Documented);
    let device = parking(&dev, 10).await;
    let ends = Ends::of(&device.market);
    let cart = device.market.cart();
    dev.expire_sessions().await;
    let first = tokio::spawn(cart.add(SkuId(42), 2));
    let state = waiting(&device, 1).await;
    let SessionState::Expired { user, reason: EndReason::Rejected, .. } = state else { panic!("{state:?}") };
    assert_eq!((user.id, user.phone.as_str()), (UserId(19), PHONE));
    let second = tokio::spawn(cart.add(SkuId(88), 1));
    waiting(&device, 2).await;
    let third = tokio::spawn(cart.get());
    waiting(&device, 3).await;
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    assert_eq!(lines(&ended(first).await.unwrap()), [(42, 2)]);
    assert_eq!(lines(&ended(second).await.unwrap()), [(42, 2), (88, 1)]);
    assert_eq!(lines(&ended(third).await.unwrap()), [(42, 2), (88, 1)]);
    drop(cart);
    let ends = ends.all(device.market);
    assert_eq!(ends.iter().map(|end| end.reason).collect::<Vec<_>>(), [EndReason::Rejected]);
}

#[tokio::test]
async fn after_another_user_signs_in_what_waited_is_never_sent() {
    let dev = server("after_another_user_signs_in_what_waited_is_never_sent", Dialect::Documented);
    let device = parking(&dev, 10).await;
    dev.expire_sessions().await;
    let add = tokio::spawn(device.market.cart().add(SkuId(42), 2));
    waiting(&device, 1).await;
    let profile = tokio::spawn(device.market.session().profile());
    waiting(&device, 2).await;
    assert_eq!(device.sign_in(&dev, KG_PHONE).await.user.market.code(), "kg");
    assert_eq!(code(ended(add).await), ErrorCode::SignedOut);
    assert_eq!(code(ended(profile).await), ErrorCode::SignedOut);
    assert_eq!(device.market.cart().get().await.unwrap().items, []);
}

#[tokio::test]
async fn a_logout_ends_what_waits() {
    let dev = server("a_logout_ends_what_waits", Dialect::Documented);
    let device = parking(&dev, 10).await;
    dev.expire_sessions().await;
    let add = tokio::spawn(device.market.cart().add(SkuId(42), 2));
    waiting(&device, 1).await;
    device.market.session().logout().await.unwrap();
    assert_eq!(code(ended(add).await), ErrorCode::SignedOut);
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    assert_eq!(device.market.cart().get().await.unwrap().items, []);
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_for_a_session_is_not_made() {
    let id = "a_call_that_is_cancelled_while_it_waits_for_a_session_is_not_made";
    let dev = server(id, Dialect::Documented);
    let device = parking(&dev, 10).await;
    dev.expire_sessions().await;
    let first = tokio::spawn(device.market.cart().add(SkuId(42), 2));
    waiting(&device, 1).await;
    let second = tokio::spawn(device.market.cart().add(SkuId(88), 1));
    waiting(&device, 2).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    waiting(&device, 1).await;
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    assert_eq!(lines(&ended(second).await.unwrap()), [(88, 1)]);
}

#[tokio::test]
async fn of_calls_that_an_expiry_stops_the_one_over_the_limit_fails_at_once() {
    let dev =
        server("of_calls_that_an_expiry_stops_the_one_over_the_limit_fails_at_once", Dialect::Documented);
    let device = parking(&dev, 1).await;
    dev.expire_sessions().await;
    let add = tokio::spawn(device.market.cart().add(SkuId(42), 2));
    waiting(&device, 1).await;
    assert_eq!(code(in_time(device.market.session().profile()).await), ErrorCode::SessionExpired);
    assert_eq!(code(in_time(device.market.cart().get()).await), ErrorCode::SessionExpired);
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    assert_eq!(lines(&ended(add).await.unwrap()), [(42, 2)]);
}

#[tokio::test]
async fn an_order_waits_for_a_session_only_if_it_is_asked_to() {
    let dev = server("an_order_waits_for_a_session_only_if_it_is_asked_to", Dialect::Documented);
    let device = parking(&dev, 10).await;
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    dev.expire_sessions().await;
    let profile = tokio::spawn(device.market.session().profile());
    waiting(&device, 1).await;
    let orders = device.market.orders();
    assert_eq!(code(in_time(orders.place(order_from_cart())).await), ErrorCode::SessionExpired);
    let order = tokio::spawn(orders.place(order_from_cart().park_on_expiry()));
    waiting(&device, 2).await;
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    ended(profile).await.unwrap();
    assert_eq!(ended(order).await.unwrap().status, OrderStatus::Pending);
}

#[tokio::test]
async fn a_session_that_ends_too_soon_for_a_checkout_is_said_and_goes_on() {
    let dev = server("a_session_that_ends_too_soon_for_a_checkout_is_said_and_goes_on", Dialect::Documented);
    let device = Device::new(&dev);
    let session = device.market.session();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert_eq!(code(session.require_validity(minutes(10)).await), ErrorCode::NotSignedIn);
    device.sign_in(&dev, PHONE).await;
    session.require_validity(minutes(10)).await.unwrap();
    assert_eq!(code(session.require_validity(minutes(60)).await), ErrorCode::SessionExpired);
    assert!(session.state().is_signed_in());
    assert_eq!(device.market.cart().get().await.unwrap().items, []);
}
