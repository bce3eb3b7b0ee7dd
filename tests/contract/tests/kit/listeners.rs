//! The ends of sessions and who is told of them: a test may look at once.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use market_sdk::test_kit::FakeShop;
use market_sdk::{EndReason, ErrorCode, MarketClient, SessionState, SkuId};

use crate::ANN;

/// What a listener has heard.
struct Heard<T>(Arc<Mutex<Vec<T>>>);

impl<T: Send + Debug + PartialEq + 'static> Heard<T> {
    fn new() -> (Self, impl Fn(T) + Send + 'static) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        (Self(heard.clone()), move |what| heard.lock().unwrap().push(what))
    }

    #[track_caller]
    fn is(&self, what: &[T]) {
        assert_eq!(*self.0.lock().unwrap(), what);
    }
}

fn ends(market: &MarketClient) -> Heard<EndReason> {
    let (heard, hear) = Heard::new();
    market.session().on_end(move |end| hear(end.reason));
    heard
}

#[tokio::test(start_paused = true)]
async fn a_listener_has_heard_of_an_end_when_the_call_returns_that_met_it() {
    for _ in 0..1000 {
        let shop = FakeShop::new();
        let market = shop.signed_in_client(ANN).await;
        let ends = ends(&market);
        shop.expire_sessions();
        market.cart().get().await.unwrap_err();
        ends.is(&[EndReason::Rejected]);
        shop.sign_in(&market, ANN).await.unwrap();
        market.session().logout().await.unwrap();
        ends.is(&[EndReason::Rejected, EndReason::LoggedOut]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_has_heard_when_tokios_clock_has_come_to_the_end_of_a_session() {
    for _ in 0..100 {
        let shop = FakeShop::new();
        shop.set_session_lifetime(Duration::from_secs(600));
        let market = shop.signed_in_client(ANN).await;
        let ends = ends(&market);
        let (soon, hear) = Heard::new();
        market.session().on_expiring_soon(move |soon| hear(soon.left));
        tokio::time::sleep(Duration::from_secs(299)).await;
        soon.is(&[]);
        tokio::time::sleep(Duration::from_secs(2)).await;
        // Late by what tokio's clock rounds.
        assert!(soon.0.lock().unwrap()[0] > Duration::from_secs(299));
        // Who comes late is told at once.
        let (late, hear) = Heard::new();
        market.session().on_expiring_soon(move |_| hear("soon"));
        late.is(&["soon"]);
        tokio::time::sleep(Duration::from_secs(298)).await;
        market.cart().get().await.unwrap();
        ends.is(&[]);
        tokio::time::sleep(Duration::from_secs(2)).await;
        ends.is(&[EndReason::Expired]);
        let state = market.session().state();
        assert!(matches!(state, SessionState::Expired { reason: EndReason::Expired, .. }), "{state:?}");
        assert_eq!(market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
        assert_eq!(shop.requests_on("GET /cart").len(), 1, "it was known without asking");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_several_threads_too_the_call_that_met_the_end_returns_when_it_was_heard() {
    for _ in 0..300 {
        let shop = FakeShop::new();
        let market = shop.signed_in_client(ANN).await;
        let ends = ends(&market);
        shop.expire_sessions();
        tokio::spawn(market.cart().get()).await.unwrap().unwrap_err();
        ends.is(&[EndReason::Rejected]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_expires_at_once_and_what_waits_for_the_next_goes_on_with_it() {
    let shop = FakeShop::new();
    let builder = MarketClient::builder("https://shop.example").app_id("app");
    let market = shop.build(builder.park_on_expiry(1, Duration::from_secs(60))).unwrap();
    shop.sign_in(&market, ANN).await.unwrap();
    let ends = ends(&market);
    shop.forget_requests();
    shop.expire(&market);
    ends.is(&[EndReason::Expired]);
    let add = tokio::spawn(market.cart().add(SkuId(42), 1));
    tokio::task::yield_now().await;
    let state = market.session().state();
    assert!(
        matches!(state, SessionState::Expired { reason: EndReason::Expired, waiting: 1, .. }),
        "{state:?}"
    );
    assert_eq!(shop.requests(), []);
    shop.sign_in(&market, ANN).await.unwrap();
    assert_eq!(add.await.unwrap().unwrap().items.len(), 1);
}

#[tokio::test]
#[should_panic = "no session to expire"]
async fn without_a_session_none_expires() {
    let shop = FakeShop::new();
    shop.expire(&shop.client());
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_panic_call_the_client_and_end_the_next_session() {
    let begun = std::time::Instant::now();
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    market.session().on_end(|_| panic!("a listener of the test"));
    let (states, hear) = Heard::new();
    let own = market.clone();
    let listener = market.session().on_end(move |_| hear(own.session().state().is_signed_in()));
    let ends = ends(&market);
    let again = (shop.clone(), market.clone());
    let expiring = market.session().on_expiring_soon(move |_| again.0.expire(&again.1));
    tokio::time::sleep(Duration::from_secs(26 * 60)).await;
    // Heard of by a listener in the middle of another's signal.
    tokio::task::yield_now().await;
    shop.sign_in(&market, ANN).await.unwrap();
    market.session().logout().await.unwrap();
    states.is(&[false, false]);
    ends.is(&[EndReason::Expired, EndReason::LoggedOut]);
    listener.remove();
    expiring.remove();
    assert!(begun.elapsed() < Duration::from_secs(5), "somebody waited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_has_itself_told_does_not_wait_for_itself() {
    let begun = std::time::Instant::now();
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    let (own, own_shop) = (market.clone(), shop.clone());
    let (runtime, (told, reasons)) = (tokio::runtime::Handle::current(), std::sync::mpsc::channel());
    market.session().on_end(move |end| {
        if end.reason == EndReason::Expired {
            runtime.block_on(own_shop.sign_in(&own, ANN)).unwrap();
            own_shop.expire_sessions();
            runtime.block_on(own.cart().get()).unwrap_err();
        }
        told.send(end.reason).unwrap();
    });
    shop.expire(&market);
    assert_eq!(reasons.recv_timeout(Duration::from_secs(10)), Ok(EndReason::Expired));
    assert_eq!(reasons.recv_timeout(Duration::from_secs(10)), Ok(EndReason::Rejected));
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited");
}
