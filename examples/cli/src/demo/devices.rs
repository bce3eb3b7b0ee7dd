//! What Ann holds in her hands: devices with a store each, and the app's login screen.

use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use market_sdk::{EndListener, EndReason, MarketClient, MarketClientBuilder, SessionApi};

use super::server::Server;

#[cfg(unix)]
type Store = market_sdk::FileStore;
#[cfg(not(unix))]
type Store = market_sdk::MemoryStore;

/// A device on which the app can be opened and closed.
pub(crate) struct Device {
    store: Store,
    url: String,
}

impl Device {
    #[cfg(unix)]
    pub(crate) const STORE: &'static str = "a file in a temporary folder";
    #[cfg(not(unix))]
    pub(crate) const STORE: &'static str = "memory that outlives the app";

    /// A device whose store is empty.
    pub(crate) fn new(folder: &Path, name: &str, server: &Server) -> Self {
        #[cfg(unix)]
        let store = Store::new(folder.join(name));
        #[cfg(not(unix))]
        let store = {
            let _ = (folder, name);
            Store::default()
        };
        Self { store, url: server.url.clone() }
    }

    /// Opens the app: a new client on the device's store.
    pub(crate) fn open(&self) -> market_sdk::Result<MarketClient> {
        self.builder().build()
    }

    /// Opens the app as one whose taps wait for an expired session's user.
    pub(crate) fn open_parking(&self) -> market_sdk::Result<MarketClient> {
        self.builder().park_on_expiry(10, Duration::from_secs(10 * 60)).build()
    }

    fn builder(&self) -> MarketClientBuilder {
        MarketClient::builder(&self.url)
            .app_id("dev.marketsdk.demo")
            .store(self.store.clone())
            .allow_http_loopback()
    }
}

/// The app's login screen, which comes up whenever a session ends.
pub(crate) struct LoginScreen {
    listener: EndListener,
    calls: Receiver<EndReason>,
}

impl LoginScreen {
    pub(crate) fn watch(session: &SessionApi) -> Self {
        let (call, calls) = mpsc::channel();
        let listener = session.on_end(move |end| {
            let _ = call.send(end.reason);
        });
        Self { listener, calls }
    }

    /// Why it was called for, each time. Nobody waits here for a signal that might still come: once the listener
    /// is taken away, all that was signalled before is delivered, and then the channel ends.
    pub(crate) fn shown(self) -> Vec<EndReason> {
        self.listener.remove();
        self.calls.iter().collect()
    }
}
