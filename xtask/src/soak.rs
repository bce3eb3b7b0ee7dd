//! Random schedules: `sdk-core/src/tests/schedules`, in any number.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::counts::Counts;
use crate::gate::{figure, tests};
use crate::{Workspace, succeeds};

/// How many the gate plays. They are the same each time, so that a change is judged by what it changes.
const IN_GATE: u64 = 20_000;

/// The one test, built to be fast and to find what overflows.
const TEST: [&str; 6] = ["test", "--profile", "soak", "-p", "market-sdk", "--lib"];
pub(crate) const NAME: &str = "every_promise_holds_on_random_schedules";

fn test(here: &Workspace, schedules: u64, seed: u64) -> Command {
    let mut test = here.cargo(&TEST);
    test.args([NAME, "--", "--show-output"]);
    test.env("SCHEDULES", schedules.to_string()).env("SCHEDULES_SEED", seed.to_string());
    test
}

pub(crate) fn in_gate(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    tests(&mut test(here, IN_GATE, 1), |line| figures.extend(figure(line)))
}

/// A million that nobody has played before.
pub(crate) fn long(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    tests(&mut test(here, 1_000_000, fresh_seed()), |line| figures.extend(figure(line)))
}

fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() * 1_000_000)
}

/// `--schedules N`, and `--seed S`: the number of the first. Without it a run is another each time.
pub(crate) fn run(here: &Workspace, arguments: &[&str]) -> Result<bool, String> {
    let (mut schedules, mut seed) = (IN_GATE, None);
    for pair in arguments.chunks(2) {
        let number = |value: &str| value.parse().map_err(|_| format!("{value} is no number"));
        match pair {
            ["--schedules", value] => schedules = number(value)?,
            ["--seed", value] => seed = Some(number(value)?),
            _ => return Err("cargo xtask soak --schedules N [--seed S]".to_owned()),
        }
    }
    let seed = seed.unwrap_or_else(fresh_seed);
    println!("schedules {seed} to {}", seed.saturating_add(schedules.saturating_sub(1)));
    Ok(succeeds(&mut test(here, schedules, seed)))
}
