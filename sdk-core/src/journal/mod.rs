//! The journal of orders: what outlives a crash of an order whose outcome is not known yet.
//!
//! Each user of each market has one entry in the secure store, under a key of its own beside the session's, so
//! that it survives a logout. It is there from before the first byte of an order leaves until the outcome of
//! every attempt at that order is known.
//!
//! What is done with an entry runs as one job on that entry's own store thread, so within a process what is
//! compared is what is changed. Another process is not kept out: two that begin an order for the same user in the
//! same moment (between one's look and its write, milliseconds) can both go on, and the later one's entry stands.
//! An entry is closed by its id, so neither ever closes the other's.

pub(crate) mod record;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;

pub(crate) use self::record::{Digest, Pending};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Market, NewOrder, UserId};
use crate::session::EntryQueue;
use crate::store::{SecureStore, StoreError, StoreRead};

/// Opens entries of the secure store by what follows the session's key.
pub(crate) trait Entries: Send + Sync {
    fn open(&self, suffix: &str) -> Result<Arc<dyn EntryQueue>, StoreError>;
}

pub(crate) struct Journal {
    entries: Box<dyn Entries>,
    /// How long the store may take for one operation.
    store_timeout: Duration,
    /// How long after its beginning an attempt can still take effect.
    pub(crate) settle: Duration,
    settled: Settled,
}

/// Orders whose outcome is known though the store did not let go of their entry: by id, and by revision where a later
/// attempt would be another matter.
type Settled = Arc<Mutex<HashSet<(u128, Option<u32>)>>>;

/// The entry of one user.
#[derive(Clone)]
pub(crate) struct Page {
    entry: Arc<dyn EntryQueue>,
    store_timeout: Duration,
    settled: Settled,
}

/// What a look at an entry finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Open(Pending),
    /// An order may be pending, and nothing is known of it.
    Corrupt,
}

/// An attempt, as it is written down.
pub(crate) struct Attempt {
    /// For an order that is not pending yet.
    pub(crate) fresh: Pending,
    /// By the server's clock.
    pub(crate) began: Option<SystemTime>,
    pub(crate) order: NewOrder,
}

impl Journal {
    pub(crate) fn new(entries: Box<dyn Entries>, store_timeout: Duration, settle: Duration) -> Self {
        Self { entries, store_timeout, settle, settled: Settled::default() }
    }

    pub(crate) fn page(&self, market: &Market, user: UserId) -> Result<Page> {
        let entry = self.entries.open(&format!(" order {market} {user}")).map_err(error)?;
        Ok(Page { entry, store_timeout: self.store_timeout, settled: self.settled.clone() })
    }
}

impl Page {
    pub(crate) async fn look(&self) -> Result<Found> {
        let settled = self.settled.clone();
        self.job(move |store, key| look(store, key, &settled), |_, _, _| {}).await
    }

    /// Writes an attempt down. From then on it is open, until it is said what came of it.
    ///
    /// # Errors
    /// `OrderPending` if another is, and this one is not forced; the store's, and nothing is written then as far
    /// as the store allows.
    pub(crate) async fn claim(&self, attempt: Attempt) -> Result<Claim> {
        let settled = self.settled.clone();
        let claimed = self.job(
            move |store, key| claim(store, key, attempt, &settled),
            // Whoever asked has gone: nothing will be sent.
            |store, key, (pending, digest)| drop(release(store, key, pending.id, digest)),
        );
        let (pending, digest) = claimed.await?;
        Ok(Claim { page: self.clone(), pending, digest, begun: Arc::default(), said: false })
    }

    /// The order's outcome is known: closes its entry, unless an attempt of later than `revision` is in it.
    /// False if it stays.
    ///
    /// Dropped meanwhile it stays open: nobody was told the outcome, and who taps then would order once more.
    pub(crate) async fn close(&self, pending: &Pending, revision: Option<u32>) -> bool {
        let id = pending.id;
        let (back, said) = (pending.clone(), Arc::new(AtomicBool::new(false)));
        let said_late = said.clone();
        let unheard = move |store: &dyn SecureStore, key: &str, closed: bool| {
            if closed
                && !said_late.load(Ordering::Acquire)
                && current(store, key).is_ok_and(|now| now == Found::Nothing)
            {
                let _ = write(store, key, &back);
            }
        };
        let closed = self.job(move |store, key| close(store, key, id, revision), unheard).await;
        closed.unwrap_or_else(|error| {
            said.store(true, Ordering::Release);
            tracing::warn!(code = ?error.code(), "a settled order's entry could not be erased yet");
            lock(&self.settled).insert((id, revision));
            true
        })
    }

    /// Erases an entry that cannot be read.
    pub(crate) async fn erase_corrupt(&self) -> Result<()> {
        let erase = |store: &dyn SecureStore, key: &str| match current(store, key)? {
            Found::Corrupt => store.delete(key).map_err(error),
            _ => Ok(()),
        };
        self.job(erase, |_, _, _| {}).await
    }

    /// Runs `job` on the entry's thread. `unheard`: what is done with its result if nobody waits any more.
    async fn job<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn SecureStore, &str) -> Result<T> + Send + 'static,
        unheard: impl FnOnce(&dyn SecureStore, &str, T) + Send + 'static,
    ) -> Result<T> {
        let (tell, mut hear) = oneshot::channel();
        self.entry.submit(Box::new(move |store, key| {
            if let Err(Ok(result)) = tell.send(job(store, key)) {
                unheard(store, key, result);
            }
        }));
        if let Ok(told) = tokio::time::timeout(self.store_timeout, &mut hear).await {
            let panicked = || Error::new(ErrorCode::StoreUnavailable).detail_is("the store failed");
            return told.unwrap_or_else(|_| Err(panicked()));
        }
        // What was told in the very last moment counts; after this nothing is told.
        hear.close();
        hear.try_recv().unwrap_or_else(|_| Err(Error::new(ErrorCode::StoreLocked)))
    }
}

/// An attempt that is written down and open. Dropped before its first byte is sent, it is taken back; dropped
/// later it stays open, since nobody knows what came of it.
pub(crate) struct Claim {
    page: Page,
    pending: Pending,
    digest: Digest,
    begun: Arc<AtomicBool>,
    said: bool,
}

impl Claim {
    /// To be set when the first byte is sent.
    pub(crate) fn begun(&self) -> Arc<AtomicBool> {
        self.begun.clone()
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    pub(crate) fn idempotency_key(&self) -> String {
        self.pending.idempotency_key()
    }

    /// The order was placed. An earlier attempt that is still open was at the same order.
    pub(crate) async fn placed(mut self) {
        self.said = true;
        self.page.close(&self.pending, None).await;
    }

    /// This attempt certainly placed nothing. Others at the same order stay open.
    pub(crate) async fn did_nothing(mut self) {
        self.said = true;
        let (id, digest) = (self.pending.id, self.digest);
        let released = self.page.job(move |store, key| release(store, key, id, digest), |_, _, _| {});
        if let Err(error) = released.await {
            // Nobody is told: the order's own error says more.
            tracing::warn!(code = ?error.code(), "an order's entry could not be erased");
            // Other attempts that are in it are resolved like any.
            if self.pending.take_back(digest) {
                lock(&self.page.settled).insert((id, Some(self.pending.revision)));
            }
        }
    }
}

impl Claim {
    /// Nobody knows what came of it. It stays open; it was sent up to `by` later than is noted.
    pub(crate) async fn unknown(mut self, by: Duration) {
        self.said = true;
        let id = self.pending.id;
        let noted = self.page.job(move |store, key| began_later(store, key, id, by), |_, _, _| {});
        if let Err(error) = noted.await {
            tracing::warn!(code = ?error.code(), "an order's entry could not be corrected");
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.said && !self.has_begun() {
            let (id, digest) = (self.pending.id, self.digest);
            let release = move |store: &dyn SecureStore, key: &str| drop(release(store, key, id, digest));
            self.page.entry.submit(Box::new(release));
        }
    }
}

fn current(store: &dyn SecureStore, key: &str) -> Result<Found> {
    match store.read(key) {
        StoreRead::Found(bytes) => Ok(Pending::decode(&bytes).map_or(Found::Corrupt, Found::Open)),
        StoreRead::Missing => Ok(Found::Nothing),
        StoreRead::Corrupt => Ok(Found::Corrupt),
        StoreRead::Locked => Err(error(StoreError::Locked)),
        StoreRead::Unavailable(why) => Err(error(StoreError::Unavailable(why))),
    }
}

fn look(store: &dyn SecureStore, key: &str, settled: &Settled) -> Result<Found> {
    Ok(match current(store, key)? {
        Found::Open(pending) if is_settled(&pending, settled) => Found::Nothing,
        found => found,
    })
}

fn is_settled(pending: &Pending, settled: &Settled) -> bool {
    let settled = lock(settled);
    settled.contains(&(pending.id, None)) || settled.contains(&(pending.id, Some(pending.revision)))
}

fn claim(
    store: &dyn SecureStore,
    key: &str,
    attempt: Attempt,
    settled: &Settled,
) -> Result<(Pending, Digest)> {
    let Attempt { fresh, began, order } = attempt;
    let found = look(store, key, settled)?;
    let before = match &found {
        Found::Nothing => None,
        _ if !order.is_forced() => return Err(Error::new(ErrorCode::OrderPending)),
        // Nothing is known of it. What is known from here on is of this order.
        Found::Corrupt => None,
        Found::Open(pending) => Some(pending),
    };
    let mut pending = before.cloned().unwrap_or(fresh);
    let (name, phone, address) = order.who_and_where();
    let digest = pending.digest(name, phone, address);
    if !pending.attempt(digest, began, order.uses_cart()) {
        return Err(Error::new(ErrorCode::OrderPending).detail_is("there were too many attempts at it"));
    }
    write(store, key, &pending).inspect_err(|_| {
        // It may have taken effect all the same; so may this. What stays of it is resolved like any other.
        let _ = match before {
            Some(before) => write(store, key, before),
            None if found == Found::Nothing => store.delete(key).map_err(error),
            None => Ok(()),
        };
    })?;
    Ok((pending, digest))
}

fn release(store: &dyn SecureStore, key: &str, id: u128, digest: Digest) -> Result<()> {
    match current(store, key)? {
        Found::Open(mut pending) if pending.id == id => {
            if pending.take_back(digest) {
                store.delete(key).map_err(error)
            } else {
                write(store, key, &pending)
            }
        }
        _ => Ok(()),
    }
}

fn began_later(store: &dyn SecureStore, key: &str, id: u128, by: Duration) -> Result<()> {
    match current(store, key)? {
        Found::Open(mut pending) if pending.id == id => {
            pending.began_later(by);
            write(store, key, &pending)
        }
        _ => Ok(()),
    }
}

fn close(store: &dyn SecureStore, key: &str, id: u128, revision: Option<u32>) -> Result<bool> {
    match current(store, key)? {
        Found::Open(pending) if pending.id == id => {
            if revision.is_some_and(|revision| revision != pending.revision) {
                return Ok(false);
            }
            store.delete(key).map_err(error)?;
            Ok(true)
        }
        _ => Ok(true),
    }
}

fn write(store: &dyn SecureStore, key: &str, pending: &Pending) -> Result<()> {
    let bytes = pending.encode().ok_or_else(|| Error::new(ErrorCode::StoreUnavailable))?;
    store.write(key, &bytes).map_err(error)
}

fn error(error: StoreError) -> Error {
    match error {
        StoreError::Locked => Error::new(ErrorCode::StoreLocked),
        StoreError::Unavailable(why) => Error::new(ErrorCode::StoreUnavailable).detail_is(why),
    }
}

fn lock(settled: &Settled) -> MutexGuard<'_, HashSet<(u128, Option<u32>)>> {
    settled.lock().unwrap_or_else(PoisonError::into_inner)
}
