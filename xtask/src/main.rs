//! The project's own commands: `cargo xtask test` before every change, `cargo xtask full` before a release.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod bindings;
mod conformance;
mod counts;
mod faults;
mod gate;
mod jsi;
mod jsi_edits;
mod kotlin;
mod package;
mod readme;
mod setup;
mod size;
mod targets;
mod typescript;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo xtask test             everything that a change has to pass
cargo xtask test STEP ...    only these: fmt clippy test doc demo readme package
                             conformance: judges what the languages' steps have left
                             rust: the first four; secret-service: the keyring tests alone
                             kotlin: the Kotlin package's tests
                             jsi: the React Native package's C++ in JavaScriptCore; jsi-memory: under AddressSanitizer
cargo xtask conformance      every case in every language, or in those that are named
cargo xtask bindgen kotlin   the library, and the Kotlin generated from it
cargo xtask bindgen typescript   the same for TypeScript
cargo xtask full             the same, and what is too slow for every change: deny size android ios windows
cargo xtask size             the bytes of the library that ships, held against those committed
cargo xtask faults           every fault under every call, as a report";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let names = match arguments.split_first() {
        Some((&"test", [])) => gate::TEST.to_vec(),
        Some((&"test", names)) => names.to_vec(),
        Some((&"full", [])) => [gate::TEST, gate::FULL].concat(),
        Some((&"bindgen", [language])) => {
            return match bindgen(&Workspace::here(), language) {
                Ok(()) => ExitCode::SUCCESS,
                Err(why) => {
                    eprintln!("{why}");
                    ExitCode::FAILURE
                }
            };
        }
        Some((&"size", [])) => vec!["size"],
        Some((&"conformance", names)) => {
            return match conformance::run(&Workspace::here(), names) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                Err(why) => {
                    eprintln!("{why}");
                    ExitCode::from(2)
                }
            };
        }
        Some((&"faults", [])) => return faults::run(&Workspace::here()),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match gate::run(&Workspace::here(), &names) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn bindgen(here: &Workspace, language: &str) -> Result<(), String> {
    match language {
        "kotlin" => kotlin::bindgen(here),
        "typescript" => typescript::bindgen(here),
        _ => Err(format!("there are no bindings for {language:?}")),
    }
}

/// Where the project is, and the cargo that runs us.
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
