//! The session: signing in, out, and what has become of it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::Method;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Core;
use crate::error::{Error, ErrorCode, Result};
use crate::http::call::{Call, Lost};
use crate::http::{Answer, Made, value};
use crate::model::wire::body;
use crate::model::{
    CodeSent, CodeSentWire, ExpiringSoon, Market, Markets, MarketsWire, PhoneNumber, Profile, ProfileUpdate,
    ProfileUpdatedWire, ProfileWire, SessionEnd, SessionState, SignIn, SignInWire, TokenStatus,
    TokenStatusWire, User,
};
use crate::session::clock::lifetime;
use crate::session::token::AccessToken;
use crate::session::{FlightKey, NewSession};

/// The session of the one user who can be signed in.
///
/// It is read from the store when the client is built. While a user is signed in, every call carries the token
/// by itself; when the session ends, [`on_end`](Self::on_end) says so once.
///
/// # Errors
/// Every call can end with `Network`, `Timeout`, `Tls`, `RateLimited`, `Rejected`, `Server`, `Unsupported`,
/// `UnexpectedResponse` and `Config`; a call with a session (`profile`, `update_profile`, `verify_token`) besides
/// with `NotSignedIn`, `SessionExpired`, `SignedOut`, `StoreLocked` and `StoreUnavailable`.
#[derive(Clone)]
pub struct SessionApi {
    core: Arc<Core>,
}

impl SessionApi {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The present state.
    ///
    /// ```
    /// # let store = market_sdk::MemoryStore::default();
    /// # let market = market_sdk::MarketClient::builder("https://api.example.com").app_id("a").store(store).build()?;
    /// assert!(!market.session().state().is_signed_in());
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn state(&self) -> SessionState {
        self.core.keeper.state()
    }

    /// The states from now on: the present one first, then each as it comes. Who looks late sees the latest, not
    /// all in between. It ends with the client.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) {
    /// let mut states = market.session().subscribe();
    /// while let Some(state) = states.next().await {
    ///     println!("signed in: {}", state.is_signed_in());
    /// }
    /// # }
    /// ```
    pub fn subscribe(&self) -> SessionStates {
        let states = stream::unfold(self.core.keeper.subscribe(), |mut states| async move {
            let state = states.next().await?;
            Some((state, states))
        });
        SessionStates(states.boxed())
    }

    /// Calls `listener` once for every session that ends, with whose it was and why: the place to show the
    /// login screen from, except when the reason is `Replaced`. The session is forgotten before.
    ///
    /// The listener has a thread of its own: it may block, panic, or call the SDK, and holds up nobody. It
    /// stays until [`EndListener::remove`] is called or the client is gone; dropping what this gives back
    /// changes nothing.
    ///
    /// ```
    /// # let store = market_sdk::MemoryStore::default();
    /// # let market = market_sdk::MarketClient::builder("https://api.example.com").app_id("a").store(store).build()?;
    /// market.session().on_end(|end| println!("please sign in again: {:?}", end.reason));
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn on_end(&self, listener: impl Fn(SessionEnd) + Send + 'static) -> EndListener {
        EndListener { id: self.core.keeper.on_end(listener), core: Arc::downgrade(&self.core) }
    }

    /// Calls `listener` once for every session that will end soon, a time before its end that the builder sets
    /// ([`expiring_soon`](crate::MarketClientBuilder::expiring_soon)): the place to offer a sign-in, before a checkout is
    /// cut short. A session cannot be prolonged; the same user signs in over it, and goes on.
    ///
    /// It is said when the app comes to the foreground ([`resumed`](Self::resumed)) if the device slept through it, and
    /// at once for a session that was restored late, also if the listener comes after that. It is not said once the
    /// session has ended, nor of one whose end is not known. For the listener the same holds as at
    /// [`on_end`](Self::on_end).
    ///
    /// ```
    /// # let store = market_sdk::MemoryStore::default();
    /// # let market = market_sdk::MarketClient::builder("https://api.example.com").app_id("a").store(store).build()?;
    /// market.session().on_expiring_soon(|soon| println!("your session lasts {} s more", soon.left.as_secs()));
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn on_expiring_soon(&self, listener: impl Fn(ExpiringSoon) + Send + 'static) -> ExpiringSoonListener {
        let id = self.core.keeper.on_expiring_soon(listener);
        ExpiringSoonListener { id, core: Arc::downgrade(&self.core) }
    }

    /// Checks that the session lasts for `duration` from now: before a checkout, say. If it does not, have the user
    /// sign in first; it is the same user's, so the cart and calls under way go on. Nothing is sent, and the session
    /// stays as it is. One whose end is not known is taken to last.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use market_sdk::ErrorCode;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// match market.session().require_validity(Duration::from_secs(10 * 60)).await {
    ///     Err(error) if error.code() == ErrorCode::SessionExpired => println!("please sign in first"),
    ///     other => other?,
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `SessionExpired` if it ends before, or has ended; `NotSignedIn`; `StoreLocked` or `StoreUnavailable` if it is not
    /// known who is signed in.
    pub fn require_validity(&self, duration: Duration) -> impl Future<Output = Result<()>> + Send + use<> {
        let this = self.clone();
        async move {
            this.core.http.made()?;
            this.core.keeper.require_validity(duration).await
        }
    }

    /// Waits until it is known whether somebody is signed in. Calls do this by themselves; an app does it to
    /// choose its first screen.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// if market.session().restore().await?.is_signed_in() {
    ///     println!("welcome back");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `StoreLocked` or `StoreUnavailable`: it is not known. A corrupt record is no error: it is erased, and the
    /// state says so.
    pub fn restore(&self) -> impl Future<Output = Result<SessionState>> + Send + use<> {
        let this = self.clone();
        async move {
            this.core.http.made()?;
            this.core.keeper.restore().await
        }
    }

    /// Tells the SDK that the app came to the foreground: an expiry that was slept through is noticed, and a
    /// locked store is read again. It does not wait.
    ///
    /// ```
    /// # let store = market_sdk::MemoryStore::default();
    /// # let market = market_sdk::MarketClient::builder("https://api.example.com").app_id("a").store(store).build()?;
    /// market.session().resumed();
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn resumed(&self) {
        self.core.keeper.resumed();
    }

    /// Has a code sent to `phone` by SMS. Whether the session can be kept is not looked at: an app that calls
    /// [`restore`](Self::restore) first knows before a code is spent on it.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let sent = market.session().request_code("+1 312 805 9851").await?;
    /// println!("type it in before {:?}", sent.expires_at);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for `phone`, also if it is not of the client's market; `RateLimited` after three codes in
    /// 15 minutes; and as every call without a session.
    pub fn request_code(&self, phone: &str) -> impl Future<Output = Result<CodeSent>> + Send + use<> {
        let this = self.clone();
        let phone = self.phone_and_market(phone);
        async move {
            let (phone, market) = phone?;
            let made = this.core.http.made()?;
            let call = Call::new("session", "request_code", Method::POST, "/auth/send-verification")
                .without_token(market)
                .secret_body(&CodeRequest { phone: phone.as_str() });
            let sent = this.core.http.json::<CodeSentWire>(&made, &call).await?.value;
            let now = this.core.keeper.clock().wall();
            let expires_at = sent
                .expires_in_minutes
                .and_then(|minutes| now.checked_add(Duration::from_secs(minutes.0.checked_mul(60)?)));
            Ok(CodeSent { expires_at, retry_at: this.core.codes.sent(&phone, now) })
        }
    }

    /// Signs in with the code that came by SMS: 4 to 8 digits.
    ///
    /// The store is asked before the code is spent. Two calls with the same phone and code are one. Dropping the
    /// future once the code is sent does not stop the sign-in.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let sign_in = market.session().verify_code("+13128059851", "123456").await?;
    /// println!("hello, user {}", sign_in.user.id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for `phone` or `code`; `WrongCode`; `StoreLocked` or `StoreUnavailable`, the code unspent;
    /// `OutcomeUnknown` if the answer was lost: ask for a new code; `SignedOut` if a logout came between.
    pub fn verify_code(
        &self,
        phone: &str,
        code: &str,
    ) -> impl Future<Output = Result<SignIn>> + Send + use<> {
        let this = self.clone();
        let phone = self.phone_and_market(phone);
        let code = Zeroizing::new(code.trim().to_owned());
        async move {
            let (phone, market) = phone?;
            if !(4..=8).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Error::invalid("code", "Enter the 4 to 8 digits of the code."));
            }
            let made = this.core.http.made()?;
            let key = FlightKey { phone: phone.clone(), code: code.clone() };
            let core = this.core.clone();
            let (lineage, deadline) = (made.lineage, made.deadline());
            let send = move || async move { sign_in(&core, &made, phone, &code, market).await };
            this.core.keeper.fly(lineage, deadline, key, send).await
        }
    }

    /// Signs out. The session is forgotten at once; when this returns, no later request carries its token, and
    /// the store is erased. The server is told as well as it can be, within 3 seconds. With nobody signed in
    /// there is nothing to do but to erase; nor is there anybody to tell the server of as long as the store has
    /// not been read, so an app that signs out right after its start calls [`restore`](Self::restore) first.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// market.session().logout().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `StoreNotCleared`: signed out all the same, and the store is erased at the next chance.
    pub fn logout(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let this = self.clone();
        async move { this.end(true).await }
    }

    /// Signs out without telling the server: for a device that changes hands, or a user who is gone. After an
    /// expiry, which erases the store in the background, it waits until that is done: a short-lived program calls
    /// it before it ends. It waits, up to 3 seconds, for a logout before it that still tells the server.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// market.session().clear().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`logout`](Self::logout).
    pub fn clear(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let this = self.clone();
        async move { this.end(false).await }
    }

    async fn end(&self, notice: bool) -> Result<()> {
        self.core.http.made()?;
        let mut farewell = self.core.keeper.log_out(notice);
        self.core.forget_cart();
        // A task of its own: the server is told even if the caller leaves.
        if let Some(notice) = farewell.notice.take() {
            let core = self.core.clone();
            tokio::spawn(async move {
                let call = Call::new("session", "logout", Method::POST, "/auth/logout");
                core.http.notify(&call, notice).await;
            });
        }
        farewell.done().await
    }

    /// Reads the user's profile.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// println!("{:?}", market.session().profile().await?.full_name);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As every call with a session.
    pub fn profile(&self) -> impl Future<Output = Result<Profile>> + Send + use<> {
        let this = self.clone();
        async move {
            let made = this.core.http.made()?;
            let call = Call::new("session", "profile", Method::GET, "/auth/profile");
            let profile = this.core.http.json::<ProfileWire>(&made, &call).await?.value;
            Ok(profile.into())
        }
    }

    /// Changes the user's profile.
    ///
    /// ```no_run
    /// # use market_sdk::ProfileUpdate;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// market.session().update_profile(ProfileUpdate::new().full_name("Ann Example")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for `full_name` if it is empty or longer than 255 characters, and if nothing is set.
    pub fn update_profile(
        &self,
        update: ProfileUpdate,
    ) -> impl Future<Output = Result<Profile>> + Send + use<> {
        let this = self.clone();
        async move {
            match &update.full_name {
                Some(name) if name.trim().is_empty() || name.chars().count() > 255 => {
                    return Err(Error::invalid("full_name", "Enter 1 to 255 characters."));
                }
                None if update.profile_image_url.is_none() => {
                    return Err(Error::invalid("full_name", "There is nothing to change."));
                }
                _ => {}
            }
            let made = this.core.http.made()?;
            let call =
                Call::new("session", "update_profile", Method::PUT, "/auth/profile").body(body(&update));
            let updated = this.core.http.json::<ProfileUpdatedWire>(&made, &call).await?.value;
            Ok(updated.user.into())
        }
    }

    /// Asks the server whether it still accepts the session. If it does not, the session has ended, and the
    /// call with it: it waits for no sign-in, whatever the client was built with.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// assert!(market.session().verify_token().await?.valid);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As every call with a session; `SessionExpired` if the server does not accept it.
    pub fn verify_token(&self) -> impl Future<Output = Result<TokenStatus>> + Send + use<> {
        let this = self.clone();
        async move {
            // It is the question whether the session has ended: who asks wants to be told, not to wait.
            let made = this.core.http.made()?.parks(false);
            let call = Call::new("session", "verify_token", Method::GET, "/auth/verify-token");
            let status = this.core.http.json::<TokenStatusWire>(&made, &call).await?.value;
            Ok(status.into())
        }
    }

    /// The markets that the server serves. Nobody needs to be signed in.
    ///
    /// ```no_run
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// for info in market.session().markets().await?.supported {
    ///     println!("{} {:?}", info.market, info.phone_prefix);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As every call without a session.
    pub fn markets(&self) -> impl Future<Output = Result<Markets>> + Send + use<> {
        let this = self.clone();
        async move {
            let made = this.core.http.made()?;
            let call = Call::new("session", "markets", Method::GET, "/auth/markets").without_token(None);
            let markets = this.core.http.json::<MarketsWire>(&made, &call).await?.value;
            Ok(markets.into())
        }
    }

    /// The market follows from the phone's prefix. One that contradicts it never works, and can burn a code.
    fn phone_and_market(&self, phone: &str) -> Result<(PhoneNumber, Option<Market>)> {
        let phone = PhoneNumber::parse(phone)?;
        let market = match (phone.market(), self.core.market.clone()) {
            (Some(Market::Kg), Some(Market::Us)) | (Some(Market::Us), Some(Market::Kg)) => {
                return Err(Error::invalid(
                    "phone",
                    "This shop does not serve that country's phone numbers.",
                ));
            }
            // A market that this version does not know may share a prefix with one that it knows.
            (_, Some(market @ Market::Unknown(_))) => Some(market),
            (None, Some(_)) => {
                return Err(Error::invalid(
                    "phone",
                    "This shop does not serve that country's phone numbers.",
                ));
            }
            (of_phone, _) => of_phone,
        };
        Ok((phone, market))
    }
}

#[derive(Serialize)]
struct CodeRequest<'a> {
    phone: &'a str,
}

#[derive(Serialize)]
struct CodeSpent<'a> {
    phone: &'a str,
    verification_code: &'a str,
}

/// Spends the code and reads the session from the answer.
async fn sign_in(
    core: &Core,
    made: &Made,
    phone: PhoneNumber,
    code: &str,
    market: Option<Market>,
) -> Result<NewSession> {
    let mut call = Call::new("session", "verify_code", Method::POST, "/auth/verify-code")
        .without_token(market.clone())
        .secret_body(&CodeSpent { phone: phone.as_str(), verification_code: code });
    call.lost = Lost::OutcomeUnknown;
    call.spends_code = true;
    let Answer { reply, .. } = core.http.send(made, &call).await?;
    let signed_in: SignInWire = value(&call, &reply)?;
    let unreadable = || Error::new(ErrorCode::OutcomeUnknown).status_is(reply.status.as_u16());
    let token = AccessToken::new(&signed_in.access_token).ok_or_else(unreadable)?;
    let claims = token.claims();
    let expires_at = claims
        .expires_at
        .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let lifetime = lifetime(
        signed_in.expires_in.map(|seconds| Duration::from_secs(seconds.0)),
        expires_at,
        reply.served_at(),
        core.keeper.clock().wall(),
    );
    let user = User {
        id: signed_in.user.id,
        // What the server says first, if every later call can say it too; not every server says it.
        market: [signed_in.market, signed_in.user.market, claims.market, market]
            .into_iter()
            .flatten()
            .find(Market::can_be_sent)
            .ok_or_else(unreadable)?,
        phone,
        full_name: signed_in.user.full_name,
    };
    Ok(NewSession { token, user, lifetime, is_new_user: signed_in.is_new_user })
}

/// A listener that [`SessionApi::on_end`] has added.
#[derive(Clone)]
pub struct EndListener {
    id: u64,
    core: std::sync::Weak<Core>,
}

impl EndListener {
    /// Takes the listener away. Ends that were signalled before are still delivered.
    pub fn remove(&self) {
        if let Some(core) = self.core.upgrade() {
            core.keeper.remove_listener(self.id);
        }
    }
}

impl fmt::Debug for EndListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndListener").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A listener that [`SessionApi::on_expiring_soon`] has added.
#[derive(Clone)]
pub struct ExpiringSoonListener {
    id: u64,
    core: std::sync::Weak<Core>,
}

impl ExpiringSoonListener {
    /// Takes the listener away. What was signalled before is still delivered.
    pub fn remove(&self) {
        if let Some(core) = self.core.upgrade() {
            core.keeper.remove_soon_listener(self.id);
        }
    }
}

impl fmt::Debug for ExpiringSoonListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiringSoonListener").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The states of the session: a [`Stream`] that begins with the present one.
pub struct SessionStates(BoxStream<'static, SessionState>);

impl SessionStates {
    /// The next state; none once the client is gone.
    pub async fn next(&mut self) -> Option<SessionState> {
        self.0.next().await
    }
}

impl Stream for SessionStates {
    type Item = SessionState;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SessionState>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for SessionStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionStates")
    }
}
