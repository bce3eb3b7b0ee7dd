//! Whole calls against a server that answers with anything: what a decoder on its own does not show.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::http::redirect;
use crate::http::transport::{Failure, Reply, Request, Transport};
use crate::journal::{Entries, Journal};
use crate::model::*;
use crate::session::clock::Clock;
use crate::session::timer::{Task, Timers};
use crate::session::{EntryQueue, Job, Parts, Random};
use crate::store::{MemoryStore, SecureStore, StoreError};
use crate::{Error, ErrorCode, MarketClient, Result};

const PHONE: &str = "+13128059851";
const CODE: &str = "482913";
const TOKEN: &str = "header-of-it.claims-of-it.signature-of-it";
const ENTRY: &str = "session";
const STORED: &str = r#"{"version":1,"session":"00000000000000000000000000000007","token":"header-of-it.claims-of-it.signature-of-it","user_id":19,"market":"us","phone":"+13128059851","full_name":null,"signed_in_at_ms":1800000000000,"lifetime_ms":null}"#;

/// One call, and the server's answers to its requests. The first line names the call, and each answer is a
/// status (or `lost`, or `unsent`), lines of headers, an empty line and a body; a line `%` parts two answers.
/// When there are no more, the server fails.
///
/// Made on a runtime whose time is paused.
pub async fn exchange(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (name, answers) = input.split_once('\n').unwrap_or((&input, ""));
    let by_byte = usize::from(name.bytes().next().unwrap_or(0)) % CALLS.len();
    let (name, call) = CALLS.iter().find(|(known, _)| *known == name).unwrap_or(&CALLS[by_byte]);
    let server = Server::default();
    server.0.lock().unwrap().next = answers.split("\n%\n").map(Answer::read).collect();

    let store = MemoryStore::default();
    store.write(ENTRY, STORED.as_bytes()).unwrap();
    let market = client(Box::new(server.clone()), store);
    let restored = market.session().restore().await.unwrap();
    assert!(restored.is_signed_in(), "{restored:?}");
    let result = call(market.clone()).await;
    let seen = std::mem::take(&mut server.0.lock().unwrap().seen);
    judge(name, &seen, result.as_ref().err());

    // Nothing that a server says ends a session but a 401 to its token, a sign-in and a logout.
    let state = market.session().state();
    let refused = seen.iter().any(|seen| seen.token && seen.answer == Some(401));
    let ends = refused || ["verify_code", "logout"].contains(name);
    assert!(ends || state.is_signed_in(), "{name} ended the session: {state:?}");
    // The next call works.
    if state.is_signed_in() {
        *server.0.lock().unwrap() = Inside {
            next: [Answer::read("200\n\n{\"id\":5,\"items\":[],\"total_price\":0}")].into(),
            ..Inside::default()
        };
        let cart = market.cart().get().await;
        assert!(cart.is_ok(), "after {name}: {cart:?}");
    }
}

fn judge(name: &str, seen: &[Seen], error: Option<&Error>) {
    // Three attempts, each sent on five times; and the questions which server this is.
    assert!(seen.len() <= 4 * 3 * (redirect::MOST as usize + 1), "{} requests", seen.len());
    if ["cart.add", "wishlist.remove", "orders.place", "orders.cancel", "verify_code", "raw.post"]
        .contains(&name)
    {
        for (at, sent) in seen.iter().enumerate() {
            let write = sent.method == Method::POST && !sent.path.ends_with("/wishlist/get")
                || sent.method == Method::DELETE;
            let acted = sent.answer.is_none_or(|status| ![301, 307, 308, 401, 0].contains(&status));
            // A wishlist of the other kind refuses the form, and is asked once more in its own.
            let same = |other: &Seen| (&other.method, &other.path) == (&sent.method, &sent.path);
            let again = seen[at + 1..].iter().any(same);
            assert!(!(write && acted && again), "{name} was sent again after {:?}: {seen:?}", sent.answer);
        }
    }
    let Some(error) = error else { return };
    let shown = format!("{error} {error:?} {:?}", error.detail());
    for secret in [PHONE, TOKEN, &PHONE[1..]] {
        assert!(!shown.contains(secret), "{name}: {shown}");
    }
    assert!(name != "verify_code" || !shown.contains(CODE), "{shown}");
    assert!(error.code() != ErrorCode::Config && error.code() != ErrorCode::Cancelled, "{shown}");
}

type Make = fn(MarketClient) -> BoxFuture<'static, Result<()>>;

macro_rules! calls {
    ($($name:literal: |$market:ident| $make:expr;)*) => {
        &[$(($name, |$market| async move { $make.await.map(drop) }.boxed())),*]
    };
}

const CALLS: &[(&str, Make)] = calls! {
    "cart.get": |m| m.cart().get();
    "cart.add": |m| m.cart().add(SkuId(42), 2);
    "cart.set": |m| m.cart().set_quantity(LineId(101), 2);
    "cart.remove": |m| m.cart().remove(LineId(101));
    "cart.clear": |m| m.cart().clear();
    "wishlist.get": |m| m.wishlist().get();
    "wishlist.add": |m| m.wishlist().add(ProductId(15));
    "wishlist.remove": |m| m.wishlist().remove(ProductId(15));
    "wishlist.clear": |m| m.wishlist().clear();
    "orders.list": |m| m.orders().list(OrderQuery::new());
    "orders.get": |m| m.orders().get(OrderId(1001));
    "orders.place": |m| m.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St"));
    "orders.cancel": |m| m.orders().cancel(OrderId(1001));
    "orders.resolve": |m| placed_and_resolved(m);
    "request_code": |m| m.session().request_code(PHONE);
    "verify_code": |m| m.session().verify_code(PHONE, CODE);
    "verify_token": |m| m.session().verify_token();
    "profile": |m| m.session().profile();
    "update_profile": |m| m.session().update_profile(ProfileUpdate::new().full_name("Ann"));
    "markets": |m| m.session().markets();
    "logout": |m| m.session().logout();
    "raw.get": |m| m.request(RawRequest::new(crate::Method::Get, "/products"));
    "raw.post": |m| m.request(RawRequest::new(crate::Method::Post, "/products"));
};

async fn placed_and_resolved(market: MarketClient) -> Result<OrderOutcome> {
    let _ = market.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St")).await;
    market.orders().resolve().await
}

/// A client of what answers here, without threads of its own: on one input it does the same each time.
pub(crate) fn client(transport: Box<dyn Transport>, store: MemoryStore) -> MarketClient {
    let entries = Shelf(store);
    let parts = Parts {
        entry: entries.open("").unwrap(),
        clock: Arc::new(Device(Instant::now())),
        timers: Arc::new(TokioTimers),
        random: Arc::new(Dice(Mutex::new(0))),
        store_timeout: Duration::from_secs(5),
        park: None,
        soon: Duration::from_secs(60),
        marker: None,
    };
    let journal = Journal::new(Box::new(entries), Duration::from_secs(5), Duration::from_secs(900));
    let base = Url::parse("https://shop.example/api/v1").unwrap();
    MarketClient::assemble(transport, parts, base, Duration::from_secs(30), None, journal)
}

/// The server's answer to one request.
#[derive(Clone)]
enum Answer {
    Reply(StatusCode, HeaderMap, Bytes),
    Failure(Failure),
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = match lines.next().unwrap_or_default() {
            "lost" => return Self::Failure(Failure::Lost("cut".to_owned())),
            "unsent" => return Self::Failure(Failure::NotSent("not reached".to_owned())),
            status => status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()),
        };
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        });
        Self::Reply(status.unwrap_or_default(), headers.collect(), Bytes::copy_from_slice(body.as_bytes()))
    }
}

/// A request, and how it was answered: none if the answer was lost, 0 if it never got there.
#[derive(Debug)]
struct Seen {
    method: Method,
    path: String,
    token: bool,
    answer: Option<u16>,
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    next: VecDeque<Answer>,
    seen: Vec<Seen>,
}

impl Transport for Server {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        let url = &request.url;
        assert_eq!(url.origin().ascii_serialization(), "https://shop.example", "to another origin: {url}");
        let token = request.headers.get(AUTHORIZATION);
        assert!(token.is_none_or(HeaderValue::is_sensitive));
        assert!(!url.as_str().contains(TOKEN), "the token is in {url}");
        let mut inside = self.0.lock().unwrap();
        let answer = inside.next.pop_front();
        let answer = answer.unwrap_or(Answer::Reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            HeaderMap::new(),
            Bytes::new(),
        ));
        inside.seen.push(Seen {
            method: request.method.clone(),
            path: url.path().to_owned(),
            token: token.is_some(),
            answer: match &answer {
                Answer::Reply(status, ..) => Some(status.as_u16()),
                Answer::Failure(Failure::NotSent(_)) => Some(0),
                Answer::Failure(_) => None,
            },
        });
        let path_ends_with_slash = url.path().ends_with('/');
        std::future::ready(match answer {
            Answer::Reply(status, headers, body) => Ok(Reply { status, headers, body, path_ends_with_slash }),
            Answer::Failure(failure) => Err(failure),
        })
        .boxed()
    }
}

/// A store that answers at once, on the caller's own thread's time: as a task, since jobs come under the mutex.
#[derive(Clone)]
struct Shelf(MemoryStore);

struct Entry(MemoryStore, String);

impl Entries for Shelf {
    fn open(&self, suffix: &str) -> Result<Arc<dyn EntryQueue>, StoreError> {
        Ok(Arc::new(Entry(self.0.clone(), format!("{ENTRY}{suffix}"))))
    }
}

impl EntryQueue for Entry {
    fn submit(&self, job: Job) {
        let (store, key) = (self.0.clone(), self.1.clone());
        tokio::spawn(async move { job(&store, &key) });
    }
}

struct Device(Instant);

impl Clock for Device {
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_060) + self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct TokioTimers;

impl Timers for TokioTimers {
    fn after(&self, delay: Duration, task: Task) {
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            task();
        });
    }
}

/// Different numbers, the same in each run.
struct Dice(Mutex<u128>);

impl Random for Dice {
    fn bits(&self) -> u128 {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        count.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
    }
}
