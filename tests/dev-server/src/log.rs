//! The log of requests that tests read back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::state::lock;

/// One request as the server saw it, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoggedRequest {
    /// Counts from 1, in the order of arrival.
    pub seq: u64,
    /// Which connection it came on; counts from 1.
    pub connection: u64,
    /// The method.
    pub method: String,
    /// The path on the wire, prefix included.
    pub path: String,
    /// What stood behind `?`, or nothing.
    pub query: String,
    /// Names in lower case. `authorization` is shown as `Bearer #n`, where n numbers the token texts seen.
    pub headers: BTreeMap<String, String>,
    /// The body if it was JSON.
    pub body: Option<Value>,
    /// None while it runs, and when no answer was sent.
    pub status: Option<u16>,
    /// The client went away before the answer was made.
    pub aborted: bool,
    /// The user of the token that came with it, if its signature holds.
    pub user: Option<i64>,
    /// The market of that token.
    pub market: Option<String>,
    /// Whether it changed data.
    pub acted: bool,
    /// Milliseconds since the server started.
    pub started_ms: u64,
    /// Milliseconds since the server started.
    pub ended_ms: Option<u64>,
    /// The fault that was played on it.
    pub fault: Option<String>,
    /// What a careful client would have done better: a market missing from header or query, and the like.
    pub complaints: Vec<String>,
    /// What really went wrong, where the answer hides it.
    pub note: Option<String>,
}

#[derive(Default)]
struct Entries {
    list: Vec<LoggedRequest>,
    /// How many of them were there at the last clearing.
    cleared: usize,
    /// Token texts in the order of their first appearance.
    tokens: Vec<String>,
    last_seq: u64,
}

/// The log itself.
pub(crate) struct Log {
    entries: Mutex<Entries>,
    started: Instant,
    running: watch::Sender<Vec<Running>>,
}

/// A request that has come and is not answered.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    seq: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    /// It was read, and its fault was taken if there was one: what is done to the faults from now on is none of its business.
    pub(crate) under_way: bool,
}

impl Log {
    pub(crate) fn new() -> Arc<Log> {
        Arc::new(Log {
            entries: Mutex::default(),
            started: Instant::now(),
            running: watch::Sender::default(),
        })
    }

    /// Notes a request at its arrival. The ticket notes its end, however it ends.
    pub(crate) fn begin(self: &Arc<Log>, mut request: LoggedRequest, headers: &HeaderMap) -> Ticket {
        let mut entries = lock(&self.entries);
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let shown = if name == "authorization" { entries.number(&value) } else { value };
            let seen = request.headers.entry(name.as_str().to_owned()).or_default();
            *seen = if seen.is_empty() { shown } else { format!("{seen}, {shown}") };
        }
        entries.last_seq += 1;
        request.seq = entries.last_seq;
        request.started_ms = self.elapsed();
        let seq = request.seq;
        let (method, path) = (request.method.clone(), request.path.clone());
        entries.list.push(request);
        self.running.send_modify(|running| running.push(Running { seq, method, path, under_way: false }));
        Ticket { log: self.clone(), seq, over: false }
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        let entries = lock(&self.entries);
        entries.list.get(entries.cleared..).unwrap_or_default().to_vec()
    }

    /// Those before a clearing too.
    pub(crate) fn since_the_start(&self) -> Vec<LoggedRequest> {
        lock(&self.entries).list.clone()
    }

    pub(crate) fn clear(&self) {
        let mut entries = lock(&self.entries);
        entries.cleared = entries.list.len();
    }

    /// Waits until no request is running.
    pub(crate) async fn settled(&self) {
        self.when(|running| running.is_empty()).await;
    }

    /// Waits until those that are running are so.
    pub(crate) async fn when(&self, so: impl FnMut(&Vec<Running>) -> bool) {
        // The sender lives in self: waiting cannot fail.
        let _ = self.running.subscribe().wait_for(so).await;
    }

    pub(crate) fn running(&self) -> Vec<Running> {
        self.running.borrow().clone()
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Entries {
    /// The header without its secret: the same number for the same token text.
    fn number(&mut self, header: &str) -> String {
        let Some((scheme, token)) = header.split_once(' ') else { return "(no scheme)".to_owned() };
        let known = self.tokens.iter().position(|text| text == token);
        let index = known.unwrap_or_else(|| {
            self.tokens.push(token.to_owned());
            self.tokens.len() - 1
        });
        format!("{scheme} #{}", index + 1)
    }
}

/// A request under way. Dropping it before [`Ticket::answered`] says that the client went away.
pub(crate) struct Ticket {
    log: Arc<Log>,
    seq: u64,
    over: bool,
}

impl Ticket {
    pub(crate) fn note(&self, change: impl FnOnce(&mut LoggedRequest)) {
        let mut entries = lock(&self.log.entries);
        if let Some(entry) = entries.list.iter_mut().rev().find(|entry| entry.seq == self.seq) {
            change(entry);
        }
    }

    /// What is to happen to it is settled.
    pub(crate) fn under_way(&self) {
        self.log.running.send_modify(|running| {
            for request in running.iter_mut().filter(|request| request.seq == self.seq) {
                request.under_way = true;
            }
        });
    }

    /// The answer is made; None if the connection is cut instead.
    pub(crate) fn answered(mut self, status: Option<u16>) {
        self.note(|entry| entry.status = status);
        self.over = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let ended = self.log.elapsed();
        // At one time: whoever sees one of the two sees the other.
        self.note(|entry| {
            entry.ended_ms = Some(ended);
            entry.aborted = !self.over;
            self.log.running.send_modify(|running| running.retain(|request| request.seq != self.seq));
        });
    }
}
