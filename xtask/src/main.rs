//! The project's own commands: `cargo xtask test` before every change, `cargo xtask full` before a release.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod bench;
mod bindings;
mod conformance;
mod counts;
mod docs;
mod faults;
mod fuzz;
mod gate;
mod jsi;
mod kotlin;
mod licences;
mod mutants;
mod package;
mod process;
mod readme;
mod setup;
mod shopper;
mod size;
mod soak;
mod swift;
mod targets;
mod typescript;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::counts::Counts;
use crate::fuzz::Fuzz;

const HELP: &str = "\
cargo xtask test             everything that a change has to pass
cargo xtask test STEP ...    only these: fmt clippy test doc demo readme docs package
                             conformance: judges what the languages' steps have left
                             rust: the first four; secret-service: the keyring tests alone
                             kotlin swift node: the tests of a language's package
                             fuzz: every fuzz target for some seconds
                             jsi: the React Native package's C++ in JavaScriptCore; jsi-memory: under AddressSanitizer
cargo xtask conformance      every case in every language, or in those that are named
cargo xtask bindgen LANGUAGE the library, and what is generated from it: kotlin swift typescript
cargo xtask native kotlin P  the same, and the library by cargo's profile P where the package takes it from
cargo xtask pack swift       the Swift package with the library that ships, for this system
cargo xtask full             as test, and what is too slow for every change: orders deny size android ios windows,
                             fuzz-memory: every fuzz target for longer, under AddressSanitizer; bench: that it runs
cargo xtask bench            the SDK beside what is written by hand, into docs/performance.md: rust kotlin swift node, or
                             those that are named; --rounds N: how often each side takes its turn
cargo xtask size             the bytes of the library that ships, held against those committed
cargo xtask docs             the documentation site, in target/book
cargo xtask licences         whether THIRD-PARTY-LICENSES lists what is linked in
cargo xtask elf FILE ...     whether libraries are aligned to pages of 16 KiB
cargo xtask faults           every fault under every call, as a report
cargo xtask fuzz             every fuzz target for a minute; or TARGET, --seconds N, --memory (AddressSanitizer)
cargo xtask fuzz TARGET --input FILE    runs one input again
cargo xtask soak --schedules N [--seed S]
                             N random schedules against the promises, from number S on
cargo xtask mutants          whether the schedules find what breaks a promise: sdk-core/mutations, one after the other";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&Workspace::here(), &arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// Whether all was as it should be. An error is what could not be done at all.
fn run(here: &Workspace, arguments: &[&str]) -> Result<bool, String> {
    match arguments {
        ["test"] => gate::run(here, gate::TEST),
        ["test", steps @ ..] => gate::run(here, steps),
        ["full"] => gate::run(here, &[gate::TEST, gate::FULL].concat()),
        ["bench", what @ ..] => bench::run(here, what),
        ["size"] => gate::run(here, &["size"]),
        ["licences"] => gate::run(here, &["licences"]),
        ["docs"] => gate::run(here, &["docs"]),
        ["faults"] => Ok(faults::run(here)),
        ["fuzz", target, "--input", input] => Fuzz::default().replay(here, target, input),
        ["fuzz", options @ ..] => match Fuzz::of(options) {
            Some(fuzz) => fuzz.run(here, &mut Vec::new()).map(Counts::ok),
            None => Err(HELP.to_owned()),
        },
        ["soak", arguments @ ..] => soak::run(here, arguments),
        ["mutants"] => mutants::run(here),
        ["conformance", languages @ ..] => conformance::run(here, languages),
        ["bindgen", "kotlin"] => done(kotlin::bindgen(here)),
        ["bindgen", "swift"] => done(swift::bindgen(here)),
        ["bindgen", "typescript"] => done(typescript::bindgen(here)),
        ["native", "kotlin", profile] => {
            done(kotlin::bindgen(here).and_then(|()| kotlin::native(here, profile)))
        }
        ["pack", "swift"] => done(swift::pack(here)),
        ["elf", files @ ..] if !files.is_empty() => {
            done(files.iter().try_for_each(|file| kotlin::elf::check(file.as_ref())))
        }
        _ => Err(HELP.to_owned()),
    }
}

fn done(result: Result<(), String>) -> Result<bool, String> {
    result.map(|()| true)
}

/// Where the project is, and the cargo that runs us.
#[derive(Clone)]
struct Workspace {
    root: PathBuf,
    cargo: String,
}

impl Workspace {
    fn here() -> Self {
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        Self {
            root: xtask.parent().map(PathBuf::from).unwrap_or_default(),
            cargo: std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
        }
    }

    /// A command in the project's root folder.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // What cargo says about xtask itself to us: build scripts that watch these would run again, and
        // half the workspace be built again, at each change between this and plain cargo.
        for (name, _) in std::env::vars_os() {
            let own = name.to_str().is_some_and(|name| {
                ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix))
            });
            if own {
                command.env_remove(name);
            }
        }
        command
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.cargo);
        command.args(arguments);
        command
    }
}

/// Runs it, with its output as ours.
fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("{} did not start: {error}", command.get_program().display());
            false
        }
    }
}
