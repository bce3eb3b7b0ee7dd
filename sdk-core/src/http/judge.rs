//! The one place that turns an answer into a value or an error.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::{Call, Lost};
use super::retry::retry_after;
use super::transport::{Failure, Reply};
use crate::error::{CODE_DIGITS, Error, ErrorCode, FieldError, PHONE_DIGITS, Result, shown};

/// How long a server that sent too many codes wants to be left alone. It says so in a text alone.
const TOO_MANY_CODES: Duration = Duration::from_secs(15 * 60);

/// An error, and whether the call may be made again by itself.
pub(crate) struct Verdict {
    pub(crate) error: Error,
    pub(crate) again: Again,
}

/// Whether a call may be made again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    No,
    /// If the budget allows it: the server has had the request, or may have.
    Paid,
    /// The server has had nothing.
    Free,
}

impl Again {
    fn paid(again: bool) -> Self {
        if again { Self::Paid } else { Self::No }
    }
}

/// Judges an answer by its status. 401 to a call that carried a token has been dealt with before.
pub(crate) fn reply(call: &Call, reply: &Reply) -> Result<(), Verdict> {
    let status = reply.status;
    if status.is_success() {
        return Ok(());
    }
    let body = Body::read(&reply.body);
    // An answer to a sign-in may quote the code.
    let digits = if call.spends_code { CODE_DIGITS } else { PHONE_DIGITS };
    let plain = |code| Error::new(code);
    let said = |code| match body.text() {
        Some(text) => Error::with_message(code, shown(text, digits)),
        None => plain(code),
    };
    let error = match status.as_u16() {
        400 if call.spends_code => said(ErrorCode::WrongCode),
        404 if body.is_unknown_route() => plain(ErrorCode::Unsupported),
        404 | 410 => said(ErrorCode::NotFound),
        405 => plain(ErrorCode::Unsupported),
        408 if call.lost == Lost::OutcomeUnknown => plain(ErrorCode::OutcomeUnknown),
        408 => plain(ErrorCode::Timeout),
        422 => match (body.fields(digits), body.text()) {
            (Some(fields), _) => Error::invalid_fields(fields),
            (None, Some(text)) if text.to_lowercase().contains("too many") => said(ErrorCode::RateLimited)
                .retry_after_is(retry_after(&reply.headers).or(Some(TOO_MANY_CODES))),
            _ => said(ErrorCode::InvalidInput),
        },
        429 => said(ErrorCode::RateLimited).retry_after_is(retry_after(&reply.headers)),
        400..=499 => said(ErrorCode::Rejected),
        // A gateway that gave up, or a server that failed, may have acted before; the text can hold SQL.
        502 | 504 if call.lost == Lost::OutcomeUnknown => plain(ErrorCode::OutcomeUnknown),
        500..=599 if call.lost == Lost::OutcomeUnknown && !call.spends_code => {
            plain(ErrorCode::OutcomeUnknown)
        }
        500..=599 => plain(ErrorCode::Server).retry_after_is(retry_after(&reply.headers)),
        // Nothing says that it was not acted on.
        _ if call.lost == Lost::OutcomeUnknown => plain(ErrorCode::OutcomeUnknown),
        _ => plain(ErrorCode::UnexpectedResponse).detail_is("a status that answers nothing"),
    };
    // Only what passes is worth another try. A plain 500 is the server's own bug, and comes again. A server that
    // is overloaded (429, 503) says when to come back; if it does not, coming back at once is what it needs least.
    let passes = match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => true,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => error.retry_after().is_some(),
        _ => false,
    };
    let error = error.in_own_form_is(body.text().is_some());
    Err(Verdict { error: named(error, reply), again: Again::paid(passes && call.idempotent) })
}

/// Judges that there is no answer.
pub(crate) fn failure(call: &Call, failure: Failure) -> Verdict {
    let lost = |code, detail: String| {
        let code = if call.lost == Lost::OutcomeUnknown { ErrorCode::OutcomeUnknown } else { code };
        Error::new(code).detail_is(detail)
    };
    match failure {
        Failure::NotSent(detail) => {
            Verdict { error: Error::new(ErrorCode::Network).detail_is(detail), again: Again::Free }
        }
        Failure::Lost(detail) => {
            Verdict { error: lost(ErrorCode::Network, detail), again: Again::paid(call.idempotent) }
        }
        Failure::Tls(detail) => {
            Verdict { error: Error::new(ErrorCode::Tls).detail_is(detail), again: Again::No }
        }
        Failure::Unusable(detail) => {
            let error = Error::config(
                "The HTTP client cannot work here: it needs tokio's I/O and the system's roots.",
            );
            Verdict { error: error.detail_is(detail), again: Again::No }
        }
        Failure::TooLarge => {
            let detail = "the body is larger than allowed".to_owned();
            Verdict { error: lost(ErrorCode::UnexpectedResponse, detail), again: Again::No }
        }
    }
}

/// Reads the body of a successful answer.
pub(crate) fn value<T: DeserializeOwned>(call: &Call, reply: &Reply) -> Result<T> {
    serde_json::from_slice(&reply.body).map_err(|error| {
        let code = match call.lost {
            Lost::CallAgain => ErrorCode::UnexpectedResponse,
            Lost::OutcomeUnknown => ErrorCode::OutcomeUnknown,
        };
        // The error's own text can quote the body.
        let detail = format!(
            "{:?} error in the JSON at line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        );
        named(Error::new(code).detail_is(detail), reply)
    })
}

/// Judges a redirect that is not followed. Those that ask for a GET of something else (302, 303, and 301 as it is
/// used) answer a request that may have been acted on.
pub(crate) fn refused_redirect(call: &Call, reply: &Reply, why: &'static str) -> Error {
    let answers =
        matches!(reply.status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER);
    let code = match call.lost {
        Lost::OutcomeUnknown if answers => ErrorCode::OutcomeUnknown,
        _ => ErrorCode::UnexpectedResponse,
    };
    named(Error::new(code).detail_is(why), reply)
}

fn named(error: Error, reply: &Reply) -> Error {
    let id = reply.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    error.status_is(reply.status.as_u16()).request_id_is(id.map(|id| id.chars().take(128).collect()))
}

/// A body that says what is wrong, in any of the shapes that servers use.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    detail: Value,
    #[serde(default)]
    message: Value,
}

impl Body {
    fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    fn text(&self) -> Option<&str> {
        let text = self.detail.as_str().or_else(|| self.message.as_str());
        text.map(str::trim).filter(|text| !text.is_empty())
    }

    /// An unknown thing has another text.
    fn is_unknown_route(&self) -> bool {
        self.detail.as_str() == Some("Not Found")
    }

    /// The list of refused fields: where and why. What it echoes of the input is left behind.
    fn fields(&self, digits: usize) -> Option<Vec<FieldError>> {
        let field = |problem: &Value| {
            let names: Vec<String> = problem.get("loc")?.as_array()?.iter().map(name).collect();
            // The first says in which part of the request (body, query, path, header), which nobody shows.
            let path = names.get(1..).filter(|path| !path.is_empty()).unwrap_or(&names).join(".");
            let message = problem.get("msg").and_then(Value::as_str);
            let message = message.map(|text| shown(text, digits)).unwrap_or_default();
            Some(FieldError { path: shown(&path, digits), message })
        };
        let fields: Vec<FieldError> = self.detail.as_array()?.iter().filter_map(field).take(100).collect();
        (!fields.is_empty()).then_some(fields)
    }
}

fn name(part: &Value) -> String {
    part.as_str().map_or_else(|| part.to_string(), str::to_owned)
}
