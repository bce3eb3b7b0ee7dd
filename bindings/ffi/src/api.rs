//! What an app calls, area by area.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::listeners::{
    self, CartListener, ExpiringSoonListener, SessionEndListener, SessionListener, Subscription,
};
use crate::model::{
    CancelledOrder, Cart, CodeSent, Markets, NewOrder, Order, OrderOutcome, OrderQuery, Profile,
    ProfileUpdate, SessionState, SignIn, TokenStatus, Wishlist, id, quantity,
};
use crate::runtime::run;

/// The session of the one user who can be signed in.
#[derive(uniffi::Object)]
pub struct SessionApi {
    pub(crate) core: market_sdk::SessionApi,
}

#[uniffi::export]
impl SessionApi {
    /// The present state.
    pub fn current_state(&self) -> SessionState {
        self.core.state().into()
    }

    /// Tells `listener` of the present state and each that comes.
    pub fn observe(&self, listener: Arc<dyn SessionListener>) -> Result<Arc<Subscription>> {
        listeners::on_states(self.core.subscribe(), listener)
    }

    /// Tells `listener` once for every session that ends, with whose it was and why: the place to show the login
    /// screen from, except when the reason is that somebody signed in over it.
    pub fn on_end(&self, listener: Arc<dyn SessionEndListener>) -> Result<Arc<Subscription>> {
        Ok(listeners::on_end(&self.core, listener))
    }

    /// Tells `listener` once for every session that will end soon, a time before its end that the client is built with:
    /// the place to offer a sign-in, before a checkout is cut short. One that comes late is told at once.
    pub fn on_expiring_soon(&self, listener: Arc<dyn ExpiringSoonListener>) -> Result<Arc<Subscription>> {
        Ok(listeners::on_expiring_soon(&self.core, listener))
    }

    /// Checks that the session lasts for `duration` from now: before a checkout, say. Ends with `SessionExpired` if it
    /// does not: have the user sign in first, and go on. Nothing is sent, and the session stays as it is.
    pub async fn require_validity(&self, duration: Duration) -> Result<()> {
        run(self.core.require_validity(duration)).await
    }

    /// Waits until it is known whether somebody is signed in. Calls do this by themselves; an app does it to
    /// choose its first screen.
    pub async fn restore(&self) -> Result<SessionState> {
        run(self.core.restore()).await
    }

    /// Tells the SDK that the app came to the foreground: an expiry that was slept through is noticed, and a
    /// locked store is read again. It does not wait.
    pub fn resumed(&self) {
        self.core.resumed();
    }

    /// Has a code sent to `phone` by SMS. Ends with `InvalidInput` or `RateLimited` if that is not to be.
    pub async fn request_code(&self, phone: String) -> Result<CodeSent> {
        run(self.core.request_code(&phone)).await
    }

    /// Signs in with the code that came by SMS: 4 to 8 digits. After `OutcomeUnknown`, ask for a new code.
    pub async fn verify_code(&self, phone: String, code: String) -> Result<SignIn> {
        run(self.core.verify_code(&phone, &code)).await
    }

    /// Signs out. When this returns, no later request carries the session's token, and the store is erased;
    /// `StoreNotCleared` if that has to wait.
    pub async fn logout(&self) -> Result<()> {
        run(self.core.logout()).await
    }

    /// Signs out without telling the server: for a device that changes hands, or a user who is gone.
    pub async fn clear(&self) -> Result<()> {
        run(self.core.clear()).await
    }

    /// Reads the user's profile.
    pub async fn profile(&self) -> Result<Profile> {
        run(self.core.profile()).await
    }

    /// Changes the user's profile.
    pub async fn update_profile(&self, update: ProfileUpdate) -> Result<Profile> {
        run(self.core.update_profile(update.into())).await
    }

    /// Asks the server whether it still accepts the session.
    pub async fn verify_token(&self) -> Result<TokenStatus> {
        run(self.core.verify_token()).await
    }

    /// The markets that the server serves. Nobody needs to be signed in.
    pub async fn markets(&self) -> Result<Markets> {
        run(self.core.markets()).await
    }
}

/// The cart of the user who is signed in. The server keeps it.
#[derive(uniffi::Object)]
pub struct CartApi {
    pub(crate) core: market_sdk::CartApi,
}

#[uniffi::export]
impl CartApi {
    /// Tells `listener` of the cart as this client's calls show it. Observing reads nothing by itself; while somebody
    /// observes, a change that failed and an order from the cart end in a fresh read.
    pub fn observe(&self, listener: Arc<dyn CartListener>) -> Result<Arc<Subscription>> {
        listeners::on_carts(self.core.subscribe(), listener)
    }

    /// Reads the cart.
    pub async fn get(&self) -> Result<Cart> {
        run(self.core.get()).await
    }

    /// Adds pieces, 1 to 100, of a SKU. If the cart has a line of it, that line grows. A call whose answer was lost
    /// may have added: read the cart before adding again.
    pub async fn add(&self, sku_id: i64, quantity: i32) -> Result<Cart> {
        let quantity = self::quantity(quantity);
        run(self.core.add(market_sdk::SkuId(id("sku_id", sku_id)?), quantity)).await
    }

    /// Sets how many pieces a line holds, 0 to 100; 0 removes it.
    pub async fn set_quantity(&self, line_id: i64, quantity: i32) -> Result<Cart> {
        let (line, quantity) = (market_sdk::LineId(id("line_id", line_id)?), self::quantity(quantity));
        run(self.core.set_quantity(line, quantity)).await
    }

    /// Removes a line.
    pub async fn remove(&self, line_id: i64) -> Result<Cart> {
        let line = market_sdk::LineId(id("line_id", line_id)?);
        run(self.core.remove(line)).await
    }

    /// Removes all lines. An empty cart is no error.
    pub async fn clear(&self) -> Result<Cart> {
        run(self.core.clear()).await
    }
}

/// The wishlist of the user who is signed in. The server keeps it.
#[derive(uniffi::Object)]
pub struct WishlistApi {
    pub(crate) core: market_sdk::WishlistApi,
}

#[uniffi::export]
impl WishlistApi {
    /// Reads the wishlist.
    pub async fn get(&self) -> Result<Wishlist> {
        run(self.core.get()).await
    }

    /// Puts a product on the wishlist. That it is there already is no error.
    pub async fn add(&self, product_id: i64) -> Result<Wishlist> {
        let product = market_sdk::ProductId(id("product_id", product_id)?);
        run(self.core.add(product)).await
    }

    /// Takes a product off the wishlist. Ends with `NotFound` if it is not on it.
    pub async fn remove(&self, product_id: i64) -> Result<Wishlist> {
        let product = market_sdk::ProductId(id("product_id", product_id)?);
        run(self.core.remove(product)).await
    }

    /// Takes all products off the wishlist.
    pub async fn clear(&self) -> Result<Wishlist> {
        run(self.core.clear()).await
    }
}

/// The orders of the user who is signed in.
#[derive(uniffi::Object)]
pub struct OrdersApi {
    pub(crate) core: market_sdk::OrdersApi,
}

#[uniffi::export]
impl OrdersApi {
    /// Places an order. After `OutcomeUnknown` it may have been placed, and no other of this user is placed
    /// (`OrderPending`) until `resolve` has found out, unless it is forced.
    pub async fn place(&self, order: NewOrder) -> Result<Order> {
        run(self.core.place(order.checked()?.into())).await
    }

    /// Finds out what became of an order whose answer was lost, in this process or an earlier one: to be called after
    /// `OutcomeUnknown` and `OrderPending`, and when the app has started. Without such an order nothing is sent.
    pub async fn resolve(&self) -> Result<OrderOutcome> {
        run(self.core.resolve()).await
    }

    /// Lists orders, newest first: one page of them.
    pub async fn list(&self, query: OrderQuery) -> Result<Vec<Order>> {
        let orders: Vec<market_sdk::Order> = run(self.core.list(query.checked()?.into())).await?;
        Ok(orders.into_iter().map(Into::into).collect())
    }

    /// Reads one order.
    pub async fn get(&self, order_id: i64) -> Result<Order> {
        let order = market_sdk::OrderId(id("order_id", order_id)?);
        run(self.core.get(order)).await
    }

    /// Cancels an order. Ends with `Rejected` if it is too late for that, or it is cancelled already.
    pub async fn cancel(&self, order_id: i64) -> Result<CancelledOrder> {
        let order = market_sdk::OrderId(id("order_id", order_id)?);
        run(self.core.cancel(order)).await
    }
}

#[cfg(test)]
mod tests {
    use crate::client::tests::client;
    use crate::error::{ErrorCode, MarketError};
    use crate::model::{NewOrder, NewOrderItem, OrderQuery};
    use crate::runtime::handle;

    fn refused<T: std::fmt::Debug>(call: impl Future<Output = crate::Result<T>>) -> String {
        let MarketError::Failed { failure } = handle().unwrap().block_on(call).unwrap_err();
        assert_eq!(failure.code, ErrorCode::InvalidInput);
        failure.fields.into_iter().map(|field| field.path).collect()
    }

    #[test]
    fn p9_a_number_below_zero_is_refused_and_not_sent_as_another() {
        let market = client();
        let (cart, wishlist, orders) = (market.cart(), market.wishlist(), market.orders());
        assert_eq!(refused(cart.add(-1, 1)), "sku_id");
        assert_eq!(refused(cart.set_quantity(i64::MIN, 1)), "line_id");
        assert_eq!(refused(cart.remove(-1)), "line_id");
        assert_eq!(refused(wishlist.add(-1)), "product_id");
        assert_eq!(refused(wishlist.remove(-1)), "product_id");
        assert_eq!(refused(orders.get(-1)), "order_id");
        assert_eq!(refused(orders.cancel(-1)), "order_id");
        assert_eq!(refused(orders.list(OrderQuery { limit: 20, offset: -1, status: None })), "offset");
        let order = NewOrder {
            customer_name: "Ann".to_owned(),
            customer_phone: "+13128059851".to_owned(),
            delivery_address: "1 Main St".to_owned(),
            items: Some(vec![NewOrderItem { sku_id: -1, quantity: 1 }]),
            email: None,
            city: None,
            notes: None,
            payment_method: None,
            force: false,
            park_on_expiry: false,
        };
        assert_eq!(refused(orders.place(order)), "items.0.sku_id");
    }
}
