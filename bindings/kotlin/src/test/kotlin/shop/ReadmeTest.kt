package shop

import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.NewOrder
import dev.marketsdk.OrderOutcome
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.PhoneNumber
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.User
import dev.marketsdk.client
import dev.marketsdk.devServer
import dev.marketsdk.format
import dev.marketsdk.test.FakeMarketClient
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.Locale
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.prefs.Preferences
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** What README.md shows, in a package of its own, as an app's code is. */
@Timeout(60)
class ReadmeTest {
    private val shown = LinkedBlockingQueue<String>()

    private class Label(
        var text: String = "",
    )

    private fun showShop(user: User) = shown.add("shop of ${user.phone}")

    private fun showLogin(hint: PhoneNumber? = null) = shown.add("login $hint")

    private fun showSplash() = shown.add("splash")

    private fun snackbar(text: String) = shown.add("snackbar $text")

    private fun report(e: MarketException) = shown.add("report ${e.code}")

    private fun waitFor(screen: String) {
        while (true) {
            val next = checkNotNull(shown.poll(10, TimeUnit.SECONDS)) { "$screen was not shown" }
            if (next == screen) return
        }
    }

    @Test
    fun `what README shows is what happens`() {
        devServer().use { server ->
            runBlocking(Dispatchers.Default) {
                val scope = this
                val total = Label()
                val market =
                    MarketClient(server.baseUrl, "com.example.shop", store = SessionStore.Memory, allowHttpLoopback = true)

                val following =
                    market.session.state.onEach { state ->
                        when (state) {
                            is SessionState.SignedIn -> showShop(state.user)
                            is SessionState.Expired -> showLogin(hint = state.user.phone)
                            is SessionState.SignedOut -> showLogin()
                            is SessionState.Restoring, is SessionState.Locked -> showSplash()
                        }
                    }.launchIn(scope)

                suspend fun tap() {
                    try {
                        val cart = market.cart.add(skuId = 42, quantity = 2)
                        total.text = cart.totalPrice.format(Locale.US)
                    } catch (e: MarketException) {
                        when (e.code) {
                            ErrorCode.SESSION_EXPIRED -> Unit
                            ErrorCode.NETWORK -> snackbar(e.message)
                            else -> report(e)
                        }
                    }
                }

                waitFor("login null")
                tap()
                waitFor("report NOT_SIGNED_IN")
                market.session.requestCode("+13128059851")
                market.session.verifyCode("+13128059851", server.code("+13128059851"))
                waitFor("shop of +•••••••••51")
                withTimeout(10.seconds) { tap() }
                assertEquals("$39.98", total.text)
                server.expireSessions()
                tap()
                waitFor("login +•••••••••51")
                assertTrue(shown.isEmpty())
                following.cancel()
                market.close()
            }
        }
    }

    @Test
    fun `README's code is the code that is tested`() {
        val spaces = Regex("\\s+|//.*")
        val readme = File("README.md").readText().substringAfter("```kotlin\n").substringBefore("```")
        val own = File("src/test/kotlin/shop/ReadmeTest.kt").readText().replace(spaces, "").replace("format(Locale.US)", "format()")
        // The imports, the client's address and the folding of lines are the test's own.
        for (part in readme.split("\n\n").drop(2)) {
            assertTrue(part.lines().joinToString("\n") { it.substringBefore("//") }.replace(spaces, "") in own, part)
        }
    }

    @Test
    fun `README's sections are the code that is run`() {
        val blocks = File("README.md").readText().split("```kotlin\n").drop(2).map { it.substringBefore("```") }
        fun source(name: String) = File("src/test/kotlin/shop/$name.kt").readText()
        assertTrue(source("Snippets").endsWith("\n\n" + blocks.dropLast(2).joinToString("\n")))
        assertEquals(source("CheckoutScreenTest"), blocks[blocks.size - 2])
    }

    @Test
    fun `README names what the example's tests depend on`() {
        val named = File("README.md").readText().substringAfter("## Testing").substringAfter("```xml\n").substringBefore("```")
        assertTrue(named.prependIndent("    ").trimEnd() in File("../../examples/kotlin/pom.xml").readText(), named)
    }

    @Test
    fun `README's pom is the example's, without what is that app's own`() {
        val page = File("README.md").readText().substringAfter("## Install").substringAfter("```xml\n").substringBefore("```")
        val example = File("../../examples/kotlin/pom.xml").readLines().iterator()
        for (line in page.trimEnd().lines()) {
            assertTrue(example.asSequence().any { it == line.removePrefix("  ") }, line)
        }
    }

    @Test
    fun `a tap that an expiry stops goes on after the sign-in`(
        @TempDir folder: File,
    ) = runTest {
        listOf(patient("https://shop.example"), marked("https://shop.example", folder)).forEach { it.close() }
        val market = FakeMarketClient(ANN, parkOnExpiry = ParkOnExpiry(20, 10.minutes))
        val shown = mutableListOf<String>()
        val screen = TestScope(testScheduler)
        follow(market, screen) { user, waiting -> shown += "${user.phone.value} $waiting" }
        market.expire()
        val tap = async { market.cart.add(skuId = 42, quantity = 2) }
        runCurrent()
        market.session.requestCode(ANN)
        market.session.verifyCode(ANN, market.shop.code)
        assertEquals(1, tap.await().items.size)
        assertEquals("$ANN 1", shown.last())
        screen.cancel()
    }

    @Test
    fun `a checkout is offered to a session that lasts`() =
        runTest {
            val market = FakeMarketClient(ANN)
            val shown = mutableListOf<String>()
            suspend fun go() = checkout(market, { shown += "sign in" }, { shown += "checkout" })
            go()
            market.expiringSoon(left = 4.minutes)
            go()
            assertEquals(listOf("checkout", "sign in"), shown.distinct())
            assertEquals("sign in", shown.last())
        }

    @Test
    fun `an order is placed, or found, or looked for`() =
        runTest {
            val market = FakeMarketClient(ANN)
            val order = NewOrder("Ann", ANN, "1 Main St")
            suspend fun said() = order(market, order).also { market.cart.add(42, 1) }
            assertEquals("Your cart is empty", said())
            assertEquals("Thank you: #1001", said())
            market.loseOrderAnswer(placed = true)
            assertEquals("Thank you: #1002", said())
            market.loseOrderAnswer(placed = false)
            assertTrue(said().startsWith("Not seen yet. Certain in 1"))
            market.shop.advanceClock(16.minutes)
            assertEquals("It was not placed. Order again?", said())
            assertEquals("Thank you: #1003", said())
            assertEquals("It is not known whether it was placed: see your orders.", found(OrderOutcome.Unreadable))
        }

    @Test
    fun `the version by hand is compiled, and works as far as it goes`() {
        val readme = File("README.md").readText()
        val byHand = readme.substringAfter("## By hand").substringAfter("```kotlin\n").substringBefore("```")
        assertTrue(File("src/test/kotlin/shop/ByHand.kt").readText().endsWith(byHand))
        val prefs = Preferences.userRoot().node("market-sdk-test-${ProcessHandle.current().pid()}")
        devServer().use { server ->
            runBlocking {
                val shop = ShopByHand(server.baseUrl, prefs) { showLogin() }
                // It has no way to ask for the code.
                server.client().use { it.session.requestCode("+13128059851") }
                shop.signIn("+13128059851", server.code("+13128059851"))
                assertEquals(39.98, shop.add(42, 2))
                server.expireSessions()
                runCatching { shop.add(42, 1) }
                waitFor("login null")
            }
        }
        prefs.removeNode()
    }
}
