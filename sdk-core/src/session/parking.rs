//! Calls that wait for their user to sign in again, where they would end with `SessionExpired`.
//!
//! Every call has a number, in the order in which the app made them. One that could have to wait is listed by it:
//! while it stands in a line (of the cart, say) and when it comes to the door and the session has expired. What
//! becomes of those on the list is decided at each transition, under the keeper's mutex: so those who stand in a
//! line are parked in their order whichever thread looks first, and the count that the app is shown is exact. Those
//! who wait only look at what was decided.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::machine::{Door, Lineage, State};
use super::{Inner, Keeper, UNPOLLED, upgraded};
use crate::error::{Error, ErrorCode, Result};

/// A call's number, in the order of making.
type Number = u64;

/// How many calls wait, and how long each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParkRule {
    pub(crate) limit: usize,
    pub(crate) patience: Duration,
}

#[derive(Default)]
pub(super) struct Parking {
    made: Number,
    /// How often one was called.
    calls: u64,
    listed: BTreeMap<Number, Spot>,
    /// Somebody will look whose patience is over.
    watched: bool,
}

struct Spot {
    lineage: Lineage,
    /// Whether it may be parked.
    parks: bool,
    stands: Stands,
    at_door: bool,
    /// It was parked, and has not looked since it goes on.
    resumed: bool,
    turn: Turn,
    wake: Arc<Notify>,
}

#[derive(Clone, Copy)]
enum Stands {
    /// In a line, or at the door after a sign-in until its turn comes.
    Waiting,
    /// Until this time, by the monotonic clock.
    Parked(Duration),
    /// It is over, and ends so.
    Out(ErrorCode),
}

/// Those at the door go on one after the other.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    No,
    /// Which time it was that one was called: each has its own time to go.
    Called(u64),
    /// It did not go when it was called, and holds up nobody any more.
    Passed,
}

/// What a listed call finds when it looks.
pub(crate) struct Look {
    pub(crate) parked: bool,
    /// It was parked and goes on: its time starts anew. Said once.
    pub(crate) resumed: bool,
}

/// What one call waits with: the same for all its requests.
pub(crate) struct Ticket {
    pub(crate) lineage: Lineage,
    number: Number,
    keeper: Keeper,
    wake: Arc<Notify>,
    listed: AtomicBool,
    /// Its caller has left.
    left: AtomicBool,
}

impl Parking {
    pub(super) fn parked(&self) -> usize {
        self.listed.values().filter(|spot| matches!(spot.stands, Stands::Parked(_))).count()
    }

    #[cfg(test)]
    pub(super) fn listed(&self) -> usize {
        self.listed.len()
    }

    /// The call that goes next: the first at the door that may go on.
    fn next(&mut self) -> Option<(Number, &mut Spot)> {
        let waits =
            |spot: &Spot| spot.at_door && matches!(spot.stands, Stands::Waiting) && spot.turn != Turn::Passed;
        self.listed.iter_mut().find(|(_, spot)| waits(spot)).map(|(number, spot)| (*number, spot))
    }
}

impl Keeper {
    /// Notes that the app makes a call now.
    pub(crate) fn ticket(&self) -> Ticket {
        let mut inner = self.lock();
        let lineage = inner.machine.lineage();
        self.numbered(&mut inner, lineage)
    }

    /// Notes that the app makes a call now that belongs to what it began under `lineage`.
    pub(crate) fn ticket_under(&self, lineage: Lineage) -> Ticket {
        self.numbered(&mut self.lock(), lineage)
    }

    fn numbered(&self, inner: &mut Inner, lineage: Lineage) -> Ticket {
        inner.parking.made += 1;
        Ticket {
            lineage,
            number: inner.parking.made,
            keeper: self.clone(),
            wake: Arc::default(),
            listed: AtomicBool::new(false),
            left: AtomicBool::new(false),
        }
    }

    /// After a transition, or in time: what becomes of those on the list.
    pub(super) fn sort_parked(&self, inner: &mut Inner) {
        let Some(rule) = self.0.parts.park else { return };
        if inner.parking.listed.is_empty() {
            return;
        }
        let now = self.clock().monotonic();
        let lineage = inner.machine.lineage();
        let expired = matches!(inner.machine.state(), State::Expired { .. });
        let signed_in = matches!(inner.machine.state(), State::SignedIn { .. });
        // Those whose patience ran out while the device slept hold no room.
        let stays = |spot: &&Spot| {
            matches!(spot.stands, Stands::Parked(until) if until > now) && spot.lineage == lineage
        };
        let mut room = rule.limit.saturating_sub(inner.parking.listed.values().filter(stays).count());
        let mut news = Vec::new();
        // In the order in which the calls were made: the first have the room.
        for spot in inner.parking.listed.values_mut() {
            let stands = match spot.stands {
                Stands::Out(_) => continue,
                _ if spot.lineage != lineage => Stands::Out(ErrorCode::SignedOut),
                Stands::Parked(until) if until <= now => Stands::Out(ErrorCode::SessionExpired),
                Stands::Parked(_) if signed_in => Stands::Waiting,
                Stands::Waiting if expired && spot.parks && room > 0 => {
                    room -= 1;
                    Stands::Parked(now.saturating_add(rule.patience))
                }
                Stands::Waiting if expired => Stands::Out(ErrorCode::SessionExpired),
                _ => continue,
            };
            spot.resumed = matches!((spot.stands, stands), (Stands::Parked(_), Stands::Waiting));
            spot.turn = Turn::No;
            spot.stands = stands;
            // Those at the door are called one after the other, in their order.
            if !(spot.at_door && spot.resumed) {
                news.push(spot.wake.clone());
            }
        }
        if !news.is_empty() {
            inner.outbox.changed = true;
            inner.outbox.wakes.append(&mut news);
        }
        self.call_next(inner);
        self.watch_patience(inner);
    }

    /// One after the other, each when the request of the one before was handed on: so they leave in their order.
    fn call_next(&self, inner: &mut Inner) {
        let called = Turn::Called(inner.parking.calls + 1);
        let Some((number, spot)) = inner.parking.next() else { return };
        if matches!(spot.turn, Turn::Called(_)) {
            return;
        }
        spot.turn = called;
        let wake = spot.wake.clone();
        inner.parking.calls += 1;
        inner.outbox.wakes.push(wake);
        inner.outbox.changed = true;
        // A host may keep a future aside that nobody polls.
        let keeper = Arc::downgrade(&self.0);
        let pass = move || {
            upgraded(&keeper, |keeper| {
                let mut inner = keeper.lock();
                if let Some(spot) = inner.parking.listed.get_mut(&number)
                    && spot.turn == called
                {
                    spot.turn = Turn::Passed;
                    keeper.call_next(&mut inner);
                }
            });
        };
        self.0.parts.timers.after(UNPOLLED, Box::new(pass));
    }

    fn watch_patience(&self, inner: &mut Inner) {
        let until = |spot: &Spot| match spot.stands {
            Stands::Parked(until) => Some(until),
            _ => None,
        };
        let Some(first) = inner.parking.listed.values().filter_map(until).min() else { return };
        if std::mem::replace(&mut inner.parking.watched, true) {
            return; // All have the same patience, so that none can be over earlier.
        }
        let keeper = Arc::downgrade(&self.0);
        let over = move || {
            upgraded(&keeper, |keeper| {
                let mut inner = keeper.lock();
                inner.parking.watched = false;
                keeper.sort_parked(&mut inner);
            });
        };
        self.0.parts.timers.after(first.saturating_sub(self.clock().monotonic()), Box::new(over));
    }

    /// Takes a call off the list.
    fn unlist(&self, inner: &mut Inner, number: Number) -> Option<Spot> {
        let spot = inner.parking.listed.remove(&number)?;
        inner.outbox.changed |= matches!(spot.stands, Stands::Parked(_));
        if matches!(spot.turn, Turn::Called(_)) {
            self.call_next(inner);
        }
        Some(spot)
    }
}

impl Ticket {
    /// Whether the client parks calls at all.
    pub(crate) fn counts(&self) -> bool {
        self.keeper.0.parts.park.is_some()
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Relaxed)
    }

    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    fn list(&self, inner: &mut Inner, parks: bool) {
        self.listed.store(true, Ordering::Relaxed);
        let spot = Spot {
            lineage: self.lineage,
            parks,
            stands: Stands::Waiting,
            at_door: false,
            resumed: false,
            turn: Turn::No,
            wake: self.wake.clone(),
        };
        inner.parking.listed.insert(self.number, spot);
    }

    /// Stands in a line, and looks. A session that has expired parks it.
    pub(crate) fn stand(&self, parks: bool) -> Result<Look> {
        let mut inner = self.keeper.lock();
        if !inner.parking.listed.contains_key(&self.number) {
            self.gone_before(&mut inner)?;
            self.list(&mut inner, parks);
            self.keeper.sort_parked(&mut inner);
        }
        self.look(&mut inner)
    }

    /// Its turn in the line has come. If it is parked it stays so, with the patience that it has left; if it came from
    /// the door it keeps its turn there until it has sent its request.
    pub(crate) fn leave_line(&self) -> Result<Look> {
        let mut inner = self.keeper.lock();
        let look = self.look(&mut inner)?;
        let at_door = inner.parking.listed.get(&self.number).is_some_and(|spot| spot.at_door);
        if !look.parked && !at_door {
            self.listed.store(false, Ordering::Relaxed);
            self.keeper.unlist(&mut inner, self.number);
        }
        Ok(look)
    }

    /// Stands at the door, since the session has expired, and looks: whether it must wait on. Only a call of which
    /// no request is under way stands here.
    pub(crate) fn stand_at_door(&self, parks: bool) -> Result<Look> {
        if !parks || !self.counts() {
            return Err(Error::new(ErrorCode::SessionExpired));
        }
        let mut inner = self.keeper.lock();
        self.gone_before(&mut inner)?;
        if !inner.parking.listed.contains_key(&self.number) {
            if !matches!(inner.machine.door(self.lineage), Door::SessionExpired) {
                return Ok(Look { parked: false, resumed: false }); // Not any more. The door decides.
            }
            self.list(&mut inner, parks);
            self.keeper.sort_parked(&mut inner);
        }
        if let Some(spot) = inner.parking.listed.get_mut(&self.number)
            && !std::mem::replace(&mut spot.at_door, true)
        {
            self.keeper.call_next(&mut inner);
        }
        let mut look = self.look(&mut inner)?;
        let turn = inner.parking.listed.get(&self.number).map(|spot| spot.turn);
        look.parked |= turn == Some(Turn::No);
        Ok(look)
    }

    /// A caller that has left waits for nothing.
    fn gone_before(&self, inner: &mut Inner) -> Result<()> {
        if self.is_left() {
            self.keeper.unlist(inner, self.number);
            return Err(Error::new(ErrorCode::Cancelled));
        }
        Ok(())
    }

    fn look(&self, inner: &mut Inner) -> Result<Look> {
        let Some(spot) = inner.parking.listed.get_mut(&self.number) else {
            return Ok(Look { parked: false, resumed: false });
        };
        match spot.stands {
            Stands::Waiting => {
                // At the door it is said to who goes, not to who waits for its turn.
                let says = !spot.at_door || spot.turn != Turn::No;
                Ok(Look { parked: false, resumed: says && std::mem::take(&mut spot.resumed) })
            }
            Stands::Parked(_) => Ok(Look { parked: true, resumed: false }),
            Stands::Out(code) => {
                self.keeper.unlist(inner, self.number);
                Err(Error::new(code))
            }
        }
    }

    /// Returns when there may be something new to see.
    pub(crate) async fn told(&self) {
        self.wake.notified().await;
    }

    /// A request of the call was handed to the transport: the next may go.
    pub(crate) fn handed_on(&self) {
        if self.listed.swap(false, Ordering::Relaxed) {
            let mut inner = self.keeper.lock();
            self.keeper.unlist(&mut inner, self.number);
        }
    }

    /// The caller has left. If the call is parked it is over, at once.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
        if !self.counts() {
            return;
        }
        let mut inner = self.keeper.lock();
        // Also one that was called and has not gone: nothing of it is under way.
        if self.keeper.unlist(&mut inner, self.number).is_some() {
            let wake = self.wake.clone();
            inner.outbox.wakes.push(wake);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.handed_on();
    }
}
