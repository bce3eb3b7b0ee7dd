//! The four scenarios: logging out and in, expiry while shopping, a week later, another device.

use market_contract_tests::Ends;
use market_contract_tests::dev::Device;
use market_dev_server::Dialect;
use market_sdk::{EndReason, ErrorCode, OrderStatus, SessionState, SignedOutReason, SkuId, UserId};

use crate::{PHONE, code, lines, order_from_cart, server};

#[tokio::test]
async fn after_logging_out_and_in_the_cart_is_still_there() {
    let dev = server("after_logging_out_and_in_the_cart_is_still_there", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let (session, cart) = (device.market.session(), device.market.cart());
    cart.add(SkuId(42), 2).await.unwrap();
    cart.add(SkuId(88), 1).await.unwrap();
    session.logout().await.unwrap();
    assert!(matches!(session.state(), SessionState::SignedOut { reason: SignedOutReason::LoggedOut, .. }));
    assert_eq!(code(cart.get().await), ErrorCode::NotSignedIn);
    dev.advance_clock(1).await;
    let sign_in = device.sign_in(&dev, PHONE).await;
    assert_eq!((sign_in.user.id, sign_in.user.phone.as_str()), (UserId(19), PHONE));
    assert_eq!(lines(&cart.get().await.unwrap()), [(42, 2), (88, 1)]);
}

#[tokio::test]
async fn a_session_that_expires_while_shopping_ends_once_and_after_signing_in_all_goes_on() {
    let id = "a_session_that_expires_while_shopping_ends_once_and_after_signing_in_all_goes_on";
    let dev = server(id, Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let ends = Ends::of(&device.market);
    let market = &device.market;
    market.cart().add(SkuId(42), 2).await.unwrap();
    dev.advance_clock(31 * 60).await;
    assert_eq!(code(market.cart().add(SkuId(88), 1).await), ErrorCode::SessionExpired);
    let state = market.session().state();
    let SessionState::Expired { user, reason: EndReason::Rejected, .. } = state else { panic!("{state:?}") };
    assert_eq!((user.id, user.phone.as_str()), (UserId(19), PHONE));
    assert_eq!(code(market.wishlist().get().await), ErrorCode::SessionExpired);
    device.sign_in(&dev, PHONE).await;
    assert_eq!(lines(&market.cart().add(SkuId(88), 1).await.unwrap()), [(42, 2), (88, 1)]);
    let order = market.orders().place(order_from_cart()).await.unwrap();
    assert_eq!((order.status, order.items.len()), (OrderStatus::Pending, 2));
    assert_eq!(market.cart().get().await.unwrap().items, []);
    let ends = ends.all(device.market);
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!((ends[0].reason, ends[0].user.id), (EndReason::Rejected, UserId(19)));
}

#[tokio::test]
async fn an_app_that_was_closed_for_a_week_finds_its_session_over_and_its_cart_there() {
    let id = "an_app_that_was_closed_for_a_week_finds_its_session_over_and_its_cart_there";
    let dev = server(id, Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    let device = device.restart();
    dev.advance_clock(7 * 24 * 60 * 60).await;
    let state = device.market.session().restore().await.unwrap();
    assert_eq!(state.user().unwrap().phone.as_str(), PHONE);
    assert!(state.is_signed_in());
    let ends = Ends::of(&device.market);
    assert_eq!(code(device.market.cart().get().await), ErrorCode::SessionExpired);
    let state = device.market.session().state();
    let SessionState::Expired { user, reason: EndReason::Rejected, .. } = state else { panic!("{state:?}") };
    assert_eq!(user.phone.as_str(), PHONE);
    device.sign_in(&dev, PHONE).await;
    assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(42, 2)]);
    assert_eq!(ends.all(device.market).len(), 1);
}

#[tokio::test]
async fn on_another_device_the_same_phone_finds_the_same_cart() {
    let dev = server("on_another_device_the_same_phone_finds_the_same_cart", Dialect::Documented);
    let phone = Device::signed_in(&dev, PHONE).await;
    phone.market.cart().add(SkuId(42), 2).await.unwrap();
    dev.advance_clock(1).await;
    let tablet = Device::signed_in(&dev, PHONE).await;
    assert_eq!(lines(&tablet.market.cart().get().await.unwrap()), [(42, 2)]);
    tablet.market.cart().add(SkuId(42), 1).await.unwrap();
    assert_eq!(lines(&phone.market.cart().get().await.unwrap()), [(42, 3)]);
}
