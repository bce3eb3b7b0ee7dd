//! Any other route of the same server.

use std::sync::Arc;

use http::Method as HttpMethod;

use super::Core;
use crate::error::{Error, Result};
use crate::http::call::{Call, Content};
use crate::model::{Method, RawRequest, RawResponse};

/// What [`MarketClient::request`](crate::MarketClient::request) does.
pub(crate) async fn request(core: Arc<Core>, request: RawRequest) -> Result<RawResponse> {
    if !is_plain(&request.path) {
        return Err(Error::invalid(
            "path",
            "The path must lead to a place below the base URL, like /products.",
        ));
    }
    if SESSION_PATHS.iter().any(|path| request.path.trim_end_matches('/').eq_ignore_ascii_case(path)) {
        return Err(Error::invalid("path", "Signing in and out are calls of the session."));
    }
    let method = match request.method {
        Method::Get => HttpMethod::GET,
        Method::Post => HttpMethod::POST,
        Method::Put => HttpMethod::PUT,
        Method::Patch => HttpMethod::PATCH,
        Method::Delete => HttpMethod::DELETE,
    };
    let mut call = Call::new("raw", "request", method, request.path);
    call.query = request.query;
    call.body = request.json.map(Content::Text);
    if !request.with_session {
        call = call.without_token(core.market.clone());
    }
    let made = core.http.made()?;
    let answer = core.http.send(&made, &call).await?;
    Ok(RawResponse { status: answer.reply.status.as_u16(), body: answer.reply.body })
}

const SESSION_PATHS: [&str; 2] = ["/auth/verify-code", "/auth/logout"];

/// A path that stays below the base URL however a server or a proxy reads it. A slash may end it.
fn is_plain(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else { return false };
    let segments = segments.strip_suffix('/').unwrap_or(segments);
    segments.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
        && !path.chars().any(|c| matches!(c, '?' | '#' | '\\') || c.is_control() || c.is_whitespace())
        && path.split('%').skip(1).all(escapes_what_needs_it)
}

/// Whether what follows a `%` is an escape of something other than a letter, a digit or a sign that has a meaning
/// in paths: escaped, those would say the same in a spelling that nobody looks for.
fn escapes_what_needs_it(after: &str) -> bool {
    let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    byte.is_some_and(|byte| {
        !(byte.is_ascii_alphanumeric() || byte.is_ascii_control() || b"-._~/\\%".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_a_raw_path_cannot_leave_the_base_url() {
        for path in ["/products", "/products/", "/a/b-c/%20x", "/…"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "",
            "products",
            "//evil.example/x",
            "https://evil.example",
            "/../admin",
            "/a/../../b",
            "/a/%2e%2E/b",
            "/./a",
            "/a//b",
            "/a?x=1",
            "/a#b",
            "/a\\..\\b",
            "/a%2f..%2fb",
            "/a b",
            "/a\r\nb",
            "/",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
