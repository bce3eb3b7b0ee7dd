//! Calls whose callers leave.

use std::time::{Duration, Instant};

use market_contract_tests::dev::Device;
use market_contract_tests::in_time;
use market_dev_server::Dialect;
use market_sdk::SkuId;

use crate::{PHONE, hold, lines, server};

#[tokio::test]
async fn cancelling_a_read_closes_its_connection() {
    let dev = server("cancelling_a_read_closes_its_connection", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    hold(&dev, "GET /auth/profile").await;
    let mut fastest = Duration::MAX;
    for at in 2..7 {
        let read = tokio::spawn(device.market.session().profile());
        in_time(async { while dev.requests().await.len() <= at {} }).await;
        let cancelled = Instant::now();
        read.abort();
        in_time(async { while !dev.requests().await[at].aborted {} }).await;
        fastest = fastest.min(cancelled.elapsed());
        assert!(read.await.unwrap_err().is_cancelled());
    }
    // The fastest of five: a machine that is busy elsewhere is not what this is about.
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    dev.release().await;
    device.market.session().profile().await.unwrap();
}

#[tokio::test]
async fn a_cart_write_that_has_begun_is_completed_and_the_next_call_waits() {
    let dev = server("a_cart_write_that_has_begun_is_completed_and_the_next_call_waits", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    hold(&dev, "POST /cart/items").await;
    let add = tokio::spawn(device.market.cart().add(SkuId(42), 2));
    dev.arrived("POST /cart/items").await;
    add.abort();
    assert!(add.await.unwrap_err().is_cancelled());
    let next = tokio::spawn(device.market.cart().get());
    device.market.session().markets().await.unwrap();
    dev.release().await;
    assert_eq!(lines(&next.await.unwrap().unwrap()), [(42, 2)]);
}

#[tokio::test]
async fn a_cart_call_that_is_cancelled_while_it_waits_is_not_made() {
    let dev = server("a_cart_call_that_is_cancelled_while_it_waits_is_not_made", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    hold(&dev, "POST /cart/items").await;
    let first = tokio::spawn(device.market.cart().add(SkuId(42), 2));
    dev.arrived("POST /cart/items").await;
    let queued = tokio::spawn(device.market.cart().add(SkuId(88), 1));
    device.market.session().markets().await.unwrap();
    queued.abort();
    assert!(queued.await.unwrap_err().is_cancelled());
    dev.release().await;
    first.await.unwrap().unwrap();
    assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(42, 2)]);
}
