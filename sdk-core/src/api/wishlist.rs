//! The wishlist.

use std::sync::Arc;

use super::Core;
use crate::error::{ErrorCode, Result};
use crate::http::Made;
use crate::http::dialect::WishlistChange;
use crate::model::{ProductId, Wishlist};

/// The wishlist of the user who is signed in. The server keeps it.
///
/// # Errors
/// Besides those named at each call, all can end with `NotSignedIn`, `SessionExpired`, `SignedOut`,
/// `StoreLocked`, `StoreUnavailable`, `Network`, `Timeout`, `Tls`, `RateLimited`, `Server` and
/// `UnexpectedResponse`.
#[derive(Clone)]
pub struct WishlistApi {
    core: Arc<Core>,
}

impl WishlistApi {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Reads the wishlist.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// for item in market.wishlist().get().await?.items {
    ///     println!("{}", item.product.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn get(&self) -> impl Future<Output = Result<Wishlist>> + Send + use<> {
        let this = self.clone();
        async move {
            let made = this.core.http.made()?;
            this.core.dialect.wishlist_get(&this.core.http, &made).await
        }
    }

    /// Puts a product on the wishlist. That it is there already is no error.
    ///
    /// ```no_run
    /// # use market_sdk::ProductId;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// market.wishlist().add(ProductId(15)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if there is no such product (`Server` on servers that answer 500 to that).
    pub fn add(&self, product: ProductId) -> impl Future<Output = Result<Wishlist>> + Send + use<> {
        let this = self.clone();
        async move { this.change(&this.core.http.made()?, WishlistChange::Add(product)).await }
    }

    /// Takes a product off the wishlist.
    ///
    /// ```no_run
    /// # use market_sdk::ProductId;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// market.wishlist().remove(ProductId(15)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if it is not on it.
    pub fn remove(&self, product: ProductId) -> impl Future<Output = Result<Wishlist>> + Send + use<> {
        let this = self.clone();
        async move { this.change(&this.core.http.made()?, WishlistChange::Remove(product)).await }
    }

    /// Empties the wishlist. That it is empty already is no error.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// assert!(market.wishlist().clear().await?.items.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn clear(&self) -> impl Future<Output = Result<Wishlist>> + Send + use<> {
        let this = self.clone();
        async move {
            let made = this.core.http.made()?;
            match this.change(&made, WishlistChange::Clear).await {
                // No wishlist has been made yet. Reading makes one, and is the answer.
                Err(error) if error.code() == ErrorCode::NotFound => {
                    this.core.dialect.wishlist_get(&this.core.http, &made).await
                }
                other => other,
            }
        }
    }

    async fn change(&self, made: &Made, change: WishlistChange) -> Result<Wishlist> {
        self.core.dialect.wishlist_change(&self.core.http, made, change).await
    }
}
