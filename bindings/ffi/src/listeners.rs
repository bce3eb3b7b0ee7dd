//! What a host can be told: the states of the session, and that it ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tokio::sync::Notify;

use crate::error::{MarketError, Result};
use crate::model::{SessionEnd, SessionState};
use crate::runtime;

/// Told of the session's states.
#[uniffi::export(with_foreign)]
pub trait SessionListener: Send + Sync {
    /// Called with the present state, and then with each that comes; who is slow sees the latest. It has a thread
    /// of its own: it may block, throw, or call the SDK, and holds up nobody.
    fn changed(&self, state: SessionState) -> Result<(), ListenerError>;
}

/// Told that a session ended.
#[uniffi::export(with_foreign)]
pub trait SessionEndListener: Send + Sync {
    /// Called once for every session that ends. It has a thread of its own: it may block, throw, or call the SDK,
    /// and holds up nobody.
    fn ended(&self, end: SessionEnd) -> Result<(), ListenerError>;
}

/// What becomes of a listener that throws: it is noted in the log.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// It threw.
    #[error("{reason}")]
    Failed {
        /// What the host says of it.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

/// A listener that was added. It stays until it is cancelled or the client is gone; dropping this changes nothing.
#[derive(uniffi::Object)]
pub struct Subscription(Kind);

enum Kind {
    States(Arc<Notify>),
    Ends(market_sdk::EndListener),
}

#[uniffi::export]
impl Subscription {
    /// Takes the listener away. What it was being told is still delivered.
    pub fn cancel(&self) {
        match &self.0 {
            // One permit is kept, should the thread not be waiting just now.
            Kind::States(stop) => stop.notify_one(),
            Kind::Ends(listener) => listener.remove(),
        }
    }
}

pub(crate) fn on_states(
    mut states: market_sdk::SessionStates,
    listener: Arc<dyn SessionListener>,
) -> Result<Arc<Subscription>> {
    let runtime = runtime::handle()?;
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    let deliver = move || {
        // The host is called outside the runtime, and so may do there what it likes.
        while let Some(state) = runtime.block_on(async {
            tokio::select! {
                biased;
                () = stopped.notified() => None,
                state = states.next() => state,
            }
        }) {
            survive("states", || listener.changed(state.into()));
        }
    };
    // The stream does not hold the client: it ends, and the thread with it, when the client is gone.
    let started = thread::Builder::new().name("market-states".to_owned()).spawn(deliver);
    started.map_err(|_| MarketError::internal("the system gives no thread for a listener"))?;
    Ok(Arc::new(Subscription(Kind::States(stop))))
}

pub(crate) fn on_end(
    session: &market_sdk::SessionApi,
    listener: Arc<dyn SessionEndListener>,
) -> Arc<Subscription> {
    let added = session.on_end(move |end| survive("end", || listener.ended(end.into())));
    Arc::new(Subscription(Kind::Ends(added)))
}

/// Calls the host. What it throws is its own, perhaps personal: that it threw is all that is logged.
fn survive(what: &'static str, call: impl FnOnce() -> Result<(), ListenerError>) {
    if !matches!(catch_unwind(AssertUnwindSafe(call)), Ok(Ok(()))) {
        tracing::error!(what, "a listener threw");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::client::{ClientConfig, MarketCore, SessionStore};

    struct Throws(Sender<SessionState>);

    impl SessionListener for Throws {
        fn changed(&self, state: SessionState) -> Result<(), ListenerError> {
            self.0.send(state).unwrap();
            panic!("on purpose")
        }
    }

    fn client() -> MarketCore {
        MarketCore::new(ClientConfig {
            base_url: "https://shop.example".to_owned(),
            app_id: "test".to_owned(),
            market: None,
            store: Some(SessionStore::Memory),
            connect_timeout: None,
            timeout: None,
            store_timeout: None,
            body_limit: None,
            extra_root_certificates: Vec::new(),
            user_agent: None,
            allow_http_loopback: false,
        })
        .unwrap()
    }

    /// Reads until the sender is gone, which is when the thread has let go of the listener.
    fn ends(told: &std::sync::mpsc::Receiver<SessionState>) -> bool {
        std::iter::from_fn(|| match told.recv_timeout(Duration::from_secs(5)) {
            Ok(_) => Some(false),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Some(true),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => None,
        })
        .any(|ended| ended)
    }

    #[test]
    fn a_listener_that_panics_is_told_all_the_same_until_the_client_is_gone() {
        let market = client();
        let (tell, told) = channel();
        let _subscription = market.session().observe(Arc::new(Throws(tell))).unwrap();
        let signed_out = || {
            std::iter::from_fn(|| told.recv_timeout(Duration::from_secs(5)).ok())
                .any(|state| matches!(state, SessionState::SignedOut { .. }))
        };
        assert!(signed_out());
        drop(market);
        assert!(ends(&told));
    }

    #[test]
    fn a_cancelled_subscription_lets_go_of_its_listener() {
        let market = client();
        let (tell, told) = channel();
        market.session().observe(Arc::new(Throws(tell))).unwrap().cancel();
        assert!(ends(&told));
    }
}
