//! The promises, on the scripted transport.

use std::collections::HashSet;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, join, join_all};

use super::shop::{CODE, LATENCY, Mishap, Seen};
use super::world::{OTHER_PHONE, PHONE, World};
use crate::model::*;
use crate::{Error, ErrorCode, MarketClient};

type Call = fn(MarketClient) -> BoxFuture<'static, Result<(), Error>>;

/// Every call that carries the token: its name, the path it goes to, whether it may be sent twice.
const CALLS: &[(&str, &str, bool, Call)] = &[
    ("profile", "/auth/profile", true, |m| Box::pin(async move { m.session().profile().await.map(drop) })),
    ("update_profile", "/auth/profile", true, |m| {
        Box::pin(
            async move { m.session().update_profile(ProfileUpdate::new().full_name("Ann")).await.map(drop) },
        )
    }),
    ("verify_token", "/auth/verify-token", true, |m| {
        Box::pin(async move { m.session().verify_token().await.map(drop) })
    }),
    ("cart get", "/cart", true, |m| Box::pin(async move { m.cart().get().await.map(drop) })),
    ("cart add", "/cart/items", false, |m| {
        Box::pin(async move { m.cart().add(SkuId(42), 1).await.map(drop) })
    }),
    ("cart set", "/cart/items/0", true, |m| {
        Box::pin(async move { m.cart().set_quantity(LineId(0), 3).await.map(drop) })
    }),
    ("cart remove", "/cart/items/0", false, |m| {
        Box::pin(async move { m.cart().remove(LineId(0)).await.map(drop) })
    }),
    ("cart clear", "/cart", true, |m| Box::pin(async move { m.cart().clear().await.map(drop) })),
    ("wishlist get", "/wishlist", true, |m| Box::pin(async move { m.wishlist().get().await.map(drop) })),
    ("wishlist add", "/wishlist/items", true, |m| {
        Box::pin(async move { m.wishlist().add(ProductId(15)).await.map(drop) })
    }),
    ("wishlist remove", "/wishlist/items/15", false, |m| {
        Box::pin(async move { m.wishlist().remove(ProductId(15)).await.map(drop) })
    }),
    ("wishlist clear", "/wishlist", true, |m| Box::pin(async move { m.wishlist().clear().await.map(drop) })),
    ("order from cart", "/orders/create", false, |m| {
        Box::pin(
            async move { m.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St")).await.map(drop) },
        )
    }),
    ("order of items", "/orders/create", false, |m| {
        let order = NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]);
        Box::pin(async move { m.orders().place(order).await.map(drop) })
    }),
    ("orders list", "/orders", true, |m| {
        Box::pin(async move { m.orders().list(OrderQuery::new()).await.map(drop) })
    }),
    ("order get", "/orders/1001", true, |m| {
        Box::pin(async move { m.orders().get(OrderId(1001)).await.map(drop) })
    }),
    ("order cancel", "/profile/orders/1001/cancel", false, |m| {
        Box::pin(async move { m.orders().cancel(OrderId(1001)).await.map(drop) })
    }),
    ("raw get", "/products", true, |m| {
        Box::pin(async move { m.request(RawRequest::new(Method::Get, "/products")).await.map(drop) })
    }),
    ("raw post", "/products", false, |m| {
        Box::pin(async move { m.request(RawRequest::new(Method::Post, "/products")).await.map(drop) })
    }),
];

fn token(seen: &Seen) -> Option<String> {
    seen.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn p1_the_token_leaves_in_the_authorization_header_alone() {
    let world = World::signed_in().await;
    for (_, _, _, call) in CALLS {
        let _ = call(world.market.clone()).await;
    }
    world.market.session().request_code(PHONE).await.unwrap();
    world.market.session().markets().await.unwrap();
    let raw = RawRequest::new(Method::Get, "/products").without_session();
    let _ = world.market.request(raw).await;
    world.market.session().logout().await.unwrap();
    let mut with_token = 0;
    for seen in world.shop.seen() {
        let anonymous =
            ["/auth/send-verification", "/auth/verify-code", "/auth/markets"].contains(&seen.path.as_str());
        for (name, value) in &seen.headers {
            let holds = value.to_str().unwrap().contains("secret-token");
            assert_eq!(holds, name == "authorization", "{name}");
            assert!(!holds || value.is_sensitive());
        }
        assert!(!(anonymous && token(&seen).is_some()), "{}", seen.path);
        with_token += usize::from(token(&seen).is_some());
        assert!(!format!("{} {} {}", seen.path, seen.query, seen.body).contains("secret-token"));
    }
    assert_eq!(with_token, CALLS.len() + 2 + 1, "each call, a read before each order, and the logout");
}

#[tokio::test(start_paused = true)]
async fn p2_a_late_401_does_not_end_the_session_that_came_after() {
    let world = World::signed_in().await;
    world.shop.mishap("/cart", Mishap::Slow(Duration::from_secs(20)));
    world.shop.expire_tokens();
    let late = tokio::spawn({
        let market = world.market.clone();
        async move { market.cart().get().await }
    });
    tokio::time::sleep(LATENCY * 3).await;
    assert_eq!(world.market.wishlist().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    world.sign_in().await.unwrap();
    // The late one asks at the door again, and goes on under the new session: it is the same user's.
    assert!(late.await.unwrap().is_ok());
    assert!(world.state().is_signed_in());
    world.assert_consistent("after the late answer");
}

#[tokio::test(start_paused = true)]
async fn p2_an_answer_that_comes_after_another_user_signed_in_is_not_handed_out() {
    let world = World::signed_in().await;
    world.shop.mishap("/wishlist", Mishap::Slow(Duration::from_secs(20)));
    let read = tokio::spawn({
        let market = world.market.clone();
        async move { market.wishlist().get().await }
    });
    tokio::time::sleep(LATENCY).await;
    world.market.session().verify_code(OTHER_PHONE, CODE).await.unwrap();
    assert_eq!(read.await.unwrap().unwrap_err().code(), ErrorCode::SignedOut);
}

#[tokio::test(start_paused = true)]
async fn p3_a_thousand_401s_and_a_sign_in_before_the_last_are_one_signal_and_a_session_that_lives() {
    let world = World::signed_in().await;
    let ends = world.ends();
    world.shop.expire_tokens();
    // Answers come one millisecond after the other, so some come long after the new sign-in.
    for at in 0..1000 {
        world.shop.mishap("/products", Mishap::Slow(Duration::from_millis(at)));
    }
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let market = world.market.clone();
            tokio::spawn(async move { market.request(RawRequest::new(Method::Get, "/products")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(matches!(world.state(), SessionState::Expired { .. }));
    world.sign_in().await.unwrap();
    let mut codes = HashSet::new();
    let mut resumed = 0;
    for call in join_all(calls).await {
        match call.unwrap() {
            Ok(_) => resumed += 1,
            Err(error) => drop(codes.insert(error.code())),
        }
    }
    assert_eq!(codes, HashSet::from([ErrorCode::SessionExpired]));
    assert!(
        resumed > 100,
        "{resumed} were answered 401 after the sign-in, and went on under the new session"
    );
    assert!(world.state().is_signed_in());
    world.assert_consistent("after all answers");
    let ends = ends.all(world);
    assert_eq!(ends.iter().map(|end| end.reason).collect::<Vec<_>>(), [EndReason::Rejected]);
}

#[tokio::test(start_paused = true)]
async fn p3_memory_is_cleared_before_the_signal_and_a_listener_that_blocks_or_panics_harms_nobody() {
    let world = World::signed_in().await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    world.market.session().on_end(move |_| {
        let _ = held.recv();
    });
    world.market.session().on_end(|_| panic!("as a host's code can"));
    let (told, states) = std::sync::mpsc::channel();
    let session = world.market.session();
    world.market.session().on_end(move |_| told.send(session.state()).unwrap());
    for _ in 0..2 {
        world.shop.expire_tokens();
        assert_eq!(world.market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
        let state =
            states.recv_timeout(Duration::from_secs(10)).expect("told, though another listener blocks");
        assert!(!state.is_signed_in(), "{state:?}");
        world.sign_in().await.unwrap();
    }
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn p3_a_listener_that_was_removed_is_told_no_more() {
    let world = World::signed_in().await;
    let (told, ends) = std::sync::mpsc::channel();
    let listener = world.market.session().on_end(move |end| told.send(end).unwrap());
    listener.remove();
    world.market.session().logout().await.unwrap();
    assert!(ends.recv().is_err(), "its thread has ended without a word");
}

#[tokio::test(start_paused = true)]
async fn p4_no_other_status_failure_or_body_ends_a_session() {
    let world = World::signed_in().await;
    world.market.cart().add(SkuId(1), 1).await.unwrap();
    let statuses =
        [400, 402, 403, 404, 405, 408, 409, 410, 418, 422, 429, 451, 500, 501, 502, 503, 504, 599, 304, 300];
    let mut mishaps: Vec<Mishap> = statuses.iter().map(|status| Mishap::Status(*status, "{}")).collect();
    mishaps.extend([Mishap::NotSent, Mishap::LostBefore, Mishap::LostAfter, Mishap::Silent]);
    mishaps.extend([
        Mishap::Body(b""),
        Mishap::Body(b"<html>"),
        Mishap::Body(b"{\"id\":"),
        Mishap::Body(b"401"),
    ]);
    for mishap in mishaps {
        for (name, path, _, call) in CALLS {
            for _ in 0..3 {
                world.shop.mishap(path, mishap.clone());
            }
            let _ = call(world.market.clone()).await;
            assert!(world.state().is_signed_in(), "{name}, {mishap:?}");
            world.shop.no_mishaps();
            // Half an hour is soon over with so many time-outs.
            if world.clock.age() > Duration::from_secs(1200) {
                world.sign_in().await.unwrap();
                world.clock.forget_age();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p5_when_logout_returns_no_later_request_carries_the_token() {
    // A call that is sent, one that waits to be made again, one in the lane behind another.
    let world = World::signed_in().await;
    world.shop.mishap("/wishlist", Mishap::Silent);
    for _ in 0..3 {
        world.shop.mishap("/products", Mishap::RetryAfter(503, "10"));
    }
    world.shop.mishap("/cart/items", Mishap::Silent);
    let calls = ["wishlist get", "raw get", "cart add", "cart get"].map(|name| {
        let (_, _, _, call) = CALLS.iter().find(|(of, ..)| *of == name).unwrap();
        tokio::spawn(call(world.market.clone()))
    });
    tokio::time::sleep(LATENCY * 4).await;
    let before = tokio::time::Instant::now();
    world.market.session().logout().await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(1));
    world.shop.forget_seen();
    assert_eq!(world.store.stored(), None);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().code(), ErrorCode::SignedOut);
    }
    world.settle().await;
    assert_eq!(world.shop.seen().len(), 0, "nothing was sent after logout had returned");
    world.assert_consistent("after logout");
}

#[tokio::test(start_paused = true)]
async fn p5_logout_returns_in_time_whatever_the_server_does() {
    for mishap in
        [Mishap::Silent, Mishap::NotSent, Mishap::LostAfter, Mishap::Status(500, ""), Mishap::Status(401, "")]
    {
        let world = World::signed_in().await;
        let ends = world.ends();
        world.shop.mishap("/auth/logout", mishap.clone());
        let before = tokio::time::Instant::now();
        world.market.session().logout().await.unwrap();
        assert!(before.elapsed() <= Duration::from_secs(3), "{mishap:?}");
        assert_eq!(ends.next().reason, EndReason::LoggedOut);
        assert_eq!(world.shop.seen_at("/auth/logout").len(), 1);
        world.assert_consistent("after logout");
    }
}

#[tokio::test(start_paused = true)]
async fn p5_logout_waits_for_an_attempt_that_holds_a_permit_of_before_but_not_for_ever() {
    let world = World::signed_in().await;
    let keeper = &world.market.core.keeper;
    let permit = keeper.acquire(keeper.lineage()).await.unwrap();
    let session = world.market.session();
    let mut logout = std::pin::pin!(session.logout());
    let early = tokio::time::timeout(Duration::from_millis(900), &mut logout).await;
    assert!(early.is_err(), "an attempt could still be sent");
    drop(permit);
    tokio::time::timeout(Duration::from_millis(1), logout).await.expect("at once").unwrap();
}

#[tokio::test(start_paused = true)]
async fn p9_logout_does_not_hang_on_a_call_that_is_kept_and_not_polled_and_that_call_sends_nothing_more() {
    let world = World::signed_in().await;
    for _ in 0..3 {
        world.shop.mishap("/products", Mishap::RetryAfter(503, "1"));
    }
    let request = world.market.request(RawRequest::new(Method::Get, "/products"));
    let mut kept = std::pin::pin!(request);
    // It has sent once, and waits to be sent again, or is in the middle of it.
    for after in [LATENCY, LATENCY * 3] {
        assert!(tokio::time::timeout(after, &mut kept).await.is_err());
    }
    let logout = world.market.session().logout().await;
    logout.unwrap();
    world.shop.forget_seen();
    assert_eq!(kept.await.unwrap_err().code(), ErrorCode::SignedOut);
    assert_eq!(world.shop.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn p5_a_second_logout_returns_only_when_the_notice_of_the_first_is_over() {
    let world = World::signed_in().await;
    world.shop.mishap("/auth/logout", Mishap::Slow(Duration::from_secs(2)));
    let first = tokio::spawn({
        let session = world.market.session();
        async move { session.logout().await }
    });
    tokio::time::sleep(LATENCY).await;
    let started = tokio::time::Instant::now();
    world.market.session().clear().await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    world.shop.forget_seen();
    first.await.unwrap().unwrap();
    assert_eq!(world.shop.seen().len(), 0, "nothing was sent after either had returned");
}

/// As when its runtime rested meanwhile.
#[tokio::test(start_paused = true)]
async fn p5_a_notice_whose_time_is_up_is_not_sent_any_more() {
    let world = World::signed_in().await;
    let core = &world.market.core;
    let mut farewell = core.keeper.log_out(true);
    let notice = farewell.notice.take().unwrap();
    farewell.done().await.unwrap();
    let call = crate::http::call::Call::new("session", "logout", http::Method::POST, "/auth/logout");
    core.http.notify(&call, notice).await;
    assert_eq!(world.shop.seen_at("/auth/logout").len(), 0, "logout had returned");
}

/// A host's executor may poll within its waker.
#[tokio::test(start_paused = true)]
async fn p3_a_waker_that_calls_back_harms_nobody() {
    struct CallsBack(crate::SessionApi, std::sync::atomic::AtomicUsize);
    impl std::task::Wake for CallsBack {
        fn wake(self: Arc<Self>) {
            self.0.state();
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let world = World::signed_in().await;
    let calls_back = Arc::new(CallsBack(world.market.session(), 0.into()));
    let waker = std::task::Waker::from(calls_back.clone());
    let mut context = std::task::Context::from_waker(&waker);
    let mut states = world.market.session().subscribe();
    use futures_util::StreamExt;
    assert!(states.poll_next_unpin(&mut context).is_ready());
    assert!(states.poll_next_unpin(&mut context).is_pending());
    world.market.session().clear().await.unwrap();
    assert!(calls_back.1.load(std::sync::atomic::Ordering::Relaxed) > 0);
    assert!(states.poll_next_unpin(&mut context).is_ready());
}

#[tokio::test(start_paused = true)]
async fn p5_a_call_made_before_a_logout_does_not_go_on_after_the_next_sign_in() {
    let world = World::signed_in().await;
    world.shop.mishap("/cart/items", Mishap::NotSent);
    let add = tokio::spawn({
        let market = world.market.clone();
        async move { market.cart().add(SkuId(42), 1).await }
    });
    tokio::time::sleep(LATENCY * 2).await;
    world.market.session().logout().await.unwrap();
    world.sign_in().await.unwrap();
    assert_eq!(add.await.unwrap().unwrap_err().code(), ErrorCode::SignedOut);
    world.settle().await;
    assert_eq!(world.shop.quantity(42), 0);
}

#[tokio::test(start_paused = true)]
async fn p6_a_call_that_is_not_idempotent_is_sent_once_unless_the_server_certainly_did_not_act() {
    let mishaps = [
        (Mishap::LostBefore, 1),
        (Mishap::LostAfter, 1),
        (Mishap::Silent, 1),
        (Mishap::Status(500, ""), 1),
        (Mishap::Status(502, ""), 1),
        (Mishap::Status(503, ""), 1),
        (Mishap::Status(504, ""), 1),
        (Mishap::RetryAfter(503, "1"), 1),
        (Mishap::RetryAfter(429, "1"), 1),
        (Mishap::Status(408, ""), 1),
        (Mishap::Body(b"<html>"), 1),
        (Mishap::NotSent, 2),
    ];
    for (mishap, times) in mishaps {
        for (name, path, idempotent, call) in CALLS {
            if *idempotent {
                continue;
            }
            let world = World::signed_in().await;
            world.market.cart().add(SkuId(1), 1).await.unwrap();
            world.shop.forget_seen();
            world.shop.mishap(path, mishap.clone());
            let _ = call(world.market.clone()).await;
            world.settle().await;
            assert_eq!(world.shop.seen_at(path).len(), times, "{name}, {mishap:?}");
        }
        let world = World::new();
        world.shop.mishap("/auth/verify-code", mishap.clone());
        let _ = world.sign_in().await;
        assert_eq!(world.shop.seen_at("/auth/verify-code").len(), times, "verify_code, {mishap:?}");
        world.shop.mishap("/auth/send-verification", mishap.clone());
        let _ = world.market.session().request_code(PHONE).await;
        assert_eq!(world.shop.seen_at("/auth/send-verification").len(), times, "request_code, {mishap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn p9_no_body_panics_or_hangs_and_the_next_call_works() {
    let deep: &'static [u8] = Box::leak(vec![b'['; 100_000].into_boxed_slice());
    let wide: &'static [u8] =
        Box::leak(format!("{{\"id\":{}}}", "9".repeat(100_000)).into_bytes().into_boxed_slice());
    let bodies: [&'static [u8]; 9] =
        [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"{\"id\":1,\"items\":[{}]}", b"\"\\ud800\"", deep, wide];
    for body in bodies {
        let world = World::signed_in().await;
        for (name, path, _, call) in CALLS {
            world.shop.mishap(path, Mishap::Body(body));
            if let Err(error) = call(world.market.clone()).await {
                let expected = if name.starts_with("order ") && path.ends_with("create") {
                    ErrorCode::OutcomeUnknown
                } else {
                    ErrorCode::UnexpectedResponse
                };
                assert_eq!(error.code(), expected, "{name}");
            }
            if path.ends_with("create") {
                // The next order waits for this.
                let found = world.market.orders().resolve().await.unwrap();
                assert!(matches!(found, OrderOutcome::Placed(_) | OrderOutcome::NothingPending), "{found:?}");
            }
        }
        world.shop.mishap("/auth/verify-code", Mishap::Body(body));
        assert_eq!(world.sign_in().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
        assert!(world.market.cart().get().await.is_ok());
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn p10_no_log_line_error_or_debug_shows_the_token_the_code_or_the_phone() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: what the tests beside this one log is searched too. (A subscriber for one thread
    // races with the others for which spans are recorded at all.)
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut shown = String::new();
    let mut show = |value: &dyn std::fmt::Debug| shown.push_str(&format!("{value:?} {value:#?}\n"));

    let world = World::new();
    let session = world.market.session();
    show(&session.request_code(PHONE).await);
    world.shop.mishap(
        "/auth/verify-code",
        Mishap::Status(400, r#"{"detail":"code 1234567 of +1 (312) 805-9851 is wrong"}"#),
    );
    show(&session.verify_code(PHONE, "9876543").await);
    let list = r#"{"detail":[{"loc":["body","phone"],"msg":"bad phone +13128059851","input":"secret-token-1 9876543"}]}"#;
    world.shop.mishap("/auth/verify-code", Mishap::Status(422, list));
    show(&session.verify_code(PHONE, "9876543").await);
    world
        .shop
        .mishap("/auth/verify-code", Mishap::Status(500, "SELECT 9876543 FROM secret-token-1 +13128059851"));
    show(&session.verify_code(PHONE, "9876543").await);
    show(&world.sign_in().await);
    for (_, path, _, call) in CALLS {
        show(&call(world.market.clone()).await);
        world.shop.mishap(path, Mishap::Status(403, r#"{"detail":"user +13128059851 may not"}"#));
        show(&call(world.market.clone()).await);
        world
            .shop
            .mishap(path, Mishap::Body(b"{\"access_token\":\"secret-token-1\",\"phone\":\"+13128059851\"}"));
        show(&call(world.market.clone()).await);
    }
    show(&session.state());
    show(&world.market);
    show(&NewOrder::from_cart("Ann", PHONE, "1 Main St"));
    show(&RawRequest::new(Method::Post, "/x").json(&PHONE).unwrap());
    world.store.deletes(Some(crate::StoreError::Locked));
    show(&session.logout().await);
    show(&world.store.read_debug());

    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for recorded in ["market.call", "area=", "operation=", "attempt=1", "status=200", "duration_ms="] {
        assert!(lines.contains(recorded), "the span of a call has {recorded}");
    }
    for text in [&shown, &lines] {
        for secret in ["secret-token", "9876543", CODE, "3128059851", "312) 805"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p11_cart_calls_reach_the_server_in_the_order_they_were_made_one_at_a_time() {
    let world = World::signed_in().await;
    let cart = world.market.cart();
    // The first is slow: whatever overtook it would show.
    world.shop.mishap("/cart/items", Mishap::Slow(Duration::from_secs(5)));
    let adds = (1..=8).map(|sku| {
        let cart = cart.clone();
        async move { cart.add(SkuId(sku), 1).await.unwrap() }
    });
    let order = async {
        world.market.orders().place(NewOrder::from_cart("Ann", PHONE, "1 Main St")).await.unwrap();
    };
    let (carts, ()) = join(join_all(adds), order).await;
    let lines: Vec<usize> = carts.iter().map(|cart| cart.items.len()).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8]);
    let skus: Vec<u64> =
        world.shop.seen_at("/cart/items").iter().map(|seen| seen.body["sku_id"].as_u64().unwrap()).collect();
    assert_eq!(skus, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(world.shop.seen().last().unwrap().path, "/orders/create");
    assert_eq!(world.shop.most_parallel_cart(), 1);
}

#[tokio::test(start_paused = true)]
async fn p11_a_read_does_not_overtake_the_write_that_was_made_before_it() {
    let world = World::signed_in().await;
    world.shop.mishap("/cart/items", Mishap::Slow(Duration::from_secs(5)));
    let (_, read) = join(world.market.cart().add(SkuId(1), 1), world.market.cart().get()).await;
    assert_eq!(read.unwrap().items.len(), 1);
    assert_eq!(world.shop.most_parallel_cart(), 1);
}

#[tokio::test(start_paused = true)]
async fn p11_a_cart_write_whose_caller_left_is_completed_and_the_next_one_waits_for_it() {
    let world = World::signed_in().await;
    let cart = world.market.cart();
    world.shop.mishap("/cart/items", Mishap::Slow(Duration::from_secs(5)));
    let begun = tokio::time::timeout(LATENCY, cart.add(SkuId(1), 1)).await;
    assert!(begun.is_err(), "its caller left");
    let first = cart.clone();
    let waiting = tokio::time::timeout(Duration::from_secs(1), first.add(SkuId(2), 1)).await;
    assert!(waiting.is_err(), "its caller left while it waited");
    let after = cart.add(SkuId(3), 1).await.unwrap();
    assert_eq!(after.items.iter().map(|line| line.sku_id.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(world.shop.most_parallel_cart(), 1);
    assert_eq!(world.shop.given_up(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_read_whose_caller_left_is_given_up_at_once() {
    let world = World::signed_in().await;
    world.shop.mishap("/cart", Mishap::Silent);
    world.shop.mishap("/wishlist", Mishap::Silent);
    let reads = join(world.market.cart().get(), world.market.wishlist().get());
    assert!(tokio::time::timeout(LATENCY, reads).await.is_err());
    assert_eq!(world.shop.given_up(), 2);
    assert!(world.market.cart().get().await.is_ok(), "the lane is free");
}

#[tokio::test(start_paused = true)]
async fn both_the_header_and_the_query_name_the_sessions_market() {
    let world = World::signed_in().await;
    for (name, _, _, call) in CALLS {
        world.shop.forget_seen();
        let _ = call(world.market.clone()).await;
        for seen in world.shop.seen() {
            assert_eq!(seen.headers["x-market"], "us", "{name}");
            assert!(seen.query.split('&').any(|pair| pair == "market=us"), "{name}: {}", seen.query);
        }
    }
}
