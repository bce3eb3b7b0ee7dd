//! The cart lane: one at a time, in the order in which the calls were made.
//!
//! Servers lose updates when a cart's writes run in parallel, and a read that overtakes a write shows the cart
//! of before it.

use std::sync::Arc;

use tokio::sync::Mutex;
use tracing::Instrument;

use super::Made;
use crate::error::{Error, ErrorCode, Result};

// tokio's mutex is fair: first come, first served.
#[derive(Clone, Default)]
pub(crate) struct Lane(Arc<Mutex<()>>);

impl Lane {
    /// Does `read` when its turn comes. Dropping it at any time gives it up.
    pub(crate) async fn read<T>(&self, made: &Made, read: impl Future<Output = Result<T>>) -> Result<T> {
        let _turn = made.in_line(LATE, self.0.lock()).await?;
        read.await
    }

    /// Does `write` when its turn comes. Dropping it before takes it out of the queue; once begun it runs to
    /// its end and keeps its turn until then, since a request that was sent cannot be taken back, and the next
    /// one must not overtake it.
    pub(crate) async fn write<T, W>(&self, made: &Made, write: W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let turn = made.in_line(LATE, self.0.clone().lock_owned()).await?;
        // If it waits for a session, nothing was sent, and it is given up with its turn when the caller leaves.
        let _caller = made.caller();
        let task = async move {
            let result = write.await;
            drop(turn);
            result
        };
        // The task ends early only with its runtime.
        tokio::spawn(task.in_current_span()).await.unwrap_or_else(|_| Err(Error::new(ErrorCode::Cancelled)))
    }
}

const LATE: &str = "earlier calls on the cart took too long";
