//! The one error of the SDK.

use std::time::Duration;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms of what the app does about it.
///
/// The codes are the same in every language and stable: one may be added, none changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The input was refused, by the SDK before anything was sent or by the server. Show each of
    /// [`Error::fields`] at its field.
    InvalidInput,
    /// The sign-in code is wrong, used or too old. Let the user try again, and offer a new code.
    WrongCode,
    /// Too many requests. Wait [`Error::retry_after`], and show the countdown.
    RateLimited,
    /// Nobody is signed in. Nothing to do: the session's state has already led to the login screen.
    NotSignedIn,
    /// The session expired before or under this call, which did nothing. Nothing to do: the session's
    /// state has already led to the login screen.
    SessionExpired,
    /// A logout or another sign-in overtook this call; what was under way may have taken effect.
    /// Nothing to do.
    SignedOut,
    /// The operating system's store is locked. Try again once the device is unlocked.
    StoreLocked,
    /// There is no store, or it failed; [`Error::detail`] says why. Build a client with another store.
    StoreUnavailable,
    /// The user is signed out, but the store refused to erase the session. Warn; the SDK tries again at
    /// the next chance.
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
    /// The answer to a sign-in or an order was lost, and whether it took effect is not known.
    /// After a sign-in, ask for a new code; after an order, [`resolve`](crate::OrdersApi::resolve) it.
    OutcomeUnknown,
    /// The outcome of an earlier order is unknown, or it is being placed right now; this one was not sent.
    /// [`resolve`](crate::OrdersApi::resolve) the earlier one.
    OrderPending,
    /// The caller went away.
    Cancelled,
    /// The client was built or is used wrongly.
    Config,
}

/// One refused field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// Where: names and positions from the outside in, joined by dots (`items.0.quantity`).
    pub path: String,
    /// Why, fit for a person. It never repeats what was entered.
    pub message: String,
}

/// An error of the SDK.
///
/// ```
/// use market_sdk::{ErrorCode, MarketClient};
///
/// let error = MarketClient::builder("ftp://example.com").app_id("com.example.shop").build().unwrap_err();
/// assert_eq!(error.code(), ErrorCode::Config);
/// assert!(!error.is_retryable());
/// println!("{error}");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", self.0.message)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: ErrorCode,
    message: String,
    status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    fields: Vec<FieldError>,
    detail: Option<String>,
    /// The server itself said it, in the form of its own errors; no proxy did.
    in_own_form: bool,
}

impl Error {
    /// What went wrong, in terms of what the app does about it.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// A text fit for a person. It holds no token, code or full phone number.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may succeed later. After [`Network`](ErrorCode::Network) or
    /// [`Timeout`](ErrorCode::Timeout) a change may have been made all the same: read the cart before adding again.
    pub fn is_retryable(&self) -> bool {
        use ErrorCode::*;
        matches!(self.0.code, RateLimited | StoreLocked | Network | Timeout | Server)
    }

    /// The HTTP status of the answer that was judged, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The server's name for the request (`X-Request-Id`), if it gave one. Quote it when reporting.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long to wait before asking again, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The refused fields of an [`ErrorCode::InvalidInput`].
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// For a developer's log: what the layer below said. It holds nothing personal.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub(crate) fn new(code: ErrorCode) -> Self {
        Self::with_message(code, default_message(code))
    }

    pub(crate) fn with_message(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            status: None,
            request_id: None,
            retry_after: None,
            fields: Vec::new(),
            detail: None,
            in_own_form: false,
        }))
    }

    /// Input that was refused before anything was sent.
    pub(crate) fn invalid(path: &str, message: impl Into<String>) -> Self {
        let field = FieldError { path: path.to_owned(), message: message.into() };
        let mut error = Self::with_message(ErrorCode::InvalidInput, field.message.clone());
        error.0.fields.push(field);
        error
    }

    pub(crate) fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let message = match fields.first() {
            Some(field) => field.message.clone(),
            None => default_message(ErrorCode::InvalidInput).to_owned(),
        };
        let mut error = Self::with_message(ErrorCode::InvalidInput, message);
        error.0.fields = fields;
        error
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::with_message(ErrorCode::Config, message)
    }

    pub(crate) fn status_is(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn in_own_form_is(mut self, own: bool) -> Self {
        self.0.in_own_form = own;
        self
    }

    /// The server itself said it, in the form of its own errors; no proxy did.
    pub(crate) fn is_in_own_form(&self) -> bool {
        self.0.in_own_form
    }

    pub(crate) fn request_id_is(mut self, id: Option<String>) -> Self {
        self.0.request_id = id;
        self
    }

    pub(crate) fn retry_after_is(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn detail_is(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }
}

fn default_message(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidInput => "Please check what you entered.",
        ErrorCode::WrongCode => "That code is wrong or too old.",
        ErrorCode::RateLimited => "Too many attempts. Please wait a little.",
        ErrorCode::NotSignedIn => "Please sign in.",
        ErrorCode::SessionExpired => "Your session has expired. Please sign in again.",
        ErrorCode::SignedOut => "You have been signed out.",
        ErrorCode::StoreLocked => "The device's secure storage is locked.",
        ErrorCode::StoreUnavailable => "The device's secure storage is not available.",
        ErrorCode::StoreNotCleared => "You are signed out, but the stored session could not be erased yet.",
        ErrorCode::Network => "The shop could not be reached.",
        ErrorCode::Timeout => "The shop did not answer in time.",
        ErrorCode::Tls => "The connection to the shop is not secure.",
        ErrorCode::Rejected => "The shop declined the request.",
        ErrorCode::NotFound => "That is no longer there.",
        ErrorCode::Unsupported => "This shop does not offer that.",
        ErrorCode::Server => "The shop has a problem. Please try again later.",
        ErrorCode::UnexpectedResponse => "The shop gave an unexpected answer.",
        ErrorCode::OutcomeUnknown => "The answer was lost; it is not known whether it went through.",
        ErrorCode::OrderPending => "An earlier order is still being confirmed.",
        ErrorCode::Cancelled => "The call was cancelled.",
        ErrorCode::Config => "The client is not configured correctly.",
    }
}

/// The longest server text that is shown.
pub(crate) const SHOWN_CHARS: usize = 300;

/// So many digits in a row may be a phone number.
pub(crate) const PHONE_DIGITS: usize = 7;
/// So many may be a code, in the answer to a sign-in.
pub(crate) const CODE_DIGITS: usize = 4;
/// A word of letters, digits and signs that is so long may be a token.
pub(crate) const TOKEN_CHARS: usize = 24;
const MASK: &str = "•••";

/// Makes a server's text fit to be shown: capped, without control characters, with every run of `digits` or
/// more digits masked, also where up to three signs or spaces group them as in a phone number, and every word
/// that is as long as a token. The one place that redacts text.
pub(crate) fn shown(text: &str, digits: usize) -> String {
    let text: String = text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Long words first: a number in front of one, or at its start, would leave its rest too short to be known.
    let chars: Vec<char> = without_tokens(&text).chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = chars.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let run = digit_run(rest);
        if rest.iter().take(run).filter(|c| c.is_numeric()).count() >= digits {
            out.push_str(MASK);
            rest = rest.get(run..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

fn without_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let between = |c: char| !(c.is_ascii_alphanumeric() || "-_.+/=".contains(c));
    for part in text.split_inclusive(between) {
        let word = part.trim_end_matches(between);
        out.push_str(if word.len() >= TOKEN_CHARS { MASK } else { word });
        out.push_str(part.strip_prefix(word).unwrap_or_default());
    }
    out
}

/// The length of the run of digits, grouped or not, that `chars` starts with; it ends with a digit.
fn digit_run(chars: &[char]) -> usize {
    let (mut end, mut gap) = (0, 0);
    for (at, c) in chars.iter().enumerate() {
        if c.is_numeric() {
            (end, gap) = (at + 1, 0);
        } else {
            gap += 1;
            if gap > 3 || c.is_alphabetic() || end == 0 {
                break;
            }
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p10_phone_numbers_in_a_servers_text_are_masked_however_they_are_grouped() {
        for phone in [
            "+13128059851",
            "+1 (312) 805-9851",
            "+996 555 123 456",
            "312.805.9851",
            "312 - 805 - 9851",
            "312/805/9851",
            "312–805–9851",
            "312_805_9851",
            "312, 805, 9851",
            "٣١٢٨٠٥٩٨٥١",
        ] {
            let text = shown(&format!("No user {phone} here"), PHONE_DIGITS);
            assert!(text.contains("•••"), "{text}");
            assert!(text.chars().filter(|c| c.is_numeric()).count() < 7, "{text}");
        }
    }

    #[test]
    fn p10_a_code_in_the_answer_to_a_sign_in_is_masked() {
        for code in ["1234", "987654", "12345678", "987 654"] {
            assert_eq!(shown(&format!("Code {code} is wrong"), CODE_DIGITS), "Code ••• is wrong");
        }
    }

    #[test]
    fn p10_what_is_as_long_as_a_token_is_masked() {
        let text = shown("Token eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxOX0.c2ln-_bm is old", PHONE_DIGITS);
        assert_eq!(text, "Token ••• is old");
        assert_eq!(shown("x=a1b2c3d4e5f6a7b8c9d0e1f2", PHONE_DIGITS), "•••");
    }

    #[test]
    fn p10_a_number_that_reaches_into_a_token_leaves_nothing_of_it_to_be_shown() {
        assert_eq!(shown("x=2?89d0e1c9d0e19d0e1c9d0e1f2", PHONE_DIGITS), "x=2?•••");
        assert_eq!(shown("312 805 9851abcdefghijklmnopqrst", PHONE_DIGITS), "312 805 •••");
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "Only 12 left of 40, from 19.99",
            "Not enough stock for 'Denim Jacket' (size: M, color: Blue). Available: 1",
            "Product 'Зимние ботинки' (size: 43, color: Brown) is out of stock",
            "Geschwindigkeitsbegrenzung überschritten: SKU with id 9999 not found",
        ] {
            let expected = text.replace("Geschwindigkeitsbegrenzung", "•••");
            assert_eq!(shown(text, PHONE_DIGITS), expected);
        }
    }

    #[test]
    fn a_servers_text_is_capped_and_has_no_control_characters() {
        assert_eq!(shown("a\u{1b}[31m\nb", PHONE_DIGITS), "a [31m b");
        assert_eq!(shown(&"x ".repeat(5000), PHONE_DIGITS).len(), SHOWN_CHARS);
    }

    #[test]
    fn an_error_is_one_pointer_wide_and_can_travel() {
        fn travels<T: Send + Sync + 'static>() {}
        travels::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
