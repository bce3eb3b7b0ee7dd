//! Every answer that was recorded from the deployed servers is read: as a value where it is one, as the right
//! error where it is not.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::shop::{CODE, Mishap};
use super::world::{PHONE, World};
use crate::model::*;
use crate::{Error, ErrorCode, MarketClient};

const RECORDINGS: [(&str, &str); 2] = [
    ("g1", include_str!("../../../tests/dev-server/tests/data/g1.json")),
    ("g2", include_str!("../../../tests/dev-server/tests/data/g2.json")),
];

#[derive(Deserialize)]
struct Recording {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    call: String,
    reply: Option<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    status: u16,
    /// As it came: a parsed number would have lost its digits.
    json: Option<Box<RawValue>>,
    text: Option<String>,
}

impl Reply {
    fn body(&self) -> &'static str {
        let body = self.json.as_ref().map(|json| json.get().to_owned()).or_else(|| self.text.clone());
        Box::leak(body.unwrap_or_default().into_boxed_str())
    }

    fn json(&self) -> Value {
        self.json.as_ref().map(|json| serde_json::from_str(json.get()).unwrap()).unwrap_or_default()
    }
}

/// What of a value is compared with the JSON that it was read from.
enum Read {
    /// Where in the JSON a value stands, and the value as text.
    Fields(Vec<(&'static str, String)>),
    Cart(Cart),
    Wishlist(Wishlist),
    Orders(Vec<Order>),
    SignIn(SignIn),
}

type Call = fn(MarketClient) -> BoxFuture<'static, Result<Read, Error>>;

fn profile(profile: Profile, at: [&'static str; 3]) -> Read {
    let [id, name, market] = at;
    Read::Fields(vec![
        (id, profile.id.to_string()),
        (name, profile.full_name.unwrap_or("null".to_owned())),
        (market, profile.market.unwrap().code().to_owned()),
    ])
}

fn order() -> NewOrder {
    NewOrder::from_cart("Ann", PHONE, "1 Main St")
}

/// The recorded call's name, the path that the client sends it to, and the client's call.
const CALLS: &[(&str, &str, Call)] = &[
    ("auth.request_code", "/auth/send-verification", |m| {
        Box::pin(async move { m.session().request_code(PHONE).await.map(|_| Read::Fields(Vec::new())) })
    }),
    ("auth.verify_code", "/auth/verify-code", |m| {
        Box::pin(async move { m.session().verify_code(PHONE, CODE).await.map(Read::SignIn) })
    }),
    ("auth.verify_token", "/auth/verify-token", |m| {
        Box::pin(async move {
            m.session().verify_token().await.map(|status| {
                Read::Fields(vec![
                    ("/valid", status.valid.to_string()),
                    ("/user_id", status.user_id.unwrap().to_string()),
                    ("/market", status.market.unwrap().code().to_owned()),
                ])
            })
        })
    }),
    ("auth.markets", "/auth/markets", |m| {
        Box::pin(async move {
            m.session().markets().await.map(|markets| {
                Read::Fields(vec![
                    ("/default_market", markets.default.unwrap().code().to_owned()),
                    ("/supported_markets/0/market", markets.supported[0].market.code().to_owned()),
                    ("/supported_markets/1/phone_format", markets.supported[1].phone_format.clone().unwrap()),
                ])
            })
        })
    }),
    ("profile.get", "/auth/profile", |m| {
        Box::pin(async move {
            m.session().profile().await.map(|read| profile(read, ["/id", "/full_name", "/market"]))
        })
    }),
    ("profile.update", "/auth/profile", |m| {
        let update = ProfileUpdate::new().full_name("Ann");
        Box::pin(async move {
            m.session()
                .update_profile(update)
                .await
                .map(|read| profile(read, ["/user/id", "/user/full_name", "/user/market"]))
        })
    }),
    ("cart.get", "/cart", |m| Box::pin(async move { m.cart().get().await.map(Read::Cart) })),
    ("cart.add", "/cart/items", |m| Box::pin(async move { m.cart().add(SkuId(1), 1).await.map(Read::Cart) })),
    ("cart.set", "/cart/items/1", |m| {
        Box::pin(async move { m.cart().set_quantity(LineId(1), 2).await.map(Read::Cart) })
    }),
    ("cart.remove", "/cart/items/1", |m| {
        Box::pin(async move { m.cart().remove(LineId(1)).await.map(Read::Cart) })
    }),
    ("cart.clear", "/cart", |m| Box::pin(async move { m.cart().clear().await.map(Read::Cart) })),
    ("wishlist.get", "/wishlist", |m| Box::pin(async move { m.wishlist().get().await.map(Read::Wishlist) })),
    ("wishlist.add", "/wishlist/items", |m| {
        Box::pin(async move { m.wishlist().add(ProductId(11)).await.map(Read::Wishlist) })
    }),
    ("wishlist.remove", "/wishlist/items/11", |m| {
        Box::pin(async move { m.wishlist().remove(ProductId(11)).await.map(Read::Wishlist) })
    }),
    ("wishlist.clear", "/wishlist", |m| {
        Box::pin(async move { m.wishlist().clear().await.map(Read::Wishlist) })
    }),
    ("orders.create", "/orders/create", |m| {
        Box::pin(async move { m.orders().place(order()).await.map(|order| Read::Orders(vec![order])) })
    }),
    ("orders.list", "/orders", |m| {
        Box::pin(async move { m.orders().list(OrderQuery::new()).await.map(Read::Orders) })
    }),
    ("orders.get", "/orders/1", |m| {
        Box::pin(async move { m.orders().get(OrderId(1)).await.map(|order| Read::Orders(vec![order])) })
    }),
    ("orders.cancel", "/profile/orders/1/cancel", |m| {
        Box::pin(async move {
            m.orders().cancel(OrderId(1)).await.map(|cancelled| {
                Read::Fields(vec![
                    ("/order_id", cancelled.id.to_string()),
                    ("/status", cancelled.status.as_str().to_owned()),
                ])
            })
        })
    }),
    ("profile_orders.list", "/profile/orders", |m| {
        Box::pin(async move { m.orders().list(OrderQuery::new()).await.map(Read::Orders) })
    }),
    ("profile_orders.get", "/profile/orders/1", |m| {
        Box::pin(async move { m.orders().get(OrderId(1)).await.map(|order| Read::Orders(vec![order])) })
    }),
    ("other", "/products", |m| {
        Box::pin(async move {
            m.request(RawRequest::new(Method::Get, "/products")).await.map(|_| Read::Fields(Vec::new()))
        })
    }),
];

/// The code that an answer to a call stands for; none for success.
fn expected(call: &str, reply: &Reply) -> Option<ErrorCode> {
    let json = reply.json();
    Some(match reply.status {
        200..=299 => return None,
        400 if call == "auth.verify_code" => ErrorCode::WrongCode,
        400 => ErrorCode::Rejected,
        401 => ErrorCode::SessionExpired,
        404 if json["detail"] == "Not Found" => ErrorCode::Unsupported,
        404 => ErrorCode::NotFound,
        405 => ErrorCode::Unsupported,
        422 if json["detail"].is_array() => ErrorCode::InvalidInput,
        422 if json.to_string().contains("Too many") => ErrorCode::RateLimited,
        422 => ErrorCode::InvalidInput,
        500 if call == "orders.create" => ErrorCode::OutcomeUnknown,
        500 => ErrorCode::Server,
        status => panic!("{status} was not expected in a recording"),
    })
}

fn assert_same(name: &str, read: &Read, json: &Value) {
    match read {
        Read::Fields(fields) => {
            for (pointer, value) in fields {
                let json = json.pointer(pointer).unwrap_or(&Value::Null);
                let json = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
                assert_eq!(*value, json, "{name}: {pointer}");
            }
        }
        Read::Cart(cart) => {
            assert_eq!(cart.items.len(), json["items"].as_array().unwrap().len(), "{name}");
            let total = json["total_price"].as_f64().unwrap();
            assert_eq!(cart.total_price.amount().to_string(), format!("{total:.2}"), "{name}");
            for (line, json) in cart.items.iter().zip(json["items"].as_array().unwrap()) {
                assert_eq!(
                    line.price.amount().to_string(),
                    format!("{:.2}", json["price"].as_f64().unwrap())
                );
                assert_eq!(
                    (line.id.0, line.quantity),
                    (json["id"].as_u64().unwrap(), json["quantity"].as_i64().unwrap())
                );
            }
        }
        Read::Wishlist(wishlist) => {
            assert_eq!(wishlist.items.len(), json["items"].as_array().unwrap().len(), "{name}");
            for (item, json) in wishlist.items.iter().zip(json["items"].as_array().unwrap()) {
                assert_eq!(item.product.name, json["product"]["name"].as_str().unwrap(), "{name}");
                assert_eq!(item.product.id.to_string(), json["product"]["id"].as_str().unwrap(), "{name}");
            }
        }
        Read::Orders(orders) => {
            let list = match json {
                Value::Array(list) => list.clone(),
                json if json["orders"].is_array() => json["orders"].as_array().unwrap().clone(),
                json if json["order"].is_object() => vec![json["order"].clone()],
                json => vec![json.clone()],
            };
            assert_eq!(orders.len(), list.len(), "{name}");
            for (order, json) in orders.iter().zip(list) {
                assert_eq!(order.id.0, json["id"].as_u64().unwrap(), "{name}");
                assert_eq!(
                    order.total_amount.currency().code(),
                    json["currency"].as_str().unwrap(),
                    "{name}"
                );
                let total = format!("{:.2}", json["total_amount"].as_f64().unwrap());
                assert_eq!(order.total_amount.amount().to_string(), total, "{name}");
            }
        }
        Read::SignIn(sign_in) => {
            assert_eq!(sign_in.user.id.to_string(), json["user"]["id"].as_str().unwrap(), "{name}");
            assert_eq!(sign_in.user.market.code(), json["market"].as_str().unwrap(), "{name}");
            assert!(sign_in.expires_at.is_some(), "{name}");
        }
    }
}

/// What is not read, and why.
fn passed_over(step: &Step) -> Option<&'static str> {
    let Some(reply) = &step.reply else { return Some("says what is in a token: no answer") };
    match reply.status {
        301 | 307 => Some("redirects: no body, and followed"),
        // The client reads its wishlist by whichever form is answered, so this refusal is only a question more.
        400 if step.call.starts_with("wishlist.") => {
            Some("the refusals that teach the client the other form")
        }
        422 if step.name == "wishlist_old_add" => Some("the refusals that teach the client the other form"),
        404 if step.call.starts_with("wishlist.") && reply.json()["detail"] == "Not Found" => {
            Some("the refusals that teach the client the other form")
        }
        404 if ["orders.list", "orders.get"].contains(&step.call.as_str())
            && reply.json()["detail"] == "Not Found" =>
        {
            Some("the refusals that teach the client the other form")
        }
        _ if step.call == "auth.logout" => Some("logout: whatever the answer, nobody reads it"),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn every_recorded_answer_is_read_as_the_value_or_the_error_it_is() {
    for (generation, recording) in RECORDINGS {
        let recording: Recording = serde_json::from_str(recording).unwrap();
        let (mut values, mut errors) = (0, 0);
        let mut others = BTreeMap::new();
        for step in &recording.steps {
            if let Some(why) = passed_over(step) {
                *others.entry(why).or_insert(0) += 1;
                continue;
            }
            let reply = step.reply.as_ref().unwrap();
            let name = format!("{generation} {}", step.name);
            let (_, path, call) = CALLS.iter().find(|(name, ..)| *name == step.call).expect(&name);
            let world = World::signed_in().await;
            if step.call.starts_with("profile_orders.") {
                // A server of the first generation.
                world.shop.lacks("/orders");
            }
            world.shop.mishap(path, Mishap::Status(reply.status, reply.body()));
            if step.call == "profile_orders.get" {
                world.shop.mishap("/profile/orders", Mishap::Status(200, r#"{"orders":[]}"#));
                world.market.orders().list(OrderQuery::new()).await.unwrap();
            }
            let read = call(world.market.clone()).await;
            match (read, expected(&step.call, reply)) {
                (Ok(read), None) => {
                    assert_same(&name, &read, &reply.json());
                    values += 1;
                }
                (Err(error), Some(code)) => {
                    // Clearing what was never made is no error, so it is asked for only once more.
                    assert_eq!(error.code(), code, "{name}: {error:?}");
                    assert!(code != ErrorCode::InvalidInput || !error.message().is_empty(), "{name}");
                    errors += 1;
                }
                (Ok(_), Some(ErrorCode::NotFound)) if step.call.ends_with(".clear") => errors += 1,
                (Ok(_), Some(code)) => panic!("{name}: read as a value, and is {code:?}"),
                (Err(error), None) => panic!("{name}: {error:?}"),
            }
        }
        let passed: usize = others.values().sum();
        assert_eq!(values + errors + passed, recording.steps.len());
        assert_eq!(recording.steps.len(), if generation == "g1" { 226 } else { 288 }, "{generation}: whole");
        println!("figure: {generation}: read {values} values and {errors} errors");
        for (why, count) in others {
            println!("figure: {generation}: passed over {count}: {why}");
        }
    }
}
