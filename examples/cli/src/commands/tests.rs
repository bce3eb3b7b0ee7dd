//! Commands on a shop in memory: what a real server can only be made to do in half a minute, or not at all.

use std::time::Duration;

use clap::Parser as _;
use market_sdk::MarketClient;
use market_sdk::test_kit::{FakeShop, Fault};

use super::call;
use crate::args::Cli;

const ANN: &str = "+13128059851";
const PLACE: &str = "orders place --name Ann --phone +13128059851 --address 1-Main-St --item 42:1";

/// How the command ends that is written so.
async fn exit_code(market: &MarketClient, command: &str) -> u8 {
    let words = ["market", "--store", "memory"].into_iter().chain(command.split(' '));
    let cli = Cli::try_parse_from(words).unwrap();
    call(market, &cli.connection, cli.command).await.map_or_else(|failure| failure.exit_code(), |()| 0)
}

#[tokio::test(start_paused = true)]
async fn each_way_in_which_a_shop_can_fail_has_its_exit_code() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    for (fault, code) in [
        (Fault::Unreachable, 5),
        (Fault::UntrustedCertificate, 5),
        (Fault::Silence, 5),
        (Fault::Down, 5),
        (Fault::Unreadable, 5),
        (Fault::RateLimited(Duration::from_secs(60)), 5),
        (Fault::Invalid { field: "sku_id".to_owned(), message: "Too high".to_owned() }, 4),
        (Fault::rejected("Sold out"), 7),
    ] {
        shop.fail_next(fault.clone());
        assert_eq!(exit_code(&market, "cart add 42").await, code, "{fault:?}");
    }
    assert_eq!(exit_code(&market, "cart add 42").await, 0);
    shop.expire_sessions();
    assert_eq!(exit_code(&market, "cart").await, 3);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_gets_no_answer_in_time_holds_the_next_one_back_until_it_is_resolved() {
    let shop = FakeShop::new();
    let market = shop.signed_in_client(ANN).await;
    shop.fail_next_on("POST /orders/create", Fault::Silence);
    assert_eq!(exit_code(&market, PLACE).await, 8);
    assert_eq!(exit_code(&market, PLACE).await, 8);
    assert_eq!(shop.requests_on("POST /orders/create").len(), 1);
    // Half an hour later it cannot come any more, and another session is needed to say so.
    tokio::time::sleep(Duration::from_secs(31 * 60)).await;
    assert_eq!(exit_code(&market, "orders resolve").await, 3);
    shop.sign_in(&market, ANN).await.unwrap();
    assert_eq!(exit_code(&market, "orders resolve").await, 0);
    assert_eq!(exit_code(&market, PLACE).await, 0);
    assert_eq!(shop.orders().len(), 1);
}
