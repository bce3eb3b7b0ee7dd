//! Calls whose callers leave.

use market_contract_tests::dev::Device;
use market_contract_tests::{PHONE, in_time};
use market_dev_server::{Fault, FaultRule};
use market_sdk::SkuId;

use crate::{
    get_to_know, knowing, lines, of_each_kind, of_each_kind_that_takes_orders, order_from_cart, reads, route,
    routes,
};

/// An answer that never comes, as far as a test is concerned.
fn never(route: &str) -> FaultRule {
    FaultRule::new(route, Fault::Latency { ms: u64::MAX / 1024, acted: false }).times(1)
}

/// An answer that comes late enough for the test to act before.
fn late(route: &str) -> FaultRule {
    FaultRule::new(route, Fault::Latency { ms: 300, acted: false }).times(1)
}

#[tokio::test]
async fn p7_dropping_a_read_closes_its_connection_and_the_next_call_works() {
    for dev in of_each_kind() {
        let device = knowing(&dev).await;
        let reads = reads(&dev);
        for read in [reads.cart, reads.wishlist, reads.orders] {
            dev.clear_requests().await;
            dev.fault(never(read)).await;
            let market = device.market.clone();
            let reading = async move {
                if read == reads.cart {
                    drop(market.cart().get().await);
                } else if read == reads.wishlist {
                    drop(market.wishlist().get().await);
                } else {
                    drop(market.orders().list(Default::default()).await);
                }
            };
            tokio::select! {
                () = reading => panic!("the answer never comes"),
                () = dev.arrived(read) => {}
            }
            // The call is dropped by now; this returns when the server has noticed.
            let log = dev.settled().await;
            assert_eq!(routes(&log), [read]);
            assert_eq!((log[0].aborted, log[0].status), (true, None), "{log:?}");
            dev.clear_requests().await;
            get_to_know(&device.market).await;
            assert_eq!(routes(&dev.settled().await), [reads.cart, reads.wishlist, reads.orders]);
            assert!(device.market.session().state().is_signed_in());
        }
    }
}

#[tokio::test]
async fn p7_p11_a_cart_write_that_has_begun_is_completed_though_its_caller_left_and_the_next_waits_for_it() {
    for dev in of_each_kind() {
        let device = knowing(&dev).await;
        dev.fault(late("POST /cart/items")).await;
        let cart = device.market.cart();
        tokio::select! {
            _ = cart.add(SkuId(42), 2) => panic!("it is still under way"),
            () = dev.arrived("POST /cart/items") => {}
        }
        assert_eq!(dev.requests().await[0].status, None, "dropped before its answer");
        let after = cart.add(SkuId(88), 1).await.unwrap();
        assert_eq!(lines(&after), [(SkuId(42), 2), (SkuId(88), 1)]);
        let log = dev.settled().await;
        assert_eq!(log.len(), 2, "{log:?}");
        assert!(
            log.iter().all(|request| request.acted && !request.aborted && request.status == Some(200)),
            "{log:?}"
        );
        assert!(log[0].ended_ms.unwrap() <= log[1].started_ms, "one after the other: {log:?}");
    }
}

#[tokio::test]
async fn p7_p11_a_cart_call_that_is_dropped_while_it_waits_for_its_turn_is_not_made() {
    for dev in of_each_kind() {
        let device = knowing(&dev).await;
        dev.fault(late("POST /cart/items")).await;
        let cart = device.market.cart();
        let first = cart.add(SkuId(42), 2);
        tokio::pin!(first);
        let queued = async {
            let _ = tokio::join!(cart.add(SkuId(88), 1), cart.get(), cart.clear());
        };
        tokio::select! {
            biased;
            _ = &mut first => panic!("it is still under way"),
            () = queued => panic!("they wait for their turn"),
            () = dev.arrived("POST /cart/items") => {}
        }
        first.await.unwrap();
        assert_eq!(lines(&cart.get().await.unwrap()), [(SkuId(42), 2)]);
        let log = dev.settled().await;
        assert_eq!(routes(&log), ["POST /cart/items", reads(&dev).cart]);
    }
}

#[tokio::test]
async fn p7_a_sign_in_whose_caller_left_once_the_code_was_sent_signs_in_all_the_same() {
    for dev in of_each_kind() {
        let device = Device::new(&dev);
        let session = device.market.session();
        session.request_code(PHONE).await.unwrap();
        let code = dev.code(PHONE).await;
        dev.fault(late("POST /auth/verify-code")).await;
        tokio::select! {
            _ = session.verify_code(PHONE, &code) => panic!("it is still under way"),
            () = dev.arrived("POST /auth/verify-code") => {}
        }
        let mut states = session.subscribe();
        in_time(async { while !states.next().await.unwrap().is_signed_in() {} }).await;
        device.market.cart().get().await.unwrap();
    }
}

#[tokio::test]
async fn p7_p12_an_order_from_the_cart_that_has_begun_is_placed_though_its_caller_left() {
    for dev in of_each_kind_that_takes_orders() {
        let device = Device::signed_in(&dev, PHONE).await;
        let (cart, orders) = (device.market.cart(), device.market.orders());
        cart.add(SkuId(42), 2).await.unwrap();
        dev.fault(late("POST /orders/create")).await;
        tokio::select! {
            _ = orders.place(order_from_cart()) => panic!("it is still under way"),
            () = dev.arrived("POST /orders/create") => {}
        }
        // The cart's next call waits for the order, which empties it.
        let left = lines(&cart.get().await.unwrap());
        let placed = dev.stored().await["us"]["orders"].as_array().unwrap().len();
        assert_eq!((left, placed), (vec![], 1));
        let log = dev.settled().await;
        let order = log.iter().find(|request| route(request) == "POST /orders/create").unwrap();
        assert_eq!((order.aborted, order.status), (false, Some(200)), "{order:?}");
        let mut next = log.iter().filter(|request| request.seq > order.seq);
        assert!(next.all(|request| order.ended_ms.unwrap() <= request.started_ms), "{log:?}");
    }
}
