//! A mock shop and a client of it. A request that a test has not announced makes the test fail.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use market_sdk::{MarketClient, MarketClientBuilder, MemoryStore};
use serde_json::{Value, json};
use wiremock::matchers::{any, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate, Times};

use crate::sent::{As, Sent};
use crate::{AGENT, CODE, PHONE};

/// How long the mock shop's tokens are good.
pub const LIFETIME: Duration = Duration::from_secs(1800);

/// A token as documented servers make it: the SDK reads its claims.
pub fn token(user: u64, market: &str) -> String {
    let expires = (SystemTime::now() + LIFETIME).duration_since(UNIX_EPOCH).unwrap().as_secs();
    let part = |json: Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let claims = json!({"user_id": user, "market": market, "exp": expires});
    format!("{}.{}.c2lnbmF0dXJl", part(json!({"alg": "HS256", "typ": "JWT"})), part(claims))
}

/// A builder for a client of the server at `base_url`, a loopback one.
pub fn client(base_url: &str) -> MarketClientBuilder {
    MarketClient::builder(base_url).app_id("contract.tests").user_agent(AGENT).allow_http_loopback()
}

/// A mock shop, a client of it, and the token that the client has if somebody is signed in.
pub struct Shop {
    /// The client.
    pub market: MarketClient,
    /// Where the client keeps its session.
    pub store: MemoryStore,
    /// The mock.
    pub server: MockServer,
    /// The token that signing in gives.
    pub token: String,
    /// The code of the market that the user is of.
    pub market_code: &'static str,
    checked: std::sync::atomic::AtomicUsize,
}

impl Shop {
    /// Nobody is signed in.
    pub async fn open() -> Self {
        Self::open_with(|builder| builder).await
    }

    /// Nobody is signed in, and the client is built like this.
    pub async fn open_with(configure: impl FnOnce(MarketClientBuilder) -> MarketClientBuilder) -> Self {
        let server = MockServer::start().await;
        let (store, token) = (MemoryStore::default(), token(19, "us"));
        let builder = client(&format!("{}/api/v1", server.uri())).store(store.clone());
        let market = configure(builder).build().unwrap();
        // The last in the queue: it takes what no other mock takes, and expects nothing. On drop the mock
        // server checks what each mock expects.
        Mock::given(any())
            .respond_with(ResponseTemplate::new(500))
            .with_priority(u8::MAX)
            .expect(0)
            .named("a request that the test has not announced")
            .mount(&server)
            .await;
        // Before an order, the newest one is read: there is none, unless a test says otherwise.
        Mock::given(method("GET"))
            .and(path("/api/v1/orders"))
            .and(query_param("limit", "1"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
            .with_priority(u8::MAX - 1)
            .mount(&server)
            .await;
        Self { market, store, server, token, market_code: "us", checked: 0.into() }
    }

    /// User 19 of the market us is signed in.
    pub async fn signed_in() -> Self {
        Self::signed_in_with(|builder| builder).await
    }

    /// User 19 of the market us is signed in, and the client is built like this.
    pub async fn signed_in_with(configure: impl FnOnce(MarketClientBuilder) -> MarketClientBuilder) -> Self {
        let shop = Self::open_with(configure).await;
        shop.sign_in(PHONE).await;
        shop
    }

    /// User 19 of the market kg is signed in.
    pub async fn signed_in_kg() -> Self {
        let mut shop = Self::open().await;
        (shop.token, shop.market_code) = (token(19, "kg"), "kg");
        shop.sign_in(crate::KG_PHONE).await;
        shop
    }

    async fn sign_in(&self, phone: &str) {
        let answer = json!({"access_token": self.token, "user": {"id": 19, "phone": phone}});
        self.answers("POST", "/auth/verify-code", answer).await;
        self.market.session().verify_code(phone, CODE).await.unwrap();
        assert_eq!(self.sent().await.len(), 1);
    }

    /// One call of this method and path is expected, and answered with 200 and this body. Asked for again,
    /// each takes its turn.
    pub async fn answers(&self, method: &str, path: &str, body: Value) {
        let response = ResponseTemplate::new(200).set_body_json(body);
        self.mock(method, path, response).up_to_n_times(1).expect(1).mount(&self.server).await;
    }

    /// So many calls of this method and path are expected, and answered with this.
    pub async fn responds(
        &self,
        method: &str,
        path: &str,
        response: ResponseTemplate,
        calls: impl Into<Times>,
    ) {
        self.mock(method, path, response).expect(calls).mount(&self.server).await;
    }

    /// A change of the wishlist that is refused can mean that the server is one whose wishlist works
    /// otherwise. So many times it is asked whether it is one, and it is not.
    pub async fn is_asked_for_its_wishlist(&self, times: impl Into<Times>) {
        let unknown_route = ResponseTemplate::new(404).set_body_json(json!({"detail": "Not Found"}));
        self.responds("POST", "/wishlist/get", unknown_route, times).await;
    }

    fn mock(&self, with: &str, below_base: &str, response: ResponseTemplate) -> Mock {
        let at = path(format!("/api/v1{below_base}"));
        Mock::given(method(with)).and(at).respond_with(response)
    }

    /// What was sent since this was last asked, but for the reads before orders.
    pub async fn sent(&self) -> Vec<Sent> {
        let mut sent = self.all_sent().await;
        sent.retain(|sent| !sent.reads_the_newest_order());
        sent
    }

    /// What was sent since this was last asked.
    pub async fn all_sent(&self) -> Vec<Sent> {
        let all = self.server.received_requests().await.unwrap();
        let seen = self.checked.swap(all.len(), std::sync::atomic::Ordering::Relaxed);
        all[seen..].iter().map(Sent::from).collect()
    }

    /// The one request that was sent since this was last asked.
    pub async fn only_sent(&self) -> Sent {
        let mut sent = self.sent().await;
        assert_eq!(sent.len(), 1, "{sent:#?}");
        sent.remove(0)
    }

    /// Checks that one request was sent since this was last asked, as the user, and is exactly this one.
    pub async fn sent_as_user(&self, method: &str, target: &str, body: Option<Value>) {
        let sent = self.only_sent().await;
        sent.is(method, target, As::User(&self.token), Some(self.market_code), body);
    }
}
