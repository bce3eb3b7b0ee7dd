//! The machine's words in those of the app.

use super::Inner;
use super::machine::{EndWhy, LockedWhy, SignedOutWhy, State};
use crate::error::ErrorCode;
use crate::model::{EndReason, LockedReason, SessionState, SignedOutReason};

/// A state as the app sees it.
pub(super) fn shown(inner: &Inner) -> SessionState {
    match inner.machine.state() {
        State::Restoring => SessionState::Restoring,
        State::Locked(why) => SessionState::Locked { reason: (*why).into() },
        State::SignedOut(why) => SessionState::SignedOut { reason: (*why).into() },
        State::SignedIn { session, persisted } => SessionState::SignedIn {
            user: session.record.user.clone(),
            expires_at: session.expires_at,
            persisted: *persisted,
        },
        State::Expired { user, why } => SessionState::Expired {
            user: user.0.clone(),
            reason: (*why).into(),
            waiting: inner.parking.parked(),
        },
    }
}

pub(super) fn locked(why: LockedWhy) -> ErrorCode {
    match why {
        LockedWhy::Locked | LockedWhy::Hung => ErrorCode::StoreLocked,
        LockedWhy::Unavailable => ErrorCode::StoreUnavailable,
    }
}

impl From<LockedWhy> for LockedReason {
    fn from(why: LockedWhy) -> Self {
        match why {
            LockedWhy::Locked => Self::Locked,
            LockedWhy::Unavailable => Self::Unavailable,
            LockedWhy::Hung => Self::Hung,
        }
    }
}

impl From<SignedOutWhy> for SignedOutReason {
    fn from(why: SignedOutWhy) -> Self {
        match why {
            SignedOutWhy::NoSession => Self::NoSession,
            SignedOutWhy::Corrupt => Self::Corrupt,
            SignedOutWhy::LoggedOut => Self::LoggedOut,
            SignedOutWhy::Cleared => Self::Cleared,
        }
    }
}

impl From<EndWhy> for EndReason {
    fn from(why: EndWhy) -> Self {
        match why {
            EndWhy::Expired => Self::Expired,
            EndWhy::Rejected => Self::Rejected,
            EndWhy::LoggedOut => Self::LoggedOut,
            EndWhy::Cleared => Self::Cleared,
            EndWhy::Replaced => Self::Replaced,
        }
    }
}
