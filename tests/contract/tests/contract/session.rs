//! Signing in and out, the profile, the markets.

use std::time::{Duration, SystemTime};

use market_contract_tests::sent::As;
use market_contract_tests::shop::{LIFETIME, Shop};
use market_contract_tests::{CODE, Ends, KG_PHONE, PHONE, answers, assert_is};
use market_sdk::{
    Currency, EndReason, ErrorCode, Market, PhoneNumber, ProfileUpdate, SecureStore, SessionState,
    SignedOutReason, StoreRead, UserId,
};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::{failed, paths};

fn at(rfc3339_seconds: u64, micros: u32) -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH + Duration::new(rfc3339_seconds, micros * 1000))
}

#[tokio::test]
async fn a_code_is_asked_for_without_a_token_in_the_market_of_the_phone() {
    let shop = Shop::open().await;
    shop.answers("POST", "/auth/send-verification", json!({"message": "Verification code sent"})).await;
    let before = SystemTime::now();
    let sent = shop.market.session().request_code("+1 (312) 805-9851").await.unwrap();
    assert_is!(sent, CodeSent { expires_at: None, retry_at: sent.retry_at });
    assert!(sent.retry_at >= before && sent.retry_at <= SystemTime::now(), "at once: two more are left");
    let body = Some(json!({"phone": PHONE}));
    shop.only_sent().await.is("POST", "/auth/send-verification", As::Nobody, Some("us"), body);
}

#[tokio::test]
async fn a_kg_phone_goes_to_the_market_kg_and_one_of_an_unknown_country_to_none() {
    let shop = Shop::open().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::code_sent());
    shop.responds("POST", "/auth/send-verification", answer, 2).await;
    shop.market.session().request_code(KG_PHONE).await.unwrap();
    let body = Some(json!({"phone": KG_PHONE}));
    shop.only_sent().await.is("POST", "/auth/send-verification", As::Nobody, Some("kg"), body);
    shop.market.session().request_code("+7 701 234 56 78").await.unwrap();
    let body = Some(json!({"phone": "+77012345678"}));
    shop.only_sent().await.is("POST", "/auth/send-verification", As::Nobody, None, body);
}

#[tokio::test]
async fn where_the_server_says_so_it_is_known_when_the_code_expires() {
    let shop = Shop::open().await;
    shop.answers("POST", "/auth/send-verification", answers::code_sent()).await;
    let before = SystemTime::now();
    let sent = shop.market.session().request_code(PHONE).await.unwrap();
    let minutes = Duration::from_secs(15 * 60);
    let expires_at = sent.expires_at.unwrap();
    assert!(expires_at >= before + minutes && expires_at <= SystemTime::now() + minutes);
}

#[tokio::test]
async fn after_three_codes_the_next_may_be_asked_for_when_the_first_is_15_minutes_old() {
    let shop = Shop::open().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::code_sent());
    shop.responds("POST", "/auth/send-verification", answer, 3).await;
    let mut last = None;
    let before = SystemTime::now();
    for _ in 0..3 {
        last = Some(shop.market.session().request_code(PHONE).await.unwrap().retry_at);
    }
    assert!(last.unwrap() >= before + Duration::from_secs(15 * 60));
}

#[tokio::test]
async fn signing_in_spends_the_code_without_a_token() {
    let shop = Shop::open().await;
    let answer = json!({"access_token": shop.token, "user": {"id": 19, "phone": PHONE}});
    shop.answers("POST", "/auth/verify-code", answer).await;
    let before = SystemTime::now();
    let sign_in = shop.market.session().verify_code("+1 312 805 9851", &format!(" {CODE} ")).await.unwrap();
    assert_is!(
        sign_in,
        SignIn { user: sign_in.user, is_new_user: None, expires_at: sign_in.expires_at, persisted: true }
    );
    assert_is!(
        sign_in.user,
        User {
            id: UserId(19),
            market: Market::Us,
            phone: PhoneNumber::parse(PHONE).unwrap(),
            full_name: None,
        }
    );
    // A documented server says when in the token alone, and there in whole seconds.
    let (expires_at, second) = (sign_in.expires_at.unwrap(), Duration::from_secs(1));
    assert!(expires_at + second >= before + LIFETIME && expires_at <= SystemTime::now() + LIFETIME + second);
    let body = Some(json!({"phone": PHONE, "verification_code": CODE}));
    shop.only_sent().await.is("POST", "/auth/verify-code", As::Nobody, Some("us"), body);

    let state = shop.market.session().state();
    let SessionState::SignedIn { user, expires_at: until, persisted: true, .. } = state else {
        panic!("{state:?}")
    };
    assert_eq!((user, until), (sign_in.user, sign_in.expires_at));
}

#[tokio::test]
async fn a_deployed_answer_to_signing_in_is_read_in_full() {
    let shop = Shop::open().await;
    shop.answers("POST", "/auth/verify-code", answers::signed_in(&shop.token)).await;
    let before = SystemTime::now();
    let sign_in = shop.market.session().verify_code(PHONE, CODE).await.unwrap();
    assert_eq!((sign_in.is_new_user, sign_in.persisted), (Some(true), true));
    assert_is!(
        sign_in.user,
        User {
            id: UserId(19),
            market: Market::Us,
            phone: PhoneNumber::parse(PHONE).unwrap(),
            full_name: Some("Ann Example".to_owned()),
        }
    );
    let millisecond = Duration::from_millis(1); // As precisely as it is stored.
    let expires_at = sign_in.expires_at.unwrap();
    assert!(expires_at + millisecond >= before + LIFETIME && expires_at <= SystemTime::now() + LIFETIME);
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_signs_nobody_in() {
    let shop = Shop::open().await;
    for token in ["", "two words", "line\nbreak", "ключ"] {
        shop.answers("POST", "/auth/verify-code", answers::signed_in(token)).await;
        let error = failed(shop.market.session().verify_code(PHONE, CODE).await);
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{token:?}");
        assert!(!shop.market.session().state().is_signed_in());
    }
}

#[tokio::test]
async fn p5_a_logout_tells_the_server_once_and_nothing_later_carries_the_token() {
    let shop = Shop::signed_in().await;
    let ends = Ends::of(&shop.market);
    shop.answers("POST", "/auth/logout", json!({"message": "Logged out"})).await;
    shop.market.session().logout().await.unwrap();
    shop.sent_as_user("POST", "/auth/logout", None).await;
    let state = shop.market.session().state();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::LoggedOut, .. }), "{state:?}");
    assert_eq!(failed(shop.market.cart().get().await).code(), ErrorCode::NotSignedIn);
    assert_eq!(failed(shop.market.session().verify_token().await).code(), ErrorCode::NotSignedIn);
    shop.market.session().logout().await.unwrap();
    assert_eq!(shop.sent().await, []);
    let Shop { market, store, server, .. } = shop;
    assert_eq!(store.read(&key(&server.uri())), StoreRead::Missing);
    let ends = ends.all(market);
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_is!(ends[0], SessionEnd { user: ends[0].user, reason: EndReason::LoggedOut });
    assert_eq!(ends[0].user.id, UserId(19));
}

/// The key that the SDK stores the session under: the app's name and the server's.
fn key(uri: &str) -> String {
    format!("contract.tests {uri}/api/v1")
}

#[tokio::test]
async fn the_session_is_in_the_store_while_it_lasts_and_not_after_clear_which_sends_nothing() {
    let shop = Shop::signed_in().await;
    let key = key(&shop.server.uri());
    assert!(matches!(shop.store.read(&key), StoreRead::Found(_)));
    shop.market.session().clear().await.unwrap();
    assert_eq!(shop.store.read(&key), StoreRead::Missing);
    let state = shop.market.session().state();
    assert!(matches!(state, SessionState::SignedOut { reason: SignedOutReason::Cleared, .. }), "{state:?}");
    assert_eq!(shop.sent().await, []);
}

#[tokio::test]
async fn p5_a_logout_that_the_server_refuses_is_a_logout_all_the_same() {
    for status in [401, 404, 500, 503] {
        let shop = Shop::signed_in().await;
        shop.responds("POST", "/auth/logout", ResponseTemplate::new(status), 1).await;
        shop.market.session().logout().await.unwrap();
        assert_eq!(shop.store.read(&key(&shop.server.uri())), StoreRead::Missing, "{status}");
        assert_eq!(failed(shop.market.cart().get().await).code(), ErrorCode::NotSignedIn, "{status}");
    }
}

#[tokio::test]
async fn the_server_is_asked_whether_it_accepts_the_token() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/auth/verify-token", answers::token_status()).await;
    let status = shop.market.session().verify_token().await.unwrap();
    let expected = (true, Some(UserId(19)), Some(Market::Us));
    assert_is!(status, TokenStatus { valid: expected.0, user_id: expected.1, market: expected.2 });
    shop.sent_as_user("GET", "/auth/verify-token", None).await;
}

fn assert_is_anns(profile: &market_sdk::Profile) {
    assert_is!(
        profile,
        Profile {
            id: UserId(19),
            phone: Some(PhoneNumber::parse(PHONE).unwrap()),
            full_name: Some("Ann Example".to_owned()),
            profile_image_url: Some("/ann.jpg".to_owned()),
            is_active: Some(true),
            is_verified: Some(true),
            market: Some(Market::Us),
            language: Some("en".to_owned()),
            country: Some("United States".to_owned()),
            currency: Some(Currency::new("USD")),
            last_login: at(1_795_466_302, 0),
            created_at: at(1_793_520_000, 0),
        }
    );
}

#[tokio::test]
async fn the_profile_is_read_in_full() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/auth/profile", answers::profile()).await;
    assert_is_anns(&shop.market.session().profile().await.unwrap());
    shop.sent_as_user("GET", "/auth/profile", None).await;
}

#[tokio::test]
async fn of_a_profile_only_what_is_to_change_is_sent() {
    let shop = Shop::signed_in().await;
    let answer = ResponseTemplate::new(200).set_body_json(answers::profile_updated());
    shop.responds("PUT", "/auth/profile", answer, 3).await;
    let (name, picture) = (json!("Ann Example"), json!("/ann.jpg"));
    let update = ProfileUpdate::new;
    for (update, body) in [
        (update().full_name("Ann Example"), json!({"full_name": name})),
        (update().profile_image_url("/ann.jpg"), json!({"profile_image_url": picture})),
        (
            update().full_name("Ann Example").profile_image_url("/ann.jpg"),
            json!({"full_name": name, "profile_image_url": picture}),
        ),
    ] {
        assert_is_anns(&shop.market.session().update_profile(update).await.unwrap());
        shop.sent_as_user("PUT", "/auth/profile", Some(body)).await;
    }
}

#[tokio::test]
async fn the_markets_are_read_without_a_token_even_when_somebody_is_signed_in() {
    for shop in [Shop::open().await, Shop::signed_in().await] {
        shop.answers("GET", "/auth/markets", answers::markets()).await;
        let markets = shop.market.session().markets().await.unwrap();
        assert_is!(markets, Markets { supported: markets.supported, default: Some(Market::Kg) });
        assert_eq!(markets.supported.len(), 1);
        assert_is!(
            markets.supported[0],
            MarketInfo {
                market: Market::Us,
                country: Some("United States".to_owned()),
                currency_sign: Some("$".to_owned()),
                currency: Some(Currency::new("USD")),
                language: Some("en".to_owned()),
                phone_prefix: Some("+1".to_owned()),
                phone_format: Some("+1 (XXX) XXX-XXXX".to_owned()),
            }
        );
        shop.only_sent().await.is("GET", "/auth/markets", As::Nobody, None, None);
    }
}

#[tokio::test]
async fn a_market_that_the_sdk_does_not_know_breaks_nothing() {
    let shop = Shop::open().await;
    let answer = json!({"supported_markets": [{"market": "KZ"}], "default_market": "kz"});
    shop.answers("GET", "/auth/markets", answer).await;
    let markets = shop.market.session().markets().await.unwrap();
    assert_eq!(markets.supported[0].market, Market::Unknown("kz".to_owned()));
    assert_eq!(markets.default, Some(Market::Unknown("kz".to_owned())));
}

#[tokio::test]
async fn what_is_no_phone_no_code_and_no_name_is_refused_before_anything_is_sent() {
    let shop = Shop::signed_in().await;
    let session = shop.market.session();
    for phone in ["", "3128059851", "+1312805985", "+99655512345", "+1312805985a"] {
        let error = failed(session.request_code(phone).await);
        assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["phone"]), "{phone}");
        let error = failed(session.verify_code(phone, CODE).await);
        assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["phone"]), "{phone}");
    }
    for code in ["", "123", "123456789", "12a456", "12 456", "١٢٣٤٥٦"] {
        let error = failed(session.verify_code(PHONE, code).await);
        assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["code"]), "{code}");
    }
    for name in [String::new(), "  ".to_owned(), "n".repeat(256)] {
        let error = failed(session.update_profile(ProfileUpdate::new().full_name(name)).await);
        assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["full_name"]));
    }
    assert_eq!(failed(session.update_profile(ProfileUpdate::new()).await).code(), ErrorCode::InvalidInput);
    assert_eq!(shop.sent().await, []);
}

#[tokio::test]
async fn a_phone_of_another_market_than_the_clients_is_refused_before_a_code_is_burned() {
    let shop = Shop::open_with(|builder| builder.market(Market::Kg)).await;
    let error = failed(shop.market.session().request_code(PHONE).await);
    assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["phone"]));
    let error = failed(shop.market.session().verify_code(PHONE, CODE).await);
    assert_eq!((error.code(), paths(&error)), (ErrorCode::InvalidInput, vec!["phone"]));
    assert_eq!(shop.sent().await, []);
}
