//! Placing an order at most once, and finding out what became of it.
//!
//! Before an order is sent, its attempt is written into the journal: the newest order that is there (read right
//! before, since an older one could take an order of another device for this one), the server's time, and a
//! digest of what tells the order from others. What is certain of its outcome closes the entry; a lost answer, or
//! a process that ends, leaves it to [`resolve`].

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::Instrument;

use super::{Core, doubt};
use crate::error::{Error, ErrorCode, Result};
use crate::http::Made;
use crate::http::call::Lost;
use crate::journal::{Attempt, Found, Journal, Page, Pending};
use crate::model::wire::body;
use crate::model::{NewOrder, Order, OrderOutcome, OrderQuery, OrderWire};
use crate::session::machine::Lineage;

pub(super) struct Placing {
    journal: Journal,
    /// Whose orders are being placed right now.
    lineages: Arc<Mutex<HashSet<Lineage>>>,
    /// Between what is read back and what is sent there is no third.
    turn: tokio::sync::Mutex<()>,
    /// How often it was found out what became of an order.
    resolved: AtomicU64,
}

impl Placing {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, lineages: Arc::default(), turn: Default::default(), resolved: AtomicU64::new(0) }
    }

    /// None while another is being placed: a second tap is no second order, whatever it asks for.
    fn begin(&self, lineage: Lineage) -> Option<Begun> {
        let first = lock(&self.lineages).insert(lineage);
        first.then(|| Begun { lineages: self.lineages.clone(), lineage })
    }

    fn resolved(&self) -> u64 {
        self.resolved.load(Ordering::Acquire)
    }

    async fn turn(&self, made: &Made) -> Result<tokio::sync::MutexGuard<'_, ()>> {
        made.in_line("another call is about an order", self.turn.lock()).await
    }
}

struct Begun {
    lineages: Arc<Mutex<HashSet<Lineage>>>,
    lineage: Lineage,
}

impl Drop for Begun {
    fn drop(&mut self) {
        lock(&self.lineages).remove(&self.lineage);
    }
}

fn lock(lineages: &Mutex<HashSet<Lineage>>) -> MutexGuard<'_, HashSet<Lineage>> {
    lineages.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn place(core: Arc<Core>, order: NewOrder) -> Result<Order> {
    order.validate()?;
    let made = core.http.made()?.parks(order.parks_on_expiry);
    let Some(begun) = core.placing.begin(made.lineage) else {
        return Err(Error::new(ErrorCode::OrderPending).detail_is("an order is being placed right now"));
    };
    let resolved = core.placing.resolved();
    // Gone when the caller is.
    let (here, gone) = oneshot::channel();
    let (lane, uses_cart) = (core.cart_lane.clone(), order.uses_cart());
    let of = made.clone();
    let place = async move {
        let placed = begin(&core, &of, order, resolved, gone).await;
        drop(begun);
        placed
    };
    let placed = if uses_cart {
        lane.write(&made, place).await
    } else {
        // A task of its own, as in the lane: what was sent cannot be taken back, and what came of it is noted.
        let _caller = made.caller();
        let task = tokio::spawn(place.in_current_span());
        task.await.unwrap_or_else(|_| Err(Error::new(ErrorCode::Cancelled)))
    };
    drop(here);
    placed
}

/// Places it unless the caller goes before it is sent.
async fn begin(
    core: &Arc<Core>,
    made: &Made,
    order: NewOrder,
    resolved: u64,
    mut gone: oneshot::Receiver<Infallible>,
) -> Result<Order> {
    let (uses_cart, parks) = (order.uses_cart(), order.parks_on_expiry);
    let body = body(&order);
    let placed = loop {
        let prepared = tokio::select! {
            biased;
            _ = &mut gone => Err(Error::new(ErrorCode::Cancelled)),
            prepared = prepare(core, made, order.clone(), resolved) => prepared,
        };
        let (_turn, page, attempt, asked) = prepared?;
        let claim = page.claim(attempt).await?;
        if !matches!(gone.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
            return Err(Error::new(ErrorCode::Cancelled)); // The claim is taken back.
        }
        let mut call = core.dialect.order_place().body(body.clone());
        call.idempotency_key = Some(claim.idempotency_key());
        call.begun = Some(claim.begun());
        call.lost = Lost::OutcomeUnknown;
        // What is noted of it holds for now. So it does not wait for a session here, but begins anew.
        let placed = core.http.json::<OrderWire>(&made.clone().parks(false), &call).await;
        match &placed {
            Ok(_) => claim.placed().await,
            Err(error) if !claim.has_begun() || leaves_no_order(error.code()) => claim.did_nothing().await,
            // It stays open. A device that sleeps stops the timers, and sends when it wakes: settling counts from then.
            Err(_) => match core.keeper.clock().monotonic().saturating_sub(asked) {
                took if took > made.timeout() => claim.unknown(took).await,
                _ => drop(claim),
            },
        }
        match &placed {
            Err(error) if parks && error.code() == ErrorCode::SessionExpired => {}
            _ => break placed,
        }
    };
    match &placed {
        _ if !uses_cart => {}
        Ok(_) => doubt::changed(core, made.lineage), // It is empty now.
        Err(error) => doubt::failed(core, made.lineage, error.code()),
    }
    placed.map(|got| got.value.in_market(&got.market))
}

type Turn<'a> = tokio::sync::MutexGuard<'a, ()>;

/// `resolved`: what [`Placing::resolved`] gave when the order was made.
/// With when the server was asked, by the monotonic clock, which goes on while a device sleeps.
async fn prepare<'a>(
    core: &'a Core,
    made: &Made,
    order: NewOrder,
    resolved: u64,
) -> Result<(Turn<'a>, Page, Attempt, Duration)> {
    let page = page(core, made).await?;
    let turn = core.placing.turn(made).await?;
    // Who tapped while an earlier order was unknown has not been told yet that it was placed.
    if core.placing.resolved() != resolved && !order.is_forced() {
        return Err(Error::new(ErrorCode::OrderPending).detail_is("an earlier order was unknown until now"));
    }
    // Before anything is asked of the server; the claim looks once more.
    if page.look().await? != Found::Nothing && !order.is_forced() {
        return Err(Error::new(ErrorCode::OrderPending));
    }
    // An answer that comes too late costs a read if it is to a read, and a doubt if it is to the order: so half of
    // the time is kept for that. Of the time since it went on, if it was parked.
    let early = made.early();
    let asked = core.keeper.clock().monotonic();
    let (newest, began) =
        core.dialect.orders_where_placed(&core.http, &early, &OrderQuery::new().limit(1)).await?;
    let bits = || core.keeper.random().bits();
    let fresh = Pending::new(bits(), [bits(), bits()], newest.first().map(|order| order.id));
    Ok((turn, page, Attempt { fresh, began, order }, asked))
}

/// The entry of the user who is signed in. While the lineage lasts, that user is who all of a call is made as.
async fn page(core: &Core, made: &Made) -> Result<Page> {
    let permit = core.http.permit(made).await?;
    core.placing.journal.page(&permit.market, permit.user_id)
}

/// Whether an order that was sent and ended so was certainly not placed.
pub(crate) fn leaves_no_order(code: ErrorCode) -> bool {
    match code {
        // Refused: by the shop, by the session's end (401), or by who would send it elsewhere (307, 308).
        ErrorCode::InvalidInput
        | ErrorCode::RateLimited
        | ErrorCode::Rejected
        | ErrorCode::NotFound
        | ErrorCode::Unsupported
        | ErrorCode::NotSignedIn
        | ErrorCode::SessionExpired
        | ErrorCode::StoreLocked
        | ErrorCode::StoreUnavailable
        | ErrorCode::UnexpectedResponse => true,
        // The connection never stood: a call that may lose its answer gives these codes for that alone.
        ErrorCode::Network | ErrorCode::Tls => true,
        // A logout, say, has overtaken it.
        _ => false,
    }
}

/// How many orders are read at once.
const PAGE: u32 = 50;

pub(super) async fn resolve(core: Arc<Core>) -> Result<OrderOutcome> {
    let made = core.http.made()?;
    let page = page(&core, &made).await?;
    let _turn = core.placing.turn(&made).await?;
    let pending = match page.look().await? {
        Found::Nothing => return Ok(OrderOutcome::NothingPending),
        Found::Corrupt => {
            page.erase_corrupt().await?;
            core.placing.resolved.fetch_add(1, Ordering::AcqRel);
            return Ok(OrderOutcome::Unreadable);
        }
        Found::Open(pending) => pending,
    };
    let read = read_back(&core, &made, &pending).await?;
    let revision = Some(pending.revision);
    if let Some(order) = read.order {
        // Before the note goes, since the caller may leave then; and after it, for who taps meanwhile.
        core.placing.resolved.fetch_add(1, Ordering::AcqRel);
        page.close(&pending, revision).await;
        core.placing.resolved.fetch_add(1, Ordering::AcqRel);
        if pending.from_cart {
            doubt::changed(&core, made.lineage); // It is empty now.
        }
        return Ok(OrderOutcome::Placed(order));
    }
    if read.undecided {
        return Ok(OrderOutcome::NotSeenYet { settles_in: None });
    }
    let settles_in = pending.settles_in(read.served_at, core.placing.journal.settle);
    // Not if another attempt has begun meanwhile.
    if settles_in.is_some_and(|time| time.is_zero()) && page.close(&pending, revision).await {
        core.placing.resolved.fetch_add(1, Ordering::AcqRel);
        return Ok(OrderOutcome::NotPlaced);
    }
    Ok(OrderOutcome::NotSeenYet { settles_in })
}

/// What the list of orders tells of a pending one.
struct ReadBack {
    order: Option<Order>,
    /// There is an order of which the server does not tell whether it is this one.
    undecided: bool,
    /// The server's time when it was begun to be read: what is written later is not in it.
    served_at: Option<std::time::SystemTime>,
}

/// Reads the orders, newest first, down to the newest that was there before the pending one.
async fn read_back(core: &Core, made: &Made, pending: &Pending) -> Result<ReadBack> {
    let mut read = ReadBack { order: None, undecided: false, served_at: None };
    let mut seen = HashSet::new();
    let mut query = OrderQuery::new().limit(PAGE);
    loop {
        let (orders, served_at) = core.dialect.orders_where_placed(&core.http, made, &query).await?;
        if query.offset == 0 {
            read.served_at = served_at;
        }
        let count = orders.len();
        let before = seen.len();
        let mut reached = false;
        for order in orders {
            if pending.newest.is_some_and(|newest| order.id <= newest) {
                reached = true;
                continue;
            }
            seen.insert(order.id);
            let (Some(name), Some(phone), Some(address)) =
                (&order.customer_name, &order.customer_phone, &order.delivery_address)
            else {
                read.undecided = true;
                continue;
            };
            let ordered = pending.ordered(pending.digest(name, phone.as_str(), address));
            if ordered && read.order.as_ref().is_none_or(|other| order.id < other.id) {
                read.order = Some(order);
            }
        }
        // (A server that passes the offset over gives the same page for ever.)
        if reached || count < PAGE as usize || seen.len() == before {
            return Ok(read);
        }
        query = query.clone().offset(query.offset.saturating_add(PAGE));
    }
}
