//! The way of a request of the API: logged, read, routed, answered, dated.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Query, Request, State as Shared};
use axum::http::header::DATE;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use serde_json::Value;

use crate::call::{Call, bearer};
use crate::dialect::{Dialect, Found, Op, Who, find};
use crate::log::{LoggedRequest, Ticket};
use crate::mischief;
use crate::reply::Reply;
use crate::routes;
use crate::state::State;
use crate::validate::Body;
use crate::wire::Wire;

/// The prefix that the API is served under.
pub(crate) const PREFIX: &str = "/api/v1";

/// No request of this API is longer.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// A request whose head and body are here.
pub(crate) struct Asked {
    method: String,
    pub(crate) uri: Uri,
    headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    body: Bytes,
    /// How the client reached this server: `http` or `https`.
    pub(crate) scheme: &'static str,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Answers everything that is not a control call.
pub(crate) async fn serve(
    Shared(state): Shared<Arc<State>>,
    Extension(wire): Extension<Arc<Wire>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let entry = LoggedRequest {
        connection: wire.number,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        ..LoggedRequest::default()
    };
    let ticket = state.log.begin(entry, &head.headers);
    let Ok(body) = axum::body::to_bytes(body, LONGEST_BODY).await else {
        // The client went away in the middle of its body, or never came to its end.
        return Reply { status: 413, body: None, headers: Vec::new() }.into_response();
    };
    let query = Query::<Vec<(String, String)>>::try_from_uri(&head.uri).map(|query| query.0);
    let asked = Asked {
        method: head.method.to_string(),
        headers: head.headers,
        query: query.unwrap_or_default(),
        uri: head.uri,
        body,
        scheme: wire.scheme,
    };
    ticket.note(|entry| entry.body = serde_json::from_slice(&asked.body).ok());

    remark(&state, &asked, &ticket);
    let fault = state.faults.take(&asked.method, asked.uri.path());
    if let Some((fault, _)) = &fault {
        ticket.note(|entry| entry.fault = Some(fault.name()));
    }
    ticket.under_way();
    let response = match fault {
        None => Ok(act(&state, &asked, &ticket).await.into_response()),
        Some(fault) => mischief::play(fault, &state, &asked, &ticket).await,
    };
    ticket.answered(response.as_ref().ok().map(|response| response.status().as_u16()));
    match response {
        Ok(mut response) => {
            date(&state, &mut response);
            response
        }
        Err(cut) => wire.cut(cut).await,
    }
}

/// Dates an answer by the server's clock. A fault may have done so already: with an empty date for none.
fn date(state: &State, response: &mut Response) {
    let headers = response.headers_mut();
    if headers.get(DATE).is_some_and(HeaderValue::is_empty) {
        headers.remove(DATE);
    } else if let (None, Ok(date)) = (headers.get(DATE), HeaderValue::from_str(&state.clock.http_date())) {
        headers.insert(DATE, date);
    }
}

/// What the server does with a request when no fault is played.
pub(crate) async fn act(state: &State, asked: &Asked, ticket: &Ticket) -> Reply {
    let dialect = state.dialect();
    let host = asked.header("host").unwrap_or("localhost");
    let target = asked.uri.path_and_query().map_or("/", |target| target.as_str());
    let proto = asked.header("x-forwarded-proto");
    if proto == Some("http") {
        return Reply::redirect(301, format!("https://{host}{target}"));
    }
    let path = asked.uri.path();
    let Some(below) = path.strip_prefix(PREFIX) else { return Reply::no_such_route() };
    let (op, param) = match find(dialect, &asked.method, below) {
        Found::Route { op, param } => (op, param),
        Found::WrongMethod(allow) => return Reply::wrong_method(allow),
        Found::Missing => return Reply::no_such_route(),
        Found::Slash(other) => {
            let scheme = if proto == Some("https") { "https" } else { asked.scheme };
            let query = asked.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            return Reply::redirect(307, format!("{scheme}://{host}{PREFIX}{other}{query}"));
        }
    };
    let outcome = async {
        let body = match takes_body(op, dialect) {
            true => Body::read(asked.header("content-type"), &asked.body)?,
            false => Body::Absent,
        };
        let (headers, query) = (&asked.headers, &asked.query[..]);
        routes::run(op, &Call { state, dialect, headers, query, param, body, ticket }).await
    };
    let (reply, note) = match outcome.await {
        Ok(reply) => (reply, None),
        Err(fail) => fail.into_reply(dialect),
    };
    ticket.note(|entry| entry.note = note);
    reply
}

fn takes_body(op: Op, dialect: Dialect) -> bool {
    match op {
        Op::SendCode | Op::VerifyCode | Op::ProfilePut | Op::OrderCreate => true,
        Op::CartAdd(_) | Op::WishlistAdd(_) => true,
        Op::CartGet(who) | Op::CartClear(who) | Op::CartRemove(who) => who == Who::Body,
        Op::WishlistGet(who) | Op::WishlistClear(who) | Op::WishlistRemove(who) => who == Who::Body,
        Op::CartSet(who) => who == Who::Body || !dialect.deployed(),
        _ => false,
    }
}

/// Notes whose token came with the request, and what a careful client would have sent besides.
fn remark(state: &State, asked: &Asked, ticket: &Ticket) {
    let below = asked.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let op = match find(state.dialect(), &asked.method, below) {
        Found::Route { op, .. } => Some(op),
        _ => None,
    };
    let claims = asked.header("authorization").and_then(bearer).and_then(|token| state.signer.read(token));
    let market = claims.as_ref().and_then(|claims| claims.get("market")?.as_str());
    let user = claims.as_ref().and_then(|claims| match claims.get("user_id").or(claims.get("sub"))? {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    });
    let mut complaints = Vec::new();
    let mut wants = |what: &str, given: Option<&str>, expected: Option<&str>| match (given, expected) {
        (None, _) => complaints.push(format!("no market in the {what}")),
        (Some(given), Some(market)) if given != market => {
            complaints.push(format!("the {what} says {given}, the token {market}"));
        }
        _ => {}
    };
    if op != Some(Op::Markets) {
        wants("header", asked.header("x-market"), market);
    }
    if market.is_some() && op != Some(Op::Markets) {
        let query = asked.query.iter().rev().find(|(name, _)| name == "market");
        wants("query", query.map(|(_, value)| value.as_str()), market);
    }
    if !asked.body.is_empty() && asked.header("content-type") != Some("application/json") {
        complaints.push("a body without Content-Type: application/json".to_owned());
    }
    if op == Some(Op::CartSet(Who::Token)) {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let query = asked.query.iter().rev().find(|(name, _)| name == "quantity");
        if query.map(|(_, value)| value.clone()) != body.get("quantity").map(Value::to_string) {
            complaints.push("quantity is not the same in query and body".to_owned());
        }
    }
    ticket.note(|entry| {
        entry.user = user;
        entry.market = market.map(str::to_owned);
        entry.complaints = complaints;
    });
}
