//! The core, against reqwest and serde.

use super::{Sides, programs};
use crate::Workspace;

pub(super) fn build(here: &Workspace) -> Result<Sides, String> {
    let folder = programs(here)?;
    let program = |name: &str| vec![folder.join(name).to_string_lossy().into_owned()];
    let root = here.root.clone();
    let place = move |name: &str, arguments: &[String]| {
        let mut command = std::process::Command::new(name);
        command.args(arguments).current_dir(&root);
        command
    };
    Ok(Sides {
        sdk: program("core"),
        by_hand: program("by-hand"),
        place: Box::new(place),
        versions: vec![super::machine::said(here, "rustc", &["--version"])?],
    })
}
