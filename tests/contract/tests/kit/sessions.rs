//! Signing in, the ends of sessions, and calls that wait for the next.

use std::time::Duration;

use market_contract_tests::in_time;
use market_sdk::test_kit::Fault;
use market_sdk::{MarketClient, MemoryStore, ProfileUpdate, SessionState, SessionStates, SkuId};

use crate::stage::Stage;
use crate::{AIDA, ANN, BEN, behaviours};

/// A client whose calls wait, on which Ann has signed in.
async fn parking(stage: &Stage, limit: usize) -> MarketClient {
    let with =
        |builder: market_sdk::MarketClientBuilder| builder.park_on_expiry(limit, Duration::from_secs(300));
    let market = stage.device(&MemoryStore::default(), with);
    stage.sign_in(&market, ANN).await;
    market
}

async fn waiting(market: &MarketClient, calls: usize) {
    let mut states = market.session().subscribe();
    let waits =
        |state: &SessionState| matches!(state, SessionState::Expired { waiting, .. } if *waiting == calls);
    in_time(async { while !states.next().await.is_some_and(|state| waits(&state)) {} }).await;
}

/// The states of a client in their order.
struct States {
    coming: SessionStates,
    seen: Vec<String>,
}

impl States {
    fn of(market: &MarketClient) -> Self {
        Self { coming: market.session().subscribe(), seen: Vec::new() }
    }

    async fn come_to(&mut self, state: &str) {
        while self.seen.last().is_none_or(|last| last != state) {
            let next = match in_time(self.coming.next()).await.unwrap() {
                // Whether it is stored already is a matter of moments.
                SessionState::SignedIn { .. } => "SignedIn".to_owned(),
                SessionState::Expired { reason, waiting, .. } => {
                    format!("Expired {reason:?}, {waiting} wait")
                }
                SessionState::SignedOut { reason, .. } => format!("SignedOut {reason:?}"),
                other => format!("{other:?}"),
            };
            if self.seen.last() != Some(&next) {
                self.seen.push(next);
            }
        }
    }

    fn seen(self) -> Vec<String> {
        self.seen
    }
}

behaviours! {
    async fn a_code_is_sent_and_lets_its_user_in_once(stage) {
        let market = stage.client();
        stage.got(market.session().restore().await);
        stage.got(market.session().verify_code(ANN, "000000").await);
        stage.got(market.session().request_code(ANN).await);
        stage.got(market.session().verify_code(ANN, "000000").await);
        let code = stage.code(ANN).await;
        stage.got(market.session().verify_code(ANN, &code).await);
        stage.got(Ok(market.session().state()));
        stage.got(market.session().verify_code(ANN, &code).await);
        stage.got(market.session().request_code("12345").await);
        stage.requests().await;
    }

    async fn users_are_numbered_and_have_the_market_of_their_phones(stage) {
        let market = stage.client();
        for phone in [BEN, AIDA, ANN, "+13128059853", "+996700123457", BEN] {
            stage.got(Ok(stage.sign_in(&market, phone).await));
        }
    }

    async fn without_a_session_calls_fail_and_nothing_is_sent(stage) {
        let market = stage.client();
        stage.got(market.cart().get().await);
        stage.got(market.wishlist().get().await);
        stage.got(market.orders().list(Default::default()).await);
        stage.got(market.session().profile().await);
        stage.got(market.session().require_validity(Duration::from_secs(60)).await);
        stage.got(market.session().logout().await);
        stage.got(market.session().markets().await);
        stage.requests().await;
    }

    async fn a_session_that_the_server_refuses_ends_and_the_cart_stays(stage) {
        let market = stage.signed_in(ANN).await;
        stage.got(market.cart().add(SkuId(42), 2).await);
        stage.expire_sessions().await;
        stage.got(market.cart().add(SkuId(88), 1).await);
        stage.got(Ok(market.session().state()));
        stage.got(market.wishlist().get().await);
        stage.sign_in(&market, ANN).await;
        stage.got(market.cart().get().await);
        stage.requests().await;
    }

    async fn after_half_an_hour_a_session_is_over(stage) {
        let market = stage.signed_in(ANN).await;
        stage.advance_clock(29).await;
        stage.got(market.cart().get().await);
        stage.advance_clock(2).await;
        stage.got(market.cart().get().await);
        stage.got(Ok(market.session().state()));
    }

    async fn a_fourth_code_within_a_quarter_of_an_hour_is_refused(stage) {
        let market = stage.client();
        let session = market.session();
        for phone in [ANN, ANN, ANN, ANN, BEN] {
            stage.got(session.request_code(phone).await);
        }
        // The third is good all the same, and that it was used makes no room.
        let code = stage.code(ANN).await;
        stage.got(session.verify_code(ANN, &code).await);
        stage.got(session.request_code(ANN).await);
        stage.advance_clock(16).await;
        stage.got(session.request_code(ANN).await);
        stage.requests().await;
    }

    async fn a_code_is_good_for_a_quarter_of_an_hour(stage) {
        let market = stage.client();
        for minutes in [14, 16] {
            market.session().request_code(ANN).await.unwrap();
            let code = stage.code(ANN).await;
            stage.advance_clock(minutes).await;
            stage.got(market.session().verify_code(ANN, &code).await);
        }
    }

    async fn whether_a_session_lasts_is_said_and_ends_nothing(stage) {
        let market = stage.signed_in(ANN).await;
        for minutes in [10, 29, 31] {
            let error = market.session().require_validity(Duration::from_secs(60 * minutes)).await;
            stage.got(error);
        }
        stage.got(Ok(market.session().state()));
    }

    async fn after_a_logout_nobody_is_signed_in_on_any_device_and_the_cart_is_there_for_the_next_sign_in(stage) {
        let (phone, tablet) = (stage.signed_in(ANN).await, stage.signed_in(ANN).await);
        stage.got(phone.cart().add(SkuId(42), 2).await);
        stage.got(tablet.cart().get().await);
        stage.got(phone.session().logout().await);
        stage.got(Ok(phone.session().state()));
        stage.got(phone.cart().get().await);
        // The server makes the user inactive.
        stage.got(tablet.cart().get().await);
        stage.sign_in(&phone, ANN).await;
        stage.got(phone.cart().get().await);
        stage.requests().await;
    }

    async fn each_user_has_a_cart_of_their_own(stage) {
        let market = stage.signed_in(ANN).await;
        stage.got(market.cart().add(SkuId(42), 2).await);
        for phone in [BEN, AIDA, ANN] {
            stage.sign_in(&market, phone).await;
            stage.got(market.cart().get().await);
        }
        stage.sign_in(&market, AIDA).await;
        stage.got(market.cart().add(SkuId(103), 1).await);
    }

    async fn an_app_that_is_opened_again_is_signed_in(stage) {
        let store = MemoryStore::default();
        let market = stage.device(&store, |builder| builder);
        stage.sign_in(&market, ANN).await;
        drop(market);
        let market = stage.device(&store, |builder| builder);
        stage.got(market.session().restore().await);
        stage.got(market.session().verify_token().await);
        stage.expire_sessions().await;
        stage.got(market.session().profile().await);
        stage.requests().await;
    }

    async fn the_profile_is_read_and_changed(stage) {
        let market = stage.signed_in(ANN).await;
        stage.got(market.session().profile().await);
        let change = ProfileUpdate::new().full_name("Анна Example").profile_image_url("https://a.example/i.png");
        stage.got(market.session().update_profile(change).await);
        stage.got(market.session().profile().await);
        stage.sign_in(&market, AIDA).await;
        stage.got(market.session().profile().await);
        stage.got(market.session().verify_token().await);
    }

    async fn a_lost_answer_to_a_sign_in_leaves_it_unknown_and_a_new_code_works(stage) {
        let market = stage.client();
        market.session().request_code(ANN).await.unwrap();
        let code = stage.code(ANN).await;
        let verify = market.session().verify_code(ANN, &code);
        stage.got(stage.failing("POST /auth/verify-code", Fault::AnswerLost, verify).await);
        stage.got(Ok(market.session().state()));
        stage.got(market.session().verify_code(ANN, &code).await);
        stage.got(Ok(stage.sign_in(&market, ANN).await));
        stage.requests().await;
    }

    async fn calls_that_wait_go_on_for_the_same_user_in_their_order(stage) {
        let market = parking(stage, 2).await;
        stage.expire_sessions().await;
        let cart = market.cart();
        let first = tokio::spawn(cart.add(SkuId(42), 2));
        waiting(&market, 1).await;
        let second = tokio::spawn(cart.add(SkuId(88), 1));
        waiting(&market, 2).await;
        stage.got(market.session().profile().await);
        stage.got(Ok(market.session().state()));
        stage.sign_in(&market, ANN).await;
        stage.got(in_time(first).await.unwrap());
        stage.got(in_time(second).await.unwrap());
        stage.requests().await;
    }

    async fn the_states_follow_one_another_from_a_sign_in_to_a_logout(stage) {
        let store = MemoryStore::default();
        let market =
            stage.device(&store, |builder| builder.park_on_expiry(2, Duration::from_secs(300)));
        // How long it is read is a matter of moments too.
        market.session().restore().await.unwrap();
        let mut states = States::of(&market);
        states.come_to("SignedOut NoSession").await;
        stage.sign_in(&market, ANN).await;
        states.come_to("SignedIn").await;
        stage.expire_sessions().await;
        let add = tokio::spawn(market.cart().add(SkuId(42), 2));
        states.come_to("Expired Rejected, 1 wait").await;
        stage.sign_in(&market, ANN).await;
        in_time(add).await.unwrap().unwrap();
        states.come_to("SignedIn").await;
        market.session().logout().await.unwrap();
        states.come_to("SignedOut LoggedOut").await;
        stage.saw(states.seen());
    }

    async fn what_waits_is_never_sent_as_another_user(stage) {
        let market = parking(stage, 2).await;
        stage.expire_sessions().await;
        let add = tokio::spawn(market.cart().add(SkuId(42), 2));
        waiting(&market, 1).await;
        stage.sign_in(&market, BEN).await;
        stage.got(in_time(add).await.unwrap());
        stage.got(market.cart().get().await);
        stage.requests().await;
    }

    async fn a_call_that_is_under_way_when_its_user_logs_out_is_overtaken(stage) {
        let market = stage.signed_in(ANN).await;
        stage.hold("GET /wishlist").await;
        let wishlist = tokio::spawn(market.wishlist().get());
        stage.arrived("GET /wishlist", 1).await;
        stage.got(market.session().logout().await);
        stage.got(in_time(wishlist).await.unwrap());
        stage.release().await;
        stage.requests().await;
    }
}
