//! The client SDK for the market API: it holds the session, so that a shop's front end never handles a token.
//!
//! A user signs in with a phone number and a code; the SDK stores the session in the operating system's own
//! secure store, sends the token and the market with every call, notices when the session ends, and says so
//! once. Carts, wishlists and orders are the server's: they are there after an expiry, a logout, a week, and
//! on another device.
//!
//! ```no_run
//! use market_sdk::{EndReason, MarketClient, NewOrder, SkuId};
//!
//! # fn login_screen(_: market_sdk::EndReason) {}
//! # async fn example() -> market_sdk::Result<()> {
//! let market = MarketClient::builder("https://api.example.com/api/v1")
//!     .app_id("com.example.shop")          // names the stored session; the OS keyring is the default store
//!     .build()?;
//!
//! let session = market.session();
//! session.on_end(|end| if end.reason != EndReason::Replaced { login_screen(end.reason) });  // once per session
//!
//! if !session.restore().await?.is_signed_in() {
//!     session.request_code("+13128059851").await?;
//!     session.verify_code("+13128059851", "123456").await?;
//! }
//! let cart = market.cart().add(SkuId(42), 2).await?;
//! println!("{} lines, {}", cart.items.len(), cart.total_price);   // 1 lines, USD 39.98
//!
//! let order = market.orders().place(NewOrder::from_cart("Ann", "+13128059851", "1 Main St")).await?;
//! session.logout().await?;
//! # Ok(()) }
//! ```
//!
//! Every call ends with a value or an [`Error`], whose [`ErrorCode`] says what an app does about it.

#![forbid(unsafe_code)]

mod api;
mod builder;
mod client;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod journal;
mod model;
mod outside;
mod session;
mod store;
#[cfg(feature = "test-kit")]
pub mod test_kit;

#[cfg(test)]
mod tests;

pub use api::{
    CartApi, Carts, EndListener, ExpiringSoonListener, OrdersApi, SessionApi, SessionStates, WishlistApi,
};
pub use builder::MarketClientBuilder;
pub use client::MarketClient;
pub use error::{Error, ErrorCode, FieldError, Result};
pub use model::*;
pub use rust_decimal::Decimal;
#[cfg(unix)]
pub use store::FileStore;
pub use store::{KeyringStore, MemoryStore, SecureStore, StoreError, StoreRead};

/// README.md's Rust, compiled with the doc tests. It shows the test kit too.
#[cfg(all(doctest, feature = "test-kit"))]
#[doc = include_str!("../../README.md")]
struct Readme;
