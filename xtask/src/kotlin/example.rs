//! The example app, as a clean project that depends on the packed artefacts: built, tested, run against the dev server, and
//! compared with the transcript in its README.

use std::path::Path;
use std::process::Command;

use super::{DEV_SERVER, REPORTS, package, reports, said};
use crate::counts::Counts;
use crate::{Workspace, shopper, succeeds};

const EXAMPLE: &str = "examples/kotlin";
const CLASSPATH: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath";

/// Builds it away from this project, so that the artefacts are all it has of that, runs its tests, and plays its transcript.
pub(super) fn check(here: &Workspace, server: &Path) -> Counts {
    let folder = here.root.join("bindings/kotlin/target/example");
    if let Err(error) = copied(&here.root.join(EXAMPLE), &folder) {
        return Counts::check(said(Err(format!("{EXAMPLE}: {error}"))));
    }
    let mut build = package::maven(here, &folder);
    build.args(["test", CLASSPATH, "-Dmdep.outputFile=target/classpath.txt", "-Dmdep.includeScope=runtime"]);
    build.arg(package::local(&package::repository(here))).env(DEV_SERVER, server);
    let mut counts = reports(&mut build, &folder.join(REPORTS));
    if counts.ok() {
        counts += Counts::check(said(played(here, server, &folder)));
    } else {
        println!("The example does not build on the packed artefacts, or its tests fail.");
    }
    counts
}

/// Plays its transcript.
fn played(here: &Workspace, server: &Path, folder: &Path) -> Result<(), String> {
    let classes = listed(folder)?;
    let mut app = here.command("java");
    app.arg("-cp").arg(classes).arg("shop.MainKt");
    let readme = here.root.join(EXAMPLE).join("README.md");
    let app = |address: &str| {
        app.arg(address);
        app
    };
    shopper::check(here, server, app, &readme, "cargo xtask test kotlin")
}

/// Compiles the project in `folder`, and says where its classes are, and those of what it depends on.
pub(super) fn classes(mut maven: Command, folder: &Path) -> Result<String, String> {
    maven.args([
        "compile",
        CLASSPATH,
        "-Dmdep.outputFile=target/classpath.txt",
        "-Dmdep.includeScope=runtime",
    ]);
    if !succeeds(&mut maven) {
        return Err(format!("{} does not build", folder.display()));
    }
    listed(folder)
}

/// Where the classes of a project are, and those that Maven has listed.
fn listed(folder: &Path) -> Result<String, String> {
    let libraries =
        std::fs::read_to_string(folder.join("target/classpath.txt")).map_err(|e| e.to_string())?;
    let libraries = std::env::split_paths(libraries.trim()).collect::<Vec<_>>();
    let classes = std::env::join_paths(std::iter::once(folder.join("target/classes")).chain(libraries));
    Ok(classes.map_err(|error| error.to_string())?.to_string_lossy().into_owned())
}

/// Copies what is committed of the example to where nothing else of this project is.
fn copied(from: &Path, into: &Path) -> std::io::Result<()> {
    let _ = std::fs::remove_dir_all(into);
    std::fs::create_dir_all(into)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (old, new) = (entry.path(), into.join(entry.file_name()));
        if entry.file_name() == "target" {
            continue;
        }
        if old.is_dir() {
            copied(&old, &new)?;
        } else {
            std::fs::copy(&old, &new)?;
        }
    }
    Ok(())
}
