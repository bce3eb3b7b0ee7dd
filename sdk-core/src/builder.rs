//! The builder: judges the configuration, and wires a client's outer parts.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Host, Url};

use crate::client::MarketClient;
use crate::error::{Error, ErrorCode, Result};
use crate::http::pins::Pins;
use crate::http::transport::Settings;
use crate::journal::Journal;
use crate::model::Market;
use crate::outside::{Asked, Outside, SystemRandom};
use crate::session::{ParkRule, Parts, Random as _};
use crate::store::{InstallMarker, SecureStore, StoreError};

/// Builds a [`MarketClient`].
///
/// ```
/// use std::time::Duration;
/// use market_sdk::{Market, MarketClient, MemoryStore};
///
/// let market = MarketClient::builder("https://api.example.com/api/v1")
///     .app_id("com.example.shop")
///     .market(Market::Us)
///     .store(MemoryStore::default())
///     .timeout(Duration::from_secs(20))
///     .user_agent("ExampleShop/3.1")
///     .build()?;
/// # Ok::<(), market_sdk::Error>(())
/// ```
#[must_use = "a builder builds nothing until `build` is called"]
pub struct MarketClientBuilder {
    base_url: String,
    app_id: Option<String>,
    market: Option<Market>,
    store: Option<Arc<dyn SecureStore>>,
    connect_timeout: Duration,
    timeout: Duration,
    store_timeout: Duration,
    body_limit: usize,
    park: Option<ParkRule>,
    expiring_soon: Duration,
    extra_roots: Vec<Vec<u8>>,
    pinned_keys: Vec<String>,
    user_agent: Option<String>,
    allow_http_loopback: bool,
    order_settle: Duration,
    install_marker: Option<PathBuf>,
}

impl MarketClientBuilder {
    pub(crate) fn new(base_url: String) -> Self {
        Self {
            base_url,
            app_id: None,
            market: None,
            store: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            store_timeout: Duration::from_secs(5),
            body_limit: 8 * 1024 * 1024,
            park: None,
            expiring_soon: Duration::from_secs(5 * 60),
            extra_roots: Vec::new(),
            pinned_keys: Vec::new(),
            user_agent: None,
            allow_http_loopback: false,
            order_settle: Duration::from_secs(15 * 60),
            install_marker: None,
        }
    }

    /// The app's own name, such as `com.example.shop`; required. Together with the base URL it names the stored
    /// session, so that neither two apps nor two environments of one app share a session.
    pub fn app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(app_id.into());
        self
    }

    /// The one market that the app serves. Without it the market follows from the user's phone number; with it,
    /// phone numbers of other markets are refused.
    pub fn market(mut self, market: Market) -> Self {
        self.market = Some(market);
        self
    }

    /// Where the session is stored; by default the operating system's own store ([`KeyringStore`](crate::KeyringStore)). If that
    /// cannot be used the SDK says so: it never falls back to another by itself.
    pub fn store(mut self, store: impl SecureStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// How long a connection may take to be made; 10 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a whole call may take, waits and attempts included; 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long the store may take for one operation before it counts as locked; 5 s by default. What it answers
    /// later is used all the same.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// Lets calls that are stopped by an expired session wait for its user to sign in again, where they would end with
    /// `SessionExpired`: a tap is not lost. Without it none waits.
    ///
    /// The end of the session is signalled once, as ever, and [`SessionState::Expired`](crate::SessionState::Expired)
    /// says whose it was and how many calls wait. When that user signs in, they go on in the order in which they were
    /// made, each with its whole [`timeout`](Self::timeout). Another user's sign-in and a logout end them with
    /// `SignedOut`. At most `limit` (1 to 1,000) wait; the one after that ends with `SessionExpired` at once, and so does
    /// one that has waited for `patience` (up to 24 hours). A call that is dropped waits no longer. Such a call has
    /// certainly done nothing before, so that what is not safe to repeat waits too (a change whose answer was lost does not
    /// wait to be made again); an order only if it is asked to
    /// ([`NewOrder::park_on_expiry`](crate::NewOrder::park_on_expiry)). What waits is not stored: it ends with the process.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use market_sdk::{MarketClient, MemoryStore, SessionState};
    /// let market = MarketClient::builder("https://api.example.com/api/v1")
    ///     .app_id("com.example.shop")
    ///     .store(MemoryStore::default())
    ///     .park_on_expiry(20, Duration::from_secs(10 * 60))
    ///     .build()?;
    /// if let SessionState::Expired { user, waiting, .. } = market.session().state() {
    ///     println!("{}: sign in to go on with {waiting} taps", user.phone);
    /// }
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn park_on_expiry(mut self, limit: usize, patience: Duration) -> Self {
        self.park = Some(ParkRule { limit, patience });
        self
    }

    /// How long before a session's end [`on_expiring_soon`](crate::SessionApi::on_expiring_soon) says so; 5 minutes by
    /// default, and never before half of the session is over.
    pub fn expiring_soon(mut self, margin: Duration) -> Self {
        self.expiring_soon = margin;
        self
    }

    /// The longest response body that is read, in bytes; 8 MiB by default.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Trusts the certificates in this PEM text as roots, beside those that the system trusts: for a private
    /// authority. May be called more than once. On Android the system takes such authorities from the app's network
    /// security configuration alone, and the builder says so.
    pub fn extra_root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_roots.push(pem.into());
        self
    }

    /// Pins keys: beside what the system demands of a certificate, one of these has to be the server's own, or that of an
    /// authority that the server sends along and that signed its certificate. Any other ends a call with `Tls`, which is
    /// not retryable; so does a proxy that looks into TLS.
    ///
    /// Each is `sha256/` and the digest of the key (SubjectPublicKeyInfo) in base64, as RFC 7469 writes it:
    ///
    /// ```sh
    /// openssl x509 -in server.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
    /// ```
    ///
    /// At least two are needed: when the one key is lost or must go, an app that is out there needs the other, which is
    /// kept apart from it and has never been used.
    ///
    /// ```
    /// # use market_sdk::{MarketClient, MemoryStore};
    /// let market = MarketClient::builder("https://api.example.com/api/v1")
    ///     .app_id("com.example.shop")
    ///     .store(MemoryStore::default())
    ///     .pinned_keys([
    ///         "sha256/r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E=", // in use
    ///         "sha256/YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=", // for the day when that must go
    ///     ])
    ///     .build()?;
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn pinned_keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.pinned_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Put in front of the SDK's own name in `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Allows `http://` for a server on this very machine (`localhost`, 127.0.0.0/8, `[::1]`), as in tests. Any
    /// other server needs https.
    pub fn allow_http_loopback(mut self) -> Self {
        self.allow_http_loopback = true;
        self
    }

    /// How long after an order was sent it may still turn up though its answer was lost; 15 minutes by default, and
    /// never less than a call may take. Only when an order is not in the server's list after this time, by the
    /// server's clock, does [`OrdersApi::resolve`](crate::OrdersApi::resolve) say that it was not placed.
    pub fn order_settle_time(mut self, time: Duration) -> Self {
        self.order_settle = time;
        self
    }

    /// A file that goes when the app is uninstalled and is in no backup, by which a session of an earlier installation
    /// is told apart; none by default. iOS keeps keychain items after the app is gone, and a backup may bring entries
    /// back without their keys: with a marker the next start is signed out
    /// ([`NoSession`](crate::SignedOutReason::NoSession)), and what was left is erased. It holds a random number and
    /// nothing secret, and is made with its folder at the first start. One that cannot be read, as before the first
    /// unlock of a device, ends no session. A session that was stored without a marker is taken as this
    /// installation's. Programs that share a store, as an app and its extension can, need one file for both: with two, each
    /// takes the other's session for left behind. What is known of an order whose outcome is unknown stays: it keeps the order from being doubled.
    ///
    /// ```
    /// # use market_sdk::{MarketClient, MemoryStore};
    /// # let app_support = std::env::temp_dir();
    /// let market = MarketClient::builder("https://api.example.com/api/v1")
    ///     .app_id("com.example.shop")
    /// #    .store(MemoryStore::default())
    ///     .install_marker(app_support.join("com.example.shop.install"))
    ///     .build()?;
    /// # std::fs::remove_file(app_support.join("com.example.shop.install")).ok();
    /// # Ok::<(), market_sdk::Error>(())
    /// ```
    pub fn install_marker(mut self, file: impl Into<PathBuf>) -> Self {
        self.install_marker = Some(file.into());
        self
    }

    /// Builds the client, which begins to read the store at once. It needs no runtime and waits for nothing.
    ///
    /// # Errors
    /// `Config` if something is missing or makes no sense; `StoreUnavailable` if the store's thread cannot be
    /// started.
    pub fn build(self) -> Result<MarketClient> {
        self.build_on(Outside::real)
    }

    /// The same on an outside that need not be the network and this machine.
    pub(crate) fn build_on(self, outside: impl FnOnce(Asked) -> Outside) -> Result<MarketClient> {
        let base = base_url(&self.base_url, self.allow_http_loopback)?;
        let app_id = self.app_id.filter(|id| !id.trim().is_empty());
        let app_id = app_id.ok_or_else(|| Error::config("An app id is needed, such as com.example.shop."))?;
        if app_id.len() > 200 || app_id.chars().any(char::is_control) {
            return Err(Error::config("The app_id is too long or has control characters."));
        }
        if self.market.as_ref().is_some_and(|market| !market.can_be_sent()) {
            return Err(Error::config("A market's code is made of letters and digits."));
        }
        let timeouts = [self.connect_timeout, self.timeout, self.store_timeout];
        if timeouts.iter().any(|timeout| timeout.is_zero() || *timeout > MOST_TIMEOUT) {
            return Err(Error::config("A timeout must be longer than zero and at most an hour."));
        }
        if self.order_settle.is_zero() || self.order_settle > MOST_SETTLE {
            return Err(Error::config(
                "The time for an order to settle must be longer than zero and at most a day.",
            ));
        }
        if self.body_limit == 0 {
            return Err(Error::config("The body limit must be longer than zero."));
        }
        if let Some(park) = self.park
            && (park.limit == 0
                || park.limit > MOST_PARKED
                || park.patience.is_zero()
                || park.patience > MOST_PATIENCE)
        {
            return Err(Error::config(
                "From 1 to 1000 calls may wait, each longer than zero and at most 24 hours.",
            ));
        }
        if self.install_marker.as_ref().is_some_and(|file| !file.is_absolute()) {
            return Err(Error::config("The install marker's path must be absolute."));
        }
        if self.expiring_soon.is_zero() {
            return Err(Error::config("The time before a session's end must be longer than zero."));
        }
        let own = concat!("market-sdk/", env!("CARGO_PKG_VERSION"));
        let user_agent = self.user_agent.map_or_else(|| own.to_owned(), |app| format!("{app} {own}"));
        if http::HeaderValue::from_str(&user_agent).is_err() {
            return Err(Error::config("The user agent has characters that a header cannot hold."));
        }
        let asked = Asked {
            settings: Settings {
                user_agent,
                connect_timeout: self.connect_timeout,
                body_limit: self.body_limit,
                host: host(&base)?,
                extra_roots: roots(&self.extra_roots)?,
                pins: pins(&self.pinned_keys, &base)?,
                https: base.scheme() == "https",
            },
            app_id,
            base: base.clone(),
            store: self.store,
        };
        let Outside { transport, entries, clock, timers } = outside(asked);
        let entry = entries.open("").map_err(|error| match error {
            StoreError::Locked => Error::new(ErrorCode::StoreLocked),
            StoreError::Unavailable(why) => Error::new(ErrorCode::StoreUnavailable).detail_is(why),
        })?;
        let journal = Journal::new(entries, self.store_timeout, self.order_settle.max(self.timeout));
        let random = Arc::new(SystemRandom::new()?);
        let parts = Parts {
            entry,
            clock,
            timers,
            marker: self.install_marker.map(|file| InstallMarker::new(file, random.bits())),
            random,
            store_timeout: self.store_timeout,
            park: self.park,
            soon: self.expiring_soon,
        };
        Ok(MarketClient::assemble(transport, parts, base, self.timeout, self.market, journal))
    }
}

impl fmt::Debug for MarketClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarketClientBuilder").finish_non_exhaustive()
    }
}

const MOST_TIMEOUT: Duration = Duration::from_secs(60 * 60);
const MOST_PARKED: usize = 1000;
const MOST_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
const MOST_SETTLE: Duration = Duration::from_secs(24 * 60 * 60);

fn base_url(text: &str, allow_http_loopback: bool) -> Result<Url> {
    let mut url = Url::parse(text.trim()).map_err(|_| Error::config("The base URL is not a URL."))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => return Err(Error::config("The base URL has no host.")),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback && allow_http_loopback => {}
        "http" if loopback => {
            return Err(Error::config(
                "http has to be allowed, and is for tests on this very machine: other servers need https.",
            ));
        }
        "http" => {
            let why = "http is allowed for this very machine only (localhost, 127.0.0.0/8, [::1]); other servers need https.";
            return Err(Error::config(why));
        }
        _ => return Err(Error::config("The base URL must start with https://.")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::config("The base URL must not hold a user or a password."));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::config("The base URL must not have a query or a fragment."));
    }
    // One spelling for one server, since it is part of the stored session's name.
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The port is left out where it is the scheme's own.
pub(crate) fn host(base: &Url) -> Result<http::HeaderValue> {
    let name = base.host_str().unwrap_or_default();
    let host = base.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
    http::HeaderValue::from_str(&host).map_err(|_| Error::config("The base URL's host cannot be named."))
}

fn pins(keys: &[String], base: &Url) -> Result<Pins> {
    let mut pins = Pins::default();
    if !keys.iter().all(|key| pins.add(key)) {
        return Err(Error::config("A pinned key is sha256/ and 32 bytes in base64."));
    }
    if pins.len() == 1 {
        return Err(Error::config(
            "One pinned key alone locks the app out on the day it must go: pin a backup too.",
        ));
    }
    if pins.len() > 0 && base.scheme() != "https" {
        return Err(Error::config("Keys can be pinned only for a server that is reached over https."));
    }
    Ok(pins)
}

fn roots(pems: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>> {
    if cfg!(target_os = "android") && !pems.is_empty() {
        return Err(Error::config(
            "On Android, the app's network security configuration says which further roots are trusted.",
        ));
    }
    let mut roots = Vec::new();
    for pem in pems {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|_| Error::config("An extra root certificate is not PEM."))?;
            // The verifier is built with the first request, and would refuse it only then.
            rustls::RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|_| Error::config("An extra root certificate cannot be read."))?;
            roots.push(certificate);
        }
        if roots.len() == before {
            return Err(Error::config("The extra root certificates hold no certificate."));
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    const KEYS: [&str; 2] = [
        "sha256/r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E=",
        "sha256/YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=",
    ];

    fn build(base_url: &str) -> Result<MarketClient> {
        MarketClient::builder(base_url).app_id("test").store(MemoryStore::default()).build()
    }

    #[test]
    fn p1_a_base_url_must_be_https_or_loopback_where_allowed() {
        for url in ["https://shop.example", "https://shop.example:8443/api/v1/", "https://[::1]/"] {
            assert!(build(url).is_ok(), "{url}");
        }
        for url in [
            "http://shop.example",
            "http://127.0.0.1:80",
            "ftp://shop.example",
            "shop.example",
            "",
            "https://",
            "data:x",
            "https://u:p@shop.example",
            "https://shop.example?x=1",
            "https://shop.example#x",
        ] {
            assert_eq!(build(url).unwrap_err().code(), ErrorCode::Config, "{url}");
        }
        let allowed = |url: &str| {
            MarketClient::builder(url)
                .app_id("test")
                .store(MemoryStore::default())
                .allow_http_loopback()
                .build()
                .is_ok()
        };
        for url in ["http://localhost:1", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1"] {
            assert!(allowed(url), "{url}");
        }
        for url in [
            "http://shop.example",
            "http://127.0.0.1.shop.example",
            "http://10.0.0.1",
            "http://localhost.shop.example",
        ] {
            assert!(!allowed(url), "{url}");
        }
    }

    #[test]
    fn bad_configuration_is_an_error_when_the_client_is_built() {
        let builder =
            || MarketClient::builder("https://shop.example").app_id("test").store(MemoryStore::default());
        let builders = [
            MarketClient::builder("https://shop.example").store(MemoryStore::default()),
            builder().app_id(" "),
            builder().app_id("a\nb"),
            builder().timeout(Duration::ZERO),
            builder().connect_timeout(Duration::MAX),
            builder().store_timeout(Duration::ZERO),
            builder().order_settle_time(Duration::ZERO),
            builder().order_settle_time(Duration::MAX),
            builder().body_limit(0),
            builder().park_on_expiry(0, Duration::from_secs(60)),
            builder().park_on_expiry(1001, Duration::from_secs(60)),
            builder().park_on_expiry(1, Duration::ZERO),
            builder().park_on_expiry(1, Duration::MAX),
            builder().expiring_soon(Duration::ZERO),
            builder().install_marker("app.install"),
            builder().pinned_keys(["sha256/AAAA", KEYS[1]]),
            builder().pinned_keys([KEYS[0]]),
            builder().pinned_keys([KEYS[0], KEYS[0]]),
            MarketClient::builder("http://localhost:1")
                .app_id("test")
                .store(MemoryStore::default())
                .allow_http_loopback()
                .pinned_keys(KEYS),
            builder().user_agent("a\nb"),
            builder().market(Market::new("")),
            builder().market(Market::new("u s")),
            builder().extra_root_certificates(""),
            builder()
                .extra_root_certificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ];
        for (at, builder) in builders.into_iter().enumerate() {
            assert_eq!(builder.build().unwrap_err().code(), ErrorCode::Config, "{at}");
        }
    }

    #[test]
    fn a_server_is_named_with_its_port_unless_that_is_the_schemes_own() {
        let named = |url: &str| host(&base_url(url, true).unwrap()).unwrap();
        assert_eq!(named("https://shop.example:443/api"), "shop.example");
        assert_eq!(named("https://shop.example:8443/api"), "shop.example:8443");
        assert_eq!(named("http://[::1]:80"), "[::1]");
        assert_eq!(named("http://[::1]:8080"), "[::1]:8080");
    }

    #[test]
    fn one_server_has_one_spelling() {
        for url in [
            "https://Shop.Example/api/v1",
            "https://shop.example:443/api/v1/",
            " https://shop.example/api/v1// ",
        ] {
            assert_eq!(base_url(url, false).unwrap().as_str(), "https://shop.example/api/v1", "{url}");
        }
        assert_eq!(base_url("https://shop.example", false).unwrap().as_str(), "https://shop.example/");
    }
}
