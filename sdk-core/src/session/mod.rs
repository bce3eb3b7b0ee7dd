//! The keeper of the session: the only code that ever holds a token.
//!
//! One mutex guards the machine. Every transition is the same short, synchronous step: take the mutex, ask
//! the machine, carry out its effects in order, let go. An effect only hands work on (to the store's thread,
//! to a listener's queue, to a waiting task), so nothing waits under the mutex and a future that is dropped
//! leaves nothing half done. Nor does foreign code run under it: those who wait are woken after it is let go
//! (a host's waker may poll, and call back, on the spot), and what they are woken with is no news but "look
//! again", so that it does not matter in which order two threads come to say it.

pub(crate) mod clock;
mod door;
mod entry;
mod flight;
mod listeners;
pub(crate) mod machine;
mod parking;
pub(crate) mod record;
mod shown;
mod soon;
pub(crate) mod timer;
pub(crate) mod token;

use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use tokio::sync::{Notify, oneshot, watch};

use self::clock::{Clock, from_millis, to_millis};
use self::flight::Flight;
use self::listeners::{Listeners, Told};
use self::machine::{Effect, Event, Generation, Lineage, Machine, ReadResult, SessionId, State};
use self::parking::Parking;
use self::record::Record;
use self::shown::{locked, shown};
use self::soon::Soon;
use self::timer::Timers;
use self::token::AccessToken;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Market, SessionEnd, SessionState, User};
use crate::store::InstallMarker;

pub(crate) use self::door::Permit;
pub(crate) use self::entry::{EntryQueue, Job};
pub(crate) use self::flight::FlightKey;
pub(crate) use self::parking::{ParkRule, Ticket};

/// Where randomness comes from.
pub(crate) trait Random: Send + Sync {
    fn bits(&self) -> u128;
}

/// What a keeper works with.
pub(crate) struct Parts {
    pub(crate) entry: Arc<dyn EntryQueue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timers: Arc<dyn Timers>,
    pub(crate) random: Arc<dyn Random>,
    /// How long the store may take for one operation before it is called late.
    pub(crate) store_timeout: Duration,
    /// Whether calls wait for an expired session's user.
    pub(crate) park: Option<ParkRule>,
    /// How long before a session's end that is said.
    pub(crate) soon: Duration,
    /// Which installation of the app this is; not asked if there is none.
    pub(crate) marker: Option<InstallMarker>,
}

/// A session that was just signed in, as the sign-in call found it.
pub(crate) struct NewSession {
    pub(crate) token: AccessToken,
    pub(crate) user: User,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) is_new_user: Option<bool>,
}

#[derive(Clone, Debug)]
struct Live {
    record: Record,
    expires_at: Option<SystemTime>,
    /// When it ends, by the monotonic clock; none if that is not known.
    ends: Option<Duration>,
}

/// A user, whom market and id identify; phone and name are only what is known of the user.
#[derive(Clone, Debug)]
struct Who(User);

impl PartialEq for Who {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id && self.0.market == other.0.market
    }
}

impl machine::Session for Live {
    type User = Who;

    fn id(&self) -> SessionId {
        self.record.id
    }

    fn user(&self) -> Who {
        Who(self.record.user.clone())
    }
}

#[derive(Clone)]
pub(crate) struct Keeper(Arc<Shared>);

struct Shared {
    inner: Mutex<Inner>,
    /// Told of every transition.
    changes: watch::Sender<()>,
    /// Told of every new lineage, which takes permits back.
    lineages: watch::Sender<()>,
    /// Told of every permit that is let go.
    releases: watch::Sender<()>,
    /// What goes with the entry besides the store.
    beside: Arc<record::Beside>,
    parts: Parts,
}

struct Inner {
    machine: Machine<Live>,
    flight: Option<Flight>,
    listeners: Listeners<SessionEnd>,
    soon: Soon,
    /// Whoever has listeners told waits until they have heard it.
    patient: bool,
    parking: Parking,
    /// How many permits of each generation are out.
    permits: BTreeMap<Generation, usize>,
    logouts: Vec<oneshot::Sender<bool>>,
    /// Store operations that have not answered and are not said to be late.
    awaited: HashMap<u64, Arc<()>>,
    /// What the timers of the present session are for.
    timed: Arc<()>,
    /// Gives store operations and flights their numbers.
    count: u64,
    /// How many reads were answered.
    reads: u64,
    /// The last read took so long that somebody was asked to unlock the store, most likely.
    read_slowly: bool,
    outbox: Outbox,
}

/// What is told to those who wait, once the mutex is let go.
#[derive(Default)]
struct Outbox {
    changed: bool,
    lineage: bool,
    logouts: Vec<(oneshot::Sender<bool>, bool)>,
    flights: Vec<flight::News>,
    /// Of listed calls that have something new to look at.
    wakes: Vec<Arc<Notify>>,
    /// Signals that are waited for.
    told: Vec<Told>,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        let Self { changed, lineage, logouts, flights, wakes, told } = self;
        !changed
            && !lineage
            && logouts.is_empty()
            && flights.is_empty()
            && wakes.is_empty()
            && told.is_empty()
    }
}

/// The mutex, held. Letting it go sends what is in the outbox.
struct Locked<'a> {
    // Dropped in this order: the mutex is free when the news go out.
    inner: MutexGuard<'a, Inner>,
    post: Post<'a>,
}

struct Post<'a> {
    /// None if there are no news, as at most looks.
    outbox: Option<Outbox>,
    shared: &'a Shared,
}

impl Deref for Locked<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.inner.outbox.is_empty() {
            self.post.outbox = Some(std::mem::take(&mut self.inner.outbox));
        }
    }
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        let Some(outbox) = self.outbox.take() else { return };
        let Outbox { changed, lineage, logouts, flights, wakes, told } = outbox;
        if lineage {
            self.shared.lineages.send_replace(());
        }
        for news in flights {
            news.send();
        }
        for (waiting, erased) in logouts {
            let _ = waiting.send(erased); // Its caller may have left.
        }
        for listed in wakes {
            listed.notify_one();
        }
        if changed {
            self.shared.changes.send_replace(());
        }
        told.into_iter().for_each(Told::wait);
    }
}

/// The states as they come: the present one first, then the latest at each look.
pub(crate) struct States {
    changes: watch::Receiver<()>,
    keeper: Weak<Shared>,
    last: Option<SessionState>,
}

impl States {
    /// None once the client is gone.
    pub(crate) async fn next(&mut self) -> Option<SessionState> {
        loop {
            self.changes.mark_unchanged();
            let state = Keeper(self.keeper.upgrade()?).state();
            if self.last.as_ref() != Some(&state) {
                self.last = Some(state.clone());
                return Some(state);
            }
            self.changes.changed().await.ok()?;
        }
    }
}

/// The lineage as it changes, for who must not hold the client.
pub(crate) struct Lineages {
    news: watch::Receiver<()>,
    keeper: Weak<Shared>,
}

impl Lineages {
    /// None once the client is gone.
    pub(crate) fn current(&self) -> Option<Lineage> {
        Some(Keeper(self.keeper.upgrade()?).lineage())
    }

    pub(crate) fn mark_seen(&mut self) {
        self.news.mark_unchanged();
    }

    /// Returns at the next change; false once the client is gone.
    pub(crate) async fn changed(&mut self) -> bool {
        self.news.changed().await.is_ok()
    }
}

/// What a logout has left to do: all is forgotten already.
pub(crate) struct Farewell {
    /// To tell the server; none if there is nothing to tell.
    pub(crate) notice: Option<Notice>,
    erased: oneshot::Receiver<bool>,
    generation: Generation,
    keeper: Keeper,
}

/// The token of a session that has ended, for the one call that says so. Dropping it says the call is over; if it
/// is kept for longer than [`NOTICE`], it is over all the same, and must not be sent any more.
pub(crate) struct Notice {
    pub(crate) header: HeaderValue,
    pub(crate) market: Market,
    over: Arc<Over>,
}

/// How long the server may take to be told of a logout, before the user is let go without.
const NOTICE: Duration = Duration::from_secs(3);

struct Over {
    said: watch::Sender<bool>,
    keeper: Weak<Shared>,
}

impl Over {
    fn say(&self) {
        if !self.said.send_replace(true) {
            upgraded(&self.keeper, |keeper| keeper.apply(Event::NoticeOver));
        }
    }
}

impl Notice {
    /// Returns when its time is up.
    pub(crate) async fn over(&self) {
        // An error means that it is gone, which this holds.
        let _ = self.over.said.subscribe().wait_for(|said| *said).await;
    }
}

impl Keeper {
    /// Starts: the store is read at once.
    pub(crate) fn new(mut parts: Parts) -> Self {
        let machine = Machine::new();
        let inner = Inner {
            flight: None,
            listeners: Listeners::default(),
            soon: Soon::default(),
            patient: false,
            parking: Parking::default(),
            permits: BTreeMap::new(),
            logouts: Vec::new(),
            awaited: HashMap::new(),
            timed: Arc::default(),
            count: 0,
            reads: 0,
            read_slowly: false,
            outbox: Outbox::default(),
            machine,
        };
        let keeper = Self(Arc::new(Shared {
            inner: Mutex::new(inner),
            changes: watch::Sender::new(()),
            lineages: watch::Sender::new(()),
            releases: watch::Sender::new(()),
            beside: Arc::new(record::Beside::new(parts.marker.take())),
            parts,
        }));
        keeper.apply(Event::Start);
        keeper
    }

    pub(crate) fn state(&self) -> SessionState {
        shown(&self.lock())
    }

    pub(crate) fn subscribe(&self) -> States {
        States { changes: self.0.changes.subscribe(), keeper: Arc::downgrade(&self.0), last: None }
    }

    /// Noted when the app makes a call; the door compares it.
    pub(crate) fn lineage(&self) -> Lineage {
        self.lock().machine.lineage()
    }

    pub(crate) fn lineages(&self) -> Lineages {
        Lineages { news: self.0.lineages.subscribe(), keeper: Arc::downgrade(&self.0) }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.parts.random
    }

    /// The app came to the foreground: timers may have slept, and the store may be readable now.
    pub(crate) fn resumed(&self) {
        let mut inner = self.lock();
        self.check_expiry(&mut inner);
        self.sort_parked(&mut inner);
        self.step(&mut inner, Event::Nudge);
    }

    /// Waits until it is known who is signed in, or that the store cannot say.
    pub(crate) async fn restore(&self) -> Result<SessionState> {
        let mut changes = self.0.changes.subscribe();
        let asked = {
            let mut inner = self.lock();
            self.check_expiry(&mut inner);
            let asked = inner.reads;
            self.step(&mut inner, Event::Nudge);
            asked
        };
        loop {
            {
                let inner = self.lock();
                match inner.machine.state() {
                    // Only an answer that came after the call counts, or that there is none in time.
                    State::Locked(why) if inner.reads > asked || !inner.machine.awaits_read() => {
                        return Err(self.store_error(locked(*why)));
                    }
                    State::Restoring | State::Locked(_) => {}
                    _ => return Ok(shown(&inner)),
                }
            }
            changes.changed().await.map_err(|_| Error::new(ErrorCode::Cancelled))?;
        }
    }

    /// Forgets the session, now; what is left to do is in the answer. `notice`: the server is to be told.
    pub(crate) fn log_out(&self, notice: bool) -> Farewell {
        let (done, erased) = oneshot::channel();
        let now = to_millis(self.clock().wall());
        let mut inner = self.lock();
        inner.logouts.push(done);
        let notice = self.step(&mut inner, Event::Logout { now, notice });
        let generation = inner.machine.generation();
        drop(inner);
        let notice = notice.map(|session| {
            let over = Over { said: watch::Sender::new(false), keeper: Arc::downgrade(&self.0) };
            let over = Arc::new(over);
            // Not the runtime's timer: a runtime that rests would keep the next sign-in waiting.
            let up = over.clone();
            self.0.parts.timers.after(NOTICE, Box::new(move || up.say()));
            Notice { header: session.record.token.header(), market: session.record.user.market, over }
        });
        Farewell { notice, erased, generation, keeper: self.clone() }
    }

    /// An error of the store, with what it said of why.
    fn store_error(&self, code: ErrorCode) -> Error {
        let why = self.0.beside.why().clone();
        match why.filter(|_| matches!(code, ErrorCode::StoreUnavailable | ErrorCode::StoreNotCleared)) {
            Some(why) => Error::new(code).detail_is(why),
            None => Error::new(code),
        }
    }

    #[cfg(test)]
    pub(crate) fn permits_out(&self) -> usize {
        self.lock().permits.values().sum()
    }

    /// How many calls wait for a session, or stand in a line where they could come to.
    #[cfg(test)]
    pub(crate) fn listed(&self) -> usize {
        self.lock().parking.listed()
    }

    fn lock(&self) -> Locked<'_> {
        let inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { inner, post: Post { outbox: None, shared: &self.0 } }
    }

    fn apply(&self, event: Event<Live>) {
        self.step(&mut self.lock(), event);
    }

    /// A session's own end, found by whoever looks first: its timer, a call, or the app coming back.
    fn check_expiry(&self, inner: &mut Inner) {
        if let State::SignedIn { session, .. } = inner.machine.state()
            && session.ends.is_some_and(|end| self.clock().monotonic() >= end)
        {
            let generation = inner.machine.generation();
            self.step(inner, Event::TimeUp(generation));
        }
        self.check_soon(inner);
    }

    /// For tests: the session's time is up, whatever the clock says.
    #[cfg(feature = "test-kit")]
    pub(crate) fn expire(&self) {
        let mut inner = self.lock();
        let generation = inner.machine.generation();
        self.step(&mut inner, Event::TimeUp(generation));
    }

    /// One transition. Gives back the session that a logout has to tell the server of.
    fn step(&self, inner: &mut Inner, event: Event<Live>) -> Option<Live> {
        if let Event::Read(result) = &event
            && !matches!(result, ReadResult::Late)
        {
            inner.reads += 1;
        }
        let nudge = matches!(event, Event::Nudge);
        let lineage = inner.machine.lineage();
        let mut notice = None;
        let effects = inner.machine.apply(event);
        if effects.is_empty() && nudge {
            return None; // Nothing has changed: a thousand calls at the door need not wake each other.
        }
        for effect in effects {
            match effect {
                Effect::Publish => {} // Who waits for a change looks at the machine itself.
                Effect::Ended { session, why } => {
                    let end = SessionEnd { user: session.record.user, reason: why.into() };
                    let told = inner.listeners.tell(&end);
                    inner.told(told);
                }
                Effect::Read => self.read(inner),
                Effect::Write { session, over } => self.write(inner, session.record, over),
                Effect::Erase { erase, owed } => self.erase(inner, erase, owed),
                Effect::StartTimer(generation) => self.start_timer(inner, generation),
                Effect::Notice(session) => notice = Some(session),
                Effect::SendVerify(flight) => inner.clear_to_send(flight),
                Effect::EndFlight(flight, end) => {
                    let error = self.store_error(end.into());
                    inner.end_flight(flight, error);
                }
                Effect::Landed(flight) => inner.landed(flight),
                Effect::LogoutDone { erased } => {
                    let waiting = std::mem::take(&mut inner.logouts);
                    inner.outbox.logouts.extend(waiting.into_iter().map(|waiting| (waiting, erased)));
                }
            }
        }
        inner.outbox.changed = true;
        inner.outbox.lineage |= inner.machine.lineage() != lineage;
        self.sort_parked(inner);
        notice
    }

    fn start_timer(&self, inner: &mut Inner, generation: Generation) {
        inner.timed = Arc::default(); // Those of the session before are not needed any more.
        let State::SignedIn { session, .. } = inner.machine.state() else { return };
        let Some(end) = session.ends else { return };
        let wait = end.saturating_sub(self.clock().monotonic());
        let keeper = Arc::downgrade(&self.0);
        // The generation makes a timer of an older session harmless.
        let up = move || upgraded(&keeper, |keeper| keeper.apply(Event::TimeUp(generation)));
        self.0.parts.timers.after_if(wait, Arc::downgrade(&inner.timed), Box::new(up));
        self.start_soon_timer(inner);
    }

    fn live(&self, record: Record, left: Option<Duration>) -> Live {
        let expires_at = record.lifetime.and_then(|time| record.signed_in_at.checked_add(time));
        let ends = left.and_then(|left| self.clock().monotonic().checked_add(left));
        Live { record, expires_at, ends }
    }

    fn signed_in(&self, new: NewSession) -> Live {
        // To the millisecond, as it is stored.
        let now = from_millis(to_millis(self.clock().wall())).unwrap_or(SystemTime::UNIX_EPOCH);
        let lifetime = new.lifetime;
        let record = Record {
            id: SessionId(self.random().bits()),
            token: new.token,
            user: new.user,
            signed_in_at: now,
            lifetime,
        };
        self.live(record, lifetime)
    }
}

/// How long others wait for a call that nobody polls, as when a host keeps a future aside.
pub(crate) const UNPOLLED: Duration = Duration::from_secs(1);

impl Farewell {
    /// Waits until no request can carry the token any more and the store has answered.
    pub(crate) async fn done(self) -> Result<()> {
        let erased = self.erased.await.unwrap_or(false);
        // Its own notice, and one of a logout before.
        let mut changes = self.keeper.0.changes.subscribe();
        while self.keeper.lock().machine.noticing() && changes.changed().await.is_ok() {}
        // An attempt that is polled finds its permit taken back and gives up. One that is not polled finds the same
        // first when it is, and it is not waited for without end. (What such a one has handed to the HTTP client
        // before, and a runtime that rests has not sent, can still go out when that runtime goes on.)
        let mut releases = self.keeper.0.releases.subscribe();
        let permits = || self.keeper.lock().permits.range(..self.generation).next().is_some();
        let given_up = async { while permits() && releases.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(UNPOLLED, given_up).await;
        if erased { Ok(()) } else { Err(self.keeper.store_error(ErrorCode::StoreNotCleared)) }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.over.say();
    }
}

/// Runs `act` unless the client is gone.
fn upgraded(keeper: &Weak<Shared>, act: impl FnOnce(Keeper)) {
    if let Some(shared) = keeper.upgrade() {
        act(Keeper(shared));
    }
}
