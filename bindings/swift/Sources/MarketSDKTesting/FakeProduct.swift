import Foundation
import MarketSDK

/// Something that a ``FakeShop`` sells.
public struct FakeProduct: Sendable {
    /// The product's id, which a wishlist holds.
    public let id: Int
    /// The name.
    public let name: String
    /// What of it can be put into a cart.
    public let skus: [FakeSKU]

    /// Makes one of its parts.
    public init(id: Int, name: String, skus: [FakeSKU]) {
        self.id = id
        self.name = name
        self.skus = skus
    }
}

/// A product in one size and colour.
public struct FakeSKU: Sendable {
    /// The SKU's id, which a cart holds.
    public let id: Int
    /// What a piece costs, in the currency of the market.
    public let price: Decimal
    /// How many pieces there are. With none, an order of it is declined.
    public let stock: Int
    /// The shop's code for it.
    public let code: String
    /// The size.
    public let size: String
    /// The colour.
    public let color: String
    /// Whether it is sold at all.
    public let isActive: Bool

    /// Makes one of its parts.
    public init(
        id: Int,
        price: Decimal,
        stock: Int = 1000,
        code: String = "",
        size: String = "ONE",
        color: String = "Black",
        isActive: Bool = true
    ) {
        self.id = id
        self.price = price
        self.stock = stock
        self.code = code
        self.size = size
        self.color = color
        self.isActive = isActive
    }
}

extension FakeProduct {
    /// What the dev server sells in each market: the same ids, names, prices and stock.
    static func catalogue(of market: Market) -> [FakeProduct] {
        let kg = market == .kg
        func price(_ inSoms: String, _ inDollars: String) -> Decimal {
            Decimal(string: kg ? inSoms : inDollars, locale: Locale(identifier: "en_US_POSIX")) ?? 0
        }
        return [
            FakeProduct(id: 10, name: kg ? "Холщовая сумка" : "Canvas Bag", skus: [
                FakeSKU(id: 42, price: price("1500", "19.99"), code: "LM-010-ONE-NAT", color: "Natural"),
                FakeSKU(id: 88, price: price("900", "12.5"), code: "LM-010-ONE-BLK"),
            ]),
            FakeProduct(id: 11, name: kg ? "Хлопковая футболка" : "Cotton T-Shirt", skus: [
                FakeSKU(id: 101, price: price("1500", "19.99"), stock: 50, code: "NP-011-M-BLK", size: "M"),
                FakeSKU(id: 102, price: price("1500", "19.99"), stock: 10, code: "NP-011-L-WHT", size: "L", color: "White"),
            ]),
            FakeProduct(id: 12, name: kg ? "Кроссовки для бега" : "Running Shoes", skus: [
                FakeSKU(id: 103, price: price("4200.5", "89.95"), stock: 5, code: "NP-012-42-BLU", size: "42", color: "Blue"),
            ]),
            FakeProduct(id: 13, name: "Denim Jacket", skus: [
                FakeSKU(id: 104, price: price("2999.9", "59.9"), stock: 2, code: "LM-013-M-BLU", size: "M", color: "Blue"),
            ]),
            FakeProduct(id: 14, name: kg ? "Зимние ботинки" : "Winter Boots", skus: [
                FakeSKU(id: 105, price: price("6400", "120"), stock: 0, code: "LM-014-43-BRN", size: "43", color: "Brown"),
            ]),
            FakeProduct(id: 15, name: kg ? "Шёлковый шарф" : "Silk Scarf", skus: [
                FakeSKU(id: 106, price: price("890", "24.5"), stock: 20, code: "NP-015-ONE-RED", color: "Red"),
            ]),
            FakeProduct(id: 16, name: kg ? "Кожаный ремень" : "Leather Belt", skus: [
                FakeSKU(
                    id: 107, price: price("1250", "17.49"), stock: 10, code: "LM-016-S-GRY", size: "S", color: "Grey", isActive: false),
                FakeSKU(id: 108, price: price("1250", "17.49"), stock: 10, code: "LM-016-M-GRY", size: "M", color: "Grey"),
            ]),
        ]
    }
}
