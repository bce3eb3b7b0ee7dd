//! What is measured, and how.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::stats::{Compared, growth};
use super::{Effort, Sides};
use crate::process::Running;
use crate::{Workspace, setup};

/// A cart as people have them, and one that nobody has.
const SMALL: usize = 3;
const LARGE: usize = 10_000;

/// How many reads are counted.
const READS: usize = 200;

/// Parts of a read: what they are for, the SDK's function, and that of the client by hand.
const PARTS: &[(&str, &str, &str)] = &[
    (
        "reqwest, to send and to wait",
        "reqwest::async_impl::client::Pending as core::future",
        "reqwest::async_impl::client::Pending as core::future",
    ),
    ("reqwest, to begin", "Client::execute_request", "Client::execute_request"),
    ("decoding the JSON", "market_sdk::http::judge::value", "serde_json::de::from_slice"),
    ("its lines as an app sees them", "market_sdk::model::cart::CartWire::in_market", ""),
    ("keeping the cart for who comes to observe it", "market_sdk::api::carts::Carts::show", ""),
    ("the address", "market_sdk::http::Http::url", "as reqwest::into_url::IntoUrlSealed>::into_url"),
    ("the headers", "market_sdk::http::headers", ""),
    ("whether the token may go out", "market_sdk::session::Keeper>::knock", ""),
    ("noting the call", "market_sdk::http::Http::made", ""),
];

/// A line of the report.
pub(super) struct Figure {
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) goal: Goal,
    pub(super) outcome: Result<Outcome, String>,
}

#[derive(Clone, Copy)]
pub(super) enum Goal {
    None,
    /// The ratio is this at most.
    Ratio(f64),
    /// The SDK's own figure is below this.
    Below(f64),
}

pub(super) enum Outcome {
    Compared(Compared),
    Alone(f64),
}

pub(super) struct Bench<'a> {
    pub(super) here: &'a Workspace,
    pub(super) sides: &'a Sides,
    /// The SDK's side is the core itself.
    pub(super) core: bool,
    pub(super) addresses: Addresses,
    pub(super) folder: PathBuf,
    pub(super) stopwatch: String,
    pub(super) effort: Effort,
}

/// Where the one server is.
pub(super) struct Addresses {
    pub(super) plain: String,
    /// With TLS, by an authority that the sides find in their folder.
    pub(super) secure: String,
}

/// A side's program, at work.
struct Side(Running);

impl Side {
    fn say(&mut self, line: &str) -> Result<(), String> {
        let into = &mut self.0.into;
        writeln!(into, "{line}").and_then(|()| into.flush()).map_err(|error| error.to_string())
    }

    /// Does what the line says; gives the answer.
    fn does(&mut self, line: &str) -> Result<String, String> {
        self.say(line)?;
        match self.0.out.line()?.as_str() {
            "" => Err(format!("a side ended over {line:?}")),
            answer => Ok(answer.to_owned()),
        }
    }

    /// Ends it in good order.
    fn ends(&mut self) -> Result<(), String> {
        self.say("end")?;
        let status = self.0.end()?;
        if status.success() { Ok(()) } else { Err(format!("a side ended with {status}")) }
    }

    fn nanos(&mut self, line: &str) -> Result<f64, String> {
        let answer = self.does(line)?;
        answer.parse().map_err(|_| format!("a side said {answer:?} to {line:?}"))
    }

    /// What of it is in memory, in KiB.
    fn resident(&mut self) -> Result<f64, String> {
        self.does("settle")?;
        let status = format!("/proc/{}/status", self.0.id());
        let said = super::machine::field(&status, "VmRSS").ok_or("there is no /proc to read memory from")?;
        said.trim_end_matches(" kB").parse().map_err(|_| format!("{status} says {said:?}"))
    }
}

impl Bench<'_> {
    /// What is measured in every language.
    pub(super) fn everywhere(&self) -> Vec<Figure> {
        // A binding is to be no slower than what an app has without it, whatever is read.
        let (read, large) = if self.core { (1.05, 1.2) } else { (1.0, 1.0) };
        let (read, large) = (Goal::Ratio(read), Goal::Ratio(large));
        let compared = |what: &str, unit, goal, compared: Result<Compared, String>| Figure {
            what: what.to_owned(),
            unit,
            goal,
            outcome: compared.map(Outcome::Compared),
        };
        let mut figures = vec![
            compared("cart of 3 lines, one after the other", "µs", read, self.rounds(SMALL, "carts", 1000)),
            compared("cart of 10,000 lines", "µs", large, self.rounds(LARGE, "carts", 4)),
            compared("1,000 wishlists begun at once, each", "µs", read, self.at_once("wishlists-at-once")),
            // Not the same work: by hand they go side by side.
            compared("1,000 carts begun at once, each", "µs", Goal::None, self.at_once("carts-at-once")),
            compared(
                "process start to first cart",
                "ms",
                Goal::Ratio(0.8),
                self.starts(&self.addresses.plain),
            ),
        ];
        if self.core {
            let secure = self.starts(&self.addresses.secure);
            figures.push(compared("process start to first cart, over https", "ms", Goal::Ratio(0.8), secure));
        }
        let calls = self.effort.of(100_000);
        figures.push(Figure {
            what: format!("memory that {calls} cart reads added"),
            unit: "KiB",
            goal: Goal::Below(1024.0),
            outcome: self.memory(calls),
        });
        figures
    }

    /// What is measured of the core alone: what does not depend on what else the machine does, and what no app does by
    /// hand.
    pub(super) fn core_alone(&self) -> Vec<Figure> {
        let (changes, observers) = (self.effort.of(100_000), 100);
        let states = self.states(changes, observers);
        let (took, added) = match states {
            Ok((took, added)) => (Ok(Outcome::Alone(took)), Ok(Outcome::Alone(added))),
            Err(why) => (Err(why.clone()), Err(why)),
        };
        let small = self.instructions(SMALL, READS);
        // While its profiles are there.
        let parts = self.parts();
        let large = self.instructions(LARGE, 2);
        // Of two reads that differ in their lines alone.
        let per_line = match (&small, &large) {
            (Ok(small), Ok(large)) => {
                let lines = (LARGE - SMALL) as f64;
                let of = |large: &[f64], small: &[f64]| {
                    large.iter().zip(small).map(|(large, small)| (large - small) / lines).collect()
                };
                Ok(Compared { sdk: of(&large.sdk, &small.sdk), by_hand: of(&large.by_hand, &small.by_hand) })
            }
            (Err(why), _) | (_, Err(why)) => Err(why.clone()),
        };
        let figure = |what: &str, unit, goal, outcome| Figure { what: what.to_owned(), unit, goal, outcome };
        let compared = |outcome: Result<Compared, String>| outcome.map(Outcome::Compared);
        let mut figures = vec![figure("instructions of a cart read", "", Goal::Ratio(1.05), compared(small))];
        for (what, outcome) in parts {
            figures.push(figure(&format!("… of it {what}"), "", Goal::None, compared(outcome)));
        }
        figures.extend([
            figure("instructions that each line adds", "", Goal::Ratio(1.2), compared(per_line)),
            figure(
                &format!("each of {changes} states, before {observers} observers"),
                "µs",
                Goal::None,
                took,
            ),
            figure("memory that they added", "KiB", Goal::Below(1024.0), added),
        ]);
        figures
    }

    /// What parts of a read take, each with all that it calls.
    fn parts(&self) -> Vec<(&'static str, Result<Compared, String>)> {
        let profiles =
            self.profile(&self.sides.sdk).and_then(|sdk| Ok((sdk, self.profile(&self.sides.by_hand)?)));
        let reads = 3.0 * self.effort.of(READS) as f64;
        let part = |(what, sdk, by_hand): &(&'static str, &str, &str)| {
            let outcome = match &profiles {
                Ok((ours, theirs)) => {
                    let of = |profile: &str, function: &str| {
                        taken(profile, function).map(|count| count / reads).into_iter().collect()
                    };
                    Ok(Compared { sdk: of(ours, sdk), by_hand: of(theirs, by_hand) })
                }
                Err(why) => Err(why.clone()),
            };
            (*what, outcome)
        };
        PARTS.iter().map(part).collect()
    }

    /// What callgrind's own tool says of the last count of a program: all functions, with what they call.
    fn profile(&self, program: &[String]) -> Result<String, String> {
        let mut annotate = self.here.command("callgrind_annotate");
        annotate.args(["--inclusive=yes", "--threshold=100"]).arg(self.profile_file(program));
        let out = annotate.output().map_err(|error| format!("callgrind_annotate: {error}"))?;
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    fn profile_file(&self, program: &[String]) -> PathBuf {
        let name = program.last().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        self.folder.join(format!("{name}.callgrind"))
    }

    fn arguments(&self, program: &[String], server: &str, lines: usize) -> Vec<String> {
        let folder = self.folder.to_string_lossy().into_owned();
        [program, &[format!("{server}/{lines}/api/v1"), lines.to_string(), folder]].concat()
    }

    /// Starts a side, which has somebody signed in.
    fn side(&self, program: &[String], lines: usize) -> Result<Side, String> {
        self.side_at(program, &self.addresses.plain, lines)
    }

    fn side_at(&self, program: &[String], server: &str, lines: usize) -> Result<Side, String> {
        self.side_of(&mut self.sides.command(&self.arguments(program, server, lines)))
    }

    fn side_of(&self, command: &mut Command) -> Result<Side, String> {
        let mut side = Side(Running::start(command)?);
        side.does("sign-in")?;
        Ok(side)
    }

    /// Both sides do the same, in turns: what is measured is each of `count`.
    fn rounds(&self, lines: usize, what: &str, count: usize) -> Result<Compared, String> {
        let count = self.effort.of(count);
        let line = format!("{what} {count}");
        let (mut sdk, mut by_hand) =
            (self.side(&self.sides.sdk, lines)?, self.side(&self.sides.by_hand, lines)?);
        // Compilers that work while a program runs have done so then.
        for _ in 0..self.warm_up() {
            sdk.nanos(&line)?;
            by_hand.nanos(&line)?;
        }
        self.turns(
            || Ok(sdk.nanos(&line)? / count as f64 / 1e3),
            || Ok(by_hand.nanos(&line)? / count as f64 / 1e3),
        )
    }

    fn warm_up(&self) -> usize {
        self.effort.rounds.div_ceil(3)
    }

    /// In one round the one begins, in the next the other.
    fn turns(
        &self,
        mut sdk: impl FnMut() -> Result<f64, String>,
        mut by_hand: impl FnMut() -> Result<f64, String>,
    ) -> Result<Compared, String> {
        let mut compared = Compared::default();
        for round in 0..self.effort.rounds {
            let (one, other) = if round % 2 == 0 {
                let one = sdk()?;
                (one, by_hand()?)
            } else {
                let other = by_hand()?;
                (sdk()?, other)
            };
            compared.sdk.push(one);
            compared.by_hand.push(other);
        }
        Ok(compared)
    }

    fn at_once(&self, what: &str) -> Result<Compared, String> {
        self.rounds(SMALL, what, 1000)
    }

    /// From the start of a process to its first cart, as a user who was signed in before.
    fn starts(&self, server: &str) -> Result<Compared, String> {
        for program in [&self.sides.sdk, &self.sides.by_hand] {
            self.side_at(program, server, SMALL)?; // It leaves its session behind.
        }
        let mut stopwatch =
            Side(Running::start(&mut self.sides.command(std::slice::from_ref(&self.stopwatch)))?);
        let line = |program: &[String]| {
            [self.arguments(program, server, SMALL), vec!["start".to_owned()]].concat().join("\t")
        };
        let (sdk, by_hand) = (line(&self.sides.sdk), line(&self.sides.by_hand));
        // The first finds nothing in the system's caches.
        for line in [&sdk, &by_hand] {
            stopwatch.nanos(line)?;
        }
        let stopwatch = std::cell::RefCell::new(stopwatch);
        let took = |line: &str| Ok(stopwatch.borrow_mut().nanos(line)? / 1e6);
        self.turns(|| took(&sdk), || took(&by_hand))
    }

    fn memory(&self, calls: usize) -> Result<Outcome, String> {
        let mut sides = [self.side(&self.sides.sdk, SMALL)?, self.side(&self.sides.by_hand, SMALL)?];
        let mut added = Vec::new();
        for side in &mut sides {
            // What is made once is there then.
            side.does(&format!("carts {}", calls.div_ceil(5)))?;
            let mut readings = vec![side.resident()?];
            for _ in 0..10 {
                side.does(&format!("carts {}", calls.div_ceil(10)))?;
                readings.push(side.resident()?);
            }
            added.extend(growth(&readings));
        }
        let [sdk, by_hand] = added.as_slice() else { return Err("two sides".to_owned()) };
        Ok(Outcome::Compared(Compared { sdk: vec![*sdk], by_hand: vec![*by_hand] }))
    }

    /// How long each change took, in µs, and what of memory they added, in KiB.
    fn states(&self, changes: usize, observers: usize) -> Result<(f64, f64), String> {
        let mut side = self.side(&self.sides.sdk, SMALL)?;
        side.does(&format!("states {} {observers}", changes.div_ceil(10)))?;
        let before = side.resident()?;
        let took = side.nanos(&format!("states {changes} {observers}"))? / changes as f64 / 1e3;
        Ok((took, side.resident()? - before))
    }

    /// Instructions of each cart read, by valgrind: of two runs that differ in how many they make.
    fn instructions(&self, lines: usize, count: usize) -> Result<Compared, String> {
        if !setup::there(self.here, "counting instructions", &[("valgrind", "valgrind")]) {
            return Err("there is no valgrind".to_owned());
        }
        let count = self.effort.of(count);
        let counted = |program: &[String]| -> Result<f64, String> {
            let few = self.counted(program, lines, count)?;
            Ok((self.counted(program, lines, 3 * count)? - few) / (2 * count) as f64)
        };
        let mut compared = Compared::default();
        for _ in 0..self.effort.rounds.min(3) {
            compared.sdk.push(counted(&self.sides.sdk)?);
            compared.by_hand.push(counted(&self.sides.by_hand)?);
        }
        Ok(compared)
    }

    fn counted(&self, program: &[String], lines: usize, reads: usize) -> Result<f64, String> {
        let out = self.profile_file(program);
        let _ = std::fs::remove_file(&out);
        let valgrind = ["valgrind", "--quiet", "--tool=callgrind"].map(str::to_owned);
        let file = format!("--callgrind-out-file={}", out.display());
        let arguments =
            [&valgrind[..], &[file], &self.arguments(program, &self.addresses.plain, lines)].concat();
        let mut side = self.side_of(&mut self.sides.command(&arguments))?;
        side.does(&format!("carts {reads}"))?;
        side.ends()?;
        let text = std::fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        instructions(&text).ok_or_else(|| "callgrind left no totals".to_owned())
    }
}

/// How many instructions callgrind has counted, by what it has written.
fn instructions(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

/// What a function took with all that it calls, by callgrind_annotate's report.
fn taken(profile: &str, function: &str) -> Option<f64> {
    let line = profile.lines().find(|line| !function.is_empty() && line.contains(function))?;
    line.split_whitespace().next()?.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_counted_is_read() {
        assert_eq!(instructions("events: Ir\nsummary: 17\n\n\ntotals: 17\n"), Some(17.0));
        assert_eq!(instructions("events: Ir\n"), None);
    }

    #[test]
    fn what_a_function_took_is_read_from_its_first_line() {
        let profile =
            "1,234,567 (97.0%)  ???:shop::cart [/shop]\n  17 ( 0.1%)  ???:shop::cart::line [/shop]\n";
        assert_eq!(taken(profile, "shop::cart"), Some(1_234_567.0));
        assert_eq!(taken(profile, "shop::cart::line"), Some(17.0));
        assert_eq!(taken(profile, "shop::wish"), None);
        assert_eq!(taken(profile, ""), None);
    }
}
