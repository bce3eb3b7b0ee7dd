//! What a test does behind the API's back: the log, the clock, the database, the program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Ask, US_PHONE, sign_in};
use market_dev_server::DevServer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn control(server: &DevServer, method: &str, path: &str, body: Value) -> Value {
    let answer = Ask::new(server, method, &format!("/_dev{path}")).json(body).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn the_log_says_what_came_and_numbers_tokens_instead_of_showing_them() {
    let server = DevServer::builder().start().await.unwrap();
    let (token, _) = sign_in(&server, US_PHONE).await;
    server.clear_requests();
    let add = Ask::api(&server, "POST", "/cart/items?market=us").token(&token).header("X-Market", "us");
    add.json(json!({"sku_id": 42, "quantity": 2})).send().await;
    Ask::api(&server, "GET", "/cart").token("garbage").send().await;

    let log = control(&server, "GET", "/requests?settled=true", json!({})).await;
    let (first, second) = (&log[0], &log[1]);
    assert_eq!((&first["method"], &first["path"]), (&json!("POST"), &json!("/api/v1/cart/items")));
    assert_eq!((&first["query"], &first["status"]), (&json!("market=us"), &json!(200)));
    assert_eq!(first["body"], json!({"sku_id": 42, "quantity": 2}));
    assert_eq!((&first["user"], &first["market"]), (&json!(19), &json!("us")));
    assert_eq!((&first["acted"], &first["aborted"]), (&json!(true), &json!(false)));
    assert_eq!(first["headers"]["authorization"], "Bearer #1");
    assert_eq!(first["complaints"], json!([]));
    assert_eq!(second["headers"]["authorization"], "Bearer #2");
    assert_eq!((&second["status"], &second["acted"]), (&json!(401), &json!(false)));
    assert_eq!(second["complaints"], json!(["no market in the header"]));
    assert!(second["seq"].as_u64() > first["seq"].as_u64());
    assert!(second["connection"].as_u64() > first["connection"].as_u64());
    assert!(!log.to_string().contains(&token));

    control(&server, "DELETE", "/requests", json!({})).await;
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_is_noted() {
    let server = DevServer::builder().start().await.unwrap();
    let whole = Ask::api(&server, "POST", "/auth/send-verification").json(json!({"phone": US_PHONE})).bytes();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&whole[..whole.len() - 1]).await.unwrap();
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    let log = server.settled_requests().await;
    assert_eq!((log[0].aborted, log[0].status, log[0].acted), (true, None, false));
}

#[tokio::test]
async fn every_control_call_has_its_form_over_http() {
    let server = DevServer::builder().start().await.unwrap();
    let (token, _) = sign_in(&server, US_PHONE).await;
    let cart = Ask::api(&server, "GET", "/cart").token(&token);
    Ask::api(&server, "POST", "/auth/send-verification").json(json!({"phone": US_PHONE})).send().await;
    let code = control(&server, "GET", "/codes?phone=%2B13128059851", json!({})).await;
    assert_eq!(code["code"], json!(server.code(US_PHONE).unwrap()));

    let before = server.now();
    let now = control(&server, "POST", "/clock", json!({"advance_seconds": 100})).await;
    assert!(now["now"].as_i64().unwrap() >= before + 100);
    for _ in 0..2 {
        control(&server, "POST", "/clock", json!({"advance_seconds": 50.5})).await;
    }
    assert!(server.now() >= before + 201, "no part of a second is lost");
    let never = json!({"route": "*", "fault": {"kind": "hold"}, "times": 0});
    let never = Ask::new(&server, "POST", "/_dev/faults").json(never).send().await;
    assert_eq!((never.status, never.text.contains("times is 0")), (400, true));

    let claims = json!({"user_id": 19, "market": "us", "exp": before + 10_000});
    let made = control(&server, "POST", "/token", claims).await;
    let made = Ask::api(&server, "GET", "/cart").token(made["token"].as_str().unwrap());
    assert_eq!(made.send().await.status, 200);

    control(&server, "POST", "/expire-sessions", json!({})).await;
    assert_eq!(cart.send().await.status, 401);

    control(&server, "POST", "/sql", json!({"sql": "UPDATE us_users SET full_name = 'Ann'"})).await;
    let state = control(&server, "GET", "/state", json!({})).await;
    assert_eq!(state["us"]["users"][0]["full_name"], "Ann");

    control(&server, "POST", "/dialect", json!({"dialect": "g2"})).await;
    assert_eq!(server.dialect(), market_dev_server::Dialect::G2);
    let refused = Ask::new(&server, "POST", "/_dev/dialect").json(json!({"dialect": "g3"})).send().await;
    assert_eq!(refused.status, 400);

    control(&server, "POST", "/reset", json!({})).await;
    assert_eq!(server.stored().unwrap()["us"]["users"], json!([]));
    let (_, answer) = sign_in(&server, US_PHONE).await;
    assert_eq!(answer["user"]["id"], "19", "ids start anew");
}

/// A connection that stays open, and one request on it answered.
async fn kept_alive(server: &DevServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let ask = format!("GET /api/v1/auth/markets HTTP/1.1\r\nhost: {}\r\n\r\n", server.address());
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).ends_with("]}") {
        stream.read_buf(&mut seen).await.unwrap();
    }
    stream
}

#[tokio::test]
async fn idle_connections_close_by_themselves_and_on_command() {
    let patient = DevServer::builder().idle_timeout(Duration::from_secs(60)).start().await.unwrap();
    let mut stream = kept_alive(&patient).await;
    patient.settled_requests().await;
    patient.close_idle_connections().await;
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);

    let hasty = DevServer::builder().idle_timeout(Duration::from_millis(1)).start().await.unwrap();
    let mut stream = kept_alive(&hasty).await;
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_stopped_server_and_a_dropped_one_listen_no_more() {
    let server = DevServer::builder().start().await.unwrap();
    let address = server.address();
    let mut stream = kept_alive(&server).await;
    server.stop().await;
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err());

    let server = DevServer::builder().start().await.unwrap();
    let mut stream = kept_alive(&server).await;
    drop(server);
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_database_file_keeps_data_and_tokens_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("market.db");
    let server = DevServer::builder().database(&file).start().await.unwrap();
    let (token, _) = sign_in(&server, US_PHONE).await;
    server.stop().await;
    let server = DevServer::builder().database(&file).start().await.unwrap();
    let answer = Ask::api(&server, "GET", "/auth/verify-token").token(&token).send().await;
    assert_eq!(answer.json()["user_id"], 19);
}

#[test]
fn the_program_says_where_it_listens_and_ends_with_its_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_market-dev-server"))
        .args(["--dialect", "documented", "--port", "0", "--token-lifetime", "60", "--exit-with-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let address = line.strip_prefix("listening on http://").unwrap().strip_suffix("/api/v1").unwrap();
    std::net::TcpStream::connect(address).unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(lines.next().is_none());
}

#[test]
fn the_program_writes_all_that_was_asked_of_it_when_it_stops_though_the_log_was_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_market-dev-server"))
        .args(["--dialect", "g2", "--quiet", "--exit-with-stdin", "--log"])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().split('/').next().unwrap();
    let ask = |method: &str, path: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("host: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}");
        stream.write_all(format!("{method} {path} HTTP/1.1\r\n{head}\r\n\r\n{body}").as_bytes()).unwrap();
        stream
    };
    let answered = |stream: std::net::TcpStream| {
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    };
    answered(ask("GET", "/api/v1/auth/markets", ""));
    answered(ask("DELETE", "/_dev/requests", ""));
    answered(ask("POST", "/_dev/faults", r#"{"route":"GET /cart/","fault":{"kind":"hold"}}"#));
    let held = ask("GET", "/api/v1/cart/", "");
    assert!(answered(ask("GET", "/_dev/arrived?route=GET%20/cart", "")).starts_with("HTTP/1.1 200"));
    assert!(!file.exists());
    drop(child.stdin.take());
    // What is held is let go, so that it is not lost.
    assert!(answered(held).starts_with("HTTP/1.1 401"));
    assert!(child.wait().unwrap().success());
    let document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(document["dialect"], "g2");
    let seen: Vec<_> =
        document["requests"].as_array().unwrap().iter().map(|r| (&r["path"], &r["status"])).collect();
    assert_eq!(seen, [(&json!("/api/v1/auth/markets"), &json!(200)), (&json!("/api/v1/cart/"), &json!(401))]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
}

#[tokio::test]
async fn what_is_held_waits_until_it_is_released_and_afterwards_nothing_is_held() {
    let server = DevServer::builder().start().await.unwrap();
    control(&server, "POST", "/faults", json!({"route": "GET /auth/markets", "fault": {"kind": "hold"}}))
        .await;
    let ask = Ask::api(&server, "GET", "/auth/markets");
    let held = tokio::spawn(async move { ask.send().await });
    server.arrived("GET /auth/markets", 1).await.unwrap();
    // Another answer comes meanwhile.
    assert_eq!(Ask::api(&server, "GET", "/cart").send().await.status, 401);
    assert_eq!(server.requests()[0].status, None);
    control(&server, "POST", "/release", json!({})).await;
    assert_eq!(held.await.unwrap().status, 200);
    assert_eq!(Ask::api(&server, "GET", "/auth/markets").send().await.status, 200);
    assert!(server.faults().is_empty());
}
