//! The types that calls take and give. They mirror the files of the api room.

mod cart;
mod ids;
mod market;
mod money;
mod orders;
mod phone;
mod raw;
mod session;
pub(crate) mod wire;
mod wishlist;

pub(crate) use cart::CartWire;
pub use cart::{Cart, CartLine};
pub use ids::{CartId, LineId, OrderId, OrderLineId, ProductId, SkuId, UserId, WishlistId, WishlistItemId};
pub(crate) use market::MarketsWire;
pub use market::{Market, MarketInfo, Markets};
pub use money::{Currency, Money};
pub use orders::{
    CancelledOrder, NewOrder, NewOrderItem, Order, OrderLine, OrderOutcome, OrderQuery, OrderStatus,
};
pub(crate) use orders::{CancelledWire, OrderWire};
pub use phone::PhoneNumber;
pub use raw::{Method, RawRequest, RawResponse};
pub use session::{
    CodeSent, EndReason, ExpiringSoon, LockedReason, Profile, ProfileUpdate, SessionEnd, SessionState,
    SignIn, SignedOutReason, TokenStatus, User,
};
pub(crate) use session::{CodeSentWire, ProfileUpdatedWire, ProfileWire, SignInWire, TokenStatusWire};
pub(crate) use wishlist::WishlistWire;
pub use wishlist::{Product, Wishlist, WishlistItem};
