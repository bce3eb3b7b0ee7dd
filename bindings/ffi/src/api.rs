//! What an app calls, area by area.

use std::sync::Arc;

use crate::error::Result;
use crate::listeners::{self, CartListener, SessionEndListener, SessionListener, Subscription};
use crate::model::{
    CancelledOrder, Cart, CodeSent, Markets, NewOrder, Order, OrderQuery, Profile, ProfileUpdate,
    SessionState, SignIn, TokenStatus, Wishlist, quantity,
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

    /// Waits until it is known whether somebody is signed in. Calls do this by themselves; an app does it to
    /// choose its first screen.
    pub async fn restore(&self) -> Result<SessionState> {
        let core = self.core.clone();
        Ok(run(async move { core.restore().await }).await?.into())
    }

    /// Tells the SDK that the app came to the foreground: an expiry that was slept through is noticed, and a
    /// locked store is read again. It does not wait.
    pub fn resumed(&self) {
        self.core.resumed();
    }

    /// Has a code sent to `phone` by SMS. Ends with `InvalidInput` or `RateLimited` if that is not to be.
    pub async fn request_code(&self, phone: String) -> Result<CodeSent> {
        let core = self.core.clone();
        Ok(run(async move { core.request_code(&phone).await }).await?.into())
    }

    /// Signs in with the code that came by SMS: 4 to 8 digits. After `OutcomeUnknown`, ask for a new code.
    pub async fn verify_code(&self, phone: String, code: String) -> Result<SignIn> {
        let core = self.core.clone();
        Ok(run(async move { core.verify_code(&phone, &code).await }).await?.into())
    }

    /// Signs out. When this returns, no later request carries the session's token, and the store is erased;
    /// `StoreNotCleared` if that has to wait.
    pub async fn logout(&self) -> Result<()> {
        let core = self.core.clone();
        run(async move { core.logout().await }).await
    }

    /// Signs out without telling the server: for a device that changes hands, or a user who is gone.
    pub async fn clear(&self) -> Result<()> {
        let core = self.core.clone();
        run(async move { core.clear().await }).await
    }

    /// Reads the user's profile.
    pub async fn profile(&self) -> Result<Profile> {
        let core = self.core.clone();
        Ok(run(async move { core.profile().await }).await?.into())
    }

    /// Changes the user's profile.
    pub async fn update_profile(&self, update: ProfileUpdate) -> Result<Profile> {
        let core = self.core.clone();
        Ok(run(async move { core.update_profile(update.into()).await }).await?.into())
    }

    /// Asks the server whether it still accepts the session.
    pub async fn verify_token(&self) -> Result<TokenStatus> {
        let core = self.core.clone();
        Ok(run(async move { core.verify_token().await }).await?.into())
    }

    /// The markets that the server serves. Nobody needs to be signed in.
    pub async fn markets(&self) -> Result<Markets> {
        let core = self.core.clone();
        Ok(run(async move { core.markets().await }).await?.into())
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
        let core = self.core.clone();
        Ok(run(async move { core.get().await }).await?.into())
    }

    /// Adds pieces, 1 to 100, of a SKU. If the cart has a line of it, that line grows. A call whose answer was lost
    /// may have added: read the cart before adding again.
    pub async fn add(&self, sku_id: i64, quantity: i32) -> Result<Cart> {
        let core = self.core.clone();
        let quantity = self::quantity(quantity);
        Ok(run(async move { core.add(market_sdk::SkuId(sku_id.cast_unsigned()), quantity).await })
            .await?
            .into())
    }

    /// Sets how many pieces a line holds, 0 to 100; 0 removes it.
    pub async fn set_quantity(&self, line_id: i64, quantity: i32) -> Result<Cart> {
        let core = self.core.clone();
        let (line, quantity) = (market_sdk::LineId(line_id.cast_unsigned()), self::quantity(quantity));
        Ok(run(async move { core.set_quantity(line, quantity).await }).await?.into())
    }

    /// Removes a line.
    pub async fn remove(&self, line_id: i64) -> Result<Cart> {
        let core = self.core.clone();
        let line = market_sdk::LineId(line_id.cast_unsigned());
        Ok(run(async move { core.remove(line).await }).await?.into())
    }

    /// Removes all lines. An empty cart is no error.
    pub async fn clear(&self) -> Result<Cart> {
        let core = self.core.clone();
        Ok(run(async move { core.clear().await }).await?.into())
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
        let core = self.core.clone();
        Ok(run(async move { core.get().await }).await?.into())
    }

    /// Puts a product on the wishlist. That it is there already is no error.
    pub async fn add(&self, product_id: i64) -> Result<Wishlist> {
        let core = self.core.clone();
        let product = market_sdk::ProductId(product_id.cast_unsigned());
        Ok(run(async move { core.add(product).await }).await?.into())
    }

    /// Takes a product off the wishlist. Ends with `NotFound` if it is not on it.
    pub async fn remove(&self, product_id: i64) -> Result<Wishlist> {
        let core = self.core.clone();
        let product = market_sdk::ProductId(product_id.cast_unsigned());
        Ok(run(async move { core.remove(product).await }).await?.into())
    }

    /// Takes all products off the wishlist.
    pub async fn clear(&self) -> Result<Wishlist> {
        let core = self.core.clone();
        Ok(run(async move { core.clear().await }).await?.into())
    }
}

/// The orders of the user who is signed in.
#[derive(uniffi::Object)]
pub struct OrdersApi {
    pub(crate) core: market_sdk::OrdersApi,
}

#[uniffi::export]
impl OrdersApi {
    /// Places an order. After `OutcomeUnknown` it may have been placed: look at the list of orders.
    pub async fn place(&self, order: NewOrder) -> Result<Order> {
        let core = self.core.clone();
        Ok(run(async move { core.place(order.into()).await }).await?.into())
    }

    /// Lists orders, newest first: one page of them.
    pub async fn list(&self, query: OrderQuery) -> Result<Vec<Order>> {
        let core = self.core.clone();
        let orders = run(async move { core.list(query.into()).await }).await?;
        Ok(orders.into_iter().map(Into::into).collect())
    }

    /// Reads one order.
    pub async fn get(&self, order_id: i64) -> Result<Order> {
        let core = self.core.clone();
        let order = market_sdk::OrderId(order_id.cast_unsigned());
        Ok(run(async move { core.get(order).await }).await?.into())
    }

    /// Cancels an order. Ends with `Rejected` if it is too late for that, or it is cancelled already.
    pub async fn cancel(&self, order_id: i64) -> Result<CancelledOrder> {
        let core = self.core.clone();
        let order = market_sdk::OrderId(order_id.cast_unsigned());
        Ok(run(async move { core.cancel(order).await }).await?.into())
    }
}
