//! Every field of every answer: null, absent, of each wrong type, and a number as a string. The cases are made
//! by machine from the table, and go through the real client over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use market_contract_tests::shown::leaves;
use market_contract_tests::wire::{Reply, Wire};
use market_contract_tests::{CODE, PHONE, answers, shop};
use market_sdk::{
    ErrorCode, LineId, MarketClient, MemoryStore, NewOrder, OrderId, OrderQuery, ProductId, ProfileUpdate,
    Result, SkuId,
};
use serde_json::{Value, json};

use crate::table::{Field, Kind};

/// What the SDK gave, by paths.
type Shown = BTreeMap<String, String>;

/// An answer that the SDK decodes.
struct Answer {
    call: &'static str,
    /// Whole, with each field of the table.
    body: Value,
    fields: Vec<Field>,
    make: fn(MarketClient) -> BoxFuture<'static, Result<Shown>>,
}

impl Answer {
    /// After a sign-in or an order whose answer cannot be read, nobody knows whether it took effect.
    fn code_when_unreadable(&self) -> ErrorCode {
        match self.call {
            "verify_code" | "place" => ErrorCode::OutcomeUnknown,
            _ => ErrorCode::UnexpectedResponse,
        }
    }

    fn is_of_the_first_generation(&self) -> bool {
        self.call.ends_with("first generation")
    }

    /// Shown though no field of the answer says it.
    fn shown_besides(&self) -> &'static [&'static str] {
        match self.call {
            "request_code" => &["retry_at"],
            "verify_code" => &["user.phone", "persisted", "expires_at"],
            _ => &[],
        }
    }
}

macro_rules! answers {
    ($($call:literal: $fields:expr, $body:expr, |$market:ident| $make:expr;)*) => {
        vec![$(Answer {
            call: $call,
            body: $body,
            fields: $fields.to_vec(),
            make: |$market| async move { $make.await.map(|given| leaves(&given)) }.boxed(),
        }),*]
    };
}

fn all() -> Vec<Answer> {
    let mut wishlist = answers::wishlist();
    wishlist["items"][0]["product"]["title"] = json!("A scarf");
    let wishlist = || wishlist.clone();
    // The market's currency stands in for the order's: so that it is the same.
    let mut order = answers::order();
    order["currency"] = json!("USD");
    let order = || order.clone();
    let signed_in = answers::signed_in(&shop::token(19, "us"));
    let updated = table::part("user", "", Kind::Object, table::PROFILE);
    let orders = table::part("0", "0", Kind::List, table::ORDER);
    let old_orders = table::part("orders", "", Kind::Object, &orders);
    let old_order = table::part("order", "", Kind::Object, table::ORDER);
    answers! {
        "request_code": table::CODE_SENT, answers::code_sent(), |m| m.session().request_code(PHONE);
        "verify_code": table::SIGN_IN, signed_in, |m| m.session().verify_code(PHONE, CODE);
        "verify_token": table::TOKEN_STATUS, answers::token_status(), |m| m.session().verify_token();
        "profile": table::PROFILE, answers::profile(), |m| m.session().profile();
        "update_profile": updated, answers::profile_updated(), |m| m.session().update_profile(update());
        "markets": table::MARKETS, answers::markets(), |m| m.session().markets();
        "cart": table::CART, answers::cart(), |m| m.cart().get();
        "cart add": table::CART, answers::cart(), |m| m.cart().add(SkuId(42), 2);
        "cart set": table::CART, answers::cart(), |m| m.cart().set_quantity(LineId(101), 2);
        "cart remove": table::CART, answers::cart(), |m| m.cart().remove(LineId(101));
        "cart clear": table::CART, answers::cart(), |m| m.cart().clear();
        "wishlist": table::WISHLIST, wishlist(), |m| m.wishlist().get();
        "wishlist add": table::WISHLIST, wishlist(), |m| m.wishlist().add(ProductId(15));
        "wishlist remove": table::WISHLIST, wishlist(), |m| m.wishlist().remove(ProductId(15));
        "wishlist clear": table::WISHLIST, wishlist(), |m| m.wishlist().clear();
        // The outcome of the one before may be unknown.
        "place": table::ORDER, order(), |m| m.orders().place(new_order().force());
        "order": table::ORDER, order(), |m| m.orders().get(OrderId(1001));
        "orders": orders, json!([order()]), |m| m.orders().list(OrderQuery::new());
        "orders, first generation": old_orders, json!({"orders": [order()]}),
            |m| m.orders().list(OrderQuery::new());
        "order, first generation": old_order, json!({"order": order()}), |m| m.orders().get(OrderId(1001));
        "cancel": table::CANCELLED, answers::cancelled(), |m| m.orders().cancel(OrderId(1001));
    }
}

fn new_order() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St")
}

fn update() -> ProfileUpdate {
    ProfileUpdate::new().full_name("Ann")
}

/// Values that a field of this kind must not have.
fn wrong(kind: Kind) -> Vec<Value> {
    let values = match kind {
        Kind::Id => json!([
            true,
            -1,
            1.5,
            1e30,
            "",
            "abc",
            "-1",
            "+1",
            "1.5",
            "1 ",
            " 1",
            "0x1",
            "1e2",
            "18446744073709551616",
            "١",
            [],
            [1],
            {}
        ]),
        Kind::Amount => json!([
            true,
            "",
            "abc",
            "1,5",
            "1 ",
            " 1",
            "+1",
            "--1",
            "1e400",
            "NaN",
            "inf",
            "0x1",
            "$5",
            [],
            [1],
            {}
        ]),
        Kind::Count => {
            json!([true, 1.5, 1e30, "", "abc", "1.5", "1 ", "+1", "9223372036854775808", "NaN", [], [1], {}])
        }
        Kind::Text => json!([true, 7, 1.5, [], ["a"], {}, {"a": "b"}]),
        Kind::Bool => json!(["true", "", 0, 1, [], [true], {}]),
        Kind::Date => json!([
            true,
            1795466302,
            "",
            "yesterday",
            "2026-11-23",
            "2026-13-23T20:38:22Z",
            "2026-11-23T25:38:22Z",
            "1795466302",
            [],
            {}
        ]),
        Kind::List => json!([true, 7, "x", "", {}, {"0": 1}]),
        Kind::Object => json!([true, 7, "x", "", []]),
    };
    values.as_array().unwrap().clone()
}

/// The same number as a string, or the same string as a number.
fn otherwise(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.to_string()),
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other} is no number"),
    }
}

/// The place of a field; none if something on the way is not there.
fn place<'a>(body: &'a mut Value, at: &str) -> Option<&'a mut Value> {
    at.split('.').filter(|name| !name.is_empty()).try_fold(body, |value, name| match value {
        Value::Array(list) => list.get_mut(name.parse::<usize>().unwrap()),
        value => value.get_mut(name),
    })
}

fn with(body: &Value, at: &str, value: Value) -> String {
    let mut body = body.clone();
    *place(&mut body, at).unwrap() = value;
    body.to_string()
}

/// None for an element of a list: a list without it is another list, and nothing is absent.
fn without(body: &Value, at: &str) -> Option<String> {
    if at.is_empty() {
        return Some(String::new());
    }
    let (outer, name) = at.rsplit_once('.').unwrap_or(("", at));
    let mut body = body.clone();
    place(&mut body, outer).unwrap().as_object_mut()?.remove(name).unwrap();
    Some(body.to_string())
}

/// What a case is to come to.
enum Expected<'a> {
    /// The same as the whole answer.
    Same,
    /// The same but for this part, which is this.
    But(&'a str, &'a str),
    Unreadable,
}

/// All cases of a field: what was done to it, the body, what is to come of it.
fn cases<'a>(answer: &Answer, field: &'a Field) -> Vec<(String, String, Expected<'a>)> {
    let (body, at) = (&answer.body, &*field.at);
    let missing = || match field.without {
        None => Expected::Unreadable,
        Some(_) if field.shown.is_empty() => Expected::Same,
        Some(shown) => Expected::But(&field.shown, shown),
    };
    let mut cases = vec![("null".to_owned(), with(body, at, Value::Null), missing())];
    cases.extend(without(body, at).map(|body| ("absent".to_owned(), body, missing())));
    for value in wrong(field.kind) {
        cases.push((value.to_string(), with(body, at, value), Expected::Unreadable));
    }
    if let Kind::Id | Kind::Amount | Kind::Count = field.kind {
        let value = otherwise(place(&mut body.clone(), at).unwrap());
        cases.push((value.to_string(), with(body, at, value), Expected::Same));
    }
    cases
}

/// A client, and the server on which it is signed in. The server answers with whatever is put there.
struct Server {
    market: MarketClient,
    next: Arc<Mutex<String>>,
    _wire: Wire,
}

impl Server {
    /// `first`: of the first generation, which has no `/orders`, and the client has found out.
    async fn start(first: bool) -> Self {
        let next = Arc::new(Mutex::new(answers::signed_in(&shop::token(19, "us")).to_string()));
        let shown = next.clone();
        let wire = Wire::start(move |sent| {
            if sent.reads_the_newest_order() {
                return std::future::ready(Reply::Json(200, json!([])));
            }
            let reply = match first && sent.target.starts_with("/api/v1/orders") {
                true => Reply::Json(404, json!({"detail": "Not Found"})),
                false => Reply::Text(shown.lock().unwrap().clone()),
            };
            std::future::ready(reply)
        })
        .await;
        let market = shop::client(&wire.base_url).store(MemoryStore::default()).build().unwrap();
        market.session().verify_code(PHONE, CODE).await.unwrap();
        if first {
            *next.lock().unwrap() = r#"{"orders": []}"#.to_owned();
            market.orders().list(OrderQuery::new()).await.unwrap();
        }
        Self { market, next, _wire: wire }
    }

    async fn gives(&self, answer: &Answer, body: String) -> Result<Shown> {
        *self.next.lock().unwrap() = body;
        (answer.make)(self.market.clone()).await
    }
}

/// Times that are counted from now differ from call to call: what counts is that there is one.
fn steady(call: &str, shown: Shown) -> Shown {
    let from_now = |path: &str| match call {
        "request_code" | "verify_code" => path == "expires_at" || path == "retry_at",
        _ => false,
    };
    let steady = |(path, shown): (String, String)| {
        let shown = if from_now(&path) && shown != "None" { "a time".to_owned() } else { shown };
        (path, shown)
    };
    shown.into_iter().map(steady).collect()
}

fn is_part_of(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What differs from what is expected, if anything does.
fn judge(answer: &Answer, whole: &Shown, expected: &Expected<'_>, result: Result<Shown>) -> Option<String> {
    let (part, value) = match (expected, result) {
        (Expected::Unreadable, Ok(shown)) => return Some(format!("read as {shown:?}")),
        (Expected::Unreadable, Err(error)) => {
            let code = answer.code_when_unreadable();
            let right = error.code() == code && error.status() == Some(200) && !error.is_retryable();
            return (!right).then(|| format!("{error:?}"));
        }
        (_, Err(error)) => return Some(format!("{error:?}")),
        (Expected::Same, Ok(shown)) => {
            let shown = steady(answer.call, shown);
            return (shown != *whole).then(|| format!("{shown:?}"));
        }
        (Expected::But(part, value), Ok(shown)) => {
            let mut shown = steady(answer.call, shown);
            let found = shown.remove(*part);
            let mut rest = whole.clone();
            rest.retain(|path, _| !is_part_of(path, part));
            if shown != rest {
                return Some(format!("changed besides {part}: {shown:?}"));
            }
            (found, value)
        }
    };
    (part.as_deref() != Some(*value)).then(|| format!("{part:?} in place of {value}"))
}

#[tokio::test]
async fn p9_every_field_null_absent_of_a_wrong_type_or_as_a_string_is_a_value_or_a_typed_error() {
    let servers = [Server::start(false).await, Server::start(true).await];
    let (mut fields, mut count, mut differing) = (0, 0, Vec::new());
    for answer in all() {
        let server = &servers[usize::from(answer.is_of_the_first_generation())];
        let whole = steady(answer.call, server.gives(&answer, answer.body.to_string()).await.unwrap());
        for field in &answer.fields {
            fields += 1;
            for (change, body, expected) in cases(&answer, field) {
                count += 1;
                let result = server.gives(&answer, body).await;
                if let Some(found) = judge(&answer, &whole, &expected, result) {
                    differing.push(format!("{}, {:?} = {change}: {found}", answer.call, field.at));
                }
            }
            assert!(
                server.market.session().state().is_signed_in(),
                "no body ends a session: {}",
                answer.call
            );
        }
    }
    println!("figure: field table: {fields} fields, {count} cases");
    assert!(differing.is_empty(), "{} cases differ:\n{}", differing.len(), differing.join("\n"));
}

#[tokio::test]
async fn everything_that_the_sdk_shows_of_an_answer_is_in_the_table() {
    let servers = [Server::start(false).await, Server::start(true).await];
    for answer in all() {
        let server = &servers[usize::from(answer.is_of_the_first_generation())];
        for path in server.gives(&answer, answer.body.to_string()).await.unwrap().keys() {
            // One row for a list of texts stands for all that are in it.
            let known = |shown: &str| !shown.is_empty() && is_part_of(path, shown);
            let known = answer.fields.iter().any(|field| known(&field.shown) && field.kind != Kind::Object)
                || answer.shown_besides().contains(&path.as_str());
            assert!(known, "{} shows {path}, of which the table knows nothing", answer.call);
        }
    }
}

#[test]
fn the_cases_are_what_they_are_called() {
    // That the machine makes what it says it makes.
    let body = json!({"a": {"b": [{"c": 5}]}});
    assert_eq!(with(&body, "a.b.0.c", json!("5")), r#"{"a":{"b":[{"c":"5"}]}}"#);
    assert_eq!(without(&body, "a.b.0.c").unwrap(), r#"{"a":{"b":[{}]}}"#);
    assert_eq!(without(&body, "a.b.0"), None);
    assert_eq!(without(&body, "a").unwrap(), "{}");
    assert_eq!(with(&body, "", json!(null)), "null");
    assert!(wrong(Kind::Id).contains(&json!([1])));
}
