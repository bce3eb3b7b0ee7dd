package dev.marketsdk.fakes

import dev.marketsdk.Cart
import dev.marketsdk.CodeSent
import dev.marketsdk.ErrorCode
import dev.marketsdk.FieldError
import dev.marketsdk.Market
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.NewOrder
import dev.marketsdk.Order
import dev.marketsdk.OrderOutcome
import dev.marketsdk.PHONE
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.Profile
import dev.marketsdk.SessionEnd
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore
import dev.marketsdk.SignIn
import dev.marketsdk.test.FakeMarketClient
import dev.marketsdk.test.FakeShop
import dev.marketsdk.test.Fault
import dev.marketsdk.test.MarketDevServer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import java.time.Instant
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** What is behind the clients of a run, and how a test steers it. */
internal interface World : AutoCloseable {
    fun client(
        market: Market?,
        parkOnExpiry: ParkOnExpiry?,
    ): MarketClient

    fun code(phone: String): String

    fun expireSessions()

    fun advanceClock(by: Duration)

    fun fail(
        call: String,
        status: Int,
        code: ErrorCode,
        acted: Boolean,
        retryAfter: Duration?,
    )

    fun loseOrderAnswer(placed: Boolean)

    fun answer(
        route: String,
        json: String,
        status: Int,
    )

    fun hold(call: String)

    suspend fun arrived(call: String)

    fun release()
}

/** The real client, against the dev server. */
internal class RealWorld : World {
    private val server = MarketDevServer.start()

    override fun client(
        market: Market?,
        parkOnExpiry: ParkOnExpiry?,
    ): MarketClient =
        MarketClient(
            server.baseUrl,
            "com.example.shop",
            market,
            SessionStore.Memory,
            parkOnExpiry = parkOnExpiry,
            allowHttpLoopback = true,
        )

    override fun code(phone: String) = server.code(phone)

    override fun expireSessions() = server.expireSessions()

    override fun advanceClock(by: Duration) = server.advanceClock(by)

    override fun fail(
        call: String,
        status: Int,
        code: ErrorCode,
        acted: Boolean,
        retryAfter: Duration?,
    ) = server.fault(ROUTES.getValue(call), Fault.status(status, acted, retryAfter), times = 1)

    override fun loseOrderAnswer(placed: Boolean) =
        server.fault(ROUTES.getValue("orders.place"), Fault.reset(acted = placed), times = 1)

    override fun answer(
        route: String,
        json: String,
        status: Int,
    ) {
        server.clearFaults()
        server.fault(route, Fault.answer(json, status))
    }

    override fun hold(call: String) = server.fault(ROUTES.getValue(call), Fault.hold())

    override suspend fun arrived(call: String) = server.arrived(ROUTES.getValue(call))

    override fun release() = server.release()

    override fun close() = server.close()

    private companion object {
        val ROUTES =
            mapOf(
                "cart.add" to "POST /cart/items",
                "cart.get" to "GET /cart",
                "orders.place" to "POST /orders/create",
                "session.profile" to "GET /auth/profile",
                "session.verifyCode" to "POST /auth/verify-code",
                "session.verifyToken" to "GET /auth/verify-token",
            )
    }
}

/** Fakes of one shop. */
internal class FakeWorld : World {
    private val shop = FakeShop()
    private val clients = mutableListOf<FakeMarketClient>()

    override fun client(
        market: Market?,
        parkOnExpiry: ParkOnExpiry?,
    ): MarketClient = FakeMarketClient(market = market, parkOnExpiry = parkOnExpiry, shop = shop).also(clients::add)

    override fun code(phone: String) = shop.code

    override fun expireSessions() = shop.expireSessions()

    override fun advanceClock(by: Duration) = shop.advanceClock(by)

    override fun fail(
        call: String,
        status: Int,
        code: ErrorCode,
        acted: Boolean,
        retryAfter: Duration?,
    ) = clients.first().fail(code, call, acted = acted, status = status, retryAfter = retryAfter)

    override fun loseOrderAnswer(placed: Boolean) = clients.first().loseOrderAnswer(placed)

    override fun answer(
        route: String,
        json: String,
        status: Int,
    ) = shop.answer(route, json, status)

    override fun hold(call: String) = clients.forEach { it.hold(call) }

    override suspend fun arrived(call: String) = clients.first().arrived(call)

    override fun release() = clients.forEach { it.release() }

    override fun close() = Unit
}

/** An app that is run once in each world. All that it [sees] is compared. */
internal class Run(
    val world: World,
    scope: CoroutineScope,
    only: Market?,
    parks: Int?,
) : CoroutineScope by scope {
    private val devices = mutableListOf<MarketClient>()
    private val ends = LinkedBlockingQueue<SessionEnd>()
    val market: MarketClient = device(only, parks).also { market -> market.session.onEnd { ends.add(it) } }
    val seen = mutableListOf<Any?>()

    fun device(
        only: Market? = null,
        parks: Int? = null,
    ): MarketClient = world.client(only, parks?.let { ParkOnExpiry(it, 5.minutes) }).also(devices::add)

    suspend fun signIn(
        phone: String = PHONE,
        device: MarketClient = market,
    ): SignIn {
        // Two sign-ins of one second have the same token.
        world.advanceClock(1.seconds)
        device.session.requestCode(phone)
        return device.session.verifyCode(phone, world.code(phone))
    }

    fun saw(what: Any?) {
        seen += what
    }

    /** What becomes of a call. */
    suspend fun sees(call: suspend () -> Any?) {
        saw(outcome(call))
    }

    fun seesState(of: MarketClient = market) {
        saw(shown(of.session.state.value))
    }

    /** A call that is begun, and seen when it has ended. It is made before this returns. */
    fun begin(call: suspend () -> Any?) = async(start = CoroutineStart.UNDISPATCHED) { outcome(call) }

    /** Follows the states while [steps] go on. Of those that follow each other and are of one kind the last is seen. */
    suspend fun following(steps: suspend (suspend (Class<out SessionState>) -> Unit) -> Unit) {
        val states = CopyOnWriteArrayList<SessionState>()
        val observer: Job = launch { market.session.state.collect(states::add) }
        steps { wanted -> until { wanted.isInstance(states.lastOrNull()) } }
        observer.cancel()
        val last = states.filterIndexed { at, state -> state.javaClass != states.getOrNull(at + 1)?.javaClass }
        saw(last.map(::shown))
    }

    /** Follows the states until so many calls wait. */
    suspend fun waits(calls: Int) {
        withTimeout(10.seconds) {
            saw(shown(market.session.state.first { it is SessionState.Expired && it.waiting == calls }))
        }
    }

    /** Observes the cart, and waits for what each step shows. */
    suspend fun observing(steps: suspend (suspend (List<Pair<Long, Long>>?) -> Unit) -> Unit) {
        val carts = CopyOnWriteArrayList<Cart?>()
        val observer: Job = launch { market.cart.updates.collect(carts::add) }
        val shows: suspend (List<Pair<Long, Long>>?) -> Unit = { wanted ->
            until { carts.isNotEmpty() && carts.last()?.items?.map { it.skuId to it.quantity }?.sortedBy { it.first } == wanted }
        }
        steps(shows)
        observer.cancel()
        saw(carts.toList())
    }

    suspend fun until(wanted: () -> Boolean): Unit = withTimeout(10.seconds) { while (!wanted()) delay(2.milliseconds) }

    suspend fun finish() {
        devices.forEach { it.close() }
        coroutineContext.cancelChildren()
        saw("ends" to generateSequence { ends.poll(100, TimeUnit.MILLISECONDS) }.toList())
    }
}

/** What an app sees of an error. */
internal data class Failed(
    val code: ErrorCode,
    val message: String,
    val status: Int?,
    val isRetryable: Boolean,
    val retryAfter: java.time.Duration?,
    val fields: List<FieldError>,
)

internal suspend fun outcome(call: suspend () -> Any?): Any? =
    try {
        shown(call())
    } catch (e: MarketException) {
        Failed(e.code, e.message, e.status, e.isRetryable, e.retryAfter, e.fields)
    }

/** Times are those of two runs: what is compared is whether there is one. */
private fun shown(value: Any?): Any? =
    when (value) {
        is List<*> -> value.map(::shown)
        is SessionState.SignedIn -> value.copy(expiresAt = value.expiresAt?.let { Instant.EPOCH })
        is SignIn -> value.copy(expiresAt = value.expiresAt?.let { Instant.EPOCH })
        is CodeSent -> value.retryAt.isAfter(Instant.now().plusSeconds(60)) to value.expiresAt
        is Profile -> value.copy(lastLogin = value.lastLogin?.let { Instant.EPOCH }, createdAt = value.createdAt?.let { Instant.EPOCH })
        is Order -> value.copy(orderDate = value.orderDate?.let { Instant.EPOCH })
        is OrderOutcome.Placed -> OrderOutcome.Placed(shown(value.order) as Order)
        is OrderOutcome.NotSeenYet -> "settles in ${value.settlesIn?.plusSeconds(30)?.toMinutes()} minutes"
        else -> value
    }

/** Runs [app] on a fake and on the real client, which have to show it the same. */
internal fun same(
    only: Market? = null,
    parks: Int? = null,
    app: suspend Run.() -> Unit,
) {
    fun seen(world: World): List<Any?> =
        world.use {
            runBlocking(Dispatchers.Default) {
                withTimeout(60.seconds) {
                    val run = Run(world, this, only, parks)
                    run.market.session.restore()
                    run.app()
                    run.finish()
                    run.seen
                }
            }
        }
    val (real, fake) = seen(RealWorld()) to seen(FakeWorld())
    assertTrue(real.size > 1, "the app looked at nothing")
    for ((at, what) in real.withIndex()) assertEquals(what, fake.getOrNull(at), "number $at of what the app saw")
    assertEquals(real.size, fake.size)
}

internal val fromCart = NewOrder("Ann", PHONE, "1 Main St")
