package dev.marketsdk.conformance

import dev.marketsdk.Cart
import dev.marketsdk.EndReason
import dev.marketsdk.MarketClient
import dev.marketsdk.NewOrder
import dev.marketsdk.NewOrderItem
import dev.marketsdk.PHONE
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.SessionEnd
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.SignIn
import dev.marketsdk.request
import dev.marketsdk.signIn
import dev.marketsdk.test.Fault
import dev.marketsdk.test.MarketDevServer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.TestInfo
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/**
 * The cases of `tests/conformance/cases.toml`, which says what each does and checks. A test is named as its case; the
 * log of its server is judged by `cargo xtask conformance`.
 */
abstract class ConformanceTest {
    @TempDir
    lateinit var folder: File
    private lateinit var id: String

    @BeforeEach
    fun named(test: TestInfo) {
        id = test.testMethod.get().name
    }

    protected fun case(
        dialect: String = "documented",
        vararg arguments: String,
        test: suspend Case.() -> Unit,
    ): Unit =
        runBlocking(Dispatchers.Default) {
            val log = System.getenv("MARKET_CONFORMANCE")?.let { arrayOf("--log", File(it, "$id.json").path) }
            val server = MarketDevServer.start(dialect, listOf(*arguments, *log.orEmpty()))
            server.use { withTimeout(60.seconds) { Case(server, folder, this).use { it.test() } } }
        }
}

/** A running case: its server, and the device that it begins with. */
class Case(
    val server: MarketDevServer,
    private val folder: File,
    scope: CoroutineScope,
) : CoroutineScope by scope, AutoCloseable {
    private val devices = mutableListOf<Device>()
    val device: Device get() = devices.firstOrNull() ?: device()
    val market: MarketClient get() = device.market

    fun device(
        parkOnExpiry: ParkOnExpiry? = null,
        installMarker: File? = null,
    ): Device =
        Device(server, folder.resolve("device-${devices.size}"), parkOnExpiry, installMarker).also(devices::add)

    /** Before anything else: the device's client has so many calls wait. */
    fun parks(limit: Int) {
        check(devices.isEmpty())
        device(parkOnExpiry = ParkOnExpiry(limit, 300.seconds))
    }

    /** Before anything else: the device's client has an install marker. */
    fun marked(): File {
        check(devices.isEmpty())
        return folder.resolve("app").apply { mkdir() }.resolve("marker").also { device(installMarker = it) }
    }

    suspend fun signIn(phone: String = PHONE): SignIn = device.signIn(phone)

    /** Looks until it is so; only what is broken takes long. */
    suspend fun until(wanted: () -> Boolean): Unit =
        withTimeout(20.seconds) { while (!wanted()) delay(2.milliseconds) }

    suspend fun arrived(path: String): Unit = server.arrived("* $path")

    suspend fun aborted(path: String) {
        server.request(path) { it.aborted }
    }

    fun once(
        route: String,
        fault: String,
    ): Unit = server.fault(route, Fault(fault), times = 1)

    override fun close(): Unit = devices.forEach { it.market.close() }
}

/** A device: a folder that outlives the app, and the app's client. */
class Device(
    private val server: MarketDevServer,
    val folder: File,
    private val parkOnExpiry: ParkOnExpiry?,
    private val installMarker: File?,
) {
    var market: MarketClient = client()
        private set

    fun client(timeout: Duration? = null): MarketClient =
        MarketClient(
            server.baseUrl,
            "com.example.shop",
            store = SessionStore.File(folder.path),
            timeout = timeout,
            parkOnExpiry = parkOnExpiry,
            allowHttpLoopback = true,
            installMarker = installMarker,
        )

    suspend fun signIn(phone: String = PHONE): SignIn = server.signIn(market, phone)

    fun openAgain(between: () -> Unit = {}) {
        market.close()
        between()
        market = client()
    }

    fun secrets(): List<File> = folder.listFiles().orEmpty().filter { it.name.endsWith(".secret") }
}

/** What a listener of ends was told. */
class Ends(market: MarketClient) {
    private val told = LinkedBlockingQueue<SessionEnd>()

    init {
        market.session.onEnd { told.add(it) }
    }

    fun next(): SessionEnd = checkNotNull(told.poll(10, TimeUnit.SECONDS)) { "no end was told" }

    /** All there are, a moment later. */
    fun all(): List<SessionEnd> = generateSequence { told.poll(200, TimeUnit.MILLISECONDS) }.toList()

    fun reasons(): List<EndReason> = all().map { it.reason }
}

internal fun lines(cart: Cart): List<Pair<Long, Long>> = cart.items.map { it.skuId to it.quantity }.sortedBy { it.first }

internal val fromCart = NewOrder("Ann", PHONE, "1 Main St")

internal fun ofItems(
    sku: Long,
    quantity: Int,
) = NewOrder("Ann", PHONE, "1 Main St", items = listOf(NewOrderItem(sku, quantity)))

internal fun answer(
    status: Int,
    body: String,
) = """{"kind": "answer", "status": $status, "body": "${body.replace("\"", "\\\"")}"}"""

internal inline fun <reified T : SessionState> assertState(state: SessionState): T {
    assertTrue(state is T, "$state")
    return state as T
}

internal fun assertMoney(
    amount: String,
    currency: String,
    money: dev.marketsdk.Money?,
): Unit = assertEquals(dev.marketsdk.Money(java.math.BigDecimal(amount), currency), money)

/** How many orders of the us market the server has. */
internal fun orders(server: MarketDevServer): Int = server.state().getValue("us").jsonObject.getValue("orders").jsonArray.size
