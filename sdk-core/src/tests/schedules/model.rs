//! What has to be, by the words of the promises: who is signed in on which client, from what was seen at its seams.
//!
//! It shares no code with the session's machine and has none of its parts: it knows of no generation, no lineage and
//! no debt of the store's, only of what a shopper, the server and the store could see. A client's `stay` is the time
//! between two moments at which its user may have become another.

mod requests;
mod stored;
mod told;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::world::STORE_TIMEOUT;
use super::client::{Client, Job, Knows, Live, Now};
use super::log::{Answer, CallId, ClientId, Event, RequestId, Sent};
use super::orders::Orders;
use super::steps::Act;
use super::wire::{mark, secrets};
use super::{Broken, Setup};

/// The session's entry; an order's begins with it.
pub(super) const ENTRY: &str = "session";
/// What tokio's timers may be late by.
const TICK: Duration = Duration::from_millis(2);

pub(super) struct Call {
    pub(super) client: ClientId,
    pub(super) act: Act,
    pub(super) stay: u32,
    logouts: u32,
    /// It was made while the session had expired, for so many times.
    waits: Option<u32>,
    made: u64,
    made_at: Now,
    held: Vec<String>,
    /// How often it was sent, and whether the server may have acted on it.
    sent: Vec<Fate>,
    pub(super) over: bool,
}

/// What can be known of a request's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    UnderWay,
    /// The server certainly did nothing.
    Nothing,
    Answered,
    Unknown,
}

pub(super) struct Request {
    pub(super) client: ClientId,
    pub(super) sent: Sent,
    pub(super) call: Option<CallId>,
    at: usize,
}

pub(super) struct Model {
    pub(super) setup: Setup,
    pub(super) clients: Vec<Client>,
    pub(super) calls: HashMap<CallId, Call>,
    requests: HashMap<RequestId, Request>,
    marks: HashMap<(ClientId, String), CallId>,
    /// When each session was given out.
    issued: HashMap<String, Duration>,
    /// Requests that were sent on, and with which status.
    hops: HashMap<String, (Sent, u16)>,
    /// Which installation of the app this is, and whether one of its clients has asked yet.
    installed: (u32, bool),
    /// Which one has stored a session.
    stored_by: HashMap<String, u32>,
    /// Gone for good, by a logout that said so.
    buried: HashSet<String>,
    pub(super) orders: Orders,
    events: u64,
    store_fails: bool,
    store_failed_until: u64,
    clock_was_set: bool,
    tampered: bool,
}

impl Model {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            setup,
            clients: Vec::new(),
            calls: HashMap::new(),
            requests: HashMap::new(),
            marks: HashMap::new(),
            issued: HashMap::new(),
            hops: HashMap::new(),
            installed: (0, false),
            stored_by: HashMap::new(),
            buried: HashSet::new(),
            orders: Orders::default(),
            events: 0,
            store_fails: false,
            store_failed_until: 0,
            clock_was_set: false,
            tampered: false,
        }
    }

    /// The shop has an order, of which a call said that it is the one that was wanted.
    pub(super) fn placed(&mut self, number: CallId, notes: &str) -> Result<(), Broken> {
        let Some(call) = self.calls.get(&number) else { return Ok(()) };
        self.orders.is_of(number, (call.client, self.events), notes)
    }

    fn client(&mut self, client: ClientId) -> &mut Client {
        &mut self.clients[client]
    }

    pub(super) fn see(&mut self, now: Now, event: &Event) -> Result<(), Broken> {
        self.events += 1;
        match event {
            Event::Opened { client } => {
                assert_eq!(*client, self.clients.len());
                self.clients.push(Client::new());
            }
            Event::Gone { client, killed } => {
                self.gone(*client, *killed);
            }
            Event::Made { call, client, act, wish } => self.made(now, *call, *client, *act, *wish),
            Event::Returned { call, result } => self.returned(now, *call, result)?,
            Event::Dropped { call } => {
                if let Some(made) = self.calls.get_mut(call)
                    && !self.clients[made.client].killed
                {
                    made.over = true;
                    self.orders.dropped(*call);
                }
            }
            Event::Sent { request, client, seen } => self.sent(now, *request, *client, seen)?,
            Event::Answered { request, answer } => {
                let fate = match &answer {
                    Err(crate::http::transport::Failure::NotSent(_))
                    | Ok(Answer { status: 401 | 307 | 308, .. }) => Fate::Nothing,
                    Ok(_) => Fate::Answered,
                    Err(_) => Fate::Unknown,
                };
                let request = self.settled(*request, fate);
                if let (Some(request), Ok(answer)) = (request, answer) {
                    self.answered(now, &request, answer)?;
                }
            }
            Event::GivenUp { request } => drop(self.settled(*request, Fate::Unknown)),
            Event::Submitted { client, job, session } => {
                let job = Job { number: *job, session: *session, submitted: now.elapsed };
                self.client(*client).jobs.push(job);
            }
            Event::Begun { client } => self.client(*client).read = None,
            Event::Read { client, key, found } => {
                self.client(*client).read = Some(found.clone());
                if key == ENTRY {
                    self.read(now, *client, found);
                }
            }
            Event::Changed { client, key, before, after, told } => {
                self.changed(*client, key, before.as_deref(), after.as_deref(), *told)?;
            }
            Event::Done { client, job } => {
                let events = self.events;
                let client = self.client(*client);
                client.jobs.retain(|at| {
                    if at.number == *job && now.elapsed >= at.submitted + STORE_TIMEOUT {
                        client.slow_until = events;
                    }
                    at.number != *job
                });
            }
            Event::Ended { client, end } => self.ended(now, *client, end)?,
            Event::Expiring { client, soon } => self.expiring(now, *client, soon)?,
            Event::ShownState { client, state } => {
                secrets(&format!("{state:?}"))?;
                self.shown(now, *client, state)?;
            }
            Event::ShownCart { client, cart } => {
                let client = &mut self.clients[*client];
                let user = client.user();
                client.cart.shown(client.stay, user, cart.as_ref())?;
            }
            Event::Resumed { client } => {
                // It looked at the clock: what was over has ended.
                if let Knows::In(Live { ends: Some(ends), .. }) = &mut self.client(*client).knows {
                    ends.looked_at(now);
                }
            }
            Event::Reinstalled => self.installed = (self.installed.0 + 1, false),
            Event::Tampered => self.tampered = true,
            Event::ClockSet => self.clock_was_set = true,
            Event::StoreFails(fails) => {
                self.store_fails = *fails;
                self.store_failed_until = self.events;
            }
        }
        Ok(())
    }

    fn gone(&mut self, at: ClientId, killed: bool) {
        let client = &mut self.clients[at];
        client.gone = true;
        client.killed = killed;
        for (number, call) in self.calls.iter().filter(|(_, call)| killed && call.client == at && !call.over)
        {
            self.orders.killed(*number, call.sent.contains(&Fate::Answered));
        }
    }

    fn made(&mut self, now: Now, number: CallId, at: ClientId, act: Act, wish: Option<usize>) {
        let (events, client) = (self.events, &mut self.clients[at]);
        if matches!(act, Act::Logout | Act::Clear) {
            client.log_out(now, act, events);
        }
        let client = &self.clients[at];
        let call = Call {
            client: at,
            act,
            stay: client.stay,
            logouts: client.logouts,
            waits: matches!(client.knows, Knows::Expired { .. }).then_some(client.expiries),
            made: events,
            made_at: now,
            held: client.held.keys().cloned().collect(),
            sent: Vec::new(),
            over: false,
        };
        if let Some(mark) = mark(act, number) {
            self.marks.insert((at, mark), number);
        }
        if act == Act::Resolve {
            self.orders.asked();
        }
        if let Some(wish) = wish {
            self.orders.made(number, wish, client.user(), matches!(act, Act::Order { forced: true, .. }));
            self.marks.insert((at, format!("order {wish}")), number);
        }
        self.calls.insert(number, call);
    }
}
