//! A shop in memory or a real server: what a behaviour does with either, and what the app has seen of it.

use std::cell::RefCell;
use std::fmt::Debug;
use std::time::Duration;

use market_sdk::test_kit::{FakeShop, Fault, MarketDevServer};
use market_sdk::{
    CancelledOrder, Cart, MarketClient, MarketClientBuilder, MemoryStore, Order, Profile, Result,
    SessionState, SignIn, SignedOutReason,
};
use serde_json::{Value, json};

pub(crate) enum Server {
    Fake(FakeShop),
    Real(Box<MarketDevServer>),
}

pub(crate) struct Stage {
    server: Server,
    seen: RefCell<Vec<String>>,
}

impl Stage {
    pub(crate) fn new(server: Server) -> Self {
        Self { server, seen: RefCell::default() }
    }

    /// What the app has seen, a line each.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.borrow().clone()
    }

    pub(crate) fn saw(&self, what: impl Debug) {
        self.seen.borrow_mut().push(format!("{what:?}"));
    }

    /// What a call gave, or all that its error says.
    pub(crate) fn got<T: Shown>(&self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => {
                self.saw(value.shown());
                Some(value)
            }
            Err(error) => {
                // The text of a fault that either makes up.
                let message = error.message().replace("A fault was asked for", "Too many requests");
                let said = (error.code(), message, error.status(), error.retry_after(), error.fields());
                self.saw(("failed", said, error.is_retryable()));
                None
            }
        }
    }

    pub(crate) fn device(
        &self,
        store: &MemoryStore,
        with: impl Fn(MarketClientBuilder) -> MarketClientBuilder,
    ) -> MarketClient {
        let url = match &self.server {
            Server::Fake(_) => "https://shop.example/api/v1",
            Server::Real(server) => server.base_url(),
        };
        let builder = MarketClient::builder(url).app_id("kit").store(store.clone()).allow_http_loopback();
        match &self.server {
            Server::Fake(shop) => shop.build(with(builder)).unwrap(),
            Server::Real(_) => with(builder).build().unwrap(),
        }
    }

    /// A device of its own.
    pub(crate) fn client(&self) -> MarketClient {
        self.device(&MemoryStore::default(), |builder| builder)
    }

    pub(crate) async fn code(&self, phone: &str) -> String {
        match &self.server {
            Server::Fake(shop) => shop.code(),
            Server::Real(server) => server.code(phone).await,
        }
    }

    pub(crate) async fn sign_in(&self, market: &MarketClient, phone: &str) -> SignIn {
        market.session().request_code(phone).await.unwrap();
        market.session().verify_code(phone, &self.code(phone).await).await.unwrap()
    }

    pub(crate) async fn signed_in(&self, phone: &str) -> MarketClient {
        let market = self.client();
        self.sign_in(&market, phone).await;
        market
    }

    pub(crate) async fn expire_sessions(&self) {
        match &self.server {
            Server::Fake(shop) => shop.expire_sessions(),
            Server::Real(server) => server.expire_sessions().await,
        }
    }

    pub(crate) async fn advance_clock(&self, minutes: u64) {
        let by = Duration::from_secs(60 * minutes);
        match &self.server {
            Server::Fake(shop) => shop.advance_clock(by),
            Server::Real(server) => server.advance_clock(by).await,
        }
    }

    /// Fails the one call that `call` makes on this route, with all attempts at it. The real server goes on failing
    /// until it is told otherwise; the other has to know when the call is over.
    pub(crate) async fn failing<T>(&self, route: &str, fault: Fault, call: impl Future<Output = T>) -> T {
        match &self.server {
            Server::Fake(shop) => {
                shop.fail_next_on(route, fault);
                call.await
            }
            Server::Real(server) => {
                server.fault(route, as_json(&fault), None).await;
                let ended = call.await;
                server.clear_faults().await;
                ended
            }
        }
    }

    pub(crate) async fn hold(&self, route: &str) {
        match &self.server {
            Server::Fake(shop) => shop.hold(route),
            Server::Real(server) => server.fault(route, json!({"kind": "hold"}), None).await,
        }
    }

    pub(crate) async fn arrived(&self, route: &str, count: usize) {
        match &self.server {
            Server::Fake(shop) => shop.arrived(route, count).await,
            Server::Real(server) => server.arrived(route, count).await,
        }
    }

    pub(crate) async fn release(&self) {
        match &self.server {
            Server::Fake(shop) => shop.release(),
            Server::Real(server) => server.release().await,
        }
    }

    /// The requests so far: method, path and status.
    pub(crate) async fn requests(&self) {
        let requests: Vec<_> = match &self.server {
            Server::Fake(shop) => shop
                .requests()
                .into_iter()
                .map(|request| (request.method, request.path, request.status))
                .collect(),
            Server::Real(server) => server.requests().await.iter().map(request).collect(),
        };
        self.saw(requests);
    }
}

fn request(request: &Value) -> (String, String, Option<u16>) {
    let path = request["path"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    let status = request["status"].as_u64().map(|status| status.try_into().unwrap());
    (request["method"].as_str().unwrap().to_owned(), path.to_owned(), status)
}

/// The fault in the words of the real server.
fn as_json(fault: &Fault) -> Value {
    let answer = |status: u16, body: String| json!({"kind": "answer", "status": status, "content_type": "application/json", "body": body});
    match fault {
        Fault::Cut => json!({"kind": "reset"}),
        Fault::AnswerLost => json!({"kind": "reset", "acted": true}),
        Fault::Unreadable => {
            json!({"kind": "answer", "status": 200, "content_type": "text/html", "body": "<html>", "acted": true})
        }
        Fault::Down => json!({"kind": "status", "status": 503}),
        Fault::Refused { status, message } => answer(*status, json!({"detail": message}).to_string()),
        Fault::Invalid { field, message } => {
            answer(422, json!({"detail": [{"loc": ["body", field], "msg": message}]}).to_string())
        }
        Fault::RateLimited(wait) => {
            json!({"kind": "status", "status": 429, "retry_after": {"seconds": wait.as_secs()}})
        }
        other => panic!("the real server cannot be made to do that: {other:?}"),
    }
}

/// What of a value is the same on either server: all but the time of day.
pub(crate) trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown_as_it_is {
    ($($name:ty),* $(,)?) => { $(impl Shown for $name {
        fn shown(&self) -> String {
            format!("{self:?}")
        }
    })* };
}

shown_as_it_is!(
    (),
    Cart,
    CancelledOrder,
    market_sdk::Wishlist,
    market_sdk::Markets,
    market_sdk::TokenStatus,
    String
);

impl Shown for Order {
    fn shown(&self) -> String {
        let mut order = self.clone();
        assert!(order.order_date.take().is_some());
        // The form for a log masks what is personal.
        let who = (
            &order.customer_name,
            order.customer_phone.as_ref().map(|phone| phone.as_str().to_owned()),
            &order.delivery_address,
        );
        format!("{who:?} {order:?}")
    }
}

impl Shown for Vec<Order> {
    fn shown(&self) -> String {
        self.iter().map(Shown::shown).collect::<Vec<_>>().join("\n")
    }
}

impl Shown for market_sdk::OrderOutcome {
    fn shown(&self) -> String {
        match self {
            Self::Placed(order) => format!("Placed {}", order.shown()),
            Self::NotSeenYet { settles_in } => {
                format!("NotSeenYet, settles in {:?} min", settles_in.map(|time| (time.as_secs() + 30) / 60))
            }
            other => format!("{other:?}"),
        }
    }
}

impl Shown for Profile {
    fn shown(&self) -> String {
        let mut profile = self.clone();
        assert!(profile.last_login.take().is_some() && profile.created_at.take().is_some());
        let who = (profile.phone.as_ref().map(|phone| phone.as_str().to_owned()), &profile.full_name);
        format!("{who:?} {profile:?}")
    }
}

impl Shown for SignIn {
    fn shown(&self) -> String {
        let user =
            (self.user.id, self.user.phone.as_str(), &self.user.market, self.is_new_user, self.persisted);
        format!("{user:?}, ends: {}", self.expires_at.is_some())
    }
}

impl Shown for market_sdk::CodeSent {
    fn shown(&self) -> String {
        format!("sent, ends: {}", self.expires_at.is_some())
    }
}

impl Shown for SessionState {
    fn shown(&self) -> String {
        match self {
            Self::SignedIn { user, persisted, expires_at, .. } => {
                format!("SignedIn {:?} {persisted} {}", (user.id, user.phone.as_str()), expires_at.is_some())
            }
            Self::Expired { user, reason, waiting, .. } => {
                format!("Expired {:?} {reason:?} {waiting}", (user.id, user.phone.as_str()))
            }
            Self::SignedOut { reason, .. } => {
                let reason: &SignedOutReason = reason;
                format!("SignedOut {reason:?}")
            }
            other => format!("{other:?}"),
        }
    }
}
