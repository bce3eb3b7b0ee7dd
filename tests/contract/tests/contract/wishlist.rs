//! The wishlist.

use market_contract_tests::shop::Shop;
use market_contract_tests::{answers, assert_is};
use market_sdk::{ErrorCode, ProductId, UserId, Wishlist, WishlistId, WishlistItemId};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::{failed, money};

fn assert_is_the_wishlist(wishlist: &Wishlist) {
    assert_is!(wishlist, Wishlist { id: WishlistId(8), user_id: Some(UserId(19)), items: wishlist.items });
    assert_eq!(wishlist.items.len(), 1);
    let item = &wishlist.items[0];
    assert_is!(item, WishlistItem { id: WishlistItemId(201), product: item.product });
    let text = |text: &str| Some(text.to_owned());
    assert_is!(
        item.product,
        Product {
            id: ProductId(15),
            name: "Silk Scarf",
            slug: text("silk-scarf"),
            brand: text("Northpeak"),
            price: Some(money("24.50", "USD")),
            original_price: Some(money("30", "USD")),
            discount: Some("18".parse().unwrap()),
            image: text("/s.jpg"),
            images: ["/s.jpg", "/s-2.jpg"],
            category: text("Clothes"),
            subcategory: text("Shoes"),
            sizes: ["ONE"],
            colors: ["Red", "Blue"],
            rating: Some("4.5".parse().unwrap()),
            reviews: Some(8),
            sales_count: Some(12),
            in_stock: Some(true),
            description: text("Soft"),
        }
    );
}

#[tokio::test]
async fn the_wishlist_is_read_in_full() {
    let shop = Shop::signed_in().await;
    shop.answers("GET", "/wishlist", answers::wishlist()).await;
    assert_is_the_wishlist(&shop.market.wishlist().get().await.unwrap());
    shop.sent_as_user("GET", "/wishlist", None).await;
}

#[tokio::test]
async fn a_documented_product_has_its_name_from_the_title() {
    let shop = Shop::signed_in().await;
    let product = json!({"id": 15, "title": "Silk Scarf", "price": 24.5});
    shop.answers("GET", "/wishlist", json!({"id": 8, "items": [{"id": 201, "product": product}]})).await;
    let wishlist = shop.market.wishlist().get().await.unwrap();
    let product = &wishlist.items[0].product;
    assert_is!(
        product,
        Product {
            id: ProductId(15),
            name: "Silk Scarf",
            slug: None,
            brand: None,
            price: Some(money("24.50", "USD")),
            original_price: None,
            discount: None,
            image: None,
            images: [""; 0],
            category: None,
            subcategory: None,
            sizes: [""; 0],
            colors: [""; 0],
            rating: None,
            reviews: None,
            sales_count: None,
            in_stock: None,
            description: None,
        }
    );
    assert_eq!(wishlist.user_id, None);
}

#[tokio::test]
async fn adding_names_the_product() {
    let shop = Shop::signed_in().await;
    shop.answers("POST", "/wishlist/items", answers::wishlist()).await;
    assert_is_the_wishlist(&shop.market.wishlist().add(ProductId(15)).await.unwrap());
    shop.sent_as_user("POST", "/wishlist/items", Some(json!({"product_id": 15}))).await;
}

#[tokio::test]
async fn removing_names_the_product_in_the_path() {
    let shop = Shop::signed_in().await;
    shop.answers("DELETE", "/wishlist/items/15", answers::wishlist()).await;
    assert_is_the_wishlist(&shop.market.wishlist().remove(ProductId(15)).await.unwrap());
    shop.sent_as_user("DELETE", "/wishlist/items/15", None).await;
}

#[tokio::test]
async fn clearing_gives_the_empty_wishlist() {
    let shop = Shop::signed_in().await;
    shop.answers("DELETE", "/wishlist", answers::empty_wishlist()).await;
    assert_eq!(shop.market.wishlist().clear().await.unwrap().items, []);
    shop.sent_as_user("DELETE", "/wishlist", None).await;
}

#[tokio::test]
async fn clearing_a_wishlist_that_was_never_made_is_no_error() {
    let shop = Shop::signed_in().await;
    let not_there = ResponseTemplate::new(404).set_body_json(json!({"detail": "Wishlist not found"}));
    shop.responds("DELETE", "/wishlist", not_there, 1).await;
    shop.answers("GET", "/wishlist", answers::empty_wishlist()).await;
    assert_eq!(shop.market.wishlist().clear().await.unwrap().items, []);
}

#[tokio::test]
async fn an_unknown_product_and_one_that_is_not_on_the_list_are_not_found() {
    let shop = Shop::signed_in().await;
    let answer = |text: &str| ResponseTemplate::new(404).set_body_json(json!({"detail": text}));
    shop.responds("POST", "/wishlist/items", answer("Product not found"), 1).await;
    shop.responds("DELETE", "/wishlist/items/7", answer("Wishlist item not found"), 1).await;
    let error = failed(shop.market.wishlist().add(ProductId(7)).await);
    assert_eq!((error.code(), error.message()), (ErrorCode::NotFound, "Product not found"));
    let error = failed(shop.market.wishlist().remove(ProductId(7)).await);
    assert_eq!((error.code(), error.message()), (ErrorCode::NotFound, "Wishlist item not found"));
}

#[tokio::test]
async fn a_refusal_is_reported_as_it_was_once_the_server_is_known_not_to_be_of_another_kind() {
    for (status, code) in [(400, ErrorCode::Rejected), (422, ErrorCode::InvalidInput)] {
        let shop = Shop::signed_in().await;
        let refused = ResponseTemplate::new(status).set_body_json(json!({"detail": "Your list is full"}));
        shop.responds("POST", "/wishlist/items", refused, 1).await;
        shop.is_asked_for_its_wishlist(1).await;
        let error = failed(shop.market.wishlist().add(ProductId(7)).await);
        assert_eq!((error.code(), error.message()), (code, "Your list is full"));
    }
}
