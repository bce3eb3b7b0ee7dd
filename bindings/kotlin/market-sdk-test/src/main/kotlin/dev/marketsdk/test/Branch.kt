package dev.marketsdk.test

import dev.marketsdk.CancelledOrder
import dev.marketsdk.Cart
import dev.marketsdk.CartLine
import dev.marketsdk.ErrorCode
import dev.marketsdk.Market
import dev.marketsdk.MarketInfo
import dev.marketsdk.Money
import dev.marketsdk.NewOrder
import dev.marketsdk.Order
import dev.marketsdk.OrderLine
import dev.marketsdk.OrderQuery
import dev.marketsdk.OrderStatus
import dev.marketsdk.PhoneNumber
import dev.marketsdk.Product
import dev.marketsdk.Profile
import dev.marketsdk.ProfileUpdate
import dev.marketsdk.Wishlist
import dev.marketsdk.WishlistItem
import java.math.BigDecimal
import java.math.RoundingMode
import java.net.URI
import java.time.Duration
import java.time.Instant

/** A user of one market, and all that is theirs. */
internal class ShopUser(
    val id: Long,
    val phone: String,
    val createdAt: Instant,
) {
    var fullName: String? = null
    var image: URI? = null
    var lastLogin: Instant? = null

    /** Not after a logout, until the next sign-in. */
    var active = true

    /** How often they have signed in: a session has the number of its sign-in. */
    var signIns = 0

    /** The newest session that is refused. */
    var revokedAt = 0
    var cart: Long? = null

    /** The one that was changed last comes last. */
    val lines = mutableListOf<Line>()
    var wishlist: Long? = null
    val wishes = mutableListOf<Pair<Long, Long>>()
    val orders = mutableListOf<Order>()

    class Line(
        val id: Long,
        val sku: Long,
        var quantity: Int,
    )
}

/** A session as the server knows it. */
internal class ShopSession(
    val branch: Branch,
    val user: ShopUser,
    private val until: Instant,
) {
    private val number = user.signIns

    fun isAccepted(now: Instant) = user.active && number > user.revokedAt && now < until
}

/** The shop in one market: what the server does when it is asked, in its words. */
internal class Branch(
    private val shop: FakeShop,
    val market: Market,
) {
    private class SentCode(
        val code: String,
        val at: Instant,
        var used: Boolean = false,
    )

    private val us = market == Market.Us
    private val currency = if (us) "USD" else "KGS"
    private val codes = HashMap<String, MutableList<SentCode>>()
    private val numbers = HashMap<String, Long>()
    val users = LinkedHashMap<String, ShopUser>()

    val info =
        if (us) {
            MarketInfo(market, "United States", "$", "USD", "en", "+1", "+1 (XXX) XXX-XXXX")
        } else {
            MarketInfo(market, "Kyrgyzstan", "сом", "KGS", "ru", "+996", "+996 XXX XXX XXX")
        }

    private fun next(of: String): Long = numbers.merge(of, 1L, Long::plus)!!

    fun sendCode(phone: String) {
        val (now, sent) = shop.now() to codes.getOrPut(phone) { mutableListOf() }
        if (sent.count { it.at + CODES_WINDOW > now } >= CODES) {
            val words = "Too many verification attempts. Please wait 15 minutes."
            throw error(ErrorCode.RATE_LIMITED, 422, words, retryAfter = CODES_WINDOW)
        }
        sent += SentCode(shop.code, now)
    }

    fun verifyCode(
        phone: String,
        code: String,
    ): ShopSession {
        val good = Duration.ofMinutes(if (us) 15 else 10)
        val sent = codes[phone]?.find { !it.used && it.code == code && it.at + good > shop.now() }
        sent?.used = true
        if (sent == null) throw error(ErrorCode.WRONG_CODE, 400, "Invalid or expired verification code")
        return signIn(phone)
    }

    /** Signs in, whatever code there was. */
    fun signIn(phone: String): ShopSession {
        val now = shop.now()
        val user = users.getOrPut(phone) { ShopUser(nextUser(), phone, now) }
        user.lastLogin = now
        user.active = true
        user.signIns += 1
        return ShopSession(this, user, now + SESSION)
    }

    /** The first of the us market is number 19, the next are 1, 2, 3 …, as in kg. */
    private fun nextUser() = if (us && users.isEmpty()) FIRST_US else next("user")

    fun profile(user: ShopUser): Profile =
        Profile(
            id = user.id,
            phone = PhoneNumber(user.phone),
            fullName = user.fullName,
            profileImageUrl = user.image,
            isActive = user.active,
            isVerified = true,
            market = market,
            language = info.language,
            country = info.country,
            currency = currency,
            lastLogin = user.lastLogin,
            createdAt = user.createdAt,
        )

    fun update(
        user: ShopUser,
        update: ProfileUpdate,
    ): Profile {
        user.fullName = update.fullName ?: user.fullName
        user.image = update.profileImageUrl ?: user.image
        return profile(user)
    }

    // The cart

    fun cart(user: ShopUser): Cart {
        val id = user.cart ?: next("cart").also { user.cart = it }
        return cart(user, id)
    }

    private fun cart(
        user: ShopUser,
        id: Long,
    ): Cart {
        val items = user.lines.map { CartLine(it.id, it.sku, it.quantity.toLong(), name(sold(it.sku)), price(sold(it.sku)), null) }
        val total = items.sumOf { it.price.amount * it.quantity.toBigDecimal() }
        return Cart(id, user.id, items, money(total))
    }

    fun add(
        user: ShopUser,
        sku: Long,
        quantity: Int,
    ): Cart {
        cart(user)
        shop.sku(sku)
        val line = user.lines.find { it.sku == sku } ?: ShopUser.Line(next("line"), sku, 0)
        return touched(user, line, line.quantity + quantity)
    }

    fun set(
        user: ShopUser,
        line: Long,
        quantity: Int,
    ): Cart {
        existingCart(user)
        return touched(user, line(user, line), quantity)
    }

    private fun touched(
        user: ShopUser,
        line: ShopUser.Line,
        quantity: Int,
    ): Cart {
        line.quantity = quantity
        user.lines.remove(line)
        user.lines.add(line)
        return cart(user)
    }

    fun remove(
        user: ShopUser,
        line: Long,
    ): Cart {
        existingCart(user)
        user.lines.remove(line(user, line))
        return cart(user)
    }

    fun clearCart(user: ShopUser): Cart {
        user.lines.clear()
        return cart(user)
    }

    private fun existingCart(user: ShopUser) = user.cart ?: throw error(ErrorCode.NOT_FOUND, 404, "Cart not found")

    private fun line(
        user: ShopUser,
        id: Long,
    ) = user.lines.find { it.id == id } ?: throw error(ErrorCode.NOT_FOUND, 404, "Cart item not found")

    // The wishlist

    fun wishlist(user: ShopUser): Wishlist {
        val id = user.wishlist ?: next("wishlist").also { user.wishlist = it }
        return Wishlist(id, user.id, user.wishes.filter { isSold(it.second) }.map { (wish, product) -> WishlistItem(wish, product(product)) })
    }

    fun wish(
        user: ShopUser,
        product: Long,
    ): Wishlist {
        wishlist(user)
        if (!isSold(product)) throw error(ErrorCode.NOT_FOUND, 404, "Product not found")
        if (user.wishes.none { it.second == product }) user.wishes += next("wish") to product
        return wishlist(user)
    }

    fun unwish(
        user: ShopUser,
        product: Long,
    ): Wishlist {
        user.wishlist ?: throw error(ErrorCode.NOT_FOUND, 404, "Wishlist not found")
        val gone = user.wishes.removeIf { it.second == product }
        if (!gone) throw error(ErrorCode.NOT_FOUND, 404, "Wishlist item not found")
        return wishlist(user)
    }

    fun clearWishlist(user: ShopUser): Wishlist {
        user.wishes.clear()
        return wishlist(user)
    }

    private fun isSold(product: Long) = shop.skus().any { it.product == product && it.active }

    /** As the documented API shows a product: its name and what the cheapest of it costs. */
    private fun product(id: Long): Product {
        val skus = shop.skus().filter { it.product == id && it.active }
        return Product(
            id = id,
            name = name(skus.first()),
            slug = null,
            brand = null,
            price = money(skus.minOf { it.price.getValue(market) }),
            originalPrice = null,
            discount = null,
            image = null,
            images = emptyList(),
            category = null,
            subcategory = null,
            sizes = emptyList(),
            colors = emptyList(),
            rating = null,
            reviews = null,
            salesCount = null,
            inStock = null,
            description = null,
        )
    }

    // Orders

    fun place(
        user: ShopUser,
        order: NewOrder,
    ): Order {
        val items = order.items
        val wanted = items?.map { it.skuId to it.quantity } ?: user.lines.map { it.sku to it.quantity }
        if (wanted.isEmpty()) throw error(ErrorCode.REJECTED, 400, "Your cart is empty")
        // All of it or nothing.
        val left = HashMap<Sku, Int>()
        for ((id, quantity) in wanted) {
            val sku = shop.sku(id)
            val stock = left[sku] ?: sku.stock
            if (stock <= 0) throw error(ErrorCode.REJECTED, 400, "Product ${sku.what(market)} is out of stock")
            if (stock < quantity) {
                throw error(ErrorCode.REJECTED, 400, "Not enough stock for ${sku.what(market)}. Available: $stock")
            }
            left[sku] = stock - quantity
        }
        left.forEach { (sku, stock) -> sku.stock = stock }
        val placed = placed(order, wanted.map { (id, quantity) -> shop.sku(id) to quantity })
        user.orders.add(0, placed)
        if (items == null) user.lines.clear()
        return placed
    }

    private fun placed(
        order: NewOrder,
        wanted: List<Pair<Sku, Int>>,
    ): Order {
        // Servers name soms on every order, also where the amounts are in dollars.
        fun money(amount: BigDecimal) = Money(amount.setScale(2, RoundingMode.HALF_UP), "KGS")
        val lines =
            wanted.map { (sku, quantity) ->
                val price = sku.price.getValue(market)
                val total = price * quantity.toBigDecimal()
                OrderLine(next("order line"), name(sku), sku.code, sku.size, sku.color, money(price), quantity.toLong(), money(total))
            }
        val subtotal = lines.sumOf { it.totalPrice.amount }
        val shipping = if (subtotal >= FREE_FROM) BigDecimal.ZERO else SHIPPING
        val id = next("order")
        return Order(
            id = id,
            orderNumber = "#${1000 + id}",
            status = OrderStatus.Pending,
            customerName = order.customerName,
            customerPhone = PhoneNumber(order.customerPhone),
            deliveryAddress = order.deliveryAddress,
            subtotal = money(subtotal),
            shippingCost = money(shipping),
            totalAmount = money(subtotal + shipping),
            orderDate = shop.now(),
            items = lines,
        )
    }

    fun orders(
        user: ShopUser,
        query: OrderQuery,
    ): List<Order> {
        // One that the server does not know is no filter.
        val status = query.status.takeIf { it !is OrderStatus.Unknown }
        return user.orders.filter { status == null || it.status == status }.drop(query.offset).take(query.limit)
    }

    fun order(
        user: ShopUser,
        id: Long,
    ): Order = user.orders.find { it.id == id } ?: throw error(ErrorCode.NOT_FOUND, 404, "Order not found")

    fun cancel(
        user: ShopUser,
        id: Long,
    ): CancelledOrder {
        val order = order(user, id)
        if (order.status == OrderStatus.Cancelled || order.status == OrderStatus.Delivered) {
            val status = if (order.status == OrderStatus.Cancelled) "cancelled" else "delivered"
            throw error(ErrorCode.REJECTED, 400, "Cannot cancel order with status: $status")
        }
        user.orders[user.orders.indexOf(order)] = order.copy(status = OrderStatus.Cancelled)
        return CancelledOrder(id, OrderStatus.Cancelled)
    }

    private fun sold(sku: Long): Sku = shop.skus().first { it.id == sku }

    private fun name(sku: Sku): String = sku.name.getValue(market)

    private fun price(sku: Sku): Money = money(sku.price.getValue(market))

    private fun money(amount: BigDecimal) = Money(amount.setScale(2, RoundingMode.HALF_UP), currency)

    companion object {
        /** So many codes are sent to a phone in [CODES_WINDOW]. */
        const val CODES = 3
        val CODES_WINDOW: Duration = Duration.ofMinutes(15)
        private const val FIRST_US = 19L
        private val SESSION: Duration = Duration.ofMinutes(30)
        private val SHIPPING = BigDecimal("150")
        private val FREE_FROM = BigDecimal("5000")
    }
}
