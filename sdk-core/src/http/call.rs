//! What a call declares of itself. Retry, the door and the judge ask the declaration, never the HTTP method.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::model::Market;

/// Who makes the call.
#[derive(Clone, Debug)]
pub(crate) enum As {
    /// The user who is signed in, with the token.
    User,
    /// Nobody: no token. The market, where it is known.
    Nobody(Option<Market>),
}

/// What it means when the answer is lost or cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nothing much: the same call made again finds out.
    CallAgain,
    /// Nobody knows whether it took effect, and it must not be made again blindly.
    OutcomeUnknown,
}

/// What a call sends.
#[derive(Clone)]
pub(crate) enum Content {
    /// Of the SDK's making.
    Json(Value),
    /// To be sent as it is: of the app's making, whose numbers may be longer than a float is exact, or secret.
    Text(Bytes),
}

/// One call of the API: the same for all its attempts.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) area: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Below the base URL, with a slash in front.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Content>,
    /// The body names the user who is signed in.
    pub(crate) names_user: bool,
    pub(crate) made_as: As,
    /// Twice is the same as once.
    pub(crate) idempotent: bool,
    pub(crate) idempotency_key: Option<String>,
    /// Set right before an attempt is handed to the transport, and taken back by a 401 and where no connection was
    /// made: while it is not set the server has certainly done nothing.
    pub(crate) begun: Option<Arc<AtomicBool>>,
    pub(crate) lost: Lost,
    /// A 400 means that the sign-in code was wrong.
    pub(crate) spends_code: bool,
}

impl Call {
    /// A call as the user who is signed in; idempotent if the method is by RFC 9110, which
    /// [`once`](Self::once) takes back.
    pub(crate) fn new(
        area: &'static str,
        operation: &'static str,
        method: Method,
        path: impl Into<String>,
    ) -> Self {
        Self {
            area,
            operation,
            idempotent: method.is_idempotent(),
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            names_user: false,
            made_as: As::User,
            idempotency_key: None,
            begun: None,
            lost: Lost::CallAgain,
            spends_code: false,
        }
    }

    pub(crate) fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(Content::Json(body));
        self
    }

    /// A body that is wiped when it goes.
    pub(crate) fn secret_body(mut self, body: &impl Serialize) -> Self {
        // Room enough from the start: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(256));
        self.body =
            serde_json::to_writer(&mut *text, body).ok().map(|()| Content::Text(Bytes::from_owner(text)));
        self
    }

    pub(crate) fn naming_user(mut self) -> Self {
        self.names_user = true;
        self
    }

    pub(crate) fn without_token(mut self, market: Option<Market>) -> Self {
        self.made_as = As::Nobody(market);
        self
    }

    pub(crate) fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    pub(super) fn begin(&self) {
        if let Some(begun) = &self.begun {
            begun.store(true, Ordering::Release);
        }
    }

    /// What was begun of it has certainly done nothing.
    pub(super) fn take_back(&self) {
        if let Some(begun) = &self.begun {
            begun.store(false, Ordering::Release);
        }
    }

    /// Whether it would do harm to make it for a caller that has left, who takes it for not made.
    pub(super) fn needs_its_caller(&self) -> bool {
        self.begun.as_ref().is_some_and(|begun| !begun.load(Ordering::Acquire))
    }

    pub(crate) fn once(mut self) -> Self {
        self.idempotent = false;
        self
    }
}
