//! Stores that are locked, damaged, unusable, or refuse to forget.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use market_contract_tests::dev::Device;
use market_dev_server::Dialect;
use market_sdk::{
    ErrorCode, LockedReason, MemoryStore, SecureStore, SessionState, SignedOutReason, StoreError, StoreRead,
};

use crate::{PHONE, code, failed, server};

/// A store of the host's own, which can be locked.
#[derive(Clone, Default)]
struct HostStore {
    values: MemoryStore,
    locked: Arc<AtomicBool>,
}

impl HostStore {
    fn usable(&self) -> Result<(), StoreError> {
        if self.locked.load(Ordering::SeqCst) { Err(StoreError::Locked) } else { Ok(()) }
    }
}

impl SecureStore for HostStore {
    fn place(&self) -> String {
        format!("host {}", self.values.place())
    }

    fn read(&self, key: &str) -> StoreRead {
        match self.usable() {
            Ok(()) => self.values.read(key),
            Err(_) => StoreRead::Locked,
        }
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.usable()?;
        self.values.write(key, value)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.usable()?;
        self.values.delete(key)
    }
}

#[tokio::test]
async fn a_locked_store_waits_and_is_not_taken_for_signed_out() {
    let dev = server("a_locked_store_waits_and_is_not_taken_for_signed_out", Dialect::Documented);
    let store = HostStore::default();
    let device = Device::new(&dev);
    // A call waits for a locked store until its deadline, and two seconds of real time pass.
    let build = || device.builder().store(store.clone()).timeout(Duration::from_secs(2)).build().unwrap();
    let first = build();
    first.session().request_code(PHONE).await.unwrap();
    let sign_in = first.session().verify_code(PHONE, &dev.code(PHONE).await).await.unwrap();
    assert!(sign_in.persisted);
    drop(first);

    store.locked.store(true, Ordering::SeqCst);
    let market = build();
    let error = failed(market.session().restore().await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::StoreLocked, true));
    let state = market.session().state();
    assert!(matches!(state, SessionState::Locked { reason: LockedReason::Locked, .. }), "{state:?}");
    assert_eq!(code(market.cart().get().await), ErrorCode::StoreLocked);

    store.locked.store(false, Ordering::SeqCst);
    market.session().resumed();
    let state = market.session().restore().await.unwrap();
    assert_eq!(state.user().unwrap().phone.as_str(), PHONE);
    assert!(state.is_signed_in());
    market.cart().get().await.unwrap();
}

#[tokio::test]
async fn a_damaged_session_is_said_to_be_corrupt_and_is_erased() {
    let dev = server("a_damaged_session_is_said_to_be_corrupt_and_is_erased", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    fs::write(&device.secrets()[0], "{").unwrap();
    let device = device.restart();
    let state = device.market.session().restore().await.unwrap();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::Corrupt, .. }), "{state:?}");
    assert_eq!(code(device.market.cart().get().await), ErrorCode::NotSignedIn);
    device.market.session().logout().await.unwrap();
    assert_eq!(device.secrets().len(), 0);
    dev.advance_clock(1).await;
    assert!(device.sign_in(&dev, PHONE).await.persisted);
    device.market.cart().get().await.unwrap();
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_said_to_be_unavailable() {
    let dev = server("a_store_that_cannot_be_used_is_said_to_be_unavailable", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let folder = device.secrets()[0].parent().unwrap().to_owned();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    let device = device.restart();
    let error = failed(device.market.session().restore().await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::StoreUnavailable, false));
    let state = device.market.session().state();
    assert!(matches!(state, SessionState::Locked { reason: LockedReason::Unavailable, .. }), "{state:?}");
    assert_eq!(code(device.market.cart().get().await), ErrorCode::StoreUnavailable);
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    assert!(device.market.session().restore().await.unwrap().is_signed_in());
    device.market.cart().get().await.unwrap();
}

#[tokio::test]
async fn a_store_that_does_not_erase_is_said_and_the_user_is_signed_out_all_the_same() {
    let id = "a_store_that_does_not_erase_is_said_and_the_user_is_signed_out_all_the_same";
    let dev = server(id, Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    let secret = device.secrets().remove(0);
    // What has the file's name and is a folder cannot be removed as a file, by root neither.
    fs::remove_file(&secret).unwrap();
    fs::create_dir(&secret).unwrap();
    let error = failed(device.market.session().logout().await);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::StoreNotCleared, false));
    let state = device.market.session().state();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::LoggedOut, .. }), "{state:?}");
    assert_eq!(code(device.market.cart().get().await), ErrorCode::NotSignedIn);
    fs::remove_dir(&secret).unwrap();
    device.market.session().clear().await.unwrap();
}
