package dev.marketsdk

import dev.marketsdk.test.Fault
import dev.marketsdk.test.LoggedRequest
import dev.marketsdk.test.MarketDevServer
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Assertions.fail
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

internal const val PHONE = "+13128059851"

internal const val KG_PHONE = "+996700123456"

/** What [call] fails with. */
internal inline fun failure(call: () -> Unit): MarketException {
    try {
        call()
    } catch (e: MarketException) {
        return e
    }
    return fail("it did not fail")
}

/** A dev server of which codes may be asked for as often as a test likes. */
internal fun devServer(): MarketDevServer = MarketDevServer.start(args = listOf("--no-rate-limits"))

internal fun MarketDevServer.client(
    store: SessionStore = SessionStore.Memory,
    parkOnExpiry: ParkOnExpiry? = null,
): MarketClient =
    MarketClient(baseUrl, "com.example.shop", store = store, allowHttpLoopback = true, parkOnExpiry = parkOnExpiry)

internal suspend fun MarketDevServer.signIn(
    market: MarketClient,
    phone: String = PHONE,
): SignIn {
    market.session.requestCode(phone)
    return market.session.verifyCode(phone, code(phone))
}

internal fun MarketDevServer.hold(route: String): Unit = fault(route, Fault.hold())

internal fun MarketDevServer.sql(sql: String): Unit = post("/sql", buildJsonObject { put("sql", sql) })

internal fun MarketDevServer.requests(path: String): List<LoggedRequest> = requests().filter { it.path.endsWith(path) }

/** Waits for a request to [path] that is as it should be. */
internal suspend fun MarketDevServer.request(
    path: String,
    wanted: (LoggedRequest) -> Boolean,
): LoggedRequest =
    withTimeout(10.seconds) {
        var found = requests(path).firstOrNull(wanted)
        while (found == null) {
            delay(5.milliseconds)
            found = requests(path).firstOrNull(wanted)
        }
        found
    }
