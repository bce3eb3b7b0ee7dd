//! What is stored of a session, and the three things that are done with it in the store.
//!
//! These run on the store's own thread, one at a time per entry, so that what is compared is what is changed.
//! Another process is not kept out: between two processes compare and change are two calls, and a lost record
//! (one more code to ask for) is the worst that comes of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::clock::{from_millis, to_millis};
use super::machine::{EraseResult, Millis, Owe, Owed, ReadResult, SessionId, Trouble, WriteResult};
use super::token::AccessToken;
use crate::model::{Market, PhoneNumber, User, UserId};
use crate::store::{InstallMarker, Installation, SecureStore, StoreError, StoreRead};

const VERSION: u32 = 1;
/// Far above any record that this writes; more is not read as one.
const LONGEST: usize = 64 * 1024;

/// A stored session.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: SessionId,
    pub(crate) token: AccessToken,
    pub(crate) user: User,
    /// By the device's clock.
    pub(crate) signed_in_at: SystemTime,
    pub(crate) lifetime: Option<Duration>,
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    version: u32,
    session: String,
    #[serde(borrow)]
    token: std::borrow::Cow<'a, str>,
    user_id: UserId,
    market: String,
    #[serde(borrow)]
    phone: std::borrow::Cow<'a, str>,
    full_name: Option<String>,
    signed_in_at_ms: Millis,
    lifetime_ms: Option<Millis>,
    /// The installation that wrote it; none where that could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    install: Option<String>,
}

impl Record {
    pub(crate) fn encode(&self, install: Option<u128>) -> Option<Zeroizing<Vec<u8>>> {
        let stored = Stored {
            version: VERSION,
            session: format!("{:032x}", self.id.0),
            token: self.token.text().into(),
            user_id: self.user.id,
            market: self.user.market.code().to_owned(),
            phone: self.user.phone.as_str().into(),
            full_name: self.user.full_name.clone(),
            signed_in_at_ms: to_millis(self.signed_in_at),
            lifetime_ms: self.lifetime.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            install: install.map(|id| format!("{id:032x}")),
        };
        // Room enough from the start: a buffer that grows leaves copies of the token behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096.max(2 * self.token.text().len())));
        serde_json::to_writer(&mut *bytes, &stored).ok()?;
        Some(bytes)
    }

    /// With the installation that wrote it. None for what this version cannot read, an unknown version included.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, Option<u128>)> {
        if bytes.len() > LONGEST {
            return None;
        }
        let stored: Stored<'_> = serde_json::from_slice(bytes).ok()?;
        if stored.version != VERSION || stored.session.len() != 32 {
            return None;
        }
        let install = match stored.install {
            Some(id) => Some(u128::from_str_radix(&id, 16).ok()?),
            None => None,
        };
        let market = Some(Market::new(&stored.market)).filter(Market::can_be_sent)?;
        let record = Self {
            id: SessionId(u128::from_str_radix(&stored.session, 16).ok()?),
            token: AccessToken::new(&stored.token)?,
            user: User {
                id: stored.user_id,
                market,
                phone: PhoneNumber::from_server(stored.phone.into_owned()),
                full_name: stored.full_name,
            },
            signed_in_at: from_millis(stored.signed_in_at_ms)?,
            lifetime: stored.lifetime_ms.map(Duration::from_millis),
        };
        Some((record, install))
    }
}

/// Whether what is stored is something this session code may have to spare.
enum Current {
    Nothing,
    Unreadable,
    /// Of an installation of the app that is no more: nobody's.
    LeftBehind,
    Readable(Box<Record>),
}

/// What goes with an entry besides the store.
pub(crate) struct Beside {
    /// What the store said last of why it is not available.
    why: Mutex<Option<String>>,
    marker: Option<InstallMarker>,
}

impl Beside {
    pub(crate) fn new(marker: Option<InstallMarker>) -> Self {
        Self { why: Mutex::default(), marker }
    }

    pub(crate) fn why(&self) -> MutexGuard<'_, Option<String>> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn installation(&self) -> Option<Installation> {
        self.marker.as_ref().and_then(InstallMarker::installation)
    }
}

fn not_available(beside: &Beside, text: &str) -> Trouble {
    tracing::warn!(why = text, "the store is not available");
    *beside.why() = Some(text.to_owned());
    Trouble::Unavailable
}

fn current(store: &dyn SecureStore, key: &str, beside: &Beside) -> Result<Current, Trouble> {
    // Every operation begins here: what an earlier one said is no reason for what this one comes to.
    *beside.why() = None;
    match store.read(key) {
        StoreRead::Found(bytes) => Ok(match (Record::decode(&bytes), beside.installation()) {
            (Some((_, Some(its))), Some(own)) if its != own.id => Current::LeftBehind,
            (Some((record, _)), _) => Current::Readable(Box::new(record)),
            (None, own) => unreadable(own),
        }),
        StoreRead::Missing => {
            // So that the next start knows this one.
            beside.installation();
            Ok(Current::Nothing)
        }
        StoreRead::Corrupt => Ok(unreadable(beside.installation())),
        StoreRead::Locked => Err(Trouble::Locked),
        StoreRead::Unavailable(text) => Err(not_available(beside, &text)),
    }
}

/// What a backup brought back without its key was never the new installation's.
fn unreadable(own: Option<Installation>) -> Current {
    if own.is_some_and(|own| own.is_new) { Current::LeftBehind } else { Current::Unreadable }
}

/// Reads the record; whether it has expired is for the keeper to judge.
pub(crate) fn read(store: &dyn SecureStore, key: &str, beside: &Beside) -> ReadResult<Record> {
    match current(store, key, beside) {
        Ok(Current::Readable(record)) => ReadResult::Found(*record),
        Ok(Current::Nothing) => ReadResult::Missing,
        Ok(Current::Unreadable) => ReadResult::Corrupt,
        Ok(Current::LeftBehind) => {
            tracing::info!("what an earlier installation of the app has stored is found");
            ReadResult::LeftBehind
        }
        Err(Trouble::Locked) => ReadResult::Locked,
        Err(Trouble::Unavailable) => ReadResult::Unavailable,
    }
}

/// Writes `record`, unless one that was signed in between its sign-in and now is there: another client's,
/// which was faster to the store. A record from the future has a wrong clock behind it and is not spared.
pub(crate) fn write(
    store: &dyn SecureStore,
    key: &str,
    record: &Record,
    over: &Owed,
    now: SystemTime,
    beside: &Beside,
) -> WriteResult {
    match current(store, key, beside) {
        Ok(Current::Readable(found)) => {
            let other = found.id != record.id && !over.contains(&Owe::Id(found.id));
            if other && found.signed_in_at > record.signed_in_at && found.signed_in_at <= now {
                return WriteResult::Newer;
            }
        }
        Ok(Current::Nothing | Current::Unreadable | Current::LeftBehind) => {}
        Err(trouble) => return WriteResult::Failed(trouble),
    }
    let Some(bytes) = record.encode(beside.installation().map(|own| own.id)) else {
        return WriteResult::Failed(Trouble::Unavailable);
    };
    match store.write(key, &bytes) {
        Ok(()) => WriteResult::Ok,
        Err(error) => WriteResult::Failed(trouble(&error, beside)),
    }
}

/// Deletes what is stored if it is owed, or cannot be read; another client's session stays.
pub(crate) fn erase(
    store: &dyn SecureStore,
    key: &str,
    owed: &Owed,
    now: SystemTime,
    beside: &Beside,
) -> EraseResult {
    let goes = match current(store, key, beside) {
        Ok(Current::Nothing) => false,
        Ok(Current::Unreadable | Current::LeftBehind) => true,
        Ok(Current::Readable(found)) => {
            let signed_in_at = to_millis(found.signed_in_at);
            owed.iter().any(|owe| match owe {
                Owe::Id(id) => *id == found.id,
                Owe::Before(logout) => !(*logout < signed_in_at && signed_in_at <= to_millis(now)),
                Owe::Unreadable => false,
            })
        }
        Err(trouble) => return EraseResult::Failed(trouble),
    };
    if !goes {
        return EraseResult::Ok;
    }
    match store.delete(key) {
        Ok(()) => EraseResult::Ok,
        Err(error) => EraseResult::Failed(trouble(&error, beside)),
    }
}

fn trouble(error: &StoreError, beside: &Beside) -> Trouble {
    match error {
        StoreError::Locked => Trouble::Locked,
        StoreError::Unavailable(text) => not_available(beside, text),
    }
}

#[cfg(test)]
mod tests {
    use crate::store::MemoryStore;

    use super::*;

    const KEY: &str = "session";

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn record(id: u128, signed_in: u64) -> Record {
        Record {
            id: SessionId(id),
            token: AccessToken::new("header.claims.signature").unwrap(),
            user: User {
                id: UserId(19),
                market: Market::Us,
                phone: PhoneNumber::parse("+13128059851").unwrap(),
                full_name: Some("Ann \"Q\" Example".to_owned()),
            },
            signed_in_at: at(signed_in),
            lifetime: Some(Duration::from_secs(1800)),
        }
    }

    fn read(store: &MemoryStore, key: &str) -> ReadResult<Record> {
        super::read(store, key, &Beside::new(None))
    }

    fn write(store: &MemoryStore, key: &str, record: &Record, over: &Owed, now: SystemTime) -> WriteResult {
        super::write(store, key, record, over, now, &Beside::new(None))
    }

    fn erase(store: &MemoryStore, key: &str, owed: &Owed, now: SystemTime) -> EraseResult {
        super::erase(store, key, owed, now, &Beside::new(None))
    }

    fn stored(store: &MemoryStore) -> Option<u128> {
        match read(store, KEY) {
            ReadResult::Found(record) => Some(record.id.0),
            _ => None,
        }
    }

    fn owed(items: &[Owe]) -> Owed {
        items.iter().copied().collect()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let store = MemoryStore::default();
        assert_eq!(write(&store, KEY, &record(7, 100), &Owed::new(), at(100)), WriteResult::Ok);
        let ReadResult::Found(found) = read(&store, KEY) else { panic!("not found") };
        let expected = record(7, 100);
        assert_eq!(found.token.text(), expected.token.text());
        assert_eq!(
            (found.id, found.user, found.signed_in_at, found.lifetime),
            (expected.id, expected.user, expected.signed_in_at, expected.lifetime)
        );
    }

    #[test]
    fn p8_a_record_that_cannot_be_read_is_corrupt_an_unknown_version_included() {
        let store = MemoryStore::default();
        let good = String::from_utf8(record(7, 100).encode(None).unwrap().to_vec()).unwrap();
        let other_version = good.replace("\"version\":1", "\"version\":2");
        let bad_token = good.replace("header.claims", "header claims");
        let bad_market = good.replace("\"us\"", "\"u s\"");
        let cut = good[..good.len() / 2].to_owned();
        for text in [
            "",
            "{}",
            "null",
            "\u{0}\u{1}",
            &other_version,
            &bad_token,
            &bad_market,
            &cut,
            &" ".repeat(LONGEST + 1),
        ] {
            store.write(KEY, text.as_bytes()).unwrap();
            assert!(matches!(read(&store, KEY), ReadResult::Corrupt), "{text}");
        }
    }

    #[test]
    fn a_write_yields_to_a_record_that_was_signed_in_after_it() {
        let store = MemoryStore::default();
        write(&store, KEY, &record(2, 200), &Owed::new(), at(200));
        assert_eq!(write(&store, KEY, &record(1, 100), &Owed::new(), at(201)), WriteResult::Newer);
        assert_eq!(stored(&store), Some(2));
    }

    #[test]
    fn a_write_goes_over_what_is_owed_older_unreadable_or_from_the_future() {
        let store = MemoryStore::default();
        write(&store, KEY, &record(2, 200), &Owed::new(), at(200));
        assert_eq!(
            write(&store, KEY, &record(1, 100), &owed(&[Owe::Id(SessionId(2))]), at(201)),
            WriteResult::Ok
        );
        assert_eq!(write(&store, KEY, &record(3, 150), &Owed::new(), at(201)), WriteResult::Ok);
        store.write(KEY, b"damaged").unwrap();
        assert_eq!(write(&store, KEY, &record(4, 150), &Owed::new(), at(201)), WriteResult::Ok);
        write(&store, KEY, &record(5, 9000), &Owed::new(), at(9000));
        assert_eq!(write(&store, KEY, &record(6, 300), &Owed::new(), at(301)), WriteResult::Ok);
        assert_eq!(stored(&store), Some(6));
    }

    #[test]
    fn p2_an_erase_spares_a_session_that_is_not_owed() {
        let store = MemoryStore::default();
        write(&store, KEY, &record(2, 200), &Owed::new(), at(200));
        assert_eq!(
            erase(&store, KEY, &owed(&[Owe::Id(SessionId(1)), Owe::Unreadable]), at(300)),
            EraseResult::Ok
        );
        assert_eq!(stored(&store), Some(2));
        assert_eq!(erase(&store, KEY, &owed(&[Owe::Id(SessionId(2))]), at(300)), EraseResult::Ok);
        assert_eq!(stored(&store), None);
    }

    #[test]
    fn an_erase_before_a_logout_spares_only_a_later_sign_in() {
        let store = MemoryStore::default();
        let before = owed(&[Owe::Before(150_000)]);
        write(&store, KEY, &record(2, 200), &Owed::new(), at(200));
        erase(&store, KEY, &before, at(300));
        assert_eq!(stored(&store), Some(2), "signed in after the logout");
        erase(&store, KEY, &before, at(199));
        assert_eq!(stored(&store), None, "from the future");
        write(&store, KEY, &record(3, 150), &Owed::new(), at(300));
        erase(&store, KEY, &before, at(300));
        assert_eq!(stored(&store), None, "signed in before it");
    }

    #[test]
    fn any_erase_removes_what_cannot_be_read() {
        let store = MemoryStore::default();
        store.write(KEY, b"damaged").unwrap();
        assert_eq!(erase(&store, KEY, &owed(&[Owe::Id(SessionId(1))]), at(300)), EraseResult::Ok);
        assert_eq!(store.read(KEY), StoreRead::Missing);
    }

    /// As the app of an installation finds it; the file is gone when it is uninstalled.
    fn installed(file: &std::path::Path, fresh: u128) -> Beside {
        Beside::new(Some(InstallMarker::new(file.to_owned(), fresh)))
    }

    #[test]
    fn a_record_of_an_earlier_installation_is_nobodys_and_is_erased() {
        let (store, folder) = (MemoryStore::default(), tempfile::tempdir().unwrap());
        let file = folder.path().join("app.install");
        let first = installed(&file, 7);
        assert_eq!(
            super::write(&store, KEY, &record(1, 100), &Owed::new(), at(100), &first),
            WriteResult::Ok
        );
        let again = installed(&file, 8);
        assert!(matches!(super::read(&store, KEY, &again), ReadResult::Found(_)), "the same installation");
        std::fs::remove_file(&file).unwrap();
        let reinstalled = installed(&file, 9);
        for _ in 0..2 {
            assert!(matches!(super::read(&store, KEY, &reinstalled), ReadResult::LeftBehind));
        }
        // Any erase takes it along.
        assert_eq!(super::erase(&store, KEY, &Owed::new(), at(300), &reinstalled), EraseResult::Ok);
        assert_eq!(store.read(KEY), StoreRead::Missing);
    }

    #[test]
    fn a_new_installations_sign_in_and_logout_do_not_spare_what_an_earlier_one_left() {
        let (store, folder) = (MemoryStore::default(), tempfile::tempdir().unwrap());
        let file = folder.path().join("app.install");
        let left = || {
            let _ = std::fs::remove_file(&file);
            let earlier = installed(&file, 7);
            super::write(&store, KEY, &record(1, 200), &Owed::new(), at(200), &earlier);
            std::fs::remove_file(&file).unwrap();
        };
        left();
        let written = super::write(&store, KEY, &record(2, 100), &Owed::new(), at(201), &installed(&file, 8));
        assert_eq!((written, stored(&store)), (WriteResult::Ok, Some(2)));
        left();
        let erased = super::erase(&store, KEY, &Owed::new(), at(201), &installed(&file, 9));
        assert_eq!((erased, store.read(KEY)), (EraseResult::Ok, StoreRead::Missing));
    }

    #[test]
    fn what_a_backup_brought_back_unreadable_is_nobodys_and_later_damage_is_said() {
        let (store, folder) = (MemoryStore::default(), tempfile::tempdir().unwrap());
        let file = folder.path().join("app.install");
        store.write(KEY, b"without its key").unwrap();
        assert!(matches!(super::read(&store, KEY, &installed(&file, 7)), ReadResult::LeftBehind));
        store.write(KEY, b"damaged").unwrap();
        assert!(matches!(super::read(&store, KEY, &installed(&file, 8)), ReadResult::Corrupt));
    }

    #[test]
    fn p4_a_marker_that_cannot_be_read_and_a_record_without_one_end_no_session() {
        let (store, folder) = (MemoryStore::default(), tempfile::tempdir().unwrap());
        let file = folder.path().join("app.install");
        super::write(&store, KEY, &record(1, 100), &Owed::new(), at(100), &installed(&file, 7));
        std::fs::write(&file, "not a number").unwrap();
        assert!(matches!(super::read(&store, KEY, &installed(&file, 8)), ReadResult::Found(_)));
        std::fs::remove_file(&file).unwrap();
        write(&store, KEY, &record(2, 200), &Owed::new(), at(200));
        assert!(
            matches!(super::read(&store, KEY, &installed(&file, 9)), ReadResult::Found(_)),
            "of before the marker"
        );
    }
}
