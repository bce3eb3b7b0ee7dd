//! The sign-in flight: at most one verify-code call at a time.
//!
//! A code can be spent once, so it is never sent twice: callers with the same phone and code join the flight
//! that is under way, others wait their turn. It runs as a task of its own once it is sent, because its answer
//! signs the user in whether or not the caller is still there.

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::machine::{Event, FlightEnd, FlightId, Lineage, Session, State, Trouble};
use super::{Inner, Keeper, NewSession};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{PhoneNumber, SignIn};

/// What tells one sign-in from another.
#[derive(Clone, PartialEq)]
pub(crate) struct FlightKey {
    pub(crate) phone: PhoneNumber,
    pub(crate) code: Zeroizing<String>,
}

pub(super) struct Flight {
    id: FlightId,
    key: FlightKey,
    callers: usize,
    phase: watch::Sender<Phase>,
    /// A caller has taken it upon itself to send.
    sent: bool,
    /// What the server answered, while the session is being written.
    sign_in: Option<SignIn>,
}

#[derive(Clone)]
enum Phase {
    /// The store is asked first: a code is not spent on a store that cannot keep the session.
    Asking,
    Send,
    Done(Result<SignIn>),
}

/// What a flight's callers are told.
pub(super) struct News {
    phase: watch::Sender<Phase>,
    now: Phase,
}

impl News {
    pub(super) fn send(self) {
        // Two threads may come in either order: what is done stays done.
        self.phase.send_if_modified(|phase| {
            let goes_on = !matches!(phase, Phase::Done(_));
            if goes_on {
                *phase = self.now;
            }
            goes_on
        });
    }
}

impl Inner {
    pub(super) fn clear_to_send(&mut self, flight: FlightId) {
        if let Some(current) = self.flight.as_ref().filter(|current| current.id == flight) {
            let news = News { phase: current.phase.clone(), now: Phase::Send };
            self.outbox.flights.push(news);
        }
    }

    pub(super) fn end_flight(&mut self, flight: FlightId, error: Error) {
        self.finish_flight(flight, |_| Err(error));
    }

    pub(super) fn landed(&mut self, flight: FlightId) {
        let persisted = matches!(self.machine.state(), State::SignedIn { persisted: true, .. });
        self.finish_flight(flight, |sign_in| match sign_in {
            Some(sign_in) => Ok(SignIn { persisted, ..sign_in }),
            None => Err(Error::new(ErrorCode::OutcomeUnknown)),
        });
    }

    fn finish_flight(&mut self, flight: FlightId, result: impl FnOnce(Option<SignIn>) -> Result<SignIn>) {
        if let Some(mut current) = self.flight.take_if(|current| current.id == flight) {
            let sign_in = current.sign_in.take();
            let news = News { phase: current.phase, now: Phase::Done(result(sign_in)) };
            self.outbox.flights.push(news);
        }
    }
}

impl From<FlightEnd> for ErrorCode {
    fn from(end: FlightEnd) -> Self {
        match end {
            FlightEnd::Store(Trouble::Locked) => Self::StoreLocked,
            FlightEnd::Store(Trouble::Unavailable) => Self::StoreUnavailable,
            FlightEnd::SignedOut => Self::SignedOut,
        }
    }
}

impl Keeper {
    /// Signs in with `key` by `send`, which spends the code; or joins the flight that does so already.
    pub(crate) async fn fly<F, Fut>(
        &self,
        lineage: Lineage,
        deadline: Instant,
        key: FlightKey,
        send: F,
    ) -> Result<SignIn>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<NewSession>> + Send + 'static,
    {
        let before_sending = async {
            let (caller, mut phase) = self.board(lineage, key).await?;
            let phase_is = |phase: &Phase| !matches!(phase, Phase::Asking);
            phase.wait_for(phase_is).await.map_err(|_| Error::new(ErrorCode::Cancelled))?;
            Ok::<_, Error>((caller, phase))
        };
        let (caller, mut phase) =
            timeout_at(deadline, before_sending).await.map_err(|_| Error::new(ErrorCode::Timeout))??;
        self.take_off(caller.flight, send);
        let done = phase.wait_for(|phase| matches!(phase, Phase::Done(_))).await;
        match done.map(|phase| phase.clone()) {
            Ok(Phase::Done(result)) => result,
            _ => Err(Error::new(ErrorCode::Cancelled)),
        }
    }

    /// Joins the flight of the same key, or makes one when there is none.
    async fn board(&self, lineage: Lineage, key: FlightKey) -> Result<(Caller, watch::Receiver<Phase>)> {
        let mut changes = self.0.changes.subscribe();
        loop {
            {
                let mut inner = self.lock();
                let overtaken = inner.machine.lineage() != lineage;
                match &mut inner.flight {
                    Some(flight) if flight.key == key => {
                        flight.callers += 1;
                        return Ok((
                            Caller { keeper: self.clone(), flight: flight.id },
                            flight.phase.subscribe(),
                        ));
                    }
                    Some(_) => changes.mark_unchanged(),
                    None if overtaken => return Err(Error::new(ErrorCode::SignedOut)),
                    None => {
                        inner.count += 1;
                        let id = inner.count;
                        let (phase, receiver) = watch::channel(Phase::Asking);
                        inner.flight =
                            Some(Flight { id, key, callers: 1, phase, sent: false, sign_in: None });
                        // In this order: the machine may clear the flight to be sent, or end it, at once.
                        self.step(&mut inner, Event::VerifyCalled(id));
                        return Ok((Caller { keeper: self.clone(), flight: id }, receiver));
                    }
                }
            }
            changes.changed().await.map_err(|_| Error::new(ErrorCode::Cancelled))?;
        }
    }

    /// Sends, unless another caller of the flight has done so or the flight is over.
    fn take_off<F, Fut>(&self, flight: FlightId, send: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<NewSession>> + Send + 'static,
    {
        let mut inner = self.lock();
        let Some(current) = inner.flight.as_mut().filter(|current| current.id == flight && !current.sent)
        else {
            return;
        };
        current.sent = true;
        drop(inner);
        let landing = Landing { keeper: self.clone(), flight };
        tokio::spawn(async move {
            let result = send().await;
            landing.land(result);
        });
    }
}

/// One who waits for a flight. The last one to leave a flight that was not sent takes it out.
struct Caller {
    keeper: Keeper,
    flight: FlightId,
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut inner = self.keeper.lock();
        let Some(flight) = inner.flight.as_mut().filter(|current| current.id == self.flight) else { return };
        flight.callers -= 1;
        if flight.callers == 0 && !flight.sent {
            inner.flight = None;
            self.keeper.step(&mut inner, Event::VerifyEnded(self.flight));
        }
    }
}

/// The end of a flight that was sent, given even if its runtime is shut down under it.
struct Landing {
    keeper: Keeper,
    flight: FlightId,
}

impl Landing {
    fn land(self, result: Result<NewSession>) {
        let mut inner = self.keeper.lock();
        let Some(current) = inner.flight.as_mut().filter(|current| current.id == self.flight) else {
            return; // A logout came between.
        };
        match result {
            Ok(new) => {
                let is_new_user = new.is_new_user;
                let session = self.keeper.signed_in(new);
                current.sign_in = Some(SignIn {
                    user: session.user().0,
                    is_new_user,
                    expires_at: session.expires_at,
                    persisted: false,
                });
                self.keeper.step(&mut inner, Event::VerifyOk(self.flight, session));
            }
            Err(error) => {
                inner.finish_flight(self.flight, |_| Err(error));
                self.keeper.step(&mut inner, Event::VerifyEnded(self.flight));
            }
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut inner = self.keeper.lock();
        // Landed already, or forgotten; a flight with an answer waits for its write.
        if !inner
            .flight
            .as_ref()
            .is_some_and(|current| current.id == self.flight && current.sign_in.is_none())
        {
            return;
        }
        inner.finish_flight(self.flight, |_| Err(Error::new(ErrorCode::OutcomeUnknown)));
        self.keeper.step(&mut inner, Event::VerifyEnded(self.flight));
    }
}
