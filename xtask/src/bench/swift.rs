//! The Swift package, against URLSession and Codable.

use super::{Sides, library};
use crate::{Workspace, swift};

const FOLDER: &str = "tests/bench/swift";

pub(super) fn build(here: &Workspace) -> Result<Sides, String> {
    let library = library(here)?;
    let folder = here.root.join(FOLDER);
    let (place, version) = swift::built_beside(here, &folder, &library)?;
    let program = |name: &str| vec![folder.join(".build/release").join(name).to_string_lossy().into_owned()];
    Ok(Sides {
        sdk: program("sdk"),
        by_hand: program("by-hand"),
        place,
        versions: vec![format!("Swift {version}")],
    })
}
