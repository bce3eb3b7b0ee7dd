//! The client, from a record of what it needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{CartApi, OrdersApi, SessionApi, WishlistApi};
use crate::error::{MarketError, Result};
use crate::model::{Market, RawRequest, RawResponse};
use crate::store::{HostStore, SecureStore, StoreError};
use crate::{installed, runtime};

/// What a client is built from.
#[derive(Clone, uniffi::Record)]
pub struct ClientConfig {
    /// The server: `https://host`, with a port and a path prefix if there are any.
    pub base_url: String,
    /// The app's own name, such as `com.example.shop`. Together with the base URL it names the stored session.
    pub app_id: String,
    /// The one market that the app serves. Without it the market follows from the user's phone number; with it,
    /// phone numbers of other markets are refused.
    #[uniffi(default = None)]
    pub market: Option<Market>,
    /// Where the session is stored; the operating system's own store if nothing is said.
    #[uniffi(default = None)]
    pub store: Option<SessionStore>,
    /// How long a connection may take to be made; 10 s if nothing is said.
    #[uniffi(default = None)]
    pub connect_timeout: Option<Duration>,
    /// How long a whole call may take, waits and attempts included; 30 s if nothing is said.
    #[uniffi(default = None)]
    pub timeout: Option<Duration>,
    /// How long the store may take for one operation before it counts as locked; 5 s if nothing is said.
    #[uniffi(default = None)]
    pub store_timeout: Option<Duration>,
    /// Lets calls that are stopped by an expired session wait for its user to sign in again. None waits if nothing is
    /// said.
    #[uniffi(default = None)]
    pub park_on_expiry: Option<ParkOnExpiry>,
    /// How long before a session's end that is said; 5 minutes if nothing is said, and never before half of the session
    /// is over.
    #[uniffi(default = None)]
    pub expiring_soon: Option<Duration>,
    /// The longest response body that is read, in bytes; 8 MiB if nothing is said.
    #[uniffi(default = None)]
    pub body_limit: Option<i64>,
    /// PEM texts of certificates that are trusted as roots, beside those that the system trusts. On Android they go into
    /// the app's network security configuration instead, and are refused here.
    #[uniffi(default = [])]
    pub extra_root_certificates: Vec<String>,
    /// Keys of which one has to vouch for the server's certificate, beside what the system demands: each `sha256/` and the
    /// digest of a key (SubjectPublicKeyInfo) in base64. None, or at least two, one of them a backup.
    #[uniffi(default = [])]
    pub pinned_keys: Vec<String>,
    /// Put in front of the SDK's own name in `User-Agent`.
    #[uniffi(default = None)]
    pub user_agent: Option<String>,
    /// Allows `http://` for a server on this very machine, as in tests.
    #[uniffi(default = false)]
    pub allow_http_loopback: bool,
    /// How long after an order was sent it may still turn up though its answer was lost; 15 minutes if nothing is
    /// said, and never less than a call may take.
    #[uniffi(default = None)]
    pub order_settle_time: Option<Duration>,
    /// A file that goes when the app is uninstalled, by which a session of an earlier installation is told apart; its path
    /// is absolute. If nothing is said, with the system's own store: on Android one in the app's folder without backup, on
    /// iOS one in the app's Application Support; none elsewhere. An app and its extension that share a keychain need one
    /// file that both reach, as in an app group's folder.
    #[uniffi(default = None)]
    pub install_marker: Option<String>,
}

/// How calls wait for the user of an expired session. When that user signs in they go on in the order in which they were
/// made, each with its whole time. Another user's sign-in and a logout end them with `SignedOut`. What waits has
/// certainly done nothing before, and is not stored.
#[derive(Clone, Copy, uniffi::Record)]
pub struct ParkOnExpiry {
    /// How many calls wait at most, 1 to 1,000. The one after that ends with `SessionExpired` at once.
    pub limit: i32,
    /// How long each waits, up to 24 hours. Then it ends with `SessionExpired`.
    pub patience: Duration,
}

/// Where a session is stored.
#[derive(Clone, uniffi::Enum)]
pub enum SessionStore {
    /// The operating system's own secure store.
    Keyring,
    /// Nowhere: the session ends with the process.
    Memory,
    /// A file that only its owner can read, in this folder. On Unix alone, for servers and tests.
    File {
        /// The folder.
        folder: String,
    },
    /// A store of the host's own.
    Host {
        /// The store.
        store: Arc<dyn SecureStore>,
    },
}

/// A client of one market server, and the session of the one user who can be signed in on it. Each language's own
/// `MarketClient` holds one.
#[derive(uniffi::Object)]
pub struct MarketCore {
    core: market_sdk::MarketClient,
    session: Arc<SessionApi>,
    cart: Arc<CartApi>,
    wishlist: Arc<WishlistApi>,
    orders: Arc<OrdersApi>,
}

#[uniffi::export]
impl MarketCore {
    /// Builds a client, which begins to read the store at once. It waits for nothing.
    #[uniffi::constructor]
    pub fn new(config: ClientConfig) -> Result<Self> {
        let in_keyring = matches!(config.store, None | Some(SessionStore::Keyring));
        let by_default = || installed::marker(&config.app_id).filter(|_| in_keyring);
        let install_marker = config.install_marker.map(PathBuf::from).or_else(by_default);
        let mut builder = market_sdk::MarketClient::builder(config.base_url).app_id(config.app_id);
        if let Some(market) = config.market {
            builder = builder.market(market.into());
        }
        builder = match config.store {
            None | Some(SessionStore::Keyring) => builder,
            Some(SessionStore::Memory) => builder.store(market_sdk::MemoryStore::default()),
            Some(SessionStore::File { folder }) => in_file(builder, folder)?,
            Some(SessionStore::Host { store }) => {
                let unnamed =
                    |error: StoreError| MarketError::config(&format!("The store has no name: {error}."));
                builder.store(HostStore::new(store).map_err(unnamed)?)
            }
        };
        if let Some(timeout) = config.connect_timeout {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(timeout) = config.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(timeout) = config.store_timeout {
            builder = builder.store_timeout(timeout);
        }
        if let Some(park) = config.park_on_expiry {
            builder = builder.park_on_expiry(usize::try_from(park.limit).unwrap_or(0), park.patience);
        }
        if let Some(margin) = config.expiring_soon {
            builder = builder.expiring_soon(margin);
        }
        if let Some(limit) = config.body_limit {
            builder = builder.body_limit(usize::try_from(limit).unwrap_or(0));
        }
        for pem in config.extra_root_certificates {
            builder = builder.extra_root_certificates(pem);
        }
        builder = builder.pinned_keys(config.pinned_keys);
        if let Some(user_agent) = config.user_agent {
            builder = builder.user_agent(user_agent);
        }
        if config.allow_http_loopback {
            builder = builder.allow_http_loopback();
        }
        if let Some(time) = config.order_settle_time {
            builder = builder.order_settle_time(time);
        }
        if let Some(file) = install_marker {
            builder = builder.install_marker(file);
        }
        let core = builder.build()?;
        Ok(Self {
            session: Arc::new(SessionApi { core: core.session() }),
            cart: Arc::new(CartApi { core: core.cart() }),
            wishlist: Arc::new(WishlistApi { core: core.wishlist() }),
            orders: Arc::new(OrdersApi { core: core.orders() }),
            core,
        })
    }

    /// The session: signing in and out, the state, the profile.
    pub fn session(&self) -> Arc<SessionApi> {
        self.session.clone()
    }

    /// The cart.
    pub fn cart(&self) -> Arc<CartApi> {
        self.cart.clone()
    }

    /// The wishlist.
    pub fn wishlist(&self) -> Arc<WishlistApi> {
        self.wishlist.clone()
    }

    /// The orders.
    pub fn orders(&self) -> Arc<OrdersApi> {
        self.orders.clone()
    }

    /// Makes a request to a route that the SDK has no typed call for, through the same door as all others: with
    /// the token, the market, the deadline, retries and errors, and to the client's own server only.
    pub async fn request(&self, request: RawRequest) -> Result<RawResponse> {
        let response: market_sdk::RawResponse = runtime::run(self.core.request(request.into_core()?)).await?;
        RawResponse::from_core(&response)
    }
}

#[cfg(unix)]
fn in_file(
    builder: market_sdk::MarketClientBuilder,
    folder: String,
) -> Result<market_sdk::MarketClientBuilder> {
    if folder.is_empty() {
        return Err(MarketError::config("The file store needs a folder."));
    }
    Ok(builder.store(market_sdk::FileStore::new(folder)))
}

#[cfg(not(unix))]
fn in_file(_: market_sdk::MarketClientBuilder, _: String) -> Result<market_sdk::MarketClientBuilder> {
    Err(MarketError::config("There is no file store on this system."))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn client() -> MarketCore {
        MarketCore::new(ClientConfig {
            base_url: "https://shop.example".to_owned(),
            app_id: "test".to_owned(),
            market: None,
            store: Some(SessionStore::Memory),
            connect_timeout: None,
            timeout: None,
            store_timeout: None,
            park_on_expiry: None,
            expiring_soon: None,
            body_limit: None,
            extra_root_certificates: Vec::new(),
            pinned_keys: Vec::new(),
            user_agent: None,
            allow_http_loopback: false,
            order_settle_time: None,
            install_marker: None,
        })
        .unwrap()
    }
}
