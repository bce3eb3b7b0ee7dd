//! The server of the demo: this very program in a process of its own, and what the demo does behind its back.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use market_dev_server::Dialect;
use market_sdk::{Cart, MarketClient, MemoryStore, Method, RawRequest};
use serde_json::{Value, json};

use super::story::NotHeld;
use crate::failure::Failure;

/// A session's 30 minutes, and one to spare.
pub(crate) const HALF_AN_HOUR: u64 = 31 * 60;
pub(crate) const WEEK: u64 = 7 * 24 * 60 * 60;

/// A running server. It ends when this is dropped, and by itself when this process is killed, since its standard
/// input ends then.
pub(crate) struct Server {
    _process: Process,
    /// Kept open, so that the server never writes into a closed pipe.
    _output: BufReader<ChildStdout>,
    pub(crate) url: String,
    /// Its control calls are no part of the market API: whatever speaks HTTP does for them.
    control: MarketClient,
}

impl Server {
    pub(crate) fn start(dialect: Dialect) -> Result<Self, Failure> {
        let process = Command::new(std::env::current_exe()?)
            .args(["dev-server", "--port", "0", "--quiet", "--exit-with-stdin"])
            .args(["--dialect", &dialect.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut process = Process(process);
        let not_started = || Failure::other("the server of the demo did not start");
        let mut output = process.0.stdout.take().map(BufReader::new).ok_or_else(not_started)?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").ok_or_else(not_started)?.to_owned();
        let control = MarketClient::builder(url.replace("/api/v1", "/_dev"))
            .app_id("dev.marketsdk.demo.control")
            .store(MemoryStore::default())
            .allow_http_loopback()
            .build()?;
        Ok(Self { _process: process, _output: output, url, control })
    }

    /// The code that was sent to this phone last.
    pub(crate) async fn code_sent_to(&self, phone: &str) -> Result<String, NotHeld> {
        let answer = self.ask(RawRequest::new(Method::Get, "/codes").query("phone", phone)).await?;
        let code = answer.get("code").and_then(Value::as_str).map(str::to_owned);
        code.ok_or_else(|| NotHeld("the server has sent no code".to_owned()))
    }

    /// Moves the server's clock on.
    pub(crate) async fn let_pass(&self, seconds: u64) -> Result<(), NotHeld> {
        let request = RawRequest::new(Method::Post, "/clock").json(&json!({"advance_seconds": seconds}))?;
        self.ask(request).await.map(drop)
    }

    /// The next request to `route` is acted on, and its answer lost.
    pub(crate) async fn lose_the_next_answer_to(&self, route: &str) -> Result<(), NotHeld> {
        let fault = json!({"route": route, "fault": {"kind": "reset", "acted": true}, "times": 1});
        self.ask(RawRequest::new(Method::Post, "/faults").json(&fault)?).await.map(drop)
    }

    pub(crate) async fn forget_requests(&self) -> Result<(), NotHeld> {
        self.ask(RawRequest::new(Method::Delete, "/requests")).await.map(drop)
    }

    /// The requests that it has seen since: path and status.
    pub(crate) async fn requests(&self) -> Result<Vec<(String, u64)>, NotHeld> {
        let log = self.ask(RawRequest::new(Method::Get, "/requests").query("settled", true)).await?;
        let request = |entry: &Value| {
            let path = entry.get("path").and_then(Value::as_str).unwrap_or("?");
            (path.to_owned(), number(entry, "status"))
        };
        Ok(list(&log).iter().map(request).collect())
    }

    /// What stands in the carts of the us market, of which Ann has the only one: SKUs and pieces.
    pub(crate) async fn stored_cart(&self) -> Result<Vec<(u64, u64)>, NotHeld> {
        Ok(self.stored("carts").await?.iter().flat_map(lines).collect())
    }

    /// What was ordered in the us market, order by order.
    pub(crate) async fn stored_orders(&self) -> Result<Vec<Vec<(u64, u64)>>, NotHeld> {
        Ok(self.stored("orders").await?.iter().map(lines).collect())
    }

    async fn stored(&self, what: &str) -> Result<Vec<Value>, NotHeld> {
        let state = self.ask(RawRequest::new(Method::Get, "/state")).await?;
        Ok(state.get("us").and_then(|market| market.get(what)).map(list).unwrap_or_default())
    }

    async fn ask(&self, request: RawRequest) -> Result<Value, NotHeld> {
        Ok(self.control.request(request.without_session()).await?.json()?)
    }
}

struct Process(Child);

impl Drop for Process {
    /// It keeps nothing that could be half written, so it is not asked politely.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a cart holds, in a stable order: SKUs and pieces.
pub(crate) fn cart_lines(cart: &Cart) -> Vec<(u64, i64)> {
    let mut lines: Vec<_> = cart.items.iter().map(|line| (line.sku_id.0, line.quantity)).collect();
    lines.sort_unstable();
    lines
}

/// The same of a cart or an order in the database.
fn lines(holder: &Value) -> Vec<(u64, u64)> {
    let items = holder.get("items").map(list).unwrap_or_default();
    let mut lines: Vec<_> =
        items.iter().map(|item| (number(item, "sku_id"), number(item, "quantity"))).collect();
    lines.sort_unstable();
    lines
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}
