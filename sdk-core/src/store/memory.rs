//! The store that forgets: values live as long as the process, or as long as the last clone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::{SecureStore, StoreError, StoreRead};

/// Keeps values in memory: for tests, and for programs that should not outlive their session.
///
/// Clones share their values; two that were made apart share nothing.
///
/// ```
/// use market_sdk::{MemoryStore, SecureStore, StoreRead};
///
/// let store = MemoryStore::default();
/// store.write("key", b"value")?;
/// assert!(matches!(store.clone().read("key"), StoreRead::Found(value) if value.as_slice() == b"value"));
/// assert_eq!(MemoryStore::default().read("key"), StoreRead::Missing);
/// # Ok::<(), market_sdk::StoreError>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Memory>);

struct Memory {
    number: u64,
    values: Mutex<HashMap<String, Zeroizing<Vec<u8>>>>,
}

impl MemoryStore {
    fn values(&self) -> MutexGuard<'_, HashMap<String, Zeroizing<Vec<u8>>>> {
        // No operation can leave the map half changed, so a poisoned lock is as good as any.
        self.0.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        // An address would do as a name until the allocator used it again; a counter does for ever.
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Memory { number, values: Mutex::default() }))
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStore({})", self.0.number)
    }
}

impl SecureStore for MemoryStore {
    fn place(&self) -> String {
        format!("memory:{}", self.0.number)
    }

    fn read(&self, key: &str) -> StoreRead {
        self.values().get(key).map_or(StoreRead::Missing, |value| StoreRead::Found(value.clone()))
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.values().insert(key.to_owned(), Zeroizing::new(value.to_vec()));
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.values().remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: &[u8]) -> StoreRead {
        StoreRead::Found(Zeroizing::new(value.to_vec()))
    }

    #[test]
    fn clones_share_values_and_stores_made_apart_share_nothing() {
        let (store, other) = (MemoryStore::default(), MemoryStore::default());
        let clone = store.clone();
        store.write("key", b"one").unwrap();
        assert_eq!(clone.read("key"), found(b"one"));
        assert_eq!(other.read("key"), StoreRead::Missing);
        assert_eq!(store.place(), clone.place());
        assert_ne!(store.place(), other.place());
    }

    #[test]
    fn a_value_is_replaced_deleted_and_deleted_again() {
        let store = MemoryStore::default();
        store.write("key", b"one").unwrap();
        store.write("key", b"two").unwrap();
        assert_eq!(store.read("key"), found(b"two"));
        store.delete("key").unwrap();
        store.delete("key").unwrap();
        assert_eq!(store.read("key"), StoreRead::Missing);
    }

    #[test]
    fn neither_the_store_nor_what_it_read_prints_a_value() {
        let store = MemoryStore::default();
        store.write("key", b"a secret").unwrap();
        let printed = format!("{store:?} {:?}", store.read("key"));
        assert!(printed.ends_with("Found(redacted)") && !printed.contains("a secret"), "{printed}");
    }
}
