//! The records that calls take and give. They mirror the core's, where each is described at length.

mod cart;
mod common;
mod orders;
mod raw;
mod session;
mod url;
mod wishlist;

pub use cart::{Cart, CartLine};
pub use common::{Market, MarketInfo, Markets, Money};
pub(crate) use common::{id, quantity};
pub use orders::{
    CancelledOrder, NewOrder, NewOrderItem, Order, OrderLine, OrderOutcome, OrderQuery, OrderStatus,
};
pub use raw::{Method, QueryParameter, RawRequest, RawResponse};
pub use session::{
    CodeSent, EndReason, ExpiringSoon, LockedReason, Profile, ProfileUpdate, SessionEnd, SessionState,
    SignIn, SignedOutReason, TokenStatus, User,
};
pub use url::Url;
pub use wishlist::{Product, Wishlist, WishlistItem};
