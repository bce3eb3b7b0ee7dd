//! A client that hides nothing: one request, one connection, the bytes as they are.

#![allow(dead_code, reason = "each test binary uses its own part")]

use market_dev_server::DevServer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const US_PHONE: &str = "+13128059851";
pub(crate) const KG_PHONE: &str = "+996555123456";

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A request being put together.
pub(crate) struct Ask {
    host: String,
    head: String,
    body: Option<String>,
}

impl Ask {
    pub(crate) fn new(server: &DevServer, method: &str, target: &str) -> Ask {
        let host = server.address().to_string();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        Ask { host, head, body: None }
    }

    /// A call of the API, `path` being below its prefix.
    pub(crate) fn api(server: &DevServer, method: &str, path: &str) -> Ask {
        Ask::new(server, method, &format!("/api/v1{path}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Ask {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn token(self, token: &str) -> Ask {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: Value) -> Ask {
        self.header("content-type", "application/json").text(&body.to_string())
    }

    pub(crate) fn text(mut self, body: &str) -> Ask {
        self.body = Some(body.to_owned());
        self
    }

    /// The request as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let body = self.body.clone().unwrap_or_default();
        let length = self.body.as_ref().map(|body| format!("content-length: {}\r\n", body.len()));
        format!("{}{}\r\n{body}", self.head, length.unwrap_or_default()).into_bytes()
    }

    /// Opens a connection and writes the request, no more.
    pub(crate) async fn begin(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).await.unwrap();
        stream.write_all(&self.bytes()).await.unwrap();
        stream
    }

    /// Everything that comes back until the connection ends, and how it ended.
    pub(crate) async fn raw(&self) -> (Vec<u8>, std::io::Result<()>) {
        let mut stream = self.begin().await;
        let mut all = Vec::new();
        let end = stream.read_to_end(&mut all).await.map(|_| ());
        (all, end)
    }

    pub(crate) async fn send(&self) -> Answer {
        let (all, end) = self.raw().await;
        end.unwrap();
        parse(&all)
    }
}

/// Takes an answer with a body of known length apart.
pub(crate) fn parse(all: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(all);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Answer { status, headers, text: body.to_owned() }
}

/// Signs in; the token and the whole answer.
pub(crate) async fn sign_in(server: &DevServer, phone: &str) -> (String, Value) {
    let sent = Ask::api(server, "POST", "/auth/send-verification").json(json!({"phone": phone})).send().await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let code = server.code(phone).unwrap().unwrap();
    let body = json!({"phone": phone, "verification_code": code});
    let answer = Ask::api(server, "POST", "/auth/verify-code").json(body).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    (answer["access_token"].as_str().unwrap().to_owned(), answer)
}
