package dev.marketsdk.test

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.intOrNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import java.io.File
import java.net.HttpURLConnection
import java.net.Proxy
import java.net.URI
import java.net.URLEncoder
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.DurationUnit

/**
 * A market server for tests: the program `market-dev-server`, as a process that ends with this one. It keeps its data in
 * memory, takes any free port of this machine, and misbehaves when it is told to.
 *
 * ```
 * MarketDevServer.start().use { server ->
 *     val market = MarketClient(server.baseUrl, "com.example.shop", store = SessionStore.Memory, allowHttpLoopback = true)
 * }
 * ```
 *
 * Its own README says more about what can be asked of it.
 */
public class MarketDevServer private constructor(private val process: Process) : AutoCloseable {
    /** What a client is built with, besides `allowHttpLoopback = true`. */
    public val baseUrl: String

    init {
        val reader = process.inputReader()
        val first = CompletableFuture.supplyAsync { reader.readLine().orEmpty() }
        val line = runCatching { first.get(START.inWholeSeconds, TimeUnit.SECONDS) }.getOrDefault("nothing within $START")
        if (!line.startsWith(LISTENING)) {
            if (!first.isDone) process.destroyForcibly()
            close()
            // Of one that was killed there is nothing more to read.
            val rest = runCatching(reader::readText).getOrDefault("")
            error("$PROGRAM did not start. It said: $line\n$rest")
        }
        baseUrl = line.removePrefix(LISTENING)
    }

    /** The code that was sent to [phone] last, and was not used yet. */
    public fun code(phone: String): String {
        val asked = URLEncoder.encode(phone, Charsets.UTF_8)
        val code = get("/codes?phone=$asked").jsonObject["code"]?.jsonPrimitive?.contentOrNull
        return checkNotNull(code) { "No code waits for this phone number: ask for one first." }
    }

    /** Refuses all sessions of until now with 401. */
    public fun expireSessions(): Unit = post("/expire-sessions")

    /** Moves the server's clock: a session is good for half an hour of it. */
    public fun advanceClock(by: Duration): Unit =
        post("/clock", buildJsonObject { put("advance_seconds", by.toDouble(DurationUnit.SECONDS)) })

    /**
     * Plays [fault] on the requests of a [route], such as `POST /orders/create`; `*` stands for any method, `{id}` for any
     * one part of the path. It stays, if nothing is said of the number of [times].
     */
    public fun fault(
        route: String,
        fault: Fault,
        times: Int? = null,
    ): Unit =
        post(
            "/faults",
            buildJsonObject {
                put("route", route)
                put("fault", fault.json)
                times?.let { put("times", it) }
            },
        )

    /** Plays no fault any more. What is held stays so until [release]. */
    public fun clearFaults() {
        send("DELETE", "/faults")
    }

    /** Lets go on what [Fault.hold] holds, and holds no more. */
    public fun release(): Unit = post("/release")

    /**
     * Waits until [count] requests of a [route], written as for [fault], are under way: come, and not yet answered, but held,
     * delayed or being worked on. A fault that is to be played on them was taken by then: it may be cleared.
     *
     * @throws IllegalStateException if they are not within 10 seconds: it says what is under way; or if the server has no such
     *   route
     */
    public suspend fun arrived(
        route: String,
        count: Int = 1,
    ) {
        val asked = URLEncoder.encode(route, Charsets.UTF_8)
        // By the clock on the wall: the server knows no virtual time.
        withContext(Dispatchers.IO) { get("/arrived?route=$asked&count=$count") }
    }

    /** What the server was asked, in order. */
    public fun requests(): List<LoggedRequest> = get("/requests").jsonArray.map { LoggedRequest(it.jsonObject) }

    /** What the server has stored, by market (`us`, `kg`): users, carts, wishlists, orders and stock. */
    public fun state(): JsonObject = get("/state").jsonObject

    /** Ends the process in good order, and waits until it is gone. One that does not go within 10 seconds is killed. */
    override fun close() {
        // It may be gone already.
        runCatching { process.outputStream.close() }
        if (!process.waitFor(PATIENCE.inWholeSeconds, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor(PATIENCE.inWholeSeconds, TimeUnit.SECONDS)
        }
    }

    private fun get(path: String): JsonElement = send("GET", path)

    internal fun post(
        path: String,
        json: JsonObject = JsonObject(emptyMap()),
    ) {
        send("POST", path, json)
    }

    private fun send(
        method: String,
        path: String,
        json: JsonObject? = null,
    ): JsonElement {
        val url = URI(baseUrl).resolve("/_dev$path").toURL()
        val connection = url.openConnection(Proxy.NO_PROXY) as HttpURLConnection
        connection.requestMethod = method
        connection.connectTimeout = PATIENCE.inWholeMilliseconds.toInt()
        connection.readTimeout = START.inWholeMilliseconds.toInt()
        // Each on a connection of its own: the server closes one that rests, perhaps in the moment when it is used again.
        connection.setRequestProperty("Connection", "close")
        if (json != null) {
            connection.doOutput = true
            connection.setRequestProperty("Content-Type", "application/json")
            connection.outputStream.use { it.write(json.toString().toByteArray()) }
        }
        val status = connection.responseCode
        val answer = if (status == HttpURLConnection.HTTP_OK) connection.inputStream else connection.errorStream
        val text = answer?.use { it.readBytes().decodeToString() }.orEmpty()
        check(status == HttpURLConnection.HTTP_OK) { "$path: $status $text" }
        return Json.parseToJsonElement(text)
    }

    public companion object {
        private const val PROGRAM = "market-dev-server"
        private const val LISTENING = "listening on "
        private val START = 30.seconds
        private val PATIENCE = 10.seconds

        /** Names the program, where it is not on `PATH`. */
        private const val VARIABLE = "MARKET_DEV_SERVER"

        /**
         * Starts the server, and returns when it listens. The program is the one that the variable `MARKET_DEV_SERVER`
         * names, or else the one on `PATH`.
         *
         * @param dialect which generation of the API it plays: `documented`, `g1` or `g2`
         * @param args more arguments for the program, such as `--no-rate-limits`
         * @throws IllegalStateException if it is not there, or does not start within 30 seconds; also on a phone
         */
        public fun start(
            dialect: String = "documented",
            args: List<String> = emptyList(),
        ): MarketDevServer {
            check(!System.getProperty("java.vm.name").orEmpty().startsWith("Dalvik")) {
                "A phone cannot start $PROGRAM. On Android it is for local unit tests, which run on the development machine: " +
                    "src/test and `gradlew testDebugUnitTest`, not src/androidTest and `gradlew connectedCheck`."
            }
            val fixed = listOf(program().path, "--port", "0", "--quiet", "--exit-with-stdin", "--dialect", dialect)
            return MarketDevServer(ProcessBuilder(fixed + args).redirectErrorStream(true).start())
        }

        private fun program(): File {
            val named = System.getenv(VARIABLE)?.let(::File)
            val onPath = System.getenv("PATH").orEmpty().split(File.pathSeparator).map { File(it, PROGRAM) }
            val found = if (named != null) listOf(named) else onPath + onPath.map { File("${it.path}.exe") }
            return checkNotNull(found.firstOrNull { it.isFile && it.canExecute() }) {
                "$PROGRAM was not found ${if (named != null) "at $named, which $VARIABLE names" else "on PATH"}. " +
                    "Install it in a checkout of the SDK by `cargo install --path tests/dev-server`, or name one that was built there " +
                    "(`cargo build -p $PROGRAM` makes target/debug/$PROGRAM) in $VARIABLE."
            }
        }
    }
}

/** A request as the server saw it, and what became of it. */
public class LoggedRequest internal constructor(json: JsonObject) {
    /** `GET`, `POST` and so on. */
    public val method: String = json.text("method")

    /** With the prefix of the base URL: `/api/v1/cart`. */
    public val path: String = json.text("path")

    /** What stood behind `?`. */
    public val query: String = json.text("query")

    /** Names in lower case. A token is not shown: `authorization` is `Bearer #1` for the first, and so on. */
    public val headers: Map<String, String> =
        json.getValue("headers").jsonObject.mapValues { it.value.jsonPrimitive.content }

    /** The body, if it was JSON. */
    public val body: JsonElement? = json["body"].takeIf { it !is JsonNull }

    /** Null as long as there is no answer. */
    public val status: Int? = json.getValue("status").jsonPrimitive.intOrNull

    /** Whether the client left before the answer. */
    public val aborted: Boolean = json.getValue("aborted").jsonPrimitive.boolean

    override fun toString(): String = "$method $path ${if (aborted) "aborted" else status}"

    private companion object {
        fun JsonObject.text(name: String) = getValue(name).jsonPrimitive.content
    }
}

/** A way in which [MarketDevServer] misbehaves. `acted`: the server does before that what it was asked. */
public class Fault private constructor(internal val json: JsonObject) {
    /** Any fault that the server's README has, in its own JSON: `{"kind": "truncated"}`. */
    public constructor(json: String) : this(Json.parseToJsonElement(json).jsonObject)

    public companion object {
        /** Answers with an error of this [status], and with `Retry-After`. */
        public fun status(
            status: Int,
            acted: Boolean = false,
            retryAfter: Duration? = null,
        ): Fault {
            val wait = retryAfter?.let { buildJsonObject { put("seconds", it.inWholeSeconds) } }
            return of("status", acted, "status" to JsonPrimitive(status), "retry_after" to (wait ?: JsonNull))
        }

        /** Waits until [MarketDevServer.release]. */
        public fun hold(acted: Boolean = false): Fault = of("hold", acted)

        /** Cuts the connection in place of an answer: the client does not learn what became of its request. */
        public fun reset(acted: Boolean = false): Fault = of("reset", acted)

        /** Waits for [delay], and answers. */
        public fun latency(
            delay: Duration,
            acted: Boolean = false,
        ): Fault = of("latency", acted, "ms" to JsonPrimitive(delay.inWholeMilliseconds))

        /** Answers with this [body] of JSON, in place of doing anything. */
        public fun answer(
            body: String,
            status: Int = 200,
        ): Fault = of("answer", false, "status" to JsonPrimitive(status), "body" to JsonPrimitive(body))

        private fun of(
            kind: String,
            acted: Boolean,
            vararg fields: Pair<String, JsonElement>,
        ) = Fault(JsonObject(mapOf("kind" to JsonPrimitive(kind), "acted" to JsonPrimitive(acted), *fields)))
    }
}
