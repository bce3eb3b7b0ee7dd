//! The client: it wires the rooms together, and holds no logic of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::api::{CartApi, Core, OrdersApi, SessionApi, WishlistApi, raw};
use crate::builder::MarketClientBuilder;
use crate::error::Result;
use crate::http::Http;
use crate::http::transport::Transport;
use crate::journal::Journal;
use crate::model::{Market, RawRequest, RawResponse};
use crate::session::{Keeper, Parts};

/// A client of one market server, and the session of the one user who can be signed in on it.
///
/// Build one when the app starts and keep it. Clones are cheap and the same client. It may be used from any
/// number of tasks and threads; its calls are made within a tokio runtime of either flavour, with time and I/O enabled
/// (`enable_all`).
///
/// ```no_run
/// use market_sdk::{MarketClient, SkuId};
///
/// # async fn example() -> market_sdk::Result<()> {
/// let market = MarketClient::builder("https://api.example.com/api/v1")
///     .app_id("com.example.shop")
///     .build()?;
/// let cart = market.cart().add(SkuId(42), 2).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MarketClient {
    pub(crate) core: Arc<Core>,
}

impl MarketClient {
    /// Starts to build a client for the server at `base_url`: `https://host`, with a port and a path prefix if
    /// there are any. A proxy that the environment names (`HTTPS_PROXY`) is used; it sees TLS alone.
    ///
    /// ```
    /// # use market_sdk::{MarketClient, MemoryStore};
    /// let market = MarketClient::builder("https://api.example.com/api/v1")
    ///     .app_id("com.example.shop")
    ///     .store(MemoryStore::default())
    ///     .build()?;
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn builder(base_url: impl Into<String>) -> MarketClientBuilder {
        MarketClientBuilder::new(base_url.into())
    }

    /// The session: signing in and out, the state, the profile.
    ///
    /// ```
    /// # fn example(market: market_sdk::MarketClient) {
    /// let signed_in = market.session().state().is_signed_in();
    /// # }
    /// ```
    pub fn session(&self) -> SessionApi {
        SessionApi::new(self.core.clone())
    }

    /// The cart.
    ///
    /// ```
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let cart = market.cart().get().await?;
    /// # Ok(()) }
    /// ```
    pub fn cart(&self) -> CartApi {
        CartApi::new(self.core.clone())
    }

    /// The wishlist.
    ///
    /// ```
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let wishlist = market.wishlist().get().await?;
    /// # Ok(()) }
    /// ```
    pub fn wishlist(&self) -> WishlistApi {
        WishlistApi::new(self.core.clone())
    }

    /// The orders.
    ///
    /// ```
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let newest = market.orders().list(Default::default()).await?;
    /// # Ok(()) }
    /// ```
    pub fn orders(&self) -> OrdersApi {
        OrdersApi::new(self.core.clone())
    }

    /// Makes a request to a route that the SDK has no typed call for, through the same door as all others: with
    /// the token, the market, the deadline, retries and errors, and to the client's own server only.
    ///
    /// ```no_run
    /// # use market_sdk::{Method, RawRequest};
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let shoes = RawRequest::new(Method::Get, "/products").query("category", "shoes");
    /// let products: Vec<serde_json::Value> = market.request(shoes).await?.json()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if the path does not start with one slash, has empty, `.` or `..` segments, or holds a
    /// query, a fragment or a backslash; and for signing in and out, which would hand the app a token or end the
    /// session behind the SDK's back. Otherwise as every call, by the answer's status.
    pub fn request(&self, request: RawRequest) -> impl Future<Output = Result<RawResponse>> + Send + use<> {
        raw::request(self.core.clone(), request)
    }

    /// Wires a client from its outer parts.
    pub(crate) fn assemble(
        transport: Box<dyn Transport>,
        parts: Parts,
        base: Url,
        timeout: Duration,
        market: Option<Market>,
        journal: Journal,
    ) -> Self {
        let keeper = Keeper::new(parts);
        let http = Http::new(transport, keeper.clone(), base, timeout);
        Self { core: Arc::new(Core::new(http, keeper, market, journal)) }
    }
}

impl fmt::Debug for MarketClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarketClient").finish_non_exhaustive()
    }
}
