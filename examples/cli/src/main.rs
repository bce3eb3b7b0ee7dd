//! `market`: a command line for the market API, made of the SDK and little else.

mod args;
mod commands;
mod demo;
mod failure;
mod paint;
mod show;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};
use failure::Failure;

/// Wipes what is freed, as the library for other languages does.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.command.json();
    log_to_stderr();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Demo { dialect, resume, lost_answer } => demo::run(dialect, resume, lost_answer),
        // It brings a runtime of its own.
        Command::DevServer(args) => market_dev_server::run(args).map_err(Failure::other),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "market", &mut script);
            Ok(io::stdout().write_all(&script)?)
        }
        command => runtime()?.block_on(commands::run(&cli.connection, command)),
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// What the SDK logs, as `RUST_LOG` asks for it. Standard output is for results alone.
fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_ansi(paint::on(&io::stderr()))
        .with_writer(io::stderr)
        .init();
}
