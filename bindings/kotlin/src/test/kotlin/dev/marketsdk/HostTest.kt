package dev.marketsdk

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.delay
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
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** Hosts that throw, block or call back: everything else goes on within a second. */
@Timeout(60)
class HostTest {
    private val server = devServer()
    private val market = server.client()
    private val release = CountDownLatch(1)

    @AfterEach
    fun stop() {
        release.countDown()
        market.close()
        server.close()
    }

    /** What a host may throw, whatever it is. */
    private val throwables =
        listOf<() -> Nothing>(
            { throw IllegalStateException("on purpose") },
            { throw AssertionError("on purpose") },
            { throw StackOverflowError("on purpose") },
            { throw OutOfMemoryError("on purpose") },
            { TODO("on purpose") },
        )

    private fun block() {
        release.await(60, TimeUnit.SECONDS)
    }

    private inline fun <T> withinASecond(
        what: String,
        act: () -> T,
    ): T {
        val start = TimeSource.Monotonic.markNow()
        return act().also { assertTrue(start.elapsedNow() < 1.seconds, "$what took ${start.elapsedNow()}") }
    }

    @Test
    fun `a listener of ends that throws, blocks or calls back harms nobody`(): Unit =
        runBlocking {
            val ends = LinkedBlockingQueue<String>()
            for ((number, throws) in throwables.withIndex()) {
                market.session.onEnd {
                    ends.add("thrower $number")
                    throws()
                }
            }
            market.session.onEnd {
                ends.add("blocker")
                block()
            }
            market.session.onEnd {
                market.session.resumed()
                ends.add("caller saw ${market.session.state.value::class.simpleName}")
            }
            market.session.onEnd { ends.add("other") }
            val all = throwables.indices.map { "thrower $it" }.toSet() + setOf("other", "caller saw SignedOut", "blocker")

            repeat(2) { round ->
                withinASecond("round $round") {
                    server.signIn(market)
                    market.cart.get()
                    market.session.logout()
                    // The blocker's second end waits for its first.
                    val expected = if (round == 0) all else all - "blocker"
                    val told = List(expected.size) { ends.poll(5, TimeUnit.SECONDS) }.toSet()
                    assertEquals(expected, told, "round $round")
                }
            }
            withinASecond("closing") { market.close() }
        }

    @Test
    fun `calls of coroutines that no dispatcher takes elsewhere do not block the core`(): Unit =
        runBlocking(Dispatchers.Default) {
            server.signIn(market)
            val calls = List(8) { async(Dispatchers.Unconfined) { market.cart.add(42, 1) } }
            withTimeout(10.seconds) { assertEquals((1L..8L).toList(), calls.awaitAll().map { it.items.single().quantity }.sorted()) }
        }

    @Test
    fun `a listener of states that throws or blocks harms nobody`(): Unit =
        runBlocking {
            val told = LinkedBlockingQueue<SessionState>()
            val session = market.session as Session
            throwables.forEach { throws -> session.observe(stateListener { throws() }) }
            session.observe(stateListener { block() })
            session.observe(stateListener { told.add(session.currentState()) })
            withinASecond("signing in and out") {
                server.signIn(market)
                withTimeout(5.seconds) { while (told.poll(5, TimeUnit.SECONDS) !is SessionState.SignedIn) { /* those before it */ } }
                market.session.logout()
            }
            withinASecond("closing") { market.close() }
        }

    @Test
    fun `a collector that blocks on the spot holds up nobody who reads the state`(): Unit =
        runBlocking(Dispatchers.Default) {
            val begun = CountDownLatch(1)
            val collecting =
                launch(Dispatchers.Unconfined) {
                    market.session.state.collect {
                        if (it is SessionState.SignedIn) {
                            begun.countDown()
                            block()
                        }
                    }
                }
            server.signIn(market)
            assertTrue(begun.await(10, TimeUnit.SECONDS))
            withinASecond("reading the state") {
                assertTrue(market.session.state.value is SessionState.SignedIn)
                market.session.logout()
                assertTrue(market.session.state.value is SessionState.SignedOut)
            }
            withinASecond("closing") { market.close() }
            release.countDown()
            collecting.cancel()
        }

    private fun stateListener(told: (SessionState) -> Unit) =
        object : SessionListener {
            override fun changed(state: SessionState) {
                told(state)
            }
        }

    @Test
    fun `a listener of the cart that throws or blocks harms nobody`(): Unit =
        runBlocking(Dispatchers.Default) {
            server.signIn(market)
            val cart = market.cart as ObservedCart
            val called = LinkedBlockingQueue<Int>()
            throwables.forEachIndexed { number, throws ->
                cart.observe(
                    cartListener {
                        called.add(number)
                        throws()
                    },
                )
            }
            val allCalled = { assertEquals(throwables.indices.toSet(), throwables.map { called.poll(5, TimeUnit.SECONDS) }.toSet()) }
            cart.observe(cartListener { block() })
            val seen = LinkedBlockingQueue<Int>()
            val following = launch { market.cart.updates.collect { seen.add(it?.items?.size ?: -1) } }
            assertEquals(-1, seen.poll(5, TimeUnit.SECONDS))
            allCalled()
            withinASecond("a change of the cart") {
                market.cart.add(42, 1)
                assertEquals(1, seen.poll(5, TimeUnit.SECONDS))
                // They are told of the change too, though they threw before.
                allCalled()
                market.session.logout()
                assertEquals(-1, seen.poll(5, TimeUnit.SECONDS))
            }
            withinASecond("closing") { market.close() }
            following.cancel()
        }

    private fun cartListener(told: (Cart?) -> Unit) =
        object : CartListener {
            override fun changed(cart: Cart?) {
                told(cart)
            }
        }

    @Test
    fun `a flow that nobody collects any more lets go of its listener`(): Unit =
        runBlocking {
            val before = FfiConverterTypeCartListener.handleMap.size
            repeat(3) { market.cart.updates.first() }
            withTimeout(10.seconds) { while (FfiConverterTypeCartListener.handleMap.size > before) delay(5.milliseconds) }
        }

    @Test
    fun `a log sink that throws, blocks or calls back harms nobody`(): Unit =
        runBlocking {
            val records = LinkedBlockingQueue<LogRecord>()
            try {
                for (throws in throwables) {
                    setLogSink(LogLevel.INFO) {
                        records.add(it)
                        throws()
                    }
                    withinASecond("a call") { market.session.markets() }
                    assertEquals("market_sdk", records.poll(5, TimeUnit.SECONDS)?.target?.substringBefore("::"))
                }
                setLogSink(LogLevel.INFO) {
                    records.add(it)
                    market.session.resumed()
                    block()
                }
                records.clear()
                withinASecond("a blocked log") {
                    repeat(3) { market.session.markets() }
                    assertEquals(LogLevel.INFO, records.poll(5, TimeUnit.SECONDS)?.level)
                    server.signIn(market)
                    market.close()
                }
            } finally {
                setLogSink(LogLevel.INFO, null)
            }
        }

    @Test
    fun `p10 the log holds no code, token or phone number`(): Unit =
        runBlocking {
            val records = LinkedBlockingQueue<LogRecord>()
            setLogSink(LogLevel.DEBUG) { records.add(it) }
            val code: String
            try {
                market.session.requestCode(PHONE)
                code = server.code(PHONE)
                market.session.verifyCode(PHONE, code)
                market.orders.place(NewOrder("Ann Example", PHONE, "1 Main Street", listOf(NewOrderItem(42, 1))))
                market.session.logout()
                // The sink has a thread of its own, and keeps the order.
                market.session.markets()
                withTimeout(10.seconds) { while (records.none { "markets" in it.message }) delay(5.milliseconds) }
            } finally {
                setLogSink(LogLevel.DEBUG, null)
            }
            val log = records.joinToString("\n") { it.message }
            assertTrue(records.size >= 5, log)
            for (secret in listOf("3128059851", code, "eyJ", "Ann Example", "Main Street")) {
                assertTrue(secret !in log, "a secret is in the log")
            }
        }

    private class Vault : SecureStore {
        val values = ConcurrentHashMap<String, ByteArray>()
        private val name = "vault ${System.identityHashCode(this)}"

        @Volatile var before: () -> Unit = {}

        override fun place(): String = name

        override fun read(key: String): ByteArray? {
            before()
            return values[key]
        }

        override fun write(
            key: String,
            value: ByteArray,
        ) {
            before()
            values[key] = value
        }

        override fun delete(key: String) {
            before()
            values.remove(key)
        }
    }

    @Test
    fun `a session is there for the next client in a store of the host's own`(): Unit =
        runBlocking {
            val vault = Vault()
            server.client(SessionStore.Host(vault)).use { first ->
                assertTrue(server.signIn(first).persisted)
            }
            assertEquals(1, vault.values.size)
            server.client(SessionStore.Host(vault)).use { next ->
                assertTrue(next.session.restore() is SessionState.SignedIn)
                next.session.logout()
            }
            assertEquals(0, vault.values.size)
        }

    @Test
    fun `what a store of the host's throws is told apart`(): Unit =
        runBlocking {
            val vault = Vault()
            vault.before = { throw StoreException.Locked() }
            server.client(SessionStore.Host(vault)).use { locked ->
                assertEquals(ErrorCode.STORE_LOCKED, failure { locked.session.restore() }.code)
                assertEquals(SessionState.Locked(LockedReason.LOCKED), locked.session.state.value)
                vault.before = {}
                locked.session.resumed()
                withTimeout(10.seconds) { locked.session.state.first { it is SessionState.SignedOut } }
                vault.before = { throw StoreException.Unavailable("on purpose") }
                assertFalse(server.signIn(locked).persisted)
            }
            for (throws in throwables) {
                val broken = Vault().apply { before = { throws() } }
                server.client(SessionStore.Host(broken)).use { client ->
                    withinASecond("a broken store") {
                        assertEquals(ErrorCode.STORE_UNAVAILABLE, failure { client.session.restore() }.code)
                    }
                }
            }
            val nameless =
                object : SecureStore by vault {
                    override fun place(): String = throw AssertionError("on purpose")
                }
            assertEquals(ErrorCode.CONFIG, failure { server.client(SessionStore.Host(nameless)) }.code)
        }

    @Test
    fun `a store of the host's that blocks or calls back holds up nobody else`(): Unit =
        runBlocking {
            val blocking = Vault().apply { before = { block() } }
            val own = server.client(SessionStore.Host(blocking))
            val calling = Vault()
            val other = server.client(SessionStore.Host(calling))
            calling.before = { other.session.resumed() }
            withinASecond("the other client") {
                assertTrue(server.signIn(other).persisted)
                other.session.logout()
                market.session.markets()
            }
            withinASecond("closing") {
                own.close()
                other.close()
            }
        }

    @Test
    fun `a subscription that is cancelled is told no more`(): Unit =
        runBlocking {
            val ends = LinkedBlockingQueue<String>()
            market.session.onEnd { ends.add("cancelled") }.cancel()
            market.session.onEnd { ends.add("other") }
            server.signIn(market)
            market.session.logout()
            assertEquals("other", ends.poll(5, TimeUnit.SECONDS))
            assertEquals(null, ends.poll(200, TimeUnit.MILLISECONDS))
        }

    @Test
    fun `a program whose listener blocks ends all the same`() {
        assertEquals(listOf("2 markets", "bye"), program("dev.marketsdk.Blocked", "-Dmarket.base-url=${server.baseUrl}"))
    }
}

internal object Blocked {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val market =
            MarketClient(
                System.getProperty("market.base-url"),
                "com.example.shop",
                store = SessionStore.Memory,
                allowHttpLoopback = true,
            )
        val blocked = CountDownLatch(1)
        (market.session as Session).observe(
            object : SessionListener {
                override fun changed(state: SessionState) {
                    println("${runBlocking { market.session.markets() }.supported.size} markets")
                    blocked.countDown()
                    Thread.sleep(60_000)
                }
            },
        )
        blocked.await()
        println("bye")
    }
}
