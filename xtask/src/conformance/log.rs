//! What the dev server's log of a case has to show, and whether it does.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::list::Entry;

const PREFIX: &str = "/api/v1";

/// An entry of the list: requests that follow each other in the log, each with those that may stand in its place.
#[derive(Debug)]
pub(crate) struct Expected(Vec<Vec<Line>>);

/// So many of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    times: usize,
    method: String,
    path: String,
    /// What the query has to hold.
    query: Vec<String>,
    outcome: Outcome,
    /// The number of the token.
    token: Option<u32>,
    /// What the body has to hold.
    body: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Status(u16),
    /// The client left.
    Aborted,
    /// The server sent no answer.
    Cut,
    /// There was no end to it.
    Running,
}

/// What `sign in` stands for.
const SIGN_IN: [&str; 2] = ["POST /auth/send-verification 200 -", "POST /auth/verify-code 200 -"];

impl Expected {
    pub(crate) fn read(entry: Entry) -> Result<Self, String> {
        let lines = |texts: &[String]| texts.iter().map(|text| Line::read(text)).collect::<Result<_, _>>();
        Ok(Self(match entry {
            Entry::Line(text) if text == "sign in" => SIGN_IN
                .iter()
                .map(|text| Line::read(text).map(|line| vec![line]))
                .collect::<Result<_, _>>()?,
            Entry::Line(text) => vec![lines(&[text])?],
            Entry::AnyOrder(texts) => vec![lines(&texts)?],
        }))
    }
}

impl Line {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not like \"2 x GET /cart 200 #1\"");
        let (line, body) = match text.find(" {").and_then(|at| text.split_at_checked(at)) {
            Some((line, body)) => (line, serde_json::from_str(body).map_err(|_| wrong())?),
            None => (text, Map::new()),
        };
        let (times, request) = match line.split_once(" x ") {
            Some((times, request)) => {
                (times.parse().ok().filter(|times| *times > 0).ok_or_else(wrong)?, request)
            }
            None => (1, line),
        };
        let mut words = request.split(' ');
        let mut word = || words.next().filter(|word| !word.is_empty()).ok_or_else(wrong);
        let (method, target, outcome, token) = (word()?, word()?, word()?, word()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let outcome = match outcome {
            "aborted" => Outcome::Aborted,
            "cut" => Outcome::Cut,
            status => Outcome::Status(status.parse().map_err(|_| wrong())?),
        };
        let token = match token {
            "-" => None,
            number => {
                Some(number.strip_prefix('#').and_then(|number| number.parse().ok()).ok_or_else(wrong)?)
            }
        };
        let upper = method.chars().all(|c| c.is_ascii_uppercase());
        if !upper || !path.starts_with('/') || words.next().is_some() {
            return Err(wrong());
        }
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        Ok(Self { times, method: method.to_owned(), path: path.to_owned(), query, outcome, token, body })
    }

    fn fits(&self, request: &Request) -> bool {
        let sent: Vec<_> = request.query.split('&').collect();
        (&self.method, &self.path, self.outcome, self.token)
            == (&request.method, &request.below(), request.outcome(), request.token())
            && self.query.iter().all(|pair| sent.contains(&pair.as_str()))
            && self.body.iter().all(|(name, value)| request.body.get(name) == Some(value))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query.join("&")) };
        write!(f, "{} {}{query} {} {}", self.method, self.path, self.outcome, Token(self.token))?;
        if self.body.is_empty() { Ok(()) } else { write!(f, " {}", Value::from(self.body.clone())) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Aborted => f.write_str("aborted"),
            Self::Cut => f.write_str("cut"),
            Self::Running => f.write_str("running"),
        }
    }
}

struct Token(Option<u32>);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "#{number}"),
            None => f.write_str("-"),
        }
    }
}

/// What the dev server writes when it stops.
#[derive(Deserialize)]
struct Document {
    dialect: String,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Value,
    status: Option<u16>,
    aborted: bool,
    market: Option<String>,
    started_ms: u64,
    ended_ms: Option<u64>,
    complaints: Vec<String>,
}

impl Request {
    fn below(&self) -> String {
        self.path.strip_prefix(PREFIX).unwrap_or(&self.path).to_owned()
    }

    fn outcome(&self) -> Outcome {
        match self.status {
            _ if self.aborted => Outcome::Aborted,
            Some(status) => Outcome::Status(status),
            None if self.ended_ms.is_none() => Outcome::Running,
            None => Outcome::Cut,
        }
    }

    fn token(&self) -> Option<u32> {
        self.headers.get("authorization")?.strip_prefix("Bearer #")?.parse().ok()
    }

    fn is_of_the_cart(&self) -> bool {
        let path = self.below();
        path == "/cart" || path.starts_with("/cart/") || path == "/orders/create"
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        write!(f, "{} {}{query} {} {}", self.method, self.below(), self.outcome(), Token(self.token()))
    }
}

/// Whether the log is as the case says. An error says where it is not.
pub(crate) fn check(log: &str, dialect: &str, expected: &[Expected]) -> Result<(), String> {
    let log: Document =
        serde_json::from_str(log).map_err(|error| format!("the log cannot be read: {error}"))?;
    if log.dialect != dialect {
        return Err(format!("the server played {}, not {dialect}", log.dialect));
    }
    let mut at = 0;
    for group in expected.iter().flat_map(|entry| &entry.0) {
        let mut left: Vec<(&Line, usize)> = group.iter().map(|line| (line, line.times)).collect();
        while left.iter().any(|(_, times)| *times > 0) {
            let wanted: Vec<_> =
                left.iter().filter(|(_, times)| *times > 0).map(|(line, _)| line.to_string()).collect();
            let wanted = wanted.join(" or ");
            let number = at + 1;
            let request = log.requests.get(at);
            let request = request.ok_or_else(|| format!("request {number} is missing: {wanted}"))?;
            let found = left.iter_mut().find(|(line, times)| *times > 0 && line.fits(request));
            let (_, times) = found.ok_or_else(|| {
                let body = if wanted.contains('{') { format!(" {}", request.body) } else { String::new() };
                format!("request {number} is {request}{body}; it must be {wanted}")
            })?;
            *times -= 1;
            at += 1;
        }
    }
    if let Some(request) = log.requests.get(at) {
        return Err(format!("request {} is one too many: {request}", at + 1));
    }
    rules(&log.requests)
}

/// What holds for every request of every case.
fn rules(requests: &[Request]) -> Result<(), String> {
    let mut cart_free_at = BTreeMap::new();
    for (index, request) in requests.iter().enumerate() {
        let wrong = |why: &str| Err(format!("request {} ({request}): {why}", index + 1));
        let phone = request.body.get("phone").and_then(Value::as_str);
        let market = request.market.as_deref().or(phone.and_then(market_of));
        let said = request.headers.get("x-market").map(String::as_str);
        if market.is_some() && said != market {
            return wrong(&format!(
                "X-Market says {}, not {}",
                said.unwrap_or("nothing"),
                market.unwrap_or_default()
            ));
        }
        if let (Some(_), Some(complaint)) = (request.token(), request.complaints.first()) {
            return wrong(complaint);
        }
        if request.is_of_the_cart() && !request.aborted {
            let free_at = cart_free_at.entry(request.token()).or_insert(0);
            if request.started_ms < *free_at {
                return wrong("it began before the request of the cart before it was over");
            }
            *free_at = request.ended_ms.unwrap_or(u64::MAX);
        }
    }
    Ok(())
}

fn market_of(phone: &str) -> Option<&'static str> {
    [("+996", "kg"), ("+1", "us")]
        .into_iter()
        .find(|(prefix, _)| phone.starts_with(prefix))
        .map(|(_, market)| market)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(line: &str) -> Value {
        let line = Line::read(line).unwrap();
        let status = match line.outcome {
            Outcome::Status(status) => Some(status),
            _ => None,
        };
        let mut headers = json!({"x-market": "us"});
        if let Some(number) = line.token {
            headers["authorization"] = json!(format!("Bearer #{number}"));
        }
        json!({
            "seq": 1, "connection": 1, "method": line.method, "path": format!("{PREFIX}{}", line.path),
            "query": "limit=20&market=us", "headers": headers,
            "body": match line.path.starts_with("/auth/") {
                true => json!({"phone": "+13128059851"}),
                false if line.body.is_empty() => Value::Null,
                false => Value::from(line.body),
            },
            "status": status, "aborted": line.outcome == Outcome::Aborted, "user": null,
            "market": line.token.map(|_| "us"), "acted": true, "started_ms": 5, "ended_ms": 5,
            "fault": null, "complaints": [], "note": null,
        })
    }

    fn expected(entries: &[&str]) -> Vec<Expected> {
        entries.iter().map(|text| Expected::read(Entry::Line((*text).to_owned())).unwrap()).collect()
    }

    fn checked(lines: &[&str], expected: &[Expected]) -> Result<(), String> {
        let requests: Vec<_> = lines.iter().map(|line| request(line)).collect();
        check(&json!({"dialect": "g1", "requests": requests}).to_string(), "g1", expected)
    }

    const SHOPS: [&str; 3] = ["sign in", "2 x POST /cart/items 200 #1", "GET /orders?limit=20 aborted #1"];

    fn shops() -> Vec<&'static str> {
        [&SIGN_IN[..], &["POST /cart/items 200 #1"; 2], &["GET /orders aborted #1"]].concat()
    }

    #[test]
    fn a_log_that_is_as_the_case_says_is_green() {
        checked(&shops(), &expected(&SHOPS)).unwrap();
    }

    #[test]
    fn a_log_with_one_request_missing_or_one_too_many_is_red() {
        for at in 0..shops().len() {
            let mut fewer = shops();
            fewer.remove(at);
            assert!(checked(&fewer, &expected(&SHOPS)).is_err(), "without {at}");
            let mut more = shops();
            more.insert(at, "GET /wishlist 200 #1");
            assert!(checked(&more, &expected(&SHOPS)).is_err(), "one more at {at}");
        }
        let more = [shops(), vec!["GET /cart 200 #1"]].concat();
        let error = checked(&more, &expected(&SHOPS)).unwrap_err();
        assert_eq!(error, "request 6 is one too many: GET /cart?limit=20&market=us 200 #1");
        let error = checked(&shops()[..4], &expected(&SHOPS)).unwrap_err();
        assert_eq!(error, "request 5 is missing: GET /orders?limit=20 aborted #1");
    }

    #[test]
    fn a_log_with_another_token_outcome_path_method_query_or_dialect_is_red() {
        for other in [
            "GET /orders aborted #2",
            "GET /orders aborted -",
            "GET /orders 200 #1",
            "GET /orders cut #1",
            "GET /order aborted #1",
            "PUT /orders aborted #1",
        ] {
            let mut log = shops();
            log[4] = other;
            assert!(checked(&log, &expected(&SHOPS)).is_err(), "{other}");
        }
        let other_query = [&SHOPS[..2], &["GET /orders?limit=2 aborted #1"]].concat();
        assert!(checked(&shops(), &expected(&other_query)).is_err());
        assert!(check(r#"{"dialect":"g2","requests":[]}"#, "g1", &[]).unwrap_err().contains("g2"));
    }

    #[test]
    fn a_log_in_another_order_is_red_unless_the_order_does_not_matter() {
        let lines = ["GET /cart 200 #1", "GET /wishlist 200 #1", "GET /wishlist 200 #1"];
        let turned = ["GET /wishlist 200 #1", "GET /cart 200 #1", "GET /wishlist 200 #1"];
        let strict = expected(&["GET /cart 200 #1", "2 x GET /wishlist 200 #1"]);
        checked(&lines, &strict).unwrap();
        assert!(checked(&turned, &strict).unwrap_err().starts_with("request 1 is GET /wishlist"));
        let any = Entry::AnyOrder(vec!["GET /cart 200 #1".to_owned(), "2 x GET /wishlist 200 #1".to_owned()]);
        let any = [Expected::read(any).unwrap()];
        checked(&lines, &any).unwrap();
        checked(&turned, &any).unwrap();
        assert!(checked(&turned[..2], &any).is_err());
        assert!(checked(&["GET /cart 200 #1"; 3], &any).is_err());
    }

    #[test]
    fn a_log_with_other_bodies_or_bodies_in_another_order_is_red() {
        let added = |quantity| format!(r#"POST /cart/items 200 #1 {{"quantity": {quantity}}}"#);
        let (one, two) = (added(1), added(2));
        let wanted = expected(&[&one, &two]);
        // What the list does not ask for may be there.
        let more = r#"POST /cart/items 200 #1 {"quantity": 1, "sku_id": 42}"#;
        checked(&[more, &two], &wanted).unwrap();
        let error = checked(&[&two, &one], &wanted).unwrap_err();
        assert_eq!(
            error,
            "request 1 is POST /cart/items?limit=20&market=us 200 #1 {\"quantity\":2}; \
             it must be POST /cart/items 200 #1 {\"quantity\":1}"
        );
        assert!(checked(&[&one, "POST /cart/items 200 #1"], &wanted).is_err());
        assert!(checked(&[&one, r#"POST /cart/items 200 #1 {"quantity": "2"}"#], &wanted).is_err());
        checked(&[&two, &one], &expected(&["2 x POST /cart/items 200 #1"])).unwrap();
    }

    #[test]
    fn a_log_that_breaks_a_rule_is_red() {
        let broken = |path: &str, change: &dyn Fn(&mut Value)| {
            let mut requests: Vec<_> = shops().into_iter().map(request).collect();
            let at =
                requests.iter().rposition(|request| request["path"] == format!("{PREFIX}{path}")).unwrap();
            change(&mut requests[at]);
            let log = json!({"dialect": "g1", "requests": requests}).to_string();
            check(&log, "g1", &expected(&SHOPS)).unwrap_err()
        };
        assert!(
            broken("/cart/items", &|request| request["headers"]["x-market"] = json!("kg"))
                .contains("X-Market")
        );
        let no_market =
            |request: &mut Value| drop(request["headers"].as_object_mut().unwrap().remove("x-market"));
        assert!(broken("/auth/verify-code", &no_market).contains("X-Market"));
        let complaint = |request: &mut Value| request["complaints"] = json!(["no market in the query"]);
        assert!(broken("/cart/items", &complaint).contains("no market in the query"));
        assert!(
            broken("/cart/items", &|request| request["started_ms"] = json!(4)).contains("before it was over")
        );
        assert!(broken("/orders", &|request| request["market"] = json!("kg")).contains("X-Market"));
    }

    #[test]
    fn a_log_that_is_none_is_red() {
        for log in ["", "{}", "[]", r#"{"dialect":"g1"}"#, r#"{"dialect":"g1","requests":[{}]}"#] {
            assert!(check(log, "g1", &[]).is_err(), "{log}");
        }
    }

    #[test]
    fn a_line_that_makes_no_sense_is_refused() {
        for line in [
            "",
            "GET /cart 200",
            "GET /cart ok #1",
            "GET cart 200 #1",
            "get /cart 200 #1",
            "GET /cart 200 1",
            "0 x GET /cart 200 #1",
            "GET /cart 200 #1 -",
            "many x GET /cart 200 #1",
            "GET /cart 200 #1 {",
            "GET /cart 200 #1 {n: 1}",
        ] {
            assert!(Line::read(line).is_err(), "{line}");
        }
    }
}
