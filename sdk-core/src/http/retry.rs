//! When a call is made again by itself: at most twice, after a random wait, and under a budget that keeps a
//! failing server from being asked much more than a healthy one.
//!
//! The budget is each client's own, since phones know nothing of each other: in an outage a thousand clients
//! make a thousand calls again, once, however long it lasts. What never reached the server costs it nothing,
//! and is not paid for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use tokio::sync::Notify;

/// How often a call is made again at most.
pub(crate) const MOST: u32 = 2;

const FIRST_WAIT: Duration = Duration::from_millis(250);
/// What a call that succeeds adds to the budget; making one again takes 1. So of a client's calls at most one
/// in ten is made again, and the first in any case.
const EARNED: f64 = 0.1;
const FULL: f64 = 1.0;

/// Calls made again are paid for by calls that succeed, so an outage drains the budget and ends them.
pub(crate) struct Budget {
    tokens: Mutex<f64>,
    full: Notify,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { tokens: Mutex::new(FULL), full: Notify::new() }
    }

    pub(crate) fn earn(&self) {
        self.add(EARNED);
    }

    /// What was spent was not needed.
    pub(crate) fn refund(&self) {
        self.add(1.0);
    }

    fn add(&self, amount: f64) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + amount).min(FULL);
        if *tokens >= 1.0 {
            self.full.notify_waiters();
        }
    }

    /// Spends as soon as there is enough.
    pub(crate) async fn spend_when_earned(&self) {
        loop {
            let full = self.full.notified();
            if self.spend() {
                return;
            }
            full.await;
        }
    }

    pub(crate) fn spend(&self) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

/// The wait before the n-th retry (from 0): anything up to a bound that doubles ("full jitter"), so that
/// clients that failed together do not come back together.
pub(crate) fn backoff(retries: u32, bits: u128) -> Duration {
    spread(FIRST_WAIT * 2_u32.pow(retries.min(4)), bits)
}

/// Anything from nothing to `bound`.
pub(crate) fn spread(bound: Duration, bits: u128) -> Duration {
    let thousandths = u32::try_from(bits % 1000).unwrap_or(0);
    bound / 1000 * thousandths
}

/// The longest wait that a server is believed: a year. Not each host's own type for it holds what ours does.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// `Retry-After` in both its forms (RFC 9110 section 10.2.3). A date is compared with the answer's own
/// `Date`, so that the device's clock does not matter; without one it says nothing.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    said(headers).filter(|wait| *wait <= LONGEST_WAIT)
}

fn said(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(retry_after: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        super::retry_after(&headers)
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(after("120", None), Some(Duration::from_secs(120)));
        let then = "Tue, 24 Nov 2026 09:00:30 GMT";
        assert_eq!(after(then, Some("Tue, 24 Nov 2026 09:00:00 GMT")), Some(Duration::from_secs(30)));
        assert_eq!(after(then, Some("Tue, 24 Nov 2026 10:00:00 GMT")), Some(Duration::ZERO));
    }

    #[test]
    fn p9_a_retry_after_that_makes_no_sense_is_none() {
        let largest = u64::MAX.to_string();
        let far = "Tue, 24 Nov 9026 09:00:00 GMT";
        let none = ["", "-1", "1.5", "soon", "99999999999999999999999", "Tue, 99 Nov 2026 09:00:30 GMT"];
        for text in none.into_iter().chain([largest.as_str(), far]) {
            assert_eq!(after(text, Some("Tue, 24 Nov 2026 09:00:00 GMT")), None, "{text}");
        }
        assert_eq!(after("Tue, 24 Nov 2026 09:00:30 GMT", None), None);
    }

    #[test]
    fn a_budget_without_success_allows_one_retry_and_ten_successes_another() {
        let budget = Budget::new();
        assert!(budget.spend());
        assert!((0..1000).all(|_| !budget.spend()));
        for _ in 0..9 {
            budget.earn();
        }
        assert!(!budget.spend());
        for _ in 0..100 {
            budget.earn();
        }
        assert!(budget.spend());
        assert!(!budget.spend(), "it is not saved up");
    }

    #[test]
    fn the_wait_is_anything_up_to_a_bound_that_doubles() {
        assert_eq!(backoff(0, 0), Duration::ZERO);
        assert_eq!(backoff(0, 999), FIRST_WAIT * 999 / 1000);
        assert_eq!(backoff(1, 500), FIRST_WAIT);
        assert!(backoff(u32::MAX, u128::MAX) <= FIRST_WAIT * 16);
    }
}
