//! For the tests of an app: a shop in memory for the real client, and a launcher of the dev server.
//!
//! It is there with the feature `test-kit`, which belongs into an app's dev-dependencies:
//!
//! ```toml
//! [dev-dependencies]
//! market-sdk = { version = "0.1", features = ["test-kit"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! Nothing of the client is faked. A [`FakeShop`] takes the place of the network, the system's store and the clocks:
//! an app's tests run with the very states, errors, retries and rules that it meets in life, without a socket, and in no
//! time if tokio's clock is paused.
//!
//! ```
//! use std::time::Duration;
//! use market_sdk::test_kit::{Fault, FakeShop};
//! use market_sdk::{ErrorCode, NewOrder, OrderOutcome, SkuId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> market_sdk::Result<()> {
//! let shop = FakeShop::new();
//! let market = shop.signed_in_client("+13128059851").await;
//! market.cart().add(SkuId(42), 2).await?;
//!
//! // The session ends while the user is shopping, and the cart is still there afterwards.
//! shop.expire_sessions();
//! assert_eq!(market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
//! shop.sign_in(&market, "+13128059851").await?;
//! assert_eq!(market.cart().get().await?.total_price.to_string(), "USD 39.98");
//!
//! // The answer to an order is lost.
//! shop.fail_next_on("POST /orders/create", Fault::AnswerLost);
//! let order = NewOrder::from_cart("Ann", "+13128059851", "1 Main St");
//! assert_eq!(market.orders().place(order).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
//! assert!(matches!(market.orders().resolve().await?, OrderOutcome::Placed(_)));
//! # Ok(()) }
//! ```
//!
//! An app that builds its client in one place has it built on the shop instead: [`FakeShop::build`] takes its
//! builder.
//!
//! Listeners ([`on_end`](crate::SessionApi::on_end), [`on_expiring_soon`](crate::SessionApi::on_expiring_soon)) are called on
//! threads of their own, as in life; but whatever has them called, a call or tokio's clock, goes on only when they have
//! come to their end, so that a test may look at once at what they did. (One that waits for the test itself is waited for
//! 10 seconds, and then the log has a warning.)

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "the shop finds what it has put there")]

mod catalogue;
mod dev_server;
mod device;
mod faults;
mod shop;
mod wire;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

pub use self::catalogue::{FakeProduct, FakeSku};
pub use self::dev_server::{Dialect, MarketDevServer};
pub use self::faults::Fault;
use self::shop::Shop;
use crate::client::MarketClient;
use crate::error::Result;
use crate::model::{Order, OrderId, OrderStatus, PhoneNumber, SignIn, SkuId, UserId};
use crate::{MarketClientBuilder, MemoryStore};

/// How long a test waits for requests at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the clients of [`FakeShop::client`] believe their shop to be.
const BASE_URL: &str = "https://shop.example/api/v1";

/// A shop in memory, and what it does to its clients.
///
/// It behaves as `market-dev-server` does, whose products it has (SKU 42 is a canvas bag for 19.99, and there are nine
/// more); one suite of behaviours runs against both. Clones are the same shop.
///
/// It is made and used within a tokio runtime of either flavour, and goes by tokio's clock: where that is paused
/// (`#[tokio::test(start_paused = true)]`), deadlines, sessions and delays take no time, and
/// `tokio::time::advance` moves shop and clients alike.
#[derive(Clone)]
pub struct FakeShop(Arc<Inner>);

struct Inner {
    clock: Arc<device::Clock>,
    lines: device::Lines,
    shop: Mutex<Shop>,
    wire: Mutex<wire::Log>,
    /// Told whenever something comes or may go on.
    news: tokio::sync::watch::Sender<()>,
}

/// A request as the shop saw it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ShopRequest {
    /// `POST`, say.
    pub method: String,
    /// Below the API's prefix: `/cart/items`.
    pub path: String,
    /// What stood behind `?`.
    pub query: String,
    /// The body, where there was one.
    pub body: Option<Value>,
    /// Whose token came with it.
    pub user: Option<UserId>,
    /// None while it is under way, and where no answer was sent.
    pub status: Option<u16>,
}

impl Default for FakeShop {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeShop {
    /// A new shop, without users.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[track_caller]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Handle::try_current();
        let runtime = runtime.expect("a FakeShop is made within a tokio runtime, as #[tokio::test] has one");
        let clock = Arc::new(device::Clock::new());
        Self(Arc::new(Inner {
            lines: device::Lines::new(runtime),
            shop: Mutex::new(Shop::new(clock.clone())),
            clock,
            wire: Mutex::default(),
            news: tokio::sync::watch::Sender::new(()),
        }))
    }

    /// A client on a device of its own, on which nobody has signed in. Two clients are two devices.
    pub fn client(&self) -> MarketClient {
        let built = self.build(MarketClient::builder(BASE_URL).app_id("test-kit"));
        built.expect("the configuration is right")
    }

    /// A client on a device of its own, on which the user of this phone has signed in.
    pub async fn signed_in_client(&self, phone: &str) -> MarketClient {
        let market = self.client();
        self.sign_in(&market, phone).await.expect("the shop lets in whom it knows the phone of");
        market
    }

    /// Builds a client with an app's own configuration, on this shop: whatever its base URL says, nothing leaves
    /// the process. Without a [`store`](MarketClientBuilder::store) it has a memory of its own, not the system's
    /// keyring; who gives two clients clones of one [`MemoryStore`] closes an app and opens it again.
    ///
    /// # Errors
    /// As [`MarketClientBuilder::build`].
    pub fn build(&self, builder: MarketClientBuilder) -> Result<MarketClient> {
        let market = builder.build_on(|asked| {
            let key = asked.key();
            let store = asked.store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
            crate::outside::Outside {
                transport: Box::new(wire::Wire::new(self.clone(), asked.base.path())),
                entries: Box::new(self.0.lines.entries(store, key)),
                clock: self.0.clock.clone(),
                timers: Arc::new(self.0.lines.clone()),
            }
        })?;
        market.core.keeper.wait_for_listeners();
        Ok(market)
    }

    /// Signs in as a person does: asks for a code, and enters it. This code is not one of the three that a phone may ask for
    /// in a quarter of an hour, so that a test may sign in as often as it likes.
    ///
    /// # Errors
    /// Those of the two calls.
    pub async fn sign_in(&self, market: &MarketClient, phone: &str) -> Result<SignIn> {
        let session = market.session();
        session.request_code(phone).await?;
        self.shop().do_not_count(&written(phone));
        session.verify_code(phone, &self.code()).await
    }

    /// The code that the shop "sends": `123456`, unless the test has chosen another.
    pub fn code(&self) -> String {
        self.shop().code.clone()
    }

    /// From now on the shop sends this code. It is good once for each time it was sent.
    pub fn set_code(&self, code: &str) {
        self.shop().code = code.to_owned();
    }

    /// Ends the session of this client, as if its time were up, at once: the state and
    /// [`on_end`](crate::SessionApi::on_end) say so. [`expire_sessions`](Self::expire_sessions) leaves it to the next call
    /// to find out.
    ///
    /// # Panics
    /// If nobody is signed in.
    #[track_caller]
    pub fn expire(&self, market: &MarketClient) {
        let state = market.session().state();
        assert!(state.is_signed_in(), "there is no session to expire: {state:?}");
        market.core.keeper.expire();
    }

    /// From now on, tokens issued until now are answered 401: the session ends, rejected, with the next call.
    pub fn expire_sessions(&self) {
        self.shop().revoke();
    }

    /// How long the sessions of later sign-ins last; half an hour otherwise.
    pub fn set_session_lifetime(&self, lifetime: Duration) {
        self.shop().lifetime = lifetime;
    }

    /// Moves the shop's clock on, and not that of the devices: sessions end there, codes and orders grow old.
    pub fn advance_clock(&self, by: Duration) {
        self.shop().advance(by);
    }

    /// The devices are locked, as phones are that were not unlocked since they started: what is stored can be neither
    /// read nor changed, until [`unlock_devices`](Self::unlock_devices).
    pub fn lock_devices(&self) {
        self.0.lines.lock(true);
    }

    /// The devices are unlocked. Clients look again within a second, or when they are told that the app was
    /// [`resumed`](crate::SessionApi::resumed).
    pub fn unlock_devices(&self) {
        self.0.lines.lock(false);
    }

    /// Sells something more, in both markets. A product or SKU whose number is sold already is replaced.
    pub fn add(&self, product: FakeProduct) {
        self.shop().sell(product);
    }

    /// How many pieces are left, in both markets. At 0 an order for one is rejected.
    ///
    /// # Panics
    /// If there is no such SKU.
    #[track_caller]
    pub fn set_stock(&self, sku: SkuId, pieces: u32) {
        let mut shop = self.shop();
        let goods = shop.goods.iter_mut().find(|goods| goods.sku == sku.0).expect("there is such a SKU");
        goods.stock = [i64::from(pieces); 2];
    }

    /// The orders of all users, the newest first: whether one was doubled. Those of the market kg come first; each market has
    /// numbers of its own.
    pub fn orders(&self) -> Vec<Order> {
        self.shop().orders(None)
    }

    /// The orders of this phone's user, the newest first.
    pub fn orders_of(&self, phone: &str) -> Vec<Order> {
        self.shop().orders(Some(&written(phone)))
    }

    /// The shop has done something with an order of this phone's user.
    ///
    /// # Panics
    /// If there is no such order.
    #[track_caller]
    pub fn set_order_status(&self, phone: &str, order: OrderId, status: OrderStatus) {
        let found = self.shop().set_status(&written(phone), order.0, status.as_str());
        assert!(found, "this user has no order {order}");
    }

    /// What a route answers from now on, one that the shop has or another: `answer("GET /products", json!([]), 200)`. A
    /// request whose session the shop does not accept gets 401 there too.
    ///
    /// # Panics
    /// If the route is not written so.
    #[track_caller]
    pub fn answer(&self, route: &str, json: Value, status: u16) {
        let is_route = route.split_once(' ').is_some_and(|(_, path)| path.starts_with('/'));
        assert!(is_route, "{route:?} is no route, as GET /products is one");
        self.shop().give(route.into(), status, json);
    }

    /// Fails the next call, with each attempt that the client makes at it. It tries a read again after a moment, for which
    /// a paused clock takes no time.
    ///
    /// A call may be more than one request: before an order is placed the newest one is read, and it is this read that fails.
    /// `fail_next_on("POST /orders/create", …)` fails the order itself.
    pub fn fail_next(&self, fault: Fault) {
        self.fail_next_on("*", fault);
    }

    /// Fails the next request on this route, such as `POST /cart/items`, with each attempt that the client makes at it.
    /// `{…}` stands for a part of the path, `*` for any method or, alone, for any route. More than one are used up in order.
    ///
    /// # Panics
    /// If the shop has no such route, and none that [`answer`](Self::answer) has given it.
    #[track_caller]
    pub fn fail_next_on(&self, route: &str, fault: Fault) {
        let route = self.route(route);
        self.wire().next.push((route, fault));
    }

    /// Fails all requests on this route until [`recover`](Self::recover). `*` for any: the network is gone.
    ///
    /// # Panics
    /// If the shop has no such route.
    #[track_caller]
    pub fn fail_all(&self, route: &str, fault: Fault) {
        let route = self.route(route);
        self.wire().always.push((route, fault));
    }

    /// All works again.
    pub fn recover(&self) {
        let mut wire = self.wire();
        wire.next.clear();
        wire.always.clear();
    }

    /// From now on each answer takes so long, by tokio's clock.
    pub fn set_latency(&self, latency: Duration) {
        self.wire().latency = latency;
    }

    /// Requests on this route wait at the shop, which has not acted then, until [`release`](Self::release).
    ///
    /// # Panics
    /// If the shop has no such route.
    #[track_caller]
    pub fn hold(&self, route: &str) {
        let route = self.route(route);
        self.wire().held.push(route);
    }

    /// Returns when so many requests on this route are under way: come, and not yet answered, but held, delayed or being worked
    /// on.
    ///
    /// # Panics
    /// If they are not within 10 seconds of real time: it says what is under way. Or if the shop has no such route.
    #[track_caller]
    pub fn arrived(&self, route: &str, count: usize) -> impl Future<Output = ()> + Send + use<> {
        self.arrived_within(PATIENCE, route, count)
    }

    #[track_caller]
    fn arrived_within(
        &self,
        patience: Duration,
        route: &str,
        count: usize,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (shop, route) = (self.clone(), self.route(route));
        async move {
            let mut news = shop.0.news.subscribe();
            let mut late = std::pin::pin!(real_time(patience));
            loop {
                let those = shop.wire().under_way.values().cloned().collect::<Vec<_>>();
                if those.iter().filter(|(method, path)| route.fits(method, path)).count() >= count {
                    return;
                }
                tokio::select! {
                    biased;
                    _ = news.changed() => {} // It cannot fail: the shop has the sender.
                    () = &mut late => {
                        let those: Vec<_> = those.iter().map(|(method, path)| format!("{method} {path}")).collect();
                        let those = if those.is_empty() { "nothing".to_owned() } else { those.join(", ") };
                        panic!("{route} is not under way {count} times within {patience:?}, but {those}");
                    }
                }
            }
        }
    }

    /// Lets all that is held go on, and holds no more.
    pub fn release(&self) {
        self.wire().held.clear();
        self.0.news.send_replace(());
    }

    /// All requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<ShopRequest> {
        self.wire().requests.clone()
    }

    /// Those on one route.
    ///
    /// # Panics
    /// If the shop has no such route.
    #[track_caller]
    pub fn requests_on(&self, route: &str) -> Vec<ShopRequest> {
        let route = self.route(route);
        self.wire().on(&route).cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        let mut wire = self.wire();
        wire.forgotten += wire.requests.len();
        wire.requests.clear();
    }

    #[track_caller]
    fn route(&self, route: &str) -> faults::Route {
        let routes = self.shop().routes();
        faults::Route::from(route).among(&routes).unwrap_or_else(|why| panic!("{why}"))
    }

    fn shop(&self) -> MutexGuard<'_, Shop> {
        self.0.shop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wire(&self) -> MutexGuard<'_, wire::Log> {
        self.0.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits by a clock that no test pauses, and keeps no paused clock from going on.
async fn real_time(patience: Duration) {
    let (late, is_late) = tokio::sync::oneshot::channel::<()>();
    let (_waiting, left) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        // It ends with the one who waits.
        let _ = left.recv_timeout(patience);
        drop(late);
    });
    let _ = is_late.await;
}

/// A phone number as the shop knows it, however it is typed.
fn written(phone: &str) -> String {
    PhoneNumber::parse(phone).map_or_else(|_| phone.to_owned(), |phone| phone.as_str().to_owned())
}

impl fmt::Debug for FakeShop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeShop").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    #[should_panic = "GET /cart is not under way 2 times within 1ms, but GET /cart, GET /wishlist"]
    async fn what_does_not_arrive_is_said_with_what_has() {
        let shop = FakeShop::new();
        let market = shop.signed_in_client("+13128059851").await;
        shop.hold("*");
        tokio::spawn(market.cart().get());
        shop.arrived("GET /cart", 1).await;
        tokio::spawn(market.wishlist().get());
        shop.arrived("GET /wishlist", 1).await;
        shop.arrived_within(Duration::from_millis(1), "GET /cart", 2).await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic = "GET /cart is not under way 1 times within 1ms, but nothing"]
    async fn what_was_answered_and_what_was_left_is_not_under_way() {
        let shop = FakeShop::new();
        let market = shop.signed_in_client("+13128059851").await;
        market.cart().get().await.unwrap();
        shop.hold("*");
        let left = tokio::spawn(market.cart().get());
        shop.arrived("GET /cart", 1).await;
        left.abort();
        left.await.unwrap_err();
        shop.arrived_within(Duration::from_millis(1), "GET /cart", 1).await;
    }
}
