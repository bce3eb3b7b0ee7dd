//! What is logged, at every level, by the SDK and by all that it is made of.

use std::io::Write;
use std::sync::{Arc, Mutex};

use market_contract_tests::{PHONE, shop};
use market_sdk::{MemoryStore, Method, NewOrder, RawRequest, SkuId};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::{CODE, server, tells_nothing, token};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_no_log_line_of_any_level_of_the_sdk_or_what_it_is_made_of_has_a_secret_in_it() {
    let log = Log::default();
    let writer = log.clone();
    // For all threads of this program, and for those crates that log the older way.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let token = token();
    let server = server(token.clone()).await;
    let market = shop::client(&server.base_url).store(MemoryStore::default()).build().unwrap();
    let session = market.session();
    session.request_code(PHONE).await.unwrap();
    session.verify_code(PHONE, "1234").await.unwrap_err();
    session.verify_code(PHONE, CODE).await.unwrap();
    session.profile().await.unwrap();
    market.cart().add(SkuId(42), 1).await.unwrap();
    let order = NewOrder::from_cart("Ann", PHONE, "1 Main St").notes(CODE);
    market.orders().place(order).await.unwrap();
    for path in ["/refused", "/failed", "/cut", "/elsewhere", "/unknown"] {
        let request = RawRequest::new(Method::Post, path).query("phone", PHONE);
        market.request(request).await.unwrap_err();
    }
    session.logout().await.unwrap();
    drop(market);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for target in [" market_sdk", " reqwest", " hyper_util"] {
        assert!(log.contains(target), "nothing of{target} is in the log");
    }
    assert!(log.contains("TRACE") && log.contains("DEBUG"));
    tells_nothing("the log", &log, &token);
    println!("figure: {} lines of log, from TRACE on, have no secret in them", log.lines().count());
}
