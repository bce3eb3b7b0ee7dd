//! Each fault as a client meets it, and what the server has done by then.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use common::{Answer, Ask, US_PHONE, parse, sign_in};
use market_dev_server::{DateHeader, DevServer, Dialect, Fault, FaultRule, RetryAfter, Target};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A server, somebody signed in, and a request that adds one piece to the cart.
async fn shop() -> (DevServer, Ask) {
    let server = DevServer::builder().start().await.unwrap();
    let (token, _) = sign_in(&server, US_PHONE).await;
    let add = Ask::api(&server, "POST", "/cart/items").token(&token);
    let add = add.json(json!({"sku_id": 42, "quantity": 1}));
    server.clear_requests();
    (server, add)
}

/// How many pieces are in the cart, as it is stored.
fn pieces(server: &DevServer) -> i64 {
    server.stored().unwrap()["us"]["carts"][0]["items"][0]["quantity"].as_i64().unwrap_or(0)
}

/// Plays a fault once on the add.
fn once(server: &DevServer, fault: Fault) {
    server.fault(FaultRule::new("POST /cart/items", fault).times(1)).unwrap();
}

async fn with(server: &DevServer, add: &Ask, fault: Fault) -> Answer {
    once(server, fault);
    add.send().await
}

#[tokio::test]
async fn a_reset_cuts_the_connection_before_or_after_the_server_acted() {
    for (acted, expected) in [(false, 0), (true, 1)] {
        let (server, add) = shop().await;
        once(&server, Fault::Reset { acted });
        let (bytes, end) = add.raw().await;
        assert_eq!((bytes.len(), end.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));
        assert_eq!(pieces(&server), expected);
        let log = server.settled_requests().await;
        assert_eq!((log[0].status, log[0].acted, log[0].aborted), (None, acted, false));
        assert_eq!((log[0].fault.as_deref(), log[0].user), (Some("reset"), Some(19)));
        assert_eq!(add.send().await.status, 200, "once is once");
    }
}

#[tokio::test]
async fn a_hang_up_ends_the_connection_in_good_order_without_an_answer() {
    for (acted, expected) in [(false, 0), (true, 1)] {
        let (server, add) = shop().await;
        once(&server, Fault::HangUp { acted });
        let (bytes, end) = add.raw().await;
        assert_eq!((bytes.len(), end.is_ok()), (0, true));
        assert_eq!(pieces(&server), expected);
    }
}

#[tokio::test]
async fn latency_delays_and_a_client_that_does_not_wait_is_noted() {
    for (acted, expected) in [(false, 0), (true, 1)] {
        let (server, add) = shop().await;
        assert_eq!(with(&server, &add, Fault::Latency { ms: 1, acted }).await.status, 200);
        server.reset().unwrap();

        let (server, add) = shop().await;
        once(&server, Fault::Latency { ms: 3_600_000, acted });
        let stream = add.begin().await;
        while server.requests().is_empty() || server.requests()[0].acted != acted {
            tokio::task::yield_now().await;
        }
        drop(stream);
        let log = server.settled_requests().await;
        assert_eq!((log[0].aborted, log[0].status, log[0].acted), (true, None, acted));
        assert_eq!(pieces(&server), expected);
    }
}

#[tokio::test]
async fn a_truncated_body_stops_short_of_its_length() {
    let (server, add) = shop().await;
    once(&server, Fault::Truncated);
    let (bytes, _) = add.raw().await;
    let answer = parse(&bytes);
    let promised: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert!(answer.text.len() < promised, "{answer:?}");
    assert_eq!(pieces(&server), 1);
}

#[tokio::test]
async fn a_never_ending_body_goes_on_until_the_client_leaves() {
    let (server, add) = shop().await;
    once(&server, Fault::NeverEnding);
    let mut stream = add.begin().await;
    let mut seen = Vec::new();
    while seen.iter().filter(|byte| **byte == b'\n').count() < 12 {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    assert!(String::from_utf8_lossy(&seen).contains("transfer-encoding: chunked"));
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn an_oversized_body_is_as_large_as_asked_and_json_all_the_same() {
    let (server, add) = shop().await;
    once(&server, Fault::Oversized { bytes: 9 * 1024 * 1024 });
    let (bytes, end) = add.raw().await;
    end.unwrap();
    assert!(bytes.len() > 9 * 1024 * 1024);
    assert!(String::from_utf8_lossy(&bytes).contains("\"total_items\":1"));
}

#[tokio::test]
async fn a_mis_typed_body_has_the_names_but_not_the_types() {
    let (server, add) = shop().await;
    let body = with(&server, &add, Fault::MisTyped).await.json();
    assert_eq!((&body["id"], &body["items"][0]["name"]), (&json!("seven"), &json!(7)));
    assert_eq!(pieces(&server), 1);
}

#[tokio::test]
async fn a_proxys_page_is_html_and_nothing_was_done() {
    let (server, add) = shop().await;
    let answer = with(&server, &add, Fault::Html { status: 502 }).await;
    assert_eq!((answer.status, answer.header("content-type")), (502, Some("text/html")));
    assert!(answer.text.starts_with("<html>"));
    assert_eq!(pieces(&server), 0);
}

#[tokio::test]
async fn a_500_may_have_acted() {
    for (acted, expected) in [(false, 0), (true, 1)] {
        let (server, add) = shop().await;
        let answer = with(&server, &add, Fault::Status { status: 500, acted, retry_after: None }).await;
        assert_eq!((answer.status, answer.json().get("detail").is_some()), (500, true));
        assert_eq!(pieces(&server), expected);
        assert_eq!(server.settled_requests().await[0].acted, acted);
    }
}

#[tokio::test]
async fn retry_after_comes_in_both_forms() {
    let (server, add) = shop().await;
    for status in [429, 503] {
        let fault = |retry_after| Fault::Status { status, acted: false, retry_after: Some(retry_after) };
        let seconds = with(&server, &add, fault(RetryAfter::Seconds(3))).await;
        assert_eq!((seconds.status, seconds.header("retry-after")), (status, Some("3")));
        server.advance_clock(4_000_000_000 - server.now());
        let date = with(&server, &add, fault(RetryAfter::DateIn(60))).await;
        assert!(date.header("retry-after").unwrap().starts_with("Tue, 02 Oct 2096 07:07"), "{date:?}");
        let text = with(&server, &add, fault(RetryAfter::Text("soon".into()))).await;
        assert_eq!(text.header("retry-after"), Some("soon"));
        server.advance_clock(1_800_000_000 - server.now());
    }
}

#[tokio::test]
async fn any_answer_can_be_put_in_place_of_the_real_one() {
    let (server, add) = shop().await;
    let answer =
        Fault::Answer { status: 200, content_type: "text/plain".into(), body: "[".into(), acted: true };
    let answer = with(&server, &add, answer).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "["));
    assert_eq!(pieces(&server), 1);
}

#[tokio::test]
async fn redirects_lead_where_they_are_told_and_nothing_is_done() {
    let (server, add) = shop().await;
    let here = format!("{}/cart/items", server.base_url());
    let there = |target: &str| (target.to_owned(), Some(target.to_owned()));
    for status in [301, 302, 303, 307, 308] {
        let cases = [
            (Target::Itself, there(&here).1),
            (Target::Hop, there(&format!("{here}?hop=1")).1),
            (Target::Http, there(&here).1),
            (Target::Https, there(&here.replace("http:", "https:")).1),
            (Target::Origin("https://other.test".into()), there("https://other.test/api/v1/cart/items").1),
            (Target::Location("../elsewhere".into()), there("../elsewhere").1),
            (Target::Nowhere, None),
        ];
        for (to, location) in cases {
            let answer = with(&server, &add, Fault::Redirect { status, to }).await;
            assert_eq!((answer.status, answer.header("location")), (status, location.as_deref()));
        }
    }
    assert_eq!(pieces(&server), 0);
}

#[tokio::test]
async fn a_chain_of_redirects_ends_well_and_a_loop_does_not() {
    let (server, _) = shop().await;
    let hop = Fault::Redirect { status: 307, to: Target::Hop };
    server.fault(FaultRule::new("GET /auth/markets", hop).times(3)).unwrap();
    let mut path = "/api/v1/auth/markets?market=us".to_owned();
    for _ in 0..3 {
        let answer = Ask::new(&server, "GET", &path).send().await;
        path = answer.header("location").unwrap().split_once("/api").unwrap().1.to_owned();
        path.insert_str(0, "/api");
    }
    assert_eq!(path, "/api/v1/auth/markets?market=us&hop=3");
    assert_eq!(Ask::new(&server, "GET", &path).send().await.status, 200);

    server.fault(FaultRule::new("*", Fault::Redirect { status: 302, to: Target::Itself })).unwrap();
    for _ in 0..5 {
        assert_eq!(Ask::new(&server, "GET", &path).send().await.status, 302);
    }
    server.clear_faults();
    assert_eq!(Ask::new(&server, "GET", &path).send().await.status, 200);
}

#[tokio::test]
async fn the_date_can_be_wrong_missing_or_absurd() {
    let (server, add) = shop().await;
    server.advance_clock(4_000_000_000 - server.now());
    let wrong = with(&server, &add, Fault::Date { date: DateHeader::Off(-3600) }).await;
    assert!(wrong.header("date").unwrap().starts_with("Tue, 02 Oct 2096 06:0"), "{wrong:?}");
    server.advance_clock(1_800_000_000 - server.now());
    let missing = with(&server, &add, Fault::Date { date: DateHeader::Missing }).await;
    assert_eq!(missing.header("date"), None);
    let absurd = with(&server, &add, Fault::Date { date: DateHeader::Text("yesterday".into()) }).await;
    assert_eq!(absurd.header("date"), Some("yesterday"));
}

#[tokio::test]
async fn faults_are_switched_over_http_too() {
    let (server, add) = shop().await;
    let rule = json!({"route": "POST /cart/items", "times": 2,
        "fault": {"kind": "status", "status": 429, "retry_after": {"seconds": 3}}});
    let post = Ask::new(&server, "POST", "/_dev/faults").json(rule).send().await;
    assert_eq!(post.status, 200);
    assert_eq!(add.send().await.status, 429);
    let left: Value = Ask::new(&server, "GET", "/_dev/faults").send().await.json();
    assert_eq!(left[0]["times"], 1);
    Ask::new(&server, "DELETE", "/_dev/faults").send().await;
    assert_eq!(add.send().await.status, 200);
    let nowhere = json!({"route": "POST /cart/item", "fault": {"kind": "reset"}});
    let refused = Ask::new(&server, "POST", "/_dev/faults").json(nowhere).send().await;
    assert_eq!(refused.status, 400);
    let why = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(why.starts_with("the dialect documented has no route POST /cart/item. It has "), "{why}");
    assert!(why.contains(", POST /cart/items, PUT /cart/items/{item_id}, "), "{why}");
    assert_eq!(server.faults(), []);
    let unknown = json!({"route": "*", "fault": {"kind": "gremlins"}});
    assert_eq!(Ask::new(&server, "POST", "/_dev/faults").json(unknown).send().await.status, 422);
}

/// One request over TLS, trusting this authority.
async fn over_tls(server: &DevServer, ca_pem: &str) -> std::io::Result<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(&Ask::api(server, "GET", "/cart").bytes()).await?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    Ok(parse(&all))
}

#[tokio::test]
async fn tls_is_spoken_with_an_authority_made_on_the_fly() {
    let server = DevServer::builder().tls(true).dialect(Dialect::G1).start().await.unwrap();
    let answer = over_tls(&server, server.ca_pem().unwrap()).await.unwrap();
    let location = format!("https://{}/api/v1/cart/", server.address());
    assert_eq!((answer.status, answer.header("location")), (307, Some(location.as_str())));
    assert!(server.base_url().starts_with("https://127.0.0.1:"));

    server.fault(FaultRule::new("*", Fault::Reset { acted: false }).times(1)).unwrap();
    let cut = over_tls(&server, server.ca_pem().unwrap()).await.unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::ConnectionReset);

    let stranger = DevServer::builder().tls(true).start().await.unwrap();
    assert!(over_tls(&server, stranger.ca_pem().unwrap()).await.is_err());
    assert_eq!(server.settled_requests().await.len(), 2, "the stranger got no request through");
    tokio::time::timeout(Duration::from_secs(1), server.stop()).await.unwrap();
}
