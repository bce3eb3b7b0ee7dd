//! Phone numbers: what a user signs in with.

use std::fmt;

use zeroize::Zeroize;

use super::market::Market;
use crate::error::{Error, Result};

/// A phone number, in E.164 form (`+` and digits) where it was read by [`PhoneNumber::parse`]. `Display` and `Debug` show its last two digits alone; the whole number is
/// [`PhoneNumber::as_str`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number as people write it: `+` and the digits, which spaces, dashes, dots and brackets may
    /// group. A number of a known market must have that market's length.
    ///
    /// ```
    /// use market_sdk::{Market, PhoneNumber};
    ///
    /// let phone = PhoneNumber::parse("+1 (312) 805-9851")?;
    /// assert_eq!(phone.as_str(), "+13128059851");
    /// assert_eq!(phone.market(), Some(Market::Us));
    /// assert_eq!(phone.to_string(), "+•••••••••51");
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorCode::InvalidInput) for `phone`.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse =
            || Error::invalid("phone", "Enter the phone number with its country code, like +996 or +1.");
        let digits = text.trim().strip_prefix('+').ok_or_else(refuse)?;
        let mut e164 = String::with_capacity(16);
        e164.push('+');
        for c in digits.chars() {
            match c {
                '0'..='9' => e164.push(c),
                ' ' | '\u{a0}' | '-' | '.' | '(' | ')' => {}
                _ => return Err(refuse()),
            }
        }
        let digits = e164.len() - 1;
        if !(8..=15).contains(&digits) || e164.starts_with("+0") {
            return Err(refuse());
        }
        let phone = Self(e164);
        let national = match phone.market() {
            Some(Market::Kg) => digits == 3 + 9,
            Some(Market::Us) => digits == 1 + 10,
            _ => true,
        };
        if national {
            Ok(phone)
        } else {
            Err(Error::invalid("phone", "The phone number has too few or too many digits."))
        }
    }

    /// A number as the server wrote it: taken as it is, since it is only shown.
    pub(crate) fn from_server(text: String) -> Self {
        Self(text)
    }

    /// The whole number: `+` and 8 to 15 digits; one that came from the server is as the server wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The market that the prefix stands for, if this version of the SDK knows it.
    pub fn market(&self) -> Option<Market> {
        if self.0.starts_with("+996") {
            Some(Market::Kg)
        } else if self.0.starts_with("+1") {
            Some(Market::Us)
        } else {
            None
        }
    }
}

/// What is freed stays in memory until something is written over it.
impl Drop for PhoneNumber {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.0.len().saturating_sub(3);
        write!(f, "+{}{}", "•".repeat(hidden), self.0.get(hidden + 1..).unwrap_or_default())
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_read_as_people_write_it() {
        for text in ["+996 555 123 456", " +996555123456 ", "+996-555-123456", "+996 (555) 12.34.56"] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), "+996555123456", "{text}");
        }
    }

    #[test]
    fn what_is_no_phone_number_is_refused() {
        for text in [
            "",
            "+",
            "996555123456",
            "+99655512345",
            "+9965551234567",
            "+1312805985",
            "+131280598511",
            "+0123456789",
            "+12 a",
            "+1234567",
            "+1234567890123456",
            "+1312805٩851",
        ] {
            assert!(PhoneNumber::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_of_an_unknown_country_passes_for_the_server_to_judge() {
        assert_eq!(PhoneNumber::parse("+7 701 234 56 78").unwrap().market(), None);
    }

    #[test]
    fn p10_a_phone_number_does_not_show_itself() {
        let phone = PhoneNumber::parse("+13128059851").unwrap();
        assert_eq!(format!("{phone} {phone:?}"), "+•••••••••51 +•••••••••51");
    }
}
