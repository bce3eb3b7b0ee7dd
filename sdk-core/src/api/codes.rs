//! When codes were asked for, so that an app can say when one may be asked for again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::model::PhoneNumber;

/// Servers send three codes to a phone in this time, and refuse the fourth.
const WINDOW: Duration = Duration::from_secs(15 * 60);
const ALLOWED: usize = 3;

/// By a hash of the phone number, as the number itself is not kept for longer than its user is signed in. That
/// two numbers have the same is not to be expected, and would harm neither.
#[derive(Default)]
pub(crate) struct CodesSent(Mutex<HashMap<u64, Vec<SystemTime>>>, RandomState);

impl CodesSent {
    /// Notes that a code was sent now, and says when the next may be asked for.
    pub(crate) fn sent(&self, phone: &PhoneNumber, now: SystemTime) -> SystemTime {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A time ahead of now comes from a clock that was set back since: it says nothing.
        let recent = |at: &SystemTime| now.duration_since(*at).is_ok_and(|age| age < WINDOW);
        sent.retain(|_, times| {
            times.retain(recent);
            !times.is_empty()
        });
        let times = sent.entry(self.1.hash_one(phone)).or_default();
        times.push(now);
        match times.len().checked_sub(ALLOWED).and_then(|at| times.get(at)) {
            Some(third_last) => third_last.checked_add(WINDOW).unwrap_or(now),
            None => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_codes_the_next_may_be_asked_for_when_the_first_is_15_minutes_old() {
        let phone = PhoneNumber::parse("+13128059851").unwrap();
        let at = |minutes: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(60 * minutes);
        let codes = CodesSent::default();
        assert_eq!(codes.sent(&phone, at(100)), at(100));
        assert_eq!(codes.sent(&phone, at(101)), at(101));
        assert_eq!(codes.sent(&phone, at(102)), at(115));
        assert_eq!(codes.sent(&PhoneNumber::parse("+996555123456").unwrap(), at(102)), at(102));
        assert_eq!(codes.sent(&phone, at(115)), at(116));
    }
}
