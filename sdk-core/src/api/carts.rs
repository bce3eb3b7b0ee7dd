//! The cart that observers are shown.
//!
//! The latest cart is kept with the lineage of the session that it was read under, and shown only while that
//! lasts: it outlives an expiry, after which the same user goes on, and is gone at once with a logout or another
//! user. It never goes back in time, since it is set by who holds the cart lane.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::Core;
use crate::error::{ErrorCode, Result};
use crate::http::{Got, Made};
use crate::model::{Cart, CartLine, CartWire, Market, SessionState};
use crate::session::Lineages;
use crate::session::machine::Lineage;

#[derive(Default)]
pub(crate) struct Carts {
    latest: watch::Sender<Option<(Lineage, Latest)>>,
    /// Under which session a cart is to be read anew, as soon as a server in trouble may be asked that.
    owed: Mutex<Option<Lineage>>,
}

/// The latest cart.
#[derive(Clone)]
enum Latest {
    Read(Cart),
    /// As it came. Nobody looked at the time, and most often nobody does: copying all lines for that takes long.
    Came(Bytes, Market),
}

impl Latest {
    /// None cannot be: it was read once.
    fn cart(self) -> Option<Cart> {
        match self {
            Self::Read(cart) => Some(cart),
            Self::Came(body, market) => {
                serde_json::from_slice::<CartWire>(&body).ok().map(|cart| cart.in_market(&market))
            }
        }
    }
}

/// What is smaller than this is copied.
const SMALL: usize = 64 * 1024;

impl Carts {
    fn show(&self, lineage: Lineage, got: Got<CartWire>) -> Cart {
        let Got { value, market, reply } = got;
        let cart = value.in_market(&market);
        self.settle(lineage);
        self.latest.send_if_modified(|shown| {
            // An answer of before a logout may come here after one of the next user's.
            let newer = shown.as_ref().is_none_or(|(of, _)| *of <= lineage);
            // Who comes to observe from here on looks when this is done.
            let observed = self.observed();
            if newer {
                let latest = if observed {
                    Latest::Read(cart.clone())
                } else {
                    // A small piece of the connection's buffer would keep all of it.
                    let body = reply.body;
                    let body = if body.len() < SMALL { Bytes::copy_from_slice(&body) } else { body };
                    Latest::Came(body, market)
                };
                *shown = Some((lineage, latest));
            }
            newer && observed
        });
        cart
    }

    /// Lets go of what belongs to a lineage before `lineage`. It would not be shown, but it would stay in memory.
    pub(super) fn forget(&self, lineage: Lineage) {
        self.latest.send_if_modified(|shown| shown.take_if(|(of, _)| *of < lineage).is_some());
    }

    /// Notes that a fresh read is owed. False if one was already.
    fn owe(&self, lineage: Lineage) -> bool {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).replace(lineage).is_none()
    }

    /// A cart of this lineage was read: what was owed of it until now is not any more.
    fn settle(&self, lineage: Lineage) -> Option<Lineage> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).take_if(|owed| *owed <= lineage)
    }

    fn observed(&self) -> bool {
        self.latest.receiver_count() > 0
    }

    pub(super) fn follow(&self, lineages: Lineages) -> Following {
        Following { shown: self.latest.subscribe(), lineages, last: None }
    }
}

/// Reads the cart in its turn, and shows it.
pub(super) async fn read(core: &Core, made: &Made) -> Result<Cart> {
    let read = async {
        let got = core.dialect.cart_get(&core.http, made).await?;
        Ok(core.carts.show(made.lineage, got))
    };
    core.cart_lane.read(made, read).await
}

/// A change of the cart was tried, and its turn is not over yet: shows what came of it.
pub(super) fn written(core: &Arc<Core>, made: &Made, result: Result<Got<CartWire>>) -> Result<Cart> {
    match result {
        Ok(got) => Ok(core.carts.show(made.lineage, got)),
        Err(error) => {
            doubted(core, made, error.code());
            Err(error)
        }
    }
}

/// A change failed with `code`. If what is shown may be wrong now, it is read anew.
pub(super) fn doubted(core: &Arc<Core>, made: &Made, code: ErrorCode) {
    if in_trouble(code) {
        reread_when_affordable(core, made.lineage);
    } else if leaves_cart_in_doubt(code) {
        reread(core, made.lineage);
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

/// Reads the cart anew for those who observe it, when its turn comes. If an expiry stops that, it is done when the same
/// user is back: what is shown until then is as doubtful as before.
pub(super) fn reread(core: &Arc<Core>, lineage: Lineage) {
    if !core.carts.observed() {
        return;
    }
    let (client, mut states) = (Arc::downgrade(core), core.keeper.subscribe());
    tokio::spawn(async move {
        // The client is not held while nobody is signed in. Nor is this parked: nobody waits for it, and no app is to count it.
        while let Some(core) = client.upgrade() {
            let Ok(made) = core.http.made_under(lineage) else { return };
            match read(&core, &made.parks(false)).await {
                Err(error) if error.code() == ErrorCode::SessionExpired => {}
                Err(error) => {
                    tracing::debug!(code = ?error.code(), "the observed cart was not read anew");
                    if in_trouble(error.code()) {
                        reread_when_affordable(&core, lineage);
                    }
                    return;
                }
                Ok(_) => return,
            }
            drop(core);
            loop {
                match states.next().await {
                    Some(SessionState::Expired { .. }) => {}
                    Some(_) => break,
                    None => return,
                }
            }
        }
    });
}

/// Of a server in trouble a request more is one made again, and is paid for like it: in an outage at most one is made,
/// and the next when calls have succeeded again. Unless one of them has shown the cart by then.
fn reread_when_affordable(core: &Arc<Core>, lineage: Lineage) {
    if !core.carts.observed() || !core.carts.owe(lineage) {
        return;
    }
    let (client, budget, mut states) = (Arc::downgrade(core), core.http.budget(), core.keeper.subscribe());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                () = budget.spend_when_earned() => break,
                state = states.next() => if state.is_none() { return }, // The client is gone.
            }
        }
        let owed = client.upgrade().and_then(|core| Some((core.carts.settle(core.keeper.lineage())?, core)));
        match owed {
            Some((lineage, core)) => reread(&core, lineage),
            None => budget.refund(),
        }
    });
}

/// The carts as they come: the present one first, then the latest at each look.
pub(super) struct Following {
    shown: watch::Receiver<Option<(Lineage, Latest)>>,
    lineages: Lineages,
    last: Option<Option<Cart>>,
}

impl Following {
    /// None once the client is gone.
    pub(super) async fn next(&mut self) -> Option<Option<Cart>> {
        loop {
            self.lineages.mark_seen();
            let shown = self.shown.borrow_and_update().clone();
            // After the cart, which therefore belonged to the lineage of now.
            let lineage = self.lineages.current()?;
            let cart = shown.filter(|(of, _)| *of == lineage).and_then(|(_, latest)| latest.cart());
            if !self.last.as_ref().is_some_and(|last| same(last.as_ref(), cart.as_ref())) {
                self.last = Some(cart.clone());
                return Some(cart);
            }
            tokio::select! {
                biased;
                shown = self.shown.changed() => shown.ok()?,
                alive = self.lineages.changed() => if !alive { return None },
            }
        }
    }
}

/// The order of the lines is the server's, and changes from answer to answer.
fn same(one: Option<&Cart>, other: Option<&Cart>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    let sorted = |cart: &Cart| {
        let mut lines: Vec<CartLine> = cart.items.clone();
        lines.sort_by_key(|line| line.id.0);
        lines
    };
    (one.id, one.user_id, &one.total_price) == (other.id, other.user_id, &other.total_price)
        && sorted(one) == sorted(other)
}
