//! What is looked for, besides the phone number.

/// No part of the phone number, which is [`PHONE`].
pub(crate) const CODE: &str = "48291357";

/// A token that nothing else holds a part of.
pub(crate) fn token() -> String {
    market_contract_tests::shop::token(19, "us").replace("c2lnbmF0dXJl", "bm90LWEtc2lnbmF0dXJl")
}
