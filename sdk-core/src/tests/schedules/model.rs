//! What has to be, by the words of the promises: who is signed in on which client, from what was seen at its seams.
//!
//! It shares no code with the session's machine and has none of its parts: it knows of no generation, no lineage and
//! no debt of the store's, only of what a shopper, the server and the store could see. A client's `stay` is the time
//! between two moments at which its user may have become another.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

use super::super::world::STORE_TIMEOUT;
use super::client::{Client, Job, Knows, Live, Now, Record};
use super::log::{CallId, ClientId, Event, Got, RequestId, Sent};
use super::orders::Orders;
use super::steps::Act;
use super::wire::{code, mark, mark_of, on_the_wire, secrets};
use super::{Broken, Setup, broken};
use crate::model::{EndReason, LockedReason, SessionEnd, SessionState};
use crate::store::StoreRead;
use crate::{Error, ErrorCode, Result as SdkResult};

/// The session's entry; an order's begins with it.
pub(super) const ENTRY: &str = "session";
/// What tokio's timers may be late by.
const TICK: Duration = Duration::from_millis(2);

pub(super) struct Call {
    pub(super) client: ClientId,
    pub(super) act: Act,
    pub(super) stay: u32,
    logouts: u32,
    /// It was made while the session had expired.
    waits: bool,
    made: u64,
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
            buried: HashSet::new(),
            orders: Orders::default(),
            events: 0,
            store_fails: false,
            store_failed_until: 0,
            clock_was_set: false,
            tampered: false,
        }
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
                let answer = answer.as_ref().map(|(status, body)| (*status, body.as_ref()));
                let fate = match &answer {
                    Err(crate::http::transport::Failure::NotSent(_)) | Ok((401 | 307 | 308, _)) => {
                        Fate::Nothing
                    }
                    Ok(_) => Fate::Answered,
                    Err(_) => Fate::Unknown,
                };
                let request = self.settled(*request, fate);
                if let (Some(request), Ok((status, body))) = (request, answer) {
                    self.answered(now, &request, status, body)?;
                }
            }
            Event::GivenUp { request } => drop(self.settled(*request, Fate::Unknown)),
            Event::Submitted { client, job, session } => {
                let job = Job { number: *job, session: *session, submitted: now.elapsed };
                self.client(*client).jobs.push(job);
            }
            Event::Begun { client } => self.client(*client).read = None,
            Event::Read { client, key, found } => {
                let events = self.events;
                let client = self.client(*client);
                client.read = Some(found.clone());
                if key == ENTRY {
                    client.look(now, events, found);
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
                if let Knows::In(Live { ends: Some((ends, timer)), .. }) = &mut self.client(*client).knows
                    && *ends <= now.monotonic
                {
                    *timer = Duration::ZERO;
                }
            }
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
            waits: matches!(client.knows, Knows::Expired { .. }),
            made: events,
            held: client.held.keys().cloned().collect(),
            sent: Vec::new(),
            over: false,
        };
        if let Some(mark) = mark(act, number) {
            self.marks.insert((at, mark), number);
        }
        if let Some(wish) = wish {
            self.orders.made(number, wish, client.user());
            self.marks.insert((at, format!("order {wish}")), number);
        }
        self.calls.insert(number, call);
    }

    fn sent(&mut self, now: Now, number: RequestId, at: ClientId, sent: &Sent) -> Result<(), Broken> {
        if self.clients[at].killed {
            return Ok(()); // It gets nowhere.
        }
        on_the_wire(sent)?;
        let call = mark_of(sent).and_then(|mark| self.marks.get(&(at, mark)).copied());
        if let Some(token) = &sent.token {
            self.may_carry(now, at, sent, token)?;
        }
        if sent.url.path() == "/auth/verify-code" && matches!(self.clients[at].knows, Knows::Unread(_)) {
            return broken(8, "a code is spent though the store cannot be read", format!("client {at}"));
        }
        let mut tries = 0;
        if let Some(call) = call.and_then(|call| self.calls.get_mut(&call)) {
            let again = call.sent.iter().any(|fate| *fate != Fate::Nothing);
            if again && !call.act.is_idempotent() {
                return broken(6, "sent twice", format!("{:?}: {:?}", call.act, call.sent));
            }
            tries = call.sent.len();
            call.sent.push(Fate::UnderWay);
        }
        if let Some(number) = call.filter(|_| tries == 0) {
            self.in_turn(at, number)?;
        }
        let lane = call.filter(|call| tries == 0 && self.calls[call].act.is_in_lane());
        self.clients[at].cart.sent(sent, lane)?;
        if let Some(call) = call.filter(|call| self.calls[call].act.is_order()) {
            self.orders.sent(call, self.clients[at].user());
        }
        self.requests.insert(number, Request { client: at, sent: sent.clone(), call, at: tries });
        Ok(())
    }

    /// What was called while the session had expired goes on in the order of the calls. (Those on the cart stand in
    /// their own line, and an order has something to read first.)
    fn in_turn(&mut self, at: ClientId, number: CallId) -> Result<(), Broken> {
        let call = &self.calls[&number];
        if !call.waits || !call.act.is_as_user() || call.act.is_in_lane() || call.act.is_order() {
            return Ok(());
        }
        let (stay, newest) = self.clients[at].resumed;
        if call.stay == stay && number < newest {
            return broken(
                11,
                "one that waited goes on out of turn",
                format!("call {number} after {newest}"),
            );
        }
        self.clients[at].resumed = (call.stay, number);
        Ok(())
    }

    /// Whether a request of this client's may carry this token.
    fn may_carry(&self, now: Now, at: ClientId, sent: &Sent, token: &str) -> Result<(), Broken> {
        let client = &self.clients[at];
        let what = || format!("client {at}: {} {}, {:?}", sent.method, sent.url.path(), client.knows);
        let Some(stay) = client.held.get(token) else {
            return broken(2, "a token that it never had", what());
        };
        if client.silent.contains(token) {
            return broken(5, "sent after logout has returned", what());
        }
        let notice = sent.url.path() == "/auth/logout";
        if notice && !client.ended.contains(token) {
            return broken(4, "told of a logout that was none", what());
        }
        if !notice && *stay != client.stay {
            return broken(5, "sent after logout, or another's sign-in", what());
        }
        let live = matches!(&client.knows, Knows::In(live) if live.token == token);
        // A permit that was given out in the same moment is used.
        if !live && !notice && client.ended_at != Some(now.elapsed) {
            return broken(2, "sent for a session that has ended", what());
        }
        Ok(())
    }

    /// A request is over.
    fn settled(&mut self, number: RequestId, fate: Fate) -> Option<Request> {
        let request = self.requests.remove(&number)?;
        self.clients[request.client].cart.answered(&request.sent);
        if self.clients[request.client].killed {
            return None;
        }
        if let Some(call) = request.call.and_then(|call| self.calls.get_mut(&call)) {
            call.sent[request.at] = fate;
        }
        Some(request)
    }

    fn answered(&mut self, now: Now, request: &Request, status: u16, body: &[u8]) -> Result<(), Broken> {
        let events = self.events;
        let client = &mut self.clients[request.client];
        if let (401, Some(token)) = (status, &request.sent.token)
            && matches!(&client.knows, Knows::In(live) if live.token == *token)
        {
            return client.expire(now, EndReason::Rejected);
        }
        if request.sent.url.path() != "/auth/verify-code" || status != 200 {
            return Ok(());
        }
        let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
        let (Some(token), Some(user)) = (answer["access_token"].as_str(), answer["user"]["id"].as_u64())
        else {
            return Ok(());
        };
        self.issued.insert(token.to_owned(), now.elapsed);
        let call = request.call.and_then(|call| self.calls.get(&call));
        if call.is_none_or(|call| call.logouts != client.logouts) {
            return Ok(()); // A logout came between.
        }
        let lifetime = answer["expires_in"].as_u64().map(Duration::from_secs);
        let ends = lifetime.map(|lifetime| (now.monotonic + lifetime, now.elapsed + lifetime));
        client.sign_in(now, events, Live { token: token.to_owned(), user, ends, persisted: false })
    }

    fn changed(
        &mut self,
        at: ClientId,
        key: &str,
        before: Option<&str>,
        after: Option<&str>,
        told: bool,
    ) -> Result<(), Broken> {
        let lied = !matches!(self.clients[at].read, Some(StoreRead::Found(_) | StoreRead::Missing));
        if key != ENTRY {
            if after.is_none() && lied {
                self.orders.lost(key);
            }
            return Ok(());
        }
        let token = |text: Option<&str>| Some(Record::of(text?.as_bytes())?.token);
        let (was, is) = (token(before), token(after));
        if let Some(token) = &is {
            if self.buried.contains(token) && was != is {
                return broken(5, "stored after logout has returned", format!("client {at}: {token}"));
            }
            if told
                && let Knows::In(live) = &mut self.clients[at].knows
                && live.token == *token
            {
                live.persisted = true;
            }
        }
        let Some(was) = was.filter(|was| is.as_ref() != Some(was)) else { return Ok(()) };
        let client = &self.clients[at];
        let own = client.ended.contains(&was);
        // By the device's time, so not if that jumped.
        let newer = |is: &String| self.issued.get(is) >= self.issued.get(&was) || self.clock_was_set;
        let older = is.as_ref().is_some_and(newer);
        if own || older || lied || (is.is_none() && client.left_unread) {
            return Ok(());
        }
        broken(2, "took another's session from the store", format!("client {at}: {was}, for {is:?}"))
    }

    fn ended(&mut self, now: Now, at: ClientId, end: &SessionEnd) -> Result<(), Broken> {
        secrets(&format!("{end:?}"))?;
        let client = &mut self.clients[at];
        if client.killed {
            return Ok(());
        }
        let said = (end.user.id.0, end.reason);
        if let Some(owed) = client.owes.take() {
            if owed != said {
                return broken(3, "another end was signalled", format!("{said:?} for {owed:?}"));
            }
            return Ok(());
        }
        match &client.knows {
            Knows::In(Live { ends: Some((ends, _)), user, .. })
                if *ends <= now.monotonic && said == (*user, EndReason::Expired) =>
            {
                client.expire(now, EndReason::Expired)?;
                client.owes = None;
                Ok(())
            }
            Knows::In(live) => broken(4, "ended without a cause", format!("client {at}: {said:?}, {live:?}")),
            knows => broken(3, "signalled again", format!("client {at}: {said:?}, {knows:?}")),
        }
    }

    /// What a client shows now.
    pub(super) fn shown(&mut self, now: Now, at: ClientId, state: &SessionState) -> Result<(), Broken> {
        let limit = self.setup.parks.map_or(0, |(limit, _)| limit);
        let client = &self.clients[at];
        if let Some(owed) = client.owes {
            return broken(3, "an end was not signalled at once", format!("client {at}: {owed:?}"));
        }
        // Said to be late, or to be said so in this moment.
        let waits = |by: Duration| {
            client.jobs.iter().any(|job| job.session && job.submitted + STORE_TIMEOUT + by <= now.elapsed)
        };
        let (promise, right) = match (&client.knows, state) {
            (Knows::Unread(_), SessionState::Locked { reason: LockedReason::Hung }) => {
                (8, waits(Duration::ZERO))
            }
            (Knows::Unread(None), SessionState::Restoring) => (8, !waits(TICK)),
            (Knows::Unread(Some(why)), SessionState::Locked { reason }) => (8, why == reason && !waits(TICK)),
            (Knows::Unread(_), _) => (8, false),
            (Knows::Out(why), SessionState::SignedOut { reason }) => (8, why == reason),
            (Knows::In(live), SessionState::SignedIn { user, persisted, .. }) => {
                if live.ends.is_some_and(|(_, timer)| timer + TICK <= now.elapsed) {
                    return broken(4, "its time is up", format!("client {at}: {live:?}"));
                }
                (4, user.id.0 == live.user && *persisted == live.persisted)
            }
            (Knows::Expired { user: who, reason: why }, SessionState::Expired { user, reason, waiting }) => {
                (4, user.id.0 == *who && why == reason && *waiting <= limit)
            }
            (Knows::In(_), _) => (4, false),
            (_, SessionState::SignedIn { .. }) => (2, false),
            _ => (4, false),
        };
        if right {
            return Ok(());
        }
        broken(promise, "the state", format!("client {at} shows {state:?}, and should {:?}", client.knows))
    }

    fn returned(&mut self, now: Now, number: CallId, result: &SdkResult<Got, Error>) -> Result<(), Broken> {
        let Some(call) = self.calls.get_mut(&number) else { return Ok(()) };
        call.over = true;
        let (at, act) = (call.client, call.act);
        let client = &self.clients[at];
        let what = || format!("call {number}, {act:?} on client {at}: {result:?}");
        if let Err(error) = result {
            let text = format!("{error:?} {error}");
            secrets(&text)?;
            if act.spends_code() && text.contains(&code(number)) {
                return broken(10, "a code", text);
            }
        }
        if act.is_order() || act == Act::Resolve {
            let users = client.user();
            self.orders.returned(number, users, result)?;
        }
        match (act, result) {
            (Act::Logout | Act::Clear, Ok(_)) => return self.buried(at, number),
            (Act::Logout | Act::Clear, Err(error)) => {
                let call = &self.calls[&number];
                let (made, held) = (call.made, call.held.clone());
                let client = &mut self.clients[at];
                let waits = client.jobs.iter().any(|job| job.submitted + STORE_TIMEOUT <= now.elapsed);
                let why =
                    self.store_fails || self.store_failed_until >= made || client.slow_until >= made || waits;
                client.silent.extend(held);
                if error.code() != ErrorCode::StoreNotCleared || !why {
                    return broken(5, "logout failed", what());
                }
                return Ok(());
            }
            _ => {}
        }
        let call = &self.calls[&number];
        // What became of an order is told in any case. And what had come when the stay ended, in the same moment, may
        // be on its way to the caller.
        let told = act.is_order() || act == Act::Resolve || client.stays_since == now.elapsed;
        if act.is_as_user() && client.stay != call.stay && result.is_ok() && !told {
            return broken(2, "an answer of before a logout, or another's sign-in", what());
        }
        match result {
            Ok(Got::Of(Some(user))) if client.stay == call.stay && client.user() != Some(*user) => {
                return broken(2, "another user's answer", what());
            }
            Ok(Got::SignedIn { user, persisted }) => {
                if *persisted && matches!(&client.knows, Knows::In(live) if !live.persisted) {
                    return broken(7, "stored, it said", what());
                }
                let live = matches!(client.knows, Knows::In(_) | Knows::Expired { .. });
                if live && client.logouts == call.logouts && client.user() != Some(*user) {
                    return broken(2, "signed in as another", what());
                }
            }
            Err(error) if act.is_as_user() && client.stay == call.stay => {
                let (was_out, was_expired) = (
                    matches!(client.knows, Knows::Out(_)) || client.out_until >= call.made,
                    matches!(client.knows, Knows::Expired { .. }) || client.expired_until >= call.made,
                );
                match error.code() {
                    ErrorCode::NotSignedIn if !was_out => return broken(8, "not signed in, it said", what()),
                    ErrorCode::SessionExpired if !was_expired && act != Act::RequireValidity => {
                        return broken(4, "expired, it said", what());
                    }
                    ErrorCode::SignedOut => return broken(4, "signed out, it said", what()),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A logout has said that all is gone.
    fn buried(&mut self, at: ClientId, number: CallId) -> Result<(), Broken> {
        let held = self.calls[&number].held.clone();
        self.clients[at].silent.extend(held.iter().cloned());
        self.buried.extend(held);
        Ok(())
    }

    /// What is stored, after `number` has logged out and said so.
    pub(super) fn after_logout(&self, number: CallId, stored: Option<&[u8]>) -> Result<(), Broken> {
        let Some(call) = self.calls.get(&number) else { return Ok(()) };
        let Some(record) = stored.and_then(Record::of) else { return Ok(()) };
        if call.held.contains(&record.token) {
            return broken(5, "logout has said that it is erased", record.token);
        }
        Ok(())
    }

    /// At rest, with all that failed mended: memory and store agree.
    pub(super) fn at_rest(&self, stored: Option<&[u8]>) -> Result<(), Broken> {
        if let Some((number, call)) =
            self.calls.iter().find(|(_, call)| !call.over && !self.clients[call.client].gone)
        {
            return broken(9, "a call that never ends", format!("call {number}: {:?}", call.act));
        }
        let record = stored.and_then(Record::of);
        if stored.is_some() && record.is_none() && !self.tampered {
            return broken(7, "what is stored is damaged", String::new());
        }
        for (at, client) in self.clients.iter().enumerate().filter(|(_, client)| !client.gone) {
            if matches!(client.knows, Knows::Unread(_)) {
                return broken(8, "a store that can be read was not", format!("client {at}"));
            }
            if let Some(record) = &record
                && client.ended.contains(&record.token)
            {
                return broken(7, "what has ended is still stored", format!("client {at}: {}", record.token));
            }
        }
        Ok(())
    }
}
