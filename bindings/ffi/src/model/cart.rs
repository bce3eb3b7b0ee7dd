//! The cart.

use super::{Money, Url};

/// A user's cart, as the server has it.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Cart {
    /// The cart's id.
    pub id: i64,
    /// Whose it is, where the server says so.
    pub user_id: Option<i64>,
    /// The lines. Their order is the server's, and not stable from one answer to the next.
    pub items: Vec<CartLine>,
    /// What all of it costs, without shipping.
    pub total_price: Money,
}

impl From<market_sdk::Cart> for Cart {
    fn from(cart: market_sdk::Cart) -> Self {
        Self {
            id: cart.id.0.cast_signed(),
            user_id: cart.user_id.map(|id| id.0.cast_signed()),
            items: cart.items.into_iter().map(Into::into).collect(),
            total_price: cart.total_price.into(),
        }
    }
}

/// A line of a cart. One SKU may stand on two lines.
#[derive(Clone, Debug, uniffi::Record)]
pub struct CartLine {
    /// The line's id.
    pub id: i64,
    /// What it holds.
    pub sku_id: i64,
    /// How many pieces.
    pub quantity: i64,
    /// The product's name.
    pub name: String,
    /// What one piece costs.
    pub price: Money,
    /// A picture's address, if there is one.
    pub image: Option<Url>,
}

impl From<market_sdk::CartLine> for CartLine {
    fn from(line: market_sdk::CartLine) -> Self {
        Self {
            id: line.id.0.cast_signed(),
            sku_id: line.sku_id.0.cast_signed(),
            quantity: line.quantity,
            name: line.name,
            price: line.price.into(),
            image: line.image.and_then(Url::read),
        }
    }
}
