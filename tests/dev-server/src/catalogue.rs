//! What the shop sells: made up, the same products in both markets at each market's price.

use crate::market::Market;

pub(crate) struct Product {
    pub(crate) id: i64,
    /// Names as (kg, us).
    pub(crate) name: [&'static str; 2],
    pub(crate) slug: &'static str,
    pub(crate) brand: &'static str,
    /// The price before a discount, as (kg, us).
    pub(crate) original_price: Option<[f64; 2]>,
    pub(crate) images: &'static [&'static str],
    /// Index into the subcategories.
    pub(crate) subcategory: [&'static str; 2],
    pub(crate) rating: f64,
    pub(crate) reviews: i64,
    pub(crate) sales: i64,
    pub(crate) description: [&'static str; 2],
    pub(crate) skus: &'static [Sku],
}

pub(crate) struct Sku {
    pub(crate) id: i64,
    pub(crate) code: &'static str,
    pub(crate) size: &'static str,
    pub(crate) color: &'static str,
    /// As (kg, us).
    pub(crate) price: [f64; 2],
    pub(crate) stock: i64,
    pub(crate) active: bool,
}

/// One of a (kg, us) pair.
pub(crate) fn of<T: Copy>(pair: [T; 2], market: Market) -> T {
    let [kg, us] = pair;
    match market {
        Market::Kg => kg,
        Market::Us => us,
    }
}

pub(crate) const CATEGORY: [&str; 2] = ["Одежда", "Clothes"];

const SHIRTS: [&str; 2] = ["Футболки", "T-Shirts"];
const SHOES: [&str; 2] = ["Обувь", "Shoes"];

const fn sku(
    id: i64,
    code: &'static str,
    size: &'static str,
    color: &'static str,
    price: [f64; 2],
    stock: i64,
) -> Sku {
    Sku { id, code, size, color, price, stock, active: true }
}

/// A product without anything special about it.
const fn plain(id: i64, name: [&'static str; 2], slug: &'static str, skus: &'static [Sku]) -> Product {
    Product {
        id,
        name,
        slug,
        brand: "Lumen",
        original_price: None,
        images: &[],
        subcategory: SHIRTS,
        rating: 0.0,
        reviews: 0,
        sales: 0,
        description: ["", ""],
        skus,
    }
}

pub(crate) const PRODUCTS: &[Product] = &[
    plain(
        10,
        ["Холщовая сумка", "Canvas Bag"],
        "canvas-bag",
        &[
            sku(42, "LM-010-ONE-NAT", "ONE", "Natural", [1500.0, 19.99], 1000),
            sku(88, "LM-010-ONE-BLK", "ONE", "Black", [900.0, 12.5], 1000),
        ],
    ),
    Product {
        brand: "Northpeak",
        original_price: Some([2000.0, 26.65]),
        rating: 4.5,
        reviews: 8,
        sales: 12,
        description: ["Мягкая, 100% хлопок", "Soft, 100% cotton"],
        ..plain(
            11,
            ["Хлопковая футболка", "Cotton T-Shirt"],
            "cotton-t-shirt",
            &[
                sku(101, "NP-011-M-BLK", "M", "Black", [1500.0, 19.99], 50),
                sku(102, "NP-011-L-WHT", "L", "White", [1500.0, 19.99], 10),
            ],
        )
    },
    Product {
        brand: "Northpeak",
        subcategory: SHOES,
        ..plain(
            12,
            ["Кроссовки для бега", "Running Shoes"],
            "running-shoes",
            &[sku(103, "NP-012-42-BLU", "42", "Blue", [4200.5, 89.95], 5)],
        )
    },
    Product {
        original_price: Some([3500.0, 69.9]),
        rating: 4.9,
        reviews: 2,
        sales: 3,
        ..plain(
            13,
            ["Denim Jacket", "Denim Jacket"],
            "denim-jacket",
            &[sku(104, "LM-013-M-BLU", "M", "Blue", [2999.9, 59.9], 2)],
        )
    },
    Product {
        subcategory: SHOES,
        rating: 3.7,
        reviews: 11,
        sales: 40,
        ..plain(
            14,
            ["Зимние ботинки", "Winter Boots"],
            "winter-boots",
            &[sku(105, "LM-014-43-BRN", "43", "Brown", [6400.0, 120.0], 0)],
        )
    },
    Product {
        brand: "Northpeak",
        images: &["/uploads/products/silk-scarf.jpg", "/uploads/products/silk-scarf-2.jpg"],
        rating: 5.0,
        reviews: 1,
        sales: 1,
        ..plain(
            15,
            ["Шёлковый шарф", "Silk Scarf"],
            "silk-scarf",
            &[sku(106, "NP-015-ONE-RED", "ONE", "Red", [890.0, 24.5], 20)],
        )
    },
    plain(
        16,
        ["Кожаный ремень", "Leather Belt"],
        "leather-belt",
        &[
            Sku { active: false, ..sku(107, "LM-016-S-GRY", "S", "Grey", [1250.0, 17.49], 10) },
            sku(108, "LM-016-M-GRY", "M", "Grey", [1250.0, 17.49], 10),
        ],
    ),
];
