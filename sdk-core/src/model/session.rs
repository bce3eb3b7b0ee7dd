//! The session as an app sees it, sign-in, and the profile.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ids::UserId;
use super::market::Market;
use super::money::Currency;
use super::phone::PhoneNumber;
use super::wire::{Digits, Timestamp, some_text};

/// The state of the session, which decides what an app shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// The store is being read: show a splash screen.
    Restoring,
    /// The store cannot be read, so it is not known whether somebody is signed in: show a splash screen. The
    /// SDK tries again when a call is made and at [`resumed`](crate::SessionApi::resumed).
    #[non_exhaustive]
    Locked {
        /// Why it cannot be read.
        reason: LockedReason,
    },
    /// Nobody is signed in: show the login screen.
    #[non_exhaustive]
    SignedOut {
        /// Why.
        reason: SignedOutReason,
    },
    /// Somebody is signed in: show the shop.
    #[non_exhaustive]
    SignedIn {
        /// Who.
        user: User,
        /// When the session will expire, by this device's clock; none if the server did not say.
        expires_at: Option<SystemTime>,
        /// Whether the session is in the store, and so outlives the process. It is false until the store
        /// has answered, and stays so if it refuses.
        persisted: bool,
    },
    /// The session has ended by itself: show the login screen with the phone number filled in. Carts and
    /// orders are the server's, and there after the next sign-in. This is said anew when `waiting` changes, and is no
    /// other end: [`on_end`](crate::SessionApi::on_end) counts those.
    #[non_exhaustive]
    Expired {
        /// Who was signed in.
        user: User,
        /// Why it ended.
        reason: EndReason,
        /// How many calls wait for this user to sign in again, and then go on; 0 unless the client was built with
        /// [`park_on_expiry`](crate::MarketClientBuilder::park_on_expiry).
        waiting: usize,
    },
}

impl SessionState {
    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        matches!(self, Self::SignedIn { .. })
    }

    /// Who is signed in, or was until the session expired.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::SignedIn { user, .. } | Self::Expired { user, .. } => Some(user),
            _ => None,
        }
    }
}

/// Why the store cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockedReason {
    /// It is locked: the device was not unlocked since it started, or the user has not unlocked the keyring.
    Locked,
    /// It does not exist or failed. Unlocking does not help; another store may.
    Unavailable,
    /// It has not answered in time. Its answer is used when it comes.
    Hung,
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignedOutReason {
    /// No session was stored.
    NoSession,
    /// A session was stored and could not be read; it is erased.
    Corrupt,
    /// [`logout`](crate::SessionApi::logout) was called.
    LoggedOut,
    /// [`clear`](crate::SessionApi::clear) was called.
    Cleared,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// Its time was up.
    Expired,
    /// The server no longer accepts it (401).
    Rejected,
    /// [`logout`](crate::SessionApi::logout) was called.
    LoggedOut,
    /// [`clear`](crate::SessionApi::clear) was called.
    Cleared,
    /// Somebody signed in over it. That is no reason to show the login screen.
    Replaced,
}

/// The signal that a session has ended: one per session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionEnd {
    /// Whose session it was.
    pub user: User,
    /// Why it ended.
    pub reason: EndReason,
}

/// The signal that a session will end soon: one per session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiringSoon {
    /// Whose session it is.
    pub user: User,
    /// How long it lasts from now.
    pub left: Duration,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The user's id, unique within the market.
    pub id: UserId,
    /// The market the user is of.
    pub market: Market,
    /// The phone number that the user signed in with.
    pub phone: PhoneNumber,
    /// The user's full name, if the server knows it.
    pub full_name: Option<String>,
}

/// A code was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeSent {
    /// When the code stops working, by this device's clock; none if the server did not say.
    pub expires_at: Option<SystemTime>,
    /// When a code may be asked for again, by this device's clock: servers send three in 15 minutes. As far
    /// as this client knows; the number's owner may have asked on another device.
    pub retry_at: SystemTime,
}

/// Somebody has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

/// A user's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The user's id, unique within the market.
    pub id: UserId,
    /// The phone number.
    pub phone: Option<PhoneNumber>,
    /// The full name, if it was set.
    pub full_name: Option<String>,
    /// A picture's address.
    pub profile_image_url: Option<String>,
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
    /// The currency.
    pub currency: Option<Currency>,
    /// The last sign-in.
    pub last_login: Option<SystemTime>,
    /// The first sign-in.
    pub created_at: Option<SystemTime>,
}

/// A change of a profile: what is not set stays as it is.
///
/// ```
/// let update = market_sdk::ProfileUpdate::new().full_name("Ann Example");
/// ```
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProfileUpdate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) full_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile_image_url: Option<String>,
}

impl ProfileUpdate {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this full name, 1 to 255 characters.
    pub fn full_name(mut self, name: impl Into<String>) -> Self {
        self.full_name = Some(name.into());
        self
    }

    /// With this picture's address.
    pub fn profile_image_url(mut self, url: impl Into<String>) -> Self {
        self.profile_image_url = Some(url.into());
        self
    }
}

/// What the server says of the token that it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenStatus {
    /// Whether it accepts the token.
    pub valid: bool,
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// The market it is for.
    pub market: Option<Market>,
}

#[derive(Deserialize)]
pub(crate) struct CodeSentWire {
    pub(crate) expires_in_minutes: Option<Digits>,
}

#[derive(Deserialize)]
pub(crate) struct SignInWire {
    pub(crate) access_token: Zeroizing<String>,
    pub(crate) expires_in: Option<Digits>,
    pub(crate) user: SignedInUserWire,
    pub(crate) market: Option<Market>,
    pub(crate) is_new_user: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct SignedInUserWire {
    pub(crate) id: UserId,
    #[serde(default, deserialize_with = "some_text")]
    pub(crate) full_name: Option<String>,
    pub(crate) market: Option<Market>,
}

#[derive(Deserialize)]
pub(crate) struct ProfileWire {
    id: UserId,
    #[serde(default, deserialize_with = "some_text")]
    phone_number: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    full_name: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    profile_image_url: Option<String>,
    is_active: Option<bool>,
    is_verified: Option<bool>,
    market: Option<Market>,
    #[serde(default, deserialize_with = "some_text")]
    language: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    country: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    currency_code: Option<String>,
    last_login: Option<Timestamp>,
    created_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(crate) struct ProfileUpdatedWire {
    pub(crate) user: ProfileWire,
}

impl From<ProfileWire> for Profile {
    fn from(wire: ProfileWire) -> Self {
        Self {
            id: wire.id,
            phone: wire.phone_number.map(PhoneNumber::from_server),
            full_name: wire.full_name,
            profile_image_url: wire.profile_image_url,
            is_active: wire.is_active,
            is_verified: wire.is_verified,
            market: wire.market,
            language: wire.language,
            country: wire.country,
            currency: wire.currency_code.as_deref().map(Currency::new),
            last_login: wire.last_login.map(|at| at.0),
            created_at: wire.created_at.map(|at| at.0),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct TokenStatusWire {
    valid: bool,
    user_id: Option<UserId>,
    market: Option<Market>,
}

impl From<TokenStatusWire> for TokenStatus {
    fn from(wire: TokenStatusWire) -> Self {
        Self { valid: wire.valid, user_id: wire.user_id, market: wire.market }
    }
}
