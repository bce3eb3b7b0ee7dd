package dev.marketsdk

import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.fail
import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.util.concurrent.TimeUnit
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

/** The dev server, as a process that ends with this one. */
class DevServer(vararg arguments: String = arrayOf("--no-rate-limits")) : AutoCloseable {
    private val process: Process
    private val http = HttpClient.newHttpClient()
    private val control: String
    val baseUrl: String

    init {
        val program = System.getProperty("market.dev-server").orEmpty()
        check(program.isNotEmpty()) { "Run `cargo xtask test kotlin`: it says where the dev server is." }
        process =
            ProcessBuilder(program, "--quiet", "--exit-with-stdin", *arguments)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start()
        val line = process.inputReader().readLine().orEmpty()
        check(line.startsWith("listening on ")) { "the dev server said: $line" }
        baseUrl = line.removePrefix("listening on ")
        control = URI(baseUrl).resolve("/_dev").toString()
    }

    fun client(store: SessionStore = SessionStore.Memory): MarketClient =
        MarketClient(baseUrl = baseUrl, appId = "com.example.shop", store = store, allowHttpLoopback = true)

    fun code(phone: String): String {
        val asked = URLEncoder.encode(phone, Charsets.UTF_8)
        return (get("/codes?phone=$asked") as JsonObject)["code"].asString
    }

    suspend fun signIn(
        market: MarketClient,
        phone: String = PHONE,
    ): SignIn {
        market.session.requestCode(phone)
        return market.session.verifyCode(phone, code(phone))
    }

    fun expireSessions(): Unit = post("/expire-sessions", "")

    fun advanceClock(seconds: Long): Unit = post("/clock", """{"advance_seconds": $seconds}""")

    fun sql(sql: String): Unit = post("/sql", """{"sql": "$sql"}""")

    fun state(): JsonObject = get("/state") as JsonObject

    /** Requests of this kind wait until [release]. */
    fun hold(route: String): Unit = fault(route, """{"kind": "hold"}""")

    fun release(): Unit = post("/release", "")

    /** The whole log: what the server saw, in order. */
    fun requests(): List<JsonObject> = (get("/requests") as JsonArray).map { it.asJsonObject }

    fun fault(
        route: String,
        fault: String,
        times: Int? = null,
    ) {
        post("/faults", """{"route": "$route", "fault": $fault${times?.let { """, "times": $it""" }.orEmpty()}}""")
    }

    fun requests(path: String): List<JsonObject> = requests().filter { it["path"].asString.endsWith(path) }

    /** Waits for a request to [path] that is as it should be. */
    suspend fun request(
        path: String,
        wanted: (JsonObject) -> Boolean,
    ): JsonObject =
        withTimeout(10.seconds) {
            var found = requests(path).firstOrNull(wanted)
            while (found == null) {
                delay(5.milliseconds)
                found = requests(path).firstOrNull(wanted)
            }
            found
        }

    private fun get(path: String): JsonElement = JsonParser.parseString(send(HttpRequest.newBuilder().GET(), path))

    private fun post(
        path: String,
        json: String,
    ) {
        val body = HttpRequest.BodyPublishers.ofString(json)
        send(HttpRequest.newBuilder().header("Content-Type", "application/json").POST(body), path)
    }

    private fun send(
        request: HttpRequest.Builder,
        path: String,
    ): String {
        val answer = http.send(request.uri(URI(control + path)).build(), HttpResponse.BodyHandlers.ofString())
        check(answer.statusCode() in 200..299) { "$path: ${answer.statusCode()} ${answer.body()}" }
        return answer.body()
    }

    /** Ends the process in good order, and waits until it is gone. */
    override fun close() {
        process.outputStream.close()
        if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly()
    }
}
