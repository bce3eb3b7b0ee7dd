//! The cart.

use rusqlite::params;
use serde_json::{Value, json};

use super::whose;
use crate::call::Call;
use crate::db::Shop;
use crate::dialect::{Dialect, Who};
use crate::reply::{Fail, Reply};
use crate::validate::Check;

/// The largest quantity that the database of a deployed server can hold.
const INT32: std::ops::RangeInclusive<i64> = -2_147_483_648..=2_147_483_647;

pub(crate) fn get(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    check.done()?;
    call.db(market, |shop| {
        let cart = open(shop, call.dialect, user)?;
        show(shop, user, cart)
    })
}

pub(crate) fn clear(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    check.done()?;
    call.db(market, |shop| {
        let cart = existing(shop, call.dialect, user)?;
        empty(shop, user)?;
        show(shop, user, cart)
    })
}

/// Adds to the line of this SKU, or makes one.
///
/// A deployed server reads the line, thinks, and writes back what it thought: what another request did in
/// between is lost, and two first adds make two lines.
pub(crate) async fn add(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    let form = call.body.form(&mut check);
    if call.dialect == Dialect::G2 && who == Who::Token {
        form.int(&mut check, "user_id");
    }
    let sku = form.int(&mut check, "sku_id");
    let quantity = form.int_or(&mut check, "quantity", 1);
    if !call.dialect.deployed() && check.is_empty() {
        quantity_in_range(&mut check, &form.at("quantity"), quantity);
    }
    check.done()?;

    let line = |shop: &Shop<'_>| -> Result<Line, Fail> {
        let cart = open(shop, call.dialect, user)?;
        sku_exists(shop, call.dialect, sku)?;
        let find = "SELECT id, quantity FROM {m}_cart_items WHERE cart_id = ? AND sku_id = ?";
        let found = shop.row(find, [cart, sku], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Line { cart, found })
    };
    let mut seen = None;
    if call.dialect.deployed() {
        seen = Some(call.db(market, line)?);
        tokio::time::sleep(call.state.config.write_gap).await;
    }
    call.db(market, |shop| {
        let Line { cart, found } = match seen {
            Some(seen) => seen,
            None => line(shop)?,
        };
        let quantity = quantity + found.map_or(0, |(_, before)| before);
        if !INT32.contains(&quantity) {
            return Fail::internal("quantity out of range for an integer");
        }
        match found {
            Some((id, _)) => write_line(shop, cart, id, quantity)?,
            None => {
                let insert = "INSERT INTO {m}_cart_items (cart_id, sku_id, quantity, touched)
                    VALUES (?1, ?2, ?3, (SELECT coalesce(max(touched), 0) + 1 FROM {m}_cart_items))";
                shop.insert(insert, params![cart, sku, quantity])?;
            }
        }
        show(shop, user, cart)
    })
}

/// What [`add`] found: the cart, and the line of the SKU with its quantity.
struct Line {
    cart: i64,
    found: Option<(i64, i64)>,
}

pub(crate) fn set(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    let (id, quantity);
    if who == Who::Body {
        let form = call.body.form(&mut check);
        id = form.int(&mut check, "cart_item_id");
        quantity = form.int(&mut check, "quantity");
    } else {
        id = call.path_int(&mut check);
        quantity = call.query_int(&mut check, "quantity", None);
        if !call.dialect.deployed() && check.is_empty() {
            quantity_in_range(&mut check, &[json!("query"), json!("quantity")], quantity);
        }
    }
    check.done()?;
    call.db(market, |shop| {
        let cart = existing(shop, call.dialect, user)?;
        if !INT32.contains(&quantity) {
            return Fail::internal("quantity out of range for an integer");
        }
        let find = "SELECT id FROM {m}_cart_items WHERE id = ? AND cart_id = ?";
        if !shop.exists(find, [id, cart])? {
            return no_line();
        }
        write_line(shop, cart, id, quantity)?;
        show(shop, user, cart)
    })
}

pub(crate) fn remove(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    let id = match who {
        Who::Body => call.body.form(&mut check).int(&mut check, "cart_item_id"),
        Who::Token => call.path_int(&mut check),
    };
    check.done()?;
    call.db(market, |shop| {
        let cart = existing(shop, call.dialect, user)?;
        let delete = "DELETE FROM {m}_cart_items WHERE id = ? AND cart_id = ?";
        if shop.exec(delete, [id, cart])? == 0 {
            return no_line();
        }
        show(shop, user, cart)
    })
}

/// Removes all lines of a user's cart, if there is one.
pub(super) fn empty(shop: &Shop<'_>, user: i64) -> Result<(), Fail> {
    let delete = "DELETE FROM {m}_cart_items WHERE cart_id IN (SELECT id FROM {m}_carts WHERE user_id = ?)";
    shop.exec(delete, [user])?;
    Ok(())
}

/// G2 says that a user is not there; G1 runs into the database's constraint and answers 500.
pub(super) fn user_is_there(shop: &Shop<'_>, dialect: Dialect, user: i64) -> Result<(), Fail> {
    if dialect == Dialect::G2 && !shop.exists("SELECT 1 FROM {m}_users WHERE id = ?", [user])? {
        return Fail::http(404, "User not found");
    }
    Ok(())
}

/// The user's cart, made if it is not there.
fn open(shop: &Shop<'_>, dialect: Dialect, user: i64) -> Result<i64, Fail> {
    user_is_there(shop, dialect, user)?;
    match shop.number("SELECT id FROM {m}_carts WHERE user_id = ?", [user])? {
        Some(cart) => Ok(cart),
        None => Ok(shop.insert("INSERT INTO {m}_carts (user_id) VALUES (?)", [user])?),
    }
}

fn existing(shop: &Shop<'_>, dialect: Dialect, user: i64) -> Result<i64, Fail> {
    user_is_there(shop, dialect, user)?;
    let cart = shop.number("SELECT id FROM {m}_carts WHERE user_id = ?", [user])?;
    cart.ok_or_else(|| Fail::Http(404, "Cart not found".to_owned()))
}

fn no_line<T>() -> Result<T, Fail> {
    Fail::http(404, "Cart item not found")
}

fn sku_exists(shop: &Shop<'_>, dialect: Dialect, sku: i64) -> Result<(), Fail> {
    let active = shop.number("SELECT is_active FROM {m}_skus WHERE id = ?", [sku])?;
    if dialect.deployed() {
        // Neither stock nor activity is looked at; an unknown one breaks the database's constraint.
        return if active.is_some() { Ok(()) } else { Fail::internal("FOREIGN KEY constraint failed") };
    }
    if active == Some(1) { Ok(()) } else { Fail::http(404, format!("SKU with id {sku} not found")) }
}

pub(super) fn quantity_in_range(check: &mut Check, loc: &[Value], quantity: i64) {
    if quantity < 1 {
        check.wrong(loc, "Quantity must be at least 1", &json!(quantity));
    } else if quantity > 100 {
        check.wrong(loc, "Quantity cannot exceed 100", &json!(quantity));
    }
}

fn write_line(shop: &Shop<'_>, cart: i64, id: i64, quantity: i64) -> Result<(), Fail> {
    let update = "UPDATE {m}_cart_items SET quantity = ?, touched =
        (SELECT max(touched) + 1 FROM {m}_cart_items) WHERE id = ? AND cart_id = ?";
    if shop.exec(update, params![quantity, id, cart])? == 0 {
        return Fail::internal("the line went away meanwhile");
    }
    Ok(())
}

/// The cart as an answer. Sums are binary floats, not rounded: their noise is part of the API.
fn show(shop: &Shop<'_>, user: i64, cart: i64) -> Result<Reply, Fail> {
    let select = "SELECT i.id, i.sku_id, i.quantity, p.name, s.price FROM {m}_cart_items i
        JOIN {m}_skus s ON s.id = i.sku_id JOIN {m}_products p ON p.id = s.product_id
        WHERE i.cart_id = ? ORDER BY i.touched";
    let mut total = 0.0;
    let items = shop.rows(select, [cart], |row| {
        let (quantity, price): (i64, f64) = (row.get(2)?, row.get(4)?);
        total += price * quantity as f64;
        Ok(json!({
            "id": row.get::<_, i64>(0)?,
            "sku_id": row.get::<_, i64>(1)?,
            "quantity": quantity,
            "name": row.get::<_, String>(3)?,
            "price": price,
            "image": "",
        }))
    })?;
    Ok(Reply::ok(json!({
        "id": cart,
        "user_id": user,
        "total_items": items.len(),
        "items": items,
        "total_price": total,
    })))
}
