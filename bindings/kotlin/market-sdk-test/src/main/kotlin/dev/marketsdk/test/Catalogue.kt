package dev.marketsdk.test

import dev.marketsdk.Market
import java.math.BigDecimal

/** What can be put into a cart. Prices by market. */
internal class Sku(
    val id: Long,
    val product: Long,
    val name: Map<Market, String>,
    val price: Map<Market, BigDecimal>,
    var stock: Int,
    val code: String,
    val size: String,
    val color: String,
    /** One that is not is known to nobody, though an order may have it. */
    var active: Boolean = true,
) {
    /** As the server names it to a shopper. */
    fun what(market: Market) = "'${name[market]}' (size: $size, color: $color)"
}

/** Something that a test has a shop sell, of one or more kinds. */
public class FakeProduct(
    /** As on a wishlist. */
    public val id: Long,
    /** Its name. */
    public val name: String,
    /** Its kinds: sizes and colours, say. */
    public val skus: List<FakeSku>,
) {
    init {
        require(id >= 0 && skus.isNotEmpty()) { "A product has a number and at least one SKU." }
    }
}

/** One kind of a [FakeProduct]. */
public class FakeSku(
    /** As in a cart. */
    public val id: Long,
    /** What a piece costs, in the money of each market. */
    public val price: BigDecimal,
    /** How many pieces there are. */
    public val stock: Int = 1000,
    /** The shop's own name for it. */
    public val code: String = "SKU-$id",
    /** Its size. */
    public val size: String = "ONE",
    /** Its colour. */
    public val color: String = "Natural",
) {
    init {
        require(id >= 0 && stock >= 0 && price.signum() >= 0) { "Numbers, stock and prices are not negative." }
    }

    internal fun of(
        product: FakeProduct,
        markets: Set<Market>,
    ) = Sku(id, product.id, markets.associateWith { product.name }, markets.associateWith { price }, stock, code, size, color)
}

/** What the dev server sells: `tests/dev-server/src/catalogue.rs`. */
internal fun catalogue(): List<Sku> {
    fun sku(
        id: Long,
        product: Long,
        names: Pair<String, String>,
        prices: Pair<String, String>,
        stock: Int,
        code: String,
        active: Boolean = true,
    ): Sku {
        val name = mapOf<Market, String>(Market.Kg to names.first, Market.Us to names.second)
        val price = mapOf<Market, BigDecimal>(Market.Kg to BigDecimal(prices.first), Market.Us to BigDecimal(prices.second))
        val (_, _, size, color) = code.split('-')
        return Sku(id, product, name, price, stock, code, size, COLOURS.getValue(color), active)
    }
    val bag = "Холщовая сумка" to "Canvas Bag"
    val shirt = "Хлопковая футболка" to "Cotton T-Shirt"
    val belt = "Кожаный ремень" to "Leather Belt"
    return listOf(
        sku(42, 10, bag, "1500" to "19.99", 1000, "LM-010-ONE-NAT"),
        sku(88, 10, bag, "900" to "12.5", 1000, "LM-010-ONE-BLK"),
        sku(101, 11, shirt, "1500" to "19.99", 50, "NP-011-M-BLK"),
        sku(102, 11, shirt, "1500" to "19.99", 10, "NP-011-L-WHT"),
        sku(103, 12, "Кроссовки для бега" to "Running Shoes", "4200.5" to "89.95", 5, "NP-012-42-BLU"),
        sku(104, 13, "Denim Jacket" to "Denim Jacket", "2999.9" to "59.9", 2, "LM-013-M-BLU"),
        sku(105, 14, "Зимние ботинки" to "Winter Boots", "6400" to "120", 0, "LM-014-43-BRN"),
        sku(106, 15, "Шёлковый шарф" to "Silk Scarf", "890" to "24.5", 20, "NP-015-ONE-RED"),
        sku(107, 16, belt, "1250" to "17.49", 10, "LM-016-S-GRY", active = false),
        sku(108, 16, belt, "1250" to "17.49", 10, "LM-016-M-GRY"),
    )
}

private val COLOURS =
    mapOf(
        "NAT" to "Natural",
        "BLK" to "Black",
        "WHT" to "White",
        "BLU" to "Blue",
        "BRN" to "Brown",
        "RED" to "Red",
        "GRY" to "Grey",
    )
