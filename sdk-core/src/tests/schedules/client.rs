//! One client, as far as it can be known from outside: who is signed in on it, and what it owes.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::super::world::SOON;
use super::cart::Cart;
use super::log::CallId;
use super::steps::Act;
use super::{Broken, broken};
use crate::model::{EndReason, LockedReason, SignedOutReason};
use crate::store::StoreRead;

/// How long past its end a stored session has to be to be called expired unasked.
const SURELY: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
pub(super) struct Now {
    /// Of the runtime's clock, which timers go by.
    pub(super) elapsed: Duration,
    pub(super) monotonic: Duration,
    pub(super) wall: SystemTime,
}

/// What one client has to show.
#[derive(Clone, Debug)]
pub(super) enum Knows {
    /// It could not be read yet who is signed in.
    Unread(Option<LockedReason>),
    Out(SignedOutReason),
    In(Live),
    Expired {
        user: u64,
        reason: EndReason,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) token: String,
    pub(super) user: u64,
    /// None if it is not known when.
    pub(super) ends: Option<Ends>,
    pub(super) persisted: bool,
}

/// When a session ends, and when that is said before. Each by the monotonic clock, and by the one that timers go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) at: Duration,
    pub(super) timer: Duration,
    /// How long before.
    pub(super) margin: Duration,
    pub(super) soon_timer: Duration,
    pub(super) said: bool,
}

impl Live {
    /// `left`: of its `lifetime`, from now on.
    pub(super) fn new(
        now: Now,
        token: String,
        user: u64,
        lifetime: Option<Duration>,
        left: Option<Duration>,
    ) -> Self {
        let ends = lifetime.zip(left).map(|(lifetime, left)| {
            let margin = SOON.min(lifetime / 2);
            let timer = now.elapsed + left;
            let soon_timer = now.elapsed + left.saturating_sub(margin);
            Ends { at: now.monotonic + left, timer, margin, soon_timer, said: false }
        });
        Self { token, user, ends, persisted: false }
    }
}

impl Ends {
    /// The client has looked at the clock: what is due by that does not wait for its timer.
    pub(super) fn looked_at(&mut self, now: Now) {
        if self.at <= now.monotonic {
            self.timer = Duration::ZERO;
        } else if self.at <= now.monotonic + self.margin {
            self.soon_timer = Duration::ZERO;
        }
    }
}

pub(super) struct Client {
    pub(super) knows: Knows,
    pub(super) stay: u32,
    /// Since when.
    pub(super) stays_since: Duration,
    pub(super) logouts: u32,
    /// Not used any more; killed: it does nothing any more.
    pub(super) gone: bool,
    pub(super) killed: bool,
    /// All tokens that it ever had, and in which stay.
    pub(super) held: HashMap<String, u32>,
    /// Those whose session it ended.
    pub(super) ended: HashSet<String>,
    /// Those that no request may carry any more, since a logout has returned.
    pub(super) silent: HashSet<String>,
    /// When the last session ended.
    pub(super) ended_at: Option<Duration>,
    /// The end that was signalled last, and when.
    pub(super) signalled: Option<((u64, EndReason), Duration)>,
    /// An end that has to be signalled.
    pub(super) owes: Option<(u64, EndReason)>,
    /// Since when, by the count of events, it has not been so any more.
    pub(super) out_until: u64,
    pub(super) expired_until: u64,
    pub(super) jobs: Vec<Job>,
    /// A job took longer than a client waits.
    pub(super) slow_until: u64,
    /// What the job under way was told by the store.
    pub(super) read: Option<StoreRead>,
    /// The last answer was a 401 that was not about the session of now.
    pub(super) late: bool,
    /// How often its session has expired.
    pub(super) expiries: u32,
    /// Which installation of the app it belongs to, and whether it was the first to ask; none if it has not asked.
    pub(super) installed: Option<(u32, bool)>,
    /// It logged out before it could know what is stored.
    pub(super) left_unread: bool,
    /// The newest call that has gone on after an expiry, in which stay.
    pub(super) resumed: (u32, CallId),
    pub(super) cart: Cart,
}

pub(super) struct Job {
    pub(super) number: u64,
    pub(super) session: bool,
    pub(super) submitted: Duration,
}

impl Client {
    pub(super) fn new() -> Self {
        Self {
            knows: Knows::Unread(None),
            stay: 0,
            stays_since: Duration::ZERO,
            logouts: 0,
            gone: false,
            killed: false,
            held: HashMap::new(),
            ended: HashSet::new(),
            silent: HashSet::new(),
            ended_at: None,
            signalled: None,
            owes: None,
            out_until: 0,
            expired_until: 0,
            jobs: Vec::new(),
            slow_until: 0,
            read: None,
            late: false,
            expiries: 0,
            installed: None,
            left_unread: false,
            resumed: (0, 0),
            cart: Cart::default(),
        }
    }

    /// Whose stay it is.
    pub(super) fn user(&self) -> Option<u64> {
        match &self.knows {
            Knows::In(Live { user, .. }) | Knows::Expired { user, .. } => Some(*user),
            _ => None,
        }
    }

    /// What it makes of what is stored, as long as it does not know who is signed in. `left_behind`: it is of an earlier
    /// installation.
    pub(super) fn look(&mut self, now: Now, events: u64, found: &StoreRead, left_behind: bool) {
        if !matches!(self.knows, Knows::Unread(_)) {
            return;
        }
        self.knows = match found {
            StoreRead::Locked => Knows::Unread(Some(LockedReason::Locked)),
            StoreRead::Unavailable(_) => Knows::Unread(Some(LockedReason::Unavailable)),
            StoreRead::Found(_) | StoreRead::Corrupt if left_behind => Knows::Out(SignedOutReason::NoSession),
            StoreRead::Missing => Knows::Out(SignedOutReason::NoSession),
            StoreRead::Corrupt => Knows::Out(SignedOutReason::Corrupt),
            StoreRead::Found(bytes) => match Record::of(bytes) {
                None => Knows::Out(SignedOutReason::Corrupt),
                Some(record) => self.restored(now, events, record),
            },
        };
    }

    fn restored(&mut self, now: Now, events: u64, record: Record) -> Knows {
        let Record { token, user, since, lifetime } = record;
        self.held.insert(token.clone(), self.stay);
        let age = now.wall.duration_since(since).ok();
        if let (Some(lifetime), Some(age)) = (lifetime, age)
            && age >= lifetime + SURELY
        {
            self.ended.insert(token);
            self.expired_until = events;
            self.expiries += 1;
            return Knows::Expired { user, reason: EndReason::Expired };
        }
        let left = lifetime.zip(age).and_then(|(lifetime, age)| lifetime.checked_sub(age));
        let left = left.filter(|left| !left.is_zero());
        Knows::In(Live { persisted: true, ..Live::new(now, token, user, lifetime, left) })
    }

    pub(super) fn ends(&mut self, now: Now, reason: EndReason) -> Result<(), Broken> {
        let Knows::In(live) = &self.knows else { return Ok(()) };
        self.ended.insert(live.token.clone());
        self.ended_at = Some(now.elapsed);
        match self.owes.replace((live.user, reason)) {
            None => Ok(()),
            Some(before) => broken(3, "an end was not signalled at once", format!("{before:?}")),
        }
    }

    pub(super) fn expire(&mut self, now: Now, reason: EndReason) -> Result<(), Broken> {
        self.ends(now, reason)?;
        if let Some(user) = self.user() {
            self.knows = Knows::Expired { user, reason };
            self.expiries += 1;
        }
        Ok(())
    }

    pub(super) fn sign_in(&mut self, now: Now, events: u64, live: Live) -> Result<(), Broken> {
        self.ends(now, EndReason::Replaced)?;
        match &self.knows {
            Knows::Out(_) => self.out_until = events,
            Knows::Expired { .. } => self.expired_until = events,
            _ => {}
        }
        if self.user() != Some(live.user) {
            self.stay += 1;
            self.stays_since = now.elapsed;
        }
        self.held.insert(live.token.clone(), self.stay);
        self.knows = Knows::In(live);
        Ok(())
    }

    pub(super) fn log_out(&mut self, now: Now, act: Act, events: u64) {
        let (reason, why) = match act {
            Act::Logout => (SignedOutReason::LoggedOut, EndReason::LoggedOut),
            _ => (SignedOutReason::Cleared, EndReason::Cleared),
        };
        if let Knows::In(live) = &self.knows {
            self.ended.insert(live.token.clone());
            self.owes = Some((live.user, why));
        }
        self.left_unread |= matches!(self.knows, Knows::Unread(_));
        if matches!(self.knows, Knows::Out(_)) {
            self.out_until = events;
        }
        self.stay += 1;
        self.stays_since = now.elapsed;
        self.logouts += 1;
        self.knows = Knows::Out(reason);
    }
}

/// A stored session, as another program would read it.
pub(super) struct Record {
    pub(super) token: String,
    pub(super) user: u64,
    pub(super) since: SystemTime,
    pub(super) lifetime: Option<Duration>,
}

impl Record {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let stored: Value = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            token: stored["token"].as_str()?.to_owned(),
            user: stored["user_id"].as_u64()?,
            since: SystemTime::UNIX_EPOCH + Duration::from_millis(stored["signed_in_at_ms"].as_u64()?),
            lifetime: stored["lifetime_ms"].as_u64().map(Duration::from_millis),
        })
    }
}
