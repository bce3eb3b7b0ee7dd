package dev.marketsdk.test

import dev.marketsdk.ErrorCode
import dev.marketsdk.Market
import dev.marketsdk.Order
import dev.marketsdk.OrderStatus
import dev.marketsdk.RawRequest
import dev.marketsdk.RawResponse
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
    private val routes = Routes()
    private val keepers = mutableListOf<Keeper>()
    private var ahead: java.time.Duration = java.time.Duration.ZERO
    private val branches = listOf(Market.Kg, Market.Us).associateWith { Branch(this, it) }

    /** The code that each SMS brings. */
    public var code: String = "123456"

    /** Sells this too, in all markets. A product or a SKU of its number that is sold already is sold no more. */
    public fun add(product: FakeProduct): Unit =
        synchronized(this) {
            skus.values.filter { it.product == product.id }.forEach { it.active = false }
            product.skus.forEach { sku -> skus[sku.id] = sku.of(product, branches.keys) }
        }

    /** Has so many pieces of it, in each market. */
    public fun setStock(
        skuId: Long,
        pieces: Int,
    ): Unit =
        synchronized(this) {
            require(pieces >= 0) { "There cannot be $pieces pieces." }
            val sku = requireNotNull(skus[skuId]) { "SKU $skuId is not sold: add it first." }
            sku.stock = pieces
        }

    /** The orders that the shop has, newest first: of the user of this phone number, or of all. */
    public fun orders(phone: String? = null): List<Order> =
        synchronized(this) {
            val users = if (phone != null) listOfNotNull(user(phone)) else branches.values.flatMap { it.users.values }
            users.flatMap { it.orders }.sortedByDescending { it.orderDate }
        }

    /** Moves on an order of the user of this phone number: it is shipped, say. */
    public fun setOrderStatus(
        phone: String,
        orderId: Long,
        status: OrderStatus,
    ): Unit =
        synchronized(this) {
            val orders = user(phone)?.orders.orEmpty()
            val at = orders.indexOfFirst { it.id == orderId }
            require(at >= 0) { "This user has no order $orderId; there are: ${orders.map { it.id }.joinToString()}" }
            user(phone)?.orders?.set(at, orders[at].copy(status = status))
        }

    /**
     * Answers `request`s of a route, `GET /products` say, with JSON; `{…}` stands for one part of the path. With a [status] that
     * is an error they end with the code that the real client makes of it; 401 ends the session. A route without an answer is
     * `UNSUPPORTED`.
     *
     * @throws IllegalArgumentException if the route is that of a typed call: [FakeMarketClient.fail] steers those
     */
    public fun answer(
        route: String,
        json: String,
        status: Int = 200,
    ): Unit = synchronized(this) { routes.answer(route, json, status) }

    /** Refuses all sessions of until now: the next call of each ends it. */
    public fun expireSessions(): Unit =
        synchronized(this) {
            branches.values.flatMap { it.users.values }.forEach { user -> user.revokedAt = user.signIns }
        }

    /**
     * Moves the clock of the shop and of its clients: a session is good for half an hour of it, and ends at once when that
     * is over; a code for less.
     */
    public fun advanceClock(by: Duration) {
        require(!by.isNegative()) { "Clocks do not go back: $by" }
        val all =
            synchronized(this) {
                ahead += by.toJavaDuration()
                keepers.toList().onEach(Keeper::look)
            }
        all.forEach(Keeper::deliver)
    }

    internal fun serve(keeper: Keeper): Unit = synchronized(this) { keepers += keeper }

    internal fun now(): Instant = Instant.now() + ahead

    /** With those that are sold no more, which a cart or an order may have. */
    internal fun skus(): Collection<Sku> = skus.values

    internal fun sku(id: Long): Sku =
        skus[id]?.takeIf { it.active } ?: throw error(ErrorCode.NOT_FOUND, 404, "SKU with id $id not found")

    internal fun answer(request: RawRequest): RawResponse = routes.answer(request)

    internal fun branch(market: Market): Branch = branches.getValue(market)

    private fun user(phone: String): ShopUser? = Phone.parse(phone).let { it.branch(this).users[it.text] }
}
