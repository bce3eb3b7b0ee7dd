//! What happens in a run, in the order in which it happens: the witnesses at a client's seams tell it, and the model
//! is told at once.
//!
//! A run has one thread, and what a client does about an answer of the shop or of the store it does in the same poll
//! that brings the answer. So the order here is the order in which the client saw things.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::super::world::{Device, Store};
use super::client::Now;
use super::model::Model;
use super::steps::Act;
use super::{Broken, Setup};
use crate::http::transport::{Failure, Reply, Request, Transport};
use crate::journal::Entries;
use crate::model::{Cart, ExpiringSoon, SessionEnd, SessionState};
use crate::session::clock::Clock;
use crate::session::{EntryQueue, Job};
use crate::store::{SecureStore, StoreError, StoreRead};
use crate::{Error, Result};

pub(super) type ClientId = usize;
pub(super) type CallId = usize;
pub(super) type RequestId = usize;

/// What a call gave.
#[derive(Debug)]
pub(super) enum Got {
    Nothing,
    /// Something of this user's.
    Of(Option<u64>),
    SignedIn {
        user: u64,
        persisted: bool,
    },
    /// The shop's number of it.
    Order(u64),
    Resolved(Resolved),
}

/// What was found out of an order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resolved {
    /// The shop's number of it.
    Placed(u64),
    NotPlaced,
    NotKnown,
}

#[derive(Debug)]
pub(super) enum Event {
    Opened {
        client: ClientId,
    },
    /// Nobody looks at it any more. `killed`: nor does it do anything more.
    Gone {
        client: ClientId,
        killed: bool,
    },
    /// `wish`: which order it is about.
    Made {
        call: CallId,
        client: ClientId,
        act: Act,
        wish: Option<usize>,
    },
    Returned {
        call: CallId,
        result: Result<Got, Error>,
    },
    Dropped {
        call: CallId,
    },
    Sent {
        request: RequestId,
        client: ClientId,
        seen: Sent,
    },
    Answered {
        request: RequestId,
        answer: Result<Answer, Failure>,
    },
    /// The client went away from it.
    GivenUp {
        request: RequestId,
    },
    /// `session`: of the session's entry, not of an order's.
    Submitted {
        client: ClientId,
        job: u64,
        session: bool,
    },
    Begun {
        client: ClientId,
    },
    Read {
        client: ClientId,
        key: String,
        found: StoreRead,
    },
    /// Of a write or an erase: what was there before, and after.
    Changed {
        client: ClientId,
        key: String,
        before: Option<String>,
        after: Option<String>,
        told: bool,
    },
    Done {
        client: ClientId,
        job: u64,
    },
    Ended {
        client: ClientId,
        end: SessionEnd,
    },
    /// It was said that the session ends soon.
    Expiring {
        client: ClientId,
        soon: ExpiringSoon,
    },
    ShownState {
        client: ClientId,
        state: SessionState,
    },
    ShownCart {
        client: ClientId,
        cart: Option<Cart>,
    },
    Resumed {
        client: ClientId,
    },
    /// The app is another installation from now on.
    Reinstalled,
    /// The test itself changes what is stored.
    Tampered,
    ClockSet,
    /// The store, or the shop, begins to be in trouble, or is no longer.
    StoreFails(bool),
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// Where it sends the client on to.
    pub(super) location: Option<String>,
}

/// A request as it leaves.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) url: url::Url,
    pub(super) headers: http::HeaderMap,
    pub(super) body: serde_json::Value,
    pub(super) token: Option<String>,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_deref().unwrap_or("nobody");
        write!(f, "{} {} as {token}: {}", self.method, self.url, self.body)
    }
}

#[derive(Clone)]
pub(super) struct Log(Arc<Mutex<Book>>);

struct Book {
    model: Model,
    clock: Arc<Device>,
    signals: Vec<(ClientId, Receiver<ExpiringSoon>, Receiver<SessionEnd>)>,
    requests: RequestId,
    jobs: u64,
    broken: Option<Broken>,
    /// For who looks into a failure.
    trace: Option<Vec<String>>,
}

impl Log {
    pub(super) fn new(setup: Setup, clock: Arc<Device>, traced: bool) -> Self {
        Self(Arc::new(Mutex::new(Book {
            model: Model::new(setup),
            clock,
            signals: Vec::new(),
            requests: 0,
            jobs: 0,
            broken: None,
            trace: traced.then(Vec::new),
        })))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a client's ends, and what comes before them, are told, and noted as they come.
    pub(super) fn signals_of(&self, client: ClientId) -> (Sender<ExpiringSoon>, Sender<SessionEnd>) {
        let ((soon, soons), (end, ends)) = (channel(), channel());
        self.book().signals.push((client, soons, ends));
        (soon, end)
    }

    pub(super) fn push(&self, event: Event) {
        let mut book = self.book();
        book.hear();
        book.see(event);
    }

    /// Asks the model about what is seen from outside now.
    pub(super) fn ask(&self, ask: impl FnOnce(&mut Model, Now) -> Result<(), Broken>) {
        let mut book = self.book();
        book.hear();
        let now = book.now();
        let asked = ask(&mut book.model, now);
        book.judge(asked);
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Model) -> T) -> T {
        look(&mut self.book().model)
    }

    pub(super) fn note(&self, text: impl FnOnce() -> String) {
        self.book().note(text);
    }

    pub(super) fn broken(&self) -> Option<Broken> {
        self.book().broken.clone()
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.book().trace.take().unwrap_or_default()
    }
}

impl Book {
    fn now(&self) -> Now {
        Now { elapsed: self.clock.elapsed(), monotonic: self.clock.monotonic(), wall: self.clock.wall() }
    }

    fn hear(&mut self) {
        let heard = |(client, soons, ends): &(ClientId, Receiver<ExpiringSoon>, Receiver<SessionEnd>)| {
            let client = *client;
            let soons = soons.try_iter().map(move |soon| Event::Expiring { client, soon });
            soons.chain(ends.try_iter().map(move |end| Event::Ended { client, end })).collect::<Vec<_>>()
        };
        for event in self.signals.iter().flat_map(heard).collect::<Vec<_>>() {
            self.see(event);
        }
    }

    fn see(&mut self, event: Event) {
        self.note(|| format!("{event:?}"));
        let seen = self.model.see(self.now(), &event);
        self.judge(seen);
    }

    fn judge(&mut self, seen: Result<(), Broken>) {
        if let Err(broken) = seen
            && self.broken.is_none()
        {
            self.note(|| format!("BROKEN {broken}"));
            self.broken = Some(broken);
        }
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        let at = self.clock.elapsed();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{at:>12?}  {}", text()));
        }
    }
}

/// Looks on at one client's seams.
#[derive(Clone)]
pub(in super::super) struct Witness {
    pub(super) log: Log,
    pub(super) client: ClientId,
    /// To look at what is stored, whatever it says of itself.
    pub(super) store: Store,
}

impl Witness {
    pub(in super::super) fn wire(&self, wire: Box<dyn Transport>) -> Box<dyn Transport> {
        Box::new(Seen { by: self.clone(), it: wire })
    }

    pub(in super::super) fn entry(&self, entry: Arc<dyn EntryQueue>) -> Arc<dyn EntryQueue> {
        Arc::new(SeenEntry { by: self.clone(), it: entry, session: true })
    }

    pub(in super::super) fn entries(&self, entries: Box<dyn Entries>) -> Box<dyn Entries> {
        Box::new(Seen { by: self.clone(), it: entries })
    }
}

struct Seen<T> {
    by: Witness,
    it: T,
}

impl Transport for Seen<Box<dyn Transport>> {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        Box::pin(async move {
            let Witness { log, client, .. } = self.by.clone();
            let number = {
                let mut book = log.book();
                book.requests += 1;
                book.requests
            };
            let body = request.body.as_deref().and_then(|body| serde_json::from_slice(body).ok());
            let token = request.headers.get("authorization").and_then(|value| value.to_str().ok());
            let token = token.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
            let seen = Sent {
                method: request.method.to_string(),
                url: request.url.clone(),
                headers: request.headers.clone(),
                body: body.unwrap_or_default(),
                token,
            };
            log.push(Event::Sent { request: number, client, seen });
            let mut open = Open { log: log.clone(), request: Some(number) };
            let reply = self.it.send(request).await;
            open.request = None;
            let answer = match &reply {
                Ok(reply) => Ok(Answer {
                    status: reply.status.as_u16(),
                    body: reply.body.clone(),
                    location: (reply.headers.get("location"))
                        .and_then(|to| to.to_str().ok())
                        .map(str::to_owned),
                }),
                Err(failure) => Err(failure.clone()),
            };
            log.push(Event::Answered { request: number, answer });
            reply
        })
    }
}

/// A request that is under way.
struct Open {
    log: Log,
    request: Option<RequestId>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(request) = self.request {
            self.log.push(Event::GivenUp { request });
        }
    }
}

struct SeenEntry {
    by: Witness,
    it: Arc<dyn EntryQueue>,
    /// Not an order's.
    session: bool,
}

impl EntryQueue for SeenEntry {
    fn submit(&self, work: Job) {
        let by = self.by.clone();
        let (client, session) = (by.client, self.session);
        let job = {
            let mut book = by.log.book();
            book.jobs += 1;
            book.jobs
        };
        by.log.push(Event::Submitted { client, job, session });
        self.it.submit(Box::new(move |_, key| {
            by.log.push(Event::Begun { client });
            let watched = Watched(by.clone());
            let done = catch_unwind(AssertUnwindSafe(|| work(&watched, key)));
            by.log.push(Event::Done { client, job });
            if let Err(panic) = done {
                resume_unwind(panic);
            }
        }));
    }
}

impl Entries for Seen<Box<dyn Entries>> {
    fn open(&self, suffix: &str) -> Result<Arc<dyn EntryQueue>, StoreError> {
        Ok(Arc::new(SeenEntry { by: self.by.clone(), it: self.it.open(suffix)?, session: false }))
    }
}

/// The store, as one job of a client's uses it.
struct Watched(Witness);

impl Watched {
    fn change(&self, key: &str, change: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let Witness { log, client, store } = &self.0;
        let stored = || store.stored_at(key).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let before = stored();
        let changed = change();
        let (key, after, told) = (key.to_owned(), stored(), changed.is_ok());
        log.push(Event::Changed { client: *client, key, before, after, told });
        changed
    }
}

impl SecureStore for Watched {
    fn place(&self) -> String {
        self.0.store.place()
    }

    fn read(&self, key: &str) -> StoreRead {
        let found = catch_unwind(AssertUnwindSafe(|| self.0.store.read(key)));
        let (client, key) = (self.0.client, key.to_owned());
        let seen = found.as_ref().ok().cloned();
        self.0.log.push(Event::Read {
            client,
            key,
            found: seen.unwrap_or(StoreRead::Unavailable(String::new())),
        });
        found.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.change(key, || self.0.store.write(key, value))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.change(key, || self.0.store.delete(key))
    }
}
