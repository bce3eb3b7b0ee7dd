//! The example app, as a clean project that depends on the packed artefact: built, run against the dev server, and
//! compared with the transcript in its README.

use std::path::{Path, PathBuf};

use super::package;
use crate::{Workspace, shopper};

const EXAMPLE: &str = "examples/kotlin";

/// Plays the transcript.
pub(super) fn check(here: &Workspace, server: &Path) -> Result<(), String> {
    let folder = here.root.join("bindings/kotlin/target/example");
    copied(&here.root.join(EXAMPLE), &folder).map_err(|error| format!("{EXAMPLE}: {error}"))?;
    let app = |address: &str| {
        let mut maven = package::maven(here, &folder);
        maven.args(["compile", "exec:java", "-Dstyle.color=never"]);
        maven.arg(package::local(&package::repository(here)));
        maven.arg(format!("-Dexec.args={address}"));
        maven
    };
    let readme = here.root.join(EXAMPLE).join("README.md");
    shopper::check(here, server, app, &readme, "cargo xtask test kotlin")
}

/// Copies what is committed of the example to where nothing else of this project is.
fn copied(from: &Path, into: &PathBuf) -> std::io::Result<()> {
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
