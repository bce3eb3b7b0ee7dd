package shop

import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.PhoneNumber
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.User
import dev.marketsdk.client
import dev.marketsdk.devServer
import dev.marketsdk.format
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import java.io.File
import java.util.Locale
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.prefs.Preferences
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
        // The client's address and the folding of lines are the test's own.
        for (part in readme.substringAfter("\n\n").split("\n\n")) {
            assertTrue(part.lines().joinToString("\n") { it.substringBefore("//") }.replace(spaces, "") in own, part)
        }
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
