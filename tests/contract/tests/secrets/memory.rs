//! What is left in a process's memory after a logout. The server is this process, and the client another: this
//! test binary once more, told by its environment to be one. Only masked does it have what is looked for.

use std::process::Command;
use std::time::Duration;

use market_contract_tests::memory::{Found, Needle, search};
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{PHONE, answers, shop};
use market_sdk::{MemoryStore, SkuId};
use serde_json::json;

const SERVER: &str = "SECRETS_TEST_SERVER";
const NEEDLES: [&str; 3] = ["token", "phone", "code"];
const CODE: &str = "48291357";

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
                // In pieces, and after much else, so that a buffer has to grow with the token in it.
                let (front, back) = body.split_at(body.len() - 2);
                let filler = " ".repeat(5000);
                let pieces: Vec<String> = [front, &filler, &filler, &filler, back]
                    .iter()
                    .map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()))
                    .collect();
                Reply::raw("200 OK\r\ntransfer-encoding: chunked", pieces.concat() + "0\r\n\r\n")
            }
            "/auth/verify-code" => Reply::Json(200, signed_in.clone()),
            "/auth/logout" => Reply::Json(200, json!({"message": "Logged out"})),
            _ => Reply::Json(200, answers::cart()),
        })
    })
    .await
}

async fn left_behind(chunked: bool) -> String {
    let token = shop::token(19, "us").replace("c2lnbmF0dXJl", "bm90LWEtc2lnbmF0dXJl");
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
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_after_a_logout_nothing_is_left_in_memory() {
    for chunked in [false, true] {
        println!("chunked {chunked}\n{}", left_behind(chunked).await);
    }
    panic!("look");
}

#[test]
fn is_the_client_if_it_was_started_to() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let needles = NEEDLES.map(|name| Needle::from_masked(name, &std::env::var(variable(name)).unwrap()));
    let [_, phone, code] = &needles;
    let all: Vec<&Needle> = needles.iter().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let market = shop::client(&server).store(MemoryStore::default()).build().unwrap();
    runtime.block_on(async {
        let mut typed = phone.text();
        typed.insert(0, '+');
        market.session().verify_code(&typed, &code.text()).await.unwrap();
        drop(typed);
        market.cart().get().await.unwrap();
        report("signed in", &search(&all));
        market.cart().add(SkuId(42), 1).await.unwrap();
        market.session().logout().await.unwrap();
    });
    report("logged out", &search(&all));
    drop(market);
    report("client gone", &search(&all));
    runtime.shutdown_timeout(Duration::from_secs(5));
    report("runtime gone", &search(&all));
}

fn report(when: &str, found: &[Found]) {
    eprintln!("== {when}: {}", found.len());
    for Found { needle, place, before } in found {
        eprintln!("{needle:6} {place:12} {before}");
    }
}
