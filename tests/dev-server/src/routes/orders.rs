//! Placing an order.

use rusqlite::params;
use serde_json::{Value, json};

use super::{cart, history};
use crate::call::{Call, Session};
use crate::db::Shop;
use crate::reply::{Fail, Reply};
use crate::validate::Check;

/// What shipping costs, in any market, and the subtotal from which it costs nothing.
const SHIPPING: f64 = 150.0;
const FREE_FROM: f64 = 5000.0;

/// What a client fills in.
struct Draft {
    name: String,
    phone: String,
    email: Option<String>,
    address: String,
    city: Option<String>,
    notes: Option<String>,
    payment: String,
    items: Vec<(i64, i64)>,
    use_cart: bool,
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Fail> {
    let session = call.session()?;
    let draft = read(call)?;
    let key = call.header("idempotency-key").filter(|_| call.state.config.honour_idempotency_key);
    let owner = format!("{}/{}", session.market.code(), session.user);
    call.db(session.market, |shop| {
        let find = "SELECT answer FROM idempotency WHERE owner = ? AND key = ?";
        if let Some(first) = shop.row(find, params![owner, key], |row| row.get::<_, String>(0))? {
            return Ok(Reply::ok(serde_json::from_str(&first).unwrap_or_default()));
        }
        let answer = place(call, shop, &session, &draft)?;
        if let Some(key) = key {
            let keep = "INSERT INTO idempotency VALUES (?, ?, ?)";
            shop.exec(keep, params![owner, key, answer.to_string()])?;
        }
        Ok(Reply::ok(answer))
    })
}

fn read(call: &Call<'_>) -> Result<Draft, Fail> {
    let mut check = Check::default();
    let form = call.body.form(&mut check);
    // The documented server refuses a text that is too long; a deployed one finds out in the database.
    let deployed = call.dialect.deployed();
    let max = |limit| if deployed { usize::MAX } else { limit };
    let draft = Draft {
        name: form.text(&mut check, "customer_name", usize::from(!deployed), max(255)),
        phone: form.text(&mut check, "customer_phone", 0, max(20)),
        email: form.text_or_none(&mut check, "customer_email", 0, max(255)),
        address: form.text(&mut check, "delivery_address", 0, max(500)),
        city: form.text_or_none(&mut check, "delivery_city", 0, max(100)),
        notes: form.text_or_none(&mut check, "delivery_notes", 0, max(500)),
        payment: form.text(&mut check, "payment_method", 0, max(50)),
        use_cart: form.flag_or("use_cart", true),
        items: Vec::new(),
    };
    let mut items = Vec::new();
    for item in form.list(&mut check, "items") {
        let (mut sku, mut quantity) = (0, 1);
        if item.is_object() {
            sku = item.int(&mut check, "sku_id");
            let mut own = Check::default();
            quantity = item.int(&mut own, "quantity");
            if own.is_empty() {
                cart::quantity_in_range(&mut own, &item.at("quantity"), quantity);
            }
            check.append(own);
        }
        items.push((sku, quantity));
    }
    if form.has_text("customer_phone") && draft.phone.chars().count() < 10 {
        check.wrong(&form.at("customer_phone"), "Invalid phone number", &json!(draft.phone));
    }
    if form.has_text("delivery_address") && draft.address.chars().count() < 5 {
        check.wrong(&form.at("delivery_address"), "Delivery address is too short", &json!(draft.address));
    }
    check.done()?;
    Ok(Draft { items, ..draft })
}

/// Checks stock, writes the order, takes the stock, empties the cart.
fn place(call: &Call<'_>, shop: &Shop<'_>, session: &Session, draft: &Draft) -> Result<Value, Fail> {
    let mut wanted = draft.items.clone();
    if wanted.is_empty() && draft.use_cart {
        let lines = "SELECT sku_id, quantity FROM {m}_cart_items WHERE cart_id IN
            (SELECT id FROM {m}_carts WHERE user_id = ?) ORDER BY touched";
        wanted = shop.rows(lines, [session.user], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if wanted.is_empty() {
            return Fail::http(400, "Your cart is empty");
        }
    }
    if wanted.is_empty() {
        return Fail::http(400, "No items to order. Please add items to cart or provide items.");
    }
    let mut items = Vec::new();
    let mut subtotal = 0.0;
    for (sku, quantity) in wanted {
        let item = Item::take(shop, sku, quantity)?;
        subtotal += item.total();
        items.push(item);
    }
    let shipping = if subtotal >= FREE_FROM { 0.0 } else { SHIPPING };
    let total = subtotal + shipping;
    let id = shop.number("SELECT seq + 1 FROM sqlite_sequence WHERE name = '{m}_orders'", [])?.unwrap_or(1);
    let number = format!("#{}", 1000 + id);
    if let Some(limit) = too_long(draft) {
        return Fail::http(500, truncation(limit, &number, session.user, draft, subtotal, total));
    }
    let now = call.state.clock.now();
    shop.insert(
        "INSERT INTO {m}_orders (order_number, user_id, customer_name, customer_phone, customer_email,
            delivery_address, delivery_city, delivery_notes, payment_method, subtotal, shipping_cost,
            total_amount, order_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            number,
            session.user,
            draft.name,
            draft.phone,
            draft.email,
            draft.address,
            draft.city,
            draft.notes,
            draft.payment,
            subtotal,
            shipping,
            total,
            now
        ],
    )?;
    for item in items {
        shop.insert(
            "INSERT INTO {m}_order_items (order_id, sku_id, product_name, sku_code, size, color, unit_price,
                quantity, total_price) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                id,
                item.sku,
                item.name,
                item.code,
                item.size,
                item.color,
                item.price,
                item.quantity,
                item.total()
            ],
        )?;
    }
    // Even when the items were given: that is what the flag does there.
    if draft.use_cart {
        cart::empty(shop, session.user)?;
    }
    let order =
        history::one(shop, session.user, id)?.ok_or_else(|| Fail::Internal("the order is gone".into()))?;
    Ok(order.show(shop, "Z")?)
}

/// One SKU of an order being placed.
struct Item {
    sku: i64,
    quantity: i64,
    name: String,
    code: String,
    size: String,
    color: String,
    price: f64,
}

impl Item {
    /// Takes the pieces out of the stock.
    fn take(shop: &Shop<'_>, sku: i64, quantity: i64) -> Result<Item, Fail> {
        let find = "SELECT p.name, s.code, s.size, s.color, s.price, s.stock FROM {m}_skus s
            JOIN {m}_products p ON p.id = s.product_id WHERE s.id = ? AND s.is_active";
        let found = shop.row(find, [sku], |row| {
            let item = Item {
                sku,
                quantity,
                name: row.get(0)?,
                code: row.get(1)?,
                size: row.get(2)?,
                color: row.get(3)?,
                price: row.get(4)?,
            };
            Ok((item, row.get::<_, i64>(5)?))
        })?;
        let Some((item, stock)) = found else {
            return Fail::http(404, format!("SKU with id {sku} not found"));
        };
        let Item { name, size, color, .. } = &item;
        let what = format!("'{name}' (size: {size}, color: {color})");
        if stock <= 0 {
            return Fail::http(400, format!("Product {what} is out of stock"));
        }
        if stock < quantity {
            return Fail::http(400, format!("Not enough stock for {what}. Available: {stock}"));
        }
        shop.exec("UPDATE {m}_skus SET stock = stock - ? WHERE id = ?", [quantity, sku])?;
        Ok(item)
    }

    fn total(&self) -> f64 {
        self.price * self.quantity as f64
    }
}

/// The size of the column that a text does not fit into.
fn too_long(draft: &Draft) -> Option<usize> {
    let length = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
    let columns = [
        (draft.name.chars().count(), 255),
        (draft.phone.chars().count(), 20),
        (length(&draft.email), 255),
        (draft.address.chars().count(), 500),
        (length(&draft.city), 100),
        (length(&draft.notes), 500),
    ];
    columns.into_iter().find(|(length, limit)| length > limit).map(|(_, limit)| limit)
}

/// The text of a deployed server's 500, which quotes the statement and the personal data in it.
fn truncation(limit: usize, number: &str, user: i64, draft: &Draft, subtotal: f64, total: f64) -> String {
    let columns = "order_number, user_id, status, customer_name, customer_phone, customer_email, \
        delivery_address, delivery_city, delivery_notes, payment_method, subtotal, shipping_cost, total_amount";
    let text = |text: &Option<String>| text.as_ref().map_or("None".to_owned(), |text| format!("'{text}'"));
    format!(
        "Failed to create order: (psycopg2.errors.StringDataRightTruncation) value too long for type character \
         varying({limit})\n\n[SQL: INSERT INTO orders ({columns}) VALUES (%(…)s) RETURNING orders.id]\n\
         [parameters: {{'order_number': '{number}', 'user_id': {user}, 'status': 'PENDING', 'customer_name': '{}', \
         'customer_phone': '{}', 'customer_email': {}, 'delivery_address': '{}', 'delivery_city': {}, \
         'delivery_notes': {}, 'payment_method': None, 'subtotal': {subtotal:?}, 'total_amount': {total:?}}}]",
        draft.name,
        draft.phone,
        text(&draft.email),
        draft.address,
        text(&draft.city),
        text(&draft.notes),
    )
}
