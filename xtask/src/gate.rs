//! The steps of the gate, in order; how long each took; and what came of it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::fuzz::Fuzz;
use crate::{
    Workspace, bench, conformance, docs, jsi, kotlin, licences, mutants, package, readme, setup, size, soak,
    succeeds, swift, targets, typescript,
};

/// What every change has to pass. The quick ones come first.
pub(crate) const TEST: &[&str] = &[
    "fmt",
    "clippy",
    "test",
    "fuzz",
    "doc",
    "demo",
    "readme",
    "docs",
    "licences",
    "package",
    "kotlin",
    "swift",
    "node",
    "jsi",
    "conformance",
];
/// And what takes too long for that.
pub(crate) const FULL: &[&str] = &[
    "orders",
    "soak",
    "mutants",
    "deny",
    "size",
    "android",
    "ios",
    "windows",
    "jsi-memory",
    "fuzz-memory",
    "bench",
];
const RUST: &[&str] = &["fmt", "clippy", "test", "doc"];

const DENY_VERSION: &str = "0.20.2";

struct Step {
    name: &'static str,
    /// Adds the lines to be repeated at the end.
    run: fn(&Workspace, &mut Vec<String>) -> Counts,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", run: |here, _| check(&mut here.cargo(&["fmt", "--all", "--check"])) },
    Step { name: "clippy", run: clippy },
    Step { name: "test", run: test },
    Step { name: "secret-service", run: secret_service },
    Step { name: "fuzz", run: |here, figures| fuzz(here, figures, 3, false) },
    Step { name: "doc", run: doc },
    Step { name: "demo", run: |here, _| check(&mut here.cargo(&["run", "-p", "market-cli", "--", "demo"])) },
    Step { name: "readme", run: |here, _| readme::check(here) },
    Step { name: "docs", run: |here, _| docs::check(here) },
    Step { name: "licences", run: |here, _| licences::check(here) },
    Step { name: "package", run: |here, _| package::check(here) },
    Step { name: "kotlin", run: |here, _| kotlin::test(here) },
    Step { name: "swift", run: swift::test },
    Step { name: "node", run: |here, _| typescript::test(here) },
    Step { name: "jsi", run: |here, _| jsi::test(here) },
    Step { name: "jsi-memory", run: |here, _| jsi::test_memory(here) },
    Step { name: "fuzz-memory", run: |here, figures| fuzz(here, figures, 30, true) },
    Step { name: "conformance", run: conformance::step },
    Step { name: "orders", run: orders },
    Step { name: "soak", run: soak::long },
    Step { name: "mutants", run: |here, _| mutants::check(here) },
    Step { name: "deny", run: deny },
    Step { name: "size", run: size::check },
    Step { name: "android", run: |here, _| targets::android(here) },
    Step { name: "ios", run: |here, _| targets::ios(here) },
    Step { name: "bench", run: bench::smoke },
    Step { name: "windows", run: |here, _| targets::windows(here) },
];

fn clippy(here: &Workspace, _: &mut Vec<String>) -> Counts {
    check(&mut here.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// All tests. What they print is shown, since some count what they have done. The conformance tests are run on
/// their own, since their report and their logs are judged by a later step.
fn test(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    let all = [
        "test",
        "--workspace",
        "--exclude",
        "market-conformance-tests",
        "--no-fail-fast",
        "--",
        "--show-output",
    ];
    let mut sum = tests(&mut here.cargo(&all), |line| figures.extend(figure(line)));
    sum += soak::in_gate(here, figures);
    sum += conformance::rust(here);
    sum
}

fn secret_service(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    let test = ["test", "-p", "market-sdk", "--test", "secret_service"];
    tests(&mut here.cargo(&test), |line| figures.extend(figure(line)))
}

/// What a test counted stands in a line that begins with `figure: `.
pub(crate) fn figure(line: &str) -> Option<String> {
    line.strip_prefix("figure: ").map(str::to_owned)
}

/// A shopper on a bad network, and kills, in the size that the promise is made in.
fn orders(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    let test = ["test", "--release", "-p", "market-sdk", "--lib", "orders_simulated", "--", "--show-output"];
    let mut sum = tests(here.cargo(&test).env("ORDERS_ONCE", "100000"), |line| figures.extend(figure(line)));
    for (package, which) in [("market-contract-tests", "orders::"), ("market-cli", "killed")] {
        let test = ["test", "-p", package, "--test", "kill", which, "--", "--show-output"];
        sum += tests(here.cargo(&test).env("KILLS", "100"), |line| figures.extend(figure(line)));
    }
    sum
}

/// Each fuzz target for so many seconds.
fn fuzz(here: &Workspace, figures: &mut Vec<String>, seconds: u64, memory: bool) -> Counts {
    let fuzz = Fuzz { target: None, each: Duration::from_secs(seconds), memory };
    fuzz.run(here, figures).unwrap_or_else(|why| {
        println!("{why}");
        Counts::check(false)
    })
}

fn doc(here: &Workspace, _: &mut Vec<String>) -> Counts {
    check(here.cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Licences, duplicate versions and sources of what we depend on: the rules are in `deny.toml`.
fn deny(here: &Workspace, _: &mut Vec<String>) -> Counts {
    match setup::cargo_tool(here, "cargo-deny", DENY_VERSION, &[]) {
        Some(program) => check(here.command(program).args(["check", "licenses", "bans", "sources"])),
        None => Counts::check(false),
    }
}

/// Runs the steps up to the first that fails. The last line printed is the counts, and nothing else.
/// An error is a step that does not exist.
pub(crate) fn run(here: &Workspace, names: &[&str]) -> Result<bool, String> {
    let mut steps = Vec::new();
    for name in names.iter().flat_map(|&name| if name == "rust" { RUST.to_vec() } else { vec![name] }) {
        let step = STEPS.iter().find(|step| step.name == name);
        steps.push(step.ok_or_else(|| format!("there is no step {name:?}"))?);
    }
    if steps.iter().any(|step| ["test", "secret-service"].contains(&step.name)) && !setup::tests(here) {
        println!("{}", Counts::check(false));
        return Ok(false);
    }

    let (mut sum, mut report, mut figures) = (Counts::default(), Vec::new(), Vec::new());
    for step in steps {
        if !sum.ok() {
            report.push((step.name, None, Duration::ZERO));
            continue;
        }
        println!("\n== {}", step.name);
        let start = Instant::now();
        let counts = (step.run)(here, &mut figures);
        report.push((step.name, Some(counts), start.elapsed()));
        sum += counts;
    }
    print_report(&report, &figures);
    println!("{sum}");
    Ok(sum.ok())
}

fn print_report(report: &[(&str, Option<Counts>, Duration)], figures: &[String]) {
    println!();
    for figure in figures {
        println!("{figure}");
    }
    println!("\n{:<16}{:>8}  ", "step", "minutes");
    let mut total = Duration::ZERO;
    for (name, counts, took) in report {
        total += *took;
        let result = match counts {
            Some(counts) if counts.ok() => counts.to_string(),
            Some(counts) => format!("{counts}  FAILED"),
            None => "not run".to_owned(),
        };
        println!("{name:<16}{:>8.2}  {result}", minutes(*took));
    }
    println!("{:<16}{:>8.2}\n", "all", minutes(total));
}

fn minutes(duration: Duration) -> f64 {
    duration.as_secs_f64() / 60.0
}

fn check(command: &mut Command) -> Counts {
    Counts::check(succeeds(command))
}

/// Runs `cargo test`, passes on what it prints, to `read` as well, and adds up what its test programs say of
/// themselves.
pub(crate) fn tests(command: &mut Command, mut read: impl FnMut(&str)) -> Counts {
    let mut sum = Counts::default();
    let mut running = match command.stdout(Stdio::piped()).spawn() {
        Ok(running) => running,
        Err(error) => {
            eprintln!("cargo did not start: {error}");
            return Counts::check(false);
        }
    };
    let mut out = std::io::stdout();
    for line in running.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        let _ = writeln!(out, "{line}");
        sum += Counts::of_line(&line).unwrap_or_default();
        read(&line);
    }
    let ok = running.wait().is_ok_and(|status| status.success());
    // What did not compile, crashed or held no test at all says nothing of itself.
    if sum.ok() && (!ok || sum == Counts::default()) {
        sum.failed += 1;
    }
    sum
}
