//! The Kotlin package on the JVM, against OkHttp and kotlinx.serialization.

use std::path::Path;

use super::{Sides, library, machine};
use crate::{Workspace, kotlin};

const FOLDER: &str = "tests/bench/kotlin";

pub(super) fn build(here: &Workspace) -> Result<Sides, String> {
    let library = library(here)?;
    let libraries = library.parent().unwrap_or(Path::new(".")).to_owned();
    let classes = kotlin::built_beside(here, &here.root.join(FOLDER))?;
    let program = |main: &str| {
        [
            "java".to_owned(),
            // A heap that does not grow, so that what grows is not hidden in it.
            "-Xms64m".to_owned(),
            "-Xmx64m".to_owned(),
            "-XX:+AlwaysPreTouch".to_owned(),
            format!("-Djna.library.path={}", libraries.display()),
            "-cp".to_owned(),
            classes.clone(),
            format!("bench.{main}Kt"),
        ]
        .to_vec()
    };
    let place = |name: &str, arguments: &[String]| {
        let mut command = std::process::Command::new(name);
        command.args(arguments);
        command
    };
    Ok(Sides {
        sdk: program("Sdk"),
        by_hand: program("ByHand"),
        place: Box::new(place),
        versions: vec![machine::said(here, "java", &["-version"])?],
    })
}
