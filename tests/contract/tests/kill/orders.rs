//! Promise 12 under SIGKILL: whatever moment a process is killed at while it places an order, the next one can say
//! what became of it, and no order is there twice.

use std::time::{Duration, Instant};

use market_dev_server::{DevServer, Fault, FaultRule, LoggedRequest};
use market_sdk::{ErrorCode, MarketClient, OrderOutcome};

use crate::victim::{Death, Victim, order};
use crate::{ANN, Home, dev};

/// How often each moment is hit at least; `KILLS` says another number.
const KILLS: usize = 20;
/// Only a broken test waits this long.
const DEADLINE: Duration = Duration::from_secs(20);
/// Longer than the SDK waits until what it does not see was not placed.
const SETTLED: i64 = 16 * 60;

/// The store's operations while an order is placed: a look, the note, and its erasure.
const POINTS: [&str; 10] = [
    "before read",
    "after read ok",
    "before read",
    "after read ok",
    "before write",
    "after write ok",
    "before read",
    "after read ok",
    "before delete",
    "after delete ok",
];
const NOTED: usize = 5;
const ERASED: usize = 9;

/// The moment of the kill.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// At the point of this number.
    At(usize),
    /// When the order has arrived at a server that does not act.
    Sent,
    /// When the server has acted, and before its answer.
    Acted,
    /// When the caller has the order.
    Done,
}

impl Moment {
    fn name(self) -> &'static str {
        match self {
            Self::At(point) if point <= NOTED => "before send",
            Self::Sent | Self::Acted => "sent",
            Self::At(point) if point < ERASED => "answered",
            Self::At(_) | Self::Done => "stored",
        }
    }

    fn is_placed(self) -> bool {
        match self {
            Self::At(point) => point > NOTED,
            Self::Sent => false,
            Self::Acted | Self::Done => true,
        }
    }

    /// Whether something was noted, and is not erased yet.
    fn is_noted(self) -> bool {
        match self {
            Self::At(point) => (NOTED..ERASED).contains(&point),
            Self::Sent | Self::Acted => true,
            Self::Done => false,
        }
    }
}

fn orders(dev: &DevServer) -> usize {
    dev.stored().unwrap()["us"]["orders"].as_array().unwrap().len()
}

fn wait_until(mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < DEADLINE, "it never comes");
        std::thread::yield_now();
    }
}

/// Signs in, places an order, and is killed at `moment`.
fn killed(moment: Moment, home: &Home, dev: &DevServer) {
    let before = orders(dev);
    let script = [format!("sign-in {ANN}"), format!("place {ANN}")];
    let mut victim = Victim::start(&script, &home.folder(), &dev.base_url(), Death::Kill);
    let (mut placing, mut passed) = (false, 0);
    loop {
        let said = victim.says().expect("it is killed before its end");
        let mut answer = String::new();
        match (said.split_once(' ').unwrap_or((&said, "")), placing) {
            (("code", phone), _) => answer = dev.code(phone).unwrap().unwrap(),
            (("now", step), _) => placing = step.starts_with("place"),
            (("done", _), true) => {
                assert_eq!(moment, Moment::Done);
                return victim.kill();
            }
            (_, true) => {
                assert_eq!(said, POINTS[passed], "point {passed}");
                if moment == Moment::At(passed) {
                    return victim.kill();
                }
                passed += 1;
            }
            _ => {}
        }
        let noted = passed == NOTED + 1 && placing;
        if noted && matches!(moment, Moment::Sent | Moment::Acted) {
            dev.clear_requests();
            let fault = Fault::Latency { ms: 600_000, acted: moment == Moment::Acted };
            dev.fault(FaultRule::new("POST /orders/create", fault)).unwrap();
            victim.may_go_on(&answer);
            match moment {
                Moment::Acted => wait_until(|| orders(dev) > before),
                _ => wait_until(|| {
                    let held =
                        |sent: &LoggedRequest| sent.path.ends_with("/orders/create") && sent.fault.is_some();
                    dev.requests().iter().any(held)
                }),
            }
            victim.kill();
            return dev.clear_faults();
        }
        victim.may_go_on(&answer);
    }
}

async fn explains_itself(moment: Moment, market: &MarketClient, dev: &DevServer, before: usize) {
    assert!(market.session().restore().await.unwrap().is_signed_in());
    let there = before + usize::from(moment.is_placed());
    assert_eq!(orders(dev), there, "{moment:?}");
    if moment.is_noted() {
        let held_back = market.orders().place(order(ANN)).await.unwrap_err();
        assert_eq!(held_back.code(), ErrorCode::OrderPending, "{moment:?}");
    }
    let mut outcome = market.orders().resolve().await.unwrap();
    if let OrderOutcome::NotSeenYet { settles_in } = outcome {
        assert!(moment.is_noted() && settles_in.is_some(), "{moment:?}");
        dev.advance_clock(SETTLED);
        outcome = market.orders().resolve().await.unwrap();
        assert_eq!(outcome, OrderOutcome::NotPlaced, "{moment:?}");
    }
    match (outcome, moment.is_placed(), moment.is_noted()) {
        (OrderOutcome::Placed(order), true, true) => {
            let newest = market.orders().list(Default::default()).await.unwrap();
            assert_eq!(order.id, newest[0].id, "{moment:?}: an older one");
        }
        (OrderOutcome::NotPlaced, false, true) | (OrderOutcome::NothingPending, _, false) => {}
        (outcome, ..) => panic!("{moment:?}: {outcome:?}"),
    }
    assert_eq!(market.orders().resolve().await.unwrap(), OrderOutcome::NothingPending, "{moment:?}");
    assert_eq!(orders(dev), there, "{moment:?}");
    market.orders().place(order(ANN)).await.unwrap();
    assert_eq!(orders(dev), there + 1, "{moment:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p12_whatever_moment_a_process_is_killed_at_the_next_one_knows_of_its_order_and_none_is_doubled() {
    let kills = std::env::var("KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(KILLS);
    let moments: Vec<Moment> =
        (0..POINTS.len()).map(Moment::At).chain([Moment::Sent, Moment::Acted, Moment::Done]).collect();
    let dev = dev().await;
    let mut histogram = Vec::new();
    for name in ["before send", "sent", "answered", "stored"] {
        let these: Vec<_> = moments.iter().copied().filter(|moment| moment.name() == name).collect();
        let mut hits = 0;
        for moment in these.iter().copied().cycle() {
            // Each moment of them as often as the others.
            if hits >= kills && hits % these.len() == 0 {
                break;
            }
            // A database with no stock is no server.
            dev.execute("UPDATE us_skus SET stock = 1000").unwrap();
            let (home, before) = (Home::new(), orders(&dev));
            killed(moment, &home, &dev);
            explains_itself(moment, &home.client(&dev), &dev, before).await;
            hits += 1;
        }
        histogram.push(format!("{name} {hits}"));
    }
    println!("figure: kill -9 of place: {}", histogram.join(", "));
}
