//! The SDK beside what an app writes by hand, in each language, in one run: `docs/performance.md` says what is measured
//! and holds the figures, which this writes.

mod kotlin;
mod machine;
mod measure;
mod node;
mod report;
mod rust;
mod stats;
mod swift;

use std::path::PathBuf;
use std::process::Command;

use crate::counts::Counts;
use crate::process::Running;
use crate::{Workspace, bindings, succeeds};
use measure::Figure;

/// How often each side takes its turn.
const ROUNDS: usize = 21;
/// What is written down has at least so many.
const ENOUGH: usize = 15;
const CARGO_PROFILE: &str = "release";

/// One language's two programs, built.
struct Sides {
    sdk: Vec<String>,
    by_hand: Vec<String>,
    place: Place,
    /// What they were built and run with.
    versions: Vec<String>,
}

/// Has a program, with its arguments, run where a language's programs run.
pub(crate) type Place = Box<dyn Fn(&str, &[String]) -> Command>;

impl Sides {
    fn command(&self, program: &[String]) -> Command {
        let (name, arguments) =
            program.split_first().map_or(("", program), |(name, rest)| (name.as_str(), rest));
        (self.place)(name, arguments)
    }
}

struct Language {
    name: &'static str,
    title: &'static str,
    build: fn(&Workspace) -> Result<Sides, String>,
}

const LANGUAGES: &[Language] = &[
    Language { name: "rust", title: "Rust", build: rust::build },
    Language { name: "kotlin", title: "Kotlin", build: kotlin::build },
    Language { name: "swift", title: "Swift", build: swift::build },
    Language { name: "node", title: "Node", build: node::build },
];

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    /// Everything that is done often is done this many times less.
    divisor: usize,
}

impl Effort {
    fn of(self, count: usize) -> usize {
        (count / self.divisor).max(1)
    }
}

/// Measures the languages that are named, or all, and writes the figures down. A language that cannot be measured keeps no
/// other from it.
pub(crate) fn run(here: &Workspace, arguments: &[&str]) -> Result<bool, String> {
    let (rounds, names) = match arguments {
        [names @ .., "--rounds", rounds] => {
            let rounds = rounds.parse().ok().filter(|rounds| *rounds > 0);
            (rounds.ok_or("--rounds takes a number above zero")?, names)
        }
        names => (ROUNDS, names),
    };
    if let Some(name) = names.iter().find(|name| !LANGUAGES.iter().any(|language| language.name == **name)) {
        return Err(format!("there is nothing to measure in {name:?}"));
    }
    // What is not written down only has to run.
    let effort = Effort { rounds, divisor: if rounds < ENOUGH { 50 } else { 1 } };
    let mut ok = true;
    for language in LANGUAGES.iter().filter(|language| names.is_empty() || names.contains(&language.name)) {
        println!("\n== {}", language.title);
        let measured = measured(here, language, effort);
        match &measured {
            Ok((_, figures)) => {
                ok &= figures.iter().all(|figure| figure.outcome.is_ok());
                println!("{}", report::plain(figures));
            }
            Err(why) => {
                ok = false;
                println!("{why}");
            }
        }
        if rounds >= ENOUGH {
            report::write(here, language.title, &machine::stamp(here, rounds), measured)?;
        }
    }
    if rounds < ENOUGH {
        println!("With fewer than {ENOUGH} rounds nothing is written down.");
    }
    Ok(ok)
}

/// That everything can be measured.
pub(crate) fn smoke(here: &Workspace, _: &mut Vec<String>) -> Counts {
    let ran = run(here, &["--rounds", "1"]);
    if let Err(why) = &ran {
        println!("{why}");
    }
    Counts::check(ran == Ok(true))
}

type Measured = Result<(Sides, Vec<Figure>), String>;

fn measured(here: &Workspace, language: &Language, effort: Effort) -> Measured {
    let sides = (language.build)(here)?;
    let programs = programs(here)?;
    let folder = bindings::target(here).join("bench").join(language.name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut server = Running::start(here.command(programs.join("server")).arg(&folder))?;
    let [plain, secure] = [server.out.line()?, server.out.line()?];
    let addresses =
        measure::Addresses { plain: format!("http://{plain}"), secure: format!("https://{secure}") };
    let stopwatch = programs.join("start").to_string_lossy().into_owned();
    let core = language.name == "rust";
    let bench = measure::Bench { here, sides: &sides, core, addresses, folder, stopwatch, effort };
    let mut figures = bench.everywhere();
    if core {
        figures.extend(bench.core_alone());
    }
    drop(bench);
    Ok((sides, figures))
}

/// Builds the server and Rust's own sides, and says where they are.
fn programs(here: &Workspace) -> Result<PathBuf, String> {
    if !succeeds(&mut here.cargo(&["build", "--profile", CARGO_PROFILE, "-p", "market-bench"])) {
        return Err("market-bench does not build".to_owned());
    }
    Ok(bindings::target(here).join(CARGO_PROFILE))
}

/// Builds the library as it ships.
fn library(here: &Workspace) -> Result<PathBuf, String> {
    crate::size::build(here, "market-sdk-ffi", &[])
}
