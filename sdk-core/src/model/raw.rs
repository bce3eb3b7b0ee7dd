//! Requests to routes that the SDK has no typed call for.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorCode, Result};

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

/// A request to a route of the same server that the SDK has no typed call for, such as `/products`.
///
/// ```
/// use market_sdk::{Method, RawRequest};
///
/// let request = RawRequest::new(Method::Get, "/products").query("category", "shoes").query("page", 2);
/// ```
#[derive(Clone)]
pub struct RawRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) json: Option<Bytes>,
    pub(crate) with_session: bool,
}

impl RawRequest {
    /// A request to `path` below the client's base URL, such as `/products`. It is made as the user who is
    /// signed in, and refused when nobody is.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), json: None, with_session: true }
    }

    /// With a query parameter; it is escaped as needed.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// With a JSON body.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorCode::InvalidInput) for `json` if the value has no JSON form.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let json =
            serde_json::to_vec(body).map_err(|_| Error::invalid("json", "The body has no JSON form."))?;
        self.json = Some(json.into());
        Ok(self)
    }

    /// With a JSON body that is text already. It is sent as it is: the digits of its numbers stay what they are.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorCode::InvalidInput) for `json` if the text is not JSON.
    pub fn json_text(mut self, body: impl Into<String>) -> Result<Self> {
        let json = body.into();
        serde_json::from_str::<serde::de::IgnoredAny>(&json)
            .map_err(|_| Error::invalid("json", "The body is not JSON."))?;
        self.json = Some(json.into());
        Ok(self)
    }

    /// Without the session: nobody needs to be signed in, and the token is not sent.
    pub fn without_session(mut self) -> Self {
        self.with_session = false;
        self
    }
}

// By hand: query and body are the app's, and may be personal.
impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The answer to a [`RawRequest`]: one with a status of 200 to 299.
#[derive(Clone)]
pub struct RawResponse {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl RawResponse {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`UnexpectedResponse`](ErrorCode::UnexpectedResponse) if it is not JSON of that form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|_| Error::new(ErrorCode::UnexpectedResponse).status_is(self.status))
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}
