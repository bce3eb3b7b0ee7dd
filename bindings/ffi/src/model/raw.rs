//! Requests to routes that the SDK has no typed call for.

use crate::error::{MarketError, Result};

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Method {
    /// Reads. May be sent again by itself.
    Get,
    /// Acts. Sent a second time only if the server certainly did not act on the first.
    Post,
    /// Replaces. May be sent again by itself.
    Put,
    /// Changes. Sent a second time only if the server certainly did not act on the first.
    Patch,
    /// Deletes. May be sent again by itself.
    Delete,
}

/// A query parameter; it is escaped as needed.
#[derive(Clone, uniffi::Record)]
pub struct QueryParameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A request to a route of the same server, such as `/products`.
#[derive(Clone, uniffi::Record)]
pub struct RawRequest {
    /// The method.
    pub method: Method,
    /// The path below the client's base URL.
    pub path: String,
    /// The query.
    #[uniffi(default = [])]
    pub query: Vec<QueryParameter>,
    /// The body, as JSON text.
    #[uniffi(default = None)]
    pub json: Option<String>,
    /// Whether it is made as the user who is signed in, and refused when nobody is. Without, the token is not sent.
    #[uniffi(default = true)]
    pub with_session: bool,
}

impl RawRequest {
    pub(crate) fn into_core(self) -> Result<market_sdk::RawRequest> {
        let method = match self.method {
            Method::Get => market_sdk::Method::Get,
            Method::Post => market_sdk::Method::Post,
            Method::Put => market_sdk::Method::Put,
            Method::Patch => market_sdk::Method::Patch,
            Method::Delete => market_sdk::Method::Delete,
        };
        let mut request = market_sdk::RawRequest::new(method, self.path);
        for parameter in self.query {
            request = request.query(parameter.name, parameter.value);
        }
        if let Some(json) = self.json {
            request = request.json_text(json)?;
        }
        Ok(if self.with_session { request } else { request.without_session() })
    }
}

/// The answer to a raw request: one with a status of 200 to 299.
#[derive(Clone, uniffi::Record)]
pub struct RawResponse {
    /// The HTTP status.
    pub status: i32,
    /// The body as it came: JSON text, as a rule.
    pub body: String,
}

impl RawResponse {
    pub(crate) fn from_core(response: &market_sdk::RawResponse) -> Result<Self> {
        let body = String::from_utf8(response.bytes().to_vec())
            .map_err(|_| MarketError::unexpected(response.status(), "the body is not UTF-8"))?;
        Ok(Self { status: response.status().into(), body })
    }
}
