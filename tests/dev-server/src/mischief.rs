//! Plays a fault on a request.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use crate::clock::http_date;
use crate::faults::{DateHeader, Fault, Held, RetryAfter, Target};
use crate::front::{Asked, act};
use crate::log::Ticket;
use crate::reply::{Fail, Reply};
use crate::state::State;
use crate::wire::Cut;

/// The pace of a body that never ends.
const TRICKLE: Duration = Duration::from_millis(20);

const PAGE: &str = "<html>\r\n<head><title>Bad Gateway</title></head>\r\n<body>\r\n<center><h1>Bad Gateway</h1>\
    </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// The answer with the fault in it, or how the connection is to be cut.
pub(crate) async fn play(
    (fault, held): (Fault, Held),
    state: &State,
    asked: &Asked,
    ticket: &Ticket,
) -> Result<Response, Cut> {
    let act = || act(state, asked, ticket);
    if let Fault::Reset { acted: true }
    | Fault::HangUp { acted: true }
    | Fault::Status { acted: true, .. }
    | Fault::Answer { acted: true, .. } = fault
    {
        act().await;
    }
    Ok(match fault {
        Fault::Reset { .. } => return Err(Cut::Reset),
        Fault::HangUp { .. } => return Err(Cut::Close),
        Fault::Latency { ms, acted: false } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            act().await.into_response()
        }
        Fault::Latency { ms, acted: true } => {
            let reply = act().await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            reply.into_response()
        }
        Fault::Hold { acted: false } => {
            held.released().await;
            act().await.into_response()
        }
        Fault::Hold { acted: true } => {
            let reply = act().await;
            held.released().await;
            reply.into_response()
        }
        Fault::Truncated => rebody(act().await, truncated),
        Fault::NeverEnding => rebody(act().await, |_, _| Body::from_stream(stream::unfold((), trickle))),
        Fault::Oversized { bytes } => rebody(act().await, |text, _| oversized(text, bytes)),
        Fault::MisTyped => {
            let mut reply = act().await;
            reply.body = reply.body.map(mistype);
            reply.into_response()
        }
        Fault::Html { status } => plain(status, "text/html", PAGE.to_owned()),
        Fault::Answer { status, content_type, body, .. } => plain(status, &content_type, body),
        Fault::Status { status, retry_after, .. } => {
            let fail = Fail::Http(status, "A fault was asked for".to_owned());
            let mut reply = fail.into_reply(state.dialect()).0;
            let value = retry_after.map(|retry_after| match retry_after {
                RetryAfter::Seconds(seconds) => seconds.to_string(),
                RetryAfter::DateIn(seconds) => http_date(state.clock.seconds().saturating_add(seconds)),
                RetryAfter::Text(text) => text,
            });
            reply.headers.extend(value.map(|value| ("retry-after", value)));
            reply.into_response()
        }
        Fault::Redirect { status, to } => {
            let headers = location(&to, asked).map(|location| ("location", location));
            Reply { status, body: None, headers: headers.into_iter().collect() }.into_response()
        }
        Fault::Date { date } => {
            let mut response = act().await.into_response();
            let value = match date {
                // An empty value is the sign to leave the header out.
                DateHeader::Missing => String::new(),
                DateHeader::Off(seconds) => http_date(state.clock.seconds().saturating_add(seconds)),
                DateHeader::Text(text) => text,
            };
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(header::DATE, value);
            }
            response
        }
    })
}

fn plain(status: u16, content_type: &str, body: String) -> Response {
    let response = Response::builder().status(status).header("content-type", content_type);
    response.body(Body::from(body)).unwrap_or_default()
}

/// The same status and headers with another body, made from the text of the real one.
fn rebody(reply: Reply, make: impl FnOnce(String, &mut Response) -> Body) -> Response {
    let text = reply.body.as_ref().map(Value::to_string).unwrap_or_default();
    let mut response = reply.into_response();
    let body = make(text, &mut response);
    *response.body_mut() = body;
    response
}

/// Half of what the length promises, then the end of the connection.
fn truncated(text: String, response: &mut Response) -> Body {
    response.headers_mut().insert(header::CONTENT_LENGTH, text.len().into());
    let mut half = Bytes::from(text);
    half.truncate(half.len() / 2);
    let start = stream::iter([Ok(half)]);
    let end = stream::once(async {
        // The first half is on its way once the connection has been given a turn.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("the body ends here"))
    });
    Body::from_stream(start.chain(end))
}

async fn trickle((): ()) -> Option<(Result<Bytes, Infallible>, ())> {
    tokio::time::sleep(TRICKLE).await;
    Some((Ok(Bytes::from_static(b" ")), ()))
}

/// Spaces, then the body.
fn oversized(text: String, bytes: u64) -> Body {
    const PIECE: &[u8] = &[b' '; 64 * 1024];
    let spaces = stream::unfold(bytes, |left| async move {
        let now = left.min(PIECE.len() as u64);
        let piece = PIECE.get(..usize::try_from(now).unwrap_or(0))?;
        (now > 0).then(|| (Ok::<_, Infallible>(Bytes::from_static(piece)), left - now))
    });
    let rest = stream::iter([Ok(Bytes::from(text))]);
    Body::from_stream(spaces.chain(rest))
}

/// Another type for every value; objects and lists keep their form.
fn mistype(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, mistype(value))).collect())
        }
        Value::Array(items) if items.is_empty() => Value::Bool(false),
        Value::Array(items) => Value::Array(items.into_iter().map(mistype).collect()),
        Value::String(_) => Value::from(7),
        Value::Number(_) => Value::from("seven"),
        Value::Bool(_) => Value::from("yes"),
        Value::Null => Value::Null,
    }
}

fn location(to: &Target, asked: &Asked) -> Option<String> {
    let host = asked.header("host").unwrap_or("localhost");
    let target = asked.uri.path_and_query().map_or("/", |target| target.as_str());
    let here = |scheme: &str, target: &str| Some(format!("{scheme}://{host}{target}"));
    match to {
        Target::Itself => here(asked.scheme, target),
        Target::Http => here("http", target),
        Target::Https => here("https", target),
        Target::Origin(origin) => Some(format!("{origin}{target}")),
        Target::Location(text) => Some(text.clone()),
        Target::Nowhere => None,
        Target::Hop => {
            let hop = asked.query.iter().find(|(name, _)| name == "hop");
            let hop: u32 = hop.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            let query = asked.uri.query().unwrap_or_default();
            let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("hop="));
            let mut pairs: Vec<String> = others.map(str::to_owned).collect();
            pairs.push(format!("hop={}", hop + 1));
            here(asked.scheme, &format!("{}?{}", asked.uri.path(), pairs.join("&")))
        }
    }
}
