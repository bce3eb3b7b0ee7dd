//! The cart.

use serde::Deserialize;

use super::ids::{CartId, LineId, SkuId, UserId};
use super::market::Market;
use super::money::Money;
use super::wire::{Amount, Count, some_text, text_or_empty};

/// A user's cart, as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cart {
    /// The cart's id.
    pub id: CartId,
    /// Whose it is, where the server says so.
    pub user_id: Option<UserId>,
    /// The lines. Their order is the server's, and not stable from one answer to the next.
    pub items: Vec<CartLine>,
    /// What all of it costs, without shipping.
    pub total_price: Money,
}

/// A line of a cart. One SKU may stand on two lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CartLine {
    /// The line's id.
    pub id: LineId,
    /// What it holds.
    pub sku_id: SkuId,
    /// How many pieces.
    pub quantity: i64,
    /// The product's name.
    pub name: String,
    /// What one piece costs.
    pub price: Money,
    /// A picture's address, if there is one.
    pub image: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct CartWire {
    id: CartId,
    user_id: Option<UserId>,
    items: Vec<CartLineWire>,
    total_price: Amount,
}

#[derive(Deserialize)]
struct CartLineWire {
    id: LineId,
    sku_id: SkuId,
    quantity: Count,
    #[serde(default, deserialize_with = "text_or_empty")]
    name: String,
    price: Amount,
    #[serde(default, deserialize_with = "some_text")]
    image: Option<String>,
}

impl CartWire {
    pub(crate) fn in_market(self, market: &Market) -> Cart {
        let currency = market.currency();
        let line = |line: CartLineWire| CartLine {
            id: line.id,
            sku_id: line.sku_id,
            quantity: line.quantity.0,
            name: line.name,
            price: Money::of(line.price, &currency),
            image: line.image,
        };
        Cart {
            id: self.id,
            user_id: self.user_id,
            items: self.items.into_iter().map(line).collect(),
            total_price: Money::of(self.total_price, &currency),
        }
    }
}
