//! Orders: placed, listed, read and cancelled.

use serde_json::{Value, json};

use super::{Answer, Call, Shop, Who, invalid, iso, next, no};
use crate::model::{self, Market, OrderWire};
use crate::test_kit::catalogue::Goods;

/// What shipping costs, in any market, and the subtotal from which it costs nothing.
const SHIPPING: f64 = 150.0;
const FREE_FROM: f64 = 5000.0;

const STATUSES: [&str; 7] =
    ["pending", "confirmed", "processing", "shipped", "delivered", "cancelled", "returned"];

pub(super) struct Order {
    user: usize,
    id: u64,
    status: String,
    shown: Value,
}

impl Shop {
    /// All, or those of one phone's user; of each market the oldest first.
    pub(in crate::test_kit) fn orders(&self, phone: Option<&str>) -> Vec<model::Order> {
        let mut all = Vec::new();
        for (at, market) in [Market::Kg, Market::Us].iter().enumerate() {
            for order in self.markets[at].orders.iter().rev() {
                if phone.is_none_or(|phone| self.user(Who { market: at, user: order.user }).phone == phone) {
                    // As it comes over the wire.
                    let shown = serde_json::from_str::<OrderWire>(&order.show().to_string());
                    all.push(shown.expect("an order can be read").in_market(market));
                }
            }
        }
        all
    }

    /// False if that user has no such order.
    pub(in crate::test_kit) fn set_status(&mut self, phone: &str, id: u64, status: &str) -> bool {
        let order = self.user_of(phone).and_then(|who| self.order(who, &id.to_string()).ok());
        order.map(|order| status.clone_into(&mut order.status)).is_some()
    }

    pub(super) fn place(&mut self, who: Who, call: &Call) -> Answer {
        let body = call.body.as_ref().ok_or_else(|| invalid("customer_name"))?;
        let use_cart = body["use_cart"].as_bool().unwrap_or(true);
        let given = body["items"].as_array().cloned().unwrap_or_default();
        let mut wanted: Vec<(u64, i64)> = given
            .iter()
            .filter_map(|item| Some((item["sku_id"].as_u64()?, item["quantity"].as_i64()?)))
            .collect();
        if wanted.is_empty() && use_cart {
            wanted = self.user(who).lines.iter().map(|line| (line.sku, line.quantity)).collect();
            if wanted.is_empty() {
                return no(400, "Your cart is empty");
            }
        }
        if wanted.is_empty() {
            return no(400, "No items to order. Please add items to cart or provide items.");
        }
        let before: Vec<_> = self.goods.iter().map(|goods| goods.stock).collect();
        let taken = self.take(who, &wanted).inspect_err(|_| {
            // Nothing is taken unless there is enough of all.
            self.goods.iter_mut().zip(before).for_each(|(goods, stock)| goods.stock = stock);
        });
        let (mut items, subtotal) = taken?;
        let date = iso(self.now());
        let books = &mut self.markets[who.market];
        for item in &mut items {
            item["id"] = json!(next(&mut books.order_lines));
        }
        let id = books.orders.len() as u64 + 1;
        let shipping = if subtotal >= FREE_FROM { 0.0 } else { SHIPPING };
        let shown = json!({
            "id": id,
            "order_number": format!("#{}", 1000 + id),
            "customer_name": body["customer_name"],
            "customer_phone": body["customer_phone"],
            "delivery_address": body["delivery_address"],
            "subtotal": subtotal,
            "shipping_cost": shipping,
            "total_amount": subtotal + shipping,
            // The database's default, in both markets.
            "currency": "KGS",
            "order_date": date,
            "items": items,
        });
        let order = Order { user: who.user, id, status: "pending".to_owned(), shown };
        let answer = order.show();
        books.orders.push(order);
        // Even where the items were given: that is what the flag does there.
        if use_cart {
            self.user_mut(who).lines.clear();
        }
        Ok(answer)
    }

    /// Takes what is ordered out of the stock: the order's lines, and what they cost.
    fn take(&mut self, who: Who, wanted: &[(u64, i64)]) -> Answer<(Vec<Value>, f64)> {
        let (mut items, mut subtotal) = (Vec::new(), 0.0);
        for &(sku, quantity) in wanted {
            let found = self.goods.iter_mut().find(|goods| goods.sku == sku && goods.active);
            let Some(goods) = found else { return no(404, format!("SKU with id {sku} not found")) };
            let Goods { code, size, color, .. } = &*goods;
            let (name, price) = (&goods.name[who.market], goods.price[who.market]);
            let what = format!("'{name}' (size: {size}, color: {color})");
            let stock = goods.stock[who.market];
            if stock <= 0 {
                return no(400, format!("Product {what} is out of stock"));
            }
            if stock < quantity {
                return no(400, format!("Not enough stock for {what}. Available: {stock}"));
            }
            let total = price * quantity as f64;
            subtotal += total;
            items.push(json!({
                "product_name": name,
                "sku_code": code,
                "size": size,
                "color": color,
                "unit_price": price,
                "quantity": quantity,
                "total_price": total,
            }));
            goods.stock[who.market] -= quantity;
        }
        Ok((items, subtotal))
    }

    /// Newest first.
    pub(super) fn list(&self, who: Who, call: &Call) -> Value {
        let status = call.asked::<String>("status_filter").map(|status| status.to_lowercase());
        let (limit, offset) = (call.asked("limit").unwrap_or(20), call.asked("offset").unwrap_or(0));
        let own = self.markets[who.market].orders.iter().rev().filter(|order| order.user == who.user);
        // What it does not know is no filter.
        let status = status.filter(|status| STATUSES.contains(&status.as_str()));
        let own = own.filter(|order| status.as_ref().is_none_or(|status| order.status == *status));
        own.skip(offset).take(limit).map(Order::show).collect()
    }

    pub(super) fn order(&mut self, who: Who, id: &str) -> Answer<&mut Order> {
        let mut orders = self.markets[who.market].orders.iter_mut();
        let found = orders.find(|order| order.user == who.user && order.id.to_string() == id);
        found.ok_or_else(|| (404, json!("Order not found")))
    }

    pub(super) fn cancel(&mut self, who: Who, id: &str) -> Answer {
        let order = self.order(who, id)?;
        if ["cancelled", "delivered"].contains(&order.status.as_str()) {
            return no(400, format!("Cannot cancel order with status: {}", order.status));
        }
        order.status = "cancelled".to_owned();
        Ok(json!({
            "success": true,
            "message": "Order cancelled successfully",
            "order_id": order.id,
            "status": "cancelled",
        }))
    }
}

impl Order {
    pub(super) fn show(&self) -> Value {
        let mut shown = self.shown.clone();
        shown["status"] = json!(self.status);
        shown
    }
}
