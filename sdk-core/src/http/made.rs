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
    /// From then on, half of the time that is left is kept for something else.
    halved: Option<Instant>,
    call: Arc<One>,
}

struct One {
    ticket: Ticket,
    /// Since when its time runs. While it is parked none does, and when it goes on this is set anew.
    since: Mutex<Instant>,
}

impl Made {
    /// How long the call may take, from when it was made or went on.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn new(ticket: Ticket, lineage: Lineage, timeout: Duration) -> Self {
        let since = Mutex::new(Instant::now());
        let call = Arc::new(One { ticket, since });
        Self { lineage, parks: true, before: false, timeout, halved: None, call }
    }

    /// Says whether it may be parked.
    pub(crate) fn parks(self, parks: bool) -> Self {
        Self { parks, ..self }
    }

    pub(crate) fn deadline(&self) -> Instant {
        let since = *self.call.since.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = since + self.timeout;
        let Some(halved) = self.halved else { return whole };
        let from = halved.max(since);
        from + whole.saturating_duration_since(from) / 2
    }

    /// The same call, for what goes before its own request: with half of the time that it has left, or of its whole time
    /// if it is parked and goes on. Then it keeps its turn.
    pub(crate) fn early(&self) -> Self {
        Self { halved: Some(Instant::now()), before: true, ..self.clone() }
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

    /// The session that it was made with is about to be found expired.
    pub(super) fn stand(&self) {
        if self.parks && self.call.ticket.counts() {
            // What becomes of it is looked at when it comes to the door.
            let _ = self.call.ticket.stand(true);
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

    pub(super) fn is_left(&self) -> bool {
        self.call.ticket.is_left()
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
