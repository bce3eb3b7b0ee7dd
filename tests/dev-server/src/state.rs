//! What all connections share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::clock::Clock;
use crate::dialect::Dialect;
use crate::faults::Faults;
use crate::log::Log;
use crate::token::Signer;

/// Locks, and goes on after a panic elsewhere: a development server shows the next request, not the first bug.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is settled when the server starts.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) token_lifetime: Duration,
    pub(crate) rate_limits: bool,
    pub(crate) honour_idempotency_key: bool,
    /// Codes are also written to standard error, for people.
    pub(crate) print_codes: bool,
    /// How long a deployed server takes between reading a cart line and writing it back.
    pub(crate) write_gap: Duration,
}

pub(crate) struct State {
    pub(crate) config: Config,
    /// Can change under running clients, as when a server is upgraded.
    dialect: Mutex<Dialect>,
    pub(crate) db: Mutex<Connection>,
    pub(crate) signer: Signer,
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) faults: Faults,
}

impl State {
    pub(crate) fn new(config: Config, dialect: Dialect, db: Connection) -> rusqlite::Result<State> {
        let signer = Signer::new(&crate::db::secret(&db)?);
        Ok(State {
            config,
            dialect: Mutex::new(dialect),
            db: Mutex::new(db),
            signer,
            clock: Clock::default(),
            log: Log::new(),
            faults: Faults::default(),
        })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        *lock(&self.dialect)
    }

    pub(crate) fn set_dialect(&self, dialect: Dialect) {
        *lock(&self.dialect) = dialect;
    }
}
