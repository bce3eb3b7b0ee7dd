//! A shopping trip on a server of each kind.

use market_contract_tests::dev::Device;
use market_dev_server::Dialect;
use market_sdk::{ErrorCode, OrderQuery, ProductId, SkuId};

use crate::{PHONE, code, lines, order_from_cart, server};

/// Up to the order.
async fn shops(device: &Device) {
    let (cart, wishlist) = (device.market.cart(), device.market.wishlist());
    assert_eq!(cart.get().await.unwrap().items, []);
    cart.add(SkuId(42), 2).await.unwrap();
    assert_eq!(cart.get().await.unwrap().total_price.to_string(), "USD 39.98");
    assert_eq!(wishlist.get().await.unwrap().items, []);
    assert_eq!(wishlist.add(ProductId(15)).await.unwrap().items[0].product.id, ProductId(15));
    assert_eq!(wishlist.remove(ProductId(15)).await.unwrap().items, []);
    assert_eq!(device.market.orders().list(OrderQuery::new()).await.unwrap(), []);
}

#[tokio::test]
async fn a_shopping_trip_on_a_documented_server() {
    let dev = server("a_shopping_trip_on_a_documented_server", Dialect::Documented);
    let device = Device::signed_in(&dev, PHONE).await;
    shops(&device).await;
    let order = device.market.orders().place(order_from_cart()).await.unwrap();
    assert_eq!(order.items.len(), 1);
    assert_eq!(device.market.orders().list(OrderQuery::new()).await.unwrap(), [order]);
    device.market.session().logout().await.unwrap();
}

#[tokio::test]
async fn a_shopping_trip_on_a_server_of_the_first_generation() {
    let dev = server("a_shopping_trip_on_a_server_of_the_first_generation", Dialect::G1);
    let device = Device::signed_in(&dev, PHONE).await;
    shops(&device).await;
    assert_eq!(code(device.market.orders().place(order_from_cart()).await), ErrorCode::Unsupported);
    assert_eq!(lines(&device.market.cart().get().await.unwrap()), [(42, 2)]);
    device.market.session().logout().await.unwrap();
}

#[tokio::test]
async fn a_shopping_trip_on_a_server_of_the_second_generation() {
    let dev = server("a_shopping_trip_on_a_server_of_the_second_generation", Dialect::G2);
    let device = Device::signed_in(&dev, PHONE).await;
    shops(&device).await;
    let order = device.market.orders().place(order_from_cart()).await.unwrap();
    assert_eq!(order.items.len(), 1);
    assert_eq!(device.market.orders().list(OrderQuery::new()).await.unwrap(), [order]);
    device.market.session().logout().await.unwrap();
}
