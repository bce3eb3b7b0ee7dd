package dev.marketsdk

import dev.marketsdk.test.Fault
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.math.BigDecimal
import java.time.Instant
import java.util.Locale
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

@Timeout(60)
class MarketClientTest {
    private val server = devServer()
    private val market = server.client()

    @AfterEach
    fun stop() {
        market.close()
        server.close()
    }

    private suspend fun signIn() = server.signIn(market)

    private suspend inline fun <reified T : SessionState> state(): T =
        withTimeout(10.seconds) { market.session.state.first { it is T } as T }

    @Test
    fun `a shopper signs in, fills a cart and orders it`() =
        runBlocking {
            assertFalse(market.session.restore() is SessionState.SignedIn)
            val sent = market.session.requestCode("+1 (312) 805-9851")
            assertTrue(sent.retryAt.isAfter(Instant.EPOCH))
            val signIn = market.session.verifyCode(PHONE, server.code(PHONE))
            assertEquals(PHONE, signIn.user.phone.value)
            assertEquals(Market.Us, signIn.user.market)
            assertEquals(PHONE, state<SessionState.SignedIn>().user.phone.value)

            val cart = market.cart.add(skuId = 42, quantity = 2)
            assertEquals(1, cart.items.size)
            assertEquals(BigDecimal("39.98"), cart.totalPrice.amount)
            assertEquals("USD", cart.totalPrice.currency)
            assertEquals("$39.98", cart.totalPrice.format(Locale.US))

            val order = market.orders.place(NewOrder("Ann", PHONE, "1 Main Street"))
            assertEquals(BigDecimal("39.98"), order.subtotal?.amount)
            assertEquals(listOf(order.id), market.orders.list().map { it.id })
            assertEquals(OrderStatus.Cancelled, market.orders.cancel(order.id).status)
            assertTrue(market.cart.get().items.isEmpty())

            market.session.logout()
            assertEquals(SignedOutReason.LOGGED_OUT, state<SessionState.SignedOut>().reason)
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.cart.get() }.code)
        }

    @Test
    fun `an expired session is said by the call, by the state and once by the listener`() =
        runBlocking {
            val ends = LinkedBlockingQueue<SessionEnd>()
            market.session.onEnd { ends.add(it) }
            signIn()
            state<SessionState.SignedIn>()
            server.expireSessions()

            val calls = List(20) { async(Dispatchers.Default) { failure { market.cart.get() } } }
            val failures = calls.map { it.await() }
            assertEquals(setOf(ErrorCode.SESSION_EXPIRED), failures.map { it.code }.toSet())
            val failure = failures.first()
            assertEquals("Your session has expired. Please sign in again.", failure.message)
            assertFalse(failure.isRetryable)

            val expired = state<SessionState.Expired>()
            assertEquals(PHONE, expired.user.phone.value)
            assertEquals(EndReason.REJECTED, expired.reason)
            assertEquals(EndReason.REJECTED, ends.poll(5, TimeUnit.SECONDS)?.reason)
            assertEquals(null, ends.poll(200, TimeUnit.MILLISECONDS))
        }

    @Test
    fun `calls that an expiry stops wait for the same user, and go with their coroutine`(): Unit =
        runBlocking {
            MarketClient(
                baseUrl = server.baseUrl,
                appId = "com.example.shop",
                store = SessionStore.Memory,
                allowHttpLoopback = true,
                parkOnExpiry = ParkOnExpiry(limit = 10, patience = 5.minutes),
            ).use { shop ->
                suspend fun waiting(calls: Int) =
                    withTimeout(10.seconds) {
                        shop.session.state.first { (it as? SessionState.Expired)?.waiting == calls }
                    }
                server.signIn(shop)
                shop.session.requireValidity(10.minutes)
                assertEquals(ErrorCode.SESSION_EXPIRED, failure { shop.session.requireValidity(24.hours) }.code)
                shop.session.onExpiringSoon { }.cancel()
                server.expireSessions()

                val add = async { shop.cart.add(42, 2) }
                waiting(1)
                assertEquals(
                    ErrorCode.SESSION_EXPIRED,
                    failure { shop.orders.place(NewOrder("Ann", PHONE, "1 Main Street")) }.code,
                )
                val order = async { shop.orders.place(NewOrder("Ann", PHONE, "1 Main Street", parkOnExpiry = true)) }
                waiting(2)
                val gone = launch { shop.cart.add(88, 1) }
                waiting(3)
                gone.cancelAndJoin()
                waiting(2)
                // Two sign-ins within one second give the same token, which is not accepted any more.
                server.advanceClock(1.seconds)
                server.signIn(shop)
                assertEquals(1, add.await().items.size)
                assertEquals(OrderStatus.Pending, order.await().status)
                assertEquals(1, shop.orders.list().size)
                assertTrue(shop.cart.get().items.isEmpty())
            }
        }

    @Test
    fun `errors are told apart by their code`() =
        runBlocking {
            val phone = failure { market.session.requestCode("12345") }
            assertEquals(ErrorCode.INVALID_INPUT, phone.code)
            assertEquals(listOf("phone"), phone.fields.map { it.path })
            assertEquals(phone.fields.single().message, phone.message)

            market.session.requestCode(PHONE)
            val wrong = if (server.code(PHONE) == "000000") "000001" else "000000"
            val code = failure { market.session.verifyCode(PHONE, wrong) }
            assertEquals(ErrorCode.WRONG_CODE, code.code)
            assertEquals(400, code.status)

            signIn()
            assertEquals(ErrorCode.INVALID_INPUT, failure { market.cart.add(42, -1) }.code)
            assertEquals(ErrorCode.INVALID_INPUT, failure { market.cart.setQuantity(1, -1) }.code)
            server.fault("GET /auth/profile", Fault.status(429, retryAfter = 15.minutes))
            val limited = failure { market.session.profile() }
            assertEquals(ErrorCode.RATE_LIMITED, limited.code)
            assertEquals(900, limited.retryAfter?.seconds)
            assertTrue(limited.isRetryable)

            server.close()
            assertEquals(ErrorCode.NETWORK, failure { market.cart.get() }.code)
            assertEquals(ErrorCode.CONFIG, failure { MarketClient(baseUrl = "ftp://x", appId = "a") }.code)
            val backwards = failure { MarketClient(baseUrl = "https://x", appId = "a", timeout = (-1).seconds) }
            assertEquals(ErrorCode.CONFIG, backwards.code)
            val noBackup = failure { MarketClient(baseUrl = "https://x", appId = "a", pinnedKeys = listOf("sha256/r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E=")) }
            assertEquals(ErrorCode.CONFIG, noBackup.code)
            val elsewhere = failure { MarketClient(baseUrl = "https://x", appId = "a", installMarker = File("app.install")) }
            assertEquals(ErrorCode.CONFIG, elsewhere.code)
        }

    @Test
    fun `cancelling a coroutine closes the request at the server`() =
        runBlocking {
            signIn()
            for ((route, read) in listOf<Pair<String, suspend () -> Any>>(
                "/auth/profile" to { market.session.profile() },
                "/cart" to { market.cart.get() },
            )) {
                server.hold("GET $route")
                var thrown: Throwable? = null
                val call =
                    launch(Dispatchers.Default) {
                        thrown = runCatching { read() }.exceptionOrNull()
                    }
                server.arrived("GET $route")
                val cancelled = TimeSource.Monotonic.markNow()
                call.cancel()
                server.request(route) { it.aborted }
                val seen = cancelled.elapsedNow()
                println("figure: GET $route was seen to be closed $seen after the coroutine was cancelled")
                assertTrue(seen < 1.seconds, "$seen")
                call.join()
                assertTrue(thrown is CancellationException, "$thrown")
                server.release()
            }
            // And the next call works.
            market.session.profile()
            assertTrue(market.cart.get().items.isEmpty())
        }

    @Test
    fun `a cart write that has begun is completed though its coroutine is cancelled, and the next call waits`() =
        runBlocking {
            signIn()
            server.fault("POST /cart/items", Fault.latency(400.milliseconds, acted = true), times = 1)
            val add = launch(Dispatchers.Default) { market.cart.add(skuId = 42, quantity = 2) }
            server.arrived("POST /cart/items")
            add.cancel()
            add.join()
            assertEquals(listOf(2L), market.cart.get().items.map { it.quantity })
            assertFalse(server.requests("/cart/items").single().aborted)
        }

    @Test
    fun `a session that is stored in a file is there for the next client`(
        @TempDir folder: File,
    ) = runBlocking {
        val store = SessionStore.File(folder.path)
        server.client(store).use { first ->
            first.session.requestCode(PHONE)
            assertTrue(first.session.verifyCode(PHONE, server.code(PHONE)).persisted)
        }
        server.client(store).use { next ->
            assertTrue(next.session.restore() is SessionState.SignedIn)
            assertTrue(next.session.verifyToken().valid)
        }
    }

    @Test
    fun `who begins to collect after a call begins with what the call has done`() =
        runBlocking(Dispatchers.Default) {
            repeat(40) {
                signIn()
                assertTrue(market.session.state.first() is SessionState.SignedIn)
                market.session.logout()
                assertTrue(market.session.state.first() is SessionState.SignedOut)
            }
        }

    @Test
    fun `another route goes through the same door`() =
        runBlocking {
            signIn()
            val body = """{"sku_id": 42, "quantity": 1}"""
            val added = market.request(RawRequest(Method.POST, "/cart/items", json = body))
            assertEquals(200, added.status)
            assertTrue("19.99" in added.body, added.body)
            val notJson = failure { market.request(RawRequest(Method.POST, "/cart/items", json = "{")) }
            assertEquals(listOf("json"), notJson.fields.map { it.path })
            assertEquals(ErrorCode.INVALID_INPUT, failure { market.request(RawRequest(Method.GET, "//x")) }.code)
            val sent = server.requests("/cart/items").last()
            assertTrue(sent.headers.getValue("authorization").startsWith("Bearer "))
        }
}
