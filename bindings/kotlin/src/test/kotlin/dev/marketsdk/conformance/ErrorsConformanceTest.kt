package dev.marketsdk.conformance

import dev.marketsdk.CORE_VERSION
import dev.marketsdk.Core
import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.Method
import dev.marketsdk.OrderOutcome
import dev.marketsdk.PHONE
import dev.marketsdk.RawRequest
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.failure
import dev.marketsdk.hold
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.time.Duration
import kotlin.time.Duration.Companion.seconds

/** Each code that a host can be shown, and what comes with it. */
class ErrorsConformanceTest : ConformanceTest() {
    private fun assertFailed(
        code: ErrorCode,
        failure: MarketException,
        status: Int? = null,
        retryable: Boolean? = null,
        message: String? = null,
    ) {
        assertEquals(code, failure.code)
        assertEquals(status, failure.status)
        if (retryable != null) assertEquals(retryable, failure.isRetryable)
        if (message != null) assertEquals(message, failure.message)
    }

    private fun isSignedIn(market: MarketClient) = market.session.state.value is SessionState.SignedIn

    @Test
    fun a_call_without_a_session_says_not_signed_in_and_is_not_sent(): Unit =
        case {
            market.session.restore()
            for (call in listOf<suspend () -> Any>({ market.cart.get() }, { market.session.profile() })) {
                assertFailed(ErrorCode.NOT_SIGNED_IN, failure { call() }, null, false, "Please sign in.")
            }
            market.session.markets()
        }

    @Test
    fun a_wrong_code_and_a_used_code_are_said_to_be_wrong(): Unit =
        case {
            market.session.requestCode(PHONE)
            val right = server.code(PHONE)
            val wrong = failure { market.session.verifyCode(PHONE, "000000") }
            assertFailed(ErrorCode.WRONG_CODE, wrong, 400, false, "Invalid or expired verification code")
            assertFalse(isSignedIn(market))
            market.session.verifyCode(PHONE, right)
            assertEquals(ErrorCode.WRONG_CODE, failure { market.session.verifyCode(PHONE, right) }.code)
            assertTrue(isSignedIn(market))
        }

    @Test
    fun a_fourth_code_in_a_quarter_of_an_hour_is_rate_limited(): Unit =
        case {
            repeat(3) { market.session.requestCode(PHONE) }
            val limited = failure { market.session.requestCode(PHONE) }
            assertFailed(ErrorCode.RATE_LIMITED, limited, 422, true)
            assertEquals(Duration.ofSeconds(900), limited.retryAfter)
        }

    @Test
    fun an_overloaded_server_says_when_to_come_back(): Unit =
        case {
            signIn()
            once("GET /auth/profile", """{"kind": "status", "status": 429, "retry_after": {"seconds": 3600}}""")
            val limited = failure { market.session.profile() }
            assertFailed(ErrorCode.RATE_LIMITED, limited, 429, true)
            assertEquals(Duration.ofSeconds(3600), limited.retryAfter)
            once("GET /auth/profile", """{"kind": "status", "status": 404}""")
            assertFailed(ErrorCode.NOT_FOUND, failure { market.session.profile() }, 404)
        }

    @Test
    fun input_that_cannot_be_right_is_refused_before_it_is_sent(): Unit =
        case {
            fun assertRefused(
                field: String,
                failure: MarketException,
            ) {
                assertFailed(ErrorCode.INVALID_INPUT, failure, null, false)
                assertEquals(listOf(field to failure.message), failure.fields.map { it.path to it.message })
            }
            assertRefused("phone", failure { market.session.requestCode("12345") })
            assertRefused("code", failure { market.session.verifyCode(PHONE, "12ab") })
            signIn()
            assertRefused("quantity", failure { market.cart.add(42, 0) })
            assertRefused("quantity", failure { market.cart.add(42, 101) })
            assertRefused("path", failure { market.request(RawRequest(Method.POST, "/auth/logout")) })
        }

    @Test
    fun fields_that_the_server_refuses_are_named(): Unit =
        case {
            signIn()
            val add = RawRequest(Method.POST, "/cart/items", json = """{"sku_id": 42, "quantity": 0}""")
            val refused = failure { market.request(add) }
            val why = "Value error, Quantity must be at least 1"
            assertFailed(ErrorCode.INVALID_INPUT, refused, 422, message = why)
            assertEquals(listOf("quantity" to why), refused.fields.map { it.path to it.message })
        }

    @Test
    fun what_the_shop_declines_is_shown_in_its_words(): Unit =
        case {
            signIn()
            val empty = failure { market.orders.place(fromCart) }
            assertFailed(ErrorCode.REJECTED, empty, 400, false, "Your cart is empty")
            val soldOut = failure { market.orders.place(ofItems(105, 1)) }
            assertEquals(ErrorCode.REJECTED, soldOut.code)
            assertEquals("Product 'Winter Boots' (size: 43, color: Brown) is out of stock", soldOut.message)
        }

    @Test
    fun what_is_not_there_is_not_found(): Unit =
        case {
            signIn()
            assertFailed(ErrorCode.NOT_FOUND, failure { market.cart.add(9999, 1) }, 404)
            assertEquals(ErrorCode.NOT_FOUND, failure { market.orders.get(7) }.code)
        }

    @Test
    fun a_server_that_takes_no_orders_does_not_support_them(): Unit =
        case("g1") {
            signIn()
            market.cart.add(42, 2)
            assertFailed(ErrorCode.UNSUPPORTED, failure { market.orders.place(fromCart) }, 404)
            assertEquals(listOf(42L to 2L), lines(market.cart.get()))
        }

    @Test
    fun the_words_of_a_server_that_fails_are_not_shown(): Unit =
        case {
            signIn()
            once("GET /auth/profile", answer(500, """{"detail":"SELECT password FROM users"}"""))
            val failed = failure { market.session.profile() }
            assertFailed(ErrorCode.SERVER, failed, 500, true, "The shop has a problem. Please try again later.")
            assertFalse("password" in "$failed ${failed.stackTraceToString()} ${failed.detail} ${failed.fields}")
        }

    @Test
    fun an_answer_that_cannot_be_read_is_unexpected(): Unit =
        case {
            signIn()
            once("GET /cart", """{"kind": "mis_typed"}""")
            assertFailed(ErrorCode.UNEXPECTED_RESPONSE, failure { market.cart.get() }, 200, false)
            market.cart.get()
        }

    @Test
    fun a_redirect_to_another_origin_is_refused(): Unit =
        case {
            signIn()
            once(
                "GET /auth/profile",
                """{"kind": "redirect", "status": 307, "to": {"origin": "https://other.example"}}""",
            )
            assertFailed(ErrorCode.UNEXPECTED_RESPONSE, failure { market.session.profile() }, 307)
            assertTrue(isSignedIn(market))
        }

    @Test
    fun a_server_that_is_gone_is_a_network_error_and_ends_no_session(): Unit =
        case {
            signIn()
            server.close()
            val gone = failure { market.cart.get() }
            assertFailed(ErrorCode.NETWORK, gone, null, true, "The shop could not be reached.")
            assertTrue(isSignedIn(market))
        }

    @Test
    fun an_answer_that_does_not_come_is_a_timeout(): Unit =
        case {
            signIn()
            device.client(timeout = 2.seconds).use { hasty ->
                assertState<SessionState.SignedIn>(hasty.session.restore())
                server.hold("GET /auth/profile")
                val late = failure { hasty.session.profile() }
                assertEquals(ErrorCode.TIMEOUT to true, late.code to late.isRetryable)
                assertTrue(isSignedIn(hasty))
                aborted("/auth/profile")
            }
        }

    @Test
    fun a_certificate_that_nobody_vouches_for_is_refused() {
        val file = folder.resolve("authority.pem")
        case("documented", "--tls", "--tls-ca-out", file.path) {
            val build = { roots: List<String> ->
                MarketClient(
                    server.baseUrl,
                    "com.example.shop",
                    store = SessionStore.Memory,
                    extraRootCertificates = roots,
                )
            }
            build(emptyList()).use { market ->
                assertFailed(ErrorCode.TLS, failure { market.session.markets() }, null, false)
            }
            build(listOf(file.readText())).use { assertEquals(2, it.session.markets().supported.size) }
        }
    }

    @Test
    fun an_order_whose_answer_is_lost_is_of_unknown_outcome_and_placed_once(): Unit =
        case {
            signIn()
            market.cart.add(42, 2)
            once("POST /orders/create", """{"kind": "reset", "acted": true}""")
            assertFailed(ErrorCode.OUTCOME_UNKNOWN, failure { market.orders.place(fromCart) }, null, false)
            assertEquals(1, market.orders.list().size)
            assertEquals(1, orders(server))
        }

    /** Signed in, with two bags in the cart, and an order of them without an answer. */
    private suspend fun Case.loseOrder(acted: Boolean) {
        signIn()
        market.cart.add(42, 2)
        once("POST /orders/create", """{"kind": "reset", "acted": $acted}""")
        assertEquals(ErrorCode.OUTCOME_UNKNOWN, failure { market.orders.place(fromCart) }.code)
    }

    @Test
    fun an_order_whose_answer_is_lost_holds_the_next_one_back_until_it_is_found(): Unit =
        case {
            loseOrder(acted = true)
            assertFailed(ErrorCode.ORDER_PENDING, failure { market.orders.place(fromCart) }, null, false)
            val found = market.orders.resolve() as OrderOutcome.Placed
            assertEquals(listOf(2L), found.order.items.map { it.quantity })
            assertEquals(OrderOutcome.NothingPending, market.orders.resolve())
            assertEquals(1, orders(server))
        }

    @Test
    fun an_order_that_is_not_seen_is_called_not_placed_only_after_its_time(): Unit =
        case {
            loseOrder(acted = false)
            val yet = market.orders.resolve() as OrderOutcome.NotSeenYet
            assertTrue(yet.settlesIn!!.seconds in 800..900)
            server.advanceClock(960.seconds)
            assertEquals(OrderOutcome.NotPlaced, market.orders.resolve())
            assertEquals(OrderOutcome.NothingPending, market.orders.resolve())
        }

    @Test
    fun a_forced_order_goes_out_though_an_earlier_one_is_unknown(): Unit =
        case {
            loseOrder(acted = false)
            assertEquals(1L, market.orders.place(fromCart.copy(force = true)).id)
            assertEquals(OrderOutcome.NothingPending, market.orders.resolve())
        }

    @Test
    fun a_sign_in_whose_answer_is_lost_is_of_unknown_outcome_and_a_new_code_signs_in(): Unit =
        case {
            market.session.requestCode(PHONE)
            once("POST /auth/verify-code", """{"kind": "reset", "acted": true}""")
            val lost = failure { market.session.verifyCode(PHONE, server.code(PHONE)) }
            assertFailed(ErrorCode.OUTCOME_UNKNOWN, lost, null, false)
            assertFalse(isSignedIn(market))
            signIn()
            market.cart.get()
        }

    @Test
    fun a_client_that_makes_no_sense_is_refused(): Unit =
        case {
            val build = { url: String, app: String ->
                MarketClient(url, app, store = SessionStore.Memory, allowHttpLoopback = true)
            }
            for ((url, app) in listOf(
                "ftp://shop.example" to "a",
                "http://shop.example" to "a",
                "https://shop.example" to "",
            )) {
                assertFailed(ErrorCode.CONFIG, failure { build(url, app) }, null, false)
            }
            build(server.baseUrl, "com.example.shop").use { it.session.markets() }
        }

    @Test
    fun a_phone_and_a_code_in_a_servers_words_are_masked(): Unit =
        case {
            once(
                "POST /auth/verify-code",
                answer(400, """{"detail":"No code 482913 for +1 (312) 805-9851"}"""),
            )
            val refused = failure { market.session.verifyCode(PHONE, "482913") }
            assertEquals(ErrorCode.WRONG_CODE to "No code ••• for +•••", refused.code to refused.message)
            val signIn = signIn()
            val texts =
                listOf(refused, refused.stackTraceToString(), refused.detail, refused.fields, signIn, signIn.user) +
                    listOf(signIn.user.phone, market.session.state.value)
            for (secret in listOf("482913", "3128059851", "805-9851")) assertFalse(secret in texts.joinToString())
        }

    @Test
    fun a_read_whose_answer_is_lost_is_made_again_and_an_addition_is_not(): Unit =
        case {
            signIn()
            once("GET /auth/profile", """{"kind": "reset", "acted": true}""")
            market.session.profile()
            once("POST /cart/items", """{"kind": "reset", "acted": true}""")
            assertEquals(ErrorCode.NETWORK, failure { market.cart.add(42, 2) }.code)
            assertEquals(listOf(42L to 2L), lines(market.cart.get()))
        }

    @Test
    fun a_binding_made_for_another_core_refuses_to_load(): Unit =
        case {
            market.session.markets()
            assertEquals(ErrorCode.CONFIG, failure { Core.requireVersion(CORE_VERSION + 1u) }.code)
        }
}
