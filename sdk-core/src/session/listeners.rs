//! Telling the host that a session ended, or will soon.
//!
//! Each listener has a thread of its own: one that blocks, panics or calls back into the client holds up
//! nobody else, neither another listener nor the session. Signals wait in the listener's own queue.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::{Inner, Keeper};
use crate::model::SessionEnd;

const THREAD: &str = "market-listener";
/// How long a listener is waited for at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes a signal to its listener, and never waits.
pub(crate) type Ear<T> = Box<dyn Fn(T, Unheard) + Send>;

/// Goes with a signal until its listener has heard it out.
pub(crate) type Unheard = Sender<Infallible>;

/// A signal that was given to listeners.
pub(crate) struct Told(Receiver<Infallible>);

pub(crate) struct Listeners<T> {
    listening: Vec<(u64, Ear<T>)>,
    count: u64,
}

/// Starts a listener's thread. None if the system gives no thread.
pub(crate) fn start<T: Send + 'static>(listener: impl Fn(T) + Send + 'static) -> Option<Ear<T>> {
    let (sender, signals) = mpsc::channel::<(T, Unheard)>();
    let deliver = move || {
        for (signal, _unheard) in signals {
            if catch_unwind(AssertUnwindSafe(|| listener(signal))).is_err() {
                tracing::error!("a listener of the session panicked");
            }
        }
    };
    match thread::Builder::new().name(THREAD.to_owned()).spawn(deliver) {
        Ok(_) => Some(Box::new(move |signal, unheard| {
            // A receiver that is gone has a thread that is gone: nobody to tell.
            let _ = sender.send((signal, unheard));
        })),
        Err(error) => {
            tracing::error!(%error, "no thread for a listener: it will not be told");
            None
        }
    }
}

pub(crate) fn tell<'a, T: Clone + 'a>(ears: impl IntoIterator<Item = &'a Ear<T>>, signal: &T) -> Told {
    let (unheard, told) = mpsc::channel();
    for ear in ears {
        ear(signal.clone(), unheard.clone());
    }
    Told(told)
}

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self { listening: Vec::new(), count: 0 }
    }
}

impl<T: Clone> Listeners<T> {
    pub(crate) fn add(&mut self, listener: Option<Ear<T>>) -> u64 {
        self.count += 1;
        self.listening.extend(listener.map(|listener| (self.count, listener)));
        self.count
    }

    /// What was signalled before is still delivered.
    pub(crate) fn remove(&mut self, id: u64) {
        self.listening.retain(|(listener, _)| *listener != id);
    }

    /// Never waits.
    pub(crate) fn tell(&self, signal: &T) -> Told {
        tell(self.listening.iter().map(|(_, ear)| ear), signal)
    }
}

impl Told {
    /// Returns when all listeners have heard it out. A listener itself does not wait, and one that never comes to its
    /// end is not waited for without end.
    pub(crate) fn wait(self) {
        self.wait_for(PATIENCE);
    }

    /// Whether they have.
    fn wait_for(self, patience: Duration) -> bool {
        // Nothing is ever sent: they have all heard it when the senders are gone.
        let heard = thread::current().name() == Some(THREAD)
            || self.0.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected);
        if !heard {
            tracing::warn!(
                "a listener is still at work after {patience:?}, and the test goes on without it: a listener must not wait \
                 for what the test does after the call, or advance, that has it told; let it pass on what it hears by a \
                 channel, and wait in the test"
            );
        }
        heard
    }
}

impl Inner {
    pub(super) fn told(&mut self, told: Told) {
        self.outbox.told.extend(self.patient.then_some(told));
    }
}

impl Keeper {
    pub(crate) fn on_end(&self, listener: impl Fn(SessionEnd) + Send + 'static) -> u64 {
        let listener = start(listener);
        self.lock().listeners.add(listener)
    }

    pub(crate) fn remove_listener(&self, id: u64) {
        self.lock().listeners.remove(id);
    }

    /// For tests: from now on, what has listeners told returns when they have heard it.
    #[cfg(feature = "test-kit")]
    pub(crate) fn wait_for_listeners(&self) {
        self.lock().patient = true;
    }

    /// Without a thread in between: what was signalled is there at once.
    #[cfg(test)]
    pub(crate) fn tell_ends(&self, listener: Sender<SessionEnd>) {
        let ear: Ear<SessionEnd> = Box::new(move |end, _| listener.send(end).unwrap_or_default());
        self.lock().listeners.add(Some(ear));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_waited_for_until_it_has_heard_or_patience_ends() {
        let (go_on, waits) = mpsc::channel::<()>();
        let ear = start(move |()| waits.recv().unwrap_or_default()).unwrap();
        assert!(!tell([&ear], &()).wait_for(Duration::from_millis(1)));
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
        assert!(tell([&ear], &()).wait_for(PATIENCE));
    }
}
