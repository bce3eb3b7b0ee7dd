package shop

import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.NewOrder
import dev.marketsdk.OrderOutcome
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.SessionState
import dev.marketsdk.User
import dev.marketsdk.requireValidity
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import java.io.File
import kotlin.time.Duration.Companion.minutes

// What README.md shows of calls that wait, checkouts, orders and the install marker.

fun patient(baseUrl: String): MarketClient =
    MarketClient(baseUrl, appId = "com.example.shop", parkOnExpiry = ParkOnExpiry(limit = 20, patience = 10.minutes))

fun follow(market: MarketClient, scope: CoroutineScope, showLogin: (User, Int) -> Unit) {
    market.session.state.onEach { state ->
        if (state is SessionState.Expired) showLogin(state.user, state.waiting)     // over the screen that waits
    }.launchIn(scope)
}

suspend fun checkout(market: MarketClient, offerSignIn: () -> Unit, showCheckout: () -> Unit) {
    market.session.onExpiringSoon { offerSignIn() }
    try {
        market.session.requireValidity(10.minutes)
        showCheckout()
    } catch (e: MarketException) {
        offerSignIn()                                               // SESSION_EXPIRED: the cart is kept
    }
}

suspend fun order(market: MarketClient, order: NewOrder): String =
    try {
        "Thank you: ${market.orders.place(order).orderNumber}"
    } catch (e: MarketException) {
        val unknown = e.code == ErrorCode.OUTCOME_UNKNOWN || e.code == ErrorCode.ORDER_PENDING
        if (unknown) found(market.orders.resolve()) else e.message
    }

fun found(outcome: OrderOutcome): String =
    when (outcome) {
        is OrderOutcome.Placed -> "Thank you: ${outcome.order.orderNumber}"
        is OrderOutcome.NotSeenYet -> "Not seen yet. Certain in ${outcome.settlesIn?.toMinutes() ?: "some"} minutes."
        is OrderOutcome.NotPlaced, is OrderOutcome.NothingPending -> "It was not placed. Order again?"
        is OrderOutcome.Unreadable -> "It is not known whether it was placed: see your orders."
    }

fun marked(baseUrl: String, appFolder: File): MarketClient =
    MarketClient(baseUrl, appId = "com.example.shop", installMarker = appFolder.resolve("installed"))
