//! What is left in a process's memory after a logout. The server is this process, and the client another: this
//! test binary once more, told by its environment to be one. Only masked does it have what is looked for.

use std::process::Command;
use std::time::Duration;

use market_contract_tests::memory::{Found, Needle, search};
use market_contract_tests::sent::Sent;
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{PHONE, answers, shop};

use market_sdk::{ErrorCode, MarketClient, MemoryStore, SkuId};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{CODE, token};

const SERVER: &str = "SECRETS_TEST_SERVER";
const CERTIFICATE: &str = "SECRETS_TEST_CERTIFICATE";
const RESTORES: &str = "SECRETS_TEST_RESTORES";
const END: &str = "SECRETS_TEST_END";
const NEEDLES: [&str; 3] = ["token", "phone", "code"];

fn variable(needle: &str) -> String {
    format!("SECRETS_TEST_{}", needle.to_uppercase())
}

/// What differs between the clients that are looked into.
#[derive(Clone, Copy, Default, Debug)]
struct Life {
    /// The answer to the sign-in does not say how long it is.
    chunked: bool,
    tls: bool,
    /// The client is built once more, and takes up the session that is stored.
    restores: bool,
    end: End,
}

/// How the session ends.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
enum End {
    #[default]
    Logout,
    Clear,
    /// The server refuses it.
    Expiry,
}

async fn server(token: &str, Life { chunked, tls, .. }: Life) -> Wire {
    let signed_in = answers::signed_in(token);
    let answer = move |sent: Sent| {
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
            "/wishlist" => Reply::Json(401, json!({"detail": "Token has expired"})),
            "/auth/logout" => Reply::Json(200, json!({"message": "Logged out"})),
            _ => Reply::Json(200, answers::cart()),
        })
    };
    if tls { Wire::start_over_tls(answer).await } else { Wire::start(answer).await }
}

/// Two places are known, both of the HTTP client, for each connection: its buffers are freed with it, and not wiped.
/// Over TLS what came is there twice, as it was decrypted and as it was handed on.
fn known(found: &Found, tls: bool) -> Option<&'static str> {
    if found.needle == "token" && found.is_after("\r\nauthorization: Bearer ") {
        return Some("hyper's buffer for the heads of requests");
    }
    // Where the core has it too, no head of an answer is in front. (Of what was decrypted the head is written over.)
    let head = if tls { "\":\"" } else { "\r\n{\"access_token\":\"" };
    let answered = found.needle != "code" && found.is_after(head);
    answered.then_some("buffers for answers")
}

/// Where a token has to be while somebody is signed in: in the session, and in the store, which is in memory here.
fn is_in_use(found: &Found) -> bool {
    found.needle == "token" && (found.is_after("Bearer ") || found.is_after(",\"token\":\""))
}

async fn is_left_behind(life: Life) {
    let token = token();
    let server = server(&token, life).await;
    let mut client = Command::new(std::env::current_exe().unwrap());
    client.args(["--exact", "memory::is_the_client_if_it_was_started_to", "--nocapture"]);
    client.env(SERVER, &server.base_url);
    client.env(CERTIFICATE, server.certificate.as_deref().unwrap_or_default());
    client.env(RESTORES, if life.restores { "1" } else { "" });
    client.env(END, format!("{:?}", life.end));
    for (name, text) in NEEDLES.into_iter().zip([&*token, &PHONE[1..], CODE]) {
        client.env(variable(name), Needle::of(name, text).as_masked());
    }
    let out = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    for when in ["session over", "client gone"] {
        let line = said.lines().find(|line| line.starts_with(when)).expect(&said);
        println!("figure: left in memory, {life:?}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_after_a_logout_token_code_and_phone_are_in_no_memory_but_the_http_clients_buffers() {
    is_left_behind(Life::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_an_answer_of_unannounced_length_leaves_no_copies_where_it_grew() {
    is_left_behind(Life { chunked: true, ..Life::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_over_tls_only_the_buffers_for_answers_are_left_besides() {
    is_left_behind(Life { tls: true, ..Life::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_after_a_session_was_restored_no_more_is_left_of_it() {
    is_left_behind(Life { restores: true, ..Life::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_after_an_expiry_or_a_clear_no_more_is_left() {
    for end in [End::Expiry, End::Clear] {
        is_left_behind(Life { end, ..Life::default() }).await;
    }
}

#[test]
fn is_the_client_if_it_was_started_to() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let needles = NEEDLES.map(|name| Needle::from_masked(name, &std::env::var(variable(name)).unwrap()));
    let all: Vec<&Needle> = needles.iter().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (store, certificate) = (MemoryStore::default(), std::env::var(CERTIFICATE).unwrap());
    let client = || {
        let client = shop::client(&server).store(store.clone());
        let client =
            if certificate.is_empty() { client } else { client.extra_root_certificates(&*certificate) };
        client.build().unwrap()
    };
    let mut market = client();
    let tls = !certificate.is_empty();
    runtime.block_on(signs_in(&market, &all, tls));
    let mut connections = 1;
    if !std::env::var(RESTORES).unwrap().is_empty() {
        drop(market);
        market = client();
        connections += 1;
    }
    runtime.block_on(shops(&market, &all));
    // Whose session has expired is still known: the login screen says it.
    let (phone, others): (Vec<_>, Vec<_>) = all.iter().partition(|needle| needle.name == "phone");
    let known = std::env::var(END).unwrap() == "Expiry" && !search(&phone).is_empty();
    report("session over", &search(if known { &others } else { &all }), connections, tls);
    drop(market);
    runtime.shutdown_timeout(Duration::from_secs(5));
    let left = search(&all);
    report("client gone", &left, connections, tls);
    assert!(left.is_empty() || !crate::WIPES, "what is freed is wiped");
}

async fn signs_in(market: &MarketClient, needles: &[&Needle], tls: bool) {
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
        found.iter().filter(|found| !is_in_use(found) && known(found, tls).is_none()).collect();
    assert!(freed.is_empty(), "signed in: {:?}", freed.iter().map(|found| found.shown()).collect::<Vec<_>>());
    assert!(!search(&[token]).is_empty() && !search(&[phone]).is_empty(), "what is there is found");
}

async fn shops(market: &MarketClient, needles: &[&Needle]) {
    for _ in 0..20 {
        market.cart().add(SkuId(42), 1).await.unwrap();
    }
    assert!(!search(&needles[..1]).is_empty(), "what is there is found");
    match &*std::env::var(END).unwrap() {
        "Clear" => market.session().clear().await.unwrap(),
        "Expiry" => {
            let refused = market.wishlist().get().await.unwrap_err();
            assert_eq!(refused.code(), ErrorCode::SessionExpired);
        }
        _ => market.session().logout().await.unwrap(),
    }
}

/// Fails if a needle is where it is not known to be, or more often than there were such buffers.
fn report(when: &str, all: &[Found], connections: usize, tls: bool) {
    let mut places = Vec::new();
    for found in all {
        let place = known(found, tls).map(|place| format!("{} in {place}", found.needle));
        let place = place.unwrap_or_else(|| {
            panic!("{when}: the {} is in memory ({}) after {:?}", found.needle, found.place, found.shown())
        });
        places.push(place);
        let count = places.iter().filter(|known| *known == places.last().unwrap()).count();
        let buffers = if tls { 2 * connections } else { connections };
        assert!(count <= buffers, "{when}: {count} times {:?}", places.last());
    }
    let (count, places) = (places.len(), places.join(", "));
    eprintln!("{when}: {count} finds{}{places}", if count == 0 { "" } else { ": " });
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
