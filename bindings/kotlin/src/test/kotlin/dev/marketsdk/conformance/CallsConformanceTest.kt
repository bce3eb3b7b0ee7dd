package dev.marketsdk.conformance

import com.google.gson.JsonParser
import dev.marketsdk.ErrorCode
import dev.marketsdk.KG_PHONE
import dev.marketsdk.LockedReason
import dev.marketsdk.Market
import dev.marketsdk.MarketClient
import dev.marketsdk.Method
import dev.marketsdk.OrderQuery
import dev.marketsdk.OrderStatus
import dev.marketsdk.PHONE
import dev.marketsdk.ProfileUpdate
import dev.marketsdk.QueryParameter
import dev.marketsdk.RawRequest
import dev.marketsdk.SecureStore
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.SignedOutReason
import dev.marketsdk.StoreException
import dev.marketsdk.failure
import dev.marketsdk.hold
import dev.marketsdk.signIn
import dev.marketsdk.sql
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.supervisorScope
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.math.BigDecimal
import java.nio.file.Files
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.Executors
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** The cart, orders, the wishlist, the profile, and any other route. */
class CallsConformanceTest : ConformanceTest() {
    @Test
    fun a_cart_line_grows_is_set_and_goes(): Unit =
        case {
            signIn()
            val cart = market.cart
            cart.add(42, 2)
            val grown = cart.add(42, 1)
            assertEquals(listOf(42L to 3L), lines(grown))
            val line = grown.items.single()
            assertEquals("Canvas Bag", line.name)
            assertMoney("19.99", "USD", line.price)
            assertEquals(listOf(42L to 7L), lines(cart.setQuantity(line.id, 7)))
            assertTrue(cart.setQuantity(line.id, 0).items.isEmpty())
            val other = cart.add(88, 1)
            assertEquals(listOf(88L to 1L), lines(other))
            assertTrue(cart.remove(other.items.single().id).items.isEmpty())
            assertEquals(ErrorCode.NOT_FOUND, failure { cart.remove(other.items.single().id) }.code)
            cart.add(42, 1)
            assertTrue(cart.clear().items.isEmpty())
        }

    @Test
    fun additions_that_are_made_in_a_row_reach_the_server_in_that_order(): Unit =
        case {
            signIn()
            server.hold("POST /cart/items")
            Executors.newSingleThreadExecutor().asCoroutineDispatcher().use { thread ->
                val adds = (1..6).map { quantity -> async(thread) { market.cart.add(42, quantity) } }
                arrived("/cart/items")
                server.release()
                val sums = adds.awaitAll().map { lines(it) }
                assertEquals(listOf<Long>(1, 3, 6, 10, 15, 21).map { listOf(42L to it) }, sums)
            }
        }

    @Test
    fun ten_additions_at_once_lose_nothing_on_a_server_that_loses_parallel_ones(): Unit =
        case("g2") {
            signIn()
            val seen = List(10) { async { market.cart.add(42, 1).items.single().quantity } }.awaitAll()
            assertEquals((1L..10L).toList(), seen.sorted())
        }

    @Test
    fun money_in_soms_is_exact(): Unit =
        case {
            signIn(KG_PHONE)
            market.cart.add(103, 1)
            val cart = market.cart.add(104, 2)
            assertMoney("10200.30", "KGS", cart.totalPrice)
            val prices = cart.items.sortedBy { it.skuId }.map { it.price }
            assertMoney("4200.50", "KGS", prices[0])
            assertMoney("2999.90", "KGS", prices[1])
        }

    @Test
    fun the_noise_of_a_servers_floats_is_not_shown(): Unit =
        case("g2") {
            signIn()
            assertMoney("99.95", "USD", market.cart.add(42, 5).totalPrice)
        }

    @Test
    fun money_that_a_double_cannot_hold_is_exact(): Unit =
        case {
            signIn()
            val line =
                """{"id":1,"sku_id":42,"quantity":3,"name":"Canvas Bag","price":90071992547409931.01,"image":""}"""
            val body =
                """{"id":1,"user_id":19,"total_items":1,"items":[$line],"total_price":270215977642229793.03}"""
            once("GET /cart", answer(200, body))
            val cart = market.cart.get()
            assertMoney("90071992547409931.01", "USD", cart.items.single().price)
            assertMoney("270215977642229793.03", "USD", cart.totalPrice)
        }

    @Test
    fun an_order_is_placed_listed_read_and_cancelled(): Unit =
        case {
            signIn()
            market.cart.add(88, 1)
            val orders = market.orders
            val placed = orders.place(ofItems(42, 2))
            assertEquals(1L to "#1001", placed.id to placed.orderNumber)
            assertEquals(OrderStatus.Pending to "Ann", placed.status to placed.customerName)
            assertEquals(BigDecimal("39.98"), placed.subtotal?.amount)
            assertEquals(BigDecimal("189.98"), placed.totalAmount.amount)
            assertEquals(listOf("Canvas Bag" to 2L), placed.items.map { it.productName to it.quantity })
            assertEquals(listOf(88L to 1L), lines(market.cart.get()))
            assertEquals(listOf(placed), orders.list())
            assertEquals(placed, orders.get(placed.id))
            val cancelled = orders.cancel(placed.id)
            assertEquals(placed.id to OrderStatus.Cancelled, cancelled.id to cancelled.status)
            assertEquals(ErrorCode.REJECTED, failure { orders.cancel(placed.id) }.code)
            assertTrue(orders.list(OrderQuery(status = OrderStatus.Pending)).isEmpty())
        }

    @Test
    fun an_order_status_that_nobody_knows_is_kept(): Unit =
        case {
            signIn()
            val placed = market.orders.place(ofItems(42, 2))
            server.sql("UPDATE us_orders SET status = 'teleported'")
            assertEquals(OrderStatus.Unknown("teleported"), market.orders.list().single().status)
            assertEquals(OrderStatus.Unknown("teleported"), market.orders.get(placed.id).status)
        }

    @Test
    fun a_wishlist_is_kept_and_holds_a_product_once(): Unit =
        case {
            signIn()
            val wishlist = market.wishlist
            repeat(2) { wishlist.add(15) }
            val product = wishlist.get().items.single().product
            assertEquals(15L to "Silk Scarf", product.id to product.name)
            assertMoney("24.50", "USD", product.price)
            assertTrue(wishlist.remove(15).items.isEmpty())
            assertEquals(ErrorCode.NOT_FOUND, failure { wishlist.remove(15) }.code)
            wishlist.add(10)
            assertTrue(wishlist.clear().items.isEmpty())
        }

    @Test
    fun the_profile_is_read_and_changed_and_the_change_stays(): Unit =
        case {
            signIn()
            val before = market.session.profile()
            assertEquals(19L to null, before.id to before.fullName)
            assertEquals(Market.Us to PHONE, before.market to before.phone?.value)
            val changed = market.session.updateProfile(ProfileUpdate(fullName = "Анна Example"))
            assertEquals("Анна Example", changed.fullName)
            assertEquals(changed, market.session.profile())
            assertTrue(market.session.verifyToken().valid)
        }

    @Test
    fun the_markets_are_there_before_anybody_signs_in(): Unit =
        case {
            val markets = market.session.markets().supported.map { Triple(it.market, it.phonePrefix, it.currency) }
            val expected = setOf(Triple(Market.Kg, "+996", "KGS"), Triple(Market.Us, "+1", "USD"))
            assertEquals(expected, markets.toSet())
            assertEquals(2, markets.size)
        }

    @Test
    fun another_route_is_reached_through_the_same_door(): Unit =
        case {
            signIn()
            val profile = RawRequest(Method.GET, "/auth/profile")
            val answer = market.request(profile.copy(query = listOf(QueryParameter("page", "2"))))
            assertEquals(200, answer.status)
            assertEquals(PHONE, JsonParser.parseString(answer.body).asJsonObject["phone_number"].asString)
            val missing = failure { market.request(RawRequest(Method.GET, "/products")) }
            assertEquals(ErrorCode.UNSUPPORTED, missing.code)
            val bare = failure { market.request(profile.copy(withSession = false)) }
            assertEquals(ErrorCode.REJECTED to 401, bare.code to bare.status)
            assertState<SessionState.SignedIn>(market.session.state.value)
            server.expireSessions()
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.request(profile) }.code)
            assertFalse(market.session.state.value is SessionState.SignedIn)
        }

    private suspend fun Case.trip() {
        signIn()
        assertTrue(market.cart.get().items.isEmpty())
        market.cart.add(42, 2)
        assertMoney("39.98", "USD", market.cart.get().totalPrice)
        assertTrue(market.wishlist.get().items.isEmpty())
        assertEquals(listOf(15L), market.wishlist.add(15).items.map { it.product.id })
        assertTrue(market.wishlist.remove(15).items.isEmpty())
        assertTrue(market.orders.list().isEmpty())
    }

    private suspend fun Case.tripWithOrder() {
        trip()
        val order = market.orders.place(fromCart)
        assertEquals(1, order.items.size)
        assertEquals(listOf(order), market.orders.list())
        market.session.logout()
    }

    @Test
    fun a_shopping_trip_on_a_documented_server(): Unit = case { tripWithOrder() }

    @Test
    fun a_shopping_trip_on_a_server_of_the_first_generation(): Unit =
        case("g1") {
            trip()
            assertEquals(ErrorCode.UNSUPPORTED, failure { market.orders.place(fromCart) }.code)
            assertEquals(listOf(42L to 2L), lines(market.cart.get()))
            market.session.logout()
        }

    @Test
    fun a_shopping_trip_on_a_server_of_the_second_generation(): Unit = case("g2") { tripWithOrder() }
}

/** Calls whose callers leave. */
class CancelledConformanceTest : ConformanceTest() {
    private suspend fun assertCancelled(call: Deferred<*>): Unit =
        assertTrue(runCatching { call.await() }.exceptionOrNull() is CancellationException)

    @Test
    fun cancelling_a_read_closes_its_connection(): Unit =
        case {
            signIn()
            server.hold("GET /auth/profile")
            val took =
                (2..6).map { at ->
                    supervisorScope {
                        val read = async { market.session.profile() }
                        until { server.requests().size > at }
                        val start = TimeSource.Monotonic.markNow()
                        read.cancel()
                        until { server.requests()[at].aborted }
                        start.elapsedNow().also { assertCancelled(read) }
                    }
                }
            assertTrue(took.min() < 100.milliseconds, "$took")
            server.release()
            market.session.profile()
        }

    @Test
    fun a_cart_write_that_has_begun_is_completed_and_the_next_call_waits(): Unit =
        case {
            signIn()
            server.hold("POST /cart/items")
            supervisorScope {
                val add = async { market.cart.add(42, 2) }
                arrived("/cart/items")
                add.cancel()
                assertCancelled(add)
                val next = async { market.cart.get() }
                market.session.markets()
                server.release()
                assertEquals(listOf(42L to 2L), lines(next.await()))
            }
        }

    @Test
    fun a_cart_call_that_is_cancelled_while_it_waits_is_not_made(): Unit =
        case {
            signIn()
            server.hold("POST /cart/items")
            supervisorScope {
                val first = async { market.cart.add(42, 2) }
                arrived("/cart/items")
                val queued = async { market.cart.add(88, 1) }
                market.session.markets()
                queued.cancel()
                assertCancelled(queued)
                server.release()
                first.await()
            }
            assertEquals(listOf(42L to 2L), lines(market.cart.get()))
        }
}

/** Stores that are locked, damaged, unusable, or refuse to forget. */
class StoresConformanceTest : ConformanceTest() {
    private class Lockable : SecureStore {
        private val values = ConcurrentHashMap<String, ByteArray>()

        @Volatile
        var locked = false

        private fun <T> unlocked(act: () -> T): T = if (locked) throw StoreException.Locked() else act()

        override fun place(): String = "a store that can be locked, ${System.identityHashCode(this)}"

        override fun read(key: String): ByteArray? = unlocked { values[key] }

        override fun write(
            key: String,
            value: ByteArray,
        ): Unit = unlocked { values[key] = value }

        override fun delete(key: String): Unit = unlocked { values.remove(key) }
    }

    @Test
    fun a_locked_store_waits_and_is_not_taken_for_signed_out(): Unit =
        case {
            val store = Lockable()
            val build = {
                MarketClient(
                    server.baseUrl,
                    "com.example.shop",
                    store = SessionStore.Host(store),
                    timeout = 2.seconds,
                    allowHttpLoopback = true,
                )
            }
            build().use { assertTrue(server.signIn(it).persisted) }
            store.locked = true
            build().use { market ->
                val locked = failure { market.session.restore() }
                assertEquals(ErrorCode.STORE_LOCKED to true, locked.code to locked.isRetryable)
                assertEquals(SessionState.Locked(LockedReason.LOCKED), market.session.state.value)
                assertEquals(ErrorCode.STORE_LOCKED, failure { market.cart.get() }.code)
                store.locked = false
                market.session.resumed()
                assertEquals(PHONE, assertState<SessionState.SignedIn>(market.session.restore()).user.phone.value)
                market.cart.get()
            }
        }

    @Test
    fun a_damaged_session_is_said_to_be_corrupt_and_is_erased(): Unit =
        case {
            signIn()
            device.secrets().single().writeText("{")
            device.openAgain()
            assertEquals(SessionState.SignedOut(SignedOutReason.CORRUPT), market.session.restore())
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.cart.get() }.code)
            market.session.logout()
            assertEquals(0, device.secrets().size)
            server.advanceClock(1.seconds)
            assertTrue(signIn().persisted)
            market.cart.get()
        }

    @Test
    fun a_store_that_cannot_be_used_is_said_to_be_unavailable(): Unit =
        case {
            fun permit(mode: String) {
                Files.setPosixFilePermissions(device.folder.toPath(), PosixFilePermissions.fromString(mode))
            }
            signIn()
            permit("rwxr-xr-x")
            device.openAgain()
            val unusable = failure { market.session.restore() }
            assertEquals(ErrorCode.STORE_UNAVAILABLE to false, unusable.code to unusable.isRetryable)
            assertEquals(SessionState.Locked(LockedReason.UNAVAILABLE), market.session.state.value)
            assertEquals(ErrorCode.STORE_UNAVAILABLE, failure { market.cart.get() }.code)
            permit("rwx------")
            assertState<SessionState.SignedIn>(market.session.restore())
            market.cart.get()
        }

    @Test
    fun a_store_that_does_not_erase_is_said_and_the_user_is_signed_out_all_the_same(): Unit =
        case {
            signIn()
            val secret = device.secrets().single()
            assertTrue(secret.delete() && secret.mkdir())
            val kept = failure { market.session.logout() }
            assertEquals(ErrorCode.STORE_NOT_CLEARED to false, kept.code to kept.isRetryable)
            assertEquals(SessionState.SignedOut(SignedOutReason.LOGGED_OUT), market.session.state.value)
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.cart.get() }.code)
            assertTrue(secret.delete())
            market.session.clear()
        }
}
