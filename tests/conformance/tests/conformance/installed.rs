//! Apps that are uninstalled, and leave a session in the store.

use std::fs;
use std::path::Path;

use market_contract_tests::dev::{Dev, Device};
use market_dev_server::Dialect;
use market_sdk::{ErrorCode, MarketClient, SessionState, SignedOutReason};

use crate::{PHONE, code, server};

/// A client of this device whose installation has this marker.
fn open(device: &Device, marker: &Path) -> MarketClient {
    device.builder().install_marker(marker).build().unwrap()
}

/// A device on which an installed app has signed Ann in.
async fn installed(dev: &Dev, marker: &Path) -> Device {
    let mut device = Device::new(dev);
    device.market = open(&device, marker);
    assert!(device.sign_in(dev, PHONE).await.persisted);
    device
}

#[tokio::test]
async fn a_session_of_an_app_that_was_uninstalled_is_not_taken_up() {
    let dev = server("a_session_of_an_app_that_was_uninstalled_is_not_taken_up", Dialect::Documented);
    let home = tempfile::tempdir().unwrap();
    let marker = home.path().join("installed");
    let mut device = installed(&dev, &marker).await;
    device.market = open(&device, &marker);
    device.market.cart().get().await.unwrap();
    fs::remove_file(&marker).unwrap();
    device.market = open(&device, &marker);
    let state = device.market.session().restore().await.unwrap();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }), "{state:?}");
    device.market.session().logout().await.unwrap();
    assert!(device.secrets().is_empty());
    assert_eq!(code(device.market.cart().get().await), ErrorCode::NotSignedIn);
    assert!(marker.is_file());
}

#[tokio::test]
async fn an_install_marker_that_cannot_be_read_ends_no_session() {
    let dev = server("an_install_marker_that_cannot_be_read_ends_no_session", Dialect::Documented);
    let home = tempfile::tempdir().unwrap();
    let marker = home.path().join("installed");
    let mut device = installed(&dev, &marker).await;
    // The client goes before its marker does.
    device.market = device.builder().build().unwrap();
    fs::remove_file(&marker).unwrap();
    fs::create_dir(&marker).unwrap();
    device.market = open(&device, &marker);
    assert!(device.market.session().restore().await.unwrap().is_signed_in());
    device.market.cart().get().await.unwrap();
}
