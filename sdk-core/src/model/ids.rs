//! Ids: numbers that the server gives out. On the wire they come as numbers or as strings of digits.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                Self(id)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::wire::Digits::deserialize(deserializer).map(|digits| Self(digits.0))
            }
        }
    )*};
}

ids! {
    /// A user. The id is unique within a market only.
    UserId;
    /// A stock keeping unit: one size and colour of a product.
    SkuId;
    /// A product.
    ProductId;
    /// A cart. Each user has one.
    CartId;
    /// A line of a cart.
    LineId;
    /// A wishlist. Each user has one.
    WishlistId;
    /// An entry of a wishlist.
    WishlistItemId;
    /// An order.
    OrderId;
    /// A line of an order.
    OrderLineId;
}
