package shop

import dev.marketsdk.ErrorCode
import dev.marketsdk.FieldError
import dev.marketsdk.LockedReason
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.Method
import dev.marketsdk.NewOrder
import dev.marketsdk.OrderOutcome
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.RawRequest
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.SignedOutReason
import dev.marketsdk.format
import dev.marketsdk.program
import dev.marketsdk.requireValidity
import dev.marketsdk.test.FakeCall
import dev.marketsdk.test.FakeMarketClient
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.currentTime
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.util.Locale
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

internal const val ANN = "+13128059851"

internal suspend fun failure(call: suspend () -> Any?): MarketException =
    try {
        throw AssertionError("it did not fail: ${call()}")
    } catch (e: MarketException) {
        e
    }

/** What a test steers on a fake. That the fake is as the real client otherwise is shown in `dev.marketsdk.fakes`. */
class FakesTest {
    private val market = FakeMarketClient(signedInAs = ANN)

    @Test
    fun `an app is tested without a network, without the native library and without JNA`() {
        assertEquals(listOf("$39.98", "SESSION_EXPIRED", "Expired"), program("shop.Tested", library = "/nowhere", without = "/jna"))
    }

    @Test
    fun `a session's time is up, and calls are shown to wait`() =
        runTest {
            val ends = mutableListOf<String>()
            market.session.onEnd { ends += it.reason.name }
            market.expire(waiting = 3)
            assertEquals(3, (market.session.state.value as SessionState.Expired).waiting)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
            assertEquals(listOf("EXPIRED"), ends)
            assertThrows(IllegalStateException::class.java) { market.expire() }
        }

    @Test
    fun `calls wait as long as it is not known who is signed in`() =
        runTest {
            val signedIn = market.session.state.value
            market.show(SessionState.Restoring)
            val cart = async { market.cart.get() }
            val state = async { failure { market.session.restore() }.code }
            runCurrent()
            assertFalse(cart.isCompleted || state.isCompleted)
            market.show(SessionState.Locked(LockedReason.LOCKED))
            runCurrent()
            assertFalse(cart.isCompleted)
            assertEquals(ErrorCode.STORE_LOCKED, state.await())
            market.show(signedIn)
            assertEquals(19L, cart.await().userId)
        }

    @Test
    fun `a session that ends soon is said, and asked for`() =
        runTest {
            val told = mutableListOf<Long>()
            market.session.onExpiringSoon { told += it.left.toMinutes() }
            market.expiringSoon(left = 2.minutes)
            market.session.onExpiringSoon { told += it.user.id }
            assertEquals(listOf(2L, 19L), told)
            market.session.requireValidity(1.minutes)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.session.requireValidity(5.minutes) }.code)
        }

    @Test
    fun `what a real client is not built with, a fake is not`() {
        val clients =
            listOf<() -> Any>(
                { FakeMarketClient(parkOnExpiry = ParkOnExpiry(0, 5.minutes)) },
                { FakeMarketClient(parkOnExpiry = ParkOnExpiry(1001, 1.minutes)) },
                { FakeMarketClient(expiringSoon = 0.minutes) },
                { FakeMarketClient(orderSettleTime = 25.hours) },
            )
        val built = { build: () -> Any -> (runCatching { build() }.exceptionOrNull() as? MarketException)?.let { it.code to it.message } }
        val park = ParkOnExpiry(0, 5.minutes)
        val real = { parks: ParkOnExpiry?, soon: Int?, settle: Int? ->
            built { MarketClient("https://a.example", "a", null, SessionStore.Memory, parkOnExpiry = parks, expiringSoon = soon?.hours, orderSettleTime = settle?.hours) }
        }
        val refused = listOf(real(park, null, null), real(park, null, null), real(null, 0, null), real(null, null, 25))
        assertEquals(refused, clients.map(built))
        assertEquals(ErrorCode.CONFIG, refused.first()?.first)
    }

    @Test
    fun `a code is not spent as long as it is not known who is signed in`() =
        runTest {
            market.session.logout()
            market.session.requestCode(ANN)
            market.show(SessionState.Locked(LockedReason.LOCKED))
            assertEquals(ErrorCode.STORE_LOCKED, failure { market.session.verifyCode(ANN, "123456") }.code)
            market.show(SessionState.Locked(LockedReason.UNAVAILABLE))
            assertEquals(ErrorCode.STORE_UNAVAILABLE, failure { market.session.verifyCode(ANN, "123456") }.code)
            market.show(SessionState.Restoring)
            val tap = async { market.session.verifyCode(ANN, "123456") }
            runCurrent()
            assertFalse(tap.isCompleted)
            market.show(SessionState.SignedOut(SignedOutReason.NO_SESSION))
            assertEquals(19L, tap.await().user.id)
        }

    @Test
    fun `a logout overtakes a sign-in that has hardly begun`() =
        runTest {
            market.session.requestCode(ANN)
            val tap = async(start = CoroutineStart.UNDISPATCHED) { failure { market.session.verifyCode(ANN, "123456") } }
            market.session.logout()
            assertEquals(ErrorCode.SIGNED_OUT, tap.await().code)
            assertTrue(market.session.state.value is SessionState.SignedOut)
            market.session.verifyCode(ANN, "123456")
        }

    @Test
    fun `the next calls fail as they are told to, and then no more`() =
        runTest {
            market.fail(ErrorCode.NETWORK, times = 2)
            assertEquals(ErrorCode.NETWORK, failure { market.cart.get() }.code)
            assertEquals(ErrorCode.NETWORK, failure { market.session.markets() }.code)
            market.cart.get()

            market.fail(ErrorCode.RATE_LIMITED, "wishlist.get", retryAfter = 30.seconds)
            market.cart.get()
            val limited = failure { market.wishlist.get() }
            assertEquals(30L to 429, limited.retryAfter?.seconds to limited.status)
            assertTrue(limited.isRetryable)

            market.fail(ErrorCode.INVALID_INPUT, fields = listOf(FieldError("city", "We do not deliver there.")))
            assertEquals("We do not deliver there.", failure { market.orders.list() }.message)

            market.fail(ErrorCode.SERVER, "cart.add", acted = true)
            assertEquals(500, failure { market.cart.add(42, 1) }.status)
            assertEquals(1, market.cart.get().items.size)

            market.fail(ErrorCode.SESSION_EXPIRED)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
            assertTrue(market.session.state.value is SessionState.Expired)
        }

    @Test
    fun `no call fails as the real one cannot`() {
        val failures =
            listOf(
                ErrorCode.NETWORK to "cart.ad",
                ErrorCode.NETWORK to "session.logout",
                ErrorCode.SERVER to "session.clear",
                ErrorCode.STORE_NOT_CLEARED to "cart.add",
                ErrorCode.STORE_NOT_CLEARED to null,
                ErrorCode.SESSION_EXPIRED to "session.markets",
            )
        for ((code, call) in failures) {
            assertThrows(IllegalArgumentException::class.java, { market.fail(code, call) }, "$code $call")
        }
    }

    @Test
    fun `a failure waits for a call that reaches the shop`() =
        runTest {
            market.fail(ErrorCode.SESSION_EXPIRED)
            market.session.markets()
            market.session.clear()
            failure { market.cart.get() }
            market.session.requestCode(ANN)
            market.session.verifyCode(ANN, "123456")
            market.orders.resolve()
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
        }

    @Test
    fun `an order whose answer is cut off is unknown, and one that was not sent is not placed`() =
        runTest {
            val order = NewOrder("Ann", ANN, "1 Main St")
            market.cart.add(42, 1)
            market.fail(ErrorCode.NETWORK, "orders.place")
            assertEquals(ErrorCode.NETWORK, failure { market.orders.place(order) }.code)
            assertEquals(OrderOutcome.NothingPending, market.orders.resolve())
            market.fail(ErrorCode.NETWORK, "orders.place", acted = true)
            assertEquals(ErrorCode.OUTCOME_UNKNOWN, failure { market.orders.place(order) }.code)
            assertTrue(market.orders.resolve() is OrderOutcome.Placed)
        }

    @Test
    fun `a logout goes through while other calls fail, unless it is to fail itself`() =
        runTest {
            market.fail(ErrorCode.NETWORK)
            market.session.logout()
            market.fail(ErrorCode.STORE_NOT_CLEARED, "session.logout")
            assertEquals(ErrorCode.STORE_NOT_CLEARED, failure { market.session.logout() }.code)
            assertTrue(market.session.state.value is SessionState.SignedOut)
        }

    @Test
    fun `calls take virtual time`() =
        runTest {
            market.delay(2.seconds)
            market.delay(3.seconds, "orders.list")
            market.session.profile()
            assertEquals(2_000, currentTime)
            market.orders.list()
            assertEquals(5_000, currentTime)
            listOf(async { market.cart.add(42, 1) }, async { market.cart.add(42, 1) }).forEach { it.await() }
            assertEquals(9_000, currentTime)
            market.delay(1.seconds, "session.verifyCode")
            listOf("0000", "9999").map { async { failure { market.session.verifyCode(ANN, it) } } }.forEach { it.await() }
            assertEquals(11_000, currentTime)
        }

    @Test
    fun `calls are held until they are let go`() =
        runTest {
            market.hold("cart.add")
            val add = async { market.cart.add(42, 1) }
            market.arrived("cart.add")
            assertFalse(add.isCompleted)
            market.session.profile()
            market.release()
            assertEquals(1, add.await().items.size)
            market.cart.add(42, 1)
            assertThrows(IllegalArgumentException::class.java) { runBlocking { market.arrived("cart.ad") } }
        }

    @Test
    fun `calls that are on their way are waited for, in virtual time and on other threads`() =
        runTest {
            market.delay(2.seconds)
            val both = async { market.arrived("wishlist.get", count = 2) }
            val reads = mutableListOf(async { market.wishlist.get() })
            runCurrent()
            assertFalse(both.isCompleted)
            reads += async { market.wishlist.get() }
            both.await()
            assertEquals(0, currentTime)
            reads.forEach { it.await() }
            market.hold()
            val elsewhere = async(Dispatchers.Default) { market.wishlist.get() }
            market.arrived("wishlist.get")
            market.release()
            elsewhere.await()
        }

    @Test
    fun `what is not under way in time is said, with what is`() =
        runTest {
            market.hold()
            val read = async { market.cart.get() }
            market.arrived("cart.get")
            val late = runCatching { market.arrived("cart.get", 2, 1.milliseconds) }.exceptionOrNull()
            assertEquals("cart.get is not under way 2 times within 1ms, but cart.get", late?.message)
            market.release()
            read.await()
            val over = runCatching { market.arrived("cart.get", 1, 1.milliseconds) }.exceptionOrNull()
            assertEquals("cart.get is not under way 1 times within 1ms, but nothing", over?.message)
        }

    @Test
    fun `what a route answers is for those that have no call of their own, and braces stand for a part`() =
        runTest {
            market.shop.answer("GET /products/{id}", "[1]")
            market.shop.answer("GET /products/2/", "[2]")
            suspend fun read(path: String) = market.request(RawRequest(Method.GET, path)).body
            assertEquals("[1]", read("/products/7/"))
            assertEquals("[2]", read("/products/2"))
            assertEquals(ErrorCode.UNSUPPORTED, failure { read("/products") }.code)
            assertEquals(ErrorCode.UNSUPPORTED, failure { read("/products/7/more") }.code)
            for (route in listOf("POST /cart/items", "GET /cart/", "PUT /cart/items/7", "DELETE /cart/items/{line}")) {
                assertThrows(IllegalArgumentException::class.java) { market.shop.answer(route, "[]") }
            }
            market.shop.answer("GET /cart/items", "[]")
        }

    @Test
    fun `what waits for a session loses patience, in virtual time`() =
        runTest {
            val parking = FakeMarketClient(ANN, parkOnExpiry = ParkOnExpiry(10, 5.minutes))
            parking.expire()
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { parking.cart.get() }.code)
            assertEquals(300_000, currentTime)
        }

    @Test
    fun `a scope that ends takes its waiting call with it`() =
        runTest {
            val parking = FakeMarketClient(ANN, parkOnExpiry = ParkOnExpiry(10, 5.minutes))
            val screen = TestScope(testScheduler)
            parking.expire()
            val add = screen.async { parking.cart.add(42, 1) }
            runCurrent()
            assertEquals(1, (parking.session.state.value as SessionState.Expired).waiting)
            screen.cancel()
            runCurrent()
            assertTrue(runCatching { add.await() }.exceptionOrNull() is CancellationException)
            assertEquals(0, (parking.session.state.value as SessionState.Expired).waiting)
            parking.session.requestCode(ANN)
            parking.session.verifyCode(ANN, "123456")
            assertTrue(parking.cart.get().items.isEmpty())
        }

    @Test
    fun `what the app has called can be looked at`() =
        runTest {
            market.cart.add(42, 2)
            failure { market.cart.add(42, 0) }
            market.session.resumed()
            val calls = listOf(FakeCall("cart.add", 42L, 2), FakeCall("cart.add", 42L, 0))
            assertEquals(calls + FakeCall("session.resumed"), market.calls)
            assertEquals("cart.add(42, 2)", market.calls.first().toString())
        }

    @Test
    fun `a listener that throws harms nobody and is heard of, and one that was cancelled is told nothing`() =
        runTest {
            var told = 0
            val (err, heard) = System.err to ByteArrayOutputStream()
            System.setErr(PrintStream(heard))
            market.session.onEnd { throw IllegalStateException("on purpose") }
            market.session.onEnd { told += 1 }.cancel()
            market.session.onEnd { told += 10 }
            try {
                market.session.logout()
            } finally {
                System.setErr(err)
            }
            assertEquals(10, told)
            assertTrue("on purpose" in heard.toString())
        }

    @Test
    fun `states and carts are flows`() =
        runTest {
            val (states, carts) = mutableListOf<String?>() to mutableListOf<Int?>()
            val screens =
                listOf(
                    market.session.state.onEach { states += it::class.simpleName },
                    market.cart.updates.onEach { carts += it?.items?.size },
                )
            val following = screens.map { it.launchIn(this) }
            runCurrent()
            market.cart.add(42, 2)
            runCurrent()
            market.expire()
            runCurrent()
            market.session.logout()
            runCurrent()
            assertEquals(listOf("SignedIn", "Expired", "SignedOut"), states)
            assertEquals(listOf(null, 1, null), carts)
            following.forEach { it.cancel() }
        }

    @Test
    fun `many threads may use a fake`(): Unit =
        runBlocking(Dispatchers.Default) {
            List(500) { launch { market.cart.add(42, 1).items.size.let { lines -> assertEquals(1, lines) } } }.forEach { it.join() }
            assertEquals(500L, market.cart.get().items.single().quantity)
        }
}

internal object Tested {
    @JvmStatic
    fun main(arguments: Array<String>): Unit =
        runBlocking {
            val market = FakeMarketClient(signedInAs = ANN)
            println(market.cart.add(42, 2).totalPrice.format(Locale.US))
            market.expire()
            try {
                market.cart.get()
            } catch (e: MarketException) {
                println(e.code)
            }
            println(market.session.state.value::class.simpleName)
        }
}
