//! What the shop sells.

use rust_decimal::Decimal;

use crate::model::{ProductId, SkuId};

/// Something that a test adds to what the shop sells, for the same amount in each market's currency.
///
/// ```
/// use market_sdk::test_kit::{FakeProduct, FakeShop, FakeSku};
/// use market_sdk::{ProductId, SkuId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> market_sdk::Result<()> {
/// let shop = FakeShop::new();
/// let small = FakeSku { stock: 3, size: "S".to_owned(), ..FakeSku::new(SkuId(500), "7.50") };
/// let large = FakeSku { size: "L".to_owned(), ..FakeSku::new(SkuId(501), "9") };
/// shop.add(FakeProduct::new(ProductId(77), "Mug", [small, large]));
/// let market = shop.signed_in_client("+13128059851").await;
/// assert_eq!(market.cart().add(SkuId(500), 2).await?.total_price.to_string(), "USD 15.00");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "tests write it out")]
pub struct FakeProduct {
    /// Its id, as on a wishlist.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// What of it can be put into a cart.
    pub skus: Vec<FakeSku>,
}

impl FakeProduct {
    /// Makes one of its parts.
    pub fn new(id: ProductId, name: impl Into<String>, skus: impl IntoIterator<Item = FakeSku>) -> Self {
        Self { id, name: name.into(), skus: skus.into_iter().collect() }
    }
}

/// A product in one size and colour.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "tests write it out")]
pub struct FakeSku {
    /// Its id, as in a cart.
    pub id: SkuId,
    /// What a piece costs.
    pub price: Decimal,
    /// How many pieces there are.
    pub stock: u32,
    /// The shop's code for it.
    pub code: String,
    /// The size.
    pub size: String,
    /// The colour.
    pub color: String,
    /// Whether it is sold at all.
    pub active: bool,
}

impl FakeSku {
    /// One of which there are 1000, in no size or colour of its own, at a price that is written as in `19.99`.
    ///
    /// # Panics
    /// If that is no price.
    #[track_caller]
    pub fn new(id: SkuId, price: &str) -> Self {
        Self {
            id,
            price: price.parse().unwrap_or_else(|_| panic!("{price:?} is no price, as 19.99 is one")),
            stock: 1000,
            code: format!("SKU-{id}"),
            size: "ONE".to_owned(),
            color: String::new(),
            active: true,
        }
    }
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

impl Goods {
    pub(super) fn of(product: FakeProduct) -> Vec<Self> {
        let FakeProduct { id, name, skus } = product;
        let of = |sku: FakeSku| Self {
            product: id.0,
            sku: sku.id.0,
            name: [name.clone(), name.clone()],
            price: [sku.price.to_string().parse().expect("a decimal is a number"); 2],
            code: sku.code,
            size: sku.size,
            color: sku.color,
            stock: [i64::from(sku.stock); 2],
            active: sku.active,
        };
        skus.into_iter().map(of).collect()
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
