//! What an app calls, one file per area.

mod cart;
mod carts;
mod codes;
mod doubt;
mod orders;
mod placing;
pub(crate) mod raw;
mod session;
mod wishlist;

#[cfg(test)]
pub(crate) use self::{doubt::leaves_cart_in_doubt, placing::leaves_no_order};
pub use cart::{CartApi, Carts};
pub use orders::OrdersApi;
pub use session::{EndListener, ExpiringSoonListener, SessionApi, SessionStates};
pub use wishlist::WishlistApi;

use self::codes::CodesSent;
use self::placing::Placing;
use crate::http::Http;
use crate::http::dialect::Dialect;
use crate::http::lane::Lane;
use crate::journal::Journal;
use crate::model::Market;
use crate::session::Keeper;

/// What the areas share.
pub(crate) struct Core {
    pub(crate) http: Http,
    pub(crate) keeper: Keeper,
    pub(crate) dialect: Dialect,
    pub(crate) cart_lane: Lane,
    carts: carts::Carts,
    pub(crate) codes: CodesSent,
    placing: Placing,
    /// The market that the app was built for, if it was built for one.
    pub(crate) market: Option<Market>,
}

impl Core {
    pub(crate) fn new(http: Http, keeper: Keeper, market: Option<Market>, journal: Journal) -> Self {
        Self {
            http,
            keeper,
            dialect: Dialect::new(),
            cart_lane: Lane::default(),
            carts: carts::Carts::default(),
            codes: CodesSent::default(),
            placing: Placing::new(journal),
            market,
        }
    }

    /// Nobody is to be shown the cart any more.
    fn forget_cart(&self) {
        self.carts.forget(self.keeper.lineage());
    }
}
