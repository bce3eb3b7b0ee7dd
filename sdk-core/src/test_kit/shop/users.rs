//! Users: codes, sessions and profiles.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::cart::Line;
use super::{
    Answer, CODE_MINUTES, COUNTRIES, CURRENCIES, Call, LANGUAGES, MARKETS, SIGNS, Shop, Who, formatted,
    invalid, iso, market_of, no,
};

/// The first user of us; those of kg count from 1.
const FIRST_US: u64 = 19;

/// How many codes a phone may ask for in which time.
const CODES_PER_WINDOW: usize = 3;
const WINDOW: Duration = Duration::from_secs(15 * 60);

pub(super) struct User {
    pub(super) id: u64,
    pub(super) phone: String,
    name: Option<String>,
    image: Option<String>,
    pub(super) active: bool,
    signed_in: SystemTime,
    since: SystemTime,
    pub(super) cart: Option<u64>,
    /// The one that was touched last is last.
    pub(super) lines: Vec<Line>,
    pub(super) wishlist: Option<u64>,
    /// An entry's id, and the product.
    pub(super) wishes: Vec<(u64, u64)>,
}

/// A code that was sent.
pub(super) struct Sent {
    code: String,
    at: SystemTime,
    until: SystemTime,
    used: bool,
    /// Whether it is one of those that a phone may ask for.
    counts: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Token {
    pub(super) who: Who,
    pub(super) until: SystemTime,
    pub(super) revoked: bool,
}

impl Shop {
    /// The user of a phone.
    pub(super) fn user_of(&self, phone: &str) -> Option<Who> {
        let market = market_of(phone)?;
        let user = self.markets[market].users.iter().position(|user| user.phone == phone)?;
        Some(Who { market, user })
    }

    /// The code that was sent last is not one of those that this phone may ask for.
    pub(in crate::test_kit) fn do_not_count(&mut self, phone: &str) {
        if let Some(last) = self.codes.get_mut(phone).and_then(|sent| sent.last_mut()) {
            last.counts = false;
        }
    }

    pub(super) fn send_code(&mut self, call: &Call) -> Answer {
        let phone = call.text("phone").ok_or_else(|| invalid("phone"))?;
        let Some(market) = market_of(phone) else { return Err(invalid("phone")) };
        let (code, at) = (self.code.clone(), self.now());
        let sent = self.codes.entry(phone.to_owned()).or_default();
        if sent.iter().filter(|sent| sent.counts && sent.at + WINDOW > at).count() >= CODES_PER_WINDOW {
            return no(422, "Too many verification attempts. Please wait 15 minutes.");
        }
        let until = at + Duration::from_secs(60 * CODE_MINUTES[market]);
        sent.push(Sent { code, at, until, used: false, counts: true });
        Ok(json!({"message": "Verification code sent successfully"}))
    }

    pub(super) fn verify_code(&mut self, call: &Call) -> Answer {
        let phone = call.text("phone").ok_or_else(|| invalid("phone"))?;
        let code = call.text("verification_code").ok_or_else(|| invalid("verification_code"))?;
        let now = self.now();
        let sent = self.codes.entry(phone.to_owned()).or_default();
        let good = sent.iter_mut().find(|sent| sent.code == code && !sent.used && sent.until > now);
        let (Some(good), Some(market)) = (good, market_of(phone)) else {
            return no(400, "Invalid or expired verification code");
        };
        good.used = true;
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

    pub(super) fn token_status(&self, who: Who) -> Value {
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

    pub(super) fn profile(&self, who: Who) -> Value {
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

    pub(super) fn change_profile(&mut self, who: Who, call: &Call) -> Answer {
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
