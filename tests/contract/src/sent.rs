//! A request as a server received it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::AGENT;

/// A request as a server received it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// Path and query, as they were on the wire.
    pub target: String,
    /// Names in lower case. Those that say how the message travels are left out: `host`, `content-length`.
    pub headers: BTreeMap<String, String>,
    /// The body, where there was one.
    pub body: Option<Value>,
}

/// As whom a request is to be sent.
#[derive(Clone, Copy, Debug)]
pub enum As<'a> {
    /// The user with this token.
    User(&'a str),
    /// Nobody.
    Nobody,
}

impl Sent {
    /// Whether it is what is read before an order is placed.
    pub fn reads_the_newest_order(&self) -> bool {
        self.method == "GET" && self.target.starts_with("/api/v1/orders?limit=1&offset=0")
    }

    /// Takes headers and body of a request.
    pub fn new(
        method: &str,
        target: &str,
        headers: impl Iterator<Item = (String, String)>,
        body: &[u8],
    ) -> Self {
        let mut all = BTreeMap::<String, String>::new();
        for (name, value) in headers {
            if name == "host" || name == "content-length" {
                continue;
            }
            // A header that was sent twice is not to look like one that was sent once.
            all.entry(name).and_modify(|seen| *seen = format!("{seen}, {value}")).or_insert(value);
        }
        let body = (!body.is_empty()).then(|| {
            serde_json::from_slice(body)
                .unwrap_or_else(|error| panic!("{method} {target} has a body that is no JSON: {error}"))
        });
        Self { method: method.to_owned(), target: target.to_owned(), headers: all, body }
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Checks the request in full, below the base path `/api/v1`: the method, the path, the query in which the
    /// market is the last, the body, and all headers. No other header may be there: neither a cookie, nor a
    /// content type without a body, nor a token where none is wanted.
    #[track_caller]
    pub fn is(&self, method: &str, target: &str, who: As<'_>, market: Option<&str>, body: Option<Value>) {
        let mut target = format!("/api/v1{target}");
        if let Some(market) = market {
            target += if target.contains('?') { "&" } else { "?" };
            target += &format!("market={market}");
        }
        let own = concat!("market-sdk/", env!("CARGO_PKG_VERSION"));
        let mut headers =
            vec![("accept", "application/json".to_owned()), ("user-agent", format!("{AGENT} {own}"))];
        if let As::User(token) = who {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        if let Some(market) = market {
            headers.push(("x-market", market.to_owned()));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let expected = Self { method: method.to_owned(), target, headers, body };
        assert_eq!(*self, expected);
    }
}

impl From<&wiremock::Request> for Sent {
    fn from(request: &wiremock::Request) -> Self {
        let target = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let headers = request.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Self::new(request.method.as_str(), &target, headers, &request.body)
    }
}
