//! Time: the device's clocks, and how long a session lasts.
//!
//! Taking an expired session for a valid one costs one 401. Taking a valid one for expired costs the user an
//! SMS. So every doubt is decided for the session, and the server has the last word.

use std::time::{Duration, SystemTime};

/// Where the device's time comes from.
pub(crate) trait Clock: Send + Sync {
    /// The time of day, which the user and the network may set at will.
    fn wall(&self) -> SystemTime;
    /// Time since some start, never set; it goes on while the device sleeps.
    fn monotonic(&self) -> Duration;
}

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    // `std::time::Instant` stops while a phone sleeps, so that a session would seem younger than it is.
    #[cfg(unix)]
    fn monotonic(&self) -> Duration {
        use rustix::time::{ClockId, clock_gettime};
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = ClockId::Monotonic;
        let now = clock_gettime(clock);
        Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
    }

    #[cfg(not(unix))]
    fn monotonic(&self) -> Duration {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// Longer than any session of these servers, by far: what exceeds it comes from a clock that is wrong.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How far past its end a stored session must be to be called expired without asking the server.
const SURELY: Duration = Duration::from_secs(60);

/// How long a session lasts from sign-in, if that can be known.
///
/// `expires_in` needs no clock and decides. Without it the end (`exp`) is compared with both clocks, the
/// server's and the device's, and the longer time that makes sense counts: so neither clock being wrong
/// can end a session early.
pub(crate) fn lifetime(
    expires_in: Option<Duration>,
    expires_at: Option<SystemTime>,
    server_now: Option<SystemTime>,
    device_now: SystemTime,
) -> Option<Duration> {
    let sensible = |time: &Duration| !time.is_zero() && *time <= LONGEST;
    if let Some(time) = expires_in.filter(sensible) {
        return Some(time);
    }
    let end = expires_at?;
    let by = |now: SystemTime| end.duration_since(now).ok().filter(sensible);
    server_now.and_then(by).max(by(device_now))
}

/// What the device's clock says of a stored session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remaining {
    /// It ends after this time.
    Time(Duration),
    /// It cannot be told: the server is asked.
    Unknown,
    /// It ended long enough ago to be sure.
    SurelyExpired,
}

/// How much is left of a session that was signed in at `since` for `lifetime`, by the device's clock.
pub(crate) fn remaining(since: SystemTime, lifetime: Option<Duration>, now: SystemTime) -> Remaining {
    // The device's clock was set back since: it says nothing.
    let (Some(lifetime), Ok(age)) = (lifetime, now.duration_since(since)) else { return Remaining::Unknown };
    match lifetime.checked_sub(age) {
        Some(left) if !left.is_zero() => Remaining::Time(left),
        _ if age - lifetime >= SURELY => Remaining::SurelyExpired,
        _ => Remaining::Unknown,
    }
}

pub(crate) fn to_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// None where the platform's time cannot hold it.
pub(crate) fn from_millis(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HALF_HOUR: Duration = Duration::from_secs(30 * 60);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    #[test]
    fn expires_in_decides_whatever_the_clocks_say() {
        assert_eq!(lifetime(Some(HALF_HOUR), Some(now() - MINUTE), Some(now()), now()), Some(HALF_HOUR));
    }

    #[test]
    fn p4_a_wrong_date_does_not_shorten_a_session() {
        let end = now() + HALF_HOUR;
        for date in [now() + 20 * MINUTE, now() + 60 * MINUTE, now() - 365 * 24 * 60 * MINUTE] {
            assert_eq!(lifetime(None, Some(end), Some(date), now()), Some(HALF_HOUR));
        }
    }

    #[test]
    fn p4_a_wrong_device_clock_does_not_shorten_a_session() {
        let end = now() + HALF_HOUR;
        for device in [now() + 20 * MINUTE, now() + 365 * 24 * 60 * MINUTE, SystemTime::UNIX_EPOCH] {
            assert_eq!(lifetime(None, Some(end), Some(now()), device), Some(HALF_HOUR));
        }
    }

    #[test]
    fn an_end_that_no_clock_makes_sense_of_is_not_known() {
        let absurd = now() + 365 * 24 * 60 * MINUTE;
        assert_eq!(lifetime(None, Some(absurd), Some(now()), now()), None);
        assert_eq!(lifetime(Some(Duration::ZERO), None, Some(now()), now()), None);
        assert_eq!(lifetime(None, None, Some(now()), now()), None);
    }

    #[test]
    fn a_stored_session_is_called_expired_only_when_that_is_sure() {
        let since = now();
        let at = |age: Duration| remaining(since, Some(HALF_HOUR), since + age);
        assert_eq!(at(MINUTE), Remaining::Time(29 * MINUTE));
        assert_eq!(at(HALF_HOUR), Remaining::Unknown);
        assert_eq!(at(HALF_HOUR + SURELY), Remaining::SurelyExpired);
        assert_eq!(at(7 * 24 * 60 * MINUTE), Remaining::SurelyExpired);
        assert_eq!(remaining(since, None, since + 7 * 24 * 60 * MINUTE), Remaining::Unknown);
    }

    #[test]
    fn a_clock_that_was_set_back_says_nothing() {
        assert_eq!(remaining(now(), Some(HALF_HOUR), now() - MINUTE), Remaining::Unknown);
    }

    #[test]
    fn the_systems_monotonic_clock_does_not_go_back() {
        let first = SystemClock.monotonic();
        assert!(SystemClock.monotonic() >= first);
    }
}
