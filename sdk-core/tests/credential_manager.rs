//! The keyring store against the Credential Manager of Windows.
#![cfg(windows)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use market_sdk::{KeyringStore, SecureStore, StoreError, StoreRead};

fn read(store: &KeyringStore, key: &str) -> Option<Vec<u8>> {
    match store.read(key) {
        StoreRead::Found(value) => Some(value.to_vec()),
        StoreRead::Missing => None,
        other => unreachable!("{other:?}"),
    }
}

/// A service of this run's own, emptied at the end.
struct Scratch(KeyringStore, String);

impl Scratch {
    fn new(name: &str) -> Self {
        let service = format!("market-sdk-test-{}-{name}", std::process::id());
        Self(KeyringStore::new(&service), service)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for key in ["key", "other"] {
            self.0.delete(key).unwrap();
        }
    }
}

#[test]
fn what_is_written_is_read_by_another_store_replaced_and_deleted() {
    let Scratch(ref store, ref service) = Scratch::new("written");
    assert_eq!(read(store, "key"), None);
    store.write("key", b"one").unwrap();
    store.write("other", b"\0\xff").unwrap();
    assert_eq!(read(&KeyringStore::new(service), "key"), Some(b"one".to_vec()));
    store.write("key", b"two").unwrap();
    assert_eq!(read(store, "key"), Some(b"two".to_vec()));
    assert_eq!(read(store, "other"), Some(b"\0\xff".to_vec()));
    store.delete("key").unwrap();
    assert_eq!(read(store, "key"), None);
    store.delete("key").unwrap();
}

#[test]
fn a_value_that_is_too_long_is_refused_and_the_one_before_stays() {
    let Scratch(ref store, _) = Scratch::new("long");
    store.write("key", &[7; 2560]).unwrap();
    let refused = store.write("key", &[8; 2561]).unwrap_err();
    assert!(matches!(&refused, StoreError::Unavailable(why) if why.contains("2560")), "{refused:?}");
    assert_eq!(read(store, "key"), Some(vec![7; 2560]));
}

#[test]
fn names_with_dots_are_not_mixed_up() {
    let one = Scratch::new("b.c");
    let other = Scratch::new("c");
    one.0.write("key", b"one").unwrap();
    assert_eq!(read(&other.0, "key"), None);
    other.0.write("key", b"other").unwrap();
    assert_eq!(read(&one.0, "key"), Some(b"one".to_vec()));
}
