package dev.marketsdk.conformance

import dev.marketsdk.Cart
import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.KG_PHONE
import dev.marketsdk.SessionState
import dev.marketsdk.SignedOutReason
import dev.marketsdk.failure
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.seconds

/** Who is told, and hosts that do not behave. */
class ListenersConformanceTest : ConformanceTest() {
    /** Runs [test] with all that [flow] gives. */
    private suspend fun <T> Case.following(
        flow: Flow<T>,
        test: suspend (ReceiveChannel<T>) -> Unit,
    ) {
        val seen = Channel<T>(Channel.UNLIMITED)
        val collecting = launch { flow.collect(seen::send) }
        test(seen)
        collecting.cancel()
    }

    private suspend fun ReceiveChannel<SessionState>.next(wanted: SessionState) = next { it == wanted }

    private suspend fun ReceiveChannel<SessionState>.next(wanted: (SessionState) -> Boolean) {
        var state = receive()
        while (!wanted(state)) {
            val between = state is SessionState.Restoring || (state is SessionState.SignedIn && !state.persisted)
            assertTrue(between, "out of order: $state")
            state = receive()
        }
    }

    @Test
    fun the_states_come_in_order(): Unit =
        case {
            following(market.session.state) { states ->
                val signedIn = { state: SessionState -> state is SessionState.SignedIn && state.persisted }
                market.session.restore()
                states.next(SessionState.SignedOut(SignedOutReason.NO_SESSION))
                signIn()
                states.next(signedIn)
                server.expireSessions()
                assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
                states.next { it is SessionState.Expired && it.reason == EndReason.REJECTED }
                server.advanceClock(1.seconds)
                signIn()
                states.next(signedIn)
                market.session.logout()
                states.next(SessionState.SignedOut(SignedOutReason.LOGGED_OUT))
            }
        }

    @Test
    fun a_listener_that_throws_harms_nobody(): Unit =
        case {
            signIn()
            market.session.onEnd { throw IllegalStateException("on purpose") }
            val ends = Ends(market)
            market.session.logout()
            server.advanceClock(1.seconds)
            signIn()
            market.cart.get()
            market.session.logout()
            assertEquals(2, ends.all().size)
        }

    @Test
    fun a_listener_that_blocks_holds_up_nobody(): Unit =
        case {
            signIn()
            val (begun, release) = CountDownLatch(1) to CountDownLatch(1)
            market.session.onEnd {
                begun.countDown()
                release.await()
            }
            val ends = Ends(market)
            market.session.logout()
            assertTrue(begun.await(10, TimeUnit.SECONDS))
            assertEquals(EndReason.LOGGED_OUT, ends.next().reason)
            server.advanceClock(1.seconds)
            signIn()
            market.cart.get()
            release.countDown()
        }

    @Test
    fun a_listener_that_calls_back_is_answered(): Unit =
        case {
            signIn()
            val told = LinkedBlockingQueue<Pair<SessionState, Int>>()
            market.session.onEnd {
                told.add(market.session.state.value to runBlocking { market.session.markets() }.supported.size)
            }
            server.expireSessions()
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
            val (state, markets) = checkNotNull(told.poll(10, TimeUnit.SECONDS))
            assertState<SessionState.Expired>(state)
            assertEquals(2, markets)
        }

    private suspend fun ReceiveChannel<Cart?>.shows(
        wanted: List<Pair<Long, Long>>?,
        before: List<Pair<Long, Long>>?,
    ) {
        while (true) {
            val cart = receive()?.let(::lines)
            if (cart == wanted) return
            assertEquals(before, cart, "out of order")
        }
    }

    @Test
    fun who_observes_the_cart_is_shown_each_change(): Unit =
        case {
            signIn()
            following(market.cart.updates) { carts ->
                carts.shows(null, null)
                market.cart.get()
                carts.shows(listOf(), null)
                market.cart.add(42, 2)
                carts.shows(listOf(42L to 2L), listOf())
                market.orders.place(fromCart)
                carts.shows(listOf(), listOf(42L to 2L))
                market.session.logout()
                carts.shows(null, listOf())
            }
        }

    @Test
    fun who_observes_the_cart_is_shown_what_a_failed_change_has_left(): Unit =
        case {
            signIn()
            following(market.cart.updates) { carts ->
                carts.shows(null, null)
                once("POST /cart/items", """{"kind": "status", "status": 500, "acted": true}""")
                assertEquals(ErrorCode.SERVER, failure { market.cart.add(42, 2) }.code)
                carts.shows(listOf(42L to 2L), null)
            }
        }

    @Test
    fun who_observes_the_cart_is_never_shown_another_users(): Unit =
        case {
            signIn()
            following(market.cart.updates) { carts ->
                carts.shows(null, null)
                market.cart.add(42, 2)
                carts.shows(listOf(42L to 2L), null)
                server.expireSessions()
                assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
                server.advanceClock(1.seconds)
                signIn()
                market.cart.add(88, 1)
                carts.shows(listOf(42L to 2L, 88L to 1L), listOf(42L to 2L))
                market.session.logout()
                carts.shows(null, listOf(42L to 2L, 88L to 1L))
                signIn(KG_PHONE)
                market.cart.get()
                var shown = carts.receive()
                while (shown == null) shown = carts.receive()
                assertEquals(emptyList<Any>(), shown.items)
                assertNotEquals(19L, shown.userId)
            }
        }
}
