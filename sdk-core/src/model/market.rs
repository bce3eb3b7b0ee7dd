//! Markets: the countries a shop serves.

use std::fmt;

use serde::Deserialize;

use super::money::Currency;
use super::wire::some_text;

/// A market. It decides the currency, the language and which database a user lives in, and follows from the
/// prefix of the phone number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Market {
    /// Kyrgyzstan: `kg`, phone prefix +996, currency KGS.
    Kg,
    /// The United States: `us`, phone prefix +1, currency USD.
    Us,
    /// One that this version of the SDK does not know, by its code.
    Unknown(String),
}

impl Market {
    /// The market of this code; upper and lower case are the same.
    pub fn new(code: &str) -> Self {
        match code.to_ascii_lowercase() {
            code if code == "kg" => Self::Kg,
            code if code == "us" => Self::Us,
            code => Self::Unknown(code),
        }
    }

    /// The code, as the server writes it: lower case.
    pub fn code(&self) -> &str {
        match self {
            Self::Kg => "kg",
            Self::Us => "us",
            Self::Unknown(code) => code,
        }
    }

    /// Whether it can go into a header: a code of letters and digits, as all are.
    pub(crate) fn can_be_sent(&self) -> bool {
        let code = self.code();
        !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// The currency that prices of this market are in, where the server does not say. The currency of an
    /// unknown market is `XXX`, ISO 4217's code for "none".
    pub fn currency(&self) -> Currency {
        Currency::known(match self {
            Self::Kg => "KGS",
            Self::Us => "USD",
            Self::Unknown(_) => "XXX",
        })
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Market {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer).map(|code| Self::new(&code))
    }
}

/// What the server says of its markets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Markets {
    /// The markets it serves.
    pub supported: Vec<MarketInfo>,
    /// The market of a visitor who has not chosen.
    pub default: Option<Market>,
}

/// A market as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MarketInfo {
    /// Which market.
    pub market: Market,
    /// The country's name.
    pub country: Option<String>,
    /// The currency's sign, such as `$`.
    pub currency_sign: Option<String>,
    /// The currency.
    pub currency: Option<Currency>,
    /// The language, as an ISO 639-1 code.
    pub language: Option<String>,
    /// What phone numbers start with, such as `+996`.
    pub phone_prefix: Option<String>,
    /// How phone numbers are written, such as `+996 XXX XXX XXX`.
    pub phone_format: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct MarketsWire {
    supported_markets: Vec<MarketInfoWire>,
    default_market: Option<Market>,
}

#[derive(Deserialize)]
struct MarketInfoWire {
    market: Market,
    #[serde(default, deserialize_with = "some_text")]
    country: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    currency_code: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    language: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    phone_prefix: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    phone_format: Option<String>,
}

impl From<MarketsWire> for Markets {
    fn from(wire: MarketsWire) -> Self {
        let supported = wire.supported_markets.into_iter().map(|info| MarketInfo {
            market: info.market,
            country: info.country,
            currency_sign: info.currency,
            currency: info.currency_code.as_deref().map(Currency::new),
            language: info.language,
            phone_prefix: info.phone_prefix,
            phone_format: info.phone_format,
        });
        Self { supported: supported.collect(), default: wire.default_market }
    }
}
