//! What each act calls, and callers that leave.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::super::super::world::{OTHER_PHONE, PHONE};
use super::super::log::{CallId, Event, Got, Log, Resolved};
use super::super::steps::{Act, User};
use super::super::wire::code;
use crate::model::*;
use crate::{Error, MarketClient};

/// Notes that the caller has left.
pub(super) struct Left {
    pub(super) log: Log,
    pub(super) call: Option<CallId>,
}

impl Drop for Left {
    fn drop(&mut self) {
        if let Some(call) = self.call {
            self.log.push(Event::Dropped { call });
        }
    }
}

/// Polls a future as often as it is woken, `most` times at most, and drops it.
pub(super) async fn polled<F: Future + Unpin>(mut future: F, most: usize) -> Option<F::Output> {
    let mut polls = 0;
    poll_fn(move |context| {
        polls += 1;
        match std::pin::Pin::new(&mut future).poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if polls >= most => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn user_of(id: Option<UserId>) -> Got {
    Got::Of(id.map(|id| id.0))
}

pub(super) fn act_on(
    market: MarketClient,
    act: Act,
    number: CallId,
    (wish, address): (Option<usize>, usize),
) -> BoxFuture<'static, Result<Got, Error>> {
    let (session, cart, wishlist, orders) =
        (market.session(), market.cart(), market.wishlist(), market.orders());
    let id = number as u64;
    let phone = |user: User| if user == User::Ann { PHONE } else { OTHER_PHONE };
    let signed_in = |done: SignIn| Got::SignedIn { user: done.user.id.0, persisted: done.persisted };
    let order = move |from_cart: bool, parks: bool, forced: bool| {
        let address = format!("{address} Main St");
        let order = match from_cart {
            true => NewOrder::from_cart("Ann", PHONE, address),
            false => NewOrder::of_items("Ann", PHONE, address, [(SkuId(42), 1)]),
        };
        let order = order.notes(wish.unwrap_or_default().to_string());
        let order = if parks { order.park_on_expiry() } else { order };
        if forced { order.force() } else { order }
    };
    Box::pin(async move {
        Ok(match act {
            Act::SignIn(user) => signed_in(session.verify_code(phone(user), &code(number)).await?),
            Act::SignInTwice(user) => {
                let both = [(); 2].map(|()| session.verify_code(phone(user), &code(number)));
                let [one, other] = both;
                let (one, other) = futures_util::future::join(one, other).await;
                other?;
                signed_in(one?)
            }
            Act::SignInWrongly(user) => {
                let wrong = session.verify_code(phone(user), "000000").await;
                wrong.map(signed_in)?
            }
            Act::RequestCode(user) => session.request_code(phone(user)).await.map(|_| Got::Nothing)?,
            Act::Logout => session.logout().await.map(|()| Got::Nothing)?,
            Act::Clear => session.clear().await.map(|()| Got::Nothing)?,
            Act::Restore => session.restore().await.map(|_| Got::Nothing)?,
            Act::RequireValidity => {
                session.require_validity(Duration::from_secs(600)).await.map(|()| Got::Nothing)?
            }
            Act::Profile => user_of(Some(session.profile().await?.id)),
            Act::UpdateProfile => {
                user_of(Some(session.update_profile(ProfileUpdate::new().full_name("Ann")).await?.id))
            }
            Act::VerifyToken => user_of(session.verify_token().await?.user_id),
            Act::CartGet => user_of(cart.get().await?.user_id),
            Act::CartAdd => user_of(cart.add(SkuId(id), 1).await?.user_id),
            Act::CartSet => user_of(cart.set_quantity(LineId(id), 2).await?.user_id),
            Act::CartRemove => user_of(cart.remove(LineId(id)).await?.user_id),
            Act::CartClear => user_of(cart.clear().await?.user_id),
            Act::WishlistGet => user_of(wishlist.get().await?.user_id),
            Act::WishlistAdd => user_of(wishlist.add(ProductId(id)).await?.user_id),
            Act::WishlistRemove => user_of(wishlist.remove(ProductId(id)).await?.user_id),
            Act::WishlistClear => user_of(wishlist.clear().await?.user_id),
            Act::Order { from_cart, parks, forced } => {
                Got::Order(orders.place(order(from_cart, parks, forced)).await?.id.0)
            }
            Act::OrderAgain { parks } => Got::Order(orders.place(order(false, parks, false)).await?.id.0),
            Act::Resolve => Got::Resolved(match orders.resolve().await? {
                OrderOutcome::Placed(order) => Resolved::Placed(order.id.0),
                OrderOutcome::NotPlaced => Resolved::NotPlaced,
                _ => Resolved::NotKnown,
            }),
            Act::Orders => orders.list(OrderQuery::new()).await.map(|_| Got::Nothing)?,
            Act::OrderCancel => orders.cancel(OrderId(id)).await.map(|_| Got::Nothing)?,
            Act::RawGet => {
                market.request(RawRequest::new(Method::Get, "/products")).await.map(|_| Got::Nothing)?
            }
            Act::RawPost => {
                let post = RawRequest::new(Method::Post, "/products").query("n", number.to_string());
                market.request(post).await.map(|_| Got::Nothing)?
            }
            Act::RawWithoutSession => {
                let get = RawRequest::new(Method::Get, "/auth/markets").without_session();
                market.request(get).await.map(|_| Got::Nothing)?
            }
        })
    })
}
