//! The two markets and the phone numbers that belong to them.

use serde_json::{Value, json};

/// A market: its own users, carts, orders and prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Market {
    Kg,
    Us,
}

impl Market {
    pub(crate) const ALL: [Market; 2] = [Market::Kg, Market::Us];

    /// The code on the wire, and the prefix of the market's tables.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Market::Kg => "kg",
            Market::Us => "us",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Market> {
        Market::ALL.into_iter().find(|market| market.code() == code)
    }

    /// The market that a normalised phone number belongs to.
    pub(crate) fn of_phone(phone: &str) -> Option<Market> {
        Market::ALL.into_iter().find(|market| market.owns(phone))
    }

    pub(crate) fn owns(self, phone: &str) -> bool {
        let digits = match self {
            Market::Kg => 9,
            Market::Us => 10,
        };
        phone.strip_prefix(self.prefix()).is_some_and(|rest| rest.chars().count() == digits)
    }

    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Market::Kg => "+996",
            Market::Us => "+1",
        }
    }

    pub(crate) fn language(self) -> &'static str {
        match self {
            Market::Kg => "ru",
            Market::Us => "en",
        }
    }

    pub(crate) fn country(self) -> &'static str {
        match self {
            Market::Kg => "Kyrgyzstan",
            Market::Us => "United States",
        }
    }

    pub(crate) fn currency(self) -> &'static str {
        match self {
            Market::Kg => "сом",
            Market::Us => "$",
        }
    }

    pub(crate) fn currency_code(self) -> &'static str {
        match self {
            Market::Kg => "KGS",
            Market::Us => "USD",
        }
    }

    /// How long a sign-in code of this market is good.
    pub(crate) fn code_minutes(self) -> i64 {
        match self {
            Market::Kg => 10,
            Market::Us => 15,
        }
    }

    fn phone_format(self) -> &'static str {
        match self {
            Market::Kg => "+996 XXX XXX XXX",
            Market::Us => "+1 (XXX) XXX-XXXX",
        }
    }

    /// The phone as people of this market write it; a number of another market comes back as it is.
    pub(crate) fn format(self, phone: &str) -> String {
        if !self.owns(phone) {
            return phone.to_owned();
        }
        let mut given = phone.chars().skip(self.prefix().len());
        let tail = self.phone_format().chars().skip(self.prefix().len());
        let tail: String = tail.map(|c| if c == 'X' { given.next().unwrap_or(c) } else { c }).collect();
        format!("{}{tail}", self.prefix())
    }

    /// The entry of this market in the list of markets.
    pub(crate) fn describe(self) -> Value {
        json!({
            "market": self.code(),
            "country": self.country(),
            "currency": self.currency(),
            "currency_code": self.currency_code(),
            "language": self.language(),
            "phone_prefix": self.prefix(),
            "phone_format": self.phone_format(),
        })
    }
}

/// Drops spaces, dashes and brackets and adds a missing `+`. None if no market has such numbers.
///
/// Deployed servers look at prefix and length alone, so that letters pass; `strict` wants digits.
pub(crate) fn normalise_phone(text: &str, strict: bool) -> Option<String> {
    let kept: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let phone = if kept.starts_with('+') { kept } else { format!("+{kept}") };
    let digits = phone.chars().skip(1).all(|c| c.is_ascii_digit());
    (Market::of_phone(&phone).is_some() && (digits || !strict)).then_some(phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_written_as_their_market_writes_them() {
        assert_eq!(Market::Us.format("+13128059851"), "+1 (312) 805-9851");
        assert_eq!(Market::Kg.format("+996555123456"), "+996 555 123 456");
        assert_eq!(Market::Us.format("+996555123456"), "+996555123456");
    }

    #[test]
    fn punctuation_in_a_phone_is_dropped_and_a_missing_plus_is_added() {
        assert_eq!(normalise_phone("996 (555) 12-34-71", true).as_deref(), Some("+996555123471"));
        assert_eq!(normalise_phone("12345", false), None);
        assert_eq!(normalise_phone("+99655512345a", true), None);
        assert!(normalise_phone("+99655512345a", false).is_some());
    }
}
