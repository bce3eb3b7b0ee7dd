//! The session machine: pure, (state, event) to (state, effects). No input or output, no clock, no lock.
//!
//! The columns of the table are the [`State`]s, its rows the [`Event`]s, its cells the arms of
//! [`Machine::apply`]. Effects come out in the order in which they must be carried out. The table was
//! model-checked before this was written; `machine/tests.rs` has a test per row and one per rule, named
//! after the run that goes wrong without it. Change a cell only with a reason as good.

use std::collections::BTreeSet;

/// Names a stored session. Random: the token's text cannot do it, since two sign-ins within one second
/// yield the same token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) u128);

/// What the machine has to know of a session.
pub(crate) trait Session: Clone {
    /// Who is signed in: the market and the id in it.
    type User: Clone + PartialEq + std::fmt::Debug;
    fn id(&self) -> SessionId;
    fn user(&self) -> Self::User;
}

/// Device time in milliseconds since 1970, as stored records carry it.
pub(crate) type Millis = u64;
/// One more when a session starts and when one ends.
pub(crate) type Generation = u64;
/// One more at logout, at clear, and at each sign-in except that of the user now signed in or expired.
pub(crate) type Lineage = u64;
pub(crate) type FlightId = u64;
pub(crate) type EraseId = u64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State<S: Session> {
    Restoring,
    Locked(LockedWhy),
    SignedOut(SignedOutWhy),
    SignedIn { session: S, persisted: bool },
    Expired { user: S::User, why: EndWhy },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockedWhy {
    Locked,
    Unavailable,
    Hung,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedOutWhy {
    NoSession,
    Corrupt,
    LoggedOut,
    Cleared,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndWhy {
    Expired,
    Rejected,
    LoggedOut,
    Cleared,
    Replaced,
}

/// Something that may still be stored and must go. Only proof takes it off the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owe {
    Id(SessionId),
    /// Whatever was signed in before this logout; it was not known then what was stored.
    Before(Millis),
    /// What cannot be read, and what was left behind: each erase takes it along.
    Unreadable,
}
pub(crate) type Owed = BTreeSet<Owe>;

/// Why the store's last answer was of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Locked,
    Unavailable,
}

#[derive(Clone, Debug)]
pub(crate) enum ReadResult<S> {
    Found(S),
    SurelyExpired(S),
    Missing,
    Corrupt,
    /// Of an installation of the app that is no more: nobody's.
    LeftBehind,
    Locked,
    Unavailable,
    /// The deadline passed. The read keeps its place, and its true result follows.
    Late,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteResult {
    Ok,
    /// A record signed in between this sign-in and now was there, and stays.
    Newer,
    /// It may have taken effect all the same.
    Failed(Trouble),
    Late,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EraseResult {
    Ok,
    Failed(Trouble),
    Late,
}

#[derive(Clone, Debug)]
pub(crate) enum Event<S: Session> {
    Start,
    /// `restore`, `resumed`, or a call at the door.
    Nudge,
    Read(ReadResult<S>),
    VerifyCalled(FlightId),
    VerifyOk(FlightId, S),
    /// Any other end; also when the last caller of a flight that was not sent leaves.
    VerifyEnded(FlightId),
    Written {
        id: SessionId,
        over: Owed,
        result: WriteResult,
    },
    Erased {
        erase: EraseId,
        carried: Owed,
        result: EraseResult,
    },
    Unauthorized(Generation),
    TimeUp(Generation),
    /// By the host. `notice`: the server is told (logout), or not (clear).
    Logout {
        now: Millis,
        notice: bool,
    },
    NoticeOver,
}

/// How a flight ended without a verdict of the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlightEnd {
    Store(Trouble),
    SignedOut,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect<S: Session> {
    Publish,
    Ended {
        session: S,
        why: EndWhy,
    },
    Read,
    Write {
        session: S,
        over: Owed,
    },
    Erase {
        erase: EraseId,
        owed: Owed,
    },
    StartTimer(Generation),
    Notice(S),
    SendVerify(FlightId),
    EndFlight(FlightId, FlightEnd),
    /// The flight's sign-in was written, or was not and never will be by it.
    Landed(FlightId),
    LogoutDone {
        erased: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flight {
    None,
    /// The store is asked before the code is spent.
    Asking(FlightId),
    Sent(FlightId),
    Writing(FlightId, SessionId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    No,
    Yes,
    /// Under way still, and said to be late.
    Late,
}

/// What a call at the door is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Door<S> {
    Permit(S, Generation),
    /// The store has not said yet who is signed in.
    Wait(Option<LockedWhy>),
    NotSignedIn,
    SessionExpired,
    SignedOut,
}

pub(crate) struct Machine<S: Session> {
    state: State<S>,
    generation: Generation,
    lineage: Lineage,
    owed: Owed,
    /// None: the store's last answer was usable.
    trouble: Option<Trouble>,
    reading: Reading,
    erasing: u32,
    writing: u32,
    noticing: u32,
    flight: Flight,
    /// The newest erase that a logout waits for.
    awaited: Option<EraseId>,
    last_erase: EraseId,
}

impl<S: Session> Machine<S> {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Restoring,
            generation: 0,
            lineage: 0,
            owed: Owed::new(),
            trouble: None,
            reading: Reading::No,
            erasing: 0,
            writing: 0,
            noticing: 0,
            flight: Flight::None,
            awaited: None,
            last_erase: 0,
        }
    }

    pub(crate) fn state(&self) -> &State<S> {
        &self.state
    }

    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    pub(crate) fn lineage(&self) -> Lineage {
        self.lineage
    }

    /// A read is under way and has not been said to be late.
    pub(crate) fn awaits_read(&self) -> bool {
        self.reading == Reading::Yes
    }

    /// The server is being told of a logout.
    pub(crate) fn noticing(&self) -> bool {
        self.noticing > 0
    }

    /// The door, for each attempt of a call anew.
    pub(crate) fn door(&self, lineage: Lineage) -> Door<S> {
        if lineage != self.lineage {
            return Door::SignedOut;
        }
        match &self.state {
            State::Restoring => Door::Wait(None),
            State::Locked(why) => Door::Wait(Some(*why)),
            State::SignedOut(_) => Door::NotSignedIn,
            State::SignedIn { session, .. } => Door::Permit(session.clone(), self.generation),
            State::Expired { .. } => Door::SessionExpired,
        }
    }

    pub(crate) fn apply(&mut self, event: Event<S>) -> Vec<Effect<S>> {
        let mut out = Vec::new();
        match event {
            Event::Start => {
                out.push(Effect::Publish);
                self.read(&mut out);
            }
            Event::Nudge => {
                if self.unknown() {
                    self.read(&mut out);
                } else if self.erasing == 0 && self.writing == 0 {
                    self.erase_owed(&mut out);
                }
            }
            Event::Read(result) => self.on_read(result, &mut out),
            Event::VerifyCalled(flight) => {
                self.flight = Flight::Asking(flight);
                if self.unknown() || self.trouble.is_some() {
                    self.read(&mut out);
                }
                self.ask(&mut out);
            }
            Event::VerifyOk(flight, session) => self.on_verified(flight, session, &mut out),
            Event::VerifyEnded(flight) => {
                if self.flight == Flight::Asking(flight) || self.flight == Flight::Sent(flight) {
                    self.flight = Flight::None;
                }
            }
            Event::Written { id, over, result } => self.on_written(id, &over, result, &mut out),
            Event::Erased { erase, carried, result } => self.on_erased(erase, &carried, result, &mut out),
            Event::Unauthorized(generation) => self.on_end(generation, EndWhy::Rejected, &mut out),
            Event::TimeUp(generation) => self.on_end(generation, EndWhy::Expired, &mut out),
            Event::Logout { now, notice } => self.on_logout(now, notice, &mut out),
            Event::NoticeOver => {
                self.noticing = self.noticing.saturating_sub(1);
                self.ask(&mut out);
            }
        }
        out
    }

    fn on_read(&mut self, result: ReadResult<S>, out: &mut Vec<Effect<S>>) {
        self.reading = if matches!(result, ReadResult::Late) { Reading::Late } else { Reading::No };
        self.trouble = match result {
            ReadResult::Locked | ReadResult::Late => Some(Trouble::Locked),
            ReadResult::Unavailable => Some(Trouble::Unavailable),
            _ => None,
        };
        // Once the state is known a read says nothing about it: the reader may have been overtaken by a
        // logout, whose session it would bring back.
        if self.unknown() {
            match result {
                ReadResult::Found(session) => {
                    self.generation += 1;
                    self.state = State::SignedIn { session, persisted: true };
                    out.push(Effect::Publish);
                    out.push(Effect::StartTimer(self.generation));
                }
                ReadResult::SurelyExpired(session) => {
                    // Nobody was told that this session lives, so nobody is told that it ended.
                    self.state = State::Expired { user: session.user(), why: EndWhy::Expired };
                    self.owed.insert(Owe::Id(session.id()));
                    out.push(Effect::Publish);
                    self.erase_owed(out);
                }
                ReadResult::Missing => {
                    self.state = State::SignedOut(SignedOutWhy::NoSession);
                    out.push(Effect::Publish);
                }
                ReadResult::Corrupt => self.of_no_use(SignedOutWhy::Corrupt, out),
                ReadResult::LeftBehind => self.of_no_use(SignedOutWhy::NoSession, out),
                ReadResult::Locked => self.lock(LockedWhy::Locked, out),
                ReadResult::Unavailable => self.lock(LockedWhy::Unavailable, out),
                ReadResult::Late => self.lock(LockedWhy::Hung, out),
            }
        }
        self.ask(out);
    }

    /// What is stored is no session of anybody's, and must go.
    fn of_no_use(&mut self, why: SignedOutWhy, out: &mut Vec<Effect<S>>) {
        // Nothing else is owed: a record that another client writes meanwhile stays.
        self.state = State::SignedOut(why);
        self.owed.insert(Owe::Unreadable);
        out.push(Effect::Publish);
        self.erase_owed(out);
    }

    fn on_verified(&mut self, flight: FlightId, session: S, out: &mut Vec<Effect<S>>) {
        if self.flight != Flight::Sent(flight) {
            return; // A logout came between: this answer signs nobody in.
        }
        let known = match &self.state {
            State::SignedIn { session: old, .. } => {
                let old = old.clone();
                self.generation += 1;
                self.owed.insert(Owe::Id(old.id()));
                out.push(Effect::Ended { session: old.clone(), why: EndWhy::Replaced });
                Some(old.user())
            }
            State::Expired { user, .. } => Some(user.clone()),
            _ => None,
        };
        if known != Some(session.user()) {
            self.lineage += 1;
        }
        self.generation += 1;
        self.flight = Flight::Writing(flight, session.id());
        self.state = State::SignedIn { session: session.clone(), persisted: false };
        out.push(Effect::Publish);
        out.push(Effect::StartTimer(self.generation));
        self.writing += 1;
        out.push(Effect::Write { session, over: self.owed.clone() });
    }

    fn on_written(&mut self, id: SessionId, over: &Owed, result: WriteResult, out: &mut Vec<Effect<S>>) {
        if let Flight::Writing(flight, writes) = self.flight
            && writes == id
        {
            self.flight = Flight::None;
            out.push(Effect::Landed(flight));
        }
        match result {
            WriteResult::Late => {
                self.trouble = Some(Trouble::Locked);
                return;
            }
            WriteResult::Ok | WriteResult::Newer => {
                self.trouble = None;
                self.owed.retain(|owe| !over.contains(owe));
            }
            WriteResult::Failed(trouble) => self.trouble = Some(trouble),
        }
        self.writing = self.writing.saturating_sub(1);
        if result == WriteResult::Ok
            && let State::SignedIn { session, persisted } = &mut self.state
            && session.id() == id
        {
            *persisted = true;
            out.push(Effect::Publish);
        }
        if matches!(result, WriteResult::Failed(_)) && self.erasing == 0 {
            self.erase_owed(out);
        }
    }

    fn on_erased(&mut self, erase: EraseId, carried: &Owed, result: EraseResult, out: &mut Vec<Effect<S>>) {
        self.trouble = match result {
            EraseResult::Ok => None,
            EraseResult::Failed(trouble) => Some(trouble),
            EraseResult::Late => Some(Trouble::Locked),
        };
        if result == EraseResult::Ok {
            self.owed.retain(|owe| !carried.contains(owe));
        }
        if result != EraseResult::Late {
            self.erasing = self.erasing.saturating_sub(1);
        }
        if self.awaited == Some(erase) {
            self.awaited = None;
            out.push(Effect::LogoutDone { erased: result == EraseResult::Ok });
        }
    }

    fn on_end(&mut self, generation: Generation, why: EndWhy, out: &mut Vec<Effect<S>>) {
        let State::SignedIn { session, .. } = &self.state else { return };
        if generation != self.generation {
            return; // It is about a session that is no more.
        }
        let session = session.clone();
        self.generation += 1;
        self.state = State::Expired { user: session.user(), why };
        self.owed.insert(Owe::Id(session.id()));
        out.push(Effect::Ended { session, why });
        out.push(Effect::Publish);
        self.erase_owed(out);
    }

    fn on_logout(&mut self, now: Millis, notice: bool, out: &mut Vec<Effect<S>>) {
        self.lineage += 1;
        if let Flight::Asking(flight) | Flight::Sent(flight) | Flight::Writing(flight, _) = self.flight {
            self.flight = Flight::None;
            out.push(Effect::EndFlight(flight, FlightEnd::SignedOut));
        }
        let (end, why) = if notice {
            (EndWhy::LoggedOut, SignedOutWhy::LoggedOut)
        } else {
            (EndWhy::Cleared, SignedOutWhy::Cleared)
        };
        let ended = match std::mem::replace(&mut self.state, State::SignedOut(why)) {
            State::Restoring | State::Locked(_) => {
                self.owed.insert(Owe::Before(now));
                None
            }
            State::SignedIn { session, .. } => {
                self.generation += 1;
                self.owed.insert(Owe::Id(session.id()));
                out.push(Effect::Ended { session: session.clone(), why: end });
                Some(session)
            }
            State::SignedOut(_) | State::Expired { .. } => None,
        };
        out.push(Effect::Publish);
        // Its own erase: one that was queued before carries less than is owed now.
        match self.erase_owed(out) {
            Some(erase) => self.awaited = Some(erase),
            None => out.push(Effect::LogoutDone { erased: true }),
        }
        if let Some(session) = ended
            && notice
        {
            self.noticing += 1;
            out.push(Effect::Notice(session));
        }
    }

    /// Decides about a flight that has not been sent: whether its code may be spent.
    fn ask(&mut self, out: &mut Vec<Effect<S>>) {
        let Flight::Asking(flight) = self.flight else { return };
        if self.reading == Reading::Yes {
            return;
        }
        if self.unknown() || self.trouble.is_some() || self.reading == Reading::Late {
            self.flight = Flight::None;
            let trouble = self.trouble.unwrap_or(Trouble::Locked);
            out.push(Effect::EndFlight(flight, FlightEnd::Store(trouble)));
        } else if self.noticing == 0 {
            self.flight = Flight::Sent(flight);
            out.push(Effect::SendVerify(flight));
        }
    }

    fn unknown(&self) -> bool {
        matches!(self.state, State::Restoring | State::Locked(_))
    }

    fn lock(&mut self, why: LockedWhy, out: &mut Vec<Effect<S>>) {
        self.state = State::Locked(why);
        out.push(Effect::Publish);
    }

    fn read(&mut self, out: &mut Vec<Effect<S>>) {
        if self.reading == Reading::No {
            self.reading = Reading::Yes;
            out.push(Effect::Read);
        }
    }

    fn erase_owed(&mut self, out: &mut Vec<Effect<S>>) -> Option<EraseId> {
        if self.owed.is_empty() {
            return None;
        }
        self.last_erase += 1;
        self.erasing += 1;
        out.push(Effect::Erase { erase: self.last_erase, owed: self.owed.clone() });
        Some(self.last_erase)
    }
}

#[cfg(test)]
mod tests;
