package shop

import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.NewOrder
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.test.FakeMarketClient
import dev.marketsdk.test.Fault
import dev.marketsdk.test.MarketDevServer
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class CheckoutScreen(private val market: MarketClient) {
    var shown = ""

    suspend fun signIn(phone: String, code: String) = showing { "Hello, user ${market.session.verifyCode(phone, code).user.id}" }

    suspend fun add(skuId: Long) = showing { "${market.cart.add(skuId, 1).items.size} in the cart" }

    suspend fun order() = showing { "Thank you: ${market.orders.place(NewOrder("Ann", "+13128059851", "1 Main St")).orderNumber}" }

    private suspend fun showing(call: suspend () -> String) {
        shown = "…"
        shown =
            try {
                call()
            } catch (e: MarketException) {
                if (e.code == ErrorCode.OUTCOME_UNKNOWN) "Looking for your order: ${market.orders.resolve()::class.simpleName}" else e.message
            }
    }
}

class CheckoutScreenTest {
    @Test
    fun `a wrong code is said on the login screen`() = runTest {
        val market = FakeMarketClient()
        val screen = CheckoutScreen(market)
        market.session.requestCode("+13128059851")
        screen.signIn("+13128059851", "999999")
        assertEquals("Invalid or expired verification code", screen.shown)
        screen.signIn("+13128059851", "123456")                     // the code of each SMS: market.shop.code
        assertEquals("Hello, user 19", screen.shown)
    }

    @Test
    fun `while shopping the session expires`() = runTest {
        val market = FakeMarketClient(signedInAs = "+13128059851")
        val screen = CheckoutScreen(market)
        market.hold("cart.add")
        val tap = launch { screen.add(skuId = 42) }
        market.arrived("cart.add")                                  // no test has to sleep
        assertEquals("…", screen.shown)
        market.release()
        tap.join()
        assertEquals("1 in the cart", screen.shown)
        market.expire()
        screen.add(skuId = 88)
        assertEquals("Your session has expired. Please sign in again.", screen.shown)
        assertTrue(market.session.state.value is SessionState.Expired)
    }

    @Test
    fun `an order whose answer is lost is found`() = runTest {
        val market = FakeMarketClient(signedInAs = "+13128059851")
        val screen = CheckoutScreen(market)
        market.loseOrderAnswer(placed = true)
        screen.add(skuId = 42)
        screen.order()
        assertEquals("Looking for your order: Placed", screen.shown)
        assertEquals(1, market.calls.count { it.name == "orders.place" })
    }

    @Test
    fun `the server ends the session`() {
        MarketDevServer.start().use { server ->
            runBlocking {
                val market = MarketClient(server.baseUrl, "com.example.shop", store = SessionStore.Memory, allowHttpLoopback = true)
                market.session.requestCode("+13128059851")
                market.session.verifyCode("+13128059851", server.code("+13128059851"))
                server.expireSessions()
                val screen = CheckoutScreen(market)
                screen.add(skuId = 42)
                assertEquals("Your session has expired. Please sign in again.", screen.shown)
                market.session.requestCode("+13128059851")
                screen.signIn("+13128059851", server.code("+13128059851"))
                server.fault("POST /cart/items", Fault.status(503), times = 1)
                screen.add(skuId = 42)
                assertEquals("The shop has a problem. Please try again later.", screen.shown)
            }
        }
    }
}
