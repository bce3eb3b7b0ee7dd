//! The wishlist and its products.

use rust_decimal::Decimal;

use super::{Money, Url};

/// A user's wishlist, as the server has it.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Wishlist {
    /// The wishlist's id.
    pub id: i64,
    /// Whose it is, where the server says so.
    pub user_id: Option<i64>,
    /// What is on it.
    pub items: Vec<WishlistItem>,
}

impl From<market_sdk::Wishlist> for Wishlist {
    fn from(wishlist: market_sdk::Wishlist) -> Self {
        Self {
            id: wishlist.id.0.cast_signed(),
            user_id: wishlist.user_id.map(|id| id.0.cast_signed()),
            items: wishlist.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// An entry of a wishlist.
#[derive(Clone, Debug, uniffi::Record)]
pub struct WishlistItem {
    /// The entry's id. Entries are removed by the product's id, not by this.
    pub id: i64,
    /// The product.
    pub product: Product,
}

impl From<market_sdk::WishlistItem> for WishlistItem {
    fn from(item: market_sdk::WishlistItem) -> Self {
        Self { id: item.id.0.cast_signed(), product: item.product.into() }
    }
}

/// A product. Servers differ in how much they say of it: what they leave out is none or empty.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Product {
    /// The product's id.
    pub id: i64,
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
    pub image: Option<Url>,
    /// Further pictures' addresses.
    pub images: Vec<Url>,
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
    /// What the shop says of it.
    pub description: Option<String>,
}

impl From<market_sdk::Product> for Product {
    fn from(product: market_sdk::Product) -> Self {
        Self {
            id: product.id.0.cast_signed(),
            name: product.name,
            slug: product.slug,
            brand: product.brand,
            price: product.price.map(Into::into),
            original_price: product.original_price.map(Into::into),
            discount: product.discount,
            image: product.image.and_then(Url::read),
            images: product.images.into_iter().filter_map(Url::read).collect(),
            category: product.category,
            subcategory: product.subcategory,
            sizes: product.sizes,
            colors: product.colors,
            rating: product.rating,
            reviews: product.reviews,
            sales_count: product.sales_count,
            in_stock: product.in_stock,
            description: product.description,
        }
    }
}
