//! All promises at once, on random schedules: the real client, on a shop and a store in the test's hands, is driven
//! through calls, faults, clocks, drops, kills and second clients, and a model says after each step what has to be.
//!
//! A schedule is drawn from its number alone, so that the number replays it: `cargo xtask soak --seed NUMBER`.
//! `steps.rs` draws schedules, `play.rs` plays them, `log.rs` notes what happens, and `model.rs` judges it, in
//! `model/` by what is sent, stored and told: `client.rs` knows who is signed in, `wire.rs` requests and texts,
//! `cart.rs` and `orders.rs` what their names say.

mod cart;
mod client;
mod ear;
mod log;
mod model;
mod orders;
mod play;
mod steps;
mod wire;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

pub(super) use self::log::Witness;
use self::steps::{Schedule, Setup, schedules};

/// A promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    promise: u8,
    /// What found it.
    check: &'static str,
    what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise {}, {}: {}", self.promise, self.check, self.what)
    }
}

fn broken(promise: u8, check: &'static str, what: String) -> Result<(), Broken> {
    Err(Broken { promise, check, what })
}

/// How many are played in a test run without optimisation. `SCHEDULES` says another number, as the gate does, and
/// `SCHEDULES_SEED` the number of the first.
const SCHEDULES: u64 = 1_000;
/// How often a failing one is tried to be made shorter.
const SHRINKS: usize = 4_000;

/// How long one takes at most, in the time of a busy machine's clock; they take milliseconds.
const LONGEST: Duration = Duration::from_secs(10);

type Tree = Box<dyn ValueTree<Value = Schedule>>;

fn drawn(number: u64) -> Tree {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    Box::new(schedules().new_tree(&mut runner).unwrap())
}

/// The shortest schedule that breaks the same as the one in `tree`.
fn shrunk(mut tree: Tree, first: &Broken) -> Schedule {
    let mut shortest = tree.current();
    let mut goes_on = tree.simplify();
    for _ in 0..SHRINKS {
        if !goes_on {
            break;
        }
        let schedule = tree.current();
        let same = |found: &Broken| (found.promise, found.check) == (first.promise, first.check);
        goes_on = if play::broken(&schedule).as_ref().is_some_and(same) {
            shortest = schedule;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    shortest
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect(name))
}

#[test]
fn every_promise_holds_on_random_schedules() {
    let count = variable("SCHEDULES").unwrap_or(SCHEDULES);
    let first = variable("SCHEDULES_SEED").unwrap_or(1);
    let (next, failed) = (AtomicU64::new(first), AtomicU64::new(u64::MAX));
    let began = Instant::now();
    let main = std::thread::current();
    let work = |playing: &AtomicU64| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= first + count || number > failed.load(Ordering::Relaxed) {
                playing.store(u64::MAX, Ordering::Relaxed);
                main.unpark();
                break;
            }
            playing.store(number, Ordering::Relaxed);
            if play::broken(&drawn(number).current()).is_some() {
                failed.fetch_min(number, Ordering::Relaxed);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let playing: Vec<AtomicU64> = (0..threads).map(|_| AtomicU64::new(first)).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = playing.iter().map(|playing| scope.spawn(|| work(playing))).collect();
        let mut before = Vec::new();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::park_timeout(LONGEST);
            let now: Vec<u64> = playing.iter().map(|playing| playing.load(Ordering::Relaxed)).collect();
            if let Some(number) = now.iter().find(|number| **number != u64::MAX && before.contains(*number)) {
                println!("broken: 9 after {}: it never comes to rest", number - first + 1);
                println!("to see it again: cargo xtask soak --schedules 1 --seed {number}");
                std::process::exit(101);
            }
            before = now;
        }
    });
    let number = failed.into_inner();
    if number == u64::MAX {
        let took = began.elapsed();
        let rate = count as f64 / took.max(Duration::from_millis(1)).as_secs_f64();
        println!(
            "figure: {count} random schedules ({first} to {}), all promises held in each; {rate:.0} a second",
            first + count - 1
        );
        return;
    }
    let tree = drawn(number);
    let whole = tree.current();
    let found = play::broken(&whole).expect("a schedule does the same each time");
    println!("broken: {} after {}: {}", found.promise, number - first + 1, found.check);
    let schedule = if variable("SCHEDULES_SHRINK") == Some(0) { whole.clone() } else { shrunk(tree, &found) };
    let (found, trace) = play::traced(&schedule);
    println!("{}", trace.join("\n"));
    println!("{schedule:#?}\n{} steps, shrunk from {}", schedule.steps.len(), whole.steps.len());
    let found = found.expect("the shrunk schedule breaks it too");
    panic!(
        "schedule {number} breaks {found}\nto see it again: cargo xtask soak --schedules 1 --seed {number}"
    );
}
