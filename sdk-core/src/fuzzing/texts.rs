//! Texts of a header, a field, a person.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::longest_number;
use crate::error;
use crate::http::redirect::{Redirect, judge};
use crate::http::retry::retry_after;
use crate::http::transport::Reply;
use crate::model::wire::Amount;
use crate::model::{Currency, Market, Money, PhoneNumber};

/// A phone number as a person wrote it.
pub fn phone(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(phone) = PhoneNumber::parse(text) else { return };
    let digits = phone.as_str().strip_prefix('+').expect("E.164 begins with a plus");
    assert!((8..=15).contains(&digits.len()) && !digits.starts_with('0'), "E.164");
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "E.164");
    let typed: String = text.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(typed, digits, "the digits are those that were typed");
    assert_eq!(PhoneNumber::parse(phone.as_str()).expect("it is read again"), phone);
    match phone.market() {
        Some(Market::Us) => assert_eq!(digits.len(), 11),
        Some(Market::Kg) => assert_eq!(digits.len(), 12),
        _ => {}
    }
    let shown = format!("{phone} {phone:?}");
    assert!(longest_number(&shown) <= 2 && !shown.contains(digits), "two digits are shown");
}

/// An amount as a server writes it: a JSON number, or a string of one.
pub fn money(input: &[u8]) {
    let Ok(Amount(amount)) = serde_json::from_slice::<Amount>(input) else { return };
    let printed = amount.to_string();
    let Amount(again) = serde_json::from_str(&printed).expect("what is printed is an amount");
    assert_eq!((again, again.scale()), (amount, amount.scale()));
    for code in ["USD", "KGS", "JPY", "KWD", "XXX"] {
        exact(&Money::new(amount, Currency::new(code)));
    }
}

/// Money is at its currency's precision, and prints as what it is.
pub(super) fn exact(money: &Money) {
    let decimals = money.currency().decimals();
    assert_eq!(money.amount().scale(), decimals, "{money:?} is not at its currency's precision");
    let printed = money.to_string();
    let (code, amount) = printed.rsplit_once(' ').expect("the currency, and the amount");
    let again = Money::new(amount.parse().expect("an amount"), Currency::new(code));
    assert_eq!((&again, again.to_string()), (money, printed));
}

/// A server's text in an error.
pub fn shown(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for digits in [error::CODE_DIGITS, error::PHONE_DIGITS] {
        let shown = error::shown(&text, digits);
        assert!(longest_number(&shown) < digits, "a number is shown: {shown:?}");
        assert!(shown.chars().count() <= 3 * error::SHOWN_CHARS && !shown.contains(char::is_control));
        let word = |c: char| !(c.is_ascii_alphanumeric() || "-_.+/=".contains(c));
        let longest = shown.split(word).map(str::len).max().unwrap_or_default();
        assert!(longest < error::TOKEN_CHARS, "a word as long as a token is shown: {shown:?}");
    }
}

/// A `Location`, in the answer to a request. The first line says to which: its first byte the status, its second
/// the origin and whether the request reads.
pub fn redirect(input: &[u8]) {
    let [status, request, location @ ..] = input else { return };
    let status = [301, 302, 303, 307, 308][usize::from(status % 5)];
    let (base, reads) = (
        [
            "https://shop.example/api/v1/cart?market=us",
            "https://shop.example:8443/a/b/",
            "http://127.0.0.1:8080/api/v1/cart",
            "http://localhost/a",
        ][usize::from(request % 4)],
        request & 4 == 0,
    );
    let Ok(location) = HeaderValue::from_bytes(location) else { return };
    let base = Url::parse(base).unwrap();
    let reply = Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(LOCATION, location)]),
        body: Bytes::new(),
        path_ends_with_slash: false,
    };
    let Redirect::To(target) = judge(&base, reads, &reply) else { return };
    assert_eq!(target.host_str(), base.host_str(), "another host: {target}");
    let upgraded = (base.scheme(), target.scheme()) == ("http", "https");
    assert!(target.scheme() == base.scheme() || upgraded, "less than it was: {target}");
    // As it is spelled: what is left out is the scheme's own.
    let same_port = match upgraded {
        true => target.port() == base.port(),
        false => target.port_or_known_default() == base.port_or_known_default(),
    };
    assert!(same_port, "another port: {target}");
    assert!(target.username().is_empty() && target.password().is_none() && target.fragment().is_none());
    assert!(target != base, "to itself");
    assert!(reads || matches!(status, 301 | 307 | 308), "a write that becomes a read");
    assert_eq!(Url::parse(target.as_str()).as_ref(), Ok(&target), "it is sent as it was judged");
}

/// `Retry-After` on the first line, `Date` on the second.
pub fn headers(input: &[u8]) {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    let mut add = |name: HeaderName, value: Option<&[u8]>| {
        headers
            .extend(value.and_then(|value| HeaderValue::from_bytes(value).ok()).map(|value| (name, value)));
    };
    add(RETRY_AFTER, lines.next());
    add(DATE, lines.next());
    let wait = retry_after(&headers);
    assert!(wait.is_none_or(|wait| wait <= Duration::from_secs(365 * 24 * 60 * 60)), "{wait:?}");
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let (Ok(seconds), Some(wait)) = (text.trim().parse::<u64>(), wait) {
        assert_eq!(wait.as_secs(), seconds);
    }
    let reply = Reply { status: StatusCode::OK, headers, body: Bytes::new(), path_ends_with_slash: false };
    if let Some(at) = reply.served_at() {
        assert!(at >= SystemTime::UNIX_EPOCH, "a time before all servers");
        let printed = httpdate::fmt_http_date(at);
        assert!(httpdate::parse_http_date(&printed).is_ok_and(|again| again == at), "{printed}");
    }
}
