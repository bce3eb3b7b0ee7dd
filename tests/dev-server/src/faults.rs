//! The faults that can be played on a route, and the list of those that are.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::dialect::{self, Dialect};
use crate::front::PREFIX;
use crate::state::lock;
use crate::{Error, Result};

/// One way to misbehave. As JSON: `{"kind":"reset","acted":true}`, names in snake case.
///
/// `acted` says whether the server does what it was asked before it misbehaves; no, where it is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Waits, then answers as ever: an answer that is late, or in effect never comes.
    Latency {
        /// For how long.
        ms: u64,
        /// Acts first and waits then, in place of the other way round.
        #[serde(default)]
        acted: bool,
    },
    /// Waits until [`Control::release`](crate::Control::release) is called, then answers as ever. Who tests what
    /// happens meanwhile needs no time to pass.
    Hold {
        /// Acts first and waits then, in place of the other way round.
        #[serde(default)]
        acted: bool,
    },
    /// Cuts the connection (TCP reset) in place of an answer.
    Reset {
        /// See [`Fault`].
        #[serde(default)]
        acted: bool,
    },
    /// Closes the connection in good order, but without an answer.
    HangUp {
        /// See [`Fault`].
        #[serde(default)]
        acted: bool,
    },
    /// Acts, and cuts the connection in the middle of the answer's body.
    Truncated,
    /// Acts, and sends a body that trickles and never ends.
    NeverEnding,
    /// Acts, and sends the body after this many spaces: still JSON, but too much of it.
    Oversized {
        /// How many.
        bytes: u64,
    },
    /// Acts, and answers with every value of a wrong type, names and nesting being right.
    MisTyped,
    /// Answers with a proxy's page in HTML and does nothing.
    Html {
        /// The status, 502 say.
        status: u16,
    },
    /// Answers with an error of this status in the dialect's own form.
    Status {
        /// The status.
        status: u16,
        /// See [`Fault`].
        #[serde(default)]
        acted: bool,
        /// A `Retry-After` header.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
    /// Answers with just this.
    Answer {
        /// The status.
        status: u16,
        /// The content type.
        #[serde(default = "json_type")]
        content_type: String,
        /// The body.
        body: String,
        /// See [`Fault`].
        #[serde(default)]
        acted: bool,
    },
    /// Sends the client elsewhere and does nothing.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Where to.
        to: Target,
    },
    /// Acts and answers, with this `Date` header.
    Date {
        /// Which.
        date: DateHeader,
    },
}

fn json_type() -> String {
    "application/json".to_owned()
}

/// A `Retry-After` header in one of its forms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// A date so many seconds from now, by the server's clock.
    DateIn(i64),
    /// Whatever this says.
    Text(String),
}

/// Where a redirect leads. A rule that redirects to `itself` for ever is a loop; with `hop` each step has an
/// address of its own, so that `times` makes a chain of that length that ends well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The address that was asked for.
    Itself,
    /// The address that was asked for, with `hop=n` in the query, n growing.
    Hop,
    /// The address that was asked for, by http.
    Http,
    /// The address that was asked for, by https.
    Https,
    /// The same path at another origin, `https://other.example` say.
    Origin(String),
    /// Just this in `Location`, whatever it is.
    Location(String),
    /// A redirect without `Location`.
    Nowhere,
}

/// What the `Date` header says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateHeader {
    /// There is none.
    Missing,
    /// The time of the server's clock and so many seconds more.
    Off(i64),
    /// Whatever this says.
    Text(String),
}

impl Fault {
    /// Its kind, as the log shows it.
    pub(crate) fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned()
    }
}

/// A fault, and when it is played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// `"POST /cart/items"`; `{…}` stands for one part of the path, `*` for any method or, alone, for
    /// everything. A closing slash makes no difference.
    pub route: String,
    /// What happens.
    pub fault: Fault,
    /// How often, from 1, before the rule has had its day; for ever if left out.
    #[serde(default)]
    pub times: Option<u32>,
}

impl FaultRule {
    /// A fault that is played each time.
    pub fn new(route: &str, fault: Fault) -> FaultRule {
        FaultRule { route: route.to_owned(), fault, times: None }
    }

    /// A fault that is played this often.
    pub fn times(mut self, times: u32) -> FaultRule {
        self.times = Some(times);
        self
    }

    /// An error if this is played never, or on none of the routes of the dialect. Only an answer makes sense on one that the
    /// server does not have: that is how a test gives it one.
    pub(crate) fn check(&self, dialect: Dialect) -> Result<()> {
        if self.times == Some(0) {
            return Err(Error::Config("a fault is played once at least: times is 0".to_owned()));
        }
        match self.fault {
            Fault::Answer { .. } => Ok(()),
            _ => known(&self.route, dialect),
        }
    }
}

/// An error that lists the routes of the dialect, if it has none that this stands for.
pub(crate) fn known(route: &str, dialect: Dialect) -> Result<()> {
    if dialect::routes(dialect).any(|(method, path)| fits(route, method, path)) {
        return Ok(());
    }
    let routes: Vec<_> = dialect::routes(dialect).map(|(method, path)| format!("{method} {path}")).collect();
    Err(Error::Config(format!("the dialect {dialect} has no route {route}. It has {}", routes.join(", "))))
}

/// Whether a request is on this route, which is written as that of a [`FaultRule`].
pub(crate) fn fits(route: &str, method: &str, path: &str) -> bool {
    let (want_method, want_path) = route.split_once(' ').unwrap_or((route, "*"));
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    (want_method == "*" || want_method.eq_ignore_ascii_case(method)) && path_fits(want_path, path)
}

fn path_fits(want: &str, path: &str) -> bool {
    if want == "*" {
        return true;
    }
    let (mut want, mut path) = (want.trim_matches('/').split('/'), path.trim_matches('/').split('/'));
    loop {
        match (want.next(), path.next()) {
            (None, None) => return true,
            (Some(want), Some(part)) if want == part || is_any(want) || is_any(part) => {}
            _ => return false,
        }
    }
}

/// Stands for one part of a path, in a rule as in the table of routes.
fn is_any(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

/// The rules in force, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<FaultRule>>,
    released: watch::Sender<()>,
}

/// What lets a request that is held go on.
pub(crate) struct Held(watch::Receiver<()>);

impl Held {
    pub(crate) async fn released(mut self) {
        // An error is a server that is gone.
        let _ = self.0.changed().await;
    }
}

impl Faults {
    pub(crate) fn add(&self, rule: FaultRule) {
        lock(&self.rules).push(rule);
    }

    pub(crate) fn all(&self) -> Vec<FaultRule> {
        lock(&self.rules).clone()
    }

    pub(crate) fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// Lets the requests that are held go on, and holds no more.
    pub(crate) fn release(&self) {
        let mut rules = lock(&self.rules);
        rules.retain(|rule| !matches!(rule.fault, Fault::Hold { .. }));
        self.released.send_replace(());
    }

    /// The fault to play on a request: that of the first rule that fits. A rule that has had its day goes.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<(Fault, Held)> {
        let mut rules = lock(&self.rules);
        // Under the lock: a release that comes later is noticed, and one before has taken the rule away.
        let held = Held(self.released.subscribe());
        let index = rules.iter().position(|rule| fits(&rule.route, method, path))?;
        let rule = rules.get_mut(index)?;
        let fault = rule.fault.clone();
        rule.times = rule.times.map(|times| times.saturating_sub(1));
        if rule.times == Some(0) {
            rules.remove(index);
        }
        Some((fault, held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_fits_its_route_with_or_without_slash_and_prefix() {
        assert!(fits("GET /cart", "GET", "/api/v1/cart/"));
        assert!(fits("PUT /cart/items/{id}", "PUT", "/api/v1/cart/items/7"));
        assert!(!fits("PUT /cart/items/{id}", "PUT", "/api/v1/cart/items"));
        assert!(!fits("PUT /cart/items/{id}", "PUT", "/api/v1/cart/items/7/more"));
        assert!(fits("*", "PUT", "/anything"));
        assert!(fits("GET", "GET", "/anything"));
        assert!(fits("* /cart", "DELETE", "/api/v1/cart"));
        assert!(!fits("GET /cart", "POST", "/api/v1/cart"));
        assert!(!fits("GET /cart", "GET", "/api/v1/cart/items"));
    }

    #[test]
    fn a_rule_is_for_a_route_of_the_dialect_unless_it_answers_for_one_that_is_not_there() {
        let check = |dialect, route: &str| FaultRule::new(route, Fault::Truncated).check(dialect);
        for route in
            ["*", "GET", "* /cart", "GET /cart/", "PUT /cart/items/7", "put /cart/items/{x}", "GET /{any}"]
        {
            check(Dialect::Documented, route).unwrap();
        }
        for route in [
            "",
            "/cart",
            "GET cart/item",
            "POST /order/create",
            "GET /cart/items",
            "PATCH /cart",
            "POST /cart/get",
        ] {
            let why = check(Dialect::Documented, route).unwrap_err().to_string();
            assert!(
                why.starts_with(&format!("the dialect documented has no route {route}. It has POST ")),
                "{why}"
            );
            assert!(why.ends_with(", POST /profile/orders/{order_id}/cancel"), "{why}");
        }
        check(Dialect::G2, "POST /cart/get").unwrap();
        let never = FaultRule::new("*", Fault::Truncated).times(0).check(Dialect::G2).unwrap_err();
        assert_eq!(never.to_string(), "a fault is played once at least: times is 0");
        let (status, body, acted) = (200, "[]".to_owned(), false);
        let answer = Fault::Answer { status, content_type: json_type(), body, acted };
        FaultRule::new("GET /products", answer).check(Dialect::G1).unwrap();
    }

    #[test]
    fn a_rule_is_played_as_often_as_it_says_and_the_next_one_follows() {
        let faults = Faults::default();
        faults.add(FaultRule::new("*", Fault::Truncated).times(2));
        faults.add(FaultRule::new("*", Fault::MisTyped));
        let played: Vec<_> = (0..4).filter_map(|_| faults.take("GET", "/")).map(|(fault, _)| fault).collect();
        assert_eq!(played, [Fault::Truncated, Fault::Truncated, Fault::MisTyped, Fault::MisTyped]);
    }

    #[test]
    fn a_fault_reads_as_json_without_what_can_be_left_out() {
        let rule = r#"{"route":"*","fault":{"kind":"status","status":503,"retry_after":{"seconds":3}}}"#;
        let rule: FaultRule = serde_json::from_str(rule).unwrap();
        let retry_after = Some(RetryAfter::Seconds(3));
        assert_eq!(rule, FaultRule::new("*", Fault::Status { status: 503, acted: false, retry_after }));
        assert_eq!(rule.fault.name(), "status");
    }
}
