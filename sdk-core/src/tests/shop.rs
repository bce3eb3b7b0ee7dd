//! A server in memory behind the transport seam: just enough of a shop, each answer a little late.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::http::transport::{Failure, Reply, Request, Transport};

pub(super) const CODE: &str = "123456";
/// So begin codes that are as good, for tests that tell one sign-in from another by its code.
pub(super) const GOOD_CODE: &str = "77";
const ANYWHERE: &str = "*";
/// The way there, and the way back.
pub(super) const LATENCY: Duration = Duration::from_millis(20);

/// What a test makes of the next requests to a path.
#[derive(Clone, Debug)]
pub(super) enum Mishap {
    Status(u16, &'static str),
    RetryAfter(u16, &'static str),
    NotSent,
    /// The connection is cut before the server acts.
    LostBefore,
    /// The connection is cut after the server has acted.
    LostAfter,
    Slow(Duration),
    Silent,
    Body(&'static [u8]),
    /// To the same path there, with this status. One that leaves a write's method to the client has acted.
    SentOn(u16, &'static str),
    /// The connection is cut at once, and the server acts so much later.
    ActsLate(Duration),
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    /// Virtual time since the shop opened.
    pub(super) at: Duration,
}

#[derive(Default)]
struct Inside {
    seen: Vec<Seen>,
    /// How often it answered, and how often the client went away first.
    answered: usize,
    given_up: usize,
    fails: Option<Mishap>,
    lacks: Option<&'static str>,
    mishaps: HashMap<String, Vec<Mishap>>,
    tokens: HashMap<String, u64>,
    dead: HashSet<String>,
    signed_in: u64,
    /// By user.
    carts: HashMap<u64, Basket>,
    orders: Vec<(u64, Value)>,
    /// It lists orders without saying whose they are.
    tells_no_customer: bool,
    says_no_date: bool,
    honours_keys: bool,
    placed: Vec<(u64, Value)>,
    noted: HashMap<String, usize>,
    keys: HashMap<String, Value>,
    expires_in: Option<u64>,
    parallel_cart: usize,
    most_parallel_cart: usize,
}

/// A user's cart.
#[derive(Default)]
struct Basket {
    lines: Vec<(u64, u64)>,
    /// How often it was changed.
    version: u64,
}

#[derive(Clone)]
pub(super) struct Shop(Arc<Mutex<Inside>>, tokio::time::Instant);

impl Shop {
    pub(super) fn open() -> Self {
        let inside = Inside { expires_in: Some(1800), ..Inside::default() };
        Self(Arc::new(Mutex::new(inside)), tokio::time::Instant::now())
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    /// Makes something of the next request to `path`; more than one are used up in order.
    pub(super) fn mishap(&self, path: &str, mishap: Mishap) {
        self.inside().mishaps.entry(path.to_owned()).or_default().push(mishap);
    }

    /// Makes something of the next request, wherever it goes.
    pub(super) fn next_mishap(&self, mishap: Mishap) {
        self.mishap(ANYWHERE, mishap);
    }

    /// Everything is answered so until it is taken back.
    pub(super) fn fails(&self, fails: Option<Mishap>) {
        self.inside().fails = fails;
    }

    /// It has no route that begins so.
    pub(super) fn lacks(&self, path: &'static str) {
        self.inside().lacks = Some(path);
    }

    pub(super) fn no_mishaps(&self) {
        self.inside().mishaps.clear();
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.inside().seen.clone()
    }

    pub(super) fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path == path).collect()
    }

    pub(super) fn given_up(&self) -> usize {
        self.inside().given_up
    }

    pub(super) fn forget_seen(&self) {
        self.inside().seen.clear();
    }

    /// All tokens given out until now are answered 401.
    pub(super) fn expire_tokens(&self) {
        let mut inside = self.inside();
        let tokens: Vec<String> = inside.tokens.keys().cloned().collect();
        inside.dead.extend(tokens);
    }

    pub(super) fn quantity(&self, sku: u64) -> u64 {
        let inside = self.inside();
        let lines = inside.carts.values().flat_map(|cart| &cart.lines);
        lines.filter(|(of, _)| *of == sku).map(|(_, quantity)| *quantity).sum()
    }

    /// Another device changes the cart.
    pub(super) fn set_elsewhere(&self, sku: u64, quantity: u64) {
        let mut inside = self.inside();
        let lines = inside.carts.values_mut().flat_map(|cart| &mut cart.lines);
        lines.filter(|(of, _)| *of == sku).for_each(|line| line.1 = quantity);
    }

    pub(super) fn orders(&self) -> usize {
        self.inside().orders.len()
    }

    /// Which order that was.
    pub(super) fn notes_of(&self, order: u64) -> String {
        let inside = self.inside();
        let at = usize::try_from(order - 1001).unwrap();
        inside.placed[at].1["delivery_notes"].as_str().unwrap_or_default().to_owned()
    }

    /// How often an order with these notes was placed.
    pub(super) fn placed_with(&self, notes: &str) -> usize {
        self.inside().noted.get(notes).copied().unwrap_or_default()
    }

    /// An order of `user`'s from another device.
    pub(super) fn place_elsewhere(&self, user: u64, body: &Value) -> Value {
        self.inside().place(user, body)
    }

    pub(super) fn tells_no_customer(&self, so: bool) {
        self.inside().tells_no_customer = so;
    }

    pub(super) fn says_no_date(&self) {
        self.inside().says_no_date = true;
    }

    pub(super) fn honours_keys(&self) {
        self.inside().honours_keys = true;
    }

    pub(super) fn most_parallel_cart(&self) -> usize {
        self.inside().most_parallel_cart
    }

    pub(super) fn says_no_expiry(&self) {
        self.inside().expires_in = None;
    }

    pub(super) fn expires_in(&self, seconds: u64) {
        self.inside().expires_in = Some(seconds);
    }

    fn mishap_for(&self, path: &str) -> Option<Mishap> {
        let mut inside = self.inside();
        if inside.lacks.is_some_and(|lacking| path.starts_with(lacking)) {
            return Some(Mishap::Status(404, r#"{"detail":"Not Found"}"#));
        }
        if inside.fails.is_some() {
            return inside.fails.clone();
        }
        let mut next = |path: &str| {
            let waiting = inside.mishaps.get_mut(path)?;
            (!waiting.is_empty()).then(|| waiting.remove(0))
        };
        next(path).or_else(|| next(ANYWHERE))
    }

    fn note(&self, request: &Request) -> Seen {
        let body = request.body.as_ref().map(|body| serde_json::from_slice(body).unwrap());
        let seen = Seen {
            method: request.method.to_string(),
            path: request.url.path().to_owned(),
            query: request.url.query().unwrap_or_default().to_owned(),
            headers: request.headers.clone(),
            body: body.unwrap_or_default(),
            at: self.1.elapsed(),
        };
        self.inside().seen.push(seen.clone());
        seen
    }

    fn act(&self, seen: &Seen) -> (u16, Value) {
        let mut inside = self.inside();
        let token = seen.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let open =
            ["/auth/send-verification", "/auth/verify-code", "/auth/markets"].contains(&seen.path.as_str());
        if !open {
            let token = token.unwrap_or_default();
            let token = token.strip_prefix("Bearer ").unwrap_or_default();
            if !inside.tokens.contains_key(token) || inside.dead.contains(token) {
                return (401, json!({"detail": "Not authenticated"}));
            }
        }
        let user = if open { 0 } else { inside.user(seen) };
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/auth/send-verification") => {
                (200, json!({"message": "sent", "expires_in_minutes": 10}))
            }
            ("POST", "/auth/verify-code") => inside.verify(&seen.body),
            ("POST", "/auth/logout") => (200, json!({"message": "bye"})),
            ("GET", "/auth/verify-token") => (200, json!({"valid": true, "user_id": user, "market": "us"})),
            ("GET", "/auth/profile") => (200, json!({"id": user.to_string(), "full_name": null})),
            ("PUT", "/auth/profile") => {
                (200, json!({"user": {"id": user.to_string(), "full_name": seen.body["full_name"]}}))
            }
            ("GET", "/auth/markets") => {
                (200, json!({"supported_markets": [{"market": "us"}], "default_market": "kg"}))
            }
            (_, path) if path.starts_with("/cart") => inside.carts.entry(user).or_default().act(user, seen),
            ("GET" | "DELETE", path) | ("POST", path @ "/wishlist/items")
                if path.starts_with("/wishlist") =>
            {
                (200, json!({"id": 8, "user_id": user, "items": []}))
            }
            ("POST", "/orders/create") => (200, inside.order(user, seen)),
            ("GET", "/orders") => {
                let number = |name: &str| {
                    let pair = seen.query.split('&').find_map(|pair| pair.strip_prefix(name));
                    pair.and_then(|value| value.parse::<usize>().ok())
                };
                let (limit, offset) = (number("limit=").unwrap_or(20), number("offset=").unwrap_or(0));
                let own = inside.orders.iter().rev().filter(|(of, _)| *of == user);
                let mut page: Vec<Value> =
                    own.skip(offset).take(limit).map(|(_, order)| order.clone()).collect();
                if inside.tells_no_customer {
                    for order in &mut page {
                        order["customer_name"] = Value::Null;
                    }
                }
                (200, Value::Array(page))
            }
            ("GET", "/orders/1001") => (200, json!({"id": 1001, "status": "on_hold", "total_amount": 1})),
            ("POST", "/profile/orders/1001/cancel") => {
                (200, json!({"order_id": 1001, "status": "cancelled"}))
            }
            ("GET", "/products") => (200, json!([])),
            _ => (404, json!({"detail": "Not Found"})),
        }
    }
}

impl Inside {
    fn user(&self, seen: &Seen) -> u64 {
        self.tokens[seen.headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ")]
    }

    fn order(&mut self, user: u64, seen: &Seen) -> Value {
        let key = seen.headers["idempotency-key"].to_str().unwrap().to_owned();
        if let (true, Some(first)) = (self.honours_keys, self.keys.get(&key)) {
            return first.clone();
        }
        let order = self.place(user, &seen.body);
        self.keys.insert(key, order.clone());
        if seen.body["use_cart"] == true {
            self.carts.entry(user).or_default().empty();
        }
        order
    }

    fn place(&mut self, user: u64, body: &Value) -> Value {
        let id = 1001 + self.orders.len();
        let mut order =
            json!({"id": id, "status": "pending", "total_amount": 39.98, "currency": "KGS", "items": []});
        for told in ["customer_name", "customer_phone", "delivery_address"] {
            order[told] = body[told].clone();
        }
        self.orders.push((user, order.clone()));
        // Which of them it was, for the test alone.
        let mut noted = order.clone();
        noted["delivery_notes"] = body["delivery_notes"].clone();
        self.placed.push((user, noted));
        let notes = body["delivery_notes"].as_str().unwrap_or_default();
        *self.noted.entry(notes.to_owned()).or_default() += 1;
        order
    }

    fn verify(&mut self, body: &Value) -> (u16, Value) {
        let code = body["verification_code"].as_str().unwrap_or_default();
        if code != CODE && !code.starts_with(GOOD_CODE) {
            return (400, json!({"detail": "Invalid or expired verification code"}));
        }
        self.signed_in += 1;
        // The user follows from the phone: …51 is 19, …52 is 20.
        let phone = body["phone"].as_str().unwrap();
        let user: u64 = 19 + u64::from(phone.ends_with('2'));
        let token = format!("secret-token-{}", self.signed_in);
        self.tokens.insert(token.clone(), user);
        let mut answer = json!({"access_token": token, "user": {"id": user, "phone": phone}, "market": "us"});
        if let Some(seconds) = self.expires_in {
            answer["expires_in"] = json!(seconds);
        }
        (200, answer)
    }
}

impl Basket {
    fn act(&mut self, user: u64, seen: &Seen) -> (u16, Value) {
        let path = seen.path.trim_start_matches("/cart");
        let line = path.strip_prefix("/items/").map(|line| line.parse::<usize>().unwrap());
        let missing = || (404, json!({"detail": "Cart item not found"}));
        match (seen.method.as_str(), line) {
            ("POST", None) => {
                let sku = seen.body["sku_id"].as_u64().unwrap();
                let quantity = seen.body["quantity"].as_u64().unwrap();
                match self.lines.iter_mut().find(|(of, _)| *of == sku) {
                    Some((_, has)) => *has += quantity,
                    None => self.lines.push((sku, quantity)),
                }
                self.version += 1;
            }
            ("PUT", Some(line)) => {
                let Some((_, quantity)) = self.lines.get_mut(line) else { return missing() };
                *quantity = seen.body["quantity"].as_u64().unwrap();
                self.version += 1;
            }
            ("DELETE", Some(line)) => {
                if line >= self.lines.len() {
                    return missing();
                }
                self.lines.remove(line);
                self.version += 1;
            }
            ("DELETE", None) => self.empty(),
            _ => {}
        }
        (200, self.json(user))
    }

    fn empty(&mut self) {
        self.lines.clear();
        self.version += 1;
    }

    /// The id says which of two answers is the newer, for tests alone: servers have one for all of them.
    fn json(&self, user: u64) -> Value {
        let line = |(at, (sku, quantity)): (usize, &(u64, u64))| json!({"id": at, "sku_id": sku, "quantity": quantity, "name": "thing", "price": 19.99, "image": ""});
        let items: Vec<Value> = self.lines.iter().enumerate().map(line).collect();
        let pieces: u64 = self.lines.iter().map(|(_, quantity)| quantity).sum();
        json!({"id": self.version, "user_id": user, "items": items, "total_items": items.len(), "total_price": pieces as f64 * 19.99})
    }
}

/// Counts a request that the client has gone away from.
struct UnderWay(Shop, bool);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut inside = self.0.inside();
        if self.1 {
            inside.parallel_cart -= 1;
        }
        inside.given_up += 1;
    }
}

impl Transport for Shop {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        let shop = self.clone();
        Box::pin(async move {
            let seen = shop.note(&request);
            let in_cart = seen.path.starts_with("/cart");
            if in_cart {
                let mut inside = shop.inside();
                inside.parallel_cart += 1;
                inside.most_parallel_cart = inside.most_parallel_cart.max(inside.parallel_cart);
            }
            let under_way = UnderWay(shop.clone(), in_cart);
            let mishap = shop.mishap_for(&seen.path);
            tokio::time::sleep(LATENCY).await;
            let answer = match &mishap {
                Some(Mishap::Status(status, body)) => Ok((*status, Bytes::from_static(body.as_bytes()))),
                Some(Mishap::RetryAfter(status, _)) => Ok((*status, Bytes::new())),
                Some(Mishap::SentOn(status, _)) => {
                    if !matches!(status, 307 | 308) {
                        shop.act(&seen);
                    }
                    Ok((*status, Bytes::new()))
                }
                Some(Mishap::NotSent) => Err(Failure::NotSent("refused".to_owned())),
                Some(Mishap::LostBefore) => Err(Failure::Lost("reset".to_owned())),
                Some(Mishap::Silent) => std::future::pending().await,
                Some(Mishap::ActsLate(after)) => {
                    let (shop, user, seen, after) =
                        (shop.clone(), shop.inside().user(&seen), seen.clone(), *after);
                    tokio::spawn(async move {
                        tokio::time::sleep(after).await;
                        // Whatever has become of the session meanwhile.
                        shop.inside().order(user, &seen);
                    });
                    Err(Failure::Lost("reset".to_owned()))
                }
                Some(Mishap::LostAfter) => {
                    shop.act(&seen);
                    Err(Failure::Lost("reset".to_owned()))
                }
                Some(Mishap::Body(body)) => {
                    shop.act(&seen);
                    Ok((200, Bytes::from_static(body)))
                }
                Some(Mishap::Slow(_)) | None => {
                    let (status, body) = shop.act(&seen);
                    Ok((status, Bytes::from(body.to_string())))
                }
            };
            if let Some(Mishap::Slow(more)) = mishap {
                tokio::time::sleep(more).await;
            }
            tokio::time::sleep(LATENCY).await;
            drop(under_way);
            let mut inside = shop.inside();
            inside.given_up -= 1;
            inside.answered += 1;
            let (status, body) = answer?;
            let mut headers = HeaderMap::new();
            match mishap {
                Some(Mishap::RetryAfter(_, after)) => {
                    headers.insert("retry-after", after.parse().unwrap());
                }
                Some(Mishap::SentOn(_, there)) => {
                    // No two lead to the same place.
                    let query = format!("{}&hop={}", seen.query, inside.answered);
                    let to = format!("{there}{}?{}", seen.path, query.trim_start_matches('&'));
                    headers.insert("location", to.parse().unwrap());
                }
                _ => {}
            }
            if !inside.says_no_date {
                // Its clock is not the device's.
                let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000) + shop.1.elapsed();
                headers.insert("date", httpdate::fmt_http_date(now).parse().unwrap());
            }
            Ok(Reply {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body,
                path_ends_with_slash: seen.path.ends_with('/'),
            })
        })
    }
}
