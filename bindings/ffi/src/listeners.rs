//! What a host can be told: the states of the session, that it ended or will soon, and the cart.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tokio::sync::Notify;

use crate::error::{MarketError, Result};
use crate::model::{Cart, ExpiringSoon, SessionEnd, SessionState};
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

/// Told that a session will end soon.
#[uniffi::export(with_foreign)]
pub trait ExpiringSoonListener: Send + Sync {
    /// Called once for every session that will end soon. It has a thread of its own: it may block, throw, or call the
    /// SDK, and holds up nobody.
    fn expires_soon(&self, soon: ExpiringSoon) -> Result<(), ListenerError>;
}

/// Told of the cart.
#[uniffi::export(with_foreign)]
pub trait CartListener: Send + Sync {
    /// Called with the present cart, and then with each that comes; who is slow sees the latest. There is none when
    /// nobody is signed in, when another user is, and until a call has read it. It has a thread of its own: it may
    /// block, throw, or call the SDK, and holds up nobody.
    fn changed(&self, cart: Option<Cart>) -> Result<(), ListenerError>;
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
    Following(Arc<Notify>),
    Ends(market_sdk::EndListener),
    Soon(market_sdk::ExpiringSoonListener),
}

#[uniffi::export]
impl Subscription {
    /// Takes the listener away. What it was being told is still delivered.
    pub fn cancel(&self) {
        match &self.0 {
            // One permit is kept, should the thread not be waiting just now.
            Kind::Following(stop) => stop.notify_one(),
            Kind::Ends(listener) => listener.remove(),
            Kind::Soon(listener) => listener.remove(),
        }
    }
}

pub(crate) fn on_states(
    mut states: market_sdk::SessionStates,
    listener: Arc<dyn SessionListener>,
) -> Result<Arc<Subscription>> {
    follow("states", async move || states.next().await, move |state| listener.changed(state.into()))
}

pub(crate) fn on_carts(
    mut carts: market_sdk::Carts,
    listener: Arc<dyn CartListener>,
) -> Result<Arc<Subscription>> {
    follow("carts", async move || carts.next().await, move |cart| listener.changed(cart.map(Into::into)))
}

/// Tells the host of all that comes, from a thread of its own. What is followed does not hold the client: it ends,
/// and the thread with it, when the client is gone.
fn follow<T>(
    what: &'static str,
    mut next: impl AsyncFnMut() -> Option<T> + Send + 'static,
    tell: impl Fn(T) -> Result<(), ListenerError> + Send + 'static,
) -> Result<Arc<Subscription>> {
    let runtime = runtime::handle()?;
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    let deliver = move || {
        // The host is called outside the runtime, and so may do there what it likes.
        while let Some(news) = runtime.block_on(async {
            tokio::select! {
                biased;
                () = stopped.notified() => None,
                news = next() => news,
            }
        }) {
            survive(what, || tell(news));
        }
    };
    let started = thread::Builder::new().name(format!("market-{what}")).spawn(deliver);
    started.map_err(|_| MarketError::internal("the system gives no thread for a listener"))?;
    Ok(Arc::new(Subscription(Kind::Following(stop))))
}

pub(crate) fn on_end(
    session: &market_sdk::SessionApi,
    listener: Arc<dyn SessionEndListener>,
) -> Arc<Subscription> {
    let added = session.on_end(move |end| survive("end", || listener.ended(end.into())));
    Arc::new(Subscription(Kind::Ends(added)))
}

pub(crate) fn on_expiring_soon(
    session: &market_sdk::SessionApi,
    listener: Arc<dyn ExpiringSoonListener>,
) -> Arc<Subscription> {
    let added =
        session.on_expiring_soon(move |soon| survive("expiring soon", || listener.expires_soon(soon.into())));
    Arc::new(Subscription(Kind::Soon(added)))
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
    use crate::client::tests::client;

    struct Throws(Sender<SessionState>);

    impl SessionListener for Throws {
        fn changed(&self, state: SessionState) -> Result<(), ListenerError> {
            self.0.send(state).unwrap();
            panic!("on purpose")
        }
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
