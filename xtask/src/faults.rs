//! The fault matrix: every fault of the dev server under every call of the SDK, as a report.

use crate::{Workspace, succeeds};

/// Whether every cell is as expected.
pub(crate) fn run(here: &Workspace) -> bool {
    let matrix = ["test", "-p", "market-contract-tests", "--test", "faults", "--", "--nocapture"];
    succeeds(&mut here.cargo(&matrix))
}
