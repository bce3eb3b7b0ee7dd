//! One cell: a fault, a call, a token; what is expected, and what came of it.

use std::collections::BTreeSet;
use std::time::Duration;

use market_contract_tests::{Ends, shop};
use market_dev_server::{DevServer, FaultRule, LoggedRequest};
use market_sdk::{EndReason, Error, ErrorCode, MarketClient, MemoryStore, SessionState};
use tokio::time::timeout;

use crate::calls::{Call, Class};
use crate::faults::{Place, Played};
use crate::table::{Outcome, Row, Wait};

pub(crate) const PHONE: &str = "+13128059851";
/// The code that the call itself spends; the one before it signs in.
pub(crate) const CODE: &str = "222222";
const CODE_BEFORE: &str = "111111";
/// What the user has before the call: a line in the cart, product 10 on the wishlist, an order.
pub(crate) const LINE: u64 = 71;
pub(crate) const ORDER: u64 = 51;
/// The longest body that the clients here read.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// The deadline of calls that nothing else ends: long enough for the request to have arrived by then.
const HASTY: Duration = Duration::from_millis(500);
/// That of all others, which none comes near.
const PATIENT: Duration = Duration::from_secs(30);
/// A call that takes longer than this hangs.
const HANGS: Duration = Duration::from_secs(60);

/// What the token is when the call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// The server accepts it.
    Fresh,
    /// The server refuses it, which the client does not know.
    Expired,
    /// Nobody is signed in.
    None,
}

impl Token {
    pub(crate) const ALL: [Token; 3] = [Token::Fresh, Token::Expired, Token::None];
}

/// What a cell comes to, for the caller and for the server.
#[derive(Debug, PartialEq)]
pub(crate) struct Got {
    /// None is Ok.
    pub(crate) code: Option<ErrorCode>,
    /// What `retry_after` says, in seconds.
    wait: Option<u64>,
    /// The name of the session's state.
    state: &'static str,
    /// The signals that a session has ended.
    ends: Vec<EndReason>,
    /// How many requests reached the route.
    pub(crate) requests: usize,
    /// How many of them changed data.
    acted: usize,
    /// What else is not as it should be.
    amiss: Vec<String>,
}

/// What is expected of a cell. The table has what a good token comes to; here is what its head says of the
/// others, and what becomes of the session.
pub(crate) fn expected(row: &Row, call: &Call, token: Token) -> Got {
    let ended = Outcome { code: Some(ErrorCode::SessionExpired), requests: 1, acted: false };
    let with_good_token = row.outcome(call);
    let outcome = match (call.class, token) {
        (class, Token::None) if class.needs_session() => {
            Outcome { code: Some(ErrorCode::NotSignedIn), requests: 0, acted: false }
        }
        (Class::Logout, Token::None) => Outcome { code: None, requests: 0, acted: false },
        // The read before it is refused.
        (Class::Order, Token::Expired) => Outcome { requests: 0, ..ended },
        (class, Token::Expired) if class.needs_session() && row.ended => ended,
        (class, Token::Expired) if class.needs_session() => match with_good_token.code {
            None => Outcome { requests: with_good_token.requests, ..ended },
            Some(_) => Outcome { acted: false, ..with_good_token },
        },
        // The server is told of a session that is none. That the user is signed out here does not hang on it.
        (Class::Logout, Token::Expired) => Outcome { acted: false, ..with_good_token },
        _ => with_good_token,
    };
    // Promise 4: a session ends by a 401 to its token, a logout, a sign-in over it, and by nothing else.
    // Promise 3: with one signal.
    let before = token != Token::None;
    let (state, ends) = match (call.class, outcome.code) {
        (_, Some(ErrorCode::SessionExpired)) => ("Expired", vec![EndReason::Rejected]),
        (Class::Logout, _) if before => ("SignedOut", vec![EndReason::LoggedOut]),
        (Class::SignIn, None) if before => ("SignedIn", vec![EndReason::Replaced]),
        (Class::SignIn, None) => ("SignedIn", vec![]),
        _ if before => ("SignedIn", vec![]),
        _ => ("SignedOut", vec![]),
    };
    let wait = match (outcome.code, row.wait) {
        (Some(ErrorCode::RateLimited | ErrorCode::Server), Wait::Seconds(seconds)) => Some(seconds),
        _ => None,
    };
    let (code, requests, acted) = (outcome.code, outcome.requests, outcome.acted.into());
    Got { code, wait, state, ends, requests, acted, amiss: vec![] }
}

/// Where cells are tried out, one after the other: the servers are as new for each.
pub(crate) struct Lab {
    plain: DevServer,
    tls: DevServer,
    elsewhere: DevServer,
}

impl Lab {
    pub(crate) async fn open() -> Self {
        let server = |tls| DevServer::builder().rate_limits(false).tls(tls).start();
        Self {
            plain: server(false).await.unwrap(),
            tls: server(true).await.unwrap(),
            elsewhere: server(false).await.unwrap(),
        }
    }

    /// Tries a cell out.
    pub(crate) async fn run(&self, played: &Played, row: &Row, call: &Call, token: Token) -> Got {
        let server = if played.tls { &self.tls } else { &self.plain };
        server.reset().unwrap();
        self.elsewhere.clear_requests();
        server.advance_clock(played.clock);
        let fault = (played.fault)(&Place {
            host: server.address().to_string(),
            elsewhere: format!("http://{}", self.elsewhere.address()),
            target: format!("/api/v1{}?{}", call.path, call.query),
        });
        let rule =
            |route: &str| FaultRule { route: route.to_owned(), fault: fault.clone(), times: played.times };
        if played.everywhere {
            server.fault(rule("*")).unwrap();
        }
        let (market, ends) = client(server, played, token).await;
        if !played.everywhere {
            server.fault(rule(&format!("{} {}", call.method, call.path))).unwrap();
        }

        let result = timeout(HANGS, (call.make)(market.clone())).await;
        // None may be running: what a request that was given up has done is seen only when it is over.
        let log = timeout(HANGS, server.settled_requests()).await;
        let state = state(&market.session().state());
        // It waits for the listener's thread.
        let ends = tokio::task::spawn_blocking(|| ends.all(market)).await.unwrap();

        let mut amiss = Vec::new();
        let result = result.unwrap_or_else(|_| {
            amiss.push("the call hangs".to_owned());
            Ok(())
        });
        let log = log.unwrap_or_else(|_| {
            amiss.push("a request is never given up".to_owned());
            server.requests()
        });
        amiss.extend(result.as_ref().err().and_then(shows_a_secret));
        amiss.extend(remarks(&log, &self.elsewhere.requests()));
        let on_route = |request: &&LoggedRequest| {
            request.method == call.method && request.path == format!("/api/v1{}", call.path)
        };
        let (requests, acted) = (
            log.iter().filter(on_route).count(),
            log.iter().filter(on_route).filter(|request| request.acted).count(),
        );
        Got {
            code: result.as_ref().err().map(Error::code),
            wait: result.err().and_then(|error| waits(&error, row.wait)),
            state,
            ends: ends.into_iter().map(|end| end.reason).collect(),
            requests: if token == Token::None && call.class.needs_session() { log.len() } else { requests },
            // An idempotent write may act again.
            acted: if call.class == Class::Write { acted.min(1) } else { acted },
            amiss,
        }
    }
}

/// A client with this token, and its end signals from now on. The log has nothing of the sign-in.
async fn client(server: &DevServer, played: &Played, token: Token) -> (MarketClient, Ends) {
    let store = MemoryStore::default();
    let client = |deadline| {
        let builder = shop::client(&server.base_url()).timeout(deadline).body_limit(BODY_LIMIT);
        let builder = server.ca_pem().into_iter().fold(builder, |b, pem| b.extra_root_certificates(pem));
        builder.store(store.clone()).build().unwrap()
    };
    server.execute(&codes(server.now())).unwrap();
    let mut market = client(PATIENT);
    if token != Token::None {
        market.session().verify_code(PHONE, CODE_BEFORE).await.unwrap();
        server.execute(SHOPPING).unwrap();
    }
    if token == Token::Expired {
        server.expire_sessions().unwrap();
    }
    if played.hasty {
        // Signing in may take its time: the near deadline is that of the call alone.
        market = client(HASTY);
    }
    market.session().restore().await.unwrap();
    server.clear_requests();
    let ends = Ends::of(&market);
    (market, ends)
}

/// Two codes that were sent just now. Times are in microseconds.
fn codes(now: i64) -> String {
    let (sent, expires) = (now * 1_000_000, (now + 600) * 1_000_000);
    format!(
        "INSERT INTO us_codes (phone, code, sent_at, expires_at) VALUES
            ('{PHONE}', '{CODE_BEFORE}', {sent}, {expires}), ('{PHONE}', '{CODE}', {sent}, {expires})"
    )
}

/// What [`LINE`] and [`ORDER`] speak of. The first user of this market has number 19.
const SHOPPING: &str = "
    INSERT INTO us_carts (id, user_id) VALUES (7, 19);
    INSERT INTO us_cart_items (id, cart_id, sku_id, quantity, touched) VALUES (71, 7, 42, 1, 1);
    INSERT INTO us_wishlists (id, user_id) VALUES (8, 19);
    INSERT INTO us_wishlist_items (wishlist_id, product_id) VALUES (8, 10);
    INSERT INTO us_orders (id, order_number, user_id, customer_name, customer_phone, delivery_address,
        subtotal, shipping_cost, total_amount, order_date)
        VALUES (51, '#1051', 19, 'Ann', '+13128059851', '1 Main St', 19.99, 150, 169.99, 1770000000000000);
    INSERT INTO us_order_items (order_id, sku_id, product_name, sku_code, size, color, unit_price, quantity,
        total_price) VALUES (51, 42, 'Shoe', 'S-42', '42', 'black', 19.99, 1, 19.99);
";

fn state(state: &SessionState) -> &'static str {
    match state {
        SessionState::SignedIn { .. } => "SignedIn",
        SessionState::SignedOut { .. } => "SignedOut",
        SessionState::Expired { .. } => "Expired",
        SessionState::Restoring => "Restoring",
        SessionState::Locked { .. } => "Locked",
        _ => "another",
    }
}

/// What the error says of waiting. A second more or less is as expected: dates are in whole ones.
fn waits(error: &Error, expected: Wait) -> Option<u64> {
    let waits = error.retry_after().map(|wait| wait.as_secs());
    match (waits, expected) {
        _ if !matches!(error.code(), ErrorCode::RateLimited | ErrorCode::Server) => None,
        (_, Wait::Anything) => None,
        (Some(waits), Wait::Seconds(seconds)) if waits.abs_diff(seconds) <= 1 => Some(seconds),
        (waits, _) => waits,
    }
}

/// Promise 10: whatever the server says, and it knows all of it.
fn shows_a_secret(error: &Error) -> Option<String> {
    let shown = format!("{error} {error:#?} {:?} {:?}", error.detail(), error.fields());
    // What every token of the dev server begins with.
    let secrets = [&PHONE[1..], CODE, CODE_BEFORE, "eyJ"];
    secrets
        .iter()
        .find(|secret| shown.contains(**secret))
        .map(|secret| format!("the error shows {secret}: {shown}"))
}

/// What is wrong with the requests wherever they went, each thing once.
fn remarks(here: &[LoggedRequest], elsewhere: &[LoggedRequest]) -> BTreeSet<String> {
    let complaints = here.iter().flat_map(|request| &request.complaints).cloned();
    // Promise 1: the token goes nowhere else. Nor does anything: another origin never hears of us.
    let strays =
        elsewhere.iter().map(|request| format!("{} {} went elsewhere", request.method, request.path));
    complaints.chain(strays).collect()
}
