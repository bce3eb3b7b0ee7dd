package dev.marketsdk

import dev.marketsdk.test.Fault
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** How a client comes and goes. */
@Timeout(60)
class LifeTest {
    private val server = devServer()

    @AfterEach
    fun stop(): Unit = server.close()

    @Test
    fun `every call on a client that was closed ends with CONFIG`(): Unit =
        runBlocking {
            val market = server.client()
            server.signIn(market)
            market.use { it.cart.get() }
            market.close()
            val calls =
                listOf<suspend () -> Any>(
                    { market.cart.get() },
                    { market.cart.add(42, 1) },
                    { market.wishlist.get() },
                    { market.orders.list() },
                    { market.session.profile() },
                    { market.session.logout() },
                    { market.session.onEnd { } },
                    { market.session.resumed() },
                    { market.request(RawRequest(Method.GET, "/products")) },
                )
            for ((number, call) in calls.withIndex()) {
                val failure = failure { call() }
                assertEquals(ErrorCode.CONFIG, failure.code, "call $number")
                assertEquals("The market client was closed.", failure.message)
            }
            assertTrue(market.session.state.value is SessionState.SignedIn)
        }

    @Test
    fun `a call that is under way when the client is closed is completed`(): Unit =
        runBlocking {
            val market = server.client()
            server.signIn(market)
            server.fault("GET /auth/profile", Fault.latency(300.milliseconds), times = 1)
            val profile = async(Dispatchers.Default) { market.session.profile() }
            server.arrived("GET /auth/profile")
            market.close()
            assertEquals(PHONE, profile.await().phone?.value)
        }

    @Test
    fun `a client that nobody refers to goes, and its threads with it`() {
        val threads = { File("/proc/self/task").listFiles().orEmpty().count { it.name() == "market-states" } }
        // A listener does not keep its client, nor does a flow that nobody collects.
        repeat(20) {
            server.client().apply {
                session.onEnd { }
                cart.updates
            }
        }
        assumeTrue(threads() > 0, "threads have no names to be seen here")
        val start = TimeSource.Monotonic.markNow()
        while (threads() > 0 && start.elapsedNow() < 20.seconds) {
            System.gc()
            Thread.sleep(20)
        }
        assertEquals(0, threads())
    }

    private fun File.name() = runCatching { resolve("comm").readText().trim() }.getOrNull()

    @Test
    fun `a client that was forgotten does not hold the states that somebody still collects`(): Unit =
        runBlocking {
            val state = server.client().session.state
            withTimeout(10.seconds) { state.first { it is SessionState.SignedOut } }
            repeat(5) { System.gc() }
            assertTrue(state.value is SessionState.SignedOut)
        }

    @Test
    fun `a library that is missing, broken or of another version is CONFIG`(
        @TempDir folder: File,
    ) {
        Core.requireVersion(CORE_VERSION)
        val other = failure { Core.requireVersion(CORE_VERSION + 1u) }
        assertEquals(ErrorCode.CONFIG, other.code)
        assertEquals("loaded ${CORE_VERSION + 1u}, expected $CORE_VERSION", other.detail)
        assertEquals(ErrorCode.CONFIG, failure { Core.loadedVersion("no_such_library") }.code)
        val broken = folder.resolve("libbroken.so").apply { writeText("not a library") }
        assertEquals(ErrorCode.CONFIG, failure { Core.loadedVersion(broken.path) }.code)
        // A library, but not ours. (Not `c`: JNA takes the whole process for that, ours in it if it was loaded before.)
        assertEquals(ErrorCode.CONFIG, failure { Core.loadedVersion("m") }.code)
    }

    @Test
    fun `the front door says that the library is missing, each time it is asked`() {
        val said = program("dev.marketsdk.NoLibrary", "-Duniffi.component.market_sdk_ffi.libraryOverride=no_such_library")
        assertEquals(listOf("CONFIG", "CONFIG"), said)
    }
}

/**
 * Runs a `main` of the tests as a program of its own, and says what it printed, errors and all. It has 20 s, and of the
 * libraries not the one [without] which it is to go.
 */
internal fun program(
    name: String,
    vararg options: String,
    library: String = System.getProperty("jna.library.path"),
    without: String? = null,
    environment: Map<String, String> = emptyMap(),
): List<String> {
    val java = File(System.getProperty("java.home"), "bin/java").path
    val libraries = System.getProperty("java.class.path").split(File.pathSeparator)
    val left = libraries.filter { without == null || without !in it }
    assertEquals(without == null, left == libraries)
    val path = left.joinToString(File.pathSeparator)
    val command = listOf(java, "-cp", path, "-Djna.library.path=$library", *options, name)
    val said = File.createTempFile("program", ".txt")
    val builder = ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said)
    builder.environment() += environment
    val process = builder.start()
    try {
        assertTrue(process.waitFor(20, TimeUnit.SECONDS), "$name does not end")
        assertEquals(0, process.exitValue(), said.readText())
        return said.readLines()
    } finally {
        process.destroyForcibly()
        said.delete()
    }
}

internal object NoLibrary {
    @JvmStatic
    fun main(arguments: Array<String>): Unit =
        repeat(2) { println(failure { MarketClient("https://shop.example", "com.example.shop") }.code) }
}
