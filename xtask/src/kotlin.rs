//! The Kotlin package: what is generated for it, and its tests.

mod edits;
pub(crate) mod elf;
mod example;
mod package;

pub(crate) use package::native;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::conformance::{self, Folder, Results};
use crate::counts::Counts;
use crate::{Workspace, bindings, setup};

const PACKAGE: &str = "bindings/kotlin";

/// Builds the library, and writes the generated part of the package. It is not committed.
pub(crate) fn bindgen(here: &Workspace) -> Result<(), String> {
    let out = here.root.join(PACKAGE).join("target/generated/uniffi");
    bindings::generate(here, "kotlin", &bindings::library(here)?, &out)?;
    let package = out.join("dev/marketsdk");
    let write = |name: &str, text: &str| std::fs::write(package.join(name), text).map_err(|e| e.to_string());
    let text = std::fs::read_to_string(package.join("market_sdk_ffi.kt")).map_err(|e| e.to_string())?;
    write("market_sdk_ffi.kt", &edits::edit(&text)?)?;
    let number = bindings::core_version();
    write(
        "CoreVersion.kt",
        &format!("package dev.marketsdk\n\ninternal const val CORE_VERSION: UInt = {number}u\n"),
    )
}

/// The tests of the Kotlin package, against the dev server as a process; then the artefact, and the app that is built on
/// it.
pub(crate) fn test(here: &Workspace) -> Counts {
    let (mut counts, server) = match tested(here, &[]) {
        Ok(tested) => tested,
        Err(why) => return Counts::check(said(Err(why))),
    };
    if counts.ok() {
        counts += android(here);
        counts += Counts::check(said(package::packed(here)));
        counts += example::check(here, &server);
    }
    counts
}

/// What is Android's own, against the classes of its framework.
fn android(here: &Workspace) -> Counts {
    let folder = here.root.join(PACKAGE).join("android");
    let _ = std::fs::remove_dir_all(folder.join("target"));
    reports(package::maven(here, &folder).arg("test"), &folder.join(REPORTS))
}

/// The conformance tests alone.
pub(crate) fn conformance(here: &Workspace) -> Counts {
    match tested(here, &["-Dtest=*ConformanceTest"]) {
        Ok((counts, _)) => counts,
        Err(why) => Counts::check(said(Err(why))),
    }
}

pub(crate) fn conformance_results(here: &Workspace, _: &Folder) -> Result<Results, String> {
    let conforming = |class: &str| class.ends_with("ConformanceTest");
    conformance::junit(&here.root.join(PACKAGE).join(REPORTS), conforming)
}

/// Names the dev server to the launcher of the package for apps' tests.
const DEV_SERVER: &str = "MARKET_DEV_SERVER";

/// Where Maven leaves what became of each test.
const REPORTS: &str = "target/surefire-reports";

/// Runs the tests, and says where the dev server is that they ran against.
fn tested(here: &Workspace, which: &[&str]) -> Result<(Counts, PathBuf), String> {
    if !ready(here) {
        return Err("The tests of Kotlin cannot be run.".to_owned());
    }
    bindgen(here)?;
    let server = bindings::dev_server(here)?;
    let folder = conformance::begin(here, "kotlin")?;
    // Maven compiles what is new, and leaves what was taken away: a test that is gone would still run. And the library
    // is the one that was built just now, not one that was packed before.
    for left in ["target/classes", "target/test-classes", "target/native"] {
        let _ = std::fs::remove_dir_all(here.root.join(PACKAGE).join(left));
    }
    let mut maven = package::maven(here, &here.root.join(PACKAGE));
    maven.args(["test", "-Dmarket.cargo.skip=true"]).args(which);
    maven.arg(format!("-Dmarket.library.dir={}", bindings::built(here).display()));
    maven.env(DEV_SERVER, &server).env(conformance::VARIABLE, folder.logs());
    Ok((reports(&mut maven, &here.root.join(PACKAGE).join(REPORTS)), server))
}

/// Builds a project that compiles the package's sources with its own, and says where its classes are, and those of what it
/// depends on.
pub(crate) fn built_beside(here: &Workspace, folder: &Path) -> Result<String, String> {
    if !ready(here) {
        return Err("There is no JDK and Maven.".to_owned());
    }
    bindgen(here)?;
    // Maven leaves what was compiled against a former interface.
    let _ = std::fs::remove_dir_all(folder.join("target/classes"));
    example::classes(package::maven(here, folder), folder)
}

fn said(result: Result<(), String>) -> bool {
    if let Err(why) = &result {
        println!("{why}");
    }
    result.is_ok()
}

/// Makes sure that there are a JDK and Maven, and that the JDK is one the package is built for.
fn ready(here: &Workspace) -> bool {
    let needed = [("javac", "openjdk-17-jdk-headless"), ("mvn", "maven")];
    if !setup::there(here, "the tests of Kotlin", &needed) {
        return false;
    }
    let out = here.command("javac").arg("-version").output();
    let said = out.map(|out| String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned());
    let said = said.unwrap_or_default();
    let fits = major(&said).is_some_and(|version| version >= 17);
    if !fits {
        println!("The tests of Kotlin need a JDK of version 17 or later; this is: {}", said.trim());
    }
    fits
}

/// The version in what `javac -version` says, as in `javac 17.0.15`.
fn major(said: &str) -> Option<u32> {
    let version = said.split_whitespace().nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

/// Runs Maven, and adds up the reports that it leaves: with `--quiet` it prints failures alone.
fn reports(maven: &mut Command, reports: &Path) -> Counts {
    let _ = std::fs::remove_dir_all(reports);
    let mut running = match maven.stdout(Stdio::piped()).spawn() {
        Ok(running) => running,
        Err(error) => {
            println!("mvn did not start: {error}");
            return Counts::check(false);
        }
    };
    let mut out = std::io::stdout();
    for line in running.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
        let Ok(line) = line else { break };
        let _ = writeln!(out, "{}", String::from_utf8_lossy(&line));
    }
    let ok = running.wait().is_ok_and(|status| status.success());
    let mut sum = Counts::default();
    for report in std::fs::read_dir(reports).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(report.path()).unwrap_or_default();
        sum += text.lines().find_map(of_report).unwrap_or_default();
    }
    println!("{sum}");
    // What did not compile or held no test at all leaves no report.
    if sum.ok() && (!ok || sum == Counts::default()) {
        sum.failed += 1;
    }
    sum
}

/// Reads the line in which a report sums a class up, as in
/// `Tests run: 7, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 2.1 s`.
fn of_report(line: &str) -> Option<Counts> {
    let number = |what: &str| {
        let (_, rest) = line.split_once(what)?;
        rest.split(',').next()?.trim().parse::<u64>().ok()
    };
    if !line.starts_with("Tests run: ") {
        return None;
    }
    let (run, skipped) = (number("Tests run:")?, number("Skipped:")?);
    let failed = number("Failures:")? + number("Errors:")?;
    Some(Counts { passed: run.saturating_sub(failed + skipped), failed, skipped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_a_class_is_read() {
        let line = "Tests run: 7, Failures: 1, Errors: 2, Skipped: 1, Time elapsed: 2.1 s <<< FAILURE!";
        assert_eq!(of_report(line), Some(Counts { passed: 3, failed: 3, skipped: 1 }));
        assert_eq!(of_report("Test set: dev.marketsdk.ShoppingTest"), None);
    }

    #[test]
    fn the_version_of_a_jdk_is_read() {
        assert_eq!(major("javac 17.0.15\n"), Some(17));
        assert_eq!(major("javac 26-ea\n"), Some(26));
        assert_eq!(major("command not found"), None);
    }
}
