//! The session as an app sees it, sign-in, and the profile.

use std::time::{Duration, SystemTime};

use market_sdk::PhoneNumber;

use super::{Market, Url};

/// The state of the session, which decides what an app shows.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum SessionState {
    /// The store is being read: show a splash screen.
    Restoring,
    /// The store cannot be read, so it is not known whether somebody is signed in: show a splash screen. The SDK
    /// tries again when a call is made and when the app says that it was resumed.
    Locked {
        /// Why it cannot be read.
        reason: LockedReason,
    },
    /// Nobody is signed in: show the login screen.
    SignedOut {
        /// Why.
        reason: SignedOutReason,
    },
    /// Somebody is signed in: show the shop.
    SignedIn {
        /// Who.
        user: User,
        /// When the session will expire, by this device's clock; none if the server did not say.
        expires_at: Option<SystemTime>,
        /// Whether the session is in the store, and so outlives the process. It is false until the store has
        /// answered, and stays so if it refuses.
        persisted: bool,
    },
    /// The session has ended by itself: show the login screen with the phone number filled in. Carts and orders
    /// are the server's, and there after the next sign-in.
    Expired {
        /// Who was signed in.
        user: User,
        /// Why it ended.
        reason: EndReason,
        /// How many calls wait for this user to sign in again, and then go on; 0 unless the client was built to have
        /// them wait.
        waiting: i32,
    },
}

impl From<market_sdk::SessionState> for SessionState {
    fn from(state: market_sdk::SessionState) -> Self {
        use market_sdk::SessionState as Core;
        match state {
            Core::Locked { reason, .. } => Self::Locked { reason: reason.into() },
            Core::SignedOut { reason, .. } => Self::SignedOut { reason: reason.into() },
            Core::SignedIn { user, expires_at, persisted, .. } => {
                Self::SignedIn { user: user.into(), expires_at, persisted }
            }
            Core::Expired { user, reason, waiting, .. } => {
                let waiting = i32::try_from(waiting).unwrap_or(i32::MAX);
                Self::Expired { user: user.into(), reason: reason.into(), waiting }
            }
            // `Restoring`; the core and this crate are built together.
            _ => Self::Restoring,
        }
    }
}

macro_rules! mirrored {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident,)* } else $rest:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
        pub enum $name {
            $($(#[$case_doc])* $case,)*
        }

        impl From<market_sdk::$name> for $name {
            fn from(core: market_sdk::$name) -> Self {
                match core {
                    $(market_sdk::$name::$case => Self::$case,)*
                    // The core and this crate are built together.
                    _ => Self::$rest,
                }
            }
        }
    )*};
}

mirrored! {
    /// Why the store cannot be read.
    LockedReason {
        /// It is locked: the device was not unlocked since it started, or the user has not unlocked the keyring.
        Locked,
        /// It does not exist or failed. Unlocking does not help; another store may.
        Unavailable,
        /// It has not answered in time. Its answer is used when it comes.
        Hung,
    } else Unavailable

    /// Why nobody is signed in.
    SignedOutReason {
        /// No session was stored.
        NoSession,
        /// A session was stored and could not be read; it is erased.
        Corrupt,
        /// The app signed out.
        LoggedOut,
        /// The app signed out without telling the server.
        Cleared,
    } else NoSession

    /// Why a session ended.
    EndReason {
        /// Its time was up.
        Expired,
        /// The server no longer accepts it (401).
        Rejected,
        /// The app signed out.
        LoggedOut,
        /// The app signed out without telling the server.
        Cleared,
        /// Somebody signed in over it. That is no reason to show the login screen.
        Replaced,
    } else Expired
}

/// The signal that a session has ended: one per session.
#[derive(Clone, Debug, uniffi::Record)]
pub struct SessionEnd {
    /// Whose session it was.
    pub user: User,
    /// Why it ended.
    pub reason: EndReason,
}

impl From<market_sdk::SessionEnd> for SessionEnd {
    fn from(end: market_sdk::SessionEnd) -> Self {
        Self { user: end.user.into(), reason: end.reason.into() }
    }
}

/// The signal that a session will end soon: one per session.
#[derive(Clone, Debug, uniffi::Record)]
pub struct ExpiringSoon {
    /// Whose session it is.
    pub user: User,
    /// How long it lasts from now.
    pub left: Duration,
}

impl From<market_sdk::ExpiringSoon> for ExpiringSoon {
    fn from(soon: market_sdk::ExpiringSoon) -> Self {
        Self { user: soon.user.into(), left: soon.left }
    }
}

/// Who is signed in.
#[derive(Clone, Debug, uniffi::Record)]
pub struct User {
    /// The user's id, unique within the market.
    pub id: i64,
    /// The market the user is of.
    pub market: Market,
    /// The phone number that the user signed in with.
    pub phone: PhoneNumber,
    /// The user's full name, if the server knows it.
    pub full_name: Option<String>,
}

impl From<market_sdk::User> for User {
    fn from(user: market_sdk::User) -> Self {
        Self {
            id: user.id.0.cast_signed(),
            market: user.market.into(),
            phone: user.phone,
            full_name: user.full_name,
        }
    }
}

/// A code was sent.
#[derive(Clone, Debug, uniffi::Record)]
pub struct CodeSent {
    /// When the code stops working, by this device's clock; none if the server did not say.
    pub expires_at: Option<SystemTime>,
    /// When a code may be asked for again, by this device's clock.
    pub retry_at: SystemTime,
}

impl From<market_sdk::CodeSent> for CodeSent {
    fn from(sent: market_sdk::CodeSent) -> Self {
        Self { expires_at: sent.expires_at, retry_at: sent.retry_at }
    }
}

/// Somebody has signed in.
#[derive(Clone, Debug, uniffi::Record)]
pub struct SignIn {
    /// Who.
    pub user: User,
    /// Whether the server has just made this user, where it says so.
    pub is_new_user: Option<bool>,
    /// When the session will expire, by this device's clock; none if the server did not say.
    pub expires_at: Option<SystemTime>,
    /// Whether the session is in the store. If not, the user is signed in until the process ends.
    pub persisted: bool,
}

impl From<market_sdk::SignIn> for SignIn {
    fn from(sign_in: market_sdk::SignIn) -> Self {
        Self {
            user: sign_in.user.into(),
            is_new_user: sign_in.is_new_user,
            expires_at: sign_in.expires_at,
            persisted: sign_in.persisted,
        }
    }
}

/// A user's profile.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Profile {
    /// The user's id, unique within the market.
    pub id: i64,
    /// The phone number.
    pub phone: Option<PhoneNumber>,
    /// The full name, if it was set.
    pub full_name: Option<String>,
    /// A picture's address.
    pub profile_image_url: Option<Url>,
    /// Whether the server accepts the user's sessions.
    pub is_active: Option<bool>,
    /// Whether the phone number is confirmed.
    pub is_verified: Option<bool>,
    /// The market.
    pub market: Option<Market>,
    /// The language, as an ISO 639-1 code.
    pub language: Option<String>,
    /// The country's name.
    pub country: Option<String>,
    /// The currency's ISO 4217 code.
    pub currency: Option<String>,
    /// The last sign-in.
    pub last_login: Option<SystemTime>,
    /// The first sign-in.
    pub created_at: Option<SystemTime>,
}

impl From<market_sdk::Profile> for Profile {
    fn from(profile: market_sdk::Profile) -> Self {
        Self {
            id: profile.id.0.cast_signed(),
            phone: profile.phone,
            full_name: profile.full_name,
            profile_image_url: profile.profile_image_url.and_then(Url::read),
            is_active: profile.is_active,
            is_verified: profile.is_verified,
            market: profile.market.map(Into::into),
            language: profile.language,
            country: profile.country,
            currency: profile.currency.map(|currency| currency.code().to_owned()),
            last_login: profile.last_login,
            created_at: profile.created_at,
        }
    }
}

/// A change of a profile: what is not set stays as it is.
#[derive(Clone, uniffi::Record)]
pub struct ProfileUpdate {
    /// The full name, 1 to 255 characters.
    #[uniffi(default = None)]
    pub full_name: Option<String>,
    /// A picture's address.
    #[uniffi(default = None)]
    pub profile_image_url: Option<Url>,
}

impl From<ProfileUpdate> for market_sdk::ProfileUpdate {
    fn from(change: ProfileUpdate) -> Self {
        let mut update = Self::new();
        if let Some(name) = change.full_name {
            update = update.full_name(name);
        }
        if let Some(url) = change.profile_image_url {
            update = update.profile_image_url(url.into_text());
        }
        update
    }
}

/// What the server says of the session's token.
#[derive(Clone, Debug, uniffi::Record)]
pub struct TokenStatus {
    /// Whether it accepts the token.
    pub valid: bool,
    /// Whose it is.
    pub user_id: Option<i64>,
    /// The market it is for.
    pub market: Option<Market>,
}

impl From<market_sdk::TokenStatus> for TokenStatus {
    fn from(status: market_sdk::TokenStatus) -> Self {
        Self {
            valid: status.valid,
            user_id: status.user_id.map(|id| id.0.cast_signed()),
            market: status.market.map(Into::into),
        }
    }
}
