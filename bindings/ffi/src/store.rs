//! A store that the host brings.

use std::sync::Arc;

use market_sdk::StoreRead;

/// Where a session outlives the process, when the host brings the place itself: in a keychain of its own, say.
///
/// The SDK calls it from one thread of its own per key, one operation at a time, so it may block: while the user is
/// asked to unlock something. An operation that takes longer than the client's store timeout counts as locked, and
/// its result is used when it comes. A store that throws anything but a `StoreError` counts as unavailable.
#[uniffi::export(with_foreign)]
pub trait SecureStore: Send + Sync {
    /// Names the place. Two stores of the same name are the same place, and clients that use the same key of it
    /// share one thread. Asked for once, when the client is built.
    fn place(&self) -> Result<String, StoreError>;

    /// Reads the value of `key`; none if there is none.
    fn read(&self, key: String) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes the value of `key`, replacing what is there. The value is secret.
    fn write(&self, key: String, value: Vec<u8>) -> Result<(), StoreError>;

    /// Deletes `key`. That there is nothing to delete is no error.
    fn delete(&self, key: String) -> Result<(), StoreError>;
}

/// Why a store of the host's did not do what it was asked for.
#[derive(Clone, Debug, thiserror::Error, uniffi::Error)]
pub enum StoreError {
    /// It is locked: the device was not unlocked since it started, or the user was asked and has not answered.
    #[error("the store is locked")]
    Locked,
    /// There is a value, and it can never be read: its key is lost, or it is damaged. It is erased, and the session
    /// that was in it is said to be gone. Of a read alone.
    #[error("the value is damaged")]
    Corrupt,
    /// There is no store, or it failed.
    #[error("the store is not available: {reason}")]
    Unavailable {
        /// For a developer; nothing personal.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for StoreError {
    // What a host throws may be personal, and is not passed on.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable { reason: "the host's store threw".to_owned() }
    }
}

impl From<StoreError> for market_sdk::StoreError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Locked => Self::Locked,
            StoreError::Corrupt => Self::Unavailable("the host's store says corrupt to a change".to_owned()),
            StoreError::Unavailable { reason } => Self::Unavailable(reason),
        }
    }
}

pub(crate) struct HostStore {
    place: String,
    store: Arc<dyn SecureStore>,
}

impl HostStore {
    pub(crate) fn new(store: Arc<dyn SecureStore>) -> Result<Self, StoreError> {
        Ok(Self { place: store.place()?, store })
    }
}

impl market_sdk::SecureStore for HostStore {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn read(&self, key: &str) -> StoreRead {
        match self.store.read(key.to_owned()) {
            Ok(Some(value)) => StoreRead::Found(value.into()),
            Ok(None) => StoreRead::Missing,
            Err(StoreError::Locked) => StoreRead::Locked,
            Err(StoreError::Corrupt) => StoreRead::Corrupt,
            Err(StoreError::Unavailable { reason }) => StoreRead::Unavailable(reason),
        }
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), market_sdk::StoreError> {
        Ok(self.store.write(key.to_owned(), value.to_vec())?)
    }

    fn delete(&self, key: &str) -> Result<(), market_sdk::StoreError> {
        Ok(self.store.delete(key.to_owned())?)
    }
}
