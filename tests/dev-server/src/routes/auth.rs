//! Sign-in, profile and markets.

use ring::rand::{SecureRandom as _, SystemRandom};
use rusqlite::{Row, params};
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::iso;
use crate::db::Shop;
use crate::market::{Market, normalise_phone};
use crate::reply::{Fail, Reply};
use crate::state::lock;
use crate::validate::{Check, Form};

const MINUTE: i64 = 60_000_000;

/// Codes that may be asked for within [`WINDOW`], used or not.
const CODES_PER_WINDOW: i64 = 3;
const WINDOW: i64 = 15 * MINUTE;

pub(crate) fn send_code(call: &Call<'_>) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let phone = phone(call, &call.body.form(&mut check), &mut check);
    check.done()?;
    let market = sign_in_market(call, &phone, 422)?;
    let now = call.state.clock.now();
    let code = random_code()?;
    call.db(market, |shop| {
        let count = "SELECT count(*) FROM {m}_codes WHERE phone = ? AND sent_at > ?";
        let sent = shop.number(count, params![phone, now - WINDOW])?.unwrap_or(0);
        if call.state.config.rate_limits && sent >= CODES_PER_WINDOW {
            return Fail::http(422, "Too many verification attempts. Please wait 15 minutes.");
        }
        shop.insert(
            "INSERT INTO {m}_codes (phone, code, sent_at, expires_at) VALUES (?, ?, ?, ?)",
            params![phone, code, now, now + market.code_minutes() * MINUTE],
        )?;
        Ok(())
    })?;
    if call.state.config.print_codes {
        use std::io::Write as _;
        // Nobody to read it is no reason to fail.
        let _ = writeln!(std::io::stderr(), "code for {phone}: {code}");
    }
    let message = "Verification code sent successfully";
    if !call.dialect.deployed() {
        return Ok(Reply::ok(json!({"message": message})));
    }
    Ok(Reply::ok(json!({
        "success": true,
        "message": message,
        "phone_number": market.format(&phone),
        "market": market.code(),
        "language": market.language(),
        "expires_in_minutes": market.code_minutes(),
    })))
}

pub(crate) fn verify_code(call: &Call<'_>) -> Result<Reply, Fail> {
    let mut check = Check::default();
    let form = call.body.form(&mut check);
    let phone = phone(call, &form, &mut check);
    let code = form.text(&mut check, "verification_code", 4, 8);
    if (4..=8).contains(&code.chars().count()) && !code.chars().all(|c| c.is_ascii_digit()) {
        let message = "Verification code must contain only digits";
        check.wrong(&form.at("verification_code"), message, &json!(code));
    }
    check.done()?;
    let market = sign_in_market(call, &phone, 400)?;
    let now = call.state.clock.now();

    // The code is used up first, in a step of its own: with a phone of another market it is burned though
    // nobody is signed in.
    call.db(market, |shop| {
        let used = shop.exec(
            "UPDATE {m}_codes SET used = 1 WHERE id = (SELECT id FROM {m}_codes
                WHERE phone = ? AND code = ? AND NOT used AND expires_at > ? LIMIT 1)",
            params![phone, code, now],
        )?;
        if used == 0 { Fail::http(400, "Invalid or expired verification code") } else { Ok(()) }
    })?;
    if !market.owns(&phone) {
        let name = market.code().to_uppercase();
        return Fail::http(400, format!("Invalid {name} phone number format: {phone}"));
    }

    let lifetime = call.state.config.token_lifetime.as_secs();
    let (user, new, token) = call.db(market, |shop| {
        let known = user(shop, "phone = ?", &phone)?;
        let new = known.is_none();
        if new {
            let insert = "INSERT INTO {m}_users (id, phone, created_at) VALUES (?, ?, ?)";
            shop.insert(insert, params![next_user_id(shop)?, phone, now])?;
        }
        let signed_in = "UPDATE {m}_users SET is_active = 1, last_login = ? WHERE phone = ?";
        shop.exec(signed_in, params![now, phone])?;
        let Some(user) = user(shop, "phone = ?", &phone)? else {
            return Fail::internal("the user is gone");
        };
        let exp = now / 1_000_000 + i64::try_from(lifetime).unwrap_or(i64::MAX / 2);
        let claims = if call.dialect.deployed() {
            json!({"sub": user.id.to_string(), "market": market.code(), "exp": exp})
        } else {
            json!({"user_id": user.id, "market": market.code(), "exp": exp})
        };
        let token = call.state.signer.sign(&claims);
        // The same text can have been revoked within this very second; it is good again.
        shop.exec("INSERT OR REPLACE INTO tokens (text) VALUES (?)", [&token])?;
        Ok((user, new, token))
    })?;

    if !call.dialect.deployed() {
        let user = json!({"id": user.id, "phone": user.phone});
        return Ok(Reply::ok(json!({"access_token": token, "user": user})));
    }
    let mut shown = json!({
        "id": user.id.to_string(),
        "name": user.name(),
        "full_name": user.full_name,
        "phone": user.phone,
        "email": user.email,
        "is_active": user.is_active,
        "is_verified": true,
    });
    if let (crate::Dialect::G2, Some(shown)) = (call.dialect, shown.as_object_mut()) {
        shown.insert("market".into(), json!(market.code()));
    }
    Ok(Reply::ok(json!({
        "success": true,
        "message": "Phone number verified successfully",
        "access_token": token,
        "token_type": "bearer",
        "expires_in": lifetime,
        "user": shown,
        "market": market.code(),
        "is_new_user": new,
    })))
}

pub(crate) fn verify_token(call: &Call<'_>) -> Result<Reply, Fail> {
    let (market, user) = caller(call)?;
    Ok(Reply::ok(json!({
        "valid": true,
        "user_id": user.id,
        "phone_number": user.phone,
        "formatted_phone": market.format(&user.phone),
        "market": market.code(),
        "currency": market.currency(),
    })))
}

pub(crate) fn profile_get(call: &Call<'_>) -> Result<Reply, Fail> {
    let (market, user) = caller(call)?;
    Ok(Reply::ok(user.profile(market)))
}

pub(crate) fn profile_put(call: &Call<'_>) -> Result<Reply, Fail> {
    let (market, user) = caller(call)?;
    let mut check = Check::default();
    let form = call.body.form(&mut check);
    let full_name = form.text_or_none(&mut check, "full_name", 1, 255);
    let image = form.text_or_none(&mut check, "profile_image_url", 0, 2048);
    check.done()?;
    let user = call.db(market, |shop| {
        let update = "UPDATE {m}_users SET full_name = coalesce(?, full_name),
            profile_image_url = coalesce(?, profile_image_url) WHERE id = ?";
        shop.exec(update, params![full_name, image, user.id])?;
        self::user(shop, "id = ?", &user.id)?.ok_or_else(|| Fail::Internal("the user is gone".into()))
    })?;
    Ok(Reply::ok(json!({
        "success": true,
        "message": "Profile updated successfully",
        "user": user.profile(market),
    })))
}

pub(crate) fn markets() -> Reply {
    let all: Vec<Value> = Market::ALL.into_iter().map(Market::describe).collect();
    Reply::ok(json!({"supported_markets": all, "default_market": "kg"}))
}

/// Documented: all tokens of the user are refused until the next sign-in. Deployed: nothing is refused.
pub(crate) fn logout(call: &Call<'_>) -> Result<Reply, Fail> {
    let session = call.session()?;
    call.db(session.market, |shop| {
        shop.exec("UPDATE {m}_users SET is_active = 0 WHERE id = ?", [session.user])?;
        Ok(())
    })?;
    let message = "Logged out successfully. User is now inactive.";
    if call.dialect.deployed() {
        Ok(Reply::ok(json!({"success": true, "message": message})))
    } else {
        Ok(Reply::ok(json!({"message": message})))
    }
}

/// The unexpired, unused code sent last to a phone, in whichever market.
pub(crate) fn last_code(state: &crate::state::State, phone: &str) -> rusqlite::Result<Option<String>> {
    let Some(phone) = normalise_phone(phone, false) else { return Ok(None) };
    let conn = lock(&state.db);
    let mut found: Option<(i64, String)> = None;
    for market in Market::ALL {
        let shop = Shop { conn: &conn, market };
        let last = "SELECT sent_at, code FROM {m}_codes WHERE phone = ? AND NOT used AND expires_at > ?
            ORDER BY id DESC LIMIT 1";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let here = shop.row(last, params![phone, state.clock.now()], read)?;
        found = found.max(here);
    }
    Ok(found.map(|(_, code)| code))
}

struct User {
    id: i64,
    phone: String,
    full_name: Option<String>,
    image: Option<String>,
    email: Option<String>,
    is_active: bool,
    last_login: Option<i64>,
    created_at: i64,
}

impl User {
    fn name(&self) -> String {
        self.full_name.clone().unwrap_or_else(|| format!("User {}", self.phone))
    }

    fn profile(&self, market: Market) -> Value {
        json!({
            "id": self.id.to_string(),
            "phone_number": self.phone,
            "formatted_phone": market.format(&self.phone),
            "name": self.name(),
            "full_name": self.full_name,
            "profile_image_url": self.image,
            "is_active": self.is_active,
            "is_verified": true,
            "market": market.code(),
            "language": market.language(),
            "country": market.country(),
            "currency": market.currency(),
            "currency_code": market.currency_code(),
            "last_login": self.last_login.map(|at| iso(at, "Z")),
            "created_at": iso(self.created_at, "Z"),
        })
    }
}

fn user(shop: &Shop<'_>, by: &str, value: &dyn rusqlite::ToSql) -> rusqlite::Result<Option<User>> {
    let select = "SELECT id, phone, full_name, profile_image_url, email, is_active, last_login, created_at
        FROM {m}_users WHERE ";
    shop.row(&format!("{select}{by}"), [value], |row| {
        Ok(User {
            id: row.get(0)?,
            phone: row.get(1)?,
            full_name: row.get(2)?,
            image: row.get(3)?,
            email: row.get(4)?,
            is_active: row.get(5)?,
            last_login: row.get(6)?,
            created_at: row.get(7)?,
        })
    })
}

/// The first us user is number 19, the next ones are 1, 2, 3 …: numbers that kg has given away too, so that a
/// call that lands in the other market's database finds somebody. None leaves the choice to the database.
fn next_user_id(shop: &Shop<'_>) -> rusqlite::Result<Option<i64>> {
    const FIRST_US: i64 = 19;
    if shop.market == Market::Kg {
        return Ok(None);
    }
    if !shop.exists("SELECT 1 FROM {m}_users WHERE id >= ?", [FIRST_US])? {
        return Ok(Some(FIRST_US));
    }
    let last = shop.number("SELECT coalesce(max(id), 0) FROM {m}_users WHERE id < ?", [FIRST_US])?;
    Ok(last.map(|last| last + 1).filter(|next| *next < FIRST_US))
}

/// The user of the token, in the market of the token: these calls look at neither header nor query.
fn caller(call: &Call<'_>) -> Result<(Market, User), Fail> {
    let session = call.session()?;
    let user = call.db(session.market, |shop| Ok(user(shop, "id = ?", &session.user)?))?;
    let user = user.ok_or_else(|| Fail::Internal("the user is gone".into()))?;
    Ok((session.market, user))
}

fn phone(call: &Call<'_>, form: &Form<'_>, check: &mut Check) -> String {
    let given = form.text(check, "phone", 0, usize::MAX);
    if !form.has_text("phone") {
        return given;
    }
    normalise_phone(&given, !call.dialect.deployed()).unwrap_or_else(|| {
        let message = "Phone number must be in format +996XXXXXXXXX (KG) or +1XXXXXXXXXX (US)";
        check.wrong(&form.at("phone"), message, &json!(given));
        given
    })
}

/// The market whose codes are meant: `X-Market` in any case, else by the phone's prefix.
fn sign_in_market(call: &Call<'_>, phone: &str, refusal: u16) -> Result<Market, Fail> {
    let by_prefix = Market::of_phone(phone).unwrap_or(Market::Kg);
    let Some(header) = call.header("x-market") else { return Ok(by_prefix) };
    match Market::from_code(&header.to_ascii_lowercase()) {
        Some(market) => Ok(market),
        None => Fail::http(refusal, format!("Invalid market header: {header}")),
    }
}

/// Six digits, the first of them not zero: `000000` is never right.
fn random_code() -> Result<String, Fail> {
    let mut bytes = [0; 8];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Fail::Internal("no randomness".into()))?;
    Ok((100_000 + u64::from_le_bytes(bytes) % 900_000).to_string())
}
