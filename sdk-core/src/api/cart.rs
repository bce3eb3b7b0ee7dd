//! The cart.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};

use super::{Core, carts, doubt};
use crate::error::{Error, ErrorCode, Result};
use crate::http::call::Call;
use crate::model::{Cart, CartWire, LineId, SkuId};

/// The cart of the user who is signed in.
///
/// The server keeps it: it is there after an expiry, a logout and on another device. Calls reach the server one
/// at a time, in the order in which they were made. A call that is dropped while it waits is not made; a change
/// that has begun is completed all the same.
///
/// # Errors
/// Besides those named at each call, all can end with `NotSignedIn`, `SessionExpired`, `SignedOut`,
/// `StoreLocked`, `StoreUnavailable`, `Network`, `Timeout`, `Tls`, `RateLimited`, `Server` and
/// `UnexpectedResponse`.
#[derive(Clone)]
pub struct CartApi {
    core: Arc<Core>,
}

impl CartApi {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Reads the cart.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let cart = market.cart().get().await?;
    /// println!("{} lines, {}", cart.items.len(), cart.total_price);
    /// # Ok(()) }
    /// ```
    pub fn get(&self) -> impl Future<Output = Result<Cart>> + Send + use<> {
        let this = self.clone();
        async move { carts::read(&this.core, &this.core.http.made()?).await }
    }

    /// The cart as this client's calls show it: the present one first, then each change once, the newest last; who
    /// looks late sees the latest, not all in between. `None` is said when there is none to show: nobody is signed in,
    /// another user is, or no call has read it yet. It stays over an expiry, and goes with a logout at once.
    ///
    /// Observing reads nothing by itself: call [`get`](Self::get) when a screen appears. But a change that failed, and an
    /// order from the cart, end in a fresh read while somebody observes, or as soon as somebody does: after the next
    /// sign-in if an expiry stops it, and later, now and then, if the server is in trouble. It ends with the client.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) {
    /// let mut carts = market.cart().subscribe();
    /// while let Some(cart) = carts.next().await {
    ///     println!("{} lines", cart.map_or(0, |cart| cart.items.len()));
    /// }
    /// # }
    /// ```
    pub fn subscribe(&self) -> Carts {
        let following = self.core.carts.follow(self.core.keeper.lineages());
        let new = Some(Arc::downgrade(&self.core));
        let carts = stream::unfold((following, new), |(mut following, new)| async move {
            if let Some(core) = new.and_then(|core| core.upgrade()) {
                doubt::see_to(&core);
            }
            let cart = following.next().await?;
            Some((cart, (following, None)))
        });
        Carts(carts.boxed())
    }

    /// Adds `quantity` pieces, 1 to 100, of a SKU. If the cart has a line of it, that line grows.
    ///
    /// A call whose answer was lost (`Network`, `Timeout`) is not made again by itself, and may have added:
    /// read the cart before adding again.
    ///
    /// ```no_run
    /// # use market_sdk::SkuId;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let cart = market.cart().add(SkuId(42), 2).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for `quantity`; `NotFound` or `Rejected` if there is no such SKU or not enough of it, on
    /// servers that say so (deployed ones answer an unknown SKU with `Server`).
    pub fn add(&self, sku: SkuId, quantity: u32) -> impl Future<Output = Result<Cart>> + Send + use<> {
        let this = self.clone();
        async move {
            valid(quantity, 1)?;
            this.write(this.core.dialect.cart_add(sku, quantity)).await
        }
    }

    /// Sets how many pieces a line holds, 0 to 100; 0 removes it.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient, cart: market_sdk::Cart) -> market_sdk::Result<()> {
    /// for line in &cart.items {
    ///     market.cart().set_quantity(line.id, 1).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for `quantity`; `NotFound` if the line is not there.
    pub fn set_quantity(
        &self,
        line: LineId,
        quantity: u32,
    ) -> impl Future<Output = Result<Cart>> + Send + use<> {
        let this = self.clone();
        async move {
            valid(quantity, 0)?;
            // Deployed servers would keep a line of no pieces.
            let call = match quantity {
                0 => this.core.dialect.cart_remove(line),
                _ => this.core.dialect.cart_set(line, quantity),
            };
            this.write(call).await
        }
    }

    /// Removes a line.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient, cart: market_sdk::Cart) -> market_sdk::Result<()> {
    /// if let Some(line) = cart.items.first() {
    ///     market.cart().remove(line.id).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the line is not there.
    pub fn remove(&self, line: LineId) -> impl Future<Output = Result<Cart>> + Send + use<> {
        let this = self.clone();
        async move { this.write(this.core.dialect.cart_remove(line)).await }
    }

    /// Removes all lines. An empty cart is no error.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let cart = market.cart().clear().await?;
    /// assert!(cart.items.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn clear(&self) -> impl Future<Output = Result<Cart>> + Send + use<> {
        let this = self.clone();
        async move {
            let made = this.core.http.made()?;
            let (core, of) = (this.core.clone(), made.clone());
            let clear = async move {
                let made = of;
                let cleared = match core.http.json::<CartWire>(&made, &core.dialect.cart_clear()).await {
                    // No cart has been made yet. Reading makes one, and is the answer.
                    Err(error) if error.code() == ErrorCode::NotFound => {
                        core.dialect.cart_get(&core.http, &made).await
                    }
                    cleared => cleared,
                };
                carts::written(&core, &made, cleared)
            };
            this.core.cart_lane.write(&made, clear).await
        }
    }

    async fn write(&self, call: Call) -> Result<Cart> {
        let made = self.core.http.made()?;
        let (core, of) = (self.core.clone(), made.clone());
        let write = async move {
            let made = of;
            carts::written(&core, &made, core.http.json::<CartWire>(&made, &call).await)
        };
        self.core.cart_lane.write(&made, write).await
    }
}

fn valid(quantity: u32, least: u32) -> Result<()> {
    if (least..=100).contains(&quantity) {
        Ok(())
    } else {
        Err(Error::invalid("quantity", format!("Enter a quantity from {least} to 100.")))
    }
}

/// The carts that [`CartApi::subscribe`] shows: a [`Stream`] that begins with the present one.
pub struct Carts(BoxStream<'static, Option<Cart>>);

impl Carts {
    /// The next cart, or that there is none to show; none at all once the client is gone.
    pub async fn next(&mut self) -> Option<Option<Cart>> {
        self.0.next().await
    }
}

impl Stream for Carts {
    type Item = Option<Cart>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Option<Cart>>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for Carts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carts")
    }
}
