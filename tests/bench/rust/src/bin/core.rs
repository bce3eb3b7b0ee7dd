//! The SDK's side.
#![allow(clippy::unwrap_used, reason = "a measuring program: what goes wrong ends it")]

use std::time::Duration;

use market_bench::{CODE, Given, PHONE, Side};
use market_sdk::{FileStore, MarketClient, MarketClientBuilder, MemoryStore};

struct Core {
    market: MarketClient,
    base_url: String,
}

fn builder(base_url: &str) -> MarketClientBuilder {
    MarketClient::builder(base_url).app_id("com.example.bench").allow_http_loopback()
}

impl Side for Core {
    fn new(given: &Given) -> Self {
        let mut market = builder(&given.base_url).store(FileStore::new(given.folder.join("session")));
        if let Some(pem) = given.authority() {
            market = market.extra_root_certificates(pem);
        }
        Self { market: market.build().unwrap(), base_url: given.base_url.clone() }
    }

    async fn sign_in(&mut self) {
        self.market.session().verify_code(PHONE, CODE).await.unwrap();
    }

    async fn open(&mut self) {
        assert!(self.market.session().restore().await.unwrap().is_signed_in());
    }

    async fn cart(&self) -> (usize, i64) {
        let cart = self.market.cart().get().await.unwrap();
        (cart.items.len(), cart.items.iter().map(|line| line.quantity).sum())
    }

    async fn wishlist(&self) -> usize {
        self.market.wishlist().get().await.unwrap().items.len()
    }

    /// A sign-in is two changes, the second once the session is stored; clearing is one. The observers are tasks
    /// of the same runtime, and each has to see the last state of all.
    async fn states(&mut self, changes: usize, observers: usize) {
        // A store that costs nothing: what is measured is who is told.
        let market = builder(&self.base_url).store(MemoryStore::default()).build().unwrap();
        let session = market.session();
        session.restore().await.unwrap();
        let observers: Vec<_> = (0..observers)
            .map(|_| {
                let mut states = session.subscribe();
                tokio::spawn(async move {
                    let (mut seen, mut last) = (0_usize, None);
                    while let Some(state) = states.next().await {
                        (seen, last) = (seen + 1, Some(state));
                    }
                    (seen, last)
                })
            })
            .collect();
        for _ in 0..changes.div_ceil(3) {
            session.verify_code(PHONE, CODE).await.unwrap();
            session.clear().await.unwrap();
        }
        // They run once more, and then learn that there is nothing to come.
        tokio::time::sleep(Duration::from_millis(1)).await;
        drop((session, market));
        for observer in observers {
            let (seen, last) = observer.await.unwrap();
            assert!(
                seen > 1 && last.is_some_and(|state| !state.is_signed_in()),
                "an observer missed the end"
            );
        }
    }
}

fn main() {
    market_bench::run::<Core>();
}
