//! Telling the host that a session ended, or will soon.
//!
//! Each listener has a thread of its own: one that blocks, panics or calls back into the client holds up
//! nobody else, neither another listener nor the session. Signals wait in the listener's own queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::thread;

pub(crate) struct Listeners<T> {
    listening: Vec<(u64, Sender<T>)>,
    count: u64,
}

/// Starts a listener's thread. None if the system gives no thread.
pub(crate) fn start<T: Send + 'static>(listener: impl Fn(T) + Send + 'static) -> Option<Sender<T>> {
    let (sender, signals) = mpsc::channel::<T>();
    let deliver = move || {
        for signal in signals {
            if catch_unwind(AssertUnwindSafe(|| listener(signal))).is_err() {
                tracing::error!("a listener of the session panicked");
            }
        }
    };
    match thread::Builder::new().name("market-listener".to_owned()).spawn(deliver) {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::error!(%error, "no thread for a listener: it will not be told");
            None
        }
    }
}

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self { listening: Vec::new(), count: 0 }
    }
}

impl<T: Clone> Listeners<T> {
    pub(crate) fn add(&mut self, listener: Option<Sender<T>>) -> u64 {
        self.count += 1;
        self.listening.extend(listener.map(|listener| (self.count, listener)));
        self.count
    }

    /// What was signalled before is still delivered.
    pub(crate) fn remove(&mut self, id: u64) {
        self.listening.retain(|(listener, _)| *listener != id);
    }

    /// Never waits.
    pub(crate) fn tell(&self, signal: &T) {
        for (_, listener) in &self.listening {
            // A receiver that is gone has a thread that is gone: nobody to tell.
            let _ = listener.send(signal.clone());
        }
    }
}
