//! What README.md shows is what happens.

use crate::Workspace;
use crate::counts::Counts;

/// The two commands that everybody starts with.
const COMMANDS: &[&str] = &["cargo run -p market-cli -- demo", "cargo xtask test"];

/// Checks the commands and transcripts of README.md.
pub(crate) fn check(here: &Workspace) -> Counts {
    let text = std::fs::read_to_string(here.root.join("README.md")).unwrap_or_default();
    let missing: Vec<_> = COMMANDS.iter().filter(|command| !text.contains(**command)).collect();
    for command in &missing {
        println!("README.md does not show: {command}");
    }
    Counts::check(missing.is_empty())
}
