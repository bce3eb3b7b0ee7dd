//! What is left of a session in this process's memory: nothing, of all that is the core's. What the HTTP client
//! leaves is looked for in the contract tests, which own the search.

#[allow(unreachable_pub, dead_code, reason = "it is at home elsewhere, and not all of it is needed here")]
#[path = "../../../tests/contract/src/memory.rs"]
mod memory;

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

use self::memory::{Needle, search};
use crate::fuzzing::client;
use crate::http::transport::{Failure, Reply, Request, Transport};
use crate::store::MemoryStore;
use crate::{ErrorCode, MarketClient};

/// What is looked for. Their texts are nowhere but where the core keeps them.
struct Needles {
    token: Needle,
    phone: Needle,
    code: Needle,
}

impl Needles {
    /// No two tests have the same: they run at once.
    fn new(test: usize) -> Self {
        // Made here, so that no text of them is in the program; and without a buffer that grows.
        let digits = |seed: usize, count: usize| {
            let mut text = Zeroizing::new(String::with_capacity(count));
            let digit = |at: usize| (((at + 17) * (seed * 31 + test * 101 + 7) * 2_654_435_761) >> 16) % 10;
            text.extend((0..count).map(|at| char::from(b"0123456789"[digit(at)])));
            text
        };
        let phone = Zeroizing::new(["+7", &digits(1, 10)].concat());
        let token = Zeroizing::new(["token.of.", &digits(2, 40)].concat());
        Self {
            token: Needle::of("token", &token),
            phone: Needle::of("phone", &phone),
            code: Needle::of("code", &digits(3, 8)),
        }
    }

    fn found(&self) -> Vec<String> {
        let found = search(&[&self.token, &self.phone, &self.code]);
        found.iter().map(|found| format!("the {} after {:?}", found.needle, found.shown())).collect()
    }
}

/// Answers sign-ins, and all else with an empty cart or this status.
struct Server {
    token: Needle,
    status: u16,
}

impl Transport for Server {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        let signs_in = request.url.path().ends_with("/auth/verify-code");
        let body = match signs_in {
            true => {
                ["{\"access_token\":\"", &self.token.text(), "\",\"user\":{\"id\":19},\"market\":\"zz\"}"]
            }
            false => ["{\"id\":5,\"items\":[]", ",\"total_price\":0", "}"],
        };
        let body = Bytes::from_owner(Zeroizing::new(body.concat().into_bytes()));
        let status = StatusCode::from_u16(if signs_in { 200 } else { self.status }).unwrap();
        std::future::ready(Ok(Reply { status, headers: HeaderMap::new(), body, path_ends_with_slash: false }))
            .boxed()
    }
}

/// Whether this is a process that has nothing but the test `name` in it. If not, such a one is made, and has to
/// pass: the memory of all other tests is neither looked through nor in the way.
fn alone(name: &str) -> bool {
    const ALONE: &str = "SECRETS_TEST_ALONE";
    if std::env::var(ALONE).is_ok_and(|test| test == name) {
        return true;
    }
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    let out = test.args(["--exact", &format!("tests::secrets::{name}")]).env(ALONE, name).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
    false
}

async fn signed_in(needles: &Needles, status: u16) -> MarketClient {
    let token = Needle::from_masked("token", &needles.token.as_masked());
    let market = client(Box::new(Server { token, status }), MemoryStore::default());
    let phone = needles.phone.text();
    if status == 200 {
        market.session().request_code(&phone).await.unwrap();
    }
    market.session().verify_code(&phone, &needles.code.text()).await.unwrap();
    market
}

#[tokio::test(start_paused = true)]
async fn p10_after_a_logout_neither_token_nor_code_nor_phone_is_anywhere_in_memory() {
    if !alone("p10_after_a_logout_neither_token_nor_code_nor_phone_is_anywhere_in_memory") {
        return;
    }
    let needles = Needles::new(1);
    let market = signed_in(&needles, 200).await;
    market.cart().get().await.unwrap();
    let found = needles.found();
    for needle in ["token", "phone"] {
        assert!(found.iter().any(|found| found.contains(needle)), "what is there is found: {found:?}");
    }
    market.session().logout().await.unwrap();
    assert_eq!(needles.found(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn p10_of_a_session_that_the_server_has_ended_the_phone_alone_is_in_memory_until_it_is_cleared() {
    if !alone("p10_of_a_session_that_the_server_has_ended_the_phone_alone_is_in_memory_until_it_is_cleared") {
        return;
    }
    let needles = Needles::new(2);
    let market = signed_in(&needles, 401).await;
    assert_eq!(market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
    tokio::time::sleep(Duration::from_secs(1)).await; // The store is erased meanwhile.
    assert!(needles.found().iter().all(|found| found.contains("phone")), "{:?}", needles.found());
    market.session().clear().await.unwrap();
    assert_eq!(needles.found(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn p10_a_client_that_is_dropped_while_signed_in_leaves_nothing_in_memory() {
    if !alone("p10_a_client_that_is_dropped_while_signed_in_leaves_nothing_in_memory") {
        return;
    }
    let needles = Needles::new(3);
    let market = signed_in(&needles, 200).await;
    drop(market);
    assert_eq!(needles.found(), Vec::<String>::new());
}
