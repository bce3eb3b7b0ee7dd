//! How the calls that differ between servers look on the wire, and how it is found out which server this is.
//! All of it is here.
//!
//! There is no switch: a remembered answer per difference, which starts with the documented form. Only the
//! answer to the read of a collection teaches one, never an item, a write, or a page of HTML. A call that is
//! answered as the other kind of server would answer it has one question asked, and is made once more if
//! something was learnt: the server refused it for its form, so it did not act.
//!
//! | difference | documented | deployed, first generation | second generation |
//! |---|---|---|---|
//! | a collection's path | no slash at the end | `/cart/`, `/wishlist/`; the other form is sent on (307) | same |
//! | wishlist | one path, by method | same | `POST /wishlist/get`, `add`, `remove`, `clear`; the other answers 400 or 422 |
//! | orders | `/orders` | `/profile/orders`, and no way to place one | `/orders`; `/profile/orders` is there, and fails |

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::call::Call;
use super::{Got, Http, Made};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{
    CartWire, LineId, Order, OrderId, OrderQuery, OrderWire, ProductId, SkuId, Wishlist, WishlistWire,
};

/// What is known of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    cart: Slash,
    wishlist_path: Slash,
    wishlist: WishlistBy,
    orders: OrdersAt,
    /// When it was last asked whether they are elsewhere, by the monotonic clock, and they were not.
    asked_for_orders: Option<Duration>,
}

/// How a collection's path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slash {
    Without,
    With,
}

/// What tells the wishlist's operations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WishlistBy {
    Method,
    Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrdersAt {
    Orders,
    ProfileOrders,
}

/// One of two forms.
trait Form: Copy + PartialEq {
    fn other(self) -> Self;
}

impl Form for Slash {
    fn other(self) -> Self {
        match self {
            Self::Without => Self::With,
            Self::With => Self::Without,
        }
    }
}

impl Form for WishlistBy {
    fn other(self) -> Self {
        match self {
            Self::Method => Self::Path,
            Self::Path => Self::Method,
        }
    }
}

impl Form for OrdersAt {
    fn other(self) -> Self {
        match self {
            Self::Orders => Self::ProfileOrders,
            Self::ProfileOrders => Self::Orders,
        }
    }
}

struct Other<'a, F> {
    form: F,
    turn: Option<tokio::sync::MutexGuard<'a, ()>>,
}

impl<F> Other<'_, F> {
    /// It has been learnt already, and need not be asked for.
    fn known(&self) -> bool {
        self.turn.is_none()
    }
}

/// An operation on the wishlist that changes it.
#[derive(Clone, Copy)]
pub(crate) enum WishlistChange {
    Add(ProductId),
    Remove(ProductId),
    Clear,
}

pub(crate) struct Dialect {
    known: Mutex<Known>,
    /// One asks at a time, so that a thousand calls that find the server changed ask it once.
    asking: tokio::sync::Mutex<()>,
}

impl Dialect {
    pub(crate) fn new() -> Self {
        let documented = Known {
            cart: Slash::Without,
            wishlist_path: Slash::Without,
            wishlist: WishlistBy::Method,
            orders: OrdersAt::Orders,
            asked_for_orders: None,
        };
        Self { known: Mutex::new(documented), asking: tokio::sync::Mutex::default() }
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The other form than `was`, and the right to ask whether it is the server's; nobody else asks meanwhile.
    async fn other<F: Form>(&self, made: &Made, was: F, now: impl Fn(Known) -> F) -> Result<Other<'_, F>> {
        let turn = made.in_line("another call asks the server", self.asking.lock()).await?;
        let now = now(self.known());
        // Another call may have asked while this one waited for its turn.
        let asks = now == was;
        Ok(Other { form: if asks { was.other() } else { now }, turn: asks.then_some(turn) })
    }

    fn learn(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

// The cart

impl Dialect {
    pub(crate) async fn cart_get(&self, http: &Http, made: &Made) -> Result<Got<CartWire>> {
        let read = |slash| Call::new("cart", "get", Method::GET, slashed("/cart", slash));
        let (got, slash) = collection::<CartWire>(http, made, self.known().cart, read).await?;
        self.learn(|known| known.cart = slash);
        Ok(got)
    }

    // Deployed servers want to be told the user, and then go by the token.
    pub(crate) fn cart_add(&self, sku: SkuId, quantity: u32) -> Call {
        let body = json!({ "sku_id": sku, "quantity": quantity });
        Call::new("cart", "add", Method::POST, "/cart/items").body(body).naming_user()
    }

    // Deployed servers read the query, documented clients send the body.
    pub(crate) fn cart_set(&self, line: LineId, quantity: u32) -> Call {
        Call::new("cart", "set_quantity", Method::PUT, format!("/cart/items/{line}"))
            .query("quantity", quantity)
            .body(json!({ "quantity": quantity }))
    }

    // Not made again by itself: after a lost answer the line is gone, and a second call would say 404.
    pub(crate) fn cart_remove(&self, line: LineId) -> Call {
        Call::new("cart", "remove", Method::DELETE, format!("/cart/items/{line}")).once()
    }

    pub(crate) fn cart_clear(&self) -> Call {
        Call::new("cart", "clear", Method::DELETE, slashed("/cart", self.known().cart))
    }
}

// The wishlist

impl Dialect {
    pub(crate) async fn wishlist_get(&self, http: &Http, made: &Made) -> Result<Wishlist> {
        let by = self.known().wishlist;
        match self.wishlist_read(http, made, by).await {
            Err(error) if foreign(&error, by) => {
                let other = self.other(made, by, |known| known.wishlist).await?;
                // Of two refusals the first is the one to report.
                answered(self.wishlist_read(http, made, other.form).await)?.ok_or(error)
            }
            other => other,
        }
    }

    pub(crate) async fn wishlist_change(
        &self,
        http: &Http,
        made: &Made,
        change: WishlistChange,
    ) -> Result<Wishlist> {
        let by = self.known().wishlist;
        let got = match http.json::<WishlistWire>(made, &self.wishlist_call(change, by)).await {
            // 422: the other kind of server wants a field that this form does not have.
            Err(error)
                if foreign(&error, by) || (by == WishlistBy::Method && error.status() == Some(422)) =>
            {
                let learnt = self.ask_wishlist(http, made, by).await?;
                let Some(by) = learnt else { return Err(error) };
                http.json::<WishlistWire>(made, &self.wishlist_call(change, by)).await?
            }
            other => other?,
        };
        Ok(got.value.in_market(&got.market))
    }

    async fn wishlist_read(&self, http: &Http, made: &Made, by: WishlistBy) -> Result<Wishlist> {
        let got = match by {
            WishlistBy::Method => {
                let read = |slash| Call::new("wishlist", "get", Method::GET, slashed("/wishlist", slash));
                let slash = self.known().wishlist_path;
                let (got, slash) = collection::<WishlistWire>(http, made, slash, read).await?;
                self.learn(|known| known.wishlist_path = slash);
                got
            }
            // It reads, whatever its method.
            WishlistBy::Path => {
                let call = Call::new("wishlist", "get", Method::POST, "/wishlist/get");
                http.json(made, &call.body(json!({})).naming_user().idempotent()).await?
            }
        };
        self.learn(|known| known.wishlist = by);
        Ok(got.value.in_market(&got.market))
    }

    /// Asks whether the server is of the other kind than `by`, and says which it is if so.
    async fn ask_wishlist(&self, http: &Http, made: &Made, by: WishlistBy) -> Result<Option<WishlistBy>> {
        let other = self.other(made, by, |known| known.wishlist).await?;
        if other.known() {
            return Ok(Some(other.form));
        }
        Ok(answered(self.wishlist_read(http, made, other.form).await)?.map(|_| other.form))
    }

    // The second generation's wishlist looks at no token and goes by the user it is told. The door has let
    // nobody through but the user who is signed in.
    fn wishlist_call(&self, change: WishlistChange, by: WishlistBy) -> Call {
        let call = |operation, method, path: String| Call::new("wishlist", operation, method, path);
        let post = |operation: &'static str| call(operation, Method::POST, format!("/wishlist/{operation}"));
        match (change, by) {
            // Adding twice adds no second entry and is no error.
            (WishlistChange::Add(product), WishlistBy::Method) => {
                let call = call("add", Method::POST, "/wishlist/items".to_owned());
                call.body(json!({ "product_id": product })).idempotent()
            }
            (WishlistChange::Add(product), WishlistBy::Path) => {
                post("add").body(json!({ "product_id": product })).naming_user().idempotent()
            }
            // Not made again by itself: a second call would say 404.
            (WishlistChange::Remove(product), WishlistBy::Method) => {
                call("remove", Method::DELETE, format!("/wishlist/items/{product}")).once()
            }
            (WishlistChange::Remove(product), WishlistBy::Path) => {
                post("remove").body(json!({ "product_id": product })).naming_user()
            }
            (WishlistChange::Clear, WishlistBy::Method) => {
                call("clear", Method::DELETE, slashed("/wishlist", self.known().wishlist_path))
            }
            (WishlistChange::Clear, WishlistBy::Path) => {
                post("clear").body(json!({})).naming_user().idempotent()
            }
        }
    }
}

/// Whether `error` is how the kind of server that `by` is not would answer.
fn foreign(error: &Error, by: WishlistBy) -> bool {
    error.code() == ErrorCode::Unsupported || (by == WishlistBy::Method && error.status() == Some(400))
}

// Orders

impl Dialect {
    // The first generation has no such route, and says so: Unsupported.
    pub(crate) fn order_place(&self) -> Call {
        Call::new("orders", "place", Method::POST, "/orders/create")
    }

    pub(crate) async fn order_list(
        &self,
        http: &Http,
        made: &Made,
        query: &OrderQuery,
    ) -> Result<Vec<Order>> {
        let at = self.known().orders;
        match self.orders_read(http, made, at, query).await {
            Err(error) if elsewhere(&error, at) => match self.orders_moved(http, made, at, &error).await? {
                Some(other) => {
                    self.orders_answered(http, self.orders_read(http, made, other.form, query).await, error)
                }
                None => Err(error),
            },
            other => other,
        }
    }

    /// A page of orders as a server has them where orders can be placed, and that server's time. Servers without
    /// that are Unsupported; what another path lists does not say whose an order is.
    pub(crate) async fn orders_where_placed(
        &self,
        http: &Http,
        made: &Made,
        query: &OrderQuery,
    ) -> Result<(Vec<Order>, Option<SystemTime>)> {
        self.orders_page(http, made, OrdersAt::Orders, query).await
    }

    pub(crate) async fn order_get(&self, http: &Http, made: &Made, order: OrderId) -> Result<Order> {
        let at = self.known().orders;
        match self.order_read(http, made, at, order).await {
            Err(error) if elsewhere(&error, at) => {
                let Some(other) = self.orders_moved(http, made, at, &error).await? else { return Err(error) };
                if !other.known() {
                    let one = OrderQuery::new().limit(1);
                    let asked = self.orders_read(http, made, other.form, &one).await;
                    let asked = self.orders_answered(http, asked, error);
                    // What the list's own failure taught is enough for a single order.
                    if self.known().orders != other.form {
                        asked?;
                    }
                }
                self.order_read(http, made, other.form, order).await
            }
            other => other,
        }
    }

    /// The right to ask whether the orders are elsewhere than `at`, where `error` came from; none if there is no
    /// use in asking now.
    async fn orders_moved(
        &self,
        http: &Http,
        made: &Made,
        at: OrdersAt,
        error: &Error,
    ) -> Result<Option<Other<'_, OrdersAt>>> {
        let other = self.other(made, at, |known| known.orders).await?;
        if other.known() || error.code() == ErrorCode::Unsupported {
            return Ok(Some(other));
        }
        // A server of the first generation fails just so, and is asked once in a while only.
        let asked = self.known().asked_for_orders;
        let due = asked.is_none_or(|asked| http.monotonic().saturating_sub(asked) >= ASK_AGAIN);
        Ok(due.then_some(other))
    }

    /// Of two refusals the first is the one to report. Another error is the answer; and one of the server's own
    /// under `/profile/orders` teaches that the orders are there: it has that route, and fails in it.
    fn orders_answered<T>(&self, http: &Http, asked: Result<T>, first: Error) -> Result<T> {
        let first_is_route = first.code() == ErrorCode::Unsupported;
        match &asked {
            Err(error) if first_is_route && error.status() == Some(500) && error.is_in_own_form() => {
                self.learn(|known| known.orders = OrdersAt::ProfileOrders);
            }
            Err(error) if !first_is_route && error.code() == ErrorCode::Unsupported => {
                self.learn(|known| known.asked_for_orders = Some(http.monotonic()));
            }
            _ => {}
        }
        answered(asked)?.ok_or(first)
    }

    // The same on all. Cancelling twice is refused, so a second call after a lost answer would report a
    // failure that is none.
    pub(crate) fn order_cancel(&self, order: OrderId) -> Call {
        Call::new("orders", "cancel", Method::POST, format!("/profile/orders/{order}/cancel"))
    }

    async fn orders_read(
        &self,
        http: &Http,
        made: &Made,
        at: OrdersAt,
        query: &OrderQuery,
    ) -> Result<Vec<Order>> {
        Ok(self.orders_page(http, made, at, query).await?.0)
    }

    async fn orders_page(
        &self,
        http: &Http,
        made: &Made,
        at: OrdersAt,
        query: &OrderQuery,
    ) -> Result<(Vec<Order>, Option<SystemTime>)> {
        let path = match at {
            OrdersAt::Orders => "/orders",
            OrdersAt::ProfileOrders => "/profile/orders",
        };
        let mut call = Call::new("orders", "list", Method::GET, path)
            .query("limit", query.limit)
            .query("offset", query.offset);
        if let Some(status) = &query.status {
            call = match at {
                OrdersAt::Orders => call.query("status_filter", status),
                // Lower case is a 500 there.
                OrdersAt::ProfileOrders => call.query("status_filter", status.as_str().to_uppercase()),
            };
        }
        let (orders, market, served_at) = match at {
            OrdersAt::Orders => {
                let got = http.json::<Vec<OrderWire>>(made, &call).await?;
                (got.value, got.market, got.reply.served_at())
            }
            OrdersAt::ProfileOrders => {
                let got = http.json::<ProfileOrdersWire>(made, &call).await?;
                (got.value.orders, got.market, got.reply.served_at())
            }
        };
        self.learn(|known| known.orders = at);
        Ok((orders.into_iter().map(|order| order.in_market(&market)).collect(), served_at))
    }

    async fn order_read(&self, http: &Http, made: &Made, at: OrdersAt, order: OrderId) -> Result<Order> {
        let read = |path: String| Call::new("orders", "get", Method::GET, path);
        match at {
            OrdersAt::Orders => {
                let got = http.json::<OrderWire>(made, &read(format!("/orders/{order}"))).await?;
                Ok(got.value.in_market(&got.market))
            }
            OrdersAt::ProfileOrders => {
                let got =
                    http.json::<ProfileOrderWire>(made, &read(format!("/profile/orders/{order}"))).await?;
                Ok(got.value.order.in_market(&got.market))
            }
        }
    }
}

/// How long a server that fails as one of the first generation does is taken for one without asking.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// Whether `error` may mean that the orders are elsewhere than `at`. A server of the second generation has
/// `/profile/orders` too, and fails under it (500): so it looks to a client that knew it as one of the first.
fn elsewhere(error: &Error, at: OrdersAt) -> bool {
    error.code() == ErrorCode::Unsupported
        || (at == OrdersAt::ProfileOrders && error.status() == Some(500) && error.is_in_own_form())
}

#[derive(Deserialize)]
pub(crate) struct ProfileOrdersWire {
    pub(crate) orders: Vec<OrderWire>,
}

#[derive(Deserialize)]
pub(crate) struct ProfileOrderWire {
    pub(crate) order: OrderWire,
}

// What they share

/// Reads a collection whose path may end with a slash or not, and says how it does.
async fn collection<T: DeserializeOwned>(
    http: &Http,
    made: &Made,
    slash: Slash,
    read: impl Fn(Slash) -> Call,
) -> Result<(Got<T>, Slash)> {
    let other = slash.other();
    match http.json(made, &read(slash)).await {
        // Sent on to the other form, and answered there.
        Ok(got) if got.reply.path_ends_with_slash == (other == Slash::With) => Ok((got, other)),
        Ok(got) => Ok((got, slash)),
        // A server that does not send on. It had a slash before, so there is something.
        Err(error) if slash == Slash::With && error.code() == ErrorCode::Unsupported => {
            Ok((http.json(made, &read(other)).await?, other))
        }
        Err(error) => Err(error),
    }
}

fn slashed(path: &str, slash: Slash) -> String {
    match slash {
        Slash::Without => path.to_owned(),
        Slash::With => format!("{path}/"),
    }
}

/// What the question taught: nothing, if the server has no such route. Any other error is the answer.
fn answered<T>(asked: Result<T>) -> Result<Option<T>> {
    match asked {
        Ok(learnt) => Ok(Some(learnt)),
        Err(error) if error.code() == ErrorCode::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}
