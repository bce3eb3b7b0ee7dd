//! What the shop sells.

use rust_decimal::Decimal;

use crate::model::{ProductId, SkuId};

/// Something that a test adds to what the shop sells: a product of one SKU, for the same number in each market's currency.
///
/// ```
/// use market_sdk::test_kit::{FakeProduct, FakeShop};
/// use market_sdk::{ProductId, SkuId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> market_sdk::Result<()> {
/// let shop = FakeShop::new();
/// let price = "7.50".parse().unwrap();
/// shop.add_product(FakeProduct { id: ProductId(77), sku: SkuId(500), name: "Mug".to_owned(), price, stock: 3 });
/// let market = shop.signed_in_client("+13128059851").await;
/// assert_eq!(market.cart().add(SkuId(500), 2).await?.total_price.to_string(), "USD 15.00");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "tests write it out")]
pub struct FakeProduct {
    /// The product, as on a wishlist.
    pub id: ProductId,
    /// Its one SKU, as in a cart.
    pub sku: SkuId,
    /// Its name.
    pub name: String,
    /// What a piece costs.
    pub price: Decimal,
    /// How many pieces there are.
    pub stock: u32,
}

/// A SKU, and the product that it is one of. Pairs are of the markets kg and us.
pub(super) struct Goods {
    pub(super) product: u64,
    pub(super) sku: u64,
    pub(super) name: [String; 2],
    pub(super) code: String,
    pub(super) size: String,
    pub(super) color: String,
    pub(super) price: [f64; 2],
    pub(super) stock: [i64; 2],
    pub(super) active: bool,
}

impl From<FakeProduct> for Goods {
    fn from(product: FakeProduct) -> Self {
        let price = product.price.to_string().parse().expect("a decimal is a number");
        Self {
            product: product.id.0,
            sku: product.sku.0,
            name: [product.name.clone(), product.name],
            code: format!("TEST-{}", product.sku),
            size: "ONE".to_owned(),
            color: String::new(),
            price: [price; 2],
            stock: [i64::from(product.stock); 2],
            active: true,
        }
    }
}

/// The products of `market-dev-server`: `tests/dev-server/src/catalogue.rs` in this SDK's repository.
pub(super) fn goods() -> Vec<Goods> {
    const BAG: [&str; 2] = ["Холщовая сумка", "Canvas Bag"];
    const SHIRT: [&str; 2] = ["Хлопковая футболка", "Cotton T-Shirt"];
    const SHOES: [&str; 2] = ["Кроссовки для бега", "Running Shoes"];
    const JACKET: [&str; 2] = ["Denim Jacket", "Denim Jacket"];
    const BOOTS: [&str; 2] = ["Зимние ботинки", "Winter Boots"];
    const SCARF: [&str; 2] = ["Шёлковый шарф", "Silk Scarf"];
    const BELT: [&str; 2] = ["Кожаный ремень", "Leather Belt"];
    vec![
        sku(10, BAG, 42, "LM-010-ONE-NAT", "ONE", "Natural", [1500.0, 19.99], 1000),
        sku(10, BAG, 88, "LM-010-ONE-BLK", "ONE", "Black", [900.0, 12.5], 1000),
        sku(11, SHIRT, 101, "NP-011-M-BLK", "M", "Black", [1500.0, 19.99], 50),
        sku(11, SHIRT, 102, "NP-011-L-WHT", "L", "White", [1500.0, 19.99], 10),
        sku(12, SHOES, 103, "NP-012-42-BLU", "42", "Blue", [4200.5, 89.95], 5),
        sku(13, JACKET, 104, "LM-013-M-BLU", "M", "Blue", [2999.9, 59.9], 2),
        sku(14, BOOTS, 105, "LM-014-43-BRN", "43", "Brown", [6400.0, 120.0], 0),
        sku(15, SCARF, 106, "NP-015-ONE-RED", "ONE", "Red", [890.0, 24.5], 20),
        Goods { active: false, ..sku(16, BELT, 107, "LM-016-S-GRY", "S", "Grey", [1250.0, 17.49], 10) },
        sku(16, BELT, 108, "LM-016-M-GRY", "M", "Grey", [1250.0, 17.49], 10),
    ]
}

#[allow(clippy::too_many_arguments, reason = "a row of the table above")]
fn sku(
    product: u64,
    name: [&str; 2],
    sku: u64,
    code: &str,
    size: &str,
    color: &str,
    price: [f64; 2],
    stock: i64,
) -> Goods {
    Goods {
        product,
        sku,
        name: name.map(str::to_owned),
        code: code.to_owned(),
        size: size.to_owned(),
        color: color.to_owned(),
        price,
        stock: [stock; 2],
        active: true,
    }
}
