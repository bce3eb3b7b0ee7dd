//! Where a session outlives the process.
//!
//! A store keeps one small record per key. The SDK brings the operating system's own store
//! ([`KeyringStore`]), a file for machines that have none ([`FileStore`]) and memory ([`MemoryStore`]);
//! a host can bring its own by implementing [`SecureStore`].

mod file;
mod installed;
mod keyring;
mod memory;
pub(crate) mod thread;

#[cfg(unix)]
pub use file::FileStore;
pub(crate) use installed::{InstallMarker, Installation};
pub use keyring::KeyringStore;
pub use memory::MemoryStore;

use zeroize::Zeroizing;

/// A place that keeps small secrets by key.
///
/// The SDK calls a store from one thread of its own per key and process, one operation at a time, so an
/// implementation may block: while the operating system asks the user to unlock it, say. An operation that
/// takes longer than the client's store timeout is reported as locked, and its result is used when it comes.
pub trait SecureStore: Send + Sync + 'static {
    /// Names the place. Two stores of the same name are the same place, and clients that use the same key
    /// of it share one thread, so that neither sees the other's change half done.
    fn place(&self) -> String;

    /// Reads the value of `key`.
    fn read(&self, key: &str) -> StoreRead;

    /// Writes the value of `key`, replacing what is there.
    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Deletes `key`. That there is nothing to delete is no error.
    fn delete(&self, key: &str) -> Result<(), StoreError>;
}

/// What a read found. None of the five stands for another: a locked store says nothing about whether
/// somebody is signed in.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreRead {
    /// The value.
    Found(Zeroizing<Vec<u8>>),
    /// The store was read, and has no value for the key.
    Missing,
    /// The store cannot be read yet: the device was not unlocked since it started, or the user was asked
    /// to unlock it and has not.
    Locked,
    /// There is a value, and it can never be read: its key is lost, or it is damaged.
    Corrupt,
    /// There is no store, or it failed. The text is for a developer and holds nothing personal.
    Unavailable(String),
}

/// Why a store could not write or delete. The operation may have taken effect all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store is locked.
    #[error("the store is locked")]
    Locked,
    /// There is no store, or it failed. The text is for a developer and holds nothing personal.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

impl std::fmt::Debug for StoreRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found(_) => f.write_str("Found(redacted)"),
            Self::Missing => f.write_str("Missing"),
            Self::Locked => f.write_str("Locked"),
            Self::Corrupt => f.write_str("Corrupt"),
            Self::Unavailable(why) => write!(f, "Unavailable({why:?})"),
        }
    }
}
