//! The test kit: the shop in memory behaves as the dev server does.
//!
//! Each behaviour is played twice, once on either, by the same client, and what the app sees is compared: values, states,
//! errors with all that they say, and the requests that were made. Where the two differ, the shop in memory is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

mod app;
mod kit;
mod listeners;
mod orders;
mod sessions;
mod shopping;
mod stage;

use market_sdk::test_kit::{FakeShop, MarketDevServer};
use stage::{Server, Stage};

const ANN: &str = "+13128059851";
const BEN: &str = "+13128059852";
/// Of the market kg.
const AIDA: &str = "+996700123456";

fn real() -> MarketDevServer {
    MarketDevServer::start_program(env!("CARGO_BIN_EXE_contract-dev-server"), [""; 0])
}

/// What the app sees of a behaviour, on the one and on the other.
async fn alike(behaviour: impl AsyncFn(&Stage)) {
    let (fake, real) =
        (Stage::new(Server::Fake(FakeShop::new())), Stage::new(Server::Real(Box::new(real()))));
    behaviour(&real).await;
    behaviour(&fake).await;
    let (fake, real) = (fake.seen(), real.seen());
    assert!(!real.is_empty());
    for (at, (fake, real)) in fake.iter().zip(&real).enumerate() {
        assert_eq!(fake, real, "at {at}: left is the shop in memory, right the dev server");
    }
    assert_eq!(fake.len(), real.len());
}

/// A test for each behaviour, named as it is.
macro_rules! behaviours {
    ($($(#[$meta:meta])* async fn $name:ident($stage:ident) $body:block)*) => { $(
        $(#[$meta])*
        #[tokio::test]
        async fn $name() {
            crate::alike(async |$stage: &crate::stage::Stage| $body).await;
        }
    )* };
}
pub(crate) use behaviours;
