//! How values stand in the server's JSON: ids and amounts come as numbers or as strings, optional fields
//! may be null or absent, unknown fields are passed over.

use std::fmt;
use std::time::{Duration, SystemTime};

use rust_decimal::Decimal;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A whole number that is not negative: `19` or `"19"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits(pub(crate) u64);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DigitsVisitor;

        impl Visitor<'_> for DigitsVisitor {
            type Value = Digits;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or a string of digits")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Digits, E> {
                Ok(Digits(number))
            }

            // No echo of the text: it is the server's, and may be personal.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Digits, E> {
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(E::custom("a string that is not digits"));
                }
                text.parse().map(Digits).map_err(|_| E::custom("a number out of range"))
            }
        }

        deserializer.deserialize_any(DigitsVisitor)
    }
}

/// A whole number that may be negative, as deployed servers store quantities unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) i64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl CountVisitor {
            fn exact<E: de::Error>(text: &str) -> Result<Count, E> {
                let exact = decimal(text).ok_or_else(|| E::custom("not a number"))?;
                if !exact.is_integer() {
                    return Err(E::custom("a number that is not whole"));
                }
                i64::try_from(exact).map(Count).map_err(|_| E::custom("a number out of range"))
            }
        }

        impl Visitor<'_> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or a string of one")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Count, E> {
                i64::try_from(number).map(Count).map_err(|_| E::custom("a number out of range"))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Count, E> {
                Ok(Count(number))
            }

            // As in `2.0`. Its shortest digits are those of the whole number, as far as a float tells them apart.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Count, E> {
                Self::exact(&number.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Count, E> {
                Self::exact(text)
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

/// An exact decimal, read from the digits of a number or a string: `19.99`, `"19.99"`, `1e3`.
///
/// It is read from the raw JSON text, because a parsed JSON number is a binary float already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(<&RawValue>::deserialize(deserializer)?.get())
    }
}

impl Amount {
    fn read<E: de::Error>(raw: &str) -> Result<Self, E> {
        if let Some(Plain { digits, decimals }) = Plain::read(raw) {
            return Ok(Self(Decimal::new(digits, decimals)));
        }
        let digits = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
        decimal(digits).map(Self).ok_or_else(|| E::custom("not a decimal number"))
    }
}

/// A number as nearly all are written: some digits, with a point between them or none.
struct Plain {
    /// Without the point.
    digits: i64,
    decimals: u32,
}

impl Plain {
    /// None of what is written otherwise, or is longer than surely fits.
    fn read(raw: &str) -> Option<Self> {
        let raw = raw.as_bytes();
        if !raw.last()?.is_ascii_digit() || raw.len() > 18 {
            return None;
        }
        let (mut digits, mut point) = (0, None);
        for (at, byte) in raw.iter().enumerate() {
            match byte {
                b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
                b'.' if point.is_none() && at > 0 => point = Some(at),
                _ => return None,
            }
        }
        let decimals = point.map_or(0, |point| raw.len() - point - 1);
        Some(Self { digits, decimals: decimals as u32 })
    }
}

/// More would leave no room for the thousandths that a currency may have.
const LARGEST: Decimal = Decimal::from_parts(u32::MAX, u32::MAX, u32::MAX / 1024, false, 0);

/// Reads a JSON number; one with more digits than a decimal holds is rounded, as one with float noise is.
fn decimal(digits: &str) -> Option<Decimal> {
    let starts_well = digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'-');
    if !starts_well
        || !digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'))
    {
        return None;
    }
    let number =
        if digits.contains(['e', 'E']) { Decimal::from_scientific(digits).ok() } else { digits.parse().ok() };
    number.filter(|number| number.abs() <= LARGEST)
}

/// An instant: RFC 3339 with any offset, with or without a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp(pub(crate) SystemTime);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let instant = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| de::Error::custom("not a date"))?;
        instant_from(instant).map(Timestamp).ok_or_else(|| de::Error::custom("a date out of range"))
    }
}

fn instant_from(instant: OffsetDateTime) -> Option<SystemTime> {
    let nanos = instant.unix_timestamp_nanos();
    let distance = nanos.unsigned_abs();
    let distance =
        Duration::new(u64::try_from(distance / 1_000_000_000).ok()?, (distance % 1_000_000_000) as u32);
    if nanos < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

/// A text; `null` reads as empty.
pub(crate) fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A text; `null` and the empty text, which servers send for "none", both read as none.
pub(crate) fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.filter(|text| !text.is_empty()))
}

/// A list; `null` reads as empty.
pub(crate) fn list_or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A request body.
pub(crate) fn body(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(json: &str) -> Option<String> {
        serde_json::from_str::<Amount>(json).ok().map(|amount| amount.0.to_string())
    }

    #[test]
    fn amounts_are_read_exactly_from_their_digits() {
        assert_eq!(amount("0.1").as_deref(), Some("0.1"));
        assert_eq!(amount("99.94999999999999").as_deref(), Some("99.94999999999999"));
        assert_eq!(amount("\"19.99\"").as_deref(), Some("19.99"));
        assert_eq!(amount("1.5e3").as_deref(), Some("1500"));
        assert_eq!(amount("-2").as_deref(), Some("-2"));
    }

    #[test]
    fn what_is_read_the_short_way_is_read_as_the_long_way_reads_it() {
        for digits in [
            "0",
            "0.0",
            "7",
            "19.99",
            "19.990",
            "007",
            "123456789012345678",
            "1234567890123456.7",
            "0.000000001",
        ] {
            let Amount(short) = Amount::read::<serde_json::Error>(digits).unwrap();
            let long = decimal(digits).unwrap();
            assert_eq!((short, short.scale()), (long, long.scale()), "{digits}");
            assert!(Plain::read(digits).is_some(), "{digits}");
        }
        for digits in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1.2.3", "\"1\"", "1234567890123456789"] {
            assert!(Plain::read(digits).is_none(), "{digits}");
        }
    }

    #[test]
    fn p9_what_is_no_amount_is_an_error() {
        for json in [
            "null",
            "true",
            "[]",
            "\"\"",
            "\"1,5\"",
            "\"NaN\"",
            "1e400",
            "\"1_000\"",
            "\"+1\"",
            "\"\\u0031\"",
        ] {
            assert_eq!(amount(json), None, "{json}");
        }
        assert_eq!(amount(&"9".repeat(400)), None);
    }

    #[test]
    fn p9_an_amount_that_its_currency_could_not_show_in_full_is_an_error() {
        use crate::model::{Currency, Money};

        let largest = LARGEST.to_string();
        let Amount(exact) = serde_json::from_str(&largest).unwrap();
        assert_eq!(Money::new(exact, Currency::new("KWD")).to_string(), format!("KWD {largest}.000"));
        for json in [(LARGEST + Decimal::ONE).to_string(), Decimal::MAX.to_string(), "-7e28".to_owned()] {
            assert_eq!(amount(&json), None, "{json}");
        }
    }

    #[test]
    fn ids_are_read_from_numbers_and_from_strings_of_digits() {
        let id = |json: &str| serde_json::from_str::<Digits>(json).ok().map(|digits| digits.0);
        assert_eq!(id("19"), Some(19));
        assert_eq!(id("\"19\""), Some(19));
        for json in ["-1", "1.5", "\"\"", "\"1 \"", "\"-1\"", "null", "true", "18446744073709551616"] {
            assert_eq!(id(json), None, "{json}");
        }
    }

    #[test]
    fn dates_are_read_with_any_offset_with_or_without_a_fraction() {
        let at = |json: &str| {
            let Timestamp(at) = serde_json::from_str(json).unwrap();
            at.duration_since(SystemTime::UNIX_EPOCH).unwrap()
        };
        assert_eq!(at("\"2026-11-23T20:38:22Z\""), Duration::from_secs(1_795_466_302));
        assert_eq!(at("\"2026-11-23T20:38:22+00:00\""), at("\"2026-11-23T20:38:22Z\""));
        assert_eq!(at("\"2026-11-23T22:38:22.5+02:00\""), Duration::from_millis(1_795_466_302_500));
        assert!(serde_json::from_str::<Timestamp>("\"yesterday\"").is_err());
    }
}
