//! Bodies that a server answers with.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;

use super::longest_number;
use super::texts::exact;
use crate::error::{Error, ErrorCode, SHOWN_CHARS};
use crate::http::call::{As, Call, Lost};
use crate::http::dialect::{ProfileOrderWire, ProfileOrdersWire};
use crate::http::judge;
use crate::http::transport::Reply;
use crate::model::*;

/// The answers to reads and changes of the cart.
pub fn cart(input: &[u8]) {
    for market in markets() {
        let Some(wire) = read::<CartWire>(input) else { return };
        let cart = wire.in_market(&market);
        assert!(cart.items.len() <= input.len(), "lines out of nothing");
        exact(&cart.total_price);
        cart.items.iter().for_each(|line| exact(&line.price));
    }
}

/// The answers to reads and changes of the wishlist; both of its forms have the same.
pub fn wishlist(input: &[u8]) {
    for market in markets() {
        let Some(wire) = read::<WishlistWire>(input) else { return };
        let wishlist = wire.in_market(&market);
        assert!(wishlist.items.len() <= input.len(), "items out of nothing");
        for WishlistItem { product, .. } in &wishlist.items {
            product.price.iter().chain(&product.original_price).for_each(exact);
        }
    }
}

/// Orders: one and several, as the documented API, its second generation and its first have them.
pub fn orders(input: &[u8]) {
    let mut orders: Vec<OrderWire> = Vec::new();
    orders.extend(read::<OrderWire>(input));
    orders.extend(read::<Vec<OrderWire>>(input).into_iter().flatten());
    orders.extend(read::<ProfileOrderWire>(input).map(|wire| wire.order));
    orders.extend(read::<ProfileOrdersWire>(input).into_iter().flat_map(|wire| wire.orders));
    assert!(orders.len() <= input.len(), "orders out of nothing");
    for order in orders {
        let order = order.in_market(&Market::Us);
        let all = [&order.total_amount].into_iter().chain(&order.subtotal).chain(&order.shipping_cost);
        all.for_each(exact);
        order.items.iter().for_each(|line| [&line.unit_price, &line.total_price].into_iter().for_each(exact));
        order.customer_phone.iter().for_each(hidden);
        assert_eq!(OrderStatus::new(order.status.as_str()), order.status);
    }
    if let Some(cancelled) = read::<CancelledWire>(input).map(CancelledOrder::from) {
        assert_eq!(OrderStatus::new(cancelled.status.as_str()), cancelled.status);
    }
}

/// Signing in, the token's status, the profile, the markets.
pub fn session(input: &[u8]) {
    let profile = read::<ProfileWire>(input).map(Profile::from);
    let updated = read::<ProfileUpdatedWire>(input).map(|wire| Profile::from(wire.user));
    for profile in profile.into_iter().chain(updated) {
        profile.phone.iter().for_each(hidden);
        profile.market.iter().for_each(same);
    }
    if let Some(wire) = read::<SignInWire>(input) {
        wire.market.iter().chain(&wire.user.market).for_each(same);
    }
    if let Some(status) = read::<TokenStatusWire>(input).map(TokenStatus::from) {
        status.market.iter().for_each(same);
    }
    if let Some(markets) = read::<MarketsWire>(input).map(Markets::from) {
        assert!(markets.supported.len() <= input.len(), "markets out of nothing");
        markets.supported.iter().map(|info| &info.market).chain(&markets.default).for_each(same);
    }
    read::<CodeSentWire>(input);
}

/// Bodies of errors, under each status that has a meaning of its own.
pub fn errors(input: &[u8]) {
    let call = Call::new("orders", "get", Method::GET, "/orders/1");
    let mut sign_in = Call::new("auth", "verify_code", Method::POST, "/auth/verify-code").without_token(None);
    (sign_in.spends_code, sign_in.lost) = (true, Lost::OutcomeUnknown);
    assert!(matches!(sign_in.made_as, As::Nobody(_)));
    for (call, digits) in [(call, crate::error::PHONE_DIGITS), (sign_in, crate::error::CODE_DIGITS)] {
        for status in [204, 303, 400, 404, 409, 422, 429, 500, 503] {
            let reply = answer(status, input);
            let Err(verdict) = judge::reply(&call, &reply) else {
                assert!(status < 300, "{status} is no success");
                continue;
            };
            let error = verdict.error;
            assert_eq!(error.status(), Some(status));
            let texts = error.fields().iter().flat_map(|field| [&*field.path, &*field.message]);
            for text in texts.chain([error.message()]) {
                assert!(text.chars().count() <= 2 * SHOWN_CHARS, "a server's text is capped");
                assert!(longest_number(text) < digits, "a number of a server's text is shown");
                assert!(!text.contains(char::is_control));
            }
            assert!(error.fields().len() <= 100);
            if status >= 500 {
                assert_eq!(error.message(), Error::new(error.code()).message(), "no text of a failed server");
            }
        }
    }
}

fn markets() -> [Market; 3] {
    [Market::Us, Market::Kg, Market::Unknown("zz".to_owned())]
}

fn answer(status: u16, body: &[u8]) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
        path_ends_with_slash: false,
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let call = Call::new("fuzz", "fuzz", Method::GET, "/");
    match judge::value(&call, &answer(200, body)) {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!((error.code(), error.status()), (ErrorCode::UnexpectedResponse, Some(200)));
            let detail = error.detail().unwrap();
            let place = detail.split_once(" error in the JSON at line ").expect("where, and nothing of what");
            assert!(["Data", "Syntax", "Eof"].contains(&place.0) && longest_number(place.1) < 16, "{detail}");
            None
        }
    }
}

fn hidden(phone: &PhoneNumber) {
    let shown = format!("{phone:?}");
    assert!(shown.chars().filter(|c| *c != '•').count() <= 3, "of a phone number two characters are shown");
    assert_eq!(shown, phone.to_string());
}

fn same(market: &Market) {
    assert_eq!(Market::new(market.code()), *market);
    assert!(Market::new(&market.code().to_ascii_uppercase()) == *market);
}
