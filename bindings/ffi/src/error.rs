//! The one error, as data.

use std::time::Duration;

/// The result of every call.
pub type Result<T, E = MarketError> = std::result::Result<T, E>;

/// An error of the SDK.
#[derive(Clone, Debug, thiserror::Error, uniffi::Error)]
pub enum MarketError {
    /// The one kind there is. What to do about it is in the failure's code.
    #[error("{}", failure.message)]
    Failed {
        /// What went wrong.
        failure: Failure,
    },
}

/// What went wrong.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Failure {
    /// In terms of what the app does about it.
    pub code: ErrorCode,
    /// A text fit for a person. It holds no token, code or full phone number.
    pub message: String,
    /// Whether the same call may succeed later without anything else being done.
    pub is_retryable: bool,
    /// The HTTP status of the answer that was judged, if there was one.
    pub status: Option<i32>,
    /// The server's name for the request, if it gave one. Quote it when reporting.
    pub request_id: Option<String>,
    /// How long to wait before asking again, if that is known.
    pub retry_after: Option<Duration>,
    /// The refused fields of an invalid input.
    pub fields: Vec<FieldError>,
    /// For a developer's log: what the layer below said. It holds nothing personal.
    pub detail: Option<String>,
}

/// One refused field.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct FieldError {
    /// Where: names and positions from the outside in, joined by dots (`items.0.quantity`).
    pub path: String,
    /// Why, fit for a person. It never repeats what was entered.
    pub message: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident,)*) => {
        /// What went wrong, in terms of what the app does about it. The same in every language, and stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
        pub enum ErrorCode {
            $($(#[$doc])* $code,)*
        }

        impl From<market_sdk::ErrorCode> for ErrorCode {
            fn from(code: market_sdk::ErrorCode) -> Self {
                match code {
                    $(market_sdk::ErrorCode::$code => Self::$code,)*
                    // The core and this crate are built together, from one list.
                    _ => Self::UnexpectedResponse,
                }
            }
        }

        #[cfg(test)]
        mod tests {
            use super::ErrorCode;

            #[test]
            fn every_code_keeps_its_name() {
                $(assert_eq!(ErrorCode::from(market_sdk::ErrorCode::$code), ErrorCode::$code);)*
                // Those of the core that are not listed here would all become another.
                let core = include_str!("../../../sdk-core/src/error.rs");
                let (_, codes) = core.split_once("pub enum ErrorCode {").unwrap();
                let (codes, _) = codes.split_once("\n}").unwrap();
                let codes: Vec<_> = codes.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
                let codes: Vec<_> = codes.into_iter().filter_map(|line| line.strip_suffix(',')).collect();
                assert_eq!(codes, [$(stringify!($code)),*]);
            }
        }
    };
}

codes! {
    /// The input was refused, by the SDK before anything was sent or by the server. Show each of the fields.
    InvalidInput,
    /// The sign-in code is wrong, used or too old. Let the user try again, and offer a new code.
    WrongCode,
    /// Too many requests. Wait as long as the error says, and show the countdown.
    RateLimited,
    /// Nobody is signed in. Nothing to do: the session's state has already led to the login screen.
    NotSignedIn,
    /// The session expired before or under this call, which did nothing. Nothing to do: the session's state has
    /// already led to the login screen.
    SessionExpired,
    /// A logout or another sign-in overtook this call; what was under way may have taken effect. Nothing to do.
    SignedOut,
    /// The operating system's store is locked. Try again once the device is unlocked.
    StoreLocked,
    /// There is no store, or it failed. Choose another one when building the client.
    StoreUnavailable,
    /// The user is signed out, but the store refused to erase the session. Warn; the SDK tries again at the next
    /// chance.
    StoreNotCleared,
    /// The server was not reached, or the connection was cut. Offer to try again.
    Network,
    /// There was no answer in time. Offer to try again.
    Timeout,
    /// The server's certificate was refused. Never try again by yourself.
    Tls,
    /// The shop says no: out of stock, an empty cart. Show the message.
    Rejected,
    /// That thing does not exist. Refresh what is shown.
    NotFound,
    /// This server has no such function. Hide the feature.
    Unsupported,
    /// The server failed. Try again later. Its own text is never shown.
    Server,
    /// The answer could not be read, was too large, or led elsewhere. Report it.
    UnexpectedResponse,
    /// The answer to a sign-in or an order was lost, and whether it took effect is not known. After a sign-in, ask
    /// for a new code; after an order, `resolve` it.
    OutcomeUnknown,
    /// The outcome of an earlier order is unknown, or it is being placed right now; this one was not sent. `resolve` the
    /// earlier one.
    OrderPending,
    /// The caller went away.
    Cancelled,
    /// The client was built or is used wrongly.
    Config,
}

impl MarketError {
    fn failed(failure: Failure) -> Self {
        Self::Failed { failure }
    }

    /// A fault of the SDK's own, which only its developers can do something about.
    pub(crate) fn internal(detail: &str) -> Self {
        let message = "Something went wrong.";
        Self::failed(Failure::plain(ErrorCode::UnexpectedResponse, message, Some(detail)))
    }

    pub(crate) fn unexpected(status: u16, detail: &str) -> Self {
        let message = "The shop gave an unexpected answer.";
        let mut failure = Failure::plain(ErrorCode::UnexpectedResponse, message, Some(detail));
        failure.status = Some(status.into());
        Self::failed(failure)
    }

    pub(crate) fn config(message: &str) -> Self {
        Self::failed(Failure::plain(ErrorCode::Config, message, None))
    }

    pub(crate) fn invalid(field: &str, message: &str) -> Self {
        let mut failure = Failure::plain(ErrorCode::InvalidInput, message, None);
        failure.fields.push(FieldError { path: field.to_owned(), message: message.to_owned() });
        Self::failed(failure)
    }
}

impl Failure {
    fn plain(code: ErrorCode, message: &str, detail: Option<&str>) -> Self {
        Self {
            code,
            message: message.to_owned(),
            is_retryable: false,
            status: None,
            request_id: None,
            retry_after: None,
            fields: Vec::new(),
            detail: detail.map(str::to_owned),
        }
    }
}

impl From<market_sdk::Error> for MarketError {
    fn from(error: market_sdk::Error) -> Self {
        let field = |field: &market_sdk::FieldError| FieldError {
            path: field.path.clone(),
            message: field.message.clone(),
        };
        let failure = Failure {
            code: error.code().into(),
            message: error.message().to_owned(),
            is_retryable: error.is_retryable(),
            status: error.status().map(i32::from),
            request_id: error.request_id().map(str::to_owned),
            retry_after: error.retry_after(),
            fields: error.fields().iter().map(field).collect(),
            detail: error.detail().map(str::to_owned),
        };
        Self::failed(failure)
    }
}
