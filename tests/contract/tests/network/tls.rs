//! TLS with an authority made on the fly.

use market_contract_tests::PHONE;
use market_dev_server::DevServer;
use market_sdk::{ErrorCode, MarketClient, MemoryStore, SkuId};

async fn server() -> DevServer {
    DevServer::builder().tls(true).start().await.unwrap()
}

#[tokio::test]
async fn a_private_authority_is_accepted_when_the_client_is_told_of_it() {
    let server = server().await;
    let market = MarketClient::builder(server.base_url())
        .app_id("tls")
        .store(MemoryStore::default())
        .extra_root_certificates(server.ca_pem().unwrap())
        .build()
        .unwrap();
    let session = market.session();
    session.request_code(PHONE).await.unwrap();
    session.verify_code(PHONE, &server.code(PHONE).unwrap().unwrap()).await.unwrap();
    assert_eq!(market.cart().add(SkuId(42), 2).await.unwrap().total_price.to_string(), "USD 39.98");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_once_and_for_all() {
    let server = server().await;
    let market =
        MarketClient::builder(server.base_url()).app_id("tls").store(MemoryStore::default()).build().unwrap();
    let error = market.session().markets().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Tls, "{:?}", error.detail());
    assert!(!error.is_retryable());
    assert!(server.settled_requests().await.is_empty());
}
