//! The shop itself: its routes and what it keeps, in the documented dialect. No I/O, no waiting.
//!
//! It says what `market-dev-server` says. What a client refuses by itself never comes here, so that of the server's
//! checks of its input only those are here that a client leaves to it.

mod cart;
mod orders;
mod users;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use time::OffsetDateTime;

use self::orders::Order;
use self::users::{Sent, Token, User};
use super::catalogue::{self, FakeProduct, Goods};
use super::device;
use super::faults::Route;
use crate::model::UserId;
use crate::session::clock::Clock as _;

pub(super) struct Shop {
    pub(super) goods: Vec<Goods>,
    pub(super) code: String,
    pub(super) lifetime: Duration,
    clock: Arc<device::Clock>,
    /// How much it is ahead of its clients.
    ahead: Duration,
    /// By phone.
    codes: HashMap<String, Vec<Sent>>,
    tokens: HashMap<String, Token>,
    issued: u64,
    markets: [Books; 2],
    /// What a test has given for an answer, and of which routes. The last counts.
    given: Vec<(Route, u16, Value)>,
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

/// All that the shop answers by itself.
const ROUTES: [&str; 20] = [
    "POST /auth/send-verification",
    "POST /auth/verify-code",
    "GET /auth/markets",
    "GET /auth/verify-token",
    "GET /auth/profile",
    "PUT /auth/profile",
    "POST /auth/logout",
    "GET /cart",
    "DELETE /cart",
    "POST /cart/items",
    "PUT /cart/items/{line}",
    "DELETE /cart/items/{line}",
    "GET /wishlist",
    "DELETE /wishlist",
    "POST /wishlist/items",
    "DELETE /wishlist/items/{product}",
    "POST /orders/create",
    "GET /orders",
    "GET /orders/{order}",
    "POST /profile/orders/{order}/cancel",
];

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
            given: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.wall() + self.ahead
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    /// Those of the shop itself, and those that a test has given an answer to.
    pub(super) fn routes(&self) -> Vec<String> {
        let given = self.given.iter().map(|(route, ..)| route.to_string());
        ROUTES.iter().map(|route| (*route).to_owned()).chain(given).collect()
    }

    pub(super) fn give(&mut self, route: Route, status: u16, json: Value) {
        self.given.push((route, status, json));
    }

    /// What has its numbers is not sold any more.
    pub(super) fn sell(&mut self, product: FakeProduct) {
        let goods = Goods::of(product);
        self.goods.retain(|old| goods.iter().all(|new| new.product != old.product && new.sku != old.sku));
        self.goods.extend(goods);
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
        if let Some(given) = self.given(call) {
            return given;
        }
        match self.act(call) {
            Ok(body) => (200, body),
            Err((status, detail)) => (status, json!({"detail": detail})),
        }
    }

    fn act(&mut self, call: &Call) -> Answer {
        let (method, path) = (call.method.as_str(), call.path.as_str());
        if !ROUTES.iter().any(|route| Route::from(*route).fits(method, path)) {
            return no(404, "Not Found");
        }
        let path: Vec<&str> = path.split('/').skip(1).collect();
        match (method, &path[..]) {
            ("POST", ["auth", "send-verification"]) => return self.send_code(call),
            ("POST", ["auth", "verify-code"]) => return self.verify_code(call),
            ("GET", ["auth", "markets"]) => return Ok(markets()),
            _ => {}
        }
        let who = self.session(call)?;
        match (method, &path[..]) {
            ("GET", ["auth", "verify-token"]) => Ok(self.token_status(who)),
            ("GET", ["auth", "profile"]) => Ok(self.profile(who)),
            ("PUT", ["auth", "profile"]) => self.change_profile(who, call),
            ("POST", ["auth", "logout"]) => {
                self.user_mut(who).active = false;
                Ok(json!({"message": "Logged out successfully. User is now inactive."}))
            }
            ("GET", ["cart"]) => Ok(self.cart(who)),
            ("POST", ["cart", "items"]) => self.put(who, call),
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

    /// What a test has given for an answer, to whoever comes with a session that is good, or without one.
    fn given(&self, call: &Call) -> Option<(u16, Value)> {
        let (_, status, json) =
            self.given.iter().rev().find(|(route, ..)| route.fits(&call.method, &call.path))?;
        match self.session(call) {
            Err((status, detail)) if call.token.is_some() => Some((status, json!({"detail": detail}))),
            _ => Some((*status, json.clone())),
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

fn next(last: &mut u64) -> u64 {
    *last += 1;
    *last
}
