//! The command line, as a function: another binary can offer the same server as a command of its own.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use tokio::sync::oneshot;

use crate::control::seconds;
use crate::{DevServer, Dialect, Result};

/// The market API over SQLite, to develop and test clients against.
#[derive(Debug, Parser)]
#[command(name = "market-dev-server")]
pub struct Args {
    /// Which generation of the API to play.
    #[arg(long, default_value = "documented")]
    pub dialect: Dialect,
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// A file that keeps the data; in memory if left out.
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
    /// How long a token is good.
    #[arg(long, value_name = "SECONDS", default_value = "1800", value_parser = seconds)]
    pub token_lifetime: Duration,
    /// After what time an idle connection is closed.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub idle_timeout: Duration,
    /// Do not limit how often a phone may ask for a code.
    #[arg(long)]
    pub no_rate_limits: bool,
    /// Answer a second order with the same Idempotency-Key as the first.
    #[arg(long)]
    pub honour_idempotency_key: bool,
    /// Speak https, with a certificate of an authority made on the fly.
    #[arg(long)]
    pub tls: bool,
    /// Where to write that authority's certificate (PEM), for clients to trust.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_ca_out: Option<PathBuf>,
    /// Do not write sign-in codes to standard error.
    #[arg(long)]
    pub quiet: bool,
    /// Where to write what was asked of the API, as `{"dialect", "requests"}`, when the server stops. It is there
    /// in full or not at all.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Stop when standard input ends, so that a killed parent leaves no server behind.
    #[arg(long)]
    pub exit_with_stdin: bool,
}

/// Reads the command line of this process and serves until told to stop.
pub fn run_cli() -> Result<()> {
    run(Args::parse())
}

/// Serves until SIGTERM, Ctrl-C or, if asked to, the end of standard input. Writes one line to standard output
/// when it is ready: `listening on http://127.0.0.1:PORT/api/v1`.
pub fn run(args: Args) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(args))
}

async fn serve(args: Args) -> Result<()> {
    allow_many_connections();
    let mut builder = DevServer::builder()
        .dialect(args.dialect)
        .port(args.port)
        .token_lifetime(args.token_lifetime)
        .idle_timeout(args.idle_timeout)
        .rate_limits(!args.no_rate_limits)
        .tls(args.tls)
        .honour_idempotency_key(args.honour_idempotency_key)
        .print_codes(!args.quiet);
    if let Some(database) = args.database {
        builder = builder.database(database);
    }
    let server = builder.start().await?;
    if let (Some(file), Some(pem)) = (args.tls_ca_out, server.ca_pem()) {
        std::fs::write(file, pem)?;
    }
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", server.base_url())?;
    stdout.flush()?;
    let orphaned = stdin_ends(args.exit_with_stdin);
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        result = terminated() => result?,
        _ = orphaned => {}
    }
    let Some(file) = args.log else {
        server.stop().await;
        return Ok(());
    };
    let dialect = server.dialect().to_string();
    let document = json!({"dialect": dialect, "requests": server.stop_with_log().await});
    write_whole(&file, document.to_string().as_bytes())?;
    Ok(())
}

/// A shell allows 1,024 files at once by default, and a process may allow itself more.
#[cfg(unix)]
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    // If it may not, fewer connections are taken at once.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

#[cfg(not(unix))]
fn allow_many_connections() {}

/// Writes beside the file, and gives it its name once it is complete.
fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    std::fs::write(&unfinished, bytes)?;
    std::fs::rename(&unfinished, file)
}

/// Resolves when standard input ends; never, if that is not asked for.
async fn stdin_ends(asked: bool) {
    if !asked {
        return std::future::pending().await;
    }
    let (tell, told) = oneshot::channel();
    // A plain thread: a runtime would wait for its own blocking read when it shuts down.
    std::thread::spawn(move || {
        let mut sink = [0; 256];
        while matches!(std::io::stdin().read(&mut sink), Ok(1..)) {}
        tell.send(())
    });
    let _ = told.await;
}

#[cfg(unix)]
async fn terminated() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> std::io::Result<()> {
    std::future::pending().await
}
