//! What can be made of a request in place of an answer, and the routes it is made on.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// One way to fail, and the code that a call ends with by it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The shop is not reached: `Network`, and certainly nothing was done.
    Unreachable,
    /// The connection is cut before the shop acts: `Network`, and `OutcomeUnknown` for an order or a sign-in.
    Cut,
    /// The shop acts, and its answer is lost: the same codes, and the change was made.
    AnswerLost,
    /// No answer comes, and nothing was done: `Timeout`, `OutcomeUnknown` for an order or a sign-in. A call's deadline
    /// is half a minute, so pause tokio's clock.
    Silence,
    /// The certificate is refused: `Tls`.
    UntrustedCertificate,
    /// The shop acts, and its answer cannot be read: `UnexpectedResponse`.
    Unreadable,
    /// The shop fails, with 503: `Server`.
    Down,
    /// The shop says no, in these words: `Rejected` for 400, 403 and 409, `NotFound` for 404, and by its status any other.
    Refused {
        /// The status.
        status: u16,
        /// The shop's words.
        message: String,
    },
    /// The shop refuses a field: `InvalidInput`.
    Invalid {
        /// The field's name: `customer_name`.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// Too many requests: `RateLimited`, and when to ask again. Where a call's time allows, the client waits that long by
    /// itself and asks again, so pause tokio's clock.
    RateLimited(Duration),
}

impl Fault {
    /// The shop says no: `Fault::rejected("Sold out")`.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::Refused { status: 400, message: message.into() }
    }

    /// The status, a header `Retry-After` and the body, where it is an answer by itself.
    pub(super) fn answer(&self) -> Option<(u16, Option<Duration>, Value)> {
        match self {
            Self::Down => Some((503, None, json!({"detail": "Service unavailable"}))),
            Self::Refused { status, message } => Some((*status, None, json!({"detail": message}))),
            Self::Invalid { field, message } => {
                Some((422, None, json!({"detail": [{"loc": ["body", field], "msg": message}]})))
            }
            Self::RateLimited(wait) => Some((429, Some(*wait), json!({"detail": "Too many requests"}))),
            _ => None,
        }
    }
}

/// What no client can read.
pub(super) const UNREADABLE: Bytes = Bytes::from_static(b"<html>");

/// Which requests: a method and a path as in `POST /cart/items`. `{…}` stands for a part of the path, `*` for any method or,
/// alone, for all. A closing slash makes no difference.
#[derive(Clone)]
pub(super) struct Route(String);

impl From<&str> for Route {
    fn from(route: &str) -> Self {
        Self(route.to_owned())
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Route {
    /// Whether these are requests of this method on this path, in which `{…}` may stand for a part too.
    pub(super) fn fits(&self, method: &str, path: &str) -> bool {
        let Some((of, wanted)) = self.0.split_once(' ') else { return self.0 == "*" };
        let (path, wanted) = (path.trim_end_matches('/'), wanted.trim_end_matches('/'));
        let (mut parts, mut wanted) = (path.split('/'), wanted.split('/'));
        (of == "*" || of == method)
            && loop {
                match (parts.next(), wanted.next()) {
                    (None, None) => break true,
                    (Some(part), Some(wanted))
                        if part == wanted || wanted.starts_with('{') || part.starts_with('{') => {}
                    _ => break false,
                }
            }
    }

    /// The route, if it is one of those that there are; or what is said of it.
    pub(super) fn among(self, routes: &[String]) -> Result<Self, String> {
        let is_one =
            |route: &String| route.split_once(' ').is_some_and(|(method, path)| self.fits(method, path));
        if routes.iter().any(is_one) {
            return Ok(self);
        }
        Err(format!("the shop has no route {self}. It has\n  {}", routes.join("\n  ")))
    }
}
