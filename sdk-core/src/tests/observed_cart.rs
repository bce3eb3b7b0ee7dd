//! What those see who observe the cart.

use std::time::Duration;

use futures_util::future::join_all;

use super::shop::{CODE, LATENCY, Mishap};
use super::world::{OTHER_PHONE, World};
use crate::model::{Cart, LineId, NewOrder, SessionState, SkuId};
use crate::{Carts, ErrorCode};

fn pieces(cart: Option<&Cart>) -> Option<i64> {
    cart.map(|cart| cart.items.iter().map(|line| line.quantity).sum())
}

/// All that is shown until nothing more comes for a while.
async fn shown(carts: &mut Carts) -> Vec<Option<i64>> {
    let mut shown = Vec::new();
    while let Ok(Some(cart)) = tokio::time::timeout(Duration::from_secs(120), carts.next()).await {
        shown.push(pieces(cart.as_ref()));
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn p11_the_present_cart_comes_first_then_each_change_once_and_the_newest_last() {
    let world = World::signed_in().await;
    let cart = world.market.cart();
    let mut carts = cart.subscribe();
    assert_eq!(carts.next().await, Some(None), "none was read yet");
    cart.add(SkuId(42), 2).await.unwrap();
    assert_eq!(shown(&mut carts).await, [Some(2)]);
    assert_eq!(shown(&mut cart.subscribe()).await, [Some(2)], "a later observer begins with it");
    cart.get().await.unwrap();
    assert!(shown(&mut carts).await.is_empty(), "a read that changes nothing says nothing");
    // Many at once: whatever is seen of them, it never goes back, and ends with the last.
    join_all((0..50).map(|_| cart.add(SkuId(42), 1))).await;
    let seen = shown(&mut carts).await;
    assert!(seen.is_sorted() && seen.last() == Some(&Some(52)), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_failed_ends_in_a_fresh_read_for_those_who_observe() {
    let failures = [
        (Mishap::LostAfter, ErrorCode::Network, Some(3)),
        (Mishap::Status(500, ""), ErrorCode::Server, Some(2)),
        (Mishap::Status(409, ""), ErrorCode::Rejected, Some(2)),
    ];
    for (mishap, code, pieces) in failures {
        let world = World::signed_in().await;
        let cart = world.market.cart();
        cart.add(SkuId(42), 2).await.unwrap();
        let mut carts = cart.subscribe();
        assert_eq!(shown(&mut carts).await, [Some(2)]);
        world.shop.mishap("/cart/items", mishap.clone());
        assert_eq!(cart.add(SkuId(42), 1).await.unwrap_err().code(), code);
        world.settle().await;
        assert_eq!(world.shop.seen_at("/cart").len(), 1, "{mishap:?}");
        let seen = shown(&mut carts).await;
        let expected = if pieces == Some(3) { vec![pieces] } else { vec![] };
        assert_eq!(seen, expected, "{mishap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_certainly_did_nothing_is_followed_by_no_read() {
    let world = World::signed_in().await;
    let _carts = world.market.cart().subscribe();
    assert_eq!(world.market.cart().add(SkuId(42), 0).await.unwrap_err().code(), ErrorCode::InvalidInput);
    world.shop.expire_tokens();
    assert_eq!(world.market.cart().add(SkuId(42), 1).await.unwrap_err().code(), ErrorCode::SessionExpired);
    world.settle().await;
    assert!(world.shop.seen_at("/cart").is_empty());
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_fresh_reads_are_paid_for_like_calls_made_again() {
    let world = World::signed_in().await;
    let _carts = world.market.cart().subscribe();
    world.shop.fails(Some(Mishap::Status(500, "")));
    for _ in 0..50 {
        world.market.cart().set_quantity(LineId(0), 1).await.unwrap_err();
        tokio::time::sleep(LATENCY * 3).await;
    }
    assert_eq!(world.shop.seen_at("/cart").len(), 1);

    // What is owed is made good when the server is well again, and once.
    world.shop.fails(None);
    for _ in 0..30 {
        world.market.session().profile().await.unwrap();
        tokio::time::sleep(LATENCY * 3).await;
    }
    assert_eq!(world.shop.seen_at("/cart").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_read_that_is_owed_is_not_made_if_the_cart_was_read_meanwhile() {
    let world = World::signed_in().await;
    let _carts = world.market.cart().subscribe();
    world.shop.fails(Some(Mishap::Status(500, "")));
    world.market.cart().set_quantity(LineId(0), 1).await.unwrap_err();
    world.settle().await;
    world.shop.fails(None);
    world.shop.forget_seen();
    world.market.cart().get().await.unwrap();
    for _ in 0..12 {
        world.market.session().profile().await.unwrap();
        tokio::time::sleep(LATENCY * 3).await;
    }
    assert_eq!(world.shop.seen_at("/cart").len(), 1, "the app's own");
    // What was kept for it is there for the next call that is to be made again.
    world.shop.mishap("/auth/profile", Mishap::Status(502, ""));
    world.market.session().profile().await.unwrap();
}

/// The cart holds 2, one more was added and its answer lost; the fresh read met this.
async fn in_doubt(reads_meet: &[Mishap], observed: bool) -> (World, Option<Carts>) {
    let world = World::signed_in().await;
    let cart = world.market.cart();
    cart.add(SkuId(42), 2).await.unwrap();
    let mut carts = observed.then(|| cart.subscribe());
    if let Some(carts) = &mut carts {
        assert_eq!(shown(carts).await, [Some(2)]);
    }
    world.shop.mishap("/cart/items", Mishap::LostAfter);
    for mishap in reads_meet {
        world.shop.mishap("/cart", mishap.clone());
    }
    assert_eq!(cart.add(SkuId(42), 1).await.unwrap_err().code(), ErrorCode::Network);
    tokio::time::sleep(LATENCY * 3).await;
    (world, carts)
}

#[tokio::test(start_paused = true)]
async fn a_fresh_read_that_failed_is_made_again_though_the_app_is_quiet() {
    for status in [503, 500, 429] {
        let (world, carts) = in_doubt(&[Mishap::Status(status, "")], true).await;
        assert_eq!(world.shop.seen_at("/cart").len(), 1, "{status}");
        assert_eq!(shown(&mut carts.unwrap()).await, [Some(3)], "{status}");
        assert_eq!(world.shop.seen_at("/cart").len(), 2, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn fresh_reads_that_fail_come_ever_more_seldom() {
    let outage = vec![Mishap::Status(503, ""); 50];
    let (world, _carts) = in_doubt(&outage, true).await;
    tokio::time::sleep(Duration::from_secs(25 * 60)).await;
    // After 30 s, 1, 2, 4 and then 5 minutes, and up to half as long again.
    let count = world.shop.seen_at("/cart").len();
    assert!((6..=9).contains(&count), "{count}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_observe_after_a_change_that_failed_is_shown_what_it_has_left() {
    let (world, _) = in_doubt(&[], false).await;
    assert!(world.shop.seen_at("/cart").is_empty(), "nobody observes");
    assert_eq!(shown(&mut world.market.cart().subscribe()).await, [Some(2), Some(3)]);
    assert_eq!(shown(&mut world.market.cart().subscribe()).await, [Some(3)]);
    assert_eq!(world.shop.seen_at("/cart").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_read_stays_owed_while_nobody_observes() {
    let (world, carts) = in_doubt(&[Mishap::Status(503, "")], true).await;
    drop(carts);
    for _ in 0..12 {
        world.market.session().profile().await.unwrap();
        tokio::time::sleep(LATENCY * 3).await;
    }
    assert_eq!(world.shop.seen_at("/cart").len(), 1);
    assert_eq!(shown(&mut world.market.cart().subscribe()).await.last(), Some(&Some(3)));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_read_does_not_wait_for_a_session_in_the_count_that_the_app_is_shown() {
    let world = World::parking(10, Duration::from_secs(600)).await;
    let cart = world.market.cart();
    let mut carts = cart.subscribe();
    cart.add(SkuId(42), 2).await.unwrap();
    assert_eq!(shown(&mut carts).await.last(), Some(&Some(2)));
    world.shop.mishap("/cart/items", Mishap::LostAfter);
    cart.add(SkuId(42), 1).await.unwrap_err();
    world.shop.expire_tokens();
    tokio::time::sleep(LATENCY * 3).await;
    assert!(matches!(world.state(), SessionState::Expired { waiting: 0, .. }), "{:?}", world.state());
    world.sign_in().await.unwrap();
    assert_eq!(shown(&mut carts).await.last(), Some(&Some(3)));
}

#[tokio::test(start_paused = true)]
async fn an_order_from_the_cart_empties_it_for_those_who_observe() {
    let world = World::signed_in().await;
    let cart = world.market.cart();
    let mut carts = cart.subscribe();
    cart.add(SkuId(42), 2).await.unwrap();
    let order = || NewOrder::from_cart("Ann", super::world::PHONE, "1 Main St");
    world.market.orders().place(order()).await.unwrap();
    assert_eq!(shown(&mut carts).await, [Some(2), Some(0)]);

    // Also if the answer is lost.
    cart.add(SkuId(42), 1).await.unwrap();
    world.shop.mishap("/orders/create", Mishap::LostAfter);
    assert_eq!(world.market.orders().place(order()).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_eq!(shown(&mut carts).await.last(), Some(&Some(0)));
}

#[tokio::test(start_paused = true)]
async fn p2_nobody_is_shown_the_cart_of_who_was_there_before() {
    let world = World::signed_in().await;
    let cart = world.market.cart();
    let mut carts = cart.subscribe();
    cart.add(SkuId(42), 2).await.unwrap();
    // A read of the first user's is under way when the second signs in.
    world.shop.mishap("/cart", Mishap::Slow(Duration::from_secs(5)));
    let late = tokio::spawn(cart.get());
    tokio::time::sleep(LATENCY).await;
    world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
    assert_eq!(late.await.unwrap().unwrap_err().code(), ErrorCode::SignedOut);
    assert_eq!(shown(&mut carts).await.last(), Some(&None));
    assert_eq!(shown(&mut cart.subscribe()).await, [None]);

    cart.get().await.unwrap();
    assert_eq!(shown(&mut carts).await, [Some(0)], "the second user's own");
    world.market.session().logout().await.unwrap();
    assert_eq!(shown(&mut carts).await, [None]);
}

#[tokio::test(start_paused = true)]
async fn the_cart_stays_over_an_expiry_for_the_same_user() {
    let world = World::signed_in().await;
    let cart = world.market.cart();
    let mut carts = cart.subscribe();
    cart.add(SkuId(42), 2).await.unwrap();
    world.shop.expire_tokens();
    assert_eq!(cart.get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    world.sign_in().await.unwrap();
    cart.add(SkuId(42), 1).await.unwrap();
    let seen = shown(&mut carts).await;
    assert!(!seen.contains(&None) || seen == [None, Some(2), Some(3)], "{seen:?}");
    assert_eq!(seen.last(), Some(&Some(3)));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_read_that_an_expiry_stops_is_made_when_the_same_user_is_back() {
    for same in [true, false] {
        let world = World::signed_in().await;
        let cart = world.market.cart();
        let mut carts = cart.subscribe();
        cart.add(SkuId(42), 2).await.unwrap();
        assert_eq!(shown(&mut carts).await.last(), Some(&Some(2)));
        world.shop.mishap("/cart/items", Mishap::LostAfter);
        world.shop.mishap("/cart", Mishap::Status(401, ""));
        assert_eq!(cart.add(SkuId(42), 1).await.unwrap_err().code(), ErrorCode::Network);
        world.settle().await;
        assert_eq!(world.shop.seen_at("/cart").len(), 1);
        assert!(shown(&mut carts).await.is_empty(), "the cart of before stays over the expiry");
        if same {
            world.sign_in().await.unwrap();
            assert_eq!(shown(&mut carts).await, [Some(3)]);
            assert_eq!(world.shop.seen_at("/cart").len(), 2);
        } else {
            world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
            assert_eq!(shown(&mut carts).await, [None]);
            assert_eq!(world.shop.seen_at("/cart").len(), 1, "nothing of it is the other's");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_read_that_waits_for_a_session_does_not_keep_the_client() {
    let world = World::signed_in().await;
    let mut carts = world.market.cart().subscribe();
    assert_eq!(carts.next().await, Some(None));
    world.shop.mishap("/cart/items", Mishap::LostAfter);
    world.shop.mishap("/cart", Mishap::Status(401, ""));
    assert!(world.market.cart().add(SkuId(42), 1).await.is_err());
    world.settle().await;
    drop(world);
    let end = tokio::time::timeout(Duration::from_secs(120), carts.next()).await;
    assert_eq!(end, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn the_carts_end_with_the_client() {
    let world = World::signed_in().await;
    let mut carts = world.market.cart().subscribe();
    assert_eq!(carts.next().await, Some(None));
    drop(world);
    assert_eq!(carts.next().await, None);
}
