//! Answers: what a call gives back, and the shapes that each dialect wraps an error in.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use crate::dialect::Dialect;

/// An answer before it is turned into bytes.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// None is an empty body without a content type.
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Reply {
        Reply { status: 200, body: Some(body), headers: Vec::new() }
    }

    pub(crate) fn redirect(status: u16, location: String) -> Reply {
        Reply { status, body: None, headers: vec![("location", location)] }
    }

    /// The two answers of the framework itself, the same in all dialects.
    pub(crate) fn no_such_route() -> Reply {
        Reply { status: 404, body: Some(json!({"detail": "Not Found"})), headers: Vec::new() }
    }

    pub(crate) fn wrong_method(allow: &str) -> Reply {
        let body = Some(json!({"detail": "Method Not Allowed"}));
        Reply { status: 405, body, headers: vec![("allow", allow.to_owned())] }
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let response = match self.body {
            Some(body) => {
                response.header("content-type", "application/json").body(Body::from(body.to_string()))
            }
            None => response.body(Body::empty()),
        };
        // A header value that cannot be sent (a `Host` with odd bytes echoed in `Location`) is a bad request.
        response.unwrap_or_else(|_| {
            let mut refused = Response::new(Body::empty());
            *refused.status_mut() = axum::http::StatusCode::BAD_REQUEST;
            refused
        })
    }
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Fail {
    /// A status with a text for people.
    Http(u16, String),
    /// 422 with pydantic's list.
    Invalid(Vec<Value>),
    /// 500. The reason goes to the request log, not to the client.
    Internal(String),
}

impl Fail {
    pub(crate) fn http<T>(status: u16, message: impl Into<String>) -> Result<T, Fail> {
        Err(Fail::Http(status, message.into()))
    }

    pub(crate) fn internal<T>(reason: impl Into<String>) -> Result<T, Fail> {
        Err(Fail::Internal(reason.into()))
    }

    /// The answer, and the reason for the log when the answer hides it.
    pub(crate) fn into_reply(self, dialect: Dialect) -> (Reply, Option<String>) {
        let (status, kind, message, note) = match self {
            Fail::Invalid(list) => {
                let body = Some(json!({"detail": list}));
                return (Reply { status: 422, body, headers: Vec::new() }, None);
            }
            Fail::Http(status, message) => (status, "http_error", message, None),
            Fail::Internal(reason) => {
                (500, "internal_error", "Internal server error".to_owned(), Some(reason))
            }
        };
        let body = if dialect.deployed() {
            json!({"success": false, "error": kind, "message": message, "status_code": status})
        } else {
            json!({"detail": message})
        };
        (Reply { status, body: Some(body), headers: Vec::new() }, note)
    }
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        Fail::Internal(error.to_string())
    }
}
