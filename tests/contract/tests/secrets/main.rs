//! Promise 10 as a thief sees it: a token, a code and a phone number that can be recognised are looked for
//! wherever a process leaves something behind.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what was found is reported, by one process to the other"
)]

mod files;
mod logs;
mod memory;
mod needles;
mod types;

use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{PHONE, answers};
use market_sdk::Error;
use serde_json::json;

use self::needles::{CODE, token};

/// What is freed is wiped by who holds it, or not.
const WIPES: bool = false;

/// Fails if `text` has the token, the code or the phone number in it.
#[track_caller]
fn tells_nothing(what: &str, text: &str, token: &str) {
    for (name, secret) in [("token", token), ("phone number", &PHONE[1..]), ("code", CODE)] {
        let at = text.find(secret);
        assert!(at.is_none(), "{what} shows the {name}: {}", &text[at.unwrap_or(0).saturating_sub(200)..]);
    }
}

/// In whatever form an error can be shown.
fn shown(error: &Error) -> String {
    let boxed: Box<dyn std::error::Error> = Box::new(error.clone());
    format!(
        "{error} {error:?} {error:#?} {boxed} {:?} {:?} {}",
        error.detail(),
        error.fields(),
        error.message()
    )
}

/// A shop that tells all it knows: where it refuses something, too.
async fn server(token: String) -> Wire {
    Wire::start(move |sent| {
        let path =
            sent.target.split('?').next().unwrap_or_default().strip_prefix("/api/v1").unwrap_or_default();
        let echo = format!("{CODE} of {PHONE} with {token}");
        std::future::ready(match (&*sent.method, path) {
            (_, "/auth/send-verification") => Reply::Json(200, answers::code_sent()),
            (_, "/auth/verify-code")
                if sent.body.as_ref().is_some_and(|body| body.to_string().contains(CODE)) =>
            {
                Reply::Json(200, answers::signed_in(&token))
            }
            (_, "/auth/verify-code") => Reply::Json(400, json!({ "detail": echo })),
            (_, "/auth/verify-token") => Reply::Json(200, answers::token_status()),
            ("PUT", "/auth/profile") => Reply::Json(200, answers::profile_updated()),
            (_, "/auth/profile") => Reply::Json(200, answers::profile()),
            (_, "/auth/markets") => Reply::Json(200, answers::markets()),
            (_, "/auth/logout") => Reply::Json(200, json!({ "message": echo })),
            (_, path) if path.starts_with("/cart") => Reply::Json(200, answers::cart()),
            (_, path) if path.starts_with("/wishlist") => Reply::Json(200, answers::wishlist()),
            (_, "/orders") => Reply::Json(200, json!([answers::order()])),
            (_, "/orders/create" | "/orders/1001") => Reply::Json(200, answers::order()),
            (_, "/profile/orders/1001/cancel") => Reply::Json(200, answers::cancelled()),
            (_, "/echo") => Reply::Json(200, json!({ "said": echo })),
            (_, "/refused") => {
                Reply::Json(422, json!({ "detail": [{"loc": ["body", echo], "msg": echo, "input": echo}] }))
            }
            (_, "/failed") => Reply::Json(500, json!({ "detail": echo })),
            (_, "/cut") => Reply::raw("200 OK\r\ncontent-length: 1000", echo),
            (_, "/elsewhere") => {
                Reply::raw(&format!("307 There\r\nlocation: http://127.0.0.2/{token}{PHONE}"), "")
            }
            _ => Reply::Json(404, json!({ "detail": echo })),
        })
    })
    .await
}
