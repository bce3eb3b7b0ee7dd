package dev.marketsdk.conformance

import dev.marketsdk.ErrorCode
import dev.marketsdk.KG_PHONE
import dev.marketsdk.OrderOutcome
import dev.marketsdk.OrderStatus
import dev.marketsdk.failure
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.seconds

/** Orders whose answer was lost, across logins. */
class OrdersConformanceTest : ConformanceTest() {
    /** Ann orders, the answer is lost, and she signs out. */
    private suspend fun Case.loseOne(acted: Boolean) {
        signIn()
        market.cart.add(42, 2)
        once("POST /orders/create", """{"kind": "reset", "acted": $acted}""")
        assertEquals(ErrorCode.OUTCOME_UNKNOWN, failure { market.orders.place(fromCart) }.code)
        market.session.logout()
    }

    @Test
    fun an_order_whose_answer_was_lost_is_found_after_a_logout_and_opening_the_app_again(): Unit =
        case {
            loseOne(acted = true)
            device.openAgain()
            server.advanceClock(1.seconds)
            signIn()
            assertEquals(ErrorCode.ORDER_PENDING, failure { market.orders.place(fromCart) }.code)
            val placed = (market.orders.resolve() as OrderOutcome.Placed).order
            assertEquals(listOf(2L), placed.items.map { it.quantity })
            assertEquals(1, orders(server))
        }

    @Test
    fun an_order_that_is_unknown_holds_no_other_user_back(): Unit =
        case {
            loseOne(acted = false)
            signIn(KG_PHONE)
            assertEquals(OrderOutcome.NothingPending, market.orders.resolve())
            market.cart.add(103, 1)
            val order = market.orders.place(fromCart.copy(customerName = "Anna", customerPhone = KG_PHONE))
            assertEquals(OrderStatus.Pending to 1, order.status to order.items.size)
        }

    @Test
    fun a_note_of_an_order_that_cannot_be_read_is_said_once_and_orders_go_on(): Unit =
        case {
            loseOne(acted = false)
            device.secrets().single().writeText("{")
            server.advanceClock(1.seconds)
            signIn()
            assertEquals(ErrorCode.ORDER_PENDING, failure { market.orders.place(fromCart) }.code)
            assertEquals(OrderOutcome.Unreadable, market.orders.resolve())
            assertEquals(OrderOutcome.NothingPending, market.orders.resolve())
            assertEquals(1L, market.orders.place(fromCart).id)
        }
}
