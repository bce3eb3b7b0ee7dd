//! The wishlist.

use serde_json::{Value, json};

use super::cart::user_is_there;
use super::whose;
use crate::call::Call;
use crate::db::Shop;
use crate::dialect::{Dialect, Who};
use crate::reply::{Fail, Reply};
use crate::validate::Check;

pub(crate) fn get(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    check.done()?;
    call.db(market, |shop| {
        let list = open(shop, call.dialect, user)?;
        show(shop, call.dialect, user, list)
    })
}

pub(crate) fn add(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    let product = call.body.form(&mut check).int(&mut check, "product_id");
    check.done()?;
    call.db(market, |shop| {
        let list = open(shop, call.dialect, user)?;
        if !shop.exists("SELECT 1 FROM {m}_products WHERE id = ?", [product])? {
            return match call.dialect {
                Dialect::G1 => Fail::internal("FOREIGN KEY constraint failed"),
                _ => Fail::http(404, "Product not found"),
            };
        }
        let insert = "INSERT INTO {m}_wishlist_items (wishlist_id, product_id) SELECT ?1, ?2
            WHERE NOT EXISTS (SELECT 1 FROM {m}_wishlist_items WHERE wishlist_id = ?1 AND product_id = ?2)";
        shop.exec(insert, [list, product])?;
        show(shop, call.dialect, user, list)
    })
}

pub(crate) fn remove(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    let product = match who {
        Who::Body => call.body.form(&mut check).int(&mut check, "product_id"),
        Who::Token => call.path_int(&mut check),
    };
    check.done()?;
    call.db(market, |shop| {
        let list = existing(shop, call.dialect, user)?;
        let delete = "DELETE FROM {m}_wishlist_items WHERE wishlist_id = ? AND product_id = ?";
        if shop.exec(delete, [list, product])? == 0 {
            return Fail::http(404, "Wishlist item not found");
        }
        show(shop, call.dialect, user, list)
    })
}

pub(crate) fn clear(call: &Call<'_>, who: Who) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let (market, user) = whose(call, who, &mut check)?;
    check.done()?;
    call.db(market, |shop| {
        let list = existing(shop, call.dialect, user)?;
        shop.exec("DELETE FROM {m}_wishlist_items WHERE wishlist_id = ?", [list])?;
        show(shop, call.dialect, user, list)
    })
}

/// The user's wishlist, made if it is not there.
fn open(shop: &Shop<'_>, dialect: Dialect, user: i64) -> Result<i64, Fail> {
    user_is_there(shop, dialect, user)?;
    match shop.number("SELECT id FROM {m}_wishlists WHERE user_id = ?", [user])? {
        Some(list) => Ok(list),
        None => Ok(shop.insert("INSERT INTO {m}_wishlists (user_id) VALUES (?)", [user])?),
    }
}

fn existing(shop: &Shop<'_>, dialect: Dialect, user: i64) -> Result<i64, Fail> {
    user_is_there(shop, dialect, user)?;
    let list = shop.number("SELECT id FROM {m}_wishlists WHERE user_id = ?", [user])?;
    list.ok_or_else(|| Fail::Http(404, "Wishlist not found".to_owned()))
}

fn show(shop: &Shop<'_>, dialect: Dialect, user: i64, list: i64) -> Result<Reply, Fail> {
    let select = "SELECT id, product_id FROM {m}_wishlist_items WHERE wishlist_id = ? ORDER BY id";
    let lines = shop.rows(select, [list], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let mut items = Vec::new();
    for (id, product) in lines {
        items.push(json!({"id": id, "product": show_product(shop, dialect, product)?}));
    }
    Ok(Reply::ok(json!({"id": list, "user_id": user, "items": items})))
}

fn show_product(shop: &Shop<'_>, dialect: Dialect, id: i64) -> Result<Value, Fail> {
    let select = "SELECT name, about FROM {m}_products WHERE id = ?";
    let product = shop.row(select, [id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let Some((name, about)) = product else { return Fail::internal("the product is gone") };
    let select =
        "SELECT size, color, price, stock FROM {m}_skus WHERE product_id = ? AND is_active ORDER BY id";
    let skus = shop.rows(select, [id], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, f64>(2)?, row.get::<_, i64>(3)?))
    })?;
    let price = skus.iter().map(|sku| sku.2).fold(f64::INFINITY, f64::min);
    if !dialect.deployed() {
        return Ok(json!({"id": id, "title": name, "price": price}));
    }
    let mut about: Value = serde_json::from_str(&about).unwrap_or_default();
    let original = about.get("originalPrice").and_then(Value::as_f64);
    let discount = original.map_or(0.0, |original| ((1.0 - price / original) * 100.0).trunc());
    let (mut sizes, mut colors) = (Vec::new(), Vec::new());
    for (size, color, _, _) in &skus {
        for (all, one) in [(&mut sizes, size), (&mut colors, color)] {
            if !all.contains(one) {
                all.push(one.clone());
            }
        }
    }
    let rest = json!({
        "id": id.to_string(),
        "name": name,
        "price": price,
        "discount": discount as i64,
        "sizes": sizes,
        "colors": colors,
        "inStock": skus.iter().any(|sku| sku.3 > 0),
    });
    if let (Some(about), Value::Object(rest)) = (about.as_object_mut(), rest) {
        about.extend(rest);
    }
    Ok(about)
}
