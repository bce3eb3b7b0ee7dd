//! What is left in a process's memory after a logout. The server is this process, and the client another: this
//! test binary once more, told by its environment to be one. Only masked does it have what is looked for.

use std::process::Command;
use std::time::Duration;

use market_contract_tests::memory::{Found, Needle, search};
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{PHONE, answers, shop};

use market_sdk::{MarketClient, MemoryStore, SkuId};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{CODE, token};

const SERVER: &str = "SECRETS_TEST_SERVER";
const NEEDLES: [&str; 3] = ["token", "phone", "code"];

fn variable(needle: &str) -> String {
    format!("SECRETS_TEST_{}", needle.to_uppercase())
}

/// A server whose answer to the sign-in says how long it is, or does not.
async fn server(token: &str, chunked: bool) -> Wire {
    let signed_in = answers::signed_in(token);
    Wire::start(move |sent| {
        let path = sent.target.split('?').next().unwrap_or_default();
        std::future::ready(match path.strip_prefix("/api/v1").unwrap_or_default() {
            "/auth/verify-code" if chunked => {
                let body = signed_in.to_string();
                // In pieces, and with much between them, so that what is read has to grow with the token in it.
                let (front, back) = body.split_at(body.len() - 1);
                let filler = " ".repeat(5000);
                let pieces = [front, &filler, &filler, &filler, back];
                let pieces = pieces.map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()));
                Reply::raw("200 OK\r\ntransfer-encoding: chunked", pieces.concat() + "0\r\n\r\n")
            }
            "/auth/verify-code" => Reply::Json(200, signed_in.clone()),
            "/auth/send-verification" => Reply::Json(200, json!({"expires_in_minutes": 15})),
            "/auth/logout" => Reply::Json(200, json!({"message": "Logged out"})),
            _ => Reply::Json(200, answers::cart()),
        })
    })
    .await
}

/// Two places are known, both of hyper's, one of each per connection: they are freed with it, and not wiped.
fn known(found: &Found) -> Option<&'static str> {
    if found.needle == "token" && found.is_after("\r\nauthorization: Bearer ") {
        return Some("hyper's buffer for the heads of requests");
    }
    // Where the core has it too, no head of an answer is in front.
    let answered = found.needle != "code" && found.is_after("\r\n{\"access_token\":\"");
    answered.then_some("hyper's buffer for answers")
}

/// Where a token has to be while somebody is signed in: in the session, and in the store, which is in memory here.
fn is_in_use(found: &Found) -> bool {
    found.needle == "token" && (found.is_after("Bearer ") || found.is_after(",\"token\":\""))
}

async fn is_left_behind(chunked: bool) {
    let token = token();
    let server = server(&token, chunked).await;
    let mut client = Command::new(std::env::current_exe().unwrap());
    client.args(["--exact", "memory::is_the_client_if_it_was_started_to", "--nocapture"]);
    client.env(SERVER, &server.base_url);
    for (name, text) in NEEDLES.into_iter().zip([&*token, &PHONE[1..], CODE]) {
        client.env(variable(name), Needle::of(name, text).as_masked());
    }
    let out = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    for when in ["logged out", "client gone"] {
        let line = said.lines().find(|line| line.starts_with(when)).expect(&said);
        println!(
            "figure: left in memory, the sign-in's answer {}: {line}",
            if chunked { "in chunks" } else { "whole" }
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_after_a_logout_token_code_and_phone_are_in_no_memory_but_the_http_clients_buffers() {
    is_left_behind(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_an_answer_of_unannounced_length_leaves_no_copies_where_it_grew() {
    is_left_behind(true).await;
}

#[test]
fn is_the_client_if_it_was_started_to() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let needles = NEEDLES.map(|name| Needle::from_masked(name, &std::env::var(variable(name)).unwrap()));
    let all: Vec<&Needle> = needles.iter().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let market = shop::client(&server).store(MemoryStore::default()).build().unwrap();
    runtime.block_on(shops(&market, &all));
    report("logged out", &search(&all));
    drop(market);
    runtime.shutdown_timeout(Duration::from_secs(5));
    report("client gone", &search(&all));
}

async fn shops(market: &MarketClient, needles: &[&Needle]) {
    let [token, phone, code] = needles else { panic!("three needles") };
    // Without its sign it is refused.
    market.session().request_code(&phone.text()).await.unwrap_err();
    let typed = Zeroizing::new(["+", phone.text().as_str()].concat());
    market.session().request_code(&typed).await.unwrap();
    market.session().verify_code(&typed, &code.text()).await.unwrap();
    drop(typed);
    // At once: what was freed is written over by what comes next, or not, as the allocator likes.
    let found = search(&[token, code]);
    let freed: Vec<&Found> =
        found.iter().filter(|found| !is_in_use(found) && known(found).is_none()).collect();
    assert!(freed.is_empty(), "signed in: {:?}", freed.iter().map(|found| found.shown()).collect::<Vec<_>>());
    for _ in 0..20 {
        market.cart().add(SkuId(42), 1).await.unwrap();
    }
    assert!(!search(&[token]).is_empty() && !search(&[phone]).is_empty(), "what is there is found");
    market.session().logout().await.unwrap();
}

/// Fails if a needle is where it is not known to be, or twice.
fn report(when: &str, all: &[Found]) {
    let mut places = Vec::new();
    for found in all {
        let place = known(found).map(|place| format!("{} in {place}", found.needle));
        let place = place.unwrap_or_else(|| {
            panic!("{when}: the {} is in memory ({}) after {:?}", found.needle, found.place, found.shown())
        });
        assert!(!places.contains(&place), "{when}: twice {place}");
        places.push(place);
    }
    eprintln!(
        "{when}: {} finds{}{}",
        places.len(),
        if places.is_empty() { "" } else { ": " },
        places.join(", ")
    );
}

/// Nothing else in this process has it, and its text is made at run time.
fn needle(last: &str) -> Needle {
    Needle::from_masked("it", &Needle::of("it", &["what is looked ", "for by ", last].concat()).as_masked())
}

#[test]
fn what_is_in_memory_is_found_once_with_what_is_before_it() {
    let needle = needle("one test");
    let kept = Zeroizing::new(["in front ", needle.text().as_str()].concat());
    let found = search(&[&needle]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].is_after("in front ") && !found[0].is_after("behind"), "{found:?}");
    drop(kept);
}

#[test]
fn what_was_wiped_is_not_found() {
    let wiped = needle("another test");
    drop(wiped.text());
    assert!(search(&[&wiped]).is_empty());
}
