package shop

import dev.marketsdk.MarketClient
import dev.marketsdk.SessionStore
import dev.marketsdk.test.FakeMarketClient
import dev.marketsdk.test.MarketDevServer
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.util.Locale

/** The shop's screens, on fakes; and once on the real client, against a server that ends the session. */
class ShopTest {
    private val said = mutableListOf<String>()

    /** A shopper who types these lines; what is no line happens in between. */
    private fun shopper(vararg steps: Any): Terminal {
        val left = steps.toMutableList()
        return object : Terminal {
            override fun say(line: String) {
                said += line
            }

            override fun ask(prompt: String): String? {
                while (left.firstOrNull() is Function0<*>) (left.removeFirst() as Function0<*>)()
                return left.removeFirstOrNull() as String?
            }
        }
    }

    init {
        Locale.setDefault(Locale.US)
    }

    @Test
    fun `a wrong code is said, and the right one leads into the shop`() =
        runTest {
            val market = FakeMarketClient()
            Shop(market, shopper("+1 312 805 9851", "000000", "123456", "add 42 2")).open()
            val cart = listOf("line 1: 2 x Canvas Bag, $19.99", "in all $39.98")
            assertEquals(listOf("Welcome.", "Invalid or expired verification code") + cart + "Goodbye.", said)
            assertEquals(2, market.calls.count { it.name == "session.verifyCode" })
        }

    @Test
    fun `a session that ends at the checkout leads to the login screen, and the cart is kept`() =
        runTest {
            val market = FakeMarketClient(signedInAs = "+13128059851")
            val checkout = arrayOf("checkout", "Ann", "+13128059851", "1 Main Street")
            val login = arrayOf("+13128059851", "123456")
            Shop(market, shopper("add 42", { market.expire() }, *checkout, *login, *checkout)).open()
            assertEquals("Your session has ended, +•••••••••51. Your cart is kept.", said[2])
            assertEquals("order 1 #1001: Pending, KGS169.99 with shipping", said[3])
        }

    @Test
    fun `an order whose answer is lost is looked for, and not placed again`() =
        runTest {
            val market = FakeMarketClient(signedInAs = "+13128059851")
            val checkout = arrayOf("checkout", "Ann", "+13128059851", "1 Main Street")
            market.loseOrderAnswer()
            Shop(market, shopper("add 42", *checkout, *checkout, "resolve", "orders")).open()
            val order = "order 1 #1001: Pending, KGS169.99 with shipping"
            assertEquals(
                listOf(
                    "The answer was lost; it is not known whether it went through. See: resolve",
                    "An earlier order is still being confirmed. See: resolve",
                    order,
                    order,
                    "Goodbye.",
                ),
                said.drop(2),
            )
        }

    @Test
    fun `a session that the server ends leads to the login screen`(): Unit =
        MarketDevServer.start().use { server ->
            val phone = "+13128059851"
            val market = MarketClient(server.baseUrl, "com.example.shop", store = SessionStore.Memory, allowHttpLoopback = true)
            runBlocking {
                market.session.requestCode(phone)
                market.session.verifyCode(phone, server.code(phone))
                market.use { Shop(it, shopper("add 42", { server.expireSessions() }, "cart")).open() }
            }
            assertEquals(listOf("Your session has ended, +•••••••••51. Your cart is kept.", "Goodbye."), said.drop(2))
        }
}
