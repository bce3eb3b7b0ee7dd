//! Saying that a session will end soon, once for each session and listener.
//!
//! Refreshing is impossible, so an app has its user sign in before what must not be cut short. As the end itself it
//! goes by monotonic time since the sign-in, and is found by whoever looks first: a timer, a call, or the app coming
//! back.

use std::time::Duration;

use super::listeners::{self, Listeners};
use super::machine::{Generation, State};
use super::{Inner, Keeper, Live, upgraded};
use crate::error::{Error, ErrorCode, Result};
use crate::model::ExpiringSoon;

#[derive(Default)]
pub(super) struct Soon {
    listeners: Listeners<ExpiringSoon>,
    /// The last session that it was said of.
    said: Option<Generation>,
}

impl Live {
    /// How long it lasts from `now`, if its end is known.
    fn left(&self, now: Duration) -> Option<Duration> {
        self.ends.map(|ends| ends.saturating_sub(now))
    }

    /// How long before its end that is said. Never while the first half of it lasts: a server whose sessions are
    /// short would have every user sign in again and again.
    fn margin(&self, margin: Duration) -> Duration {
        self.record.lifetime.map_or(margin, |lifetime| margin.min(lifetime / 2))
    }

    fn ends_soon(&self, now: Duration, margin: Duration) -> Option<ExpiringSoon> {
        let left = self.left(now).filter(|left| *left <= self.margin(margin))?;
        Some(ExpiringSoon { user: self.record.user.clone(), left })
    }
}

impl Keeper {
    pub(crate) fn on_expiring_soon(&self, listener: impl Fn(ExpiringSoon) + Send + 'static) -> u64 {
        let listener = listeners::start(listener);
        let mut inner = self.lock();
        self.check_expiry(&mut inner);
        // A session that was restored may have been said to end before the app could ask to be told.
        if inner.soon.said == Some(inner.machine.generation())
            && let Some(soon) = self.ends_soon(&inner)
            && let Some(listener) = &listener
        {
            let told = listeners::tell([listener], &soon);
            inner.told(told);
        }
        inner.soon.listeners.add(listener)
    }

    /// Without a thread in between: what was said is there at once.
    #[cfg(test)]
    pub(crate) fn tell_soon(&self, listener: std::sync::mpsc::Sender<ExpiringSoon>) {
        let ear: listeners::Ear<ExpiringSoon> =
            Box::new(move |soon, _| listener.send(soon).unwrap_or_default());
        self.lock().soon.listeners.add(Some(ear));
    }

    pub(crate) fn remove_soon_listener(&self, id: u64) {
        self.lock().soon.listeners.remove(id);
    }

    /// Asked after it was looked whether the session has ended.
    fn ends_soon(&self, inner: &Inner) -> Option<ExpiringSoon> {
        let State::SignedIn { session, .. } = inner.machine.state() else { return None };
        session.ends_soon(self.clock().monotonic(), self.0.parts.soon)
    }

    pub(super) fn check_soon(&self, inner: &mut Inner) {
        let generation = inner.machine.generation();
        if inner.soon.said != Some(generation)
            && let Some(soon) = self.ends_soon(inner)
        {
            inner.soon.said = Some(generation);
            let told = inner.soon.listeners.tell(&soon);
            inner.told(told);
        }
    }

    pub(super) fn start_soon_timer(&self, inner: &Inner) {
        let State::SignedIn { session, .. } = inner.machine.state() else { return };
        let Some(left) = session.left(self.clock().monotonic()) else { return };
        let keeper = std::sync::Arc::downgrade(&self.0);
        let generation = inner.machine.generation();
        let up = move || {
            upgraded(&keeper, |keeper| {
                let mut inner = keeper.lock();
                // Whichever session it finds is looked at, so that a timer of an older one is harmless.
                keeper.check_expiry(&mut inner);
                // Timers may go by another clock, as on Apple's systems, and come a moment too early.
                if inner.machine.generation() == generation && inner.soon.said != Some(generation) {
                    keeper.start_soon_timer(&inner);
                }
            });
        };
        let wait = left.saturating_sub(session.margin(self.0.parts.soon));
        self.0.parts.timers.after_if(wait, std::sync::Arc::downgrade(&inner.timed), Box::new(up));
    }

    /// Waits until it is known who is signed in, and says whether the session lasts for `least` from now.
    pub(crate) async fn require_validity(&self, least: Duration) -> Result<()> {
        self.restore().await?;
        let mut inner = self.lock();
        self.check_expiry(&mut inner);
        let session = match inner.machine.state() {
            State::SignedIn { session, .. } => session,
            State::Expired { .. } => return Err(Error::new(ErrorCode::SessionExpired)),
            _ => return Err(Error::new(ErrorCode::NotSignedIn)),
        };
        match session.left(self.clock().monotonic()) {
            Some(left) if left < least => {
                let detail = format!("the session lasts {} s more", left.as_secs());
                Err(Error::new(ErrorCode::SessionExpired).detail_is(detail))
            }
            _ => Ok(()),
        }
    }
}
