//! Answers that are lost after the server has acted.

use market_contract_tests::PHONE;
use market_contract_tests::dev::Device;
use market_dev_server::{Fault, FaultRule};
use market_sdk::{ErrorCode, SkuId};

use crate::{dev, failed, lines, order_from_cart, routes};

/// The ways to act and not to say so.
fn lost(route: &str) -> Vec<FaultRule> {
    let faults =
        [Fault::Reset { acted: true }, Fault::HangUp { acted: true }, Fault::Truncated, Fault::MisTyped];
    faults.map(|fault| FaultRule::new(route, fault).times(1)).into()
}

#[tokio::test]
async fn p12_an_order_whose_answer_is_lost_is_placed_once_and_found_in_the_list() {
    for fault in lost("POST /orders/create") {
        let dev = dev();
        let device = Device::signed_in(&dev, PHONE).await;
        device.market.cart().add(SkuId(42), 2).await.unwrap();
        dev.clear_requests().await;
        dev.fault(fault.clone()).await;
        let error = failed(device.market.orders().place(order_from_cart()).await);
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, false), "{fault:?}");
        assert_eq!(routes(&dev.settled().await), ["POST /orders/create"], "{fault:?}");
        let orders = device.market.orders().list(Default::default()).await.unwrap();
        assert_eq!(orders.len(), 1, "{fault:?}");
        assert_eq!(dev.stored().await["us"]["orders"].as_array().unwrap().len(), 1, "{fault:?}");
        assert!(device.market.session().state().is_signed_in(), "{fault:?}");
    }
}

#[tokio::test]
async fn p6_an_add_whose_answer_is_lost_is_not_made_again() {
    for fault in lost("POST /cart/items") {
        let dev = dev();
        let device = Device::signed_in(&dev, PHONE).await;
        dev.fault(fault.clone()).await;
        let error = failed(device.market.cart().add(SkuId(42), 2).await);
        let expected = match fault.fault {
            Fault::MisTyped => ErrorCode::UnexpectedResponse,
            _ => ErrorCode::Network,
        };
        assert_eq!(error.code(), expected, "{fault:?}");
        assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(SkuId(42), 2)], "{fault:?}");
    }
}

#[tokio::test]
async fn p6_a_code_whose_answer_is_lost_is_not_spent_again_and_a_new_one_signs_in() {
    for fault in lost("POST /auth/verify-code") {
        let dev = dev();
        let device = Device::new(&dev);
        let session = device.market.session();
        session.request_code(PHONE).await.unwrap();
        let code = dev.code(PHONE).await;
        dev.clear_requests().await;
        dev.fault(fault.clone()).await;
        let error = failed(session.verify_code(PHONE, &code).await);
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{fault:?}");
        assert_eq!(routes(&dev.settled().await), ["POST /auth/verify-code"], "{fault:?}");
        assert!(!session.state().is_signed_in(), "{fault:?}");
        device.sign_in(&dev, PHONE).await;
        device.market.cart().get().await.unwrap();
    }
}

#[tokio::test]
async fn a_read_whose_answer_is_lost_is_made_again_and_nobody_notices() {
    for fault in lost("GET /wishlist").into_iter().filter(|rule| rule.fault != Fault::MisTyped) {
        let dev = dev();
        let device = Device::signed_in(&dev, PHONE).await;
        dev.clear_requests().await;
        dev.fault(fault.clone()).await;
        device.market.wishlist().get().await.unwrap();
        assert_eq!(routes(&dev.settled().await), ["GET /wishlist", "GET /wishlist"], "{fault:?}");
    }
}

#[tokio::test]
async fn p9_a_body_that_never_ends_ends_with_the_deadline_and_one_too_large_at_once() {
    let dev = dev();
    let device = Device::signed_in(&dev, PHONE).await;
    dev.fault(FaultRule::new("GET /wishlist", Fault::Oversized { bytes: 9 << 20 }).times(1)).await;
    assert_eq!(failed(device.market.wishlist().get().await).code(), ErrorCode::UnexpectedResponse);
    // A deadline is a matter of real time: a tenth of a second of it.
    let hasty = device.builder().timeout(std::time::Duration::from_millis(100)).build().unwrap();
    hasty.session().restore().await.unwrap();
    dev.fault(FaultRule::new("GET /wishlist", Fault::NeverEnding).times(1)).await;
    assert_eq!(failed(hasty.wishlist().get().await).code(), ErrorCode::Timeout);
    assert!(hasty.session().state().is_signed_in());
}
