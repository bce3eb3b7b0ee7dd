//! A client with everything around it in the test's hands.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::schedules::Witness;
use super::shop::{CODE, Shop};
use crate::http::transport::{Failure, Reply, Request, Transport};
use crate::journal::{Entries, Journal};
use crate::model::{SessionEnd, SessionState, SignIn};
use crate::session::clock::Clock;
use crate::session::timer::{Task, Timers};
use crate::session::{EntryQueue, Job, ParkRule, Parts, Random};
use crate::store::{InstallMarker, SecureStore, StoreError, StoreRead};
use crate::{MarketClient, Result};

pub(super) const PHONE: &str = "+13128059851";
pub(super) const OTHER_PHONE: &str = "+13128059852";
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);
pub(super) const STORE_TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const SETTLE: Duration = Duration::from_secs(15 * 60);
/// What an operation takes on a store that hangs.
pub(super) const HANG: Duration = Duration::from_secs(20);

/// The key of user 19's order.
const ORDER: &str = "session order us 19";

pub(super) struct World {
    pub(super) market: MarketClient,
    pub(super) shop: Shop,
    pub(super) store: Store,
    pub(super) clock: Arc<Device>,
    lines: Lines,
    park: Option<ParkRule>,
    witness: Option<Witness>,
}

/// How long before a session's end that is said.
pub(super) const SOON: Duration = Duration::from_secs(5 * 60);

impl World {
    pub(super) fn new() -> Self {
        Self::with(Shop::open(), Store::default(), Arc::new(Device::new()))
    }

    /// A client whose calls wait for an expired session's user, and who is signed in.
    pub(super) async fn parking(limit: usize, patience: Duration) -> Self {
        let store = Store::default();
        let lines = Lines::on(store.clone());
        let park = Some(ParkRule { limit, patience });
        let world = Self::on(Shop::open(), store, Arc::new(Device::new()), lines, park, None);
        world.sign_in().await.unwrap();
        world
    }

    /// A client on a shop and a store that are there already.
    pub(super) fn with(shop: Shop, store: Store, clock: Arc<Device>) -> Self {
        let lines = Lines::on(store.clone());
        Self::on(shop, store, clock, lines, None, None)
    }

    /// A second client of the same process, on the same entry of the store.
    pub(super) fn beside(&self) -> Self {
        self.clock.starts();
        let (shop, store, clock) = (self.shop.clone(), self.store.clone(), self.clock.clone());
        Self::on(shop, store, clock, self.lines.clone(), self.park, self.witness.clone())
    }

    /// A client in a second process on the same device: the store is the same, its thread is not.
    pub(super) fn second_process(&self) -> Self {
        self.clock.starts();
        Self::with(self.shop.clone(), self.store.clone(), self.clock.clone())
    }

    /// What passes its seams is shown to the witness, if there is one.
    pub(super) fn on(
        shop: Shop,
        store: Store,
        clock: Arc<Device>,
        lines: Lines,
        park: Option<ParkRule>,
        witness: Option<Witness>,
    ) -> Self {
        let mut wire: Box<dyn Transport> =
            Box::new(Wire { shop: shop.clone(), killed: lines.0.killed.clone() });
        let mut entry = lines.open("").unwrap();
        let mut entries: Box<dyn Entries> = Box::new(lines.clone());
        if let Some(witness) = &witness {
            (wire, entry, entries) = (witness.wire(wire), witness.entry(entry), witness.entries(entries));
        }
        let parts = Parts {
            entry,
            clock: clock.clone(),
            timers: Arc::new(TokioTimers),
            random: Arc::new(Dice(AtomicU64::new(clock.started()))),
            store_timeout: STORE_TIMEOUT,
            park,
            soon: SOON,
            marker: clock.marker.clone().map(|file| InstallMarker::new(file, clock.started().into())),
        };
        let base = Url::parse("https://shop.example/").unwrap();
        let journal = Journal::new(entries, STORE_TIMEOUT, SETTLE);
        let market = MarketClient::assemble(wire, parts, base, TIMEOUT, None, journal);
        Self { market, shop, store, clock, lines, park, witness }
    }

    /// The app is started again on the same device.
    pub(super) fn restart(self) -> Self {
        let Self { market, shop, store, clock, lines, park, witness } = self;
        drop((market, lines));
        clock.starts();
        Self::on(shop, store.clone(), clock, Lines::on(store), park, witness)
    }

    /// The process is killed, and the app is started again. What it had sent reaches the shop; nothing of it
    /// reaches the store any more.
    pub(super) fn crash(self) -> Self {
        self.lines.kill(false);
        self.restart()
    }

    pub(super) async fn signed_in() -> Self {
        let world = Self::new();
        world.sign_in().await.unwrap();
        world
    }

    pub(super) async fn sign_in(&self) -> Result<SignIn> {
        self.market.session().verify_code(PHONE, CODE).await
    }

    pub(super) fn state(&self) -> SessionState {
        self.market.session().state()
    }

    /// What the listener for ends is told from now on.
    pub(super) fn ends(&self) -> Ends {
        let (told, ends) = std::sync::mpsc::channel();
        self.market.session().on_end(move |end| told.send(end).unwrap_or_default());
        Ends(ends)
    }

    /// Lets all that is under way come to its end.
    pub(super) async fn settle(&self) {
        tokio::time::sleep(Duration::from_secs(120)).await;
    }

    /// Memory and store agree, and nothing is held on to.
    pub(super) fn assert_consistent(&self, when: &str) {
        let stored = self.store.stored();
        match self.state() {
            SessionState::SignedIn { persisted, .. } => {
                assert!(persisted && stored.is_some(), "{when}: signed in, and stored is {stored:?}");
            }
            state => assert!(stored.is_none(), "{when}: {state:?}, and {stored:?} is stored"),
        }
        assert_eq!(self.market.core.keeper.permits_out(), 0, "{when}: permits are out");
        assert_eq!(self.market.core.keeper.listed(), 0, "{when}: calls are listed");
    }
}

/// The ends that a listener was told of. Listeners have threads of their own, which paused time does not wait
/// for, so what is expected is waited for in real time, and what is not expected is looked for after a signal
/// that came later.
pub(super) struct Ends(std::sync::mpsc::Receiver<SessionEnd>);

impl Ends {
    pub(super) fn next(&self) -> SessionEnd {
        self.0.recv_timeout(Duration::from_secs(10)).expect("an end was signalled")
    }

    /// All ends that were signalled; the client must be gone, since the last listener's thread says "no more".
    pub(super) fn all(self, world: World) -> Vec<SessionEnd> {
        drop(world);
        let mut ends = Vec::new();
        while let Ok(end) = self.0.recv_timeout(Duration::from_secs(10)) {
            ends.push(end);
        }
        ends
    }
}

/// A device: its clocks, of which the monotonic one is the runtime's and the other can be set, and the file that tells
/// the app's installations apart.
pub(super) struct Device {
    marker: Option<PathBuf>,
    start: Instant,
    skew_ms: AtomicI64,
    restarts: AtomicU64,
    forgotten: Mutex<Duration>,
    slept: Mutex<Duration>,
    behind: Mutex<Duration>,
}

impl Device {
    pub(super) fn new() -> Self {
        Self {
            marker: None,
            start: Instant::now(),
            skew_ms: AtomicI64::new(0),
            restarts: AtomicU64::new(0),
            forgotten: Mutex::default(),
            slept: Mutex::default(),
            behind: Mutex::default(),
        }
    }

    pub(super) fn with_marker(file: PathBuf) -> Self {
        Self { marker: Some(file), ..Self::new() }
    }

    /// Moves the time of day alone.
    pub(super) fn set_forward(&self, by: Duration) {
        self.skew_ms.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }

    pub(super) fn set_back(&self, by: Duration) {
        self.skew_ms.fetch_sub(by.as_millis() as i64, Ordering::Relaxed);
    }

    /// The device sleeps: its clocks go on, and no timer runs.
    pub(super) fn sleep(&self, time: Duration) {
        self.set_forward(time);
        *self.slept.lock().unwrap() += time;
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Its monotonic clock is not the one that timers go by, and is slower.
    pub(super) fn fall_behind(&self, time: Duration) {
        *self.behind.lock().unwrap() += time;
    }

    /// Time since the test last said that it does not matter.
    pub(super) fn age(&self) -> Duration {
        self.start.elapsed() - *self.forgotten.lock().unwrap()
    }

    pub(super) fn forget_age(&self) {
        *self.forgotten.lock().unwrap() = self.start.elapsed();
    }

    /// The app is started once more: its random numbers are others.
    pub(super) fn starts(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    fn started(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed) << 32
    }
}

impl Clock for Device {
    fn wall(&self) -> SystemTime {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let skew = self.skew_ms.load(Ordering::Relaxed);
        let by = Duration::from_millis(skew.unsigned_abs());
        let now = noon + self.start.elapsed();
        if skew < 0 { now - by } else { now + by }
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed() + *self.slept.lock().unwrap() - *self.behind.lock().unwrap()
    }
}

struct TokioTimers;

impl Timers for TokioTimers {
    fn after(&self, delay: Duration, task: Task) {
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            task();
        });
    }
}

/// Different numbers, the same in each run.
struct Dice(AtomicU64);

impl Random for Dice {
    fn bits(&self) -> u128 {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        u128::from(count).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
    }
}

/// The store's thread, as a task: one operation at a time, first in, first out, each as slow as it is told.
struct Line(mpsc::UnboundedSender<Job>);

/// The store's threads of one process.
#[derive(Clone)]
pub(super) struct Lines(Arc<Process>);

struct Process {
    store: Store,
    lines: Mutex<HashMap<String, Arc<Line>>>,
    killed: Arc<AtomicBool>,
    /// What a store was doing when the process was killed takes effect all the same.
    lands: Arc<AtomicBool>,
}

/// The way to the shop, which ends with the process.
struct Wire {
    shop: Shop,
    killed: Arc<AtomicBool>,
}

impl Transport for Wire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        if self.killed.load(Ordering::Relaxed) {
            return Box::pin(std::future::pending());
        }
        self.shop.send(request)
    }
}

impl Lines {
    pub(super) fn on(store: Store) -> Self {
        let process =
            Process { store, lines: Mutex::default(), killed: Arc::default(), lands: Arc::default() };
        Self(Arc::new(process))
    }

    /// Nothing of the process reaches the store any more, but for what is under way if that `lands`; of the shop it
    /// hears nothing more.
    pub(super) fn kill(&self, lands: bool) {
        self.0.lands.store(lands, Ordering::Relaxed);
        self.0.killed.store(true, Ordering::Relaxed);
    }
}

impl Entries for Lines {
    fn open(&self, suffix: &str) -> Result<Arc<dyn EntryQueue>, StoreError> {
        let Process { store, lines, killed, lands } = &*self.0;
        let open = || {
            let line = Line::open(store.clone(), format!("session{suffix}"), killed.clone(), lands.clone());
            Arc::new(line)
        };
        Ok(lines.lock().unwrap().entry(suffix.to_owned()).or_insert_with(open).clone())
    }
}

impl Line {
    fn open(store: Store, key: String, killed: Arc<AtomicBool>, lands: Arc<AtomicBool>) -> Self {
        let (jobs, mut waiting) = mpsc::unbounded_channel::<Job>();
        tokio::spawn(async move {
            while let Some(job) = waiting.recv().await {
                if killed.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
                let takes = store.begin();
                tokio::time::sleep(takes).await;
                let last = killed.load(Ordering::Relaxed);
                if last && !lands.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
                // As on the real thread, a job that panics harms no other.
                let run = std::panic::AssertUnwindSafe(|| job(&store, &key));
                let _ = std::panic::catch_unwind(run);
                if last {
                    std::future::pending::<()>().await;
                }
            }
        });
        Self(jobs)
    }
}

impl EntryQueue for Line {
    fn submit(&self, job: Job) {
        // The runtime of a test that is over has dropped the other end.
        let _ = self.0.send(job);
    }
}

/// A store that fails as it is told.
#[derive(Clone, Default)]
pub(super) struct Store(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    values: HashMap<String, Vec<u8>>,
    read: Option<StoreRead>,
    write: Option<StoreError>,
    delete: Option<StoreError>,
    panics: bool,
    reads: usize,
    /// An operation that is made to fail takes effect all the same.
    half: bool,
    hangs: bool,
    /// Of the next operation alone.
    delay: Duration,
    /// How many operations were begun.
    begun: usize,
}

impl Store {
    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        // It panics on purpose.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Reads give this until it is taken back.
    pub(super) fn reads(&self, answer: Option<StoreRead>) {
        self.shelf().read = answer;
    }

    pub(super) fn writes(&self, answer: Option<StoreError>) {
        self.shelf().write = answer;
    }

    pub(super) fn deletes(&self, answer: Option<StoreError>) {
        self.shelf().delete = answer;
    }

    pub(super) fn panics(&self, panics: bool) {
        self.shelf().panics = panics;
    }

    /// What fails takes effect all the same.
    pub(super) fn fails_by_half(&self, half: bool) {
        self.shelf().half = half;
    }

    /// Each operation that begins from now on takes as long as [`HANG`].
    pub(super) fn hangs(&self, hangs: bool) {
        self.shelf().hangs = hangs;
    }

    pub(super) fn begun(&self) -> usize {
        self.shelf().begun
    }

    /// An operation begins: how long it takes.
    fn begin(&self) -> Duration {
        let mut shelf = self.shelf();
        shelf.begun += 1;
        let delay = std::mem::take(&mut shelf.delay);
        if shelf.hangs { HANG } else { delay.max(Duration::from_millis(3)) }
    }

    pub(super) fn reads_so_far(&self) -> usize {
        self.shelf().reads
    }

    pub(super) fn next_takes(&self, delay: Duration) {
        self.shelf().delay = delay;
    }

    pub(super) fn stored(&self) -> Option<String> {
        self.stored_at("session").map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn stored_at(&self, key: &str) -> Option<Vec<u8>> {
        self.shelf().values.get(key).cloned()
    }

    /// What is noted of user 19's order.
    pub(super) fn noted(&self) -> Option<Vec<u8>> {
        self.stored_at(ORDER)
    }

    pub(super) fn put_note(&self, value: &[u8]) {
        self.shelf().values.insert(ORDER.to_owned(), value.to_vec());
    }

    pub(super) fn read_debug(&self) -> StoreRead {
        self.read("session")
    }

    pub(super) fn put(&self, value: &[u8]) {
        self.shelf().values.insert("session".to_owned(), value.to_vec());
    }

    pub(super) fn lose(&self) {
        self.shelf().values.clear();
    }
}

impl SecureStore for Store {
    fn place(&self) -> String {
        "test".to_owned()
    }

    fn read(&self, key: &str) -> StoreRead {
        let mut shelf = self.shelf();
        shelf.reads += 1;
        assert!(!shelf.panics, "the store panics, as a host's code can");
        if let Some(answer) = &shelf.read {
            return answer.clone();
        }
        shelf
            .values
            .get(key)
            .map_or(StoreRead::Missing, |value| StoreRead::Found(Zeroizing::new(value.clone())))
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut shelf = self.shelf();
        let answer = shelf.write.clone().map_or(Ok(()), Err);
        if answer.is_ok() || shelf.half {
            shelf.values.insert(key.to_owned(), value.to_vec());
        }
        answer
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        let mut shelf = self.shelf();
        let answer = shelf.delete.clone().map_or(Ok(()), Err);
        if answer.is_ok() || shelf.half {
            shelf.values.remove(key);
        }
        answer
    }
}
