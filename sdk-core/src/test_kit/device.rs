//! What is a thread or a system's clock in life: tasks of the test's runtime, and its clock.
//!
//! With threads, a paused clock would run ahead of a store that is at work, and its deadline would pass.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::journal::Entries;
use crate::session::timer::{Task, Timers};
use crate::session::{EntryQueue, Job, clock};
use crate::store::{SecureStore, StoreError, StoreRead};

/// tokio's clock, and a time of day that goes on with it.
pub(super) struct Clock {
    start: Instant,
    wall: SystemTime,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), wall: SystemTime::now() }
    }
}

impl clock::Clock for Clock {
    fn wall(&self) -> SystemTime {
        self.wall + self.start.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The lines that stores' operations stand in: one for each entry of each store, as in life there is one thread.
#[derive(Clone)]
pub(super) struct Lines {
    runtime: Handle,
    locked: Arc<AtomicBool>,
    open: Arc<Mutex<HashMap<Entry, Arc<Line>>>>,
}

/// A store's place, and a key in it.
type Entry = (String, String);

struct Line(mpsc::UnboundedSender<Job>);

impl Lines {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, locked: Arc::default(), open: Arc::default() }
    }

    pub(super) fn lock(&self, locked: bool) {
        self.locked.store(locked, Ordering::Relaxed);
    }

    pub(super) fn entries(&self, store: Arc<dyn SecureStore>, key: String) -> OfStore {
        OfStore { lines: self.clone(), store, key }
    }

    fn open(&self, store: &Arc<dyn SecureStore>, key: String) -> Arc<Line> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let line = open.entry((store.place(), key.clone())).or_insert_with(|| {
            let (jobs, mut waiting) = mpsc::unbounded_channel::<Job>();
            let store = Lockable { store: store.clone(), locked: self.locked.clone() };
            self.runtime.spawn(async move {
                while let Some(job) = waiting.recv().await {
                    // As on the real thread, a job that panics harms no other.
                    let run = std::panic::AssertUnwindSafe(|| job(&store, &key));
                    let _ = std::panic::catch_unwind(run);
                }
            });
            Arc::new(Line(jobs))
        });
        line.clone()
    }
}

impl Timers for Lines {
    fn after(&self, delay: Duration, task: Task) {
        self.runtime.spawn(async move {
            tokio::time::sleep(delay).await;
            task();
        });
    }
}

/// The entries of one store whose keys begin with the session's.
pub(super) struct OfStore {
    lines: Lines,
    store: Arc<dyn SecureStore>,
    key: String,
}

impl Entries for OfStore {
    fn open(&self, suffix: &str) -> Result<Arc<dyn EntryQueue>, StoreError> {
        Ok(self.lines.open(&self.store, format!("{}{suffix}", self.key)))
    }
}

impl EntryQueue for Line {
    fn submit(&self, job: Job) {
        // The runtime of a test that is over has dropped the other end.
        let _ = self.0.send(job);
    }
}

/// A device's store, which is locked while the device is.
struct Lockable {
    store: Arc<dyn SecureStore>,
    locked: Arc<AtomicBool>,
}

impl Lockable {
    fn open(&self) -> Result<&dyn SecureStore, StoreError> {
        if self.locked.load(Ordering::Relaxed) { Err(StoreError::Locked) } else { Ok(&*self.store) }
    }
}

impl SecureStore for Lockable {
    fn place(&self) -> String {
        self.store.place()
    }

    fn read(&self, key: &str) -> StoreRead {
        self.open().map_or(StoreRead::Locked, |store| store.read(key))
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.open()?.write(key, value)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.open()?.delete(key)
    }
}
