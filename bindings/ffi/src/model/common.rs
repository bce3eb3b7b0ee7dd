//! Money, phone numbers and markets.

use market_sdk::PhoneNumber;
use rust_decimal::Decimal;

use crate::error::{MarketError, Result};

// Across the FFI as its digits: exact, and what each platform's own decimal reads.
uniffi::custom_type!(Decimal, String, {
    remote,
    try_lift: |digits| Ok(digits.parse()?),
    lower: |decimal| decimal.to_string(),
});

// It is only ever given to hosts.
uniffi::custom_type!(PhoneNumber, String, {
    remote,
    try_lift: |text| Ok(PhoneNumber::parse(&text)?),
    lower: |phone| phone.as_str().to_owned(),
});

/// An exact amount in a currency, at that currency's precision.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Money {
    /// The exact amount.
    pub amount: Decimal,
    /// The currency's ISO 4217 code.
    pub currency: String,
}

impl From<market_sdk::Money> for Money {
    fn from(money: market_sdk::Money) -> Self {
        Self { amount: money.amount(), currency: money.currency().code().to_owned() }
    }
}

/// A market. It decides the currency, the language and which database a user lives in, and follows from the prefix
/// of the phone number.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Market {
    /// Kyrgyzstan: phone prefix +996, currency KGS.
    Kg,
    /// The United States: phone prefix +1, currency USD.
    Us,
    /// One that this version of the SDK does not know.
    Unknown {
        /// Its code.
        code: String,
    },
}

impl From<market_sdk::Market> for Market {
    fn from(market: market_sdk::Market) -> Self {
        match market {
            market_sdk::Market::Kg => Self::Kg,
            market_sdk::Market::Us => Self::Us,
            other => Self::Unknown { code: other.code().to_owned() },
        }
    }
}

impl From<Market> for market_sdk::Market {
    fn from(market: Market) -> Self {
        match market {
            Market::Kg => Self::Kg,
            Market::Us => Self::Us,
            Market::Unknown { code } => Self::new(&code),
        }
    }
}

/// What the server says of its markets.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Markets {
    /// The markets it serves.
    pub supported: Vec<MarketInfo>,
    /// The market of a visitor who has not chosen.
    pub default_market: Option<Market>,
}

impl From<market_sdk::Markets> for Markets {
    fn from(markets: market_sdk::Markets) -> Self {
        Self {
            supported: markets.supported.into_iter().map(Into::into).collect(),
            default_market: markets.default.map(Into::into),
        }
    }
}

/// A market as the server describes it.
#[derive(Clone, Debug, uniffi::Record)]
pub struct MarketInfo {
    /// Which market.
    pub market: Market,
    /// The country's name.
    pub country: Option<String>,
    /// The currency's sign, such as `$`.
    pub currency_sign: Option<String>,
    /// The currency's ISO 4217 code.
    pub currency: Option<String>,
    /// The language, as an ISO 639-1 code.
    pub language: Option<String>,
    /// What phone numbers start with, such as `+996`.
    pub phone_prefix: Option<String>,
    /// How phone numbers are written, such as `+996 XXX XXX XXX`.
    pub phone_format: Option<String>,
}

impl From<market_sdk::MarketInfo> for MarketInfo {
    fn from(info: market_sdk::MarketInfo) -> Self {
        Self {
            market: info.market.into(),
            country: info.country,
            currency_sign: info.currency_sign,
            currency: info.currency.map(|currency| currency.code().to_owned()),
            language: info.language,
            phone_prefix: info.phone_prefix,
            phone_format: info.phone_format,
        }
    }
}

/// An id. No server gives one below zero.
pub(crate) fn id(field: &str, id: i64) -> Result<u64> {
    u64::try_from(id).map_err(|_| MarketError::invalid(field, "There is nothing of this number."))
}

/// A number of pieces for the core to judge: one below zero becomes one that it refuses everywhere.
pub(crate) fn quantity(pieces: i32) -> u32 {
    u32::try_from(pieces).unwrap_or(u32::MAX)
}
