package shop

import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.SessionStore
import dev.marketsdk.program
import dev.marketsdk.test.Fault
import dev.marketsdk.test.MarketDevServer
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The launcher of the dev server. */
class DevServerTest {
    @Test
    fun `a dev server that is not there or does not start is said, and how to get one`() {
        val absent = program("shop.NoServer", environment = mapOf("MARKET_DEV_SERVER" to "/nowhere")).single()
        assertTrue("not found at /nowhere" in absent && "cargo install --path tests/dev-server" in absent, absent)
        val wrong = assertThrows(IllegalStateException::class.java) { MarketDevServer.start(args = listOf("--nonsense")) }
        assertTrue("--nonsense" in wrong.message.orEmpty(), wrong.message)
    }

    @Test
    fun `on a phone it is said where such tests belong`() {
        val machine = System.getProperty("java.vm.name")
        System.setProperty("java.vm.name", "Dalvik")
        try {
            val refused = assertThrows(IllegalStateException::class.java) { MarketDevServer.start() }
            assertTrue("connectedCheck" in refused.message.orEmpty(), refused.message)
        } finally {
            System.setProperty("java.vm.name", machine)
        }
    }

    @Test
    fun `what is on its way is waited for, and faults are cleared`() {
        MarketDevServer.start().use { server ->
            runBlocking(Dispatchers.Default) {
                val market = MarketClient(server.baseUrl, "com.example.shop", store = SessionStore.Memory, allowHttpLoopback = true)
                server.fault("GET /auth/markets", Fault.status(500))
                assertEquals(ErrorCode.SERVER, failure { market.session.markets() }.code)
                server.clearFaults()
                assertEquals(2, market.session.markets().supported.size)
                server.fault("GET /auth/markets", Fault.hold())
                val reads = List(2) { async { market.session.markets() } }
                server.arrived("GET /auth/markets", count = 2)
                server.arrived("* /auth/{what}", count = 2)
                server.release()
                reads.forEach { it.await() }
                val wrong = assertThrows(IllegalStateException::class.java) { runBlocking { server.arrived("GET /markets") } }
                assertTrue("no route GET /markets. It has" in wrong.message.orEmpty(), wrong.message)
                market.close()
            }
        }
    }
}

internal object NoServer {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = println(runCatching { MarketDevServer.start() }.exceptionOrNull()?.message)
}
