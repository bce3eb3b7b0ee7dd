//! How the calls that differ between servers look on the wire. All of it is here.
//!
//! This speaks the documented dialect.

use http::Method;
use serde_json::json;

use super::call::Call;
use crate::model::{LineId, OrderId, OrderQuery, ProductId, SkuId};

pub(crate) struct Dialect;

impl Dialect {
    pub(crate) fn cart_get(&self) -> Call {
        Call::new("cart", "get", Method::GET, "/cart")
    }

    // Deployed servers want to be told the user, and then go by the token.
    pub(crate) fn cart_add(&self, sku: SkuId, quantity: u32) -> Call {
        let body = json!({ "sku_id": sku, "quantity": quantity });
        Call::new("cart", "add", Method::POST, "/cart/items").body(body).naming_user()
    }

    // Deployed servers read the query, documented clients send the body.
    pub(crate) fn cart_set(&self, line: LineId, quantity: u32) -> Call {
        Call::new("cart", "set_quantity", Method::PUT, format!("/cart/items/{line}"))
            .query("quantity", quantity)
            .body(json!({ "quantity": quantity }))
    }

    // Not made again by itself: after a lost answer the line is gone, and a second call would say 404.
    pub(crate) fn cart_remove(&self, line: LineId) -> Call {
        Call::new("cart", "remove", Method::DELETE, format!("/cart/items/{line}")).once()
    }

    pub(crate) fn cart_clear(&self) -> Call {
        Call::new("cart", "clear", Method::DELETE, "/cart")
    }

    pub(crate) fn wishlist_get(&self) -> Call {
        Call::new("wishlist", "get", Method::GET, "/wishlist")
    }

    // Adding twice adds no second entry and is no error.
    pub(crate) fn wishlist_add(&self, product: ProductId) -> Call {
        Call::new("wishlist", "add", Method::POST, "/wishlist/items")
            .body(json!({ "product_id": product }))
            .idempotent()
    }

    pub(crate) fn wishlist_remove(&self, product: ProductId) -> Call {
        Call::new("wishlist", "remove", Method::DELETE, format!("/wishlist/items/{product}")).once()
    }

    pub(crate) fn wishlist_clear(&self) -> Call {
        Call::new("wishlist", "clear", Method::DELETE, "/wishlist")
    }

    pub(crate) fn order_place(&self) -> Call {
        Call::new("orders", "place", Method::POST, "/orders/create")
    }

    pub(crate) fn order_list(&self, query: &OrderQuery) -> Call {
        let call = Call::new("orders", "list", Method::GET, "/orders")
            .query("limit", query.limit)
            .query("offset", query.offset);
        match &query.status {
            Some(status) => call.query("status_filter", status),
            None => call,
        }
    }

    pub(crate) fn order_get(&self, order: OrderId) -> Call {
        Call::new("orders", "get", Method::GET, format!("/orders/{order}"))
    }

    // Cancelling twice is refused, so a second call after a lost answer would report a failure that is none.
    pub(crate) fn order_cancel(&self, order: OrderId) -> Call {
        Call::new("orders", "cancel", Method::POST, format!("/profile/orders/{order}/cancel"))
    }
}
