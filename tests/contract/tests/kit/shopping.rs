//! Carts, wishlists, other routes, and calls that fail.

use std::time::Duration;

use market_sdk::test_kit::Fault;
use market_sdk::{LineId, Method, ProductId, RawRequest, SkuId};

use crate::{AIDA, ANN, behaviours};

behaviours! {
    async fn a_cart_grows_is_set_and_empties(stage) {
        let market = stage.signed_in(ANN).await;
        let cart = market.cart();
        stage.got(cart.get().await);
        stage.got(cart.add(SkuId(42), 5).await);
        stage.got(cart.add(SkuId(88), 1).await);
        // What was touched last comes last.
        let lines = stage.got(cart.add(SkuId(42), 1).await).unwrap().items;
        stage.got(cart.set_quantity(lines[0].id, 3).await);
        stage.got(cart.set_quantity(lines[1].id, 0).await);
        stage.got(cart.remove(lines[0].id).await);
        stage.got(cart.add(SkuId(103), 1).await);
        stage.got(cart.clear().await);
        stage.requests().await;
    }

    async fn what_cannot_be_put_into_a_cart_is_refused(stage) {
        let market = stage.signed_in(ANN).await;
        let cart = market.cart();
        // There is none yet.
        stage.got(cart.clear().await);
        stage.got(cart.remove(LineId(1)).await);
        for (sku, quantity) in [(42, 0), (42, 101), (9999, 1), (107, 1)] {
            stage.got(cart.add(SkuId(sku), quantity).await);
        }
        stage.got(cart.add(SkuId(42), 100).await);
        stage.got(cart.add(SkuId(42), 100).await);
        stage.got(cart.remove(LineId(77)).await);
        stage.got(cart.set_quantity(LineId(77), 2).await);
        stage.requests().await;
    }

    async fn prices_and_names_are_those_of_the_market(stage) {
        let market = stage.signed_in(AIDA).await;
        for sku in [42, 88, 101, 102, 103, 104, 105, 106, 108] {
            stage.got(market.cart().add(SkuId(sku), 2).await);
        }
        for product in 10..=16 {
            stage.got(market.wishlist().add(ProductId(product)).await);
        }
        stage.sign_in(&market, ANN).await;
        for sku in [42, 88, 101, 102, 103, 104, 105, 106, 108] {
            stage.got(market.cart().add(SkuId(sku), 3).await);
        }
        for product in 10..=16 {
            stage.got(market.wishlist().add(ProductId(product)).await);
        }
    }

    async fn a_wishlist_holds_a_product_once(stage) {
        let market = stage.signed_in(ANN).await;
        let wishlist = market.wishlist();
        stage.got(wishlist.remove(ProductId(15)).await);
        stage.got(wishlist.get().await);
        stage.got(wishlist.add(ProductId(15)).await);
        stage.got(wishlist.add(ProductId(15)).await);
        stage.got(wishlist.add(ProductId(11)).await);
        stage.got(wishlist.add(ProductId(9999)).await);
        stage.got(wishlist.remove(ProductId(12)).await);
        stage.got(wishlist.remove(ProductId(15)).await);
        stage.got(wishlist.clear().await);
        stage.requests().await;
    }

    async fn a_cart_that_is_observed_follows_each_change(stage) {
        let market = stage.signed_in(ANN).await;
        let mut carts = market.cart().subscribe();
        stage.saw(carts.next().await.unwrap().is_none());
        market.cart().add(SkuId(42), 2).await.unwrap();
        stage.got(Ok(carts.next().await.unwrap().unwrap()));
        // The answer is lost, and what was done is read.
        let add = market.cart().add(SkuId(88), 1);
        stage.got(stage.failing("POST /cart/items", Fault::AnswerLost, add).await);
        stage.got(Ok(carts.next().await.unwrap().unwrap()));
        market.session().logout().await.unwrap();
        stage.saw(carts.next().await.unwrap().is_none());
        stage.requests().await;
    }

    async fn other_routes_are_reached_or_are_not_there(stage) {
        let market = stage.signed_in(ANN).await;
        for (method, path) in [
            (Method::Get, "/products"),
            (Method::Get, "/cart"),
            (Method::Get, "/auth/verify-token"),
            (Method::Get, "/orders/1/more"),
            (Method::Post, "/nothing"),
        ] {
            let answer = market.request(RawRequest::new(method, path)).await;
            let body = answer.and_then(|answer| answer.json::<serde_json::Value>());
            stage.got(body.map(|body| body.to_string()));
        }
        let stranger = RawRequest::new(Method::Get, "/cart").without_session();
        stage.got(market.request(stranger).await.map(drop));
    }

    async fn a_call_that_fails_says_the_same_and_so_does_one_that_is_made_again(stage) {
        let market = stage.signed_in(ANN).await;
        for fault in [
            Fault::Cut,
            Fault::AnswerLost,
            Fault::Down,
            Fault::Unreadable,
            Fault::rejected("Sold out until May"),
            Fault::Refused { status: 403, message: "Not for you".to_owned() },
            Fault::Refused { status: 404, message: "Gone".to_owned() },
            Fault::Refused { status: 409, message: "Changed meanwhile".to_owned() },
            Fault::Invalid { field: "sku_id".to_owned(), message: "Too high".to_owned() },
            Fault::RateLimited(Duration::from_secs(3600)),
        ] {
            // A read is made again where that may help, and each attempt fails; a write is not.
            stage.got(stage.failing("GET /cart", fault.clone(), market.cart().get()).await);
            stage.got(stage.failing("POST /cart/items", fault, market.cart().add(SkuId(42), 1)).await);
        }
        stage.got(market.cart().get().await);
        stage.requests().await;
    }
}
