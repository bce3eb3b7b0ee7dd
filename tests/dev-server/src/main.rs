//! The development server as a program.

use std::process::ExitCode;

#[allow(clippy::print_stderr, reason = "a program tells its user why it ends")]
fn main() -> ExitCode {
    match market_dev_server::run_cli() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("market-dev-server: {error}");
            ExitCode::FAILURE
        }
    }
}
