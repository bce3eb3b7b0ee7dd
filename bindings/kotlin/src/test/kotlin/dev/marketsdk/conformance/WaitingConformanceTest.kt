package dev.marketsdk.conformance

import dev.marketsdk.Cart
import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.ExpiringSoon
import dev.marketsdk.KG_PHONE
import dev.marketsdk.Market
import dev.marketsdk.OrderStatus
import dev.marketsdk.PHONE
import dev.marketsdk.SessionState
import dev.marketsdk.failure
import dev.marketsdk.requireValidity
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.supervisorScope
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.LinkedBlockingQueue
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** Calls that wait for a session, and sessions that end soon. */
class WaitingConformanceTest : ConformanceTest() {
    /** Follows the states until so many calls wait. */
    private suspend fun Case.waits(calls: Int) =
        market.session.state.first { it is SessionState.Expired && it.waiting == calls } as SessionState.Expired

    private suspend fun Case.signInLater() {
        server.advanceClock(1.seconds)
        signIn()
    }

    @Test
    fun calls_that_an_expiry_stops_go_on_in_order_after_the_same_user_signs_in(): Unit =
        case {
            parks(10)
            signIn()
            val ends = Ends(market)
            server.expireSessions()
            val calls = mutableListOf(async { market.cart.add(42, 2) })
            val expired = waits(1)
            assertEquals(EndReason.REJECTED, expired.reason)
            assertEquals(19L to PHONE, expired.user.id to expired.user.phone.value)
            calls += async { market.cart.add(88, 1) }
            waits(2)
            calls += async { market.cart.get() }
            waits(3)
            signInLater()
            val both = listOf(42L to 2L, 88L to 1L)
            assertEquals(listOf(both.take(1), both, both), calls.awaitAll().map(::lines))
            assertEquals(listOf(EndReason.REJECTED), ends.reasons())
        }

    @Test
    fun after_another_user_signs_in_what_waited_is_never_sent(): Unit =
        case {
            parks(10)
            signIn()
            server.expireSessions()
            val add = async { failure { market.cart.add(42, 2) }.code }
            waits(1)
            val profile = async { failure { market.session.profile() }.code }
            waits(2)
            assertEquals(Market.Kg, signIn(KG_PHONE).user.market)
            assertTrue(market.cart.get().items.isEmpty())
            assertEquals(listOf(ErrorCode.SIGNED_OUT, ErrorCode.SIGNED_OUT), listOf(add, profile).awaitAll())
        }

    @Test
    fun a_logout_ends_what_waits(): Unit =
        case {
            parks(10)
            signIn()
            server.expireSessions()
            val add = async { failure { market.cart.add(42, 2) }.code }
            waits(1)
            market.session.logout()
            assertEquals(ErrorCode.SIGNED_OUT, add.await())
            signInLater()
            assertTrue(market.cart.get().items.isEmpty())
        }

    @Test
    fun a_call_that_is_cancelled_while_it_waits_for_a_session_is_not_made(): Unit =
        case {
            parks(10)
            signIn()
            server.expireSessions()
            // A supervisor, so that what is cancelled ends alone.
            supervisorScope {
                val first = async { market.cart.add(42, 2) }
                waits(1)
                val second = async { market.cart.add(88, 1) }
                waits(2)
                first.cancel()
                waits(1)
                signInLater()
                assertTrue(runCatching { first.await() }.exceptionOrNull() is CancellationException)
                assertEquals(listOf(88L to 1L), lines(second.await()))
            }
        }

    @Test
    fun of_calls_that_an_expiry_stops_the_one_over_the_limit_fails_at_once(): Unit =
        case {
            parks(1)
            signIn()
            server.expireSessions()
            val add = async { market.cart.add(42, 2) }
            waits(1)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.session.profile() }.code)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
            signInLater()
            assertEquals(listOf(42L to 2L), lines(add.await()))
        }

    @Test
    fun an_order_waits_for_a_session_only_if_it_is_asked_to(): Unit =
        case {
            parks(10)
            signIn()
            market.cart.add(42, 2)
            server.expireSessions()
            val profile = async { market.session.profile() }
            waits(1)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.orders.place(fromCart) }.code)
            val order = async { market.orders.place(fromCart.copy(parkOnExpiry = true)) }
            waits(2)
            signInLater()
            assertEquals(19L, profile.await().id)
            assertEquals(OrderStatus.Pending, order.await().status)
        }

    @Test
    fun a_session_that_ends_too_soon_for_a_checkout_is_said_and_goes_on(): Unit =
        case {
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.session.requireValidity(10.minutes) }.code)
            signIn()
            market.session.requireValidity(10.minutes)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.session.requireValidity(60.minutes) }.code)
            assertState<SessionState.SignedIn>(market.session.state.value)
            assertEquals(emptyList<Cart>(), market.cart.get().items)
        }

    @Test
    fun a_session_that_ends_soon_is_said_once_before_its_end(): Unit =
        case("documented", "--token-lifetime", "4") {
            val told = LinkedBlockingQueue<Any>()
            market.session.onExpiringSoon { told.add(it) }
            val ends = Ends(market)
            market.session.onEnd { told.add(it) }
            signIn()
            val end = ends.next()
            assertEquals(EndReason.EXPIRED to 19L, end.reason to end.user.id)
            assertEquals(emptyList<EndReason>(), ends.reasons())
            val soon = told.poll() as ExpiringSoon
            assertEquals(19L, soon.user.id)
            assertTrue(soon.left <= java.time.Duration.ofSeconds(2), "${soon.left}")
            assertEquals(listOf<Any>(end), told.toList())
        }
}
