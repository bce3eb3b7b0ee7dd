//! The Swift package: what is generated for it, and its tests.

mod edits;
mod package;
mod surface;
mod toolchain;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::counts::Counts;
use crate::{Workspace, bench, bindings, conformance, succeeds};
pub(crate) use package::pack;
use toolchain::Swift;

const PACKAGE: &str = "bindings/swift";

/// Builds the library, and writes the generated part of the package. It is not committed.
pub(crate) fn bindgen(here: &Workspace) -> Result<(), String> {
    let library = bindings::library(here)?;
    let out = folder(here).join("generated");
    bindings::generate(here, "swift", &library, &out)?;
    let read = |name: &str| std::fs::read_to_string(out.join(name)).map_err(|e| format!("{name}: {e}"));
    let package = here.root.join(PACKAGE);
    let sources = package.join("Sources/MarketSDK/Generated");
    let text = edits::all(&read("MarketSDK.swift")?)?;
    write(&sources.join("MarketSDK.swift"), &text)?;
    let tests = package.join("Tests/MarketSDKTests/Generated");
    write(&tests.join("Samples.swift"), &edits::personal::samples(&text)?)?;
    let number = bindings::core_version();
    write(
        &sources.join("ExpectedCoreVersion.swift"),
        &format!("let expectedCoreVersion: UInt32 = {number}\n"),
    )?;
    let ffi = package.join("Sources/MarketSDKFFI");
    write(&ffi.join("MarketSDKFFI.h"), &read("MarketSDKFFI.h")?)?;
    write(&ffi.join("module.modulemap"), MODULE_MAP)?;
    link(&library, &package.join("lib"))
}

/// Names the library, unlike the generated one.
const MODULE_MAP: &str = "\
module MarketSDKFFI {
    header \"MarketSDKFFI.h\"
    link \"market_sdk_ffi\"
    export *
}
";

/// Where what belongs to no package is built.
fn folder(here: &Workspace) -> PathBuf {
    bindings::target(here).join("swift")
}

/// Writes a file that is not so already: SwiftPM goes by the time of the last change.
fn write(path: &Path, text: &str) -> Result<(), String> {
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    }
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Shows the package the library, where one that is packed has its own.
fn link(library: &Path, folder: &Path) -> Result<(), String> {
    let link = folder.join(library.file_name().unwrap_or_default());
    let _ = std::fs::remove_file(&link);
    std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(library, &link);
    #[cfg(not(unix))]
    let linked = std::fs::copy(library, &link).map(drop);
    linked.map_err(|e| format!("{}: {e}", link.display()))
}

/// Builds a package that depends on this one, as it ships and with `library`; gives what runs its programs, and Swift's
/// version.
pub(crate) fn built_beside(
    here: &Workspace,
    folder: &Path,
    library: &Path,
) -> Result<(bench::Place, String), String> {
    let swift = Swift::ready(here)?;
    bindgen(here)?;
    link(library, &here.root.join(PACKAGE).join("lib"))?;
    if !succeeds(swift.command(here, folder, "swift").args([
        "build",
        "--quiet",
        "--configuration",
        "release",
    ])) {
        return Err(format!("{} does not build", folder.display()));
    }
    let version = swift.version(here)?;
    let (here, folder) = (here.clone(), folder.to_owned());
    let place = move |name: &str, arguments: &[String]| {
        let mut command = swift.command(&here, &folder, name);
        command.args(arguments);
        command
    };
    Ok((Box::new(place), version))
}

/// The tests of the Swift package, against the dev server as a process.
pub(crate) fn test(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    tested(here, figures).unwrap_or_else(failed)
}

fn tested(here: &Workspace, figures: &mut Vec<String>) -> Result<Counts, String> {
    let swift = Swift::ready(here)?;
    bindgen(here)?;
    let server = bindings::dev_server(here)?;
    let swift = swift.knows("MARKET_DEV_SERVER", &server);
    // Apart: one of the conformance tests measures how soon a cancelled request is closed.
    let mut counts = package_tests(here, &swift, Tests::Conformance, figures)?;
    counts += package_tests(here, &swift, Tests::Others, figures)?;
    if counts.ok() {
        counts += surface::check(here, &swift, figures).map_or_else(failed, |()| Counts::check(true));
        counts += package::consumed(here, &swift, &server).map_or_else(failed, |()| Counts::check(true));
    }
    Ok(counts)
}

/// The conformance tests alone.
pub(crate) fn conformance(here: &Workspace) -> Counts {
    let run = || {
        let swift = Swift::ready(here)?;
        bindgen(here)?;
        let swift = swift.knows("MARKET_DEV_SERVER", bindings::dev_server(here)?);
        package_tests(here, &swift, Tests::Conformance, &mut Vec::new())
    };
    run().unwrap_or_else(failed)
}

/// What became of each conformance test in the last run.
pub(crate) fn results(here: &Workspace, _: &conformance::Folder) -> Result<conformance::Results, String> {
    conformance::junit(&Tests::Conformance.report(here), |class| class == CONFORMANCE)
}

/// The suite of the conformance tests.
const CONFORMANCE: &str = "MarketSDKTests.Conformance";

fn failed(why: String) -> Counts {
    println!("{why}");
    Counts::check(false)
}

/// Where SwiftPM puts what it builds of the package.
fn scratch(here: &Workspace) -> PathBuf {
    folder(here).join("build")
}

/// Which of the package's tests.
#[derive(Clone, Copy)]
enum Tests {
    Conformance,
    Others,
}

impl Tests {
    /// How the run is told.
    fn chosen(self) -> [&'static str; 2] {
        match self {
            Self::Conformance => ["--filter", CONFORMANCE],
            Self::Others => ["--skip", CONFORMANCE],
        }
    }

    /// What the run is told to call its report of XCTest's tests; Swift's own library adds to that name.
    fn name(self) -> &'static str {
        match self {
            Self::Conformance => "conformance",
            Self::Others => "others",
        }
    }

    fn report(self, here: &Workspace) -> PathBuf {
        folder(here).join(format!("{}-swift-testing.xml", self.name()))
    }
}

/// Runs the tests, and adds up the report that they leave.
fn package_tests(
    here: &Workspace,
    swift: &Swift,
    which: Tests,
    figures: &mut Vec<String>,
) -> Result<Counts, String> {
    let swift = match which {
        Tests::Conformance => {
            swift.clone().knows(conformance::VARIABLE, conformance::begin(here, "swift")?.logs())
        }
        Tests::Others => swift.clone(),
    };
    let report = which.report(here);
    let _ = std::fs::remove_file(&report);
    let mut tests = swift.command(here, &here.root.join(PACKAGE), "swift");
    tests.args(["test", "-Xswiftc", "-warnings-as-errors", "--scratch-path"]).arg(scratch(here));
    tests.arg("--xunit-output").arg(folder(here).join(which.name()).with_extension("xml"));
    tests.args(which.chosen());
    let mut running =
        tests.stdout(Stdio::piped()).spawn().map_err(|e| format!("swift did not start: {e}"))?;
    for line in running.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        figures.extend(line.strip_prefix("figure: ").map(str::to_owned));
        // What goes well is in the sum; of XCTest's tests there are none.
        if !line.starts_with(['◇', '✔', '['])
            && !line.contains("Test Suite '")
            && !line.contains("Executed 0 tests")
        {
            println!("{line}");
        }
    }
    let ok = running.wait().is_ok_and(|status| status.success());
    let text = std::fs::read_to_string(report).unwrap_or_default();
    let mut sum = of_report(&text);
    println!("{sum}");
    // What did not compile, crashed or held no test at all leaves no report.
    if sum.ok() && (!ok || sum == Counts::default()) {
        sum.failed += 1;
    }
    Ok(sum)
}

/// Counts the tests of a report, and those in which something failed.
fn of_report(text: &str) -> Counts {
    let mut sum = Counts::default();
    for case in text.split("<testcase ").skip(1) {
        sum += Counts::check(!case.contains("<failure"));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_counted() {
        let text = r#"<testsuite tests="3" failures="1">
            <testcase classname="A" name="a()" time="0.1" />
            <testcase classname="A" name="b()" time="0.1">
                <failure message="no" />
                <failure message="no again" />
            </testcase>
            <testcase classname="A" name="c()" time="0.1" />"#;
        assert_eq!(of_report(text), Counts { passed: 2, failed: 1, skipped: 0 });
        assert_eq!(of_report(""), Counts::default());
    }
}
