//! The four scenarios: logging out and in, expiry while shopping, a week later, another device.

use std::time::Duration;

use futures_util::future::join_all;
use market_contract_tests::dev::{Dev, Device};
use market_contract_tests::{Ends, PHONE};
use market_dev_server::Dialect;
use market_sdk::{
    EndReason, ErrorCode, FileStore, MarketClient, OrderStatus, SecureStore, SessionState, SignedOutReason,
    SkuId, StoreError, StoreRead, UserId,
};
use serde_json::{Value, json};

use crate::{failed, knowing, lines, of_each_kind, order_from_cart};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[tokio::test]
async fn after_logging_out_and_in_the_cart_is_still_there() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        let cart = device.market.cart();
        cart.add(SkuId(42), 2).await.unwrap();
        cart.add(SkuId(88), 1).await.unwrap();
        device.market.session().logout().await.unwrap();
        let state = device.market.session().state();
        assert!(
            matches!(state, SessionState::SignedOut { reason: SignedOutReason::LoggedOut, .. }),
            "{state:?}"
        );
        assert_eq!(failed(cart.get().await).code(), ErrorCode::NotSignedIn);

        let sign_in = device.sign_in(&dev, PHONE).await;
        assert_eq!((sign_in.user.id, sign_in.persisted), (UserId(19), true));
        assert_eq!(lines(&cart.get().await.unwrap()), [(SkuId(42), 2), (SkuId(88), 1)]);
    }
}

/// The shopper's story up to the order, with a session that ends in the middle of it.
async fn expires_while_shopping(expire: impl AsyncFn(&Dev)) {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        let ends = Ends::of(&device.market);
        let market = &device.market;
        market.cart().add(SkuId(42), 2).await.unwrap();
        expire(&dev).await;

        assert_eq!(failed(market.cart().add(SkuId(88), 1).await).code(), ErrorCode::SessionExpired);
        let state = market.session().state();
        let SessionState::Expired { user, reason: EndReason::Rejected, .. } = state else {
            panic!("{state:?}")
        };
        assert_eq!(
            (user.id, user.phone.as_str()),
            (UserId(19), PHONE),
            "the login screen fills in the phone"
        );
        // The next ones know it without asking (one kind of server would give the wishlist to anybody who
        // asks), and nothing is signalled again.
        dev.clear_requests().await;
        assert_eq!(failed(market.wishlist().get().await).code(), ErrorCode::SessionExpired);
        assert_eq!(failed(market.cart().get().await).code(), ErrorCode::SessionExpired);
        assert_eq!(dev.settled().await, []);

        device.sign_in(&dev, PHONE).await;
        let cart = market.cart().add(SkuId(88), 1).await.unwrap();
        assert_eq!(lines(&cart), [(SkuId(42), 2), (SkuId(88), 1)]);
        let order = market.orders().place(order_from_cart()).await;
        let placed = if dev.dialect == Dialect::G1 {
            assert_eq!(failed(order).code(), ErrorCode::Unsupported, "the first generation takes no orders");
            0
        } else {
            let order = order.unwrap();
            assert_eq!((order.status, order.items.len()), (OrderStatus::Pending, 2));
            assert_eq!(market.cart().get().await.unwrap().items, [], "what was ordered is no longer there");
            1
        };
        assert_eq!(dev.stored().await["us"]["orders"].as_array().unwrap().len(), placed);

        let ends = ends.all(device.market);
        assert_eq!(ends.len(), 1, "{ends:?}");
        assert_eq!((ends[0].reason, ends[0].user.id), (EndReason::Rejected, UserId(19)));
    }
}

#[tokio::test]
async fn p3_a_session_that_the_server_revokes_while_shopping_ends_once_and_after_signing_in_all_goes_on() {
    expires_while_shopping(async |dev: &Dev| dev.expire_sessions().await).await;
}

#[tokio::test]
async fn p3_a_token_that_expires_while_shopping_ends_the_session_once_and_after_signing_in_all_goes_on() {
    expires_while_shopping(async |dev: &Dev| dev.advance_clock(31 * 60).await).await;
}

#[tokio::test]
async fn a_refused_session_is_erased_and_not_there_when_the_app_is_opened_again() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        assert_eq!(device.secrets().len(), 1);
        dev.expire_sessions().await;
        assert_eq!(failed(device.market.cart().get().await).code(), ErrorCode::SessionExpired);
        let device = device.restart();
        let state = device.market.session().restore().await.unwrap();
        assert!(
            matches!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }),
            "{state:?}"
        );
        assert_eq!(device.secrets().len(), 0);
    }
}

#[tokio::test]
async fn p3_twenty_calls_that_find_the_token_expired_at_once_are_one_signal() {
    for dev in of_each_kind() {
        let device = knowing(&dev).await;
        let ends = Ends::of(&device.market);
        dev.expire_sessions().await;
        // The list of orders: the cart is read by one call at a time, and the wishlist of the second generation
        // looks at no token.
        let calls: Vec<_> = (0..20).map(|_| device.market.orders()).collect();
        for result in join_all(calls.iter().map(|orders| orders.list(Default::default()))).await {
            assert_eq!(failed(result).code(), ErrorCode::SessionExpired);
        }
        drop(calls);
        let log = dev.settled().await;
        let refused = log.iter().filter(|request| request.status == Some(401)).count();
        assert!(refused > 1, "several were under way: {log:?}");
        assert_eq!(ends.all(device.market).len(), 1);
    }
}

#[tokio::test]
async fn an_app_that_is_opened_again_at_once_is_still_signed_in_and_asks_the_server_nothing() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        device.market.cart().add(SkuId(42), 2).await.unwrap();
        dev.clear_requests().await;
        let device = device.restart();
        let state = device.market.session().restore().await.unwrap();
        let SessionState::SignedIn { user, persisted: true, .. } = state else { panic!("{state:?}") };
        assert_eq!((user.id, user.phone.as_str()), (UserId(19), PHONE));
        assert_eq!(dev.settled().await, []);
        assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(SkuId(42), 2)]);
    }
}

#[tokio::test]
async fn a_week_later_by_the_servers_clock_the_first_call_finds_it_out_and_the_cart_is_there() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        device.market.cart().add(SkuId(42), 2).await.unwrap();
        let device = device.restart();
        let ends = Ends::of(&device.market);
        dev.advance_clock(WEEK.as_secs().try_into().unwrap()).await;
        // The device's clock says that the session is young: the server has the last word.
        assert!(device.market.session().restore().await.unwrap().is_signed_in());
        assert_eq!(failed(device.market.cart().get().await).code(), ErrorCode::SessionExpired);
        let state = device.market.session().state();
        assert!(matches!(state, SessionState::Expired { reason: EndReason::Rejected, .. }), "{state:?}");
        assert_eq!(state.user().unwrap().phone.as_str(), PHONE);
        device.sign_in(&dev, PHONE).await;
        assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(SkuId(42), 2)]);
        assert_eq!(ends.all(device.market).len(), 1);
    }
}

/// A store in which a week has passed since the session was written. The device's own clock cannot be moved,
/// and need not be: what the SDK compares with it is in the record, and a host may bring any store.
struct WeekLater(FileStore);

impl SecureStore for WeekLater {
    fn place(&self) -> String {
        self.0.place()
    }

    fn read(&self, key: &str) -> StoreRead {
        let StoreRead::Found(mut bytes) = self.0.read(key) else { return self.0.read(key) };
        let mut record: Value = serde_json::from_slice(&bytes).unwrap();
        let signed_in = record["signed_in_at_ms"].as_u64().expect("the record says when");
        record["signed_in_at_ms"] = json!(signed_in - u64::try_from(WEEK.as_millis()).unwrap());
        *bytes = record.to_string().into();
        StoreRead::Found(bytes)
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.write(key, value)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key)
    }
}

#[tokio::test]
async fn a_week_later_by_the_devices_clock_the_session_is_known_to_have_expired_and_the_cart_is_there() {
    for dev in of_each_kind() {
        let device = Device::signed_in(&dev, PHONE).await;
        device.market.cart().add(SkuId(42), 2).await.unwrap();
        let device = device.restart();
        device.market.session().restore().await.unwrap();
        dev.advance_clock(WEEK.as_secs().try_into().unwrap()).await;
        dev.clear_requests().await;

        let later: MarketClient = device.builder().store(WeekLater(device.store())).build().unwrap();
        let ends = Ends::of(&later);
        let state = later.session().restore().await.unwrap();
        let SessionState::Expired { user, reason: EndReason::Expired, .. } = state else {
            panic!("{state:?}")
        };
        assert_eq!(
            (user.id, user.phone.as_str()),
            (UserId(19), PHONE),
            "the login screen fills in the phone"
        );
        assert_eq!(failed(later.cart().get().await).code(), ErrorCode::SessionExpired);
        assert_eq!(dev.settled().await, [], "it is known without the server");
        assert_eq!(ends.all(later), [], "a session that nobody was told of does not end aloud");

        // By now the record is erased, and the app of that day begins with the login screen.
        let device = device.restart();
        let state = device.market.session().restore().await.unwrap();
        assert!(
            matches!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }),
            "{state:?}"
        );
        device.sign_in(&dev, PHONE).await;
        assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(SkuId(42), 2)]);
    }
}

#[tokio::test]
async fn on_another_device_the_same_phone_finds_the_same_cart() {
    for dev in of_each_kind() {
        let phone = Device::signed_in(&dev, PHONE).await;
        phone.market.cart().add(SkuId(42), 2).await.unwrap();
        // Two sign-ins within one second give the same token, and one device must not live by the other's.
        dev.advance_clock(1).await;
        let tablet = Device::signed_in(&dev, PHONE).await;
        assert_eq!(lines(&tablet.market.cart().get().await.unwrap()), [(SkuId(42), 2)]);
        tablet.market.cart().add(SkuId(42), 1).await.unwrap();
        assert_eq!(lines(&phone.market.cart().get().await.unwrap()), [(SkuId(42), 3)]);

        let ends = Ends::of(&phone.market);
        tablet.market.session().logout().await.unwrap();
        let mut reasons = vec![];
        if dev.dialect == Dialect::Documented {
            // It refuses all of the user's tokens from then on.
            assert_eq!(failed(phone.market.cart().get().await).code(), ErrorCode::SessionExpired);
            phone.sign_in(&dev, PHONE).await;
            reasons.push(EndReason::Rejected);
        }
        assert_eq!(lines(&phone.market.cart().get().await.unwrap()), [(SkuId(42), 3)]);
        let ends: Vec<_> = ends.all(phone.market).into_iter().map(|end| end.reason).collect();
        assert_eq!(ends, reasons);
    }
}
