//! The market HTTP API as a development server: all its calls over SQLite, in each of its dialects, with a log
//! of every request that a test can read back.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> market_dev_server::Result<()> {
//! use market_dev_server::{DevServer, Dialect};
//!
//! let server = DevServer::builder().dialect(Dialect::Documented).start().await?;
//! let _base_url = server.base_url();          // what a client is given
//! server.advance_clock(3600);                 // an hour later
//! assert!(server.requests().is_empty());      // nobody has called yet
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! It shares no code with any client of the API: a shared type would hide a shared mistake.

mod call;
mod catalogue;
mod cli;
mod clock;
mod control;
mod db;
mod dialect;
mod faults;
mod front;
mod log;
mod market;
mod mischief;
mod reply;
mod routes;
mod server;
mod state;
mod tls;
mod token;
mod validate;
mod wire;

pub use cli::{Args, run, run_cli};
pub use control::Control;
pub use dialect::Dialect;
pub use faults::{DateHeader, Fault, FaultRule, RetryAfter, Target};
pub use log::LoggedRequest;
pub use server::{Builder, DevServer};

/// Why the server could not be started or controlled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port, the terminal or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The database.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    /// Something asked for that there is not.
    #[error("{0}")]
    Config(String),
    /// Something waited for that did not come.
    #[error("{0}")]
    Late(String),
}

/// The result of this crate's calls.
pub type Result<T> = std::result::Result<T, Error>;
