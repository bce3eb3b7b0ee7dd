//! What the contract tests and the journeys share. The tests are in `tests/`:
//!
//! * `contract`: each call against a mock server, what goes out and what comes back, and each way to fail;
//! * `fields`: every field of every answer, null, absent, of a wrong type, as a string;
//! * `journeys`: whole stories against the dev server, a process of its own;
//! * `faults`: every fault of a server and every call, with a token that is good, refused or not there;
//! * `network`: what the network does, and servers of each kind;
//! * `kit`: the test kit's shop in memory behaves as the dev server;
//! * `kill`: processes that are killed at any moment;
//! * `secrets`: what a process leaves behind, in its memory and wherever it writes to.
//!
//! Nothing here knows more of the SDK than an app does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

pub mod answers;
#[cfg(unix)]
pub mod dev;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod sent;
pub mod shop;
pub mod shown;
pub mod wire;

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use market_sdk::{MarketClient, SessionEnd};

/// The phone of the user who is signed in, unless a test says otherwise: user 19 of the market us.
pub const PHONE: &str = "+13128059851";
/// A phone of the market kg.
pub const KG_PHONE: &str = "+996555123456";
/// The code that mock servers take.
pub const CODE: &str = "482913";
/// Put in front of `User-Agent` by every client here.
pub const AGENT: &str = "ContractTests/1.0";

/// Only what is broken takes this long.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for something that comes at once, or else never.
pub async fn in_time<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, coming).await.expect("it comes at once")
}

/// Listens to the ends of sessions. [`Ends::all`] needs no waiting: it drops the client, and the listener's
/// thread ends once all is delivered.
pub struct Ends(Receiver<SessionEnd>);

impl Ends {
    /// Listens to this client from now on.
    pub fn of(market: &MarketClient) -> Self {
        let (told, ends) = channel();
        market.session().on_end(move |end| {
            let _ = told.send(end); // The test may be over.
        });
        Self(ends)
    }

    /// All ends that were signalled. The client must be the last of its clones.
    pub fn all(self, market: MarketClient) -> Vec<SessionEnd> {
        drop(market);
        self.after_client_is_gone()
    }

    /// All ends that were signalled by a client that has been dropped already.
    pub fn after_client_is_gone(self) -> Vec<SessionEnd> {
        let mut all = Vec::new();
        loop {
            match self.0.recv_timeout(DEADLINE) {
                Ok(end) => all.push(end),
                Err(RecvTimeoutError::Disconnected) => return all,
                Err(RecvTimeoutError::Timeout) => panic!("something still holds the client"),
            }
        }
    }
}

/// Compares a value of the SDK field by field and makes sure that no field was left out. (The SDK's types can
/// gain fields, so other crates cannot build one to compare with.)
///
/// ```
/// use market_contract_tests::assert_is;
///
/// #[derive(Debug)]
/// struct Line { id: u64, name: &'static str }
///
/// assert_is!(Line { id: 1, name: "a" }, Line { id: 1, name: "a" });
/// ```
#[macro_export]
macro_rules! assert_is {
    ($value:expr, $name:ident { $($field:ident: $expected:expr),* $(,)? }) => {{
        let value = &$value;
        $(assert_eq!(value.$field, $expected, "{}.{}", stringify!($name), stringify!($field));)*
        let mut compared = vec![$(stringify!($field).to_owned()),*];
        compared.sort();
        assert_eq!($crate::shown::fields(value), compared, "not compared in full: {}", stringify!($name));
    }};
}
