package dev.marketsdk.conformance

import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.KG_PHONE
import dev.marketsdk.Market
import dev.marketsdk.OrderStatus
import dev.marketsdk.PHONE
import dev.marketsdk.SessionState
import dev.marketsdk.SignedOutReason
import dev.marketsdk.failure
import dev.marketsdk.hold
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.seconds

/** The four scenarios, and what a session lives through. */
class SessionsConformanceTest : ConformanceTest() {
    @Test
    fun after_logging_out_and_in_the_cart_is_still_there(): Unit =
        case {
            signIn()
            market.cart.add(42, 2)
            market.cart.add(88, 1)
            market.session.logout()
            assertEquals(SessionState.SignedOut(SignedOutReason.LOGGED_OUT), market.session.state.value)
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.cart.get() }.code)
            server.advanceClock(1.seconds)
            val user = signIn().user
            assertEquals(19L to PHONE, user.id to user.phone.value)
            assertEquals(listOf(42L to 2L, 88L to 1L), lines(market.cart.get()))
        }

    @Test
    fun a_session_that_expires_while_shopping_ends_once_and_after_signing_in_all_goes_on(): Unit =
        case {
            signIn()
            val ends = Ends(market)
            market.cart.add(42, 2)
            server.advanceClock(1860.seconds)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.add(88, 1) }.code)
            val expired = assertState<SessionState.Expired>(market.session.state.value)
            assertEquals(EndReason.REJECTED, expired.reason)
            assertEquals(19L to PHONE, expired.user.id to expired.user.phone.value)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.wishlist.get() }.code)
            signIn()
            assertEquals(listOf(42L to 2L, 88L to 1L), lines(market.cart.add(88, 1)))
            val order = market.orders.place(fromCart)
            assertEquals(OrderStatus.Pending to 2, order.status to order.items.size)
            assertTrue(market.cart.get().items.isEmpty())
            assertEquals(listOf(EndReason.REJECTED to 19L), ends.all().map { it.reason to it.user.id })
        }

    @Test
    fun an_app_that_was_closed_for_a_week_finds_its_session_over_and_its_cart_there(): Unit =
        case {
            signIn()
            market.cart.add(42, 2)
            device.openAgain()
            server.advanceClock(604_800.seconds)
            val restored = assertState<SessionState.SignedIn>(market.session.restore())
            assertEquals(PHONE, restored.user.phone.value)
            val ends = Ends(market)
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
            val expired = assertState<SessionState.Expired>(market.session.state.value)
            assertEquals(EndReason.REJECTED to PHONE, expired.reason to expired.user.phone.value)
            signIn()
            assertEquals(listOf(42L to 2L), lines(market.cart.get()))
            assertEquals(1, ends.all().size)
        }

    @Test
    fun on_another_device_the_same_phone_finds_the_same_cart(): Unit =
        case {
            signIn()
            market.cart.add(42, 2)
            server.advanceClock(1.seconds)
            val two = device()
            two.signIn()
            assertEquals(listOf(42L to 2L), lines(two.market.cart.get()))
            two.market.cart.add(42, 1)
            assertEquals(listOf(42L to 3L), lines(market.cart.get()))
        }

    @Test
    fun an_app_that_is_opened_again_is_still_signed_in_and_asks_nothing(): Unit =
        case {
            signIn()
            market.cart.add(42, 2)
            device.openAgain()
            val state = assertState<SessionState.SignedIn>(market.session.restore())
            assertTrue(state.persisted)
            assertEquals(19L to PHONE, state.user.id to state.user.phone.value)
            assertEquals(3, server.requests().size)
            assertEquals(listOf(42L to 2L), lines(market.cart.get()))
        }

    @Test
    fun a_refused_session_is_not_there_when_the_app_is_opened_again(): Unit =
        case {
            signIn()
            server.expireSessions()
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
            device.openAgain()
            assertEquals(SessionState.SignedOut(SignedOutReason.NO_SESSION), market.session.restore())
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.cart.get() }.code)
        }

    @Test
    fun a_thousand_calls_refused_at_once_end_the_session_once(): Unit =
        case {
            signIn()
            val ends = Ends(market)
            server.hold("GET /auth/profile")
            val calls = List(1000) { async { failure { market.session.profile() }.code } }
            until { server.requests().size == 1002 }
            server.expireSessions()
            server.release()
            assertEquals(setOf(ErrorCode.SESSION_EXPIRED), calls.awaitAll().toSet())
            assertEquals(listOf(EndReason.REJECTED), ends.reasons())
        }

    @Test
    fun a_logout_with_the_server_down_empties_the_store(): Unit =
        case {
            signIn()
            val ends = Ends(market)
            assertEquals(1, device.secrets().size)
            server.close()
            market.session.logout()
            assertEquals(0, device.secrets().size)
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.cart.get() }.code)
            device.openAgain()
            assertEquals(SessionState.SignedOut(SignedOutReason.NO_SESSION), market.session.restore())
            assertEquals(listOf(EndReason.LOGGED_OUT), ends.reasons())
        }

    @Test
    fun clearing_a_session_tells_the_server_nothing(): Unit =
        case {
            signIn()
            val ends = Ends(market)
            market.session.clear()
            assertEquals(0, device.secrets().size)
            assertEquals(SessionState.SignedOut(SignedOutReason.CLEARED), market.session.state.value)
            val user = server.state().getValue("us").jsonObject.getValue("users").jsonArray.first().jsonObject
            assertTrue(user.getValue("is_active").jsonPrimitive.boolean)
            assertEquals(listOf(EndReason.CLEARED), ends.reasons())
        }

    @Test
    fun a_logout_overtakes_the_calls_that_run(): Unit =
        case {
            signIn()
            server.hold("POST /cart/items")
            val add = async { failure { market.cart.add(42, 2) }.code }
            arrived("/cart/items")
            market.session.logout()
            assertEquals(ErrorCode.SIGNED_OUT, add.await())
            aborted("/cart/items")
            server.release()
            server.advanceClock(1.seconds)
            signIn()
            assertTrue(market.cart.get().items.isEmpty())
        }

    @Test
    fun a_late_answer_of_an_old_session_changes_nothing(): Unit =
        case {
            signIn()
            val ends = Ends(market)
            server.hold("GET /auth/profile")
            val late = async { market.session.profile() }
            arrived("/auth/profile")
            server.expireSessions()
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { market.cart.get() }.code)
            server.advanceClock(1.seconds)
            signIn()
            server.release()
            assertEquals(19L, late.await().id)
            assertState<SessionState.SignedIn>(market.session.state.value)
            market.cart.get()
            assertEquals(listOf(EndReason.REJECTED), ends.reasons())
        }

    @Test
    fun signing_in_over_a_session_replaces_it(): Unit =
        case {
            signIn()
            val ends = Ends(market)
            market.cart.add(42, 2)
            assertEquals(Market.Kg, signIn(KG_PHONE).user.market)
            assertTrue(market.cart.get().items.isEmpty())
            assertEquals(listOf(EndReason.REPLACED to PHONE), ends.all().map { it.reason to it.user.phone.value })
        }

    @Test
    fun nothing_but_a_refusal_of_its_token_ends_a_session(): Unit =
        case {
            signIn()
            for ((fault, code) in listOf(
                """{"kind": "status", "status": 500}""" to ErrorCode.SERVER,
                """{"kind": "status", "status": 503}""" to ErrorCode.SERVER,
                """{"kind": "status", "status": 403}""" to ErrorCode.REJECTED,
                """{"kind": "mis_typed"}""" to ErrorCode.UNEXPECTED_RESPONSE,
            )) {
                once("GET /auth/profile", fault)
                assertEquals(code, failure { market.session.profile() }.code)
                assertState<SessionState.SignedIn>(market.session.state.value)
            }
            assertEquals(19L, market.session.profile().id)
        }

    @Test
    fun two_taps_on_sign_in_spend_the_code_once(): Unit =
        case {
            market.session.requestCode(PHONE)
            val code = server.code(PHONE)
            server.hold("POST /auth/verify-code")
            val taps = List(2) { async { market.session.verifyCode(PHONE, code).user.id } }
            arrived("/auth/verify-code")
            market.session.markets()
            server.release()
            assertEquals(listOf(19L, 19L), taps.awaitAll())
        }

    @Test
    fun a_session_of_an_app_that_was_uninstalled_is_not_taken_up(): Unit =
        case {
            val marker = marked()
            signIn()
            device.openAgain()
            market.cart.get()
            device.openAgain { assertTrue(marker.delete()) }
            assertEquals(SessionState.SignedOut(SignedOutReason.NO_SESSION), market.session.restore())
            market.session.logout()
            assertEquals(emptyList<Any>(), device.secrets())
            assertEquals(ErrorCode.NOT_SIGNED_IN, failure { market.cart.get() }.code)
            until { marker.isFile }
        }

    @Test
    fun an_install_marker_that_cannot_be_read_ends_no_session(): Unit =
        case {
            val marker = marked()
            signIn()
            device.openAgain { assertTrue(marker.delete() && marker.mkdir()) }
            assertState<SessionState.SignedIn>(market.session.restore())
            market.cart.get()
        }
}
