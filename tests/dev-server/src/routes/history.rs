//! Orders that are there: read, listed and cancelled, in both forms, `/orders` and the older `/profile/orders`.

use rusqlite::{Row, params};
use serde_json::{Value, json};

use super::whose;
use crate::call::Call;
use crate::clock::iso;
use crate::db::Shop;
use crate::dialect::Who;
use crate::reply::{Fail, Reply};
use crate::validate::Check;

const STATUSES: [&str; 7] =
    ["pending", "confirmed", "processing", "shipped", "delivered", "cancelled", "returned"];

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Fail> {
    let session = call.session()?;
    let mut check = Check::default();
    let limit = call.query_int(&mut check, "limit", Some(20));
    let offset = call.query_int(&mut check, "offset", Some(0));
    check.done()?;
    if limit < 0 || offset < 0 {
        return Fail::internal("LIMIT must not be negative");
    }
    // Any case will do, and an unknown status is no filter.
    let status = call.query("status_filter").map(str::to_lowercase);
    let status = status.as_deref().filter(|status| STATUSES.contains(status));
    call.db(session.market, |shop| {
        let orders = page(shop, session.user, status, limit, offset)?;
        let shown: Result<Vec<Value>, _> = orders.iter().map(|order| order.show(shop, "Z")).collect();
        Ok(Reply::ok(Value::Array(shown?)))
    })
}

pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Fail> {
    let session = call.session()?;
    let mut check = Check::default();
    let id = call.path_int(&mut check);
    check.done()?;
    call.db(session.market, |shop| match one(shop, session.user, id)? {
        Some(order) => Ok(Reply::ok(order.show(shop, "Z")?)),
        None => Fail::http(404, "Order not found"),
    })
}

pub(crate) fn cancel(call: &Call<'_>) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, Who::Token, &mut check)?;
    let id = call.path_int(&mut check);
    check.done()?;
    call.db(market, |shop| {
        let Some(order) = one(shop, user, id)? else { return Fail::http(404, "Order not found") };
        if matches!(order.status.as_str(), "cancelled" | "delivered") {
            return Fail::http(400, format!("Cannot cancel order with status: {}", order.status));
        }
        shop.exec("UPDATE {m}_orders SET status = 'cancelled' WHERE id = ?", [id])?;
        Ok(Reply::ok(json!({
            "success": true,
            "message": "Order cancelled successfully",
            "order_id": id,
            "status": "cancelled",
        })))
    })
}

/// `GET /profile/orders` of the deployed servers: 500 as soon as one of the orders has items.
pub(crate) fn profile_list(call: &Call<'_>) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, Who::Token, &mut check)?;
    let limit = call.query_int(&mut check, "limit", Some(20));
    let offset = call.query_int(&mut check, "offset", Some(0));
    check.done()?;
    let failed = || Fail::http(500, "Failed to fetch orders");
    // Upper case is wanted here, where nothing else is.
    let status = match call.query("status_filter") {
        None => None,
        Some(given) => match STATUSES.into_iter().find(|status| status.to_uppercase() == given) {
            Some(status) => Some(status),
            None => return failed(),
        },
    };
    if limit < 0 || offset < 0 {
        return failed();
    }
    call.db(market, |shop| {
        let count = "SELECT count(*) FROM {m}_orders WHERE user_id = ?1 AND (?2 IS NULL OR status = ?2)";
        let total = shop.number(count, params![user, status])?.unwrap_or(0);
        let orders = page(shop, user, status, limit, offset)?;
        let mut shown = Vec::new();
        for order in &orders {
            if order.has_items(shop)? {
                return failed();
            }
            shown.push(json!({
                "id": order.id,
                "order_number": order.number,
                "status": order.status,
                "total_amount": order.total,
                "currency": order.currency,
                "order_date": iso(order.date, "+00:00"),
                "delivery_date": null,
                "delivery_address": order.address,
                "items_count": 0,
                "items": [],
            }));
        }
        let more = offset.saturating_add(limit) < total;
        Ok(Reply::ok(json!({"success": true, "orders": shown, "total": total, "has_more": more})))
    })
}

pub(crate) fn profile_get(call: &Call<'_>) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, Who::Token, &mut check)?;
    let id = call.path_int(&mut check);
    check.done()?;
    call.db(market, |shop| {
        let Some(order) = one(shop, user, id)? else { return Fail::http(404, "Order not found") };
        if order.has_items(shop)? {
            return Fail::http(500, "Failed to fetch order details");
        }
        let mut shown = order.show(shop, "+00:00")?;
        if let Some(shown) = shown.as_object_mut() {
            for date in ["confirmed_date", "shipped_date", "delivered_date"] {
                shown.insert(date.into(), Value::Null);
            }
        }
        Ok(Reply::ok(json!({"success": true, "order": shown})))
    })
}

/// An order as it is stored, its items aside.
pub(super) struct Order {
    id: i64,
    number: String,
    status: String,
    name: String,
    phone: String,
    address: String,
    subtotal: f64,
    shipping: f64,
    total: f64,
    currency: String,
    date: i64,
}

const ORDER: &str =
    "SELECT id, order_number, status, customer_name, customer_phone, delivery_address, subtotal,
    shipping_cost, total_amount, currency, order_date FROM {m}_orders WHERE user_id = ?1";

impl Order {
    fn read(row: &Row<'_>) -> rusqlite::Result<Order> {
        Ok(Order {
            id: row.get(0)?,
            number: row.get(1)?,
            status: row.get(2)?,
            name: row.get(3)?,
            phone: row.get(4)?,
            address: row.get(5)?,
            subtotal: row.get(6)?,
            shipping: row.get(7)?,
            total: row.get(8)?,
            currency: row.get(9)?,
            date: row.get(10)?,
        })
    }

    fn has_items(&self, shop: &Shop<'_>) -> rusqlite::Result<bool> {
        shop.exists("SELECT 1 FROM {m}_order_items WHERE order_id = ?", [self.id])
    }

    pub(super) fn show(&self, shop: &Shop<'_>, zone: &str) -> rusqlite::Result<Value> {
        let select = "SELECT id, product_name, sku_code, size, color, unit_price, quantity, total_price
            FROM {m}_order_items WHERE order_id = ? ORDER BY id";
        let items = shop.rows(select, [self.id], |row| {
            Ok(json!({
                "id": row.get::<_, i64>(0)?,
                "product_name": row.get::<_, String>(1)?,
                "sku_code": row.get::<_, String>(2)?,
                "size": row.get::<_, String>(3)?,
                "color": row.get::<_, String>(4)?,
                "unit_price": row.get::<_, f64>(5)?,
                "quantity": row.get::<_, i64>(6)?,
                "total_price": row.get::<_, f64>(7)?,
            }))
        })?;
        Ok(json!({
            "id": self.id,
            "order_number": self.number,
            "status": self.status,
            "customer_name": self.name,
            "customer_phone": self.phone,
            "delivery_address": self.address,
            "subtotal": self.subtotal,
            "shipping_cost": self.shipping,
            "total_amount": self.total,
            "currency": self.currency,
            "order_date": iso(self.date, zone),
            "items": items,
        }))
    }
}

/// An order of this user.
pub(super) fn one(shop: &Shop<'_>, user: i64, id: i64) -> rusqlite::Result<Option<Order>> {
    shop.row(&format!("{ORDER} AND id = ?2"), [user, id], Order::read)
}

/// Newest first.
fn page(
    shop: &Shop<'_>,
    user: i64,
    status: Option<&str>,
    limit: i64,
    offset: i64,
) -> rusqlite::Result<Vec<Order>> {
    let sql = format!(
        "{ORDER} AND (?2 IS NULL OR status = ?2) ORDER BY order_date DESC, id DESC LIMIT ?3 OFFSET ?4"
    );
    shop.rows(&sql, params![user, status, limit, offset], Order::read)
}
