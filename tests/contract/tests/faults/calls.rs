//! Every call of the SDK, and what class of call it is.

use futures_util::future::BoxFuture;
use market_sdk::{
    LineId, MarketClient, Method, NewOrder, OrderId, OrderQuery, ProductId, ProfileUpdate, RawRequest,
    Result, SkuId,
};
use serde_json::{Value, json};

use crate::cell::{CODE, LINE, ORDER, PHONE};

/// What the table has a column for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// As the user; changes nothing.
    Read,
    /// As the user; twice is the same as once.
    Write,
    /// As the user; a second time does more, or is refused.
    Once,
    /// Places an order: as the user, once, and whether it happened has to be known.
    Order,
    /// Spends a code: without the token, once, and whether it happened has to be known.
    SignIn,
    /// Has a code sent: without the token, once.
    Code,
    /// Reads without the token.
    Open,
    /// Ends the session here, and tells the server as well as it can.
    Logout,
}

impl Class {
    pub(crate) const ALL: [Class; 8] = [
        Class::Read,
        Class::Write,
        Class::Once,
        Class::Order,
        Class::SignIn,
        Class::Code,
        Class::Open,
        Class::Logout,
    ];

    /// Whether the token goes with it, and nobody can make it who is not signed in.
    pub(crate) fn needs_session(self) -> bool {
        matches!(self, Class::Read | Class::Write | Class::Once | Class::Order)
    }
}

/// One call of the SDK.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    /// Where it goes: the fault is played there, and requests are counted there.
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// What the query of its request is, for a redirect that keeps it.
    pub(crate) query: &'static str,
    pub(crate) make: fn(MarketClient) -> BoxFuture<'static, Result<()>>,
}

/// A line of the list below.
macro_rules! calls {
    ($($name:literal $class:ident $method:ident $path:literal ? $query:literal:
        $market:ident => $call:expr;)*) => {
        vec![$(Call {
            name: $name,
            class: Class::$class,
            method: stringify!($method),
            path: $path,
            query: $query,
            make: |$market| Box::pin(async move { $call.await.map(drop) }),
        }),*]
    };
}

/// All of them.
pub(crate) fn all() -> Vec<Call> {
    calls! {
        "profile" Read GET "/auth/profile" ? "market=us": m => m.session().profile();
        "verify_token" Read GET "/auth/verify-token" ? "market=us": m => m.session().verify_token();
        "cart get" Read GET "/cart" ? "market=us": m => m.cart().get();
        "wishlist get" Read GET "/wishlist" ? "market=us": m => m.wishlist().get();
        "orders list" Read GET "/orders" ? "limit=20&offset=0&market=us": m =>
            m.orders().list(OrderQuery::new());
        "orders get" Read GET "/orders/51" ? "market=us": m => m.orders().get(OrderId(ORDER));
        "raw GET" Read GET "/auth/profile" ? "market=us": m => raw_get(m);

        "update_profile" Write PUT "/auth/profile" ? "market=us": m =>
            m.session().update_profile(ProfileUpdate::new().full_name("Ann"));
        "cart set_quantity" Write PUT "/cart/items/71" ? "quantity=3&market=us": m =>
            m.cart().set_quantity(LineId(LINE), 3);
        "cart clear" Write DELETE "/cart" ? "market=us": m => m.cart().clear();
        "wishlist add" Write POST "/wishlist/items" ? "market=us": m => m.wishlist().add(ProductId(15));
        "wishlist clear" Write DELETE "/wishlist" ? "market=us": m => m.wishlist().clear();

        "cart add" Once POST "/cart/items" ? "market=us": m => m.cart().add(SkuId(88), 2);
        "cart remove" Once DELETE "/cart/items/71" ? "market=us": m => m.cart().remove(LineId(LINE));
        "wishlist remove" Once DELETE "/wishlist/items/10" ? "market=us": m =>
            m.wishlist().remove(ProductId(10));
        "orders cancel" Once POST "/profile/orders/51/cancel" ? "market=us": m =>
            m.orders().cancel(OrderId(ORDER));
        "raw POST" Once POST "/cart/items" ? "market=us": m => raw_post(m);

        "orders place (cart)" Order POST "/orders/create" ? "market=us": m =>
            m.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St"));
        "orders place (items)" Order POST "/orders/create" ? "market=us": m =>
            m.orders().place(NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 2)]));

        "verify_code" SignIn POST "/auth/verify-code" ? "market=us": m =>
            m.session().verify_code(PHONE, CODE);
        "request_code" Code POST "/auth/send-verification" ? "market=us": m =>
            m.session().request_code(PHONE);
        "markets" Open GET "/auth/markets" ? "": m => m.session().markets();
        "logout" Logout POST "/auth/logout" ? "market=us": m => m.session().logout();
    }
}

async fn raw_get(market: MarketClient) -> Result<Value> {
    market.request(RawRequest::new(Method::Get, "/auth/profile")).await?.json()
}

async fn raw_post(market: MarketClient) -> Result<Value> {
    let add = json!({"sku_id": 88, "quantity": 2});
    market.request(RawRequest::new(Method::Post, "/cart/items").json(&add)?).await?.json()
}
