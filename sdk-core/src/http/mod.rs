//! From a call to a value or an error: the door, headers, attempts, redirects and deadlines.

pub(crate) mod call;
pub(crate) mod dialect;
pub(crate) mod judge;
pub(crate) mod lane;
mod made;
pub(crate) mod pins;
pub(crate) mod redirect;
pub(crate) mod retry;
pub(crate) mod transport;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, field};
use url::Url;

use self::call::{As, Call, Content, Lost};
use self::judge::Again;
use self::redirect::Redirect;
use self::retry::Budget;
use self::transport::{Reply, Request, Transport};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Market, UserId};
use crate::session::machine::Lineage;
use crate::session::{Keeper, Notice, Permit};

pub(crate) struct Http {
    transport: Box<dyn Transport>,
    keeper: Keeper,
    /// Without a slash at the end.
    base: Url,
    timeout: Duration,
    budget: Arc<Budget>,
}

/// A successful answer.
pub(crate) use self::judge::value;
pub(crate) use self::made::Made;

pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// The market of the user the call was made as.
    pub(crate) market: Option<Market>,
}

/// A successful answer that was read.
pub(crate) struct Got<T> {
    pub(crate) value: T,
    /// The market of the user the call was made as; unknown for a call as nobody.
    pub(crate) market: Market,
    /// What it was read from.
    pub(crate) reply: Reply,
}

/// Why the attempts ended without an answer.
enum Stop {
    /// The session has expired, and nothing is under way.
    Expired,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What was tried of a call so far.
#[derive(Default)]
struct Tries {
    retries: u32,
    /// The server may have acted on an attempt at a change.
    unsure: bool,
}

/// Where a call stands, for when its deadline passes.
enum Stage {
    Door,
    Sending,
    Waiting(Error),
}

impl Http {
    pub(crate) fn new(transport: Box<dyn Transport>, keeper: Keeper, base: Url, timeout: Duration) -> Self {
        Self { transport, keeper, base, timeout, budget: Arc::new(Budget::new()) }
    }

    /// Notes that the app makes a call now.
    ///
    /// # Errors
    /// `Config` outside a tokio runtime, where sockets and timers would panic.
    pub(crate) fn made(&self) -> Result<Made> {
        self.timed()?;
        let ticket = self.keeper.ticket();
        let lineage = ticket.lineage;
        Ok(Made::new(ticket, lineage, self.timeout))
    }

    /// Notes that the app makes a call now that belongs to what it began under `lineage`.
    pub(crate) fn made_under(&self, lineage: Lineage) -> Result<Made> {
        self.timed()?;
        Ok(Made::new(self.keeper.ticket_under(lineage), lineage, self.timeout))
    }

    fn timed(&self) -> Result<()> {
        // A runtime without a timer panics at the first use of one; there is no other way to ask.
        let timer = || drop(tokio::time::sleep(Duration::ZERO));
        if tokio::runtime::Handle::try_current().is_err() || std::panic::catch_unwind(timer).is_err() {
            return Err(Error::config(
                "Calls must be made within a tokio runtime with time and I/O enabled.",
            ));
        }
        Ok(())
    }

    /// Time that nobody sets.
    pub(crate) fn monotonic(&self) -> Duration {
        self.keeper.clock().monotonic()
    }

    /// What a server in trouble may be asked besides what the app asks.
    pub(crate) fn budget(&self) -> Arc<Budget> {
        self.budget.clone()
    }

    /// Makes a call and reads its answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, made: &Made, call: &Call) -> Result<Got<T>> {
        let answer = self.send(made, call).await?;
        Ok(Got {
            value: judge::value(call, &answer.reply)?,
            market: answer.market.unwrap_or(Market::Unknown(String::new())),
            reply: answer.reply,
        })
    }

    /// Makes a call.
    pub(crate) async fn send(&self, made: &Made, call: &Call) -> Result<Answer> {
        let span = span(call);
        // The time is asked for only if somebody is told.
        let started = (!span.is_disabled()).then(Instant::now);
        let mut tries = Tries::default();
        let result = loop {
            // It may have waited already, in a line, and have been let go since.
            if made.was_parked()
                && let Err(error) = made.park().await
            {
                break Err(error);
            }
            let stage = Mutex::new(Stage::Door);
            let attempts = self.attempts(made, call, &span, &stage, &mut tries).instrument(span.clone());
            match timeout_at(made.deadline(), attempts).await {
                Ok(Ok(answer)) => break Ok(answer),
                // It waits outside its time, and goes on where it stopped.
                Ok(Err(Stop::Expired)) => {
                    if let Err(error) = made.park().await {
                        break Err(error);
                    }
                }
                Ok(Err(Stop::Failed(error))) => break Err(error),
                Err(_) => break Err(late(call, stage)),
            }
        };
        if let Some(started) = started {
            span.record("duration_ms", millis(started.elapsed()));
        }
        if let Err(error) = &result {
            span.record("error", field::debug(error.code()));
        }
        result
    }

    async fn attempts(
        &self,
        made: &Made,
        call: &Call,
        span: &Span,
        stage: &Mutex<Stage>,
        tries: &mut Tries,
    ) -> Result<Answer, Stop> {
        loop {
            stand(stage, Stage::Door);
            // Each attempt asks: a logout or an expiry may have come since the last one.
            let permit = match call.made_as {
                As::User => match self.keeper.acquire(made.lineage).await {
                    // What may have been made already does not wait for hours to be made again.
                    Err(error) if error.code() == ErrorCode::SessionExpired => {
                        return Err(if tries.unsure { Stop::Failed(error) } else { Stop::Expired });
                    }
                    permit => Some(permit?),
                },
                As::Nobody(_) => None,
            };
            if call.needs_its_caller() && made.is_left() {
                return Err(Error::new(ErrorCode::Cancelled).into());
            }
            stand(stage, Stage::Sending);
            span.record("attempt", tries.retries + 1);
            let verdict = match self.attempt(made, call, permit.as_ref(), tries.retries).await? {
                Ok(reply) => {
                    span.record("status", reply.status.as_u16());
                    if let Some(permit) = &permit
                        && reply.status == StatusCode::UNAUTHORIZED
                    {
                        // The server did not act. Back to the door: it knows whether there is a newer session. Listed
                        // before, it is parked before those that were made after it and stand in a line.
                        made.stand();
                        self.keeper.rejected(permit);
                        call.take_back();
                        continue;
                    }
                    match judge::reply(call, &reply) {
                        Ok(()) => {
                            self.budget.earn();
                            return Ok(Answer { reply, market: permit.map(|permit| permit.market.clone()) });
                        }
                        Err(verdict) => verdict,
                    }
                }
                Err(failure) => {
                    if matches!(failure, transport::Failure::NotSent(_)) {
                        call.take_back();
                    }
                    judge::failure(call, failure)
                }
            };
            drop(permit); // It is for one attempt, and a logout waits for it.
            let backoff = retry::backoff(tries.retries, self.keeper.random().bits());
            // Clients that were told the same time would come back together: they are spread over half as much.
            let wait = match verdict.error.retry_after() {
                None => backoff,
                Some(asked) => {
                    asked.saturating_add(retry::spread(asked / 2, self.keeper.random().bits())).max(backoff)
                }
            };
            let until = Instant::now().checked_add(wait).filter(|until| *until < made.deadline());
            let allowed = tries.retries < retry::MOST && verdict.again != Again::No;
            let (Some(until), true) = (until, allowed) else { return Err(verdict.error.into()) };
            if verdict.again == Again::Paid && !self.budget.spend() {
                return Err(verdict.error.into());
            }
            tries.unsure |= verdict.again == Again::Paid && !call.method.is_safe();
            stand(stage, Stage::Waiting(verdict.error));
            tokio::time::sleep_until(until).await;
            tries.retries += 1;
        }
    }

    /// The door alone, for a call that has to know whose it is before it sends anything.
    pub(crate) async fn permit(&self, made: &Made) -> Result<Permit> {
        loop {
            if made.was_parked() {
                made.park().await?;
            }
            match timeout_at(made.deadline(), self.keeper.acquire(made.lineage)).await {
                Ok(Err(error)) if error.code() == ErrorCode::SessionExpired => made.park().await?,
                Ok(permit) => return permit,
                Err(_) => return Err(Error::new(ErrorCode::StoreLocked)),
            }
        }
    }

    /// Tells the server that a session has ended: once, with that session's token, as well as it can be done.
    pub(crate) async fn notify(&self, call: &Call, notice: Notice) {
        let sender = Sender { token: Some(&notice.header), market: Some(&notice.market), user_id: None };
        let span = span(call);
        let started = Instant::now();
        // Whether it worked changes nothing: the token is forgotten, and the notice is over either way. Its end
        // first: after it nothing is sent.
        tokio::select! {
            biased;
            () = notice.over() => {}
            answer = self.exchange(None, call, &sender, 0).instrument(span.clone()) => if let Ok(Ok(reply)) = answer {
                span.record("status", reply.status.as_u16());
            },
        }
        span.record("attempt", 1);
        span.record("duration_ms", millis(started.elapsed()));
    }

    /// One attempt under a permit, or without one.
    async fn attempt(
        &self,
        made: &Made,
        call: &Call,
        permit: Option<&Permit>,
        number: u32,
    ) -> Result<Result<Reply, transport::Failure>> {
        let Some(permit) = permit else {
            let market = match &call.made_as {
                As::Nobody(market) => market.as_ref(),
                As::User => None,
            };
            let sender = Sender { token: None, market, user_id: None };
            return self.exchange(Some(made), call, &sender, number).await;
        };
        let sender = Sender {
            token: Some(&permit.header),
            market: Some(&permit.market),
            user_id: Some(permit.user_id),
        };
        // Revocation first: what comes in together with a logout is not handed out any more.
        let answer = tokio::select! {
            biased;
            () = permit.revoked() => return Err(Error::new(ErrorCode::SignedOut)),
            answer = self.exchange(Some(made), call, &sender, number) => answer,
        };
        if self.keeper.lineage() != made.lineage {
            return Err(Error::new(ErrorCode::SignedOut));
        }
        answer
    }

    /// One request, and where it is sent on to.
    async fn exchange(
        &self,
        made: Option<&Made>,
        call: &Call,
        sender: &Sender<'_>,
        attempt: u32,
    ) -> Result<Result<Reply, transport::Failure>> {
        if !call.idempotent {
            // An app that was frozen in the background wakes with connections that the server has closed, and
            // its runtime has not heard of it yet. Yielding lets it look at the sockets first. What can be made
            // again needs no such care.
            tokio::task::yield_now().await;
        }
        let mut url = self.url(call, sender);
        let mut hops = 0;
        loop {
            let request = Request {
                method: call.method.clone(),
                url: url.clone(),
                headers: headers(call, sender)?,
                body: body(call, sender),
                secret: call.spends_code,
                attempt,
            };
            call.begin();
            let mut sent = self.transport.send(request);
            // Calls that waited for a session leave one after the other, each once the one before is on its way.
            let first = poll_fn(|context| Poll::Ready(sent.as_mut().poll(context))).await;
            if let Some(made) = made {
                made.handed_on();
            }
            let reply = match first {
                Poll::Ready(reply) => reply,
                Poll::Pending => sent.await,
            };
            let reply = match reply {
                Ok(reply) => reply,
                Err(failure) => return Ok(Err(failure)),
            };
            url = match redirect::judge(&url, call.method.is_safe(), &reply) {
                Redirect::None => return Ok(Ok(reply)),
                Redirect::To(_) if hops == redirect::MOST => {
                    return Err(judge::refused_redirect(call, &reply, "too many redirects"));
                }
                Redirect::To(target) => target,
                Redirect::Refused(why) => return Err(judge::refused_redirect(call, &reply, why)),
            };
            hops += 1;
        }
    }

    fn url(&self, call: &Call, sender: &Sender<'_>) -> Url {
        let mut url = self.base.clone();
        url.set_path(&[self.base.path().trim_end_matches('/'), &call.path].concat());
        // Deployed servers choose a call's database by the market here, and others pass it over. There is one:
        // another, of an app's own, could be the one that is read.
        match sender.market {
            // As most calls are: there is nothing to escape.
            Some(market) if call.query.is_empty() && market.can_be_sent() => {
                url.set_query(Some(&["market=", market.code()].concat()));
            }
            Some(market) => {
                let own = call.query.iter().filter(|(name, _)| name != "market");
                url.query_pairs_mut().extend_pairs(own).append_pair("market", market.code());
            }
            None if call.query.is_empty() => {}
            None => {
                url.query_pairs_mut().extend_pairs(&call.query);
            }
        }
        url
    }
}

/// As whom a request is sent.
struct Sender<'a> {
    token: Option<&'a HeaderValue>,
    market: Option<&'a Market>,
    user_id: Option<UserId>,
}

fn headers(call: &Call, sender: &Sender<'_>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(token) = sender.token {
        headers.insert(AUTHORIZATION, token.clone());
    }
    if let Some(market) = sender.market {
        let market = HeaderValue::from_str(market.code())
            .map_err(|_| Error::config("The market's code cannot be sent in a header."))?;
        headers.insert(HeaderName::from_static("x-market"), market);
    }
    if let Some(key) = &call.idempotency_key {
        let key =
            HeaderValue::from_str(key).map_err(|_| Error::config("The key cannot be sent in a header."))?;
        headers.insert(HeaderName::from_static("idempotency-key"), key);
    }
    if call.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(headers)
}

fn body(call: &Call, sender: &Sender<'_>) -> Option<Bytes> {
    let mut body = match call.body.as_ref()? {
        Content::Json(body) => body.clone(),
        Content::Text(text) => return Some(text.clone()),
    };
    if let (true, Some(user), Value::Object(fields)) = (call.names_user, sender.user_id, &mut body) {
        fields.insert("user_id".to_owned(), json!(user));
    }
    Some(body.to_string().into())
}

/// A call's span. Nothing in it is personal: paths, queries and bodies stay out.
fn span(call: &Call) -> Span {
    tracing::info_span!(
        "market.call",
        area = call.area,
        operation = call.operation,
        attempt = field::Empty,
        status = field::Empty,
        duration_ms = field::Empty,
        error = field::Empty,
    )
}

/// What a call ends with whose deadline has passed.
fn late(call: &Call, stage: Mutex<Stage>) -> Error {
    match stage.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Stage::Door => Error::new(ErrorCode::StoreLocked),
        Stage::Sending if call.lost == Lost::OutcomeUnknown => Error::new(ErrorCode::OutcomeUnknown),
        Stage::Sending => Error::new(ErrorCode::Timeout),
        Stage::Waiting(error) => error,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn stand(stage: &Mutex<Stage>, now: Stage) {
    *stage.lock().unwrap_or_else(PoisonError::into_inner) = now;
}
