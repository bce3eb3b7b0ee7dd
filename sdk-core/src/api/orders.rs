//! Orders.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::{Core, placing};
use crate::error::Result;
use crate::http::Made;
use crate::model::{CancelledOrder, CancelledWire, NewOrder, Order, OrderId, OrderOutcome, OrderQuery};

/// The orders of the user who is signed in.
///
/// # Errors
/// Besides those named at each call, all can end with `NotSignedIn`, `SessionExpired`, `SignedOut`,
/// `StoreLocked`, `StoreUnavailable`, `Network`, `Timeout`, `Tls`, `RateLimited`, `Server`, `Unsupported` and
/// `UnexpectedResponse`.
#[derive(Clone)]
pub struct OrdersApi {
    core: Arc<Core>,
}

impl OrdersApi {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Places an order.
    ///
    /// It is sent again by itself only if the server certainly did not see it, and all attempts carry the same
    /// `Idempotency-Key`. Before it is sent the newest order is read and a note is written into the secure store;
    /// it stays there if the answer is lost, also over a logout and a restart, and
    /// [`resolve`](Self::resolve) finds out what became of the order. Until then no other is placed for this user,
    /// unless it is [forced](NewOrder::force); nor is one while another is being placed.
    ///
    /// An order from the cart waits for the cart's calls before it. Dropping this future before the order is sent
    /// sends nothing; once sent it is completed all the same.
    ///
    /// ```no_run
    /// # use market_sdk::{ErrorCode, NewOrder};
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// match market.orders().place(NewOrder::from_cart("Ann", "+13128059851", "1 Main St")).await {
    ///     Ok(order) => println!("ordered: {:?}", order.order_number),
    ///     Err(error) if matches!(error.code(), ErrorCode::OutcomeUnknown | ErrorCode::OrderPending) => {
    ///         println!("{:?}", market.orders().resolve().await?);
    ///     }
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` with the fields that are out of bounds; `Rejected` if the shop says no (an empty cart, out
    /// of stock); `NotFound` for an unknown SKU; `OutcomeUnknown` if the answer was lost, the server failed under
    /// it, or its answer cannot be read: the order may have been placed; `OrderPending` if the outcome of an
    /// earlier one is unknown. With `StoreLocked` and `StoreUnavailable` nothing was sent.
    pub fn place(&self, order: NewOrder) -> impl Future<Output = Result<Order>> + Send + use<> {
        placing::place(self.core.clone(), order)
    }

    /// Finds out what became of an order whose answer was lost, in this process or an earlier one: reads the
    /// user's orders back, down to the newest that was there before it. To be called after `OutcomeUnknown` and
    /// `OrderPending`, and when an app has started. Without such an order nothing is sent.
    ///
    /// An order is taken for the lost one if it is newer than all that were there before and has the same name,
    /// phone number and address. The oldest such order is given: what the same user orders just so on another
    /// device, in the very time between, cannot be told from it.
    ///
    /// ```no_run
    /// # use market_sdk::OrderOutcome;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// match market.orders().resolve().await? {
    ///     OrderOutcome::Placed(order) => println!("it went through: {:?}", order.order_number),
    ///     OrderOutcome::NotSeenYet { settles_in } => println!("not known yet; ask again in {settles_in:?}"),
    ///     OrderOutcome::NotPlaced => println!("it did not go through"),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// After any error the order is as unknown as before.
    pub fn resolve(&self) -> impl Future<Output = Result<OrderOutcome>> + Send + use<> {
        placing::resolve(self.core.clone())
    }

    /// Lists orders, newest first: one page of them.
    ///
    /// ```no_run
    /// # use market_sdk::{OrderQuery, OrderStatus};
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let pending = market.orders().list(OrderQuery::new().status(OrderStatus::Pending)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for `limit`.
    pub fn list(&self, query: OrderQuery) -> impl Future<Output = Result<Vec<Order>>> + Send + use<> {
        let this = self.clone();
        async move { this.page(&this.core.http.made()?, &query).await }
    }

    async fn page(&self, made: &Made, query: &OrderQuery) -> Result<Vec<Order>> {
        query.validate()?;
        self.core.dialect.order_list(&self.core.http, made, query).await
    }

    /// All orders that `query` asks for, newest first, read page by page (of the query's `limit`) as they are
    /// taken, as the user who is signed in when this is called. It ends after the first error. An order that is placed meanwhile moves the others down the list;
    /// none is given out twice for that. (`try_next` is `futures_util`'s.)
    ///
    /// ```no_run
    /// # use market_sdk::OrderQuery;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut orders = market.orders().stream(OrderQuery::new());
    /// while let Some(order) = orders.try_next().await? {
    ///     println!("{}: {}", order.id, order.total_amount);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(&self, query: OrderQuery) -> BoxStream<'static, Result<Order>> {
        let orders = self.clone();
        let first = Some((query, HashSet::new(), Vec::new()));
        // All pages belong to the user who is signed in now.
        let lineage = self.core.keeper.lineage();
        let pages = stream::try_unfold(first, move |next| {
            let orders = orders.clone();
            async move {
                let Some((query, mut given, before)) = next else { return Ok(None) };
                let made = orders.core.http.made_under(lineage)?;
                let page = orders.page(&made, &query).await?;
                let ids: Vec<OrderId> = page.iter().map(|order| order.id).collect();
                // A server that passes the offset over gives the same page for ever. (A full page of orders that
                // were all given out is no end: so many were placed meanwhile.)
                let more = page.len() >= query.limit as usize && ids != before;
                let fresh: Vec<_> = page.into_iter().filter(|order| given.insert(order.id)).map(Ok).collect();
                let offset = query.offset.saturating_add(query.limit);
                Ok(Some((stream::iter(fresh), more.then(|| (query.offset(offset), given, ids)))))
            }
        });
        pages.try_flatten().boxed()
    }

    /// Reads one order.
    ///
    /// ```no_run
    /// # use market_sdk::OrderId;
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let order = market.orders().get(OrderId(1001)).await?;
    /// println!("{}", order.status);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the user has no such order.
    pub fn get(&self, order: OrderId) -> impl Future<Output = Result<Order>> + Send + use<> {
        let this = self.clone();
        async move {
            let made = this.core.http.made()?;
            this.core.dialect.order_get(&this.core.http, &made, order).await
        }
    }

    /// Cancels an order.
    ///
    /// ```no_run
    /// # use market_sdk::{OrderId, OrderStatus};
    /// # async fn example(market: market_sdk::MarketClient) -> market_sdk::Result<()> {
    /// let cancelled = market.orders().cancel(OrderId(1001)).await?;
    /// assert_eq!(cancelled.status, OrderStatus::Cancelled);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Rejected` if it is too late for that, or it is cancelled already; `NotFound` if there is no such order.
    pub fn cancel(&self, order: OrderId) -> impl Future<Output = Result<CancelledOrder>> + Send + use<> {
        let this = self.clone();
        async move {
            let made = this.core.http.made()?;
            let call = this.core.dialect.order_cancel(order);
            Ok(this.core.http.json::<CancelledWire>(&made, &call).await?.value.into())
        }
    }
}
