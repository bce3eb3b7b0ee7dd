//! Orders whose answer is lost: across logouts, users, and what becomes of the note.

use std::fs;

use market_contract_tests::dev::{Dev, Device};
use market_dev_server::{Dialect, Fault};
use market_sdk::{ErrorCode, NewOrder, OrderId, OrderOutcome, OrderStatus, SkuId};

use crate::{KG_PHONE, PHONE, code, once, order_from_cart, server};

/// Ann has two bags in the cart and orders them; the connection is cut. Then she logs out.
async fn lost(dev: &Dev, acted: bool) -> Device {
    let device = Device::signed_in(dev, PHONE).await;
    device.market.cart().add(SkuId(42), 2).await.unwrap();
    once(dev, "POST /orders/create", Fault::Reset { acted }).await;
    assert_eq!(code(device.market.orders().place(order_from_cart()).await), ErrorCode::OutcomeUnknown);
    device.market.session().logout().await.unwrap();
    device
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found_after_a_logout_and_opening_the_app_again() {
    let id = "an_order_whose_answer_was_lost_is_found_after_a_logout_and_opening_the_app_again";
    let dev = server(id, Dialect::Documented);
    let device = lost(&dev, true).await.restart();
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    let orders = device.market.orders();
    assert_eq!(code(orders.place(order_from_cart()).await), ErrorCode::OrderPending);
    let outcome = orders.resolve().await.unwrap();
    let OrderOutcome::Placed(order) = outcome else { panic!("{outcome:?}") };
    assert_eq!(order.items.iter().map(|line| line.quantity).collect::<Vec<_>>(), [2]);
    assert_eq!(dev.stored().await["us"]["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_that_is_unknown_holds_no_other_user_back() {
    let dev = server("an_order_that_is_unknown_holds_no_other_user_back", Dialect::Documented);
    let device = lost(&dev, false).await;
    device.sign_in(&dev, KG_PHONE).await;
    let (cart, orders) = (device.market.cart(), device.market.orders());
    assert_eq!(orders.resolve().await.unwrap(), OrderOutcome::NothingPending);
    cart.add(SkuId(103), 1).await.unwrap();
    let order = orders.place(NewOrder::from_cart("Anna", KG_PHONE, "1 Main St")).await.unwrap();
    assert_eq!((order.status, order.items.len()), (OrderStatus::Pending, 1));
}

#[tokio::test]
async fn a_note_of_an_order_that_cannot_be_read_is_said_once_and_orders_go_on() {
    let id = "a_note_of_an_order_that_cannot_be_read_is_said_once_and_orders_go_on";
    let dev = server(id, Dialect::Documented);
    let device = lost(&dev, false).await;
    let secrets = device.secrets();
    let [note] = &secrets[..] else { panic!("the session is erased and the note is not: {secrets:?}") };
    fs::write(note, "{").unwrap();
    dev.advance_clock(1).await;
    device.sign_in(&dev, PHONE).await;
    let orders = device.market.orders();
    assert_eq!(code(orders.place(order_from_cart()).await), ErrorCode::OrderPending);
    assert_eq!(orders.resolve().await.unwrap(), OrderOutcome::Unreadable);
    assert_eq!(orders.resolve().await.unwrap(), OrderOutcome::NothingPending);
    assert_eq!(orders.place(order_from_cart()).await.unwrap().id, OrderId(1));
}
