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
//! builder. What is called on threads of their own (listeners of [`on_end`](crate::SessionApi::on_end), say) is
//! waited for with a channel.

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

pub use self::catalogue::FakeProduct;
pub use self::dev_server::DevServer;
pub use self::faults::Fault;
use self::shop::Shop;
use crate::client::MarketClient;
use crate::error::Result;
use crate::model::{OrderId, OrderStatus, SignIn, SkuId, UserId};
use crate::{MarketClientBuilder, MemoryStore};

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
    /// Told whenever something comes, waits or may go on.
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
        builder.build_on(|asked| {
            let key = asked.key();
            let store = asked.store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
            crate::outside::Outside {
                transport: Box::new(wire::Wire::new(self.clone(), asked.base.path())),
                entries: Box::new(self.0.lines.entries(store, key)),
                clock: self.0.clock.clone(),
                timers: Arc::new(self.0.lines.clone()),
            }
        })
    }

    /// Signs in as a person does: asks for a code, and enters it.
    ///
    /// # Errors
    /// Those of the two calls.
    pub async fn sign_in(&self, market: &MarketClient, phone: &str) -> Result<SignIn> {
        let session = market.session();
        session.request_code(phone).await?;
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

    /// Sells something more, in both markets.
    pub fn add_product(&self, product: FakeProduct) {
        self.shop().goods.push(product.into());
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

    /// How many orders there are, of all users: whether none was doubled.
    pub fn orders(&self) -> usize {
        self.shop().count_orders()
    }

    /// The shop has done something with an order.
    ///
    /// # Panics
    /// If there is no such order.
    #[track_caller]
    pub fn set_order_status(&self, order: OrderId, status: OrderStatus) {
        assert!(self.shop().set_status(order.0, status.as_str()), "there is no order {order}");
    }

    /// Fails the next call, with each attempt that the client makes at it. It tries a read again after a moment, for which
    /// a paused clock takes no time.
    ///
    /// A call may be more than one request: before an order is placed the newest one is read.
    /// [`fail_next_on`](Self::fail_next_on) says which.
    pub fn fail_next(&self, fault: Fault) {
        self.fail_next_on("*", fault);
    }

    /// Fails the next request on this route, such as `POST /cart/items`, with each attempt that the client makes at it.
    /// `{…}` stands for a part of the path, `*` for any route. More than one are used up in order.
    pub fn fail_next_on(&self, route: &str, fault: Fault) {
        self.wire().next.push((route.into(), fault));
    }

    /// Fails all requests on this route until [`recover`](Self::recover). `*` for any: the network is gone.
    pub fn fail_all(&self, route: &str, fault: Fault) {
        self.wire().always.push((route.into(), fault));
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
    pub fn hold(&self, route: &str) {
        self.wire().held.push(route.into());
    }

    /// Returns when a request on this route is held.
    ///
    /// # Panics
    /// If none comes within a minute of tokio's clock.
    pub async fn until_held(&self, route: &str) {
        let route = faults::Route::from(route);
        let mut news = self.0.news.subscribe();
        let held = async {
            while !self.wire().is_waiting(&route) {
                let _ = news.changed().await; // It cannot fail: the shop has the sender.
            }
        };
        tokio::time::timeout(Duration::from_secs(60), held).await.expect("no request came that is held");
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
    pub fn requests_on(&self, route: &str) -> Vec<ShopRequest> {
        let route = faults::Route::from(route);
        let fits = |request: &ShopRequest| route.fits(&request.method, &request.path);
        self.requests().into_iter().filter(fits).collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        let mut wire = self.wire();
        wire.forgotten += wire.requests.len();
        wire.requests.clear();
    }

    fn shop(&self) -> MutexGuard<'_, Shop> {
        self.0.shop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wire(&self) -> MutexGuard<'_, wire::Log> {
        self.0.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FakeShop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeShop").finish_non_exhaustive()
    }
}
