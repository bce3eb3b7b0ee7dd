//! Orders, and what becomes of one whose answer is lost.

use market_sdk::test_kit::Fault;
use market_sdk::{NewOrder, OrderId, OrderQuery, OrderStatus, SkuId};

use crate::stage::Stage;
use crate::{AIDA, ANN, BEN, behaviours};

const CREATE: &str = "POST /orders/create";

fn from_cart() -> NewOrder {
    NewOrder::from_cart("Ann", ANN, "1 Main St")
}

fn of(sku: u64, quantity: u32) -> NewOrder {
    NewOrder::of_items("Ann", ANN, "1 Main St", [(SkuId(sku), quantity)])
}

/// Orders the cart, the answer being lost.
async fn lost(stage: &Stage, market: &market_sdk::MarketClient, fault: Fault) {
    stage.got(stage.failing(CREATE, fault, market.orders().place(from_cart())).await);
}

behaviours! {
    async fn an_order_empties_the_cart_and_is_listed_read_and_cancelled(stage) {
        let market = stage.signed_in(ANN).await;
        let orders = market.orders();
        stage.got(orders.list(OrderQuery::new()).await);
        stage.got(orders.place(from_cart()).await);
        market.cart().add(SkuId(42), 2).await.unwrap();
        market.cart().add(SkuId(103), 1).await.unwrap();
        stage.got(orders.place(from_cart()).await);
        stage.got(market.cart().get().await);
        stage.got(orders.get(OrderId(1)).await);
        stage.got(orders.cancel(OrderId(1)).await);
        stage.got(orders.cancel(OrderId(1)).await);
        stage.got(orders.get(OrderId(1)).await);
        stage.got(orders.get(OrderId(77)).await);
        stage.got(orders.cancel(OrderId(77)).await);
        stage.requests().await;
    }

    async fn items_are_ordered_beside_the_cart(stage) {
        let market = stage.signed_in(ANN).await;
        market.cart().add(SkuId(42), 2).await.unwrap();
        stage.got(market.orders().place(of(88, 3)).await);
        stage.got(market.cart().get().await);
        stage.got(market.orders().place(of(9999, 1)).await);
        stage.got(market.orders().place(of(107, 1)).await);
        stage.requests().await;
    }

    async fn what_is_not_in_stock_is_rejected_and_nothing_is_taken(stage) {
        let market = stage.signed_in(ANN).await;
        stage.got(market.orders().place(of(105, 1)).await);
        stage.got(market.orders().place(of(104, 3)).await);
        let both = NewOrder::of_items("Ann", ANN, "1 Main St", [(SkuId(104), 2), (SkuId(105), 1)]);
        stage.got(market.orders().place(both).await);
        let twice = NewOrder::of_items("Ann", ANN, "1 Main St", [(SkuId(104), 1), (SkuId(104), 2)]);
        stage.got(market.orders().place(twice).await);
        stage.got(market.orders().place(of(104, 2)).await);
        stage.got(market.orders().place(of(104, 1)).await);
        // The other market has pieces of its own.
        stage.sign_in(&market, AIDA).await;
        stage.got(market.orders().place(NewOrder::of_items("Aida", AIDA, "1 Chuy Ave", [(SkuId(104), 2)])).await);
        stage.requests().await;
    }

    async fn shipping_is_free_above_a_sum(stage) {
        let market = stage.signed_in(AIDA).await;
        for quantity in [3, 4] {
            let order = NewOrder::of_items("Aida", AIDA, "1 Chuy Ave", [(SkuId(42), quantity)]);
            stage.got(market.orders().place(order).await);
        }
    }

    async fn orders_are_listed_newest_first_by_page_and_status_and_to_their_user_alone(stage) {
        let market = stage.signed_in(ANN).await;
        let orders = market.orders();
        for quantity in 1..=4 {
            orders.place(of(42, quantity)).await.unwrap();
        }
        orders.cancel(OrderId(2)).await.unwrap();
        stage.got(orders.list(OrderQuery::new()).await);
        stage.got(orders.list(OrderQuery::new().limit(2).offset(1)).await);
        stage.got(orders.list(OrderQuery::new().status(OrderStatus::Cancelled)).await);
        stage.got(orders.list(OrderQuery::new().status(OrderStatus::Shipped)).await);
        stage.got(orders.list(OrderQuery::new().offset(9)).await);
        stage.sign_in(&market, BEN).await;
        stage.got(orders.list(OrderQuery::new()).await);
        stage.got(orders.get(OrderId(1)).await);
        stage.got(orders.place(NewOrder::of_items("Ben", BEN, "2 Main St", [(SkuId(42), 1)])).await);
        stage.requests().await;
    }

    async fn what_an_order_lacks_is_said_before_anything_is_sent(stage) {
        let market = stage.signed_in(ANN).await;
        stage.got(market.orders().place(NewOrder::from_cart("", "123", "x")).await);
        stage.got(market.orders().place(NewOrder::of_items("Ann", ANN, "1 Main St", [(SkuId(42), 0)])).await);
        stage.requests().await;
    }

    async fn an_order_whose_answer_was_lost_is_found(stage) {
        let market = stage.signed_in(ANN).await;
        market.cart().add(SkuId(42), 2).await.unwrap();
        lost(stage, &market, Fault::AnswerLost).await;
        stage.got(market.orders().place(from_cart()).await);
        stage.got(market.orders().resolve().await);
        stage.got(market.orders().resolve().await);
        stage.got(market.cart().get().await);
        stage.requests().await;
    }

    async fn an_order_that_never_arrived_is_not_placed_once_it_cannot_come_any_more(stage) {
        let market = stage.signed_in(ANN).await;
        market.cart().add(SkuId(42), 2).await.unwrap();
        lost(stage, &market, Fault::Cut).await;
        stage.got(market.orders().resolve().await);
        stage.advance_clock(16).await;
        stage.got(market.orders().resolve().await);
        stage.got(market.orders().place(from_cart()).await);
        stage.requests().await;
    }

    async fn an_order_is_forced_beside_one_that_is_unknown(stage) {
        let market = stage.signed_in(ANN).await;
        market.cart().add(SkuId(42), 2).await.unwrap();
        lost(stage, &market, Fault::Cut).await;
        stage.got(market.orders().place(from_cart().force()).await);
        stage.got(market.orders().resolve().await);
        stage.requests().await;
    }

    async fn an_order_that_is_refused_leaves_nothing_pending(stage) {
        let market = stage.signed_in(ANN).await;
        market.cart().add(SkuId(42), 2).await.unwrap();
        lost(stage, &market, Fault::rejected("We are closed today")).await;
        stage.got(market.orders().resolve().await);
        stage.got(market.orders().place(from_cart()).await);
        stage.requests().await;
    }
}
