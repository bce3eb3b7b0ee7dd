//! Carts and wishlists.

use serde_json::{Value, json};

use super::{Answer, Call, Shop, Who, next, no};

pub(super) struct Line {
    id: u64,
    pub(super) sku: u64,
    pub(super) quantity: i64,
}

/// A cart and a wishlist are made when they are first asked for.
impl Shop {
    pub(super) fn cart(&mut self, who: Who) -> Value {
        let books = &mut self.markets[who.market];
        let user = &mut books.users[who.user];
        let cart = *user.cart.get_or_insert_with(|| next(&mut books.carts));
        let mut total = 0.0;
        let line = |line: &Line| {
            // What is not sold any more is not in the cart.
            let goods = self.goods.iter().find(|goods| goods.sku == line.sku)?;
            total += goods.price[who.market] * line.quantity as f64;
            Some(json!({
                "id": line.id,
                "sku_id": line.sku,
                "quantity": line.quantity,
                "name": goods.name[who.market],
                "price": goods.price[who.market],
                "image": "",
            }))
        };
        let items: Vec<Value> = user.lines.iter().filter_map(line).collect();
        json!({"id": cart, "user_id": user.id, "total_items": items.len(), "items": items, "total_price": total})
    }

    pub(super) fn put(&mut self, who: Who, call: &Call) -> Answer {
        let (sku, quantity) = (call.number("sku_id")?.unsigned_abs(), call.number("quantity")?);
        if self.goods(sku).is_none() {
            return no(404, format!("SKU with id {sku} not found"));
        }
        let books = &mut self.markets[who.market];
        let user = &mut books.users[who.user];
        let line = match user.lines.iter().position(|line| line.sku == sku) {
            Some(at) => {
                let line = user.lines.remove(at);
                Line { quantity: line.quantity + quantity, ..line }
            }
            None => Line { id: next(&mut books.lines), sku, quantity },
        };
        user.lines.push(line);
        Ok(self.cart(who))
    }

    /// Sets or removes a line, or removes all.
    pub(super) fn change_cart(&mut self, who: Who, method: &str, line: Option<&&str>, call: &Call) -> Answer {
        let user = self.user_mut(who);
        if user.cart.is_none() {
            return no(404, "Cart not found");
        }
        match line {
            None => user.lines.clear(),
            Some(id) => {
                let at = user.lines.iter().position(|line| line.id.to_string() == **id);
                let Some(at) = at else { return no(404, "Cart item not found") };
                let line = user.lines.remove(at);
                if method == "PUT" {
                    user.lines.push(Line { quantity: call.number("quantity")?, ..line });
                }
            }
        }
        Ok(self.cart(who))
    }

    pub(super) fn wishlist(&mut self, who: Who) -> Value {
        let books = &mut self.markets[who.market];
        let user = &mut books.users[who.user];
        let list = *user.wishlist.get_or_insert_with(|| next(&mut books.wishlists));
        let item = |(id, product): &(u64, u64)| {
            let skus = self.goods.iter().filter(|goods| goods.product == *product && goods.active);
            let price = skus.clone().map(|goods| goods.price[who.market]).fold(f64::INFINITY, f64::min);
            let name = skus.map(|goods| &goods.name[who.market]).next();
            json!({"id": id, "product": {"id": product, "title": name, "price": price}})
        };
        let sold = |(_, product): &&(u64, u64)| self.goods.iter().any(|goods| goods.product == *product);
        let items: Vec<Value> = user.wishes.iter().filter(sold).map(item).collect();
        json!({"id": list, "user_id": user.id, "items": items})
    }

    pub(super) fn wish(&mut self, who: Who, call: &Call) -> Answer {
        let product = call.number("product_id")?.unsigned_abs();
        if !self.goods.iter().any(|goods| goods.product == product) {
            return no(404, "Product not found");
        }
        let books = &mut self.markets[who.market];
        let user = &mut books.users[who.user];
        if user.wishes.iter().all(|(_, wished)| *wished != product) {
            user.wishes.push((next(&mut books.wishes), product));
        }
        Ok(self.wishlist(who))
    }

    pub(super) fn unwish(&mut self, who: Who, product: Option<&&str>) -> Answer {
        let user = self.user_mut(who);
        if user.wishlist.is_none() {
            return no(404, "Wishlist not found");
        }
        match product {
            None => user.wishes.clear(),
            Some(product) => {
                let at = user.wishes.iter().position(|(_, wished)| wished.to_string() == **product);
                let Some(at) = at else { return no(404, "Wishlist item not found") };
                user.wishes.remove(at);
            }
        }
        Ok(self.wishlist(who))
    }
}
