//! What the commands print: aligned tables for people, JSON for programs. No token comes this
//! way; phone numbers are masked by their own type.

use std::time::{SystemTime, UNIX_EPOCH};

use market_sdk::{
    CancelledOrder, Cart, EndReason, Markets, Money, Order, OrderOutcome, Profile, SessionState,
    SignedOutReason, Wishlist,
};
use serde_json::{Value, json};

/// One result, in both forms.
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) json: Value,
}

pub(crate) fn state(state: &SessionState) -> Shown {
    let user = state.user().map(|user| {
        json!({"id": user.id, "market": user.market.code(), "phone": user.phone.to_string(), "full_name": user.full_name})
    });
    let who = state.user().map(|user| format!("{} (user {}, market {})", user.phone, user.id, user.market));
    let who = who.unwrap_or_default();
    match state {
        SessionState::SignedIn { expires_at, persisted, .. } => {
            let until = expires_at.map(|at| format!(", until {}", time(at))).unwrap_or_default();
            Shown {
                text: format!("Signed in as {who}{until}."),
                json: json!({"state": "SignedIn", "user": user, "expires_at": expires_at.map(iso), "persisted": persisted}),
            }
        }
        SessionState::Expired { reason, .. } => {
            let why = match reason {
                EndReason::Expired => "its time was up",
                _ => "the server no longer accepts it",
            };
            Shown {
                text: format!("The session of {who} has ended: {why}."),
                json: json!({"state": "Expired", "user": user, "reason": format!("{reason:?}")}),
            }
        }
        SessionState::SignedOut { reason, .. } => {
            let why = match reason {
                SignedOutReason::Corrupt => ": the stored session could not be read, and was erased",
                _ => "",
            };
            Shown {
                text: format!("Nobody is signed in{why}."),
                json: json!({"state": "SignedOut", "reason": format!("{reason:?}")}),
            }
        }
        SessionState::Locked { reason, .. } => Shown {
            text: "It is not known who is signed in: the store cannot be read.".to_owned(),
            json: json!({"state": "Locked", "reason": format!("{reason:?}")}),
        },
        _ => Shown {
            text: "It is not known yet who is signed in.".to_owned(),
            json: json!({"state": "Restoring"}),
        },
    }
}

pub(crate) fn profile(profile: &Profile) -> Shown {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(none);
    let rows = vec![
        row(["user", &profile.id.to_string()]),
        row(["phone", &profile.phone.as_ref().map_or_else(none, ToString::to_string)]),
        row(["name", &text(&profile.full_name)]),
        row(["picture", &text(&profile.profile_image_url)]),
        row(["market", &profile.market.as_ref().map_or_else(none, ToString::to_string)]),
        row(["country", &text(&profile.country)]),
        row(["language", &text(&profile.language)]),
        row(["currency", &profile.currency.as_ref().map_or_else(none, ToString::to_string)]),
        row(["since", &profile.created_at.map_or_else(none, time)]),
    ];
    Shown {
        text: table("", &rows),
        json: json!({
            "id": profile.id, "phone": profile.phone.as_ref().map(ToString::to_string),
            "full_name": profile.full_name, "profile_image_url": profile.profile_image_url,
            "is_active": profile.is_active, "is_verified": profile.is_verified,
            "market": profile.market.as_ref().map(|market| market.code()), "country": profile.country,
            "language": profile.language, "currency": profile.currency.as_ref().map(|currency| currency.code()),
            "last_login": profile.last_login.map(iso), "created_at": profile.created_at.map(iso),
        }),
    }
}

pub(crate) fn markets(markets: &Markets) -> Shown {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(none);
    let mut rows = vec![row(["MARKET", "COUNTRY", "CURRENCY", "LANGUAGE", "PHONE NUMBERS"])];
    let mut list = Vec::new();
    for info in &markets.supported {
        let currency = info.currency.as_ref().map(ToString::to_string);
        let (country, language) = (text(&info.country), text(&info.language));
        let (code, format) = (info.market.code(), text(&info.phone_format));
        rows.push(row([code, &country, &text(&currency), &language, &format]));
        list.push(json!({
            "market": code, "country": info.country, "currency": currency, "currency_sign": info.currency_sign,
            "language": info.language, "phone_prefix": info.phone_prefix, "phone_format": info.phone_format,
        }));
    }
    let default = markets.default.as_ref().map(|market| market.code());
    Shown { text: table("lllll", &rows), json: json!({"supported": list, "default": default}) }
}

pub(crate) fn cart(cart: &Cart) -> Shown {
    // The server's order is not stable; a list that jumps about is hard to read.
    let mut lines: Vec<_> = cart.items.iter().collect();
    lines.sort_by_key(|line| line.id);
    let mut rows = vec![row(["LINE", "SKU", "NAME", "PRICE", "PIECES"])];
    let mut items = Vec::new();
    for line in lines {
        let (id, sku) = (line.id.to_string(), line.sku_id.to_string());
        rows.push(row([&id, &sku, &line.name, &line.price.to_string(), &line.quantity.to_string()]));
        items.push(json!({
            "line": line.id, "sku": line.sku_id, "name": line.name, "price": money(&line.price), "quantity": line.quantity,
        }));
    }
    let text = if cart.items.is_empty() {
        "The cart is empty.".to_owned()
    } else {
        format!("{}total {}", table("rrlrr", &rows), cart.total_price)
    };
    Shown { text, json: json!({"id": cart.id, "items": items, "total_price": money(&cart.total_price)}) }
}

pub(crate) fn wishlist(wishlist: &Wishlist) -> Shown {
    let mut rows = vec![row(["PRODUCT", "NAME", "PRICE", "IN STOCK"])];
    let mut items = Vec::new();
    for item in &wishlist.items {
        let product = &item.product;
        let price = product.price.as_ref().map_or_else(none, ToString::to_string);
        let in_stock = match product.in_stock {
            Some(true) => "yes",
            Some(false) => "no",
            None => "–",
        };
        rows.push(row([&product.id.to_string(), &product.name, &price, in_stock]));
        items.push(json!({
            "product": product.id, "name": product.name, "brand": product.brand,
            "price": product.price.as_ref().map(money), "in_stock": product.in_stock,
        }));
    }
    let empty = wishlist.items.is_empty();
    let text = if empty { "The wishlist is empty.".to_owned() } else { table("rlrl", &rows) };
    Shown { text, json: json!({"id": wishlist.id, "items": items}) }
}

pub(crate) fn orders(orders: &[Order]) -> Shown {
    let mut rows = vec![row(["ID", "NUMBER", "STATUS", "TOTAL", "PLACED"])];
    for order in orders {
        let number = order.order_number.clone().unwrap_or_else(none);
        let placed = order.order_date.map_or_else(none, time);
        let (id, total) = (order.id.to_string(), order.total_amount.to_string());
        rows.push(row([&id, &number, order.status.as_str(), &total, &placed]));
    }
    let text = if orders.is_empty() { "No orders.".to_owned() } else { table("rllrl", &rows) };
    Shown { text, json: orders.iter().map(order_json).collect() }
}

pub(crate) fn order(order: &Order) -> Shown {
    let money = |money: &Option<Money>| money.as_ref().map_or_else(none, ToString::to_string);
    let number = order.order_number.clone().unwrap_or_else(none);
    let mut text = format!("Order {} ({number}), {}\n", order.id, order.status);
    let mut lines: Vec<_> = order.items.iter().collect();
    lines.sort_by_key(|line| line.id);
    let mut rows = vec![row(["PIECES", "NAME", "PRICE", "TOTAL"])];
    for line in lines {
        let (pieces, price) = (line.quantity.to_string(), line.unit_price.to_string());
        rows.push(row([&pieces, &line.product_name, &price, &line.total_price.to_string()]));
    }
    text += &table("rlrr", &rows);
    text += &format!("goods {}, shipping {}, ", money(&order.subtotal), money(&order.shipping_cost));
    text += &format!("total {}", order.total_amount);
    Shown { text, json: order_json(order) }
}

fn order_json(order: &Order) -> Value {
    let line = |line: &market_sdk::OrderLine| {
        json!({
            "product_name": line.product_name, "sku_code": line.sku_code, "size": line.size, "color": line.color,
            "unit_price": money(&line.unit_price), "quantity": line.quantity, "total_price": money(&line.total_price),
        })
    };
    json!({
        "id": order.id, "order_number": order.order_number, "status": order.status.as_str(),
        "customer_name": order.customer_name, "delivery_address": order.delivery_address,
        "customer_phone": order.customer_phone.as_ref().map(ToString::to_string),
        "subtotal": order.subtotal.as_ref().map(money), "shipping_cost": order.shipping_cost.as_ref().map(money),
        "total_amount": money(&order.total_amount), "order_date": order.order_date.map(iso),
        "items": order.items.iter().map(line).collect::<Vec<_>>(),
    })
}

pub(crate) fn outcome(outcome: &OrderOutcome) -> Shown {
    let (text, name) = match outcome {
        OrderOutcome::Placed(order) => {
            let shown = self::order(order);
            let json = json!({"outcome": "Placed", "order": shown.json});
            return Shown { text: format!("It was placed.\n{}", shown.text), json };
        }
        OrderOutcome::NotSeenYet { settles_in } => {
            let when = match settles_in {
                Some(time) => format!("ask again in {} s to be sure", time.as_secs().max(1)),
                None => "ask again later".to_owned(),
            };
            let seconds = settles_in.map(|time| time.as_secs());
            return Shown {
                text: format!("It is not in the list of orders, and may still come: {when}."),
                json: json!({"outcome": "NotSeenYet", "settles_in_seconds": seconds}),
            };
        }
        OrderOutcome::NotPlaced => ("It was not placed.", "NotPlaced"),
        OrderOutcome::Unreadable => {
            ("What was noted of an order cannot be read. Look at the list of orders.", "Unreadable")
        }
        _ => ("No order is waiting to be found.", "NothingPending"),
    };
    Shown { text: text.to_owned(), json: json!({"outcome": name}) }
}

pub(crate) fn cancelled(order: &CancelledOrder) -> Shown {
    Shown {
        text: format!("Order {} is {}.", order.id, order.status),
        json: json!({"id": order.id, "status": order.status.as_str()}),
    }
}

/// A body as it came, but for what would steer the terminal.
pub(crate) fn body(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

fn money(money: &Money) -> Value {
    // A number would be read as a binary float by most programs.
    json!({"amount": money.amount().to_string(), "currency": money.currency().code()})
}

fn none() -> String {
    "–".to_owned()
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    // Names are the server's: nothing in them may steer the terminal.
    let cell = |cell: &str| cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cells.into_iter().map(cell).collect()
}

/// Aligned columns: `align` has an `l` or `r` for each, left being the default. The last one is not padded.
fn table(align: &str, rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(width(column).saturating_sub(cell.chars().count()));
            let right = align.chars().nth(column) == Some('r');
            line += &if right { format!("{gap}{cell}  ") } else { format!("{cell}{gap}  ") };
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// A time for people, to the minute.
pub(crate) fn time(at: SystemTime) -> String {
    let iso = iso(at);
    match iso.split_once('T') {
        Some((day, clock)) => format!("{day} {} UTC", clock.get(..5).unwrap_or(clock)),
        None => iso,
    }
}

/// A time for programs, by RFC 3339.
fn iso(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    match seconds.and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok()) {
        Some(at) => {
            let (month, day) = (u8::from(at.month()), at.day());
            let (hour, minute, second) = (at.hour(), at.minute(), at.second());
            format!("{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", at.year())
        }
        None => none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_not_printed() {
        assert_eq!(body(b"a\x1b[31m\r\nb"), "a [31m \nb");
        assert_eq!(row(["a\x1b]0;b\x07"]), ["a ]0;b "]);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [row(["SKU", "NAME", "PIECES"]), row(["42", "Сумка", "7"]), row(["101", "T", "12"])];
        assert_eq!(table("rlr", &rows), "SKU  NAME   PIECES\n 42  Сумка       7\n101  T          12\n");
    }

    #[test]
    fn times_are_written_in_utc() {
        let at = UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_061);
        assert_eq!((iso(at).as_str(), time(at).as_str()), ("2027-01-15T08:01:01Z", "2027-01-15 08:01 UTC"));
    }
}
