package dev.marketsdk.test

import dev.marketsdk.ErrorCode
import dev.marketsdk.Market
import dev.marketsdk.Method
import dev.marketsdk.RawResponse
import java.math.BigDecimal
import java.time.Instant
import kotlin.time.Duration
import kotlin.time.toJavaDuration

/**
 * The shop behind a [FakeMarketClient], in memory: its users, their carts, wishlists and orders, and what it sells. It
 * begins with what the dev server sells: among others SKU 42, a canvas bag at USD 19.99, and product 15, a silk scarf;
 * SKU 105 is out of stock.
 *
 * Two clients of one shop are two devices: `FakeMarketClient(shop = phone.shop)`.
 */
public class FakeShop {
    private val skus = catalogue().associateByTo(LinkedHashMap()) { it.id }
    private val routes = HashMap<Pair<Method, String>, RawResponse>()
    private var ahead: java.time.Duration = java.time.Duration.ZERO
    private val branches = listOf(Market.Kg, Market.Us).associateWith { Branch(this, it) }

    /** The code that each SMS brings. */
    public var code: String = "123456"

    /** Sells this too, in all markets, at so much of their money; or changes it, if it is sold already. */
    public fun sell(
        skuId: Long,
        name: String,
        price: BigDecimal,
        stock: Int = 1000,
        productId: Long = skuId,
    ): Unit =
        synchronized(this) {
            val all = branches.keys
            val (names, prices) = all.associateWith { name } to all.associateWith { price }
            skus[skuId] = Sku(skuId, productId, names, prices, stock, code = "SKU-$skuId", size = "ONE", color = "Natural")
        }

    /** Has so many pieces of it, in each market. */
    public fun setStock(
        skuId: Long,
        pieces: Int,
    ): Unit =
        synchronized(this) {
            val sku = requireNotNull(skus[skuId]) { "SKU $skuId is not sold: sell it first." }
            sku.stock = pieces
        }

    /** Answers `request`s of this route with JSON. Routes that it has no answer for are `UNSUPPORTED`. */
    public fun answer(
        path: String,
        json: String,
        method: Method = Method.GET,
    ): Unit = synchronized(this) { routes[method to path] = RawResponse(200, json) }

    /** Refuses all sessions of until now: the next call of each ends it. */
    public fun expireSessions(): Unit =
        synchronized(this) {
            branches.values.flatMap { it.users.values }.forEach { user -> user.revokedAt = user.signIns }
        }

    /** Moves the shop's clock: a session is good for half an hour of it, a code for less. */
    public fun advanceClock(by: Duration): Unit = synchronized(this) { ahead += by.toJavaDuration() }

    internal fun now(): Instant = Instant.now() + ahead

    internal fun skus(): Collection<Sku> = skus.values

    internal fun sku(id: Long): Sku =
        skus[id]?.takeIf { it.active } ?: throw error(ErrorCode.NOT_FOUND, 404, "SKU with id $id not found")

    internal fun route(
        method: Method,
        path: String,
    ): RawResponse = routes[method to path] ?: throw error(ErrorCode.UNSUPPORTED, 404)

    internal fun branch(market: Market): Branch = branches.getValue(market)
}
