//! Answers that are lost after the server has acted.

use market_contract_tests::PHONE;
use market_contract_tests::dev::Device;
use market_dev_server::{Fault, FaultRule};
use market_sdk::{ErrorCode, OrderOutcome, SkuId};

use crate::{
    failed, get_to_know, knowing, lines, of_each_kind, of_each_kind_that_takes_orders, order_from_cart,
    reads, routes,
};

/// The ways to act and not to say so.
fn lost(route: &str) -> Vec<FaultRule> {
    let faults =
        [Fault::Reset { acted: true }, Fault::HangUp { acted: true }, Fault::Truncated, Fault::MisTyped];
    faults.map(|fault| FaultRule::new(route, fault).times(1)).into()
}

#[tokio::test]
async fn p12_an_order_whose_answer_is_lost_is_placed_once_and_found() {
    for fault in lost("POST /orders/create") {
        for dev in of_each_kind_that_takes_orders() {
            let device = Device::signed_in(&dev, PHONE).await;
            device.market.cart().add(SkuId(42), 2).await.unwrap();
            dev.clear_requests().await;
            dev.fault(fault.clone()).await;
            let error = failed(device.market.orders().place(order_from_cart()).await);
            assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, false), "{fault:?}");
            assert_eq!(routes(&dev.settled().await), ["GET /orders", "POST /orders/create"], "{fault:?}");
            let pending = failed(device.market.orders().place(order_from_cart()).await);
            assert_eq!(pending.code(), ErrorCode::OrderPending, "{fault:?}");
            // The app is closed and opened again.
            let device = device.restart();
            let OrderOutcome::Placed(order) = device.market.orders().resolve().await.unwrap() else {
                panic!("{fault:?}: it was placed")
            };
            assert_eq!(order.items[0].quantity, 2, "{fault:?}");
            assert_eq!(device.market.orders().resolve().await.unwrap(), OrderOutcome::NothingPending);
            assert_eq!(dev.stored().await["us"]["orders"].as_array().unwrap().len(), 1, "{fault:?}");
            assert!(device.market.session().state().is_signed_in(), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn p6_an_add_whose_answer_is_lost_is_not_made_again() {
    for fault in lost("POST /cart/items") {
        for dev in of_each_kind() {
            let device = Device::signed_in(&dev, PHONE).await;
            dev.clear_requests().await;
            dev.fault(fault.clone()).await;
            let error = failed(device.market.cart().add(SkuId(42), 2).await);
            let expected = match fault.fault {
                Fault::MisTyped => ErrorCode::UnexpectedResponse,
                _ => ErrorCode::Network,
            };
            assert_eq!(error.code(), expected, "{fault:?}");
            assert_eq!(routes(&dev.settled().await), ["POST /cart/items"], "{fault:?}");
            assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(SkuId(42), 2)], "{fault:?}");
        }
    }
}

#[tokio::test]
async fn p6_a_code_whose_answer_is_lost_is_not_spent_again_and_a_new_one_signs_in() {
    for fault in lost("POST /auth/verify-code") {
        for dev in of_each_kind() {
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
}

#[tokio::test]
async fn a_read_whose_answer_is_lost_is_made_again_and_nobody_notices() {
    for dev in of_each_kind() {
        let read = reads(&dev).wishlist;
        for fault in lost(read).into_iter().filter(|rule| rule.fault != Fault::MisTyped) {
            // A client of its own: one makes few calls again in a row.
            let device = knowing(&dev).await;
            dev.fault(fault.clone()).await;
            device.market.wishlist().get().await.unwrap();
            assert_eq!(routes(&dev.settled().await), [read, read], "{fault:?}");
        }
    }
}

#[tokio::test]
async fn p9_a_body_that_never_ends_ends_with_the_deadline_and_one_too_large_at_once() {
    for dev in of_each_kind() {
        let device = knowing(&dev).await;
        let read = reads(&dev).wishlist;
        dev.fault(FaultRule::new(read, Fault::Oversized { bytes: 9 << 20 }).times(1)).await;
        assert_eq!(failed(device.market.wishlist().get().await).code(), ErrorCode::UnexpectedResponse);
        // A deadline is a matter of real time: half a second of it, in which a slow machine reads a wishlist.
        let hasty = device.builder().timeout(std::time::Duration::from_millis(500)).build().unwrap();
        hasty.session().restore().await.unwrap();
        get_to_know(&hasty).await;
        dev.fault(FaultRule::new(read, Fault::NeverEnding).times(1)).await;
        assert_eq!(failed(hasty.wishlist().get().await).code(), ErrorCode::Timeout);
        assert!(hasty.session().state().is_signed_in());
    }
}
