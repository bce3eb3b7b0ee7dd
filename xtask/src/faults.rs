//! The fault matrix: every fault of the dev server under every call of the SDK, as a report.

use std::process::ExitCode;

use crate::Workspace;

/// Exits as the test program does, which fails if one cell is not as expected.
pub(crate) fn run(here: &Workspace) -> ExitCode {
    let matrix = ["test", "-p", "market-contract-tests", "--test", "faults", "--", "--nocapture"];
    match here.cargo(&matrix).status() {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("cargo did not start: {error}");
            ExitCode::FAILURE
        }
    }
}
