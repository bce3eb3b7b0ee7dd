//! What the SDK itself wrote, or somebody in its place: what is stored, and a token's claims.

use crate::journal::record::Pending;
use crate::model::User;
use crate::session::record::Record;
use crate::session::token::{AccessToken, Claims, ClaimsWire};

/// A stored session.
pub fn session_record(input: &[u8]) {
    let Some((record, install)) = Record::decode(input) else { return };
    let shown = format!("{record:?}");
    let token = record.token.text();
    // Others' texts may be the same as the token's, and names are shown.
    let User { market, full_name, .. } = &record.user;
    let elsewhere = market.code().contains(token) || full_name.iter().any(|name| name.contains(token));
    assert!(token.len() < 8 || elsewhere || !shown.contains(token), "the record shows its token");
    assert!(market.can_be_sent(), "a session whose market cannot be sent makes no call");
    let encoded = record.encode(install).expect("what was read can be written");
    let (again, its_install) = Record::decode(&encoded).expect("what is written can be read");
    assert_eq!(its_install, install);
    assert_eq!(again.token.text(), token);
    assert_eq!(
        (again.id, again.user, again.signed_in_at, again.lifetime),
        (record.id, record.user, record.signed_in_at, record.lifetime)
    );
}

/// What is noted of an order.
pub fn order_record(input: &[u8]) {
    let Some(pending) = Pending::decode(input) else { return };
    let encoded = pending.encode().expect("what was read can be written");
    let again = Pending::decode(&encoded).expect("what is written can be read");
    assert_eq!(again, pending);
    assert_eq!(again.encode().unwrap(), encoded);
    let key = pending.idempotency_key();
    assert!(http::HeaderValue::from_str(&key).is_ok() && key.len() == 34, "the key can be sent");
    // Whatever it holds, the order is found in it or not, and an attempt can be added and taken back.
    let mut more = pending.clone();
    let digest = more.digest("Ann", "+13128059851", "1 Main St");
    let had = more.ordered(digest);
    if more.attempt(digest, None, false) {
        assert!(more.ordered(digest));
        assert!(!more.take_back(digest), "the attempts that were there are left");
        assert_eq!(more.ordered(digest), had);
    }
}

/// A token, and what it says of itself: as the token that it is, and as the middle of one.
pub fn claims(input: &[u8]) {
    if let Ok(claims) = serde_json::from_slice::<ClaimsWire>(input) {
        shows_nothing_else(&claims.into(), input);
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(token) = AccessToken::new(text) else { return };
    assert_eq!(token.text(), text, "a token is sent as it came");
    assert!(token.header().is_sensitive());
    assert_eq!(format!("{token:?}{:?}", token.header()), "AccessToken(redacted)Sensitive");
    shows_nothing_else(&token.claims(), input);
}

/// A text among the claims is a market's code alone; all else is numbers.
fn shows_nothing_else(claims: &Claims, input: &[u8]) {
    let market = claims.market.as_ref().map_or(0, |market| format!("{market:?}").len());
    let shown = format!("{claims:?}");
    assert!(shown.len() - market <= 120, "{} bytes are shown of {}", shown.len(), input.len());
}
