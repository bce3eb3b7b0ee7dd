//! Money: exact, with its currency.

use std::borrow::Cow;
use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

use super::wire::Amount;

/// A currency by its ISO 4217 code, such as `USD` or `KGS`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Currency(Cow<'static, str>);

impl Currency {
    /// The currency of this code; upper and lower case are the same.
    pub fn new(code: &str) -> Self {
        Self(code.to_ascii_uppercase().into())
    }

    /// The currency of this code, in upper case: every line of a cart has one of its own.
    pub(crate) const fn known(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// The ISO 4217 code.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// How many decimals the currency's smallest unit has: 2, unless ISO 4217 says otherwise.
    pub fn decimals(&self) -> u32 {
        match self.code() {
            "USD" | "KGS" => 2, // Asked of every line of a cart.
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
            | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An exact amount in a currency, at that currency's precision.
///
/// Servers compute totals in binary floating point (5 × 19.99 arrives as `99.94999999999999`); the SDK reads
/// the digits and rounds to the currency's smallest unit, halves away from zero.
///
/// ```
/// use market_sdk::{Currency, Money};
///
/// let total = Money::new("99.94999999999999".parse().unwrap(), Currency::new("USD"));
/// assert_eq!(total.to_string(), "USD 99.95");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// This amount, rounded to the currency's smallest unit.
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        let decimals = currency.decimals();
        // Most prices come as they are shown.
        let amount = if amount.scale() == decimals {
            amount
        } else {
            let mut amount = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
            amount.rescale(decimals);
            amount
        };
        Self { amount, currency }
    }

    /// The exact amount.
    pub fn amount(&self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub fn currency(&self) -> &Currency {
        &self.currency
    }

    pub(crate) fn of(amount: Amount, currency: &Currency) -> Self {
        Self::new(amount.0, currency.clone())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> String {
        Money::new(amount.parse().unwrap(), Currency::new(currency)).to_string()
    }

    #[test]
    fn float_noise_is_rounded_to_the_smallest_unit() {
        assert_eq!(money("99.94999999999999", "usd"), "USD 99.95");
        assert_eq!(money("0.30000000000000004", "KGS"), "KGS 0.30");
        assert_eq!(money("39.98", "USD"), "USD 39.98");
        assert_eq!(money("1500", "KGS"), "KGS 1500.00");
        assert_eq!(money("-2.005", "USD"), "USD -2.01");
        assert_eq!(money("1234.5", "JPY"), "JPY 1235");
        assert_eq!(money("1.2345", "KWD"), "KWD 1.235");
    }
}
