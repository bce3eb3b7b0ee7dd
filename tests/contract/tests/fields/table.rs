//! Every field of every answer that the SDK decodes. A field that the SDK reads and that is not here is not
//! tested: whoever adds one adds a row. (`main.rs` notices when a public type has gained a field without one;
//! of a field that is read and not shown, as an order's currency, nothing tells.)

use std::borrow::Cow;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A whole number that is not negative.
    Id,
    /// A decimal number.
    Amount,
    /// A whole number.
    Count,
    Text,
    Bool,
    Date,
    List,
    Object,
}

/// A field of an answer.
#[derive(Clone)]
pub(crate) struct Field {
    /// Where it is in the answer: `items.0.id`; empty for the whole.
    pub(crate) at: Cow<'static, str>,
    pub(crate) kind: Kind,
    /// Where it shows in what the SDK gives; empty where it only has a part in something else.
    pub(crate) shown: Cow<'static, str>,
    /// What is shown there without it, as `Debug` has it; none for a field that must be there.
    pub(crate) without: Option<&'static str>,
}

const fn must(at: &'static str, kind: Kind, shown: &'static str) -> Field {
    Field { at: Cow::Borrowed(at), kind, shown: Cow::Borrowed(shown), without: None }
}

const fn may(at: &'static str, kind: Kind, shown: &'static str, without: &'static str) -> Field {
    Field { at: Cow::Borrowed(at), kind, shown: Cow::Borrowed(shown), without: Some(without) }
}

/// The fields of something that is the part `at` of a larger answer, and the part `shown` of what the SDK
/// gives.
pub(crate) fn part(at: &str, shown: &str, whole: Kind, fields: &[Field]) -> Vec<Field> {
    let mut all = vec![must("", whole, "")];
    all.extend(fields.iter().map(|field| Field {
        at: join(at, &field.at).into(),
        // What shows nowhere goes on to show nowhere.
        shown: if field.shown.is_empty() { "".into() } else { join(shown, &field.shown).into() },
        ..field.clone()
    }));
    all
}

fn join(path: &str, name: &str) -> String {
    [path, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

use Kind::*;

const NONE: &str = "None";
const EMPTY_TEXT: &str = "\"\"";
const EMPTY_LIST: &str = "[]";

pub(crate) const CODE_SENT: &[Field] =
    &[must("", Object, ""), may("expires_in_minutes", Id, "expires_at", NONE)];

pub(crate) const SIGN_IN: &[Field] = &[
    must("", Object, ""),
    must("access_token", Text, ""),
    // Without it the token says when: that it counts is tested where sessions are.
    may("expires_in", Id, "", ""),
    must("user", Object, ""),
    must("user.id", Id, "user.id"),
    may("user.full_name", Text, "user.full_name", NONE),
    // Each of the two stands in for the other, the token and the phone for both.
    may("user.market", Text, "user.market", "Us"),
    may("market", Text, "user.market", "Us"),
    may("is_new_user", Bool, "is_new_user", NONE),
];

pub(crate) const TOKEN_STATUS: &[Field] = &[
    must("", Object, ""),
    must("valid", Bool, "valid"),
    may("user_id", Id, "user_id", NONE),
    may("market", Text, "market", NONE),
];

pub(crate) const PROFILE: &[Field] = &[
    must("", Object, ""),
    must("id", Id, "id"),
    may("phone_number", Text, "phone", NONE),
    may("full_name", Text, "full_name", NONE),
    may("profile_image_url", Text, "profile_image_url", NONE),
    may("is_active", Bool, "is_active", NONE),
    may("is_verified", Bool, "is_verified", NONE),
    may("market", Text, "market", NONE),
    may("language", Text, "language", NONE),
    may("country", Text, "country", NONE),
    may("currency_code", Text, "currency", NONE),
    may("last_login", Date, "last_login", NONE),
    may("created_at", Date, "created_at", NONE),
];

pub(crate) const MARKETS: &[Field] = &[
    must("", Object, ""),
    may("default_market", Text, "default", NONE),
    must("supported_markets", List, "supported"),
    must("supported_markets.0", Object, ""),
    must("supported_markets.0.market", Text, "supported.0.market"),
    may("supported_markets.0.country", Text, "supported.0.country", NONE),
    may("supported_markets.0.currency", Text, "supported.0.currency_sign", NONE),
    may("supported_markets.0.currency_code", Text, "supported.0.currency", NONE),
    may("supported_markets.0.language", Text, "supported.0.language", NONE),
    may("supported_markets.0.phone_prefix", Text, "supported.0.phone_prefix", NONE),
    may("supported_markets.0.phone_format", Text, "supported.0.phone_format", NONE),
];

pub(crate) const CART: &[Field] = &[
    must("", Object, ""),
    must("id", Id, "id"),
    may("user_id", Id, "user_id", NONE),
    must("total_price", Amount, "total_price"),
    must("items", List, "items"),
    must("items.0", Object, ""),
    must("items.0.id", Id, "items.0.id"),
    must("items.0.sku_id", Id, "items.0.sku_id"),
    must("items.0.quantity", Count, "items.0.quantity"),
    may("items.0.name", Text, "items.0.name", EMPTY_TEXT),
    must("items.0.price", Amount, "items.0.price"),
    may("items.0.image", Text, "items.0.image", NONE),
];

pub(crate) const WISHLIST: &[Field] = &[
    must("", Object, ""),
    must("id", Id, "id"),
    may("user_id", Id, "user_id", NONE),
    must("items", List, "items"),
    must("items.0", Object, ""),
    must("items.0.id", Id, "items.0.id"),
    must("items.0.product", Object, ""),
    must("items.0.product.id", Id, "items.0.product.id"),
    // The title stands in for the name.
    may("items.0.product.name", Text, "items.0.product.name", "\"A scarf\""),
    may("items.0.product.title", Text, "", ""),
    may("items.0.product.slug", Text, "items.0.product.slug", NONE),
    may("items.0.product.brand", Text, "items.0.product.brand", NONE),
    may("items.0.product.price", Amount, "items.0.product.price", NONE),
    may("items.0.product.originalPrice", Amount, "items.0.product.original_price", NONE),
    may("items.0.product.discount", Amount, "items.0.product.discount", NONE),
    may("items.0.product.image", Text, "items.0.product.image", NONE),
    may("items.0.product.images", List, "items.0.product.images", EMPTY_LIST),
    must("items.0.product.images.0", Text, "items.0.product.images.0"),
    may("items.0.product.category", Text, "items.0.product.category", NONE),
    may("items.0.product.subcategory", Text, "items.0.product.subcategory", NONE),
    may("items.0.product.sizes", List, "items.0.product.sizes", EMPTY_LIST),
    must("items.0.product.sizes.0", Text, "items.0.product.sizes.0"),
    may("items.0.product.colors", List, "items.0.product.colors", EMPTY_LIST),
    must("items.0.product.colors.0", Text, "items.0.product.colors.0"),
    may("items.0.product.rating", Amount, "items.0.product.rating", NONE),
    may("items.0.product.reviews", Count, "items.0.product.reviews", NONE),
    may("items.0.product.salesCount", Count, "items.0.product.sales_count", NONE),
    may("items.0.product.inStock", Bool, "items.0.product.in_stock", NONE),
    may("items.0.product.description", Text, "items.0.product.description", NONE),
];

pub(crate) const ORDER: &[Field] = &[
    must("", Object, ""),
    must("id", Id, "id"),
    may("order_number", Text, "order_number", NONE),
    must("status", Text, "status"),
    may("customer_name", Text, "customer_name", NONE),
    may("customer_phone", Text, "customer_phone", NONE),
    may("delivery_address", Text, "delivery_address", NONE),
    may("subtotal", Amount, "subtotal", NONE),
    may("shipping_cost", Amount, "shipping_cost", NONE),
    must("total_amount", Amount, "total_amount"),
    // The market's stands in, which is the same here: that it counts is tested where orders are.
    may("currency", Text, "", ""),
    may("order_date", Date, "order_date", NONE),
    may("items", List, "items", EMPTY_LIST),
    must("items.0", Object, ""),
    must("items.0.id", Id, "items.0.id"),
    may("items.0.product_name", Text, "items.0.product_name", EMPTY_TEXT),
    may("items.0.sku_code", Text, "items.0.sku_code", NONE),
    may("items.0.size", Text, "items.0.size", NONE),
    may("items.0.color", Text, "items.0.color", NONE),
    must("items.0.unit_price", Amount, "items.0.unit_price"),
    must("items.0.quantity", Count, "items.0.quantity"),
    must("items.0.total_price", Amount, "items.0.total_price"),
];

pub(crate) const CANCELLED: &[Field] =
    &[must("", Object, ""), must("order_id", Id, "id"), must("status", Text, "status")];
