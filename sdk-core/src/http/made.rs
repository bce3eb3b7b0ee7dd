//! A call that the app has made, and its waiting: in a line, and at the door for a session.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::{Error, ErrorCode, Result};
use crate::session::Ticket;
use crate::session::machine::Lineage;

/// When, and under which lineage, the app made a call. Clones are the same call.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) lineage: Lineage,
    /// It waits for an expired session's user, if the client was built so.
    parks: bool,
    /// What it sends now goes before its own request, and does not let the next waiting call go.
    before: bool,
    /// How long it may take.
    timeout: Duration,
    call: Arc<One>,
}

struct One {
    ticket: Ticket,
    /// Since when its time runs. While it is parked none does, and when it goes on this is set anew.
    since: Mutex<Instant>,
}

impl Made {
    pub(super) fn new(ticket: Ticket, lineage: Lineage, timeout: Duration) -> Self {
        let since = Mutex::new(Instant::now());
        Self { lineage, parks: true, before: false, timeout, call: Arc::new(One { ticket, since }) }
    }

    /// Says whether it may be parked.
    pub(crate) fn parks(self, parks: bool) -> Self {
        Self { parks, ..self }
    }

    pub(crate) fn deadline(&self) -> Instant {
        *self.call.since.lock().unwrap_or_else(PoisonError::into_inner) + self.timeout
    }

    /// The same call, for what goes before its own request: with half of the time that it has left. If it was parked
    /// it keeps its turn.
    pub(crate) fn early(&self) -> Self {
        let since = *self.call.since.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let left = self.deadline().saturating_duration_since(now);
        Self { timeout: now.saturating_duration_since(since) + left / 2, before: true, ..self.clone() }
    }

    fn renew(&self, resumed: bool) {
        if resumed {
            *self.call.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }

    /// Waits for `turn` in a line where another call may be parked: then this one is parked with it, where it
    /// stands. `why` is said if the time is up before.
    pub(crate) async fn in_line<T>(&self, why: &'static str, turn: impl Future<Output = T>) -> Result<T> {
        let late = || Error::new(ErrorCode::Timeout).detail_is(why);
        let ticket = &self.call.ticket;
        if !ticket.counts() {
            return timeout_at(self.deadline(), turn).await.map_err(|_| late());
        }
        let mut turn = pin!(turn);
        loop {
            let look = ticket.stand(self.parks)?;
            self.renew(look.resumed);
            tokio::select! {
                biased;
                turn = &mut turn => {
                    self.renew(ticket.leave_line()?.resumed);
                    return Ok(turn);
                }
                () = ticket.told() => {}
                () = sleep_until(self.deadline()), if !look.parked => return Err(late()),
            }
        }
    }

    /// Whether the session had expired when it was last looked at, and its own request was not sent since.
    pub(super) fn was_parked(&self) -> bool {
        self.parks && self.call.ticket.is_listed()
    }

    /// Waits, since the session has expired, until its user has signed in again. Nothing of the call is under way.
    pub(super) async fn park(&self) -> Result<()> {
        loop {
            let look = self.call.ticket.stand_at_door(self.parks)?;
            self.renew(look.resumed);
            if !look.parked {
                return Ok(());
            }
            self.call.ticket.told().await;
        }
    }

    /// A request was handed to the transport.
    pub(super) fn handed_on(&self) {
        if !self.before {
            self.call.ticket.handed_on();
        }
    }

    /// Held by a caller whose call runs as a task of its own: without the caller it is not parked.
    pub(crate) fn caller(&self) -> Caller {
        Caller(self.clone())
    }
}

pub(crate) struct Caller(Made);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.call.ticket.leave();
    }
}
