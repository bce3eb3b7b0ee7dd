//! The npm package on Node, against fetch.

use super::{Sides, library, machine};
use crate::{Workspace, typescript};

pub(super) fn build(here: &Workspace) -> Result<Sides, String> {
    let node = typescript::built_for_node(here, &library(here)?)?;
    let program = |name: &str| {
        let file = here.root.join("tests/bench/node").join(name);
        let node = node.to_string_lossy().into_owned();
        // What is young has a heap that does not grow, so that what grows is not hidden in it.
        let heap = ["--min-semi-space-size=2", "--max-semi-space-size=2"].map(str::to_owned);
        [&[node, "--expose-gc".to_owned()], &heap[..], &[file.to_string_lossy().into_owned()]].concat()
    };
    let place = |name: &str, arguments: &[String]| {
        let mut command = std::process::Command::new(name);
        // As a server runs; elsewhere the package notes where each call was made.
        command.args(arguments).env("NODE_ENV", "production");
        command
    };
    Ok(Sides {
        sdk: program("sdk.mjs"),
        by_hand: program("by-hand.mjs"),
        place: Box::new(place),
        versions: vec![format!("Node {}", machine::said(here, &node.to_string_lossy(), &["--version"])?)],
    })
}
