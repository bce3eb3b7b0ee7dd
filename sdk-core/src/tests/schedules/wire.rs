//! What can be told from a request on its way, and from a text that somebody could read.

use url::Url;

use super::log::{CallId, Sent};
use super::steps::Act;
use super::{Broken, broken};

/// The code that a call signs in with.
pub(super) fn code(call: CallId) -> String {
    format!("77{call:04}")
}

/// What tells a call that must not be sent twice from all others on the wire.
pub(super) fn mark(act: Act, call: CallId) -> Option<String> {
    Some(match act {
        Act::SignIn(_) | Act::SignInTwice(_) => format!("code {}", code(call)),
        Act::CartAdd => format!("add {call}"),
        Act::CartSet => format!("set {call}"),
        Act::CartRemove => format!("remove {call}"),
        Act::WishlistRemove => format!("unwish {call}"),
        Act::OrderCancel => format!("cancel {call}"),
        Act::RawPost => format!("post {call}"),
        _ => return None,
    })
}

pub(super) fn mark_of(sent: &Sent) -> Option<String> {
    let path = sent.url.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    Some(match (sent.method.as_str(), path) {
        ("POST", "/auth/verify-code") => format!("code {}", sent.body["verification_code"].as_str()?),
        ("POST", "/cart/items") => format!("add {}", sent.body["sku_id"]),
        ("PUT", path) if path.starts_with("/cart/items/") => format!("set {last}"),
        ("DELETE", path) if path.starts_with("/cart/items/") => format!("remove {last}"),
        ("DELETE", path) if path.starts_with("/wishlist/items/") => format!("unwish {last}"),
        ("POST", path) if path.ends_with("/cancel") => format!("cancel {}", path.split('/').rev().nth(1)?),
        ("POST", "/products") => format!("post {}", sent.url.query_pairs().find(|(name, _)| name == "n")?.1),
        ("POST", "/orders/create") => format!("order {}", sent.body["delivery_notes"].as_str()?),
        _ => return None,
    })
}

/// Promise 1, of each request.
pub(super) fn on_the_wire(sent: &Sent) -> Result<(), Broken> {
    let to = &sent.url;
    if (to.scheme(), to.host_str(), to.port()) != ("https", Some("shop.example"), None) {
        let what =
            if sent.token.is_some() { "the token leaves for elsewhere" } else { "it leaves for elsewhere" };
        return broken(1, what, to.to_string());
    }
    for (name, value) in &sent.headers {
        let holds = value.to_str().is_ok_and(|value| value.contains("secret-token"));
        if holds && (name != "authorization" || !value.is_sensitive()) {
            return broken(1, "the token is not only where it belongs", name.to_string());
        }
    }
    let open = ["/auth/send-verification", "/auth/verify-code", "/auth/markets"].contains(&to.path());
    if (open && sent.token.is_some()) || format!("{to} {}", sent.body).contains("secret-token") {
        return broken(1, "the token is not only where it belongs", to.to_string());
    }
    Ok(())
}

/// How often a request may be sent on.
const MOST_HOPS: usize = 5;

/// Which answer has sent a request here, if one has.
pub(super) fn hop(url: &Url) -> Option<String> {
    url.query_pairs().filter(|(name, _)| name == "hop").last().map(|(_, number)| number.into_owned())
}

/// A request that an answer with `status` to `before` has sent on.
pub(super) fn sent_on(before: &Sent, status: u16, sent: &Sent) -> Result<(), Broken> {
    let what = || format!("{status}: {before:?}, and then {sent:?}");
    if !matches!(status, 307 | 308) && before.method != "GET" {
        return broken(6, "sent on, though it may have been acted on", what());
    }
    let same = |sent: &Sent| (sent.method.clone(), sent.url.path().to_owned(), sent.body.clone());
    if same(before) != same(sent) || before.token != sent.token {
        return broken(6, "sent on as another request", what());
    }
    if sent.url.query_pairs().filter(|(name, _)| name == "hop").count() > MOST_HOPS {
        return broken(9, "sent on without end", what());
    }
    Ok(())
}

/// Promise 10, of a text that somebody could read.
pub(super) fn secrets(text: &str) -> Result<(), Broken> {
    if ["secret-token", "3128059851", "3128059852"].iter().any(|secret| text.contains(secret)) {
        return broken(10, "a secret", text.to_owned());
    }
    Ok(())
}
