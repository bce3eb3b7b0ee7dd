//! The operating system's own store.

mod os;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::{SecureStore, StoreError, StoreRead};

/// Keeps values where the operating system keeps passwords:
///
/// | system | where | reads as locked |
/// |---|---|---|
/// | Linux | the Secret Service (GNOME Keyring, KWallet, KeePassXC) over D-Bus, default collection | while the collection is locked, or the service does not answer |
/// | macOS | the login keychain | while it is locked |
/// | Windows | the Credential Manager, on this machine only; a value has at most 2560 bytes | |
/// | iOS | the keychain: after the first unlock, this device only | from a start of the device to its first unlock |
/// | Android | preferences under a key of the Android Keystore | |
///
/// On any other system, on Linux without the feature `secret-service`, and where the system has no such store, it is unavailable. It never falls back to
/// anything else. On Android, `ndk-context` must be initialised before the first use.
///
/// Where somebody is there to ask, a locked store may ask them to unlock it, and an operation takes until
/// they answer.
pub struct KeyringStore {
    service: String,
    /// Opened when first needed, and kept. It is the keyring's own object, made here: the process-wide
    /// default of `keyring-core` belongs to the program, not to a library in it.
    opened: Mutex<Option<Arc<CredentialStore>>>,
}

/// Why an operation gave no value. No text in it comes from the value.
enum Failure {
    Missing,
    Locked,
    Corrupt,
    /// More than one entry goes by the key: in two collections, say, since the user chose another default.
    Several(Vec<Entry>),
    /// The connection ended, as when the keyring's daemon restarts. A new one may work.
    Lost(String),
    Unavailable(String),
}

/// What an error of the platform means, where that is more than "it failed".
#[cfg_attr(not(all(target_os = "linux", feature = "secret-service")), allow(dead_code))]
enum Meaning {
    Missing,
    Locked,
    Lost,
    Failed,
}

impl KeyringStore {
    /// The keyring's entries of `service`, a name that is this program's alone, such as its reversed domain.
    /// Nothing is opened yet.
    pub fn new(service: &str) -> Self {
        Self { service: service.to_owned(), opened: Mutex::new(None) }
    }

    fn opened(&self) -> MutexGuard<'_, Option<Arc<CredentialStore>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, key: &str) -> Result<Entry, Error> {
        // The lock is not held while the keyring is opened, which can take long.
        let opened = self.opened().clone();
        let store = match opened {
            Some(store) => store,
            None => {
                let store = os::open()?;
                *self.opened() = Some(store.clone());
                store
            }
        };
        store.build(&self.service, key, Some(&HashMap::from_iter(os::MODIFIERS.iter().copied())))
    }

    /// Does `operation` on the entry of `key`, and once more on a new connection if this one was lost.
    fn on_entry<T>(&self, key: &str, operation: impl Fn(&Entry) -> Result<T, Error>) -> Result<T, Failure> {
        let attempt = || {
            // Platform crates panic at what they think impossible, and then are no more use.
            let done = catch_unwind(AssertUnwindSafe(|| operation(&self.entry(key)?)));
            done.map_or_else(
                |_| Err(Failure::Lost("the keyring panicked".to_owned())),
                |done| done.map_err(judge),
            )
        };
        attempt().or_else(|failure| {
            let Failure::Lost(_) = failure else { return Err(failure) };
            *self.opened() = None;
            let again = attempt();
            if let Err(Failure::Lost(_)) = again {
                *self.opened() = None;
            }
            again
        })
    }
}

impl std::fmt::Debug for KeyringStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyringStore({:?})", self.service)
    }
}

impl SecureStore for KeyringStore {
    fn place(&self) -> String {
        format!("keyring:{}", self.service)
    }

    fn read(&self, key: &str) -> StoreRead {
        match self.on_entry(key, |entry| entry.get_secret().map(Zeroizing::new)) {
            Ok(value) => StoreRead::Found(value),
            Err(Failure::Missing) => StoreRead::Missing,
            Err(Failure::Locked) => StoreRead::Locked,
            // Which of several is right, nobody can say. Corrupt leads to an erasure, which removes them all.
            Err(Failure::Corrupt | Failure::Several(_)) => StoreRead::Corrupt,
            Err(Failure::Lost(why) | Failure::Unavailable(why)) => StoreRead::Unavailable(why),
        }
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let set = |entry: &Entry| {
            if os::UPDATE_KEEPS_POLICY {
                delete(entry)?;
            }
            entry.set_secret(value)
        };
        match self.on_entry(key, set) {
            Err(Failure::Several(entries)) => {
                delete_all(&entries)?;
                self.on_entry(key, set)
            }
            written => written,
        }
        .map_err(StoreError::from)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self.on_entry(key, delete) {
            Err(Failure::Missing) => Ok(()),
            Err(Failure::Several(entries)) => delete_all(&entries),
            deleted => deleted.map_err(StoreError::from),
        }
    }
}

fn delete(entry: &Entry) -> Result<(), Error> {
    match entry.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        deleted => deleted,
    }
}

fn delete_all(entries: &[Entry]) -> Result<(), StoreError> {
    entries.iter().try_for_each(|entry| match delete(entry).map_err(judge) {
        Err(Failure::Missing) => Ok(()),
        deleted => deleted.map_err(StoreError::from),
    })
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let why = match failure {
            Failure::Locked => return Self::Locked,
            Failure::Lost(why) | Failure::Unavailable(why) => why,
            Failure::Missing => "the entry went away meanwhile".to_owned(),
            Failure::Corrupt => "the keyring is damaged".to_owned(),
            Failure::Several(_) => "more than one entry has the key".to_owned(),
        };
        Self::Unavailable(why)
    }
}

/// Sorts an error of the keyring. Its `Debug` is never used, nor the `Display` of the variants that hold
/// bytes or entries: they can print the secret.
fn judge(error: Error) -> Failure {
    match error {
        Error::NoEntry => Failure::Missing,
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) => Failure::Corrupt,
        Error::Ambiguous(entries) => Failure::Several(entries),
        Error::PlatformFailure(error) | Error::NoStorageAccess(error) => match os::meaning(&error) {
            Meaning::Missing => Failure::Missing,
            Meaning::Locked => Failure::Locked,
            Meaning::Lost => Failure::Lost(error.to_string()),
            Meaning::Failed => Failure::Unavailable(error.to_string()),
        },
        Error::TooLong(what, limit) => Failure::Unavailable(format!("{what} is longer than {limit}")),
        Error::Invalid(what, why) => Failure::Unavailable(format!("{what} {why}")),
        Error::NotSupportedByStore(why) => Failure::Unavailable(why),
        _ => Failure::Unavailable("the keyring failed in a way this version does not know".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyring_core::error::PlatformError;

    fn text(error: Error) -> String {
        match judge(error) {
            Failure::Missing => "missing".to_owned(),
            Failure::Locked => "locked".to_owned(),
            Failure::Corrupt => "corrupt".to_owned(),
            Failure::Several(entries) => format!("{} entries", entries.len()),
            Failure::Lost(why) => format!("lost: {why}"),
            Failure::Unavailable(why) => why,
        }
    }

    #[test]
    fn every_error_of_the_keyring_is_sorted_and_none_tells_a_secret() {
        let secret = || b"a secret".to_vec();
        let platform = |text: &str| -> PlatformError { Box::new(std::io::Error::other(text.to_owned())) };
        let cases = [
            (Error::NoEntry, "missing"),
            (Error::BadEncoding(secret()), "corrupt"),
            (Error::BadDataFormat(secret(), platform("a secret")), "corrupt"),
            (Error::BadStoreFormat("the key is lost".to_owned()), "corrupt"),
            (Error::Ambiguous(vec![]), "0 entries"),
            (Error::PlatformFailure(platform("it broke")), "it broke"),
            (Error::NoStorageAccess(platform("no access")), "no access"),
            (Error::TooLong("secret".to_owned(), 2560), "secret is longer than 2560"),
            (Error::Invalid("user".to_owned(), "cannot be empty".to_owned()), "user cannot be empty"),
            (Error::NotSupportedByStore("not here".to_owned()), "not here"),
            (Error::NoDefaultStore, "the keyring failed in a way this version does not know"),
        ];
        for (error, expected) in cases {
            assert_eq!(text(error), expected);
        }
    }

    #[cfg(all(target_os = "linux", feature = "secret-service"))]
    #[test]
    fn what_the_secret_service_says_is_sorted() {
        use dbus_secret_service::Error as ServiceError;
        let of = |error: ServiceError| text(Error::NoStorageAccess(Box::new(error)));
        assert_eq!(of(ServiceError::Locked), "locked");
        assert_eq!(of(ServiceError::Prompt), "locked");
        assert_eq!(of(ServiceError::NoResult), "Secret Service: no result found");
        assert!(of(ServiceError::Crypto(Box::new(std::fmt::Error))).starts_with("lost: "));
    }

    #[test]
    fn a_panic_in_the_keyring_is_an_error_and_the_next_call_opens_it_anew() {
        let store = KeyringStore::new("test");
        *store.opened() = Some(keyring_core::mock::Store::new().unwrap());
        // Tried again on a new one, which this machine may have or not; either way it does not end well.
        let read = store.on_entry("key", |_| -> Result<(), Error> { panic!("impossible") });
        assert!(matches!(read, Err(Failure::Lost(_) | Failure::Unavailable(_) | Failure::Locked)));
        assert!(store.opened().is_none());
    }
}
