//! Every exchange recorded from the two deployed generations, asked again of this server in their order.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;
mod scenes;

use std::collections::HashMap;

use common::{Answer, Ask};
use market_dev_server::{DevServer, Dialect};
use serde_json::{Value, json};

/// A replay under way.
pub(crate) struct Replay {
    server: DevServer,
    dialect: Dialect,
    /// The real codes by phone, in the order in which the recording's masks name them.
    codes: HashMap<String, Vec<String>>,
}

/// Where the recordings tell the right codes of one phone apart.
const MASKED_CODES: [&str; 2] = ["123456", "654321"];

impl Replay {
    /// Asks for a code, as a step that the recording left out.
    async fn send_code(&mut self, phone: &str, market: &str) {
        let ask = Ask::api(&self.server, "POST", "/auth/send-verification").header("x-market", market);
        let answer = ask.json(json!({"phone": phone})).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.note_code(phone);
    }

    fn note_code(&mut self, phone: &str) {
        let codes = self.codes.entry(phone.to_owned()).or_default();
        let code = self.server.code(phone).unwrap().unwrap();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }

    async fn sign_in(&mut self, phone: &str) {
        common::sign_in(&self.server, phone).await;
    }

    async fn add_to_cart(&self, user: i64, sku: i64, quantity: i64) {
        let ask = Ask::api(&self.server, "POST", "/cart/items?market=kg").token(&self.token("kg", user));
        let answer = ask.json(json!({"user_id": user, "sku_id": sku, "quantity": quantity})).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    fn execute(&self, sql: &str) {
        self.server.execute(sql).unwrap();
    }

    fn token(&self, market: &str, user: i64) -> String {
        let exp = self.server.now() + 1800;
        self.server.token(&json!({"sub": user.to_string(), "market": market, "exp": exp}))
    }

    /// The token that a label of the recording stands for.
    fn labelled(&self, label: &str) -> String {
        let exp = self.server.now() + 1800;
        let sign = |claims| self.server.token(&claims);
        match label {
            "expired" => sign(json!({"sub": "1", "market": "kg", "exp": exp - 3600})),
            "unknown user" => sign(json!({"sub": "424242", "market": "kg", "exp": exp})),
            "a bad signature" => format!("{}AAAA", self.token("kg", 1)),
            "market zz" => sign(json!({"sub": "1", "market": "zz", "exp": exp})),
            "no sub" => sign(json!({"market": "kg", "exp": exp})),
            "user_id in place of sub" => sign(json!({"user_id": 1, "market": "kg", "exp": exp})),
            "sub \"abc\"" => sign(json!({"sub": "abc", "market": "kg", "exp": exp})),
            "no exp" => sign(json!({"sub": "1", "market": "kg"})),
            holder => {
                let (market, user) = holder.split_once(' ').unwrap();
                self.token(market, user.parse().unwrap())
            }
        }
    }

    async fn ask(&mut self, ask: &Value) -> Answer {
        let text = |field: &str| ask[field].as_str().unwrap();
        let mut request = Ask::new(&self.server, text("method"), text("target"));
        for (name, value) in ask["headers"].as_object().unwrap() {
            let mut value = value.as_str().unwrap().to_owned();
            if let Some((start, rest)) = value.split_once('{') {
                value = format!("{start}{}", self.labelled(rest.strip_suffix('}').unwrap()));
            }
            request = request.header(name, &value);
        }
        if let Some(body) = ask.get("json") {
            let mut body = body.clone();
            self.unmask_code(&mut body);
            request = request.text(&body.to_string());
        } else if let Some(body) = ask.get("text") {
            request = request.text(body.as_str().unwrap());
        }
        let answer = request.send().await;
        if text("target").contains("/auth/send-") && answer.status == 200 {
            let phone: String = ask["json"]["phone"].as_str().unwrap().replace([' ', '-', '(', ')'], "");
            self.note_code(&phone);
        }
        answer
    }

    fn unmask_code(&self, body: &mut Value) {
        let codes = body["phone"].as_str().and_then(|phone| self.codes.get(phone));
        let masked = MASKED_CODES.iter().position(|mask| body["verification_code"] == *mask);
        if let (Some(codes), Some(masked)) = (codes, masked) {
            // Where one code is told of, it is the latest.
            let code = if body["phone"] == scenes::TWO_CODES { codes.get(masked) } else { codes.last() };
            body["verification_code"] = json!(code.unwrap());
        }
    }

    /// What is wrong with an answer, by the recording of it.
    fn judge(&self, reply: &Value, answer: &Answer) -> Vec<String> {
        let mut faults = Vec::new();
        if reply["status"] != answer.status {
            faults.push(format!("status {} instead of {}", answer.status, reply["status"]));
        }
        for name in ["content-type", "location", "allow"] {
            let here = self.server.address().to_string();
            let wanted = reply["headers"][name].as_str().map(|value| value.replace("api.example.com", &here));
            if wanted.as_deref() != answer.header(name) {
                faults.push(format!("{name}: {:?} instead of {wanted:?}", answer.header(name)));
            }
        }
        match reply.get("json") {
            Some(body) => compare(body, &answer.json(), "", &mut faults),
            None if reply["text"] != answer.text => faults.push(format!("body {:?}", answer.text)),
            None => {}
        }
        faults
    }
}

/// Names of fields whose values tell of the time or the place of the recording; their form is still compared.
const OF_ITS_TIME: [&str; 4] = [".access_token", ".order_date", ".last_login", ".created_at"];

/// Compares key by key: types and nesting everywhere, values too unless they are of their time.
fn compare(wanted: &Value, got: &Value, path: &str, faults: &mut Vec<String>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            for key in wanted.keys().chain(got.keys().filter(|key| !wanted.contains_key(*key))) {
                let path = format!("{path}.{key}");
                match (wanted.get(key), got.get(key)) {
                    (Some(wanted), Some(got)) => compare(wanted, got, &path, faults),
                    (Some(_), None) => faults.push(format!("{path} is missing")),
                    _ => faults.push(format!("{path} is too much")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            let (mut wanted, mut got) = (wanted.clone(), got.clone());
            if path.ends_with(".colors") {
                // A set: the order on the wire is nobody's.
                wanted.sort_by_key(Value::to_string);
                got.sort_by_key(Value::to_string);
            }
            for (index, (wanted, got)) in wanted.iter().zip(&got).enumerate() {
                compare(wanted, got, &format!("{path}[{index}]"), faults);
            }
        }
        (Value::Number(wanted), Value::Number(got)) if wanted.is_f64() == got.is_f64() && wanted == got => {}
        (Value::String(_), Value::String(_)) if OF_ITS_TIME.iter().any(|name| path.ends_with(name)) => {}
        // A text that goes on to quote a statement: only what it says before that is compared.
        (Value::String(wanted), Value::String(got)) if said(wanted) == said(got) => {}
        _ if wanted == got => {}
        _ => faults.push(format!("{path}: {got} instead of {wanted}")),
    }
}

fn said(text: &str) -> &str {
    text.split("[SQL:").next().unwrap_or(text)
}

async fn replay(dialect: Dialect) {
    let file = format!("{}/tests/data/{dialect}.json", env!("CARGO_MANIFEST_DIR"));
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let server = DevServer::builder().dialect(dialect).start().await.unwrap();
    let mut replay = Replay { server, dialect, codes: HashMap::new() };
    let (mut asked, mut matched) = (0, 0);
    for step in recording["steps"].as_array().unwrap() {
        let name = step["name"].as_str().unwrap();
        scenes::set(&mut replay, name).await;
        let faults = match step.get("claims") {
            Some(claims) => scenes::judge_claims(&replay, claims).await,
            None => {
                let answer = replay.ask(&step["ask"]).await;
                replay.judge(&step["reply"], &answer)
            }
        };
        asked += 1;
        if faults.is_empty() {
            matched += 1;
        } else {
            println!("{dialect} {name}: {}", faults.join("; "));
        }
    }
    println!("figure: {dialect}: replayed {asked} exchanges, {matched} matched");
    assert_eq!(asked, matched);
}

#[tokio::test]
async fn the_first_deployed_generation_answers_as_recorded() {
    replay(Dialect::G1).await;
}

#[tokio::test]
async fn the_second_deployed_generation_answers_as_recorded() {
    replay(Dialect::G2).await;
}
