package dev.marketsdk

import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** Hosts that throw, block or call back: everything else goes on within a second. */
@Timeout(60)
class HostTest {
    private val server = DevServer()
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
    fun `a listener of states that throws or blocks harms nobody`(): Unit =
        runBlocking {
            val told = LinkedBlockingQueue<SessionState>()
            val session = market.session as Session
            throwables.forEach { throws -> session.observe(stateListener { throws() }) }
            session.observe(stateListener { block() })
            session.observe(stateListener { told.add(session.currentState()) })
            withinASecond("signing in and out") {
                server.signIn(market)
                withTimeout(5.seconds) { while (told.poll(5, TimeUnit.SECONDS) !is SessionState.SignedIn) Unit }
                market.session.logout()
            }
            withinASecond("closing") { market.close() }
        }

    private fun stateListener(told: (SessionState) -> Unit) =
        object : SessionListener {
            override fun changed(state: SessionState) {
                told(state)
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
        assertEquals(listOf("blocked", "bye"), program("Blocked", "-Dmarket.base-url=${server.baseUrl}"))
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
                    blocked.countDown()
                    Thread.sleep(60_000)
                }
            },
        )
        blocked.await()
        println("blocked")
        println("bye")
    }
}
