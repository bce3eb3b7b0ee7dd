//! The wishlist and its products.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::ids::{ProductId, UserId, WishlistId, WishlistItemId};
use super::market::Market;
use super::money::Money;
use super::wire::{Amount, Count, list_or_empty, some_text, text_or_empty};

/// A user's wishlist, as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wishlist {
    /// The wishlist's id.
    pub id: WishlistId,
    /// Whose it is, where the server says so.
    pub user_id: Option<UserId>,
    /// What is on it.
    pub items: Vec<WishlistItem>,
}

/// An entry of a wishlist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WishlistItem {
    /// The entry's id. Entries are removed by the product's id, not by this.
    pub id: WishlistItemId,
    /// The product.
    pub product: Product,
}

/// A product. Servers differ in how much they say of it: what they leave out is none or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Product {
    /// The product's id.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// Its name in web addresses.
    pub slug: Option<String>,
    /// Its brand.
    pub brand: Option<String>,
    /// What it costs.
    pub price: Option<Money>,
    /// What it cost before a discount.
    pub original_price: Option<Money>,
    /// The discount, in percent.
    pub discount: Option<Decimal>,
    /// The main picture's address.
    pub image: Option<String>,
    /// Further pictures' addresses.
    pub images: Vec<String>,
    /// Its category.
    pub category: Option<String>,
    /// Its category within the category.
    pub subcategory: Option<String>,
    /// The sizes it comes in.
    pub sizes: Vec<String>,
    /// The colours it comes in.
    pub colors: Vec<String>,
    /// The mean rating, in stars.
    pub rating: Option<Decimal>,
    /// How many people reviewed it.
    pub reviews: Option<i64>,
    /// How many were sold.
    pub sales_count: Option<i64>,
    /// Whether it can be bought now.
    pub in_stock: Option<bool>,
    /// A description.
    pub description: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct WishlistWire {
    id: WishlistId,
    user_id: Option<UserId>,
    items: Vec<WishlistItemWire>,
}

#[derive(Deserialize)]
struct WishlistItemWire {
    id: WishlistItemId,
    product: ProductWire,
}

// Camel case is the product's alone. `features` is left out: it was never seen with anything in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductWire {
    id: ProductId,
    #[serde(default, deserialize_with = "text_or_empty")]
    name: String,
    #[serde(default, deserialize_with = "text_or_empty")]
    title: String,
    #[serde(default, deserialize_with = "some_text")]
    slug: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    brand: Option<String>,
    price: Option<Amount>,
    original_price: Option<Amount>,
    discount: Option<Amount>,
    #[serde(default, deserialize_with = "some_text")]
    image: Option<String>,
    #[serde(default, deserialize_with = "list_or_empty")]
    images: Vec<String>,
    #[serde(default, deserialize_with = "some_text")]
    category: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    subcategory: Option<String>,
    #[serde(default, deserialize_with = "list_or_empty")]
    sizes: Vec<String>,
    #[serde(default, deserialize_with = "list_or_empty")]
    colors: Vec<String>,
    rating: Option<Amount>,
    reviews: Option<Count>,
    sales_count: Option<Count>,
    in_stock: Option<bool>,
    #[serde(default, deserialize_with = "some_text")]
    description: Option<String>,
}

impl WishlistWire {
    pub(crate) fn in_market(self, market: &Market) -> Wishlist {
        let currency = market.currency();
        let money = |amount: Option<Amount>| amount.map(|amount| Money::of(amount, &currency));
        let item = |item: WishlistItemWire| {
            let wire = item.product;
            let product = Product {
                id: wire.id,
                // The documented API calls the name `title`.
                name: if wire.name.is_empty() { wire.title } else { wire.name },
                slug: wire.slug,
                brand: wire.brand,
                price: money(wire.price),
                original_price: money(wire.original_price),
                discount: wire.discount.map(|percent| percent.0),
                image: wire.image,
                images: wire.images,
                category: wire.category,
                subcategory: wire.subcategory,
                sizes: wire.sizes,
                colors: wire.colors,
                rating: wire.rating.map(|stars| stars.0),
                reviews: wire.reviews.map(|count| count.0),
                sales_count: wire.sales_count.map(|count| count.0),
                in_stock: wire.in_stock,
                description: wire.description,
            };
            WishlistItem { id: item.id, product }
        };
        Wishlist { id: self.id, user_id: self.user_id, items: self.items.into_iter().map(item).collect() }
    }
}
