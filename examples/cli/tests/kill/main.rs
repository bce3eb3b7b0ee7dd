//! `kill -9` of the program while it signs in, logs out and places an order: whatever moment it is killed at, the next
//! command knows who is signed in and what became of the order, and no order is there twice.
//!
//! Nothing is timed. The program is made to stand still where it is to die: the server holds its request, the test
//! holds the lock of its store's folder, or its output is plugged. Where it died is then read from the server's log and
//! from the store, and counted. (The same between all operations of the store: `tests/contract/tests/kill`.)

// Who waits for a lock is read from /proc.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

#[path = "../common/mod.rs"]
mod common;
mod points;
mod shopper;

use common::US_PHONE as ANN;
use market_dev_server::DevServer;
use points::{LOGOUT, PLACE, Point, SIGN_IN};
use serde_json::json;
use shopper::{BEN, PLACE_IT, Shopper};

/// How often each stage is hit at least; `KILLS` says another number.
const KILLS: usize = 20;
/// Longer than the SDK waits until an order that it does not see was not placed.
const SETTLED: i64 = 16 * 60;

/// How far a call had come, by what the server and the store say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    BeforeSend,
    Sent,
    Answered,
    Stored,
}

/// Kills the call at its points in turn, until each stage was hit often enough, and says how often that was. `check` is
/// told at which point.
fn kill(call: &str, points: &[Point], mut check: impl FnMut(usize, &Point) -> Stage) -> String {
    let kills = std::env::var("KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(KILLS);
    let mut histogram = Vec::new();
    for (stage, name) in [
        (Stage::BeforeSend, "before send"),
        (Stage::Sent, "sent"),
        (Stage::Answered, "answered"),
        (Stage::Stored, "stored"),
    ] {
        let mut hits = 0;
        let these: Vec<_> = points.iter().filter(|point| point.stage == stage).collect();
        for (turn, point) in these.iter().cycle().enumerate() {
            // Each of them as often as the others.
            if hits >= kills && turn % these.len() == 0 {
                break;
            }
            assert_eq!(check(turn, point), stage, "{call}: {}: not where it was meant to die", point.name);
            hits += 1;
        }
        assert!(hits >= kills);
        histogram.push(format!("{name} {hits}"));
    }
    format!("figure: kill -9 of market {call}: {}", histogram.join(", "))
}

/// The server runs beside the test, which blocks.
fn dev() -> (tokio::runtime::Runtime, DevServer) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dev = runtime.block_on(DevServer::builder().rate_limits(false).start()).unwrap();
    (runtime, dev)
}

#[test]
fn p5_p7_p8_a_sign_in_that_is_killed_has_happened_or_has_not() {
    let (_runtime, dev) = dev();
    let route = "POST /auth/verify-code";
    let histogram = kill("login", SIGN_IN, |turn, point| {
        let shopper = Shopper::new(&dev);
        let at = point.name;
        // Over nothing, and over the session of somebody else.
        let over = (turn % 2 == 1).then_some(BEN);
        if let Some(phone) = over {
            shopper.log_in(phone);
        }
        let before = shopper.stored();
        point.play(&shopper);
        let changed = shopper.stored() != before;
        let status = shopper.run(&["status", "--json"]);
        match if changed { Some(ANN) } else { over } {
            Some(phone) => {
                assert_eq!(status.json()["state"], "SignedIn", "{at}");
                let digits = &phone[phone.len() - 2..];
                let shown = status.json()["user"]["phone"].as_str().unwrap().to_owned();
                assert!(shown.ends_with(digits), "{at}: {shown}");
                shopper.ok(&["cart"]);
            }
            None => {
                assert_eq!((status.code, &status.json()["state"]), (3, &json!("SignedOut")), "{at}");
                assert_eq!(shopper.run(&["cart"]).code, 3, "{at}");
            }
        }
        shopper.log_in(ANN);
        assert_eq!(shopper.files(), 1, "{at}: one session, and nothing of a writer that died");
        match (shopper.arrived(route), shopper.answered(route), changed) {
            // The sign-in of just now is the last, and answered.
            (1, 1, false) => Stage::BeforeSend,
            (2, 1, false) => Stage::Sent,
            (2, 2, false) => Stage::Answered,
            (2, 2, true) => Stage::Stored,
            other => panic!("{at}: {other:?}"),
        }
    });
    println!("{histogram}");
}

#[test]
fn p5_p7_p8_a_logout_that_is_killed_has_happened_or_has_not() {
    let (_runtime, dev) = dev();
    let route = "POST /auth/logout";
    let histogram = kill("logout", LOGOUT, |_, point| {
        let shopper = Shopper::new(&dev);
        let at = point.name;
        shopper.log_in(ANN);
        point.play(&shopper);
        let erased = shopper.stored().is_empty();
        let told = dev.stored().unwrap()["us"]["users"][0]["is_active"] == json!(false);
        let status = shopper.run(&["status", "--json"]);
        let (state, code) = if erased { ("SignedOut", 3) } else { ("SignedIn", 0) };
        assert_eq!((status.code, &status.json()["state"]), (code, &json!(state)), "{at}");
        // What the store still has is as good as the server says, and an end is noticed and cleared away.
        let works = !erased && !told;
        assert_eq!(shopper.run(&["cart"]).code, if works { 0 } else { 3 }, "{at}");
        assert_eq!(shopper.run(&["status"]).code, if works { 0 } else { 3 }, "{at}");
        assert_eq!(shopper.files(), usize::from(works), "{at}");
        let stage = match (shopper.arrived(route), shopper.answered(route), erased) {
            (0, 0, _) => Stage::BeforeSend,
            (1, 0, _) => Stage::Sent,
            (1, 1, false) => Stage::Answered,
            (1, 1, true) => Stage::Stored,
            other => panic!("{at}: {other:?}"),
        };
        shopper.log_in(ANN);
        shopper.ok(&["cart"]);
        shopper.ok(&["logout"]);
        assert_eq!(shopper.files(), 0, "{at}");
        stage
    });
    println!("{histogram}");
}

#[test]
fn p12_an_order_that_is_killed_is_explained_and_none_is_doubled() {
    let (_runtime, dev) = dev();
    let route = "POST /orders/create";
    let histogram = kill("orders place", PLACE, |_, point| {
        dev.execute("UPDATE us_skus SET stock = 1000").unwrap();
        let shopper = Shopper::new(&dev);
        let at = point.name;
        shopper.log_in(ANN);
        let session = shopper.stored();
        let before = shopper.orders();
        point.play(&shopper);
        let noted = shopper.stored() != session;
        let (arrived, answered, there) = (shopper.arrived(route), shopper.answered(route), shopper.orders());
        let placed = there > before;
        assert!(there <= before + 1 && (noted || placed || arrived == 0), "{at}");
        if noted {
            // Tapped once more.
            assert_eq!(shopper.run(PLACE_IT).code, 8, "{at}: OrderPending");
            assert_eq!(shopper.arrived(route), arrived, "{at}: nothing is sent");
        }
        let mut outcome = shopper.ok(&["orders", "resolve", "--json"]).json();
        if noted && !placed {
            assert_eq!(outcome["outcome"], "NotSeenYet", "{at}");
            dev.advance_clock(SETTLED);
            outcome = shopper.ok(&["orders", "resolve", "--json"]).json();
        }
        let wanted = match (noted, placed) {
            (true, true) => "Placed",
            (true, false) => "NotPlaced",
            (false, _) => "NothingPending",
        };
        assert_eq!(outcome["outcome"], wanted, "{at}");
        if noted && placed {
            let newest = shopper.ok(&["orders", "list", "--limit", "1", "--json"]).json();
            assert_eq!(outcome["order"]["id"], newest[0]["id"], "{at}: an older one");
        }
        assert_eq!(shopper.orders(), there, "{at}");
        shopper.ok(PLACE_IT);
        assert_eq!((shopper.orders(), shopper.files()), (there + 1, 1), "{at}");
        match (arrived, answered, noted) {
            (0, 0, _) => Stage::BeforeSend,
            (1, 0, true) => Stage::Sent,
            (1, 1, true) => Stage::Answered,
            (1, 1, false) => Stage::Stored,
            other => panic!("{at}: {other:?}"),
        }
    });
    println!("{histogram}");
}
