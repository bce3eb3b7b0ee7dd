//! Fresh reads of the cart for those who observe it.
//!
//! After a change that failed, what is shown may be wrong. That doubt is kept until a cart was read after it, whether or
//! not somebody observes at the time; while somebody does, a task sees to it that one is read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Core, carts};
use crate::error::{Error, ErrorCode};
use crate::http::retry::{Budget, spread};
use crate::model::SessionState;
use crate::session::States;
use crate::session::machine::Lineage;

#[derive(Default)]
pub(super) struct Doubts {
    latest: Mutex<Doubt>,
    news: Arc<Notify>,
}

#[derive(Default)]
struct Doubt {
    /// Under which session the cart came into doubt.
    of: Option<Lineage>,
    /// The server is not in trouble: it may be asked at once.
    at_once: bool,
    /// A task sees to it.
    seen_to: bool,
}

impl Doubts {
    fn latest(&self) -> MutexGuard<'_, Doubt> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cart of this lineage was read: it leaves no doubt that came up before.
    pub(super) fn settle(&self, lineage: Lineage) {
        let mut latest = self.latest();
        if latest.of.is_some_and(|of| of <= lineage) {
            latest.of = None;
            latest.at_once = false;
        }
    }
}

/// Whether a change of the cart that ended so tells nothing of what is in it now: it may have been made, or the shop had
/// another cart before it.
pub(crate) fn leaves_cart_in_doubt(code: ErrorCode) -> bool {
    in_trouble(code) || matches!(code, ErrorCode::Rejected | ErrorCode::NotFound | ErrorCode::InvalidInput)
}

fn in_trouble(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Network
            | ErrorCode::Timeout
            | ErrorCode::Server
            | ErrorCode::UnexpectedResponse
            | ErrorCode::OutcomeUnknown
    )
}

/// A change failed with `code`.
pub(super) fn failed(core: &Arc<Core>, lineage: Lineage, code: ErrorCode) {
    if leaves_cart_in_doubt(code) {
        note(core, lineage, !in_trouble(code));
    }
}

/// The cart is another than is shown.
pub(super) fn changed(core: &Arc<Core>, lineage: Lineage) {
    note(core, lineage, true);
}

fn note(core: &Arc<Core>, lineage: Lineage, at_once: bool) {
    {
        let mut latest = core.carts.doubts.latest();
        if latest.of.is_some_and(|of| of > lineage) {
            return; // It came late, and is a former user's.
        }
        latest.of = Some(lineage);
        latest.at_once |= at_once;
    }
    see_to(core);
}

/// Has the cart read if it is in doubt and somebody observes it. To be called where a task can be spawned.
pub(super) fn see_to(core: &Arc<Core>) {
    if !core.carts.observed() {
        return;
    }
    {
        let mut latest = core.carts.doubts.latest();
        if latest.of.is_none() {
            return;
        }
        if std::mem::replace(&mut latest.seen_to, true) {
            core.carts.doubts.news.notify_one();
            return;
        }
    }
    let seeing = Seeing {
        client: Arc::downgrade(core),
        states: core.keeper.subscribe(),
        budget: core.http.budget(),
        news: core.carts.doubts.news.clone(),
    };
    tokio::spawn(seeing.keep_to_it());
}

/// How long after a failed read the next one is made if no other call succeeds meanwhile. It doubles.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// The task. It does not hold the client while it waits.
struct Seeing {
    client: Weak<Core>,
    states: States,
    budget: Arc<Budget>,
    news: Arc<Notify>,
}

impl Seeing {
    async fn keep_to_it(mut self) {
        let mut failures = 0;
        let mut asked = Duration::ZERO;
        while let Some(paid) = self.may_read(failures, asked).await {
            let Some(core) = self.client.upgrade() else { return };
            let Some(lineage) = to_read(&core) else {
                if paid {
                    self.budget.refund();
                }
                return;
            };
            // Nobody waits for it, so it is not parked, and no app is to count it.
            let read = match core.http.made_under(lineage) {
                Ok(made) => carts::read(&core, &made.parks(false)).await,
                Err(error) => Err(error),
            };
            let Err(error) = read else {
                (failures, asked) = (0, Duration::ZERO);
                continue;
            };
            match error.code() {
                // It is made when the same user is back: what is shown until then is as doubtful as before.
                ErrorCode::SessionExpired => {
                    core.carts.doubts.latest().at_once = true;
                    drop(core);
                    if !self.until_back().await {
                        return;
                    }
                }
                code if in_trouble(code) || code == ErrorCode::RateLimited => {
                    failures += 1;
                    asked = error.retry_after().unwrap_or_default();
                }
                _ => given_up(&core, lineage, &error),
            }
        }
    }

    /// Waits until the cart may be read, and says whether that was paid for. None once the client is gone.
    ///
    /// Of a server in trouble a request more is one made again, and is paid for like it. If nothing is earned, since the
    /// app is quiet or the trouble lasts, one is made now and then all the same.
    async fn may_read(&mut self, failures: u32, asked: Duration) -> Option<bool> {
        let bits = self.client.upgrade()?.keeper.random().bits();
        let wait = (FIRST_WAIT * 2_u32.pow(failures.min(4))).min(LONGEST_WAIT).max(asked);
        let until = Instant::now().checked_add(wait + spread(wait / 2, bits));
        loop {
            {
                let core = self.client.upgrade()?;
                let mut latest = core.carts.doubts.latest();
                if std::mem::take(&mut latest.at_once) || latest.of.is_none() {
                    return Some(false);
                }
            }
            let time_is_up = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.budget.spend_when_earned(), if asked.is_zero() => return Some(true),
                () = time_is_up => return Some(false),
                () = self.news.notified() => {}
                state = self.states.next() => { state?; }
            }
        }
    }

    /// Waits until the session is not expired any more. False once the client is gone.
    async fn until_back(&mut self) -> bool {
        loop {
            match self.states.next().await {
                Some(SessionState::Expired { .. }) => {}
                state => return state.is_some(),
            }
        }
    }
}

/// The session under which there is a cart to read. None if the task is done.
fn to_read(core: &Core) -> Option<Lineage> {
    let mut latest = core.carts.doubts.latest();
    // Who comes to observe later looks after this.
    let of = latest.of.filter(|_| core.carts.observed());
    latest.seen_to = of.is_some();
    of
}

/// Another read would end like this one: another user is there, or there is no cart to read.
fn given_up(core: &Core, lineage: Lineage, error: &Error) {
    tracing::debug!(code = ?error.code(), "the observed cart was not read anew");
    core.carts.doubts.settle(lineage);
}
