//! How a command ends that did not succeed: what is said about it, and its exit code.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use market_sdk::{Error, ErrorCode};
use serde_json::json;

use crate::paint::{self, RED};

/// The exit codes, as `--help` shows them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a step of the demo did not hold, or this machine failed (a file, a terminal)
  2  the command line or the configuration is wrong
  3  sign in needed: NotSignedIn, SessionExpired, SignedOut
  4  what was entered is wrong: InvalidInput, WrongCode
  5  network or server: Network, Timeout, Tls, RateLimited, Server, UnexpectedResponse
  6  the store: StoreLocked, StoreUnavailable, StoreNotCleared
  7  the shop says no: Rejected, NotFound, Unsupported
  8  not known whether it took effect: OutcomeUnknown, OrderPending";

/// Why a command did not succeed.
pub(crate) enum Failure {
    /// An error of the SDK.
    Sdk(Error),
    /// Nobody is signed in, which the command has said already.
    NobodySignedIn,
    /// Signed in, and the store refused to keep it.
    NotStored,
    /// The command line is not complete.
    Usage(String),
    /// A terminal, a pipe or a file.
    Io(io::Error),
    /// Anything else, in words.
    Other(String),
}

impl Failure {
    pub(crate) fn other(why: impl Display) -> Self {
        Self::Other(why.to_string())
    }

    /// Says what happened on standard error: in words, or as JSON for programs.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        match self {
            Self::Sdk(error) if json => eprint(&as_json(error).to_string()),
            Self::Sdk(error) => eprint(&in_words(error)),
            Self::NobodySignedIn => {}
            Self::NotStored => say("StoreUnavailable", "Signed in, but the store did not keep it."),
            Self::Usage(why) => say("usage", why),
            // Whoever read our output has seen enough, as `head` does.
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Self::Io(error) => say("io", &error.to_string()),
            Self::Other(why) => eprint(why),
        }
        ExitCode::from(self.exit_code())
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Sdk(error) => exit_code(error.code()),
            Self::NobodySignedIn => 3,
            Self::NotStored => 6,
            Self::Usage(_) => 2,
            Self::Io(_) | Self::Other(_) => 1,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sdk(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Whether somebody has to sign in before the command can work.
pub(crate) fn needs_sign_in(code: ErrorCode) -> bool {
    exit_code(code) == 3
}

fn exit_code(code: ErrorCode) -> u8 {
    use ErrorCode::*;
    match code {
        Config => 2,
        NotSignedIn | SessionExpired | SignedOut => 3,
        InvalidInput | WrongCode => 4,
        Network | Timeout | Tls | RateLimited | Server | UnexpectedResponse => 5,
        StoreLocked | StoreUnavailable | StoreNotCleared => 6,
        Rejected | NotFound | Unsupported => 7,
        OutcomeUnknown | OrderPending => 8,
        // Cancelled, and codes of later versions.
        _ => 1,
    }
}

fn in_words(error: &Error) -> String {
    let code = format!("{:?}", error.code());
    let mut text = match error.fields() {
        [] => head(&code, error.message()),
        [field] => head(&code, &format!("{}: {}", field.path, field.message)),
        fields => {
            let refused = fields.iter().map(|field| format!("\n  {}: {}", field.path, field.message));
            head(&code, &refused.collect::<String>())
        }
    };
    let advice = match error.code() {
        code if needs_sign_in(code) => Some("market login".to_owned()),
        ErrorCode::StoreUnavailable => {
            Some("choose another store with --store file:DIR or --store memory".to_owned())
        }
        ErrorCode::StoreLocked => Some("unlock it, or choose another store with --store".to_owned()),
        ErrorCode::OutcomeUnknown => {
            Some("look before you try again: market orders resolve, market status".to_owned())
        }
        ErrorCode::OrderPending => Some("market orders resolve".to_owned()),
        _ => error.retry_after().map(|wait| format!("try again in {} s", wait.as_secs().max(1))),
    };
    for (name, value) in
        [("try", advice.as_deref()), ("detail", error.detail()), ("request id", error.request_id())]
    {
        if let Some(value) = value {
            text += &format!("\n  {name}: {value}");
        }
    }
    text
}

fn as_json(error: &Error) -> serde_json::Value {
    let fields: Vec<_> =
        error.fields().iter().map(|field| json!({"path": field.path, "message": field.message})).collect();
    json!({"error": {
        "code": format!("{:?}", error.code()),
        "message": error.message(),
        "retryable": error.is_retryable(),
        "status": error.status(),
        "request_id": error.request_id(),
        "retry_after_seconds": error.retry_after().map(|wait| wait.as_secs()),
        "fields": fields,
        "detail": error.detail(),
    }})
}

fn head(name: &str, message: &str) -> String {
    format!("{} {name}: {message}", paint::painted(&io::stderr(), RED, "error:"))
}

fn say(name: &str, message: &str) {
    eprint(&head(name, message));
}

/// A line on standard error. Where nobody can read it, the exit code is what is left.
pub(crate) fn eprint(text: &str) {
    use io::Write as _;
    let _ = writeln!(io::stderr(), "{text}");
}
