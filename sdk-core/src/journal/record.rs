//! What is kept of an order while nobody knows whether it was placed.

use std::time::{Duration, SystemTime};

use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::model::OrderId;
use crate::session::clock::{from_millis, to_millis};

const VERSION: u32 = 1;
/// Far above any record that this writes; more is not read as one.
const LONGEST: usize = 16 * 1024;
/// So many different name, phone and address of one order are kept. Some stores hold 2560 bytes and no more.
const MOST_DIGESTS: usize = 32;

/// Of name, phone and address: half of an HMAC-SHA256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest([u8; 16]);

/// A key that says nothing outside its own record: neither does a digest made with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Secret([u8; 32]);

/// An order of which at least one attempt has no known outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Of the logical order: all its attempts carry it as their idempotency key.
    pub(crate) id: u128,
    /// Grows with each attempt, so that one that begins meanwhile is noticed.
    pub(crate) revision: u32,
    /// The user's newest order before the first attempt; none if there was no order.
    pub(crate) newest: Option<OrderId>,
    /// When the latest attempt began, by the server's clock; none if the server told no time.
    pub(crate) began: Option<SystemTime>,
    pub(crate) from_cart: bool,
    secret: Secret,
    /// What the attempts without a known outcome ordered, and how many there are of each.
    attempts: Vec<(Digest, u32)>,
}

impl Pending {
    pub(crate) fn new(id: u128, secret: [u128; 2], newest: Option<OrderId>) -> Self {
        let [one, other] = secret.map(u128::to_le_bytes);
        let mut secret = [0; 32];
        let (front, back) = secret.split_at_mut(16);
        front.copy_from_slice(&one);
        back.copy_from_slice(&other);
        let secret = Secret(secret);
        Self { id, revision: 0, newest, began: None, from_cart: false, secret, attempts: Vec::new() }
    }

    /// Servers may trim a text or write a phone number in another form, so case, spaces and signs do not count.
    pub(crate) fn digest(&self, name: &str, phone: &str, address: &str) -> Digest {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret.0));
        let phone: String = phone.chars().filter(char::is_ascii_digit).collect();
        for text in [words(name), phone, words(address)] {
            // With its length, or what ends one could begin the next.
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        }
        let mut half = [0; 16];
        half.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        Digest(half)
    }

    /// Notes an attempt; false if there is no room for another.
    #[must_use]
    pub(crate) fn attempt(&mut self, digest: Digest, began: Option<SystemTime>, from_cart: bool) -> bool {
        let room = self.attempts.len() < MOST_DIGESTS;
        match self.attempts.iter_mut().find(|(of, _)| *of == digest) {
            Some((_, count)) => *count = count.saturating_add(1),
            None if room => self.attempts.push((digest, 1)),
            None => return false,
        }
        self.revision = self.revision.wrapping_add(1);
        self.began = began;
        self.from_cart |= from_cart;
        true
    }

    /// The latest attempt may have left so much later than was noted: the device slept meanwhile.
    pub(crate) fn began_later(&mut self, by: Duration) {
        self.revision = self.revision.wrapping_add(1);
        self.began = self.began.and_then(|began| began.checked_add(by));
    }

    /// Takes an attempt back that certainly did nothing; true if none is left.
    pub(crate) fn take_back(&mut self, digest: Digest) -> bool {
        for (of, count) in &mut self.attempts {
            if *of == digest {
                *count = count.saturating_sub(1);
                break;
            }
        }
        self.attempts.retain(|(_, count)| *count > 0);
        self.attempts.is_empty()
    }

    pub(crate) fn ordered(&self, digest: Digest) -> bool {
        self.attempts.iter().any(|(of, _)| *of == digest)
    }

    pub(crate) fn idempotency_key(&self) -> String {
        // In quotation marks: the header is a structured field, and its item a string.
        format!("\"{:032x}\"", self.id)
    }

    /// How long until what was not seen was not placed, of a list that was read at `now`; none if that cannot be
    /// told. Both times are the server's.
    pub(crate) fn settles_in(&self, now: Option<SystemTime>, settle: Duration) -> Option<Duration> {
        let settled = self.began?.checked_add(settle)?;
        Some(settled.duration_since(now?).unwrap_or_default())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("redacted")
    }
}

fn words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    order: String,
    revision: u32,
    newest: Option<u64>,
    began_ms: Option<u64>,
    from_cart: bool,
    secret: String,
    attempts: Vec<(String, u32)>,
}

impl Pending {
    pub(crate) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let stored = Stored {
            version: VERSION,
            order: format!("{:032x}", self.id),
            revision: self.revision,
            newest: self.newest.map(|id| id.0),
            began_ms: self.began.map(to_millis),
            from_cart: self.from_cart,
            secret: hex(&self.secret.0),
            attempts: self.attempts.iter().map(|(digest, count)| (hex(&digest.0), *count)).collect(),
        };
        serde_json::to_vec(&stored).ok().map(Zeroizing::new)
    }

    /// None for what this version cannot read, an unknown version included.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let stored: Stored = serde_json::from_slice(bytes).ok()?;
        if stored.version != VERSION {
            return None;
        }
        let attempts = stored.attempts.iter().map(|(digest, count)| Some((Digest(unhex(digest)?), *count)));
        let attempts: Vec<_> = attempts.collect::<Option<_>>()?;
        if attempts.is_empty() || attempts.iter().any(|(_, count)| *count == 0) {
            return None;
        }
        Some(Self {
            id: u128::from_be_bytes(unhex(&stored.order)?),
            revision: stored.revision,
            newest: stored.newest.map(OrderId),
            began: match stored.began_ms {
                Some(millis) => Some(from_millis(millis)?),
                None => None,
            },
            from_cart: stored.from_cart,
            secret: Secret(unhex(&stored.secret)?),
            attempts,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn pending() -> Pending {
        let mut pending = Pending::new(7, [1, 2], Some(OrderId(1001)));
        let digest = pending.digest("Ann", "+13128059851", "1 Main St");
        assert!(pending.attempt(digest, Some(at(100)), true));
        pending
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut without = Pending::new(u128::MAX, [3, 4], None);
        let digest = without.digest("Ann", "+13128059851", "1 Main St");
        assert!(without.attempt(digest, None, false) && without.attempt(digest, None, false));
        for pending in [pending(), without] {
            assert_eq!(Pending::decode(&pending.encode().unwrap()), Some(pending));
        }
    }

    #[test]
    fn p8_a_record_that_cannot_be_read_is_corrupt_an_unknown_version_included() {
        let good = String::from_utf8(pending().encode().unwrap().to_vec()).unwrap();
        let cut = &good[..good.len() / 2];
        let version = good.replace("\"version\":1", "\"version\":2");
        let secret = good.replace("\"secret\":\"01", "\"secret\":\"0");
        let nothing = good.replace(",1]]", ",0]]");
        let long = " ".repeat(LONGEST + 1);
        for text in ["", "{}", "null", "\u{0}", cut, &version, &secret, &nothing, &long] {
            assert_ne!(text, good);
            assert_eq!(Pending::decode(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_digest_tells_name_phone_and_address_apart_and_passes_over_how_they_are_written() {
        let pending = pending();
        let digest = pending.digest("Ann Lee", "+13128059851", "1 Main St");
        for same in [
            pending.digest(" ann  lee\n", "+1 (312) 805-9851", "1  main st "),
            pending.digest("Ann\u{a0}Lee", "13128059851", "1 Main St"),
        ] {
            assert_eq!(same, digest);
        }
        for other in [
            pending.digest("Ann Le", "+13128059851", "1 Main St"),
            pending.digest("Ann Lee", "+13128059852", "1 Main St"),
            pending.digest("Ann Lee", "+13128059851", "2 Main St"),
            pending.digest("Ann", "+13128059851", "Lee 1 Main St"),
            Pending::new(7, [1, 3], None).digest("Ann Lee", "+13128059851", "1 Main St"),
        ] {
            assert_ne!(other, digest);
        }
    }

    #[test]
    fn p10_neither_the_record_nor_its_print_holds_what_was_entered() {
        let pending = pending();
        let stored = String::from_utf8(pending.encode().unwrap().to_vec()).unwrap();
        for text in [stored, format!("{pending:?}")] {
            for secret in ["Ann", "3128059851", "Main"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
        assert!(!format!("{pending:?}").contains(&hex(&pending.secret.0)));
    }

    #[test]
    fn an_attempt_that_did_nothing_is_taken_back_and_the_others_stay() {
        let mut pending = pending();
        let first = pending.digest("Ann", "+13128059851", "1 Main St");
        let other = pending.digest("Ann", "+13128059851", "2 Main St");
        assert!(pending.attempt(first, None, false) && pending.attempt(other, None, false));
        assert!(!pending.take_back(other) && !pending.ordered(other));
        assert!(!pending.take_back(first) && pending.ordered(first), "one of the two is left");
        assert!(pending.take_back(first));
    }

    #[test]
    fn a_record_with_as_many_attempts_as_there_is_room_for_fits_into_every_store() {
        let mut pending = pending();
        let digests: Vec<_> = (0..MOST_DIGESTS)
            .map(|n| pending.digest("Ann", "+13128059851", &format!("{n} Side St")))
            .collect();
        let noted = digests.iter().filter(|digest| pending.attempt(**digest, Some(at(100)), true)).count();
        assert_eq!(noted, MOST_DIGESTS - 1);
        let length = pending.encode().unwrap().len();
        assert!(length <= 2560, "{length} bytes");
    }

    #[test]
    fn what_was_not_seen_settles_by_the_servers_clock_alone() {
        let pending = pending();
        let minute = Duration::from_secs(60);
        assert_eq!(pending.settles_in(Some(at(100)), minute), Some(minute));
        assert_eq!(pending.settles_in(Some(at(159)), minute), Some(Duration::from_secs(1)));
        assert_eq!(pending.settles_in(Some(at(160)), minute), Some(Duration::ZERO));
        assert_eq!(pending.settles_in(None, minute), None);
        assert_eq!(Pending::new(7, [1, 2], None).settles_in(Some(at(160)), minute), None);
    }
}
