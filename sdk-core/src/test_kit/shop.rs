//! The shop itself: its routes and what it keeps, in the documented dialect. No I/O, no waiting.
//!
//! It says what `market-dev-server` says. What a client refuses by itself never comes here, so that of the server's
//! checks of its input only those are here that a client leaves to it.

mod orders;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use time::OffsetDateTime;

use self::orders::Order;
use super::catalogue::{self, Goods};
use super::device;
use crate::model::UserId;
use crate::session::clock::Clock as _;

/// The first user of us; those of kg count from 1.
const FIRST_US: u64 = 19;

pub(super) struct Shop {
    pub(super) goods: Vec<Goods>,
    pub(super) code: String,
    pub(super) lifetime: Duration,
    clock: Arc<device::Clock>,
    /// How much it is ahead of its clients.
    ahead: Duration,
    /// By phone: the codes that were sent and are not used, and until when each is good.
    codes: HashMap<String, Vec<(String, SystemTime)>>,
    tokens: HashMap<String, Token>,
    issued: u64,
    markets: [Books; 2],
}

#[derive(Clone, Copy)]
struct Token {
    who: Who,
    until: SystemTime,
    revoked: bool,
}

/// A market, and a user's place in its books.
#[derive(Clone, Copy)]
struct Who {
    market: usize,
    user: usize,
}

/// What one market has.
#[derive(Default)]
struct Books {
    users: Vec<User>,
    orders: Vec<Order>,
    carts: u64,
    lines: u64,
    wishlists: u64,
    wishes: u64,
    order_lines: u64,
}

struct User {
    id: u64,
    phone: String,
    name: Option<String>,
    image: Option<String>,
    active: bool,
    signed_in: SystemTime,
    since: SystemTime,
    cart: Option<u64>,
    /// The one that was touched last is last.
    lines: Vec<Line>,
    wishlist: Option<u64>,
    /// An entry's id, and the product.
    wishes: Vec<(u64, u64)>,
}

struct Line {
    id: u64,
    sku: u64,
    quantity: i64,
}

/// A request that is to be answered.
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) token: Option<String>,
}

impl Call {
    fn text(&self, field: &str) -> Option<&str> {
        self.body.as_ref()?.get(field)?.as_str()
    }

    fn number(&self, field: &str) -> Answer<i64> {
        let number = self.body.as_ref().and_then(|body| body.get(field)?.as_i64());
        number.ok_or_else(|| invalid(field))
    }

    fn asked<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.query.iter().find(|(key, _)| key == name)?.1.parse().ok()
    }
}

/// The body, or a status and what is said in place of one.
type Answer<T = Value> = Result<T, (u16, Value)>;

fn no<T>(status: u16, message: impl Into<String>) -> Answer<T> {
    Err((status, json!(message.into())))
}

fn invalid(field: &str) -> (u16, Value) {
    (422, json!([{"type": "missing", "loc": ["body", field], "msg": "Field required"}]))
}

/// The market of a phone: kg, us.
fn market_of(phone: &str) -> Option<usize> {
    let digits = |prefix: &str| phone.strip_prefix(prefix).map(str::len);
    match (digits("+996"), digits("+1")) {
        (Some(9), _) => Some(0),
        (_, Some(10)) => Some(1),
        _ => None,
    }
}

/// As people of the market write it.
fn formatted(phone: &str) -> String {
    match (market_of(phone), phone.get(1..)) {
        (Some(0), Some(n)) => format!("+{} {} {} {}", &n[..3], &n[3..6], &n[6..9], &n[9..]),
        (Some(1), Some(n)) => format!("+{} ({}) {}-{}", &n[..1], &n[1..4], &n[4..7], &n[7..]),
        _ => phone.to_owned(),
    }
}

fn iso(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    let (date, (hour, minute, second)) = (at.date(), at.to_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

const MARKETS: [&str; 2] = ["kg", "us"];
const CURRENCIES: [&str; 2] = ["KGS", "USD"];
const LANGUAGES: [&str; 2] = ["ru", "en"];
const COUNTRIES: [&str; 2] = ["Kyrgyzstan", "United States"];
const SIGNS: [&str; 2] = ["сом", "$"];
const PREFIXES: [&str; 2] = ["+996", "+1"];
const FORMATS: [&str; 2] = ["+996 XXX XXX XXX", "+1 (XXX) XXX-XXXX"];
const CODE_MINUTES: [u64; 2] = [10, 15];

impl Shop {
    pub(super) fn new(clock: Arc<device::Clock>) -> Self {
        Self {
            goods: catalogue::goods(),
            code: "123456".to_owned(),
            lifetime: Duration::from_secs(30 * 60),
            clock,
            ahead: Duration::ZERO,
            codes: HashMap::new(),
            tokens: HashMap::new(),
            issued: 0,
            markets: Default::default(),
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.wall() + self.ahead
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    pub(super) fn revoke(&mut self) {
        self.tokens.values_mut().for_each(|token| token.revoked = true);
    }

    /// Whose token came with it, accepted or not.
    pub(super) fn whose(&self, call: &Call) -> Option<UserId> {
        let token = self.tokens.get(call.token.as_ref()?)?;
        Some(UserId(self.user(token.who).id))
    }

    /// Acts, and answers with a status and a body.
    pub(super) fn answer(&mut self, call: &Call) -> (u16, Value) {
        match self.act(call) {
            Ok(body) => (200, body),
            Err((status, detail)) => (status, json!({"detail": detail})),
        }
    }

    fn act(&mut self, call: &Call) -> Answer {
        let path: Vec<&str> = call.path.split('/').skip(1).collect();
        match (call.method.as_str(), &path[..]) {
            ("POST", ["auth", "send-verification"]) => return self.send_code(call),
            ("POST", ["auth", "verify-code"]) => return self.verify_code(call),
            ("GET", ["auth", "markets"]) => return Ok(markets()),
            _ => {}
        }
        let route = (call.method.as_str(), &path[..]);
        if !is_route(route) {
            return no(404, "Not Found");
        }
        let who = self.session(call)?;
        match route {
            ("GET", ["auth", "verify-token"]) => Ok(self.token_status(who)),
            ("GET", ["auth", "profile"]) => Ok(self.profile(who)),
            ("PUT", ["auth", "profile"]) => self.change_profile(who, call),
            ("POST", ["auth", "logout"]) => {
                self.user_mut(who).active = false;
                Ok(json!({"message": "Logged out successfully. User is now inactive."}))
            }
            ("GET", ["cart"]) => Ok(self.cart(who)),
            ("POST", ["cart", "items"]) => self.add(who, call),
            (method, ["cart", rest @ ..]) => self.change_cart(who, method, rest.get(1), call),
            ("GET", ["wishlist"]) => Ok(self.wishlist(who)),
            ("POST", ["wishlist", "items"]) => self.wish(who, call),
            (_, ["wishlist", rest @ ..]) => self.unwish(who, rest.get(1)),
            ("POST", ["orders", "create"]) => self.place(who, call),
            ("GET", ["orders"]) => Ok(self.list(who, call)),
            ("GET", ["orders", id]) => {
                let order = self.order(who, id)?;
                Ok(order.show())
            }
            _ => self.cancel(who, path[2]),
        }
    }

    /// Who a token stands for, or 401.
    fn session(&self, call: &Call) -> Answer<Who> {
        let Some(token) = &call.token else { return no(401, "Missing authorization header") };
        let token = self.tokens.get(token).filter(|token| !token.revoked && token.until > self.now());
        match token {
            // Who has logged out is inactive until the next sign-in, on every device.
            Some(token) if self.user(token.who).active => Ok(token.who),
            _ => no(401, "Invalid token"),
        }
    }

    fn user(&self, who: Who) -> &User {
        &self.markets[who.market].users[who.user]
    }

    fn user_mut(&mut self, who: Who) -> &mut User {
        &mut self.markets[who.market].users[who.user]
    }

    fn goods(&self, sku: u64) -> Option<&Goods> {
        self.goods.iter().find(|goods| goods.sku == sku && goods.active)
    }
}

/// Whether a session is asked for there: what is not there is not found, whoever asks.
fn is_route(route: (&str, &[&str])) -> bool {
    matches!(
        route,
        (
            "GET",
            ["auth", "verify-token"]
                | ["auth", "profile"]
                | ["cart"]
                | ["wishlist"]
                | ["orders"]
                | ["orders", _]
        ) | ("PUT", ["auth", "profile"] | ["cart", "items", _])
            | ("POST", ["auth", "logout"] | ["cart", "items"] | ["wishlist", "items"] | ["orders", "create"])
            | ("POST", ["profile", "orders", _, "cancel"])
            | ("DELETE", ["cart"] | ["cart", "items", _] | ["wishlist"] | ["wishlist", "items", _])
    )
}

fn markets() -> Value {
    let market = |at: usize| {
        json!({
            "market": MARKETS[at],
            "country": COUNTRIES[at],
            "currency": SIGNS[at],
            "currency_code": CURRENCIES[at],
            "language": LANGUAGES[at],
            "phone_prefix": PREFIXES[at],
            "phone_format": FORMATS[at],
        })
    };
    json!({"supported_markets": [market(0), market(1)], "default_market": "kg"})
}

/// Signing in, and who is signed in.
impl Shop {
    fn send_code(&mut self, call: &Call) -> Answer {
        let phone = call.text("phone").ok_or_else(|| invalid("phone"))?;
        let Some(market) = market_of(phone) else { return Err(invalid("phone")) };
        let until = self.now() + Duration::from_secs(60 * CODE_MINUTES[market]);
        self.codes.entry(phone.to_owned()).or_default().push((self.code.clone(), until));
        Ok(json!({"message": "Verification code sent successfully"}))
    }

    fn verify_code(&mut self, call: &Call) -> Answer {
        let phone = call.text("phone").ok_or_else(|| invalid("phone"))?;
        let code = call.text("verification_code").ok_or_else(|| invalid("verification_code"))?;
        let now = self.now();
        let sent = self.codes.entry(phone.to_owned()).or_default();
        let (Some(at), Some(market)) =
            (sent.iter().position(|(sent, until)| sent == code && *until > now), market_of(phone))
        else {
            return no(400, "Invalid or expired verification code");
        };
        sent.remove(at);
        let books = &mut self.markets[market];
        let known = books.users.iter().position(|user| user.phone == phone);
        let user = known.unwrap_or_else(|| {
            let id = match (market, books.users.len() as u64) {
                (0, others) => others + 1,
                (_, 0) => FIRST_US,
                (_, others) => others,
            };
            books.users.push(User::new(id, phone, now));
            books.users.len() - 1
        });
        let found = &mut books.users[user];
        (found.active, found.signed_in) = (true, now);
        let shown = json!({"id": found.id, "phone": phone});
        self.issued += 1;
        let token = format!("test-kit-token-{}", self.issued);
        let until = now + self.lifetime;
        self.tokens.insert(token.clone(), Token { who: Who { market, user }, until, revoked: false });
        Ok(json!({"access_token": token, "expires_in": self.lifetime.as_secs(), "user": shown}))
    }

    fn token_status(&self, who: Who) -> Value {
        let user = self.user(who);
        json!({
            "valid": true,
            "user_id": user.id,
            "phone_number": user.phone,
            "formatted_phone": formatted(&user.phone),
            "market": MARKETS[who.market],
            "currency": SIGNS[who.market],
        })
    }

    fn profile(&self, who: Who) -> Value {
        let user = self.user(who);
        json!({
            "id": user.id.to_string(),
            "phone_number": user.phone,
            "formatted_phone": formatted(&user.phone),
            "name": user.name.clone().unwrap_or_else(|| format!("User {}", user.phone)),
            "full_name": user.name,
            "profile_image_url": user.image,
            "is_active": user.active,
            "is_verified": true,
            "market": MARKETS[who.market],
            "language": LANGUAGES[who.market],
            "country": COUNTRIES[who.market],
            "currency": SIGNS[who.market],
            "currency_code": CURRENCIES[who.market],
            "last_login": iso(user.signed_in),
            "created_at": iso(user.since),
        })
    }

    fn change_profile(&mut self, who: Who, call: &Call) -> Answer {
        let user = self.user_mut(who);
        if let Some(name) = call.text("full_name") {
            user.name = Some(name.to_owned());
        }
        if let Some(image) = call.text("profile_image_url") {
            user.image = Some(image.to_owned());
        }
        Ok(json!({"success": true, "message": "Profile updated successfully", "user": self.profile(who)}))
    }
}

impl User {
    fn new(id: u64, phone: &str, now: SystemTime) -> Self {
        Self {
            id,
            phone: phone.to_owned(),
            name: None,
            image: None,
            active: true,
            signed_in: now,
            since: now,
            cart: None,
            lines: Vec::new(),
            wishlist: None,
            wishes: Vec::new(),
        }
    }
}

/// The cart and the wishlist. Each is made when it is first asked for.
impl Shop {
    fn cart(&mut self, who: Who) -> Value {
        let books = &mut self.markets[who.market];
        let user = &mut books.users[who.user];
        let cart = *user.cart.get_or_insert_with(|| next(&mut books.carts));
        let mut total = 0.0;
        let line = |line: &Line| {
            let goods =
                self.goods.iter().find(|goods| goods.sku == line.sku).expect("only what is sold is added");
            total += goods.price[who.market] * line.quantity as f64;
            json!({
                "id": line.id,
                "sku_id": line.sku,
                "quantity": line.quantity,
                "name": goods.name[who.market],
                "price": goods.price[who.market],
                "image": "",
            })
        };
        let items: Vec<Value> = user.lines.iter().map(line).collect();
        json!({"id": cart, "user_id": user.id, "total_items": items.len(), "items": items, "total_price": total})
    }

    fn add(&mut self, who: Who, call: &Call) -> Answer {
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
    fn change_cart(&mut self, who: Who, method: &str, line: Option<&&str>, call: &Call) -> Answer {
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

    fn wishlist(&mut self, who: Who) -> Value {
        let books = &mut self.markets[who.market];
        let user = &mut books.users[who.user];
        let list = *user.wishlist.get_or_insert_with(|| next(&mut books.wishlists));
        let item = |(id, product): &(u64, u64)| {
            let skus = self.goods.iter().filter(|goods| goods.product == *product && goods.active);
            let price = skus.clone().map(|goods| goods.price[who.market]).fold(f64::INFINITY, f64::min);
            let name = skus.map(|goods| &goods.name[who.market]).next();
            json!({"id": id, "product": {"id": product, "title": name, "price": price}})
        };
        let items: Vec<Value> = user.wishes.iter().map(item).collect();
        json!({"id": list, "user_id": user.id, "items": items})
    }

    fn wish(&mut self, who: Who, call: &Call) -> Answer {
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

    fn unwish(&mut self, who: Who, product: Option<&&str>) -> Answer {
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

fn next(last: &mut u64) -> u64 {
    *last += 1;
    *last
}
