//! Logging out, and stores that cannot be read.

use futures_util::future::{join, join_all};
use market_contract_tests::dev::Device;
use market_contract_tests::{Ends, PHONE};
use market_dev_server::LoggedRequest;
use market_sdk::{EndReason, ErrorCode, SessionState, SignedOutReason, SkuId};

use crate::{failed, knowing, of_each_kind, reads, routes, with_token};

#[tokio::test]
async fn p5_after_a_logout_the_server_sees_no_request_with_its_token() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        let market = &device.market;
        market.cart().add(SkuId(42), 2).await.unwrap();
        // Calls under way and calls that queue: none of them may go out later.
        let calls: Vec<_> = (0..10).map(|_| market.cart()).collect();
        let calls = join_all(calls.iter().map(|cart| cart.add(SkuId(88), 1)));
        let (results, logout) = join(calls, market.session().logout()).await;
        logout.unwrap();
        let errors: Vec<_> = results.into_iter().filter_map(|result| result.err()).collect();
        assert!(!errors.is_empty(), "the logout came before the end of the queue");
        assert!(errors.iter().all(|error| error.code() == ErrorCode::SignedOut), "{errors:?}");
        let before = dev.settled().await;
        let last = with_token(&before, "Bearer #1").last().unwrap().path.clone();
        assert_eq!(last, "/api/v1/auth/logout");

        dev.clear_requests().await;
        assert_eq!(failed(market.cart().get().await).code(), ErrorCode::NotSignedIn);
        market.session().resumed();
        market.session().markets().await.unwrap();
        let device = device.restart();
        let state = device.market.session().restore().await.unwrap();
        assert!(
            matches!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }),
            "{state:?}"
        );
        // Two sign-ins within one second give the same token, byte for byte.
        dev.advance_clock(1).await;
        device.sign_in(&dev, PHONE).await;
        device.market.cart().get().await.unwrap();
        let log = dev.settled().await;
        assert_eq!(with_token(&log, "Bearer #1"), Vec::<&LoggedRequest>::new());
        assert_ne!(with_token(&log, "Bearer #2"), Vec::<&LoggedRequest>::new());
    }
}

#[tokio::test]
async fn p5_a_logout_with_the_server_down_returns_with_the_store_empty() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        let ends = Ends::of(&device.market);
        assert_eq!(device.secrets().len(), 1);
        dev.kill();
        device.market.session().logout().await.unwrap();
        assert_eq!(device.secrets(), Vec::<std::path::PathBuf>::new());
        assert_eq!(failed(device.market.cart().get().await).code(), ErrorCode::NotSignedIn);
        let device = device.restart();
        let state = device.market.session().restore().await.unwrap();
        assert!(
            matches!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }),
            "{state:?}"
        );
        let reasons: Vec<_> = ends.after_client_is_gone().into_iter().map(|end| end.reason).collect();
        assert_eq!(reasons, [EndReason::LoggedOut]);
    }
}

#[tokio::test]
async fn p4_a_server_that_is_down_ends_no_session() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        dev.kill();
        assert_eq!(failed(device.market.cart().get().await).code(), ErrorCode::Network);
        assert!(device.market.session().state().is_signed_in());
        let device = device.restart();
        assert!(device.market.session().restore().await.unwrap().is_signed_in());
        assert_eq!(failed(device.market.session().verify_token().await).code(), ErrorCode::Network);
        assert!(device.market.session().state().is_signed_in());
    }
}

#[tokio::test]
async fn p8_a_damaged_record_is_said_to_be_corrupt_and_erased_and_signing_in_works() {
    for dev in of_each_kind() {
        let mut device = Device::signed_in(&dev, PHONE).await;
        for damage in [b"".as_slice(), b"{", b"\xff\xfe\0\0", br#"{"version":999}"#] {
            for secret in device.secrets() {
                std::fs::write(secret, damage).unwrap();
            }
            device = device.restart();
            let state = device.market.session().restore().await.unwrap();
            let corrupt = matches!(state, SessionState::SignedOut { reason: SignedOutReason::Corrupt, .. });
            assert!(corrupt, "{damage:?} {state:?}");
            // A logout waits for what is queued at the store, the erasing of the unreadable included.
            device.market.session().logout().await.unwrap();
            assert_eq!(device.secrets(), Vec::<std::path::PathBuf>::new());
            dev.advance_clock(16 * 60).await; // More codes than a phone gets in 15 minutes.
            device.sign_in(&dev, PHONE).await;
        }
    }
}

#[tokio::test]
async fn clearing_a_session_tells_the_server_nothing_and_the_user_stays_active_elsewhere() {
    for dev in of_each_kind() {
        let (phone, tablet) = (knowing(&dev).await, knowing(&dev).await);
        tablet.market.session().clear().await.unwrap();
        assert_eq!(tablet.secrets(), Vec::<std::path::PathBuf>::new());
        phone.market.cart().get().await.unwrap();
        assert_eq!(routes(&dev.settled().await), [reads(&dev).cart]);
        assert_eq!(dev.stored().await["us"]["users"][0]["is_active"], true);
    }
}
