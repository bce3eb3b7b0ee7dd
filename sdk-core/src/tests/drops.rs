//! Poll and drop: every public future is polled k times and dropped, for each k until it completes.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use super::shop::{CODE, Mishap};
use super::world::{OTHER_PHONE, PHONE, World};
use crate::model::*;
use crate::{ErrorCode, MarketClient, Result};

/// Polls a future as often as it is woken, `most` times at most, and drops it.
async fn polled<F: Future>(future: F, most: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut polls = 0;
    poll_fn(move |context| {
        if polls == most {
            return Poll::Ready(None);
        }
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if polls == most => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

type Act = fn(MarketClient) -> BoxFuture<'static, ()>;

/// Every public future. What comes of it does not matter here.
const ACTS: &[(&str, Act)] = &[
    ("restore", |market| Box::pin(async move { drop(market.session().restore().await) })),
    ("request_code", |market| Box::pin(async move { drop(market.session().request_code(PHONE).await) })),
    ("verify_code", |market| Box::pin(async move { drop(market.session().verify_code(PHONE, CODE).await) })),
    ("verify_code of another", |market| {
        Box::pin(async move { drop(market.session().verify_code(OTHER_PHONE, CODE).await) })
    }),
    ("verify_code twice", |market| {
        Box::pin(async move {
            let session = market.session();
            let both = futures_util::future::join(
                session.verify_code(PHONE, CODE),
                session.verify_code(PHONE, "9999"),
            );
            drop(both.await);
        })
    }),
    ("logout", |market| Box::pin(async move { drop(market.session().logout().await) })),
    ("clear", |market| Box::pin(async move { drop(market.session().clear().await) })),
    ("profile", |market| Box::pin(async move { drop(market.session().profile().await) })),
    ("update_profile", |market| {
        Box::pin(
            async move { drop(market.session().update_profile(ProfileUpdate::new().full_name("Ann")).await) },
        )
    }),
    ("verify_token", |market| Box::pin(async move { drop(market.session().verify_token().await) })),
    ("require_validity", |market| {
        Box::pin(async move { drop(market.session().require_validity(Duration::from_secs(60)).await) })
    }),
    ("markets", |market| Box::pin(async move { drop(market.session().markets().await) })),
    ("states", |market| {
        Box::pin(async move {
            let mut states = market.session().subscribe();
            states.next().await;
        })
    }),
    ("cart get", |market| Box::pin(async move { drop(market.cart().get().await) })),
    ("cart add", |market| Box::pin(async move { drop(market.cart().add(SkuId(42), 1).await) })),
    ("cart set", |market| Box::pin(async move { drop(market.cart().set_quantity(LineId(0), 3).await) })),
    ("cart remove", |market| Box::pin(async move { drop(market.cart().remove(LineId(0)).await) })),
    ("cart clear", |market| Box::pin(async move { drop(market.cart().clear().await) })),
    ("wishlist get", |market| Box::pin(async move { drop(market.wishlist().get().await) })),
    ("wishlist add", |market| Box::pin(async move { drop(market.wishlist().add(ProductId(15)).await) })),
    ("wishlist remove", |market| {
        Box::pin(async move { drop(market.wishlist().remove(ProductId(15)).await) })
    }),
    ("wishlist clear", |market| Box::pin(async move { drop(market.wishlist().clear().await) })),
    ("order from cart", |market| Box::pin(async move { drop(market.orders().place(order()).await) })),
    ("order of items", |market| {
        let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).park_on_expiry();
        Box::pin(async move { drop(market.orders().place(order).await) })
    }),
    ("order forced", |market| {
        let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]);
        Box::pin(async move { drop(market.orders().place(order.force()).await) })
    }),
    ("order resolved", |market| Box::pin(async move { drop(market.orders().resolve().await) })),
    ("orders list", |market| Box::pin(async move { drop(market.orders().list(OrderQuery::new()).await) })),
    ("orders stream", |market| {
        Box::pin(async move { drop(market.orders().stream(OrderQuery::new()).collect::<Vec<_>>().await) })
    }),
    ("order get", |market| Box::pin(async move { drop(market.orders().get(OrderId(1001)).await) })),
    ("order cancel", |market| Box::pin(async move { drop(market.orders().cancel(OrderId(1001)).await) })),
    ("request", |market| {
        Box::pin(async move { drop(market.request(RawRequest::new(Method::Get, "/products")).await) })
    }),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    SignedOut,
    SignedIn,
    /// The server no longer accepts the token.
    Rejected,
    /// A stored session that is still being read.
    Restoring,
    /// The store does not answer until 30 s later.
    Hung,
    /// Each of the next requests is refused once.
    Flaky,
    /// The server no longer accepts the token, and calls wait until the user has signed in again, 10 s later.
    Parks,
    /// They wait, and nobody comes.
    ParksInVain,
    /// They wait behind one that does.
    ParksBehind,
}

/// Every call may wait.
fn order() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St").park_on_expiry()
}

async fn world(before: Before) -> World {
    let parks = matches!(before, Before::Parks | Before::ParksInVain | Before::ParksBehind);
    let world = if parks { World::parking(10, Duration::from_secs(300)).await } else { World::new() };
    if before != Before::SignedOut && !parks {
        world.sign_in().await.unwrap();
    }
    match before {
        Before::SignedOut => drop(world.market.session().restore().await),
        Before::SignedIn => {}
        Before::Rejected | Before::ParksInVain => world.shop.expire_tokens(),
        Before::Parks | Before::ParksBehind => {
            world.shop.expire_tokens();
            if before == Before::ParksBehind {
                tokio::spawn(world.market.cart().add(SkuId(43), 1));
                tokio::task::yield_now().await;
            }
            let session = world.market.session();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(10)).await;
                session.verify_code(PHONE, CODE).await
            });
        }
        Before::Restoring => return world.restart(),
        Before::Hung => {
            world.store.next_takes(Duration::from_secs(30));
            let world = world.restart();
            tokio::time::sleep(Duration::from_secs(6)).await;
            return world;
        }
        Before::Flaky => {
            for path in [
                "/cart",
                "/cart/items",
                "/auth/verify-code",
                "/auth/logout",
                "/orders/create",
                "/orders",
                "/wishlist",
            ] {
                world.shop.mishap(path, Mishap::NotSent);
                world.shop.mishap(path, Mishap::Status(502, ""));
            }
        }
    }
    world
}

/// After anything, an app can go on: use the cart, or sign in for it; and sign in anew.
async fn next_call_works(world: &World) -> Result<()> {
    let cart = match world.state().is_signed_in() {
        true => world.market.cart().get().await.map(drop),
        false => Ok(()),
    };
    match cart {
        Err(error) if error.code() == ErrorCode::SessionExpired => {}
        other => other?,
    }
    world.sign_in().await?;
    world.market.cart().get().await.map(drop)
}

#[test]
fn p7_every_future_may_be_dropped_at_every_await() {
    let befores = [
        Before::SignedOut,
        Before::SignedIn,
        Before::Rejected,
        Before::Restoring,
        Before::Hung,
        Before::Flaky,
        Before::Parks,
        Before::ParksInVain,
        Before::ParksBehind,
    ];
    let mut drops = 0;
    for before in befores {
        for (name, act) in ACTS {
            for most in 0.. {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .start_paused(true)
                    .build()
                    .unwrap();
                let done = runtime.block_on(async {
                    let world = world(before).await;
                    let done = polled(act(world.market.clone()), most).await.is_some();
                    let when = format!("{before:?}, {name} dropped after {most} polls");
                    world.settle().await;
                    world.assert_consistent(&when);
                    world.shop.no_mishaps();
                    if let Err(error) = next_call_works(&world).await {
                        panic!("{when}: the next call failed: {error:?}");
                    }
                    world.settle().await;
                    world.assert_consistent(&when);
                    done
                });
                drops += 1;
                if done {
                    break;
                }
                assert!(most < 200, "{name} never completes");
            }
        }
    }
    println!("figure: poll and drop: {} futures in {} situations, {drops} drops", ACTS.len(), befores.len());
}

#[tokio::test(start_paused = true)]
async fn p7_p12_a_resolve_left_before_it_hears_that_the_note_is_gone_lets_no_earlier_tap_order_twice() {
    let world = World::signed_in().await;
    let place = || {
        let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]);
        world.market.orders().place(order)
    };
    world.shop.mishap("/orders/create", Mishap::LostAfter);
    assert_eq!(place().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    let mut resolving = Box::pin(world.market.orders().resolve());
    let mut tap = None;
    while world.store.noted().is_some() {
        let pending = poll_fn(|context| Poll::Ready(resolving.as_mut().poll(context).is_pending())).await;
        assert!(pending);
        // It waits behind the resolve, made while it was not known that the first had been placed.
        tap.get_or_insert_with(|| tokio::spawn(place()));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(resolving);
    assert_eq!(tap.unwrap().await.unwrap().unwrap_err().code(), ErrorCode::OrderPending);
    assert_eq!(world.shop.orders(), 1);
}
