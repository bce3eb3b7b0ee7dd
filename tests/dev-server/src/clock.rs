//! The server's clock: the real one plus an offset that tests move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that a date with four digits for the year can name.
const LAST_SECOND: i64 = 253_402_300_799;

/// Tokens, codes, rate limits and the `Date` header all go by this clock.
#[derive(Default)]
pub(crate) struct Clock {
    /// Microseconds.
    offset: AtomicI64,
}

impl Clock {
    /// Microseconds since 1970, within what can be written as a date.
    pub(crate) fn now(&self) -> i64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let real = i64::try_from(real.as_micros()).unwrap_or(i64::MAX);
        real.saturating_add(self.offset.load(Ordering::SeqCst)).clamp(0, LAST_SECOND * 1_000_000)
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.now() / 1_000_000
    }

    pub(crate) fn advance(&self, micros: i64) {
        let advanced = |offset: i64| Some(offset.saturating_add(micros));
        // It fails only where there is nothing to store.
        let _ = self.offset.fetch_update(Ordering::SeqCst, Ordering::SeqCst, advanced);
    }

    pub(crate) fn reset(&self) {
        self.offset.store(0, Ordering::SeqCst);
    }

    /// Now, as the `Date` header has it.
    pub(crate) fn http_date(&self) -> String {
        http_date(self.seconds())
    }
}

/// Seconds since 1970 in the form of HTTP headers.
pub(crate) fn http_date(seconds: i64) -> String {
    let seconds = u64::try_from(seconds.clamp(0, LAST_SECOND)).unwrap_or(0);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Microseconds since 1970 as ISO 8601, the fraction left out when it is zero.
pub(crate) fn iso(micros: i64, zone: &str) -> String {
    let nanos = i128::from(micros) * 1000;
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
        return String::new();
    };
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let fraction = match at.microsecond() {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_advance_is_too_much() {
        let clock = Clock::default();
        clock.advance(i64::MAX);
        assert_eq!(clock.http_date(), "Fri, 31 Dec 9999 23:59:59 GMT");
        clock.reset();
        clock.advance(i64::MIN / 2);
        assert_eq!(clock.http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn a_whole_second_has_no_fraction() {
        assert_eq!(iso(1_772_366_400_000_000, "Z"), "2026-03-01T12:00:00Z");
        assert_eq!(iso(1_772_366_400_000_001, "+00:00"), "2026-03-01T12:00:00.000001+00:00");
    }
}
