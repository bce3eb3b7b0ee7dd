package dev.marketsdk.fakes

import dev.marketsdk.ErrorCode
import dev.marketsdk.KG_PHONE
import dev.marketsdk.NewOrderItem
import dev.marketsdk.OrderQuery
import dev.marketsdk.OrderStatus
import dev.marketsdk.PHONE
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.minutes

/** Cart, wishlist and orders: the fake shows what the real client shows. */
class SameShoppingTest {
    @Test
    fun `a cart line grows, is set and goes`() =
        same {
            signIn()
            sees { market.cart.get() }
            sees { market.cart.add(42, 2) }
            sees { market.cart.add(88, 1) }
            sees { market.cart.add(42, 1) }
            val line = market.cart.get().items.last().id
            sees { market.cart.setQuantity(line, 7) }
            sees { market.cart.setQuantity(line, 0) }
            sees { market.cart.remove(line) }
            sees { market.cart.setQuantity(line, 1) }
            sees { market.cart.clear() }
            sees { market.cart.add(42, 1) }
        }

    @Test
    fun `what is asked before anything was put in`() =
        same {
            signIn()
            sees { market.cart.remove(1) }
            sees { market.cart.setQuantity(1, 1) }
            sees { market.cart.clear() }
            sees { market.wishlist.remove(15) }
            sees { market.wishlist.clear() }
            sees { market.orders.list() }
            sees { market.orders.get(1) }
            sees { market.orders.cancel(1) }
            sees { market.orders.place(fromCart) }
        }

    @Test
    fun `numbers that cannot be are refused`() =
        same {
            signIn()
            for (quantity in listOf(-1, 0, 101)) sees { market.cart.add(42, quantity) }
            for (quantity in listOf(-1, 101)) sees { market.cart.setQuantity(1, quantity) }
            for (sku in listOf(-1L, 0L, 7L, 107L)) sees { market.cart.add(sku, 1) }
            sees { market.cart.remove(-1) }
            sees { market.wishlist.add(-1) }
            sees { market.wishlist.add(99) }
            sees { market.orders.get(-1) }
            for (item in listOf(NewOrderItem(-1, 1), NewOrderItem(42, -1), NewOrderItem(-1, -1))) {
                sees { market.orders.place(fromCart.copy(customerName = "", items = listOf(NewOrderItem(42, 1), item))) }
            }
            for (limit in listOf(-1, 0, 101)) sees { market.orders.list(OrderQuery(limit = limit)) }
            sees { market.orders.list(OrderQuery(offset = -1)) }
        }

    @Test
    fun `all that is sold costs what it costs, in each market`() =
        same {
            for (phone in listOf(PHONE, KG_PHONE)) {
                signIn(phone)
                for (sku in listOf(42L, 88L, 101L, 102L, 103L, 104L, 105L, 106L, 108L)) sees { market.cart.add(sku, 3) }
                for (product in 9L..17L) sees { market.wishlist.add(product) }
            }
        }

    @Test
    fun `a wishlist is kept, and holds a product once`() =
        same {
            signIn()
            sees { market.wishlist.get() }
            repeat(2) { sees { market.wishlist.add(15) } }
            sees { market.wishlist.add(10) }
            sees { market.wishlist.remove(15) }
            sees { market.wishlist.remove(15) }
            sees { market.session.logout() }
            signIn()
            sees { market.wishlist.get() }
            sees { market.wishlist.clear() }
        }

    @Test
    fun `an order of the cart is placed, and empties it`() =
        same {
            signIn()
            market.cart.add(42, 2)
            market.cart.add(88, 3)
            sees { market.orders.place(fromCart) }
            sees { market.cart.get() }
            sees { market.orders.place(fromCart) }
            sees { market.orders.list() }
        }

    @Test
    fun `an order of its own leaves the cart, is listed, read and cancelled`() =
        same {
            signIn(KG_PHONE)
            market.cart.add(88, 1)
            val order = fromCart.copy(items = listOf(NewOrderItem(103, 1), NewOrderItem(42, 2)), city = "Bishkek", notes = "ring")
            sees { market.orders.place(order) }
            sees { market.orders.place(order.copy(items = listOf(NewOrderItem(42, 1)))) }
            sees { market.cart.get() }
            sees { market.orders.list() }
            sees { market.orders.list(OrderQuery(limit = 1)) }
            sees { market.orders.list(OrderQuery(limit = 1, offset = 1)) }
            sees { market.orders.get(2) }
            sees { market.orders.cancel(1) }
            sees { market.orders.cancel(1) }
            sees { market.orders.list(OrderQuery(status = OrderStatus.Cancelled)) }
            sees { market.orders.list(OrderQuery(status = OrderStatus.Unknown("lost"))) }
            signIn()
            sees { market.orders.list() }
            sees { market.orders.get(1) }
        }

    @Test
    fun `an order that is out of bounds names each field`() =
        same {
            signIn()
            sees { market.orders.place(fromCart.copy(customerName = " ", customerPhone = "123", deliveryAddress = "x")) }
            sees { market.orders.place(fromCart.copy(customerName = "A".repeat(256), city = "c".repeat(101), paymentMethod = "")) }
            sees { market.orders.place(fromCart.copy(items = emptyList())) }
            sees { market.orders.place(fromCart.copy(items = listOf(NewOrderItem(42, 0), NewOrderItem(42, 101)))) }
            sees { market.orders.place(fromCart.copy(items = listOf(NewOrderItem(7, 1)))) }
        }

    @Test
    fun `what is out of stock is refused in the shop's words`() =
        same {
            signIn()
            market.cart.add(105, 1)
            sees { market.orders.place(fromCart) }
            sees { market.orders.place(fromCart.copy(items = listOf(NewOrderItem(42, 1), NewOrderItem(104, 3)))) }
            sees { market.orders.place(fromCart.copy(items = listOf(NewOrderItem(104, 1), NewOrderItem(104, 2)))) }
            sees { market.orders.place(fromCart.copy(items = listOf(NewOrderItem(104, 2)))) }
            sees { market.orders.place(fromCart.copy(items = listOf(NewOrderItem(104, 1)))) }
        }

    @Test
    fun `an order whose answer is lost is held to be placed until it is found`() =
        same {
            signIn()
            market.cart.add(42, 2)
            world.loseOrderAnswer(placed = true)
            sees { market.orders.resolve() }
            sees { market.orders.place(fromCart) }
            sees { market.orders.place(fromCart) }
            market.session.logout()
            signIn()
            sees { market.orders.place(fromCart) }
            sees { market.orders.resolve() }
            sees { market.orders.resolve() }
            sees { market.cart.get() }
        }

    @Test
    fun `an order that was lost on the way is not placed, which is certain a quarter of an hour later`() =
        same {
            signIn()
            market.cart.add(42, 2)
            world.loseOrderAnswer(placed = false)
            sees { market.orders.place(fromCart) }
            sees { market.orders.resolve() }
            world.advanceClock(16.minutes)
            sees { market.orders.resolve() }
            sees { market.orders.resolve() }
            sees { market.orders.place(fromCart) }
        }

    @Test
    fun `an order that fails at the server is unknown, and one that the shop refuses is not placed`() =
        same {
            signIn()
            for ((status, code) in listOf(500 to ErrorCode.SERVER, 503 to ErrorCode.SERVER, 408 to ErrorCode.TIMEOUT)) {
                for (acted in listOf(false, true)) {
                    market.cart.add(42, 1)
                    world.fail("orders.place", status, code, acted, retryAfter = 1.minutes)
                    sees { market.orders.place(fromCart) }
                    sees { market.orders.place(fromCart) }
                    sees { market.orders.resolve() }
                    sees { market.orders.place(fromCart.copy(force = true)) }
                    sees { market.orders.resolve() }
                }
            }
            world.fail("orders.place", 429, ErrorCode.RATE_LIMITED, acted = false, retryAfter = 1.minutes)
            saw((outcome { market.orders.place(fromCart) } as Failed).copy(message = "its own"))
            sees { market.orders.resolve() }
        }

    @Test
    fun `a shopper who insists places another, and nobody else is held back`() =
        same {
            signIn()
            market.cart.add(42, 2)
            world.loseOrderAnswer(placed = false)
            sees { market.orders.place(fromCart) }
            signIn(KG_PHONE)
            sees { market.orders.resolve() }
            market.cart.add(42, 1)
            sees { market.orders.place(fromCart) }
            signIn()
            sees { market.orders.place(fromCart) }
            sees { market.orders.place(fromCart.copy(force = true)) }
            sees { market.orders.resolve() }
        }

    @Test
    fun `a second tap on order is no second order, and a logout leaves the first unknown`() =
        same {
            signIn()
            market.cart.add(42, 2)
            world.hold("orders.place")
            val order = begin { market.orders.place(fromCart) }
            world.arrived("orders.place")
            sees { market.orders.place(fromCart.copy(items = listOf(NewOrderItem(42, 1)))) }
            market.session.logout()
            saw(order.await())
            world.release()
            signIn()
            sees { market.orders.place(fromCart) }
            sees { market.orders.resolve() }
        }

    @Test
    fun `an order waits for a session only if it is asked to`() =
        same(parks = 10) {
            signIn()
            market.cart.add(42, 2)
            world.expireSessions()
            val profile = begin { market.session.profile() }
            waits(1)
            sees { market.orders.place(fromCart) }
            val order = begin { market.orders.place(fromCart.copy(parkOnExpiry = true)) }
            waits(2)
            signIn()
            saw(listOf(profile, order).awaitAll())
            sees { market.orders.resolve() }
        }

    @Test
    fun `another device has the same cart`() =
        same {
            val other = device()
            signIn()
            market.cart.add(42, 2)
            sees { signIn(device = other) }
            sees { other.cart.get() }
            sees { other.cart.add(88, 1) }
            sees { market.cart.get() }
        }

    @Test
    fun `additions in a row are made in that order`() =
        same {
            signIn()
            world.hold("cart.add")
            val adds = (1..6).map { async(Dispatchers.Unconfined, CoroutineStart.UNDISPATCHED) { outcome { market.cart.add(42, it) } } }
            world.arrived("cart.add")
            world.release()
            saw(adds.awaitAll())
        }

    @Test
    fun `an addition that has begun is made though its caller leaves, and one that has not is not`() =
        same {
            signIn()
            world.hold("cart.add")
            val begun = launch(Dispatchers.Unconfined) { market.cart.add(42, 1) }
            world.arrived("cart.add")
            val queued = launch(Dispatchers.Unconfined) { market.cart.add(88, 1) }
            listOf(begun, queued).forEach { it.cancel() }
            world.release()
            sees { market.cart.get() }
        }

    @Test
    fun `who observes the cart is shown each change of it`() =
        same {
            signIn()
            observing { shows ->
                shows(null)
                market.cart.get()
                shows(listOf())
                market.cart.add(42, 2)
                shows(listOf(42L to 2L))
                market.orders.place(fromCart)
                shows(listOf())
                market.session.logout()
                shows(null)
            }
        }

    @Test
    fun `the cart that is observed outlives an expiry, and is never another user's`() =
        same {
            signIn()
            observing { shows ->
                shows(null)
                market.cart.add(42, 2)
                shows(listOf(42L to 2L))
                world.expireSessions()
                sees { market.cart.get() }
                signIn()
                market.cart.add(88, 1)
                shows(listOf(42L to 2L, 88L to 1L))
                signIn(KG_PHONE)
                shows(null)
                market.cart.get()
                shows(listOf())
            }
        }

    @Test
    fun `who observes the cart is shown what a failed change has left`() =
        same {
            signIn()
            observing { shows ->
                shows(null)
                world.fail("cart.add", 500, ErrorCode.SERVER, acted = true, retryAfter = null)
                sees { market.cart.add(42, 2) }
                shows(listOf(42L to 2L))
            }
        }

    @Test
    fun `who observes the cart is shown that a lost order has emptied it, once it is found`() =
        same {
            signIn()
            observing { shows ->
                shows(null)
                market.cart.add(42, 2)
                shows(listOf(42L to 2L))
                world.loseOrderAnswer(placed = true)
                sees { market.orders.place(fromCart) }
                sees { market.orders.resolve() }
                shows(listOf())
            }
        }
}
