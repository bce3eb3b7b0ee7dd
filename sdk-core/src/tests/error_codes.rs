//! What the core makes of each error code, written down for the fakes of the other languages: they call no library, and
//! hold their copies against `tests/contract/error-codes.json`.

use serde_json::json;

use crate::api::{leaves_cart_in_doubt, leaves_no_order};
use crate::{Error, ErrorCode};

macro_rules! codes {
    ($($code:ident),* $(,)?) => {
        const CODES: &[ErrorCode] = &[$(ErrorCode::$code),*];

        /// A code that is missing above does not compile here.
        const fn _is_listed(code: ErrorCode) {
            match code {
                $(ErrorCode::$code => {})*
            }
        }
    };
}

codes! {
    InvalidInput, WrongCode, RateLimited, NotSignedIn, SessionExpired, SignedOut, StoreLocked, StoreUnavailable,
    StoreNotCleared, Network, Timeout, Tls, Rejected, NotFound, Unsupported, Server, UnexpectedResponse, OutcomeUnknown,
    OrderPending, Cancelled, Config,
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/error-codes.json");

#[test]
fn the_file_of_error_codes_says_what_the_core_does() {
    let is: Vec<_> = CODES
        .iter()
        .map(|&code| {
            let (error, name) = (Error::new(code), format!("{code:?}"));
            json!({
                "code": name[..1].to_lowercase() + &name[1..],
                "message": error.message(),
                "retryable": error.is_retryable(),
                "leaves_no_order": leaves_no_order(code),
                "leaves_cart_in_doubt": leaves_cart_in_doubt(code),
            })
        })
        .collect();
    let is = serde_json::to_string_pretty(&is).unwrap() + "\n";
    if std::env::var_os("UPDATE_CODES").is_some() {
        std::fs::write(FILE, &is).unwrap();
    }
    let said = std::fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(said, is, "UPDATE_CODES=1 cargo test -p market-sdk --lib error_codes writes the file");
}
