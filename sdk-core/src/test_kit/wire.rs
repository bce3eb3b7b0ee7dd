//! The way from a client to the shop: a transport without sockets.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::faults::{Fault, Route, UNREADABLE};
use super::shop::Call;
use super::{FakeShop, ShopRequest};
use crate::http::transport::{Failure, Reply, Request, Transport};

/// What has come over the wire, and what happens to what comes next.
#[derive(Default)]
pub(super) struct Log {
    pub(super) requests: Vec<ShopRequest>,
    /// How many came before the first of those.
    pub(super) forgotten: usize,
    pub(super) next: Vec<(Route, Fault)>,
    pub(super) always: Vec<(Route, Fault)>,
    pub(super) latency: Duration,
    pub(super) held: Vec<Route>,
    /// Methods and paths of the requests that are not answered yet, by their numbers.
    pub(super) under_way: BTreeMap<usize, (String, String)>,
    /// What became of the last first attempt on a route: a client's further attempts at that call end the same.
    first: HashMap<(String, String), Option<Fault>>,
}

impl Log {
    pub(super) fn on(&self, route: &Route) -> impl Iterator<Item = &ShopRequest> {
        self.requests.iter().filter(|request| route.fits(&request.method, &request.path))
    }

    fn is_held(&self, method: &str, path: &str) -> bool {
        self.held.iter().any(|route| route.fits(method, path))
    }

    fn fault(&mut self, method: &str, path: &str, attempt: u32) -> Option<Fault> {
        let call = (method.to_owned(), path.to_owned());
        if attempt > 0 {
            return self.first.get(&call).cloned().flatten();
        }
        let fits = |(route, _): &(Route, Fault)| route.fits(method, path);
        let fault = match self.next.iter().position(fits) {
            Some(at) => Some(self.next.remove(at).1),
            None => self.always.iter().find(|rule| fits(rule)).map(|(_, fault)| fault.clone()),
        };
        self.first.insert(call, fault.clone());
        fault
    }

    fn answered(&mut self, number: usize, status: u16) {
        let at = number.checked_sub(self.forgotten);
        if let Some(request) = at.and_then(|at| self.requests.get_mut(at)) {
            request.status = Some(status);
        }
    }
}

/// The wire of one client.
pub(super) struct Wire {
    shop: FakeShop,
    prefix: String,
}

impl Wire {
    pub(super) fn new(shop: FakeShop, base_path: &str) -> Self {
        Self { shop, prefix: base_path.trim_end_matches('/').to_owned() }
    }
}

impl Transport for Wire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        let path = request.url.path();
        let call = Call {
            method: request.method.to_string(),
            path: path.strip_prefix(&self.prefix).unwrap_or(path).to_owned(),
            query: request.url.query_pairs().into_owned().collect(),
            body: request.body.as_ref().and_then(|body| serde_json::from_slice(body).ok()),
            token: token(&request.headers),
        };
        let query = request.url.query().unwrap_or_default().to_owned();
        Box::pin(self.shop.serve(call, query, request.attempt))
    }
}

fn token(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    header.strip_prefix("Bearer ").map(str::to_owned)
}

/// Until it is answered, or its client has left.
struct UnderWay<'a> {
    shop: &'a FakeShop,
    number: usize,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.shop.wire().under_way.remove(&self.number);
    }
}

impl FakeShop {
    async fn serve(&self, call: Call, query: String, attempt: u32) -> Result<Reply, Failure> {
        let (number, fault, latency) = {
            let user = self.shop().whose(&call);
            let mut wire = self.wire();
            let (method, path, body) = (call.method.clone(), call.path.clone(), call.body.clone());
            wire.requests.push(ShopRequest { method, path, query, body, user, status: None });
            let number = wire.forgotten + wire.requests.len() - 1;
            wire.under_way.insert(number, (call.method.clone(), call.path.clone()));
            (number, wire.fault(&call.method, &call.path, attempt), wire.latency)
        };
        let _under_way = UnderWay { shop: self, number };
        self.0.news.send_replace(());
        self.hold_up(&call).await;
        // Never at once, as no network answers at once.
        tokio::task::yield_now().await;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let acted = |shop: &FakeShop| shop.shop().answer(&call);
        let (status, wait, body) = match &fault {
            Some(Fault::Unreachable) => return Err(Failure::NotSent("the shop is not reached".to_owned())),
            Some(Fault::Cut) => return Err(Failure::Lost("the connection was cut".to_owned())),
            Some(Fault::UntrustedCertificate) => return Err(Failure::Tls("nobody trusts it".to_owned())),
            Some(Fault::Silence) => std::future::pending().await,
            Some(Fault::AnswerLost) => {
                acted(self);
                return Err(Failure::Lost("the connection was cut".to_owned()));
            }
            Some(Fault::Unreadable) => {
                acted(self);
                (200, None, UNREADABLE)
            }
            fault => {
                let (status, wait, body) = match fault.as_ref().and_then(Fault::answer) {
                    Some(answer) => answer,
                    None => {
                        let (status, body) = acted(self);
                        (status, None, body)
                    }
                };
                // The text of a 401 is not read from the network either.
                let body = if status == 401 { Bytes::new() } else { Bytes::from(body.to_string()) };
                (status, wait, body)
            }
        };
        self.wire().answered(number, status);
        let mut headers = HeaderMap::new();
        let date = httpdate::fmt_http_date(self.shop().now());
        headers.insert(DATE, HeaderValue::try_from(date).expect("a date is a header"));
        if let Some(wait) = wait {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        let status = StatusCode::from_u16(status).expect("a test makes up statuses that there can be");
        Ok(Reply { status, headers, body, path_ends_with_slash: call.path.ends_with('/') })
    }

    /// Waits for as long as the route is held.
    async fn hold_up(&self, call: &Call) {
        let mut news = self.0.news.subscribe();
        while self.wire().is_held(&call.method, &call.path) {
            let _ = news.changed().await; // It cannot fail: the shop has the sender.
        }
    }
}
