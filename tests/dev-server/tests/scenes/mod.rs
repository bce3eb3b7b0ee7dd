//! What the recordings leave out: the steps that only set a scene, by the name of the step they stand before.

use market_dev_server::Dialect;
use serde_json::Value;

use crate::Replay;

/// The one phone that is sent two codes which are then told apart.
pub(crate) const TWO_CODES: &str = "+996555123475";

const THREE_SIGN_INS: &str = "+996555123488";
const LEAVER: &str = "+996555123483";

/// An order put into the database by hand.
fn order(market: &str, user: i64, number: &str, subtotal: f64) -> String {
    let total = subtotal + 150.0;
    format!(
        "INSERT INTO {market}_orders (order_number, user_id, customer_name, customer_phone, delivery_address,
            subtotal, shipping_cost, total_amount, order_date)
        VALUES ('{number}', {user}, 'Ann Example', '+996555123456', 'Example Street 1, flat 2',
            {subtotal:.1}, 150.0, {total:.1}, 1795500000000000 + (SELECT count(*) FROM {market}_orders));"
    )
}

/// The next line of a cart gets this number: some numbers were used up by steps that left no other trace.
fn next_line(id: i64) -> String {
    format!("UPDATE sqlite_sequence SET seq = {id} - 1 WHERE name = 'kg_cart_items';")
}

pub(crate) async fn set(replay: &mut Replay, name: &str) {
    let g1 = replay.dialect == Dialect::G1;
    match name {
        // Codes and users.
        "request_code_third_in_window" => {
            replay.send_code("+996555123474", "kg").await;
            replay.send_code("+996555123474", "kg").await;
        }
        "verify_code_ok_existing_kg" => replay.send_code("+996555123456", "kg").await,
        "verify_code_older_code" => {
            replay.send_code(TWO_CODES, "kg").await;
            replay.send_code(TWO_CODES, "kg").await;
        }
        "verify_code_expired" => {
            replay.send_code("+996555123476", "kg").await;
            replay.execute("UPDATE kg_codes SET expires_at = 0 WHERE phone = '+996555123476'");
        }
        "verify_code_bad_market" => replay.send_code("+996555123477", "kg").await,
        "verify_code_wrong_market_code_from_right_market" => replay.send_code("+996555123478", "kg").await,
        "request_code_fourth_after_three_sign_ins" => {
            for _ in 0..3 {
                replay.sign_in(THREE_SIGN_INS).await;
            }
        }
        "verify_code_no_market" => replay.send_code("+996555123480", "kg").await,
        "verify_code_ok_new_us_same_id" => replay.send_code("+13128059852", "us").await,
        "profile_get_whole_second" => {
            replay.execute("UPDATE us_users SET last_login = 1772366400000000");
        }
        "profile_get_last_login_null" => replay.execute("UPDATE us_users SET last_login = NULL"),

        // Carts and wishlists.
        "cart_add_ok" => replay.execute("DELETE FROM kg_cart_items"),
        "cart_get_us_same_id_with_market" if g1 => {
            // The cart that could not be made for an unknown user took number 2 with it.
            replay.execute("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'us_carts'");
        }
        "cart_get_us_same_id_without_market" => {
            replay.execute(&next_line(if g1 { 10 } else { 9 }));
            replay.add_to_cart(1, 102, 3).await;
        }
        "wishlist_add_out_of_stock" => {
            replay.execute("INSERT INTO kg_wishlist_items (wishlist_id, product_id) VALUES (1, 15)");
        }
        "cart_newer_get" => replay.execute("DELETE FROM kg_cart_items"),
        "cart_newer_add" => replay.execute(&next_line(13)),

        // Orders of G2.
        "orders_create_from_cart" => {
            replay.add_to_cart(1, 101, 2).await;
            replay.add_to_cart(1, 103, 1).await;
        }
        "orders_create_items_use_cart_false" => {
            replay.execute(&next_line(16));
            replay.add_to_cart(1, 102, 1).await;
        }
        "orders_create_empty_items_use_cart" => replay.add_to_cart(1, 102, 1).await,
        "profile_orders_list_without_items" if !g1 => replay.execute(&order("kg", 2, "#9001", 0.0)),
        "orders_cancel_us_same_id_without_market" => replay.execute(&order("kg", 1, "#9002", 0.0)),

        // Orders of G1, which has no way to place one.
        "profile_orders_list_without_items" => {
            replay.execute(&order("kg", 1, "#1001", 3000.0));
            replay.execute(&order("kg", 1, "#1002", 3000.0));
        }
        "profile_orders_list_with_items" if g1 => {
            replay.execute(&order("kg", 1, "#1003", 3000.0));
            replay.execute(
                "INSERT INTO kg_order_items (order_id, sku_id, product_name, sku_code, size, color, unit_price,
                    quantity, total_price) VALUES (3, 101, 'T', 'NP', 'M', 'Black', 1500.0, 2, 3000.0)",
            );
        }
        "profile_orders_list_us" => replay.execute(&order("us", 19, "#1001", 3000.0)),
        "orders_get_shipped" => replay.execute("UPDATE kg_orders SET status = 'shipped' WHERE id = 1"),
        "orders_cancel_shipped" => replay.execute("UPDATE kg_orders SET status = 'shipped' WHERE id = 1"),
        "orders_cancel_delivered" => {
            replay.execute("UPDATE kg_orders SET status = 'delivered' WHERE id = 1");
        }
        "orders_cancel_returned" => {
            replay.execute("UPDATE kg_orders SET status = 'returned' WHERE id = 1");
        }

        // The one who leaves.
        "logout_ok" => {
            let (user, line, cart) = if g1 { (8, 14, 4) } else { (9, 18, 2) };
            replay.execute(&format!(
                "UPDATE sqlite_sequence SET seq = {user} - 1 WHERE name = 'kg_users';
                UPDATE sqlite_sequence SET seq = {cart} - 1 WHERE name = 'kg_carts';"
            ));
            replay.sign_in(LEAVER).await;
            replay.execute(&next_line(line));
            replay.add_to_cart(user, 101, 2).await;
        }
        "verify_code_after_logout" => replay.send_code(LEAVER, "kg").await,
        "unauthorized_deleted_user" => replay.execute("DELETE FROM kg_users WHERE id = 4"),
        _ => {}
    }
}

/// A token that a sign-in gives says what the recorded one says.
pub(crate) async fn judge_claims(replay: &Replay, claims: &Value) -> Vec<String> {
    let phone = if claims["market"] == "us" { "+13128059851" } else { "+996555123456" };
    let (token, _) = crate::common::sign_in(&replay.server, phone).await;
    let middle = token.split('.').nth(1).unwrap();
    let got: Value = serde_json::from_slice(&decode(middle)).unwrap();
    let mut faults = Vec::new();
    let exp = |claims: &Value| claims["exp"].is_u64();
    if got["sub"] != claims["sub"] || got["market"] != claims["market"] || exp(&got) != exp(claims) {
        faults.push(format!("{got} instead of {claims}"));
    }
    if got.as_object().unwrap().len() != claims.as_object().unwrap().len() {
        faults.push(format!("{got} has other claims than {claims}"));
    }
    faults
}

/// Base64 as tokens use it.
fn decode(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let bits = group.iter().fold(0, |bits, c| bits << 6 | digit(*c)) << (6 * (4 - group.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    out
}
