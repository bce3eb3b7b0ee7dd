//! What an app calls, one file per area.

mod cart;
pub(crate) mod codes;
mod orders;
mod raw;
mod session;
mod wishlist;

pub use cart::CartApi;
pub use orders::OrdersApi;
pub use session::{EndListener, SessionApi, SessionStates};
pub use wishlist::WishlistApi;
