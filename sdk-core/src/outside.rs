//! What is outside of a client: in life the network, the system's store, its clocks and its randomness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use url::Url;

use crate::error::{Error, Result};
use crate::http::transport::{HttpClient, Settings, Transport};
use crate::journal::Entries;
use crate::session::clock::{Clock, SystemClock};
use crate::session::timer::{TimerThread, Timers};
use crate::session::{EntryQueue, Job, Random};
use crate::store::thread::StoreThread;
use crate::store::{KeyringStore, SecureStore, StoreError};

/// What a client was asked to be, for who gives it its outside.
pub(crate) struct Asked {
    pub(crate) settings: Settings,
    pub(crate) app_id: String,
    pub(crate) base: Url,
    /// None: the system's own.
    pub(crate) store: Option<Arc<dyn SecureStore>>,
}

impl Asked {
    /// The key of its entry in the store.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.app_id, self.base)
    }
}

/// What a client works with.
pub(crate) struct Outside {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) entries: Box<dyn Entries>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timers: Arc<dyn Timers>,
}

impl Outside {
    /// The network and this machine.
    pub(crate) fn real(asked: Asked) -> Self {
        let key = asked.key();
        let store = asked.store.unwrap_or_else(|| Arc::new(KeyringStore::new(&asked.app_id)));
        Self {
            transport: Box::new(HttpClient::new(asked.settings)),
            entries: Box::new(BesideSession { store, key }),
            clock: Arc::new(SystemClock),
            timers: TimerThread::shared(),
        }
    }
}

impl EntryQueue for StoreThread {
    fn submit(&self, job: Job) {
        StoreThread::submit(self, job);
    }
}

/// The entries whose keys begin with the session's.
struct BesideSession {
    store: Arc<dyn SecureStore>,
    key: String,
}

impl Entries for BesideSession {
    fn open(&self, suffix: &str) -> Result<Arc<dyn EntryQueue>, StoreError> {
        let entry = StoreThread::open(self.store.clone(), format!("{}{suffix}", self.key))?;
        Ok(entry)
    }
}

/// The operating system's randomness, under a seed of its own for the case that it fails later on.
pub(crate) struct SystemRandom {
    seed: u128,
    count: AtomicU64,
}

impl SystemRandom {
    pub(crate) fn new() -> Result<Self> {
        let seed = system_bits().ok_or_else(|| Error::config("The system gives no random numbers."))?;
        Ok(Self { seed, count: AtomicU64::new(0) })
    }
}

impl Random for SystemRandom {
    fn bits(&self) -> u128 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // Still different from every other number of this client.
        system_bits().unwrap_or(self.seed.wrapping_add(u128::from(count) + 1))
    }
}

fn system_bits() -> Option<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(u128::from_le_bytes(bytes))
}
