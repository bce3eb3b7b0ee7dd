//! The door that every attempt of a call goes through, and the permit it gets there.

use std::time::Duration;

use http::HeaderValue;

use super::Keeper;
use super::machine::{Door, Event, Generation, Lineage, LockedWhy};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Market, UserId};

/// How often a call that waits for a locked store has it read again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What comes of knocking at the door.
enum Knock {
    Permit(Permit),
    Wait,
    Refused(Error),
}

/// Leave to send one attempt of a call as the user who is signed in.
pub(crate) struct Permit {
    pub(crate) header: HeaderValue,
    pub(crate) user_id: UserId,
    pub(crate) market: Market,
    generation: Generation,
    lineage: Lineage,
    keeper: Keeper,
}

impl Keeper {
    /// The door: waits for a permit for one attempt of a call that the app made under `lineage`. It waits
    /// as long as the store is locked; the call's deadline bounds it.
    pub(crate) async fn acquire(&self, lineage: Lineage) -> Result<Permit> {
        let mut changes = self.0.changes.subscribe();
        let mut asked = None;
        loop {
            changes.mark_unchanged();
            match self.knock(lineage, &mut asked) {
                Knock::Permit(permit) => return Ok(permit),
                Knock::Refused(error) => return Err(error),
                Knock::Wait => {}
            }
            let mut again = tokio::time::interval(ASK_AGAIN);
            again.reset();
            loop {
                tokio::select! {
                    biased;
                    changed = changes.changed() => {
                        changed.map_err(|_| Error::new(ErrorCode::Cancelled))?;
                        if !self.waits(lineage) {
                            break;
                        }
                    }
                    // Nobody tells when a store is unlocked. But one that asks its user is asked once by a call:
                    // the user may have said no.
                    _ = again.tick() => if !self.lock().read_slowly {
                        break;
                    },
                }
            }
        }
    }

    /// A knock at the door: also a chance to erase what is owed, or to read a store that could not be read.
    fn knock(&self, lineage: Lineage, asked: &mut Option<u64>) -> Knock {
        let mut inner = self.lock();
        self.check_expiry(&mut inner);
        let asked = *asked.get_or_insert(inner.reads);
        let door = inner.machine.door(lineage);
        if matches!(door, Door::Wait(Some(LockedWhy::Unavailable))) && inner.reads > asked {
            return Knock::Refused(self.store_error(ErrorCode::StoreUnavailable));
        }
        self.step(&mut inner, Event::Nudge);
        let code = match door {
            Door::Permit(session, generation) => {
                *inner.permits.entry(generation).or_default() += 1;
                return Knock::Permit(Permit {
                    header: session.record.token.header(),
                    user_id: session.record.user.id,
                    market: session.record.user.market,
                    generation,
                    lineage,
                    keeper: self.clone(),
                });
            }
            Door::Wait(_) => return Knock::Wait,
            Door::NotSignedIn => ErrorCode::NotSignedIn,
            Door::SessionExpired => ErrorCode::SessionExpired,
            Door::SignedOut => ErrorCode::SignedOut,
        };
        Knock::Refused(Error::new(code))
    }

    /// Whether there is no use in knocking again yet.
    fn waits(&self, lineage: Lineage) -> bool {
        let inner = self.lock();
        match inner.machine.door(lineage) {
            Door::Wait(Some(LockedWhy::Unavailable)) => inner.machine.awaits_read(),
            Door::Wait(_) => true,
            _ => false,
        }
    }

    /// A call that carried this permit's token was answered 401.
    pub(crate) fn rejected(&self, permit: &Permit) {
        self.apply(Event::Unauthorized(permit.generation));
    }
}

impl Permit {
    /// Ends when a logout, or a sign-in as somebody else, takes the permit back: from then on nothing may be
    /// sent under it, and no answer to it is of use.
    pub(crate) async fn revoked(&self) {
        let mut lineages = self.keeper.0.lineages.subscribe();
        // An error means that the keeper is gone, which this permit holds.
        while self.keeper.lineage() == self.lineage && lineages.changed().await.is_ok() {}
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.keeper.lock();
        if let Some(count) = inner.permits.get_mut(&self.generation) {
            *count -= 1;
            if *count == 0 {
                inner.permits.remove(&self.generation);
            }
        }
        drop(inner);
        // Who waits has subscribed before it looked, under the mutex, for permits that are out: it has seen this one gone,
        // or it is counted here.
        if self.keeper.0.releases.receiver_count() > 0 {
            self.keeper.0.releases.send_replace(());
        }
    }
}
