package dev.marketsdk.test

import dev.marketsdk.CartApi
import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.FieldError
import dev.marketsdk.Market
import dev.marketsdk.MarketClient
import dev.marketsdk.OrdersApi
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.RawRequest
import dev.marketsdk.RawResponse
import dev.marketsdk.SessionApi
import dev.marketsdk.SessionState
import dev.marketsdk.WishlistApi
import kotlin.time.Duration
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toJavaDuration
import kotlin.time.toKotlinDuration

/**
 * A client for an app's tests, which keeps all in memory: it needs no network and no native library. It behaves as the real
 * one does against the dev server, which the SDK's own tests compare, and does besides what the test tells it to.
 *
 * ```
 * val market = FakeMarketClient(signedInAs = "+13128059851")
 * market.cart.add(skuId = 42, quantity = 2)
 * market.expire()
 * ```
 *
 * Its calls take no time, or virtual time under `runTest`. Sessions, codes and orders grow old by the shop's clock, which
 * virtual time does not move: [FakeShop.advanceClock] does. A call is named as it is written: `cart.add`, `session.profile`,
 * `orders.place`, and `request`.
 *
 * @param signedInAs the phone number of who is signed in; nobody, if nothing is said
 * @param market the one market that the app serves, as the real client is built with it
 * @param parkOnExpiry as the real client is built with it
 * @param expiringSoon how long before a session's end [SessionApi.onExpiringSoon] says so; 5 minutes if nothing is said
 * @param orderSettleTime how long after an order was sent it may still turn up; 15 minutes if nothing is said
 * @param shop what is behind it; two clients of one shop are two devices
 */
public class FakeMarketClient(
    signedInAs: String? = null,
    market: Market? = null,
    parkOnExpiry: ParkOnExpiry? = null,
    expiringSoon: Duration? = null,
    orderSettleTime: Duration? = null,
    /** What is behind it: what it sells, its clock, the code of each SMS. */
    public val shop: FakeShop = FakeShop(),
) : MarketClient {
    private val keeper = Keeper(shop, parkOnExpiry, (expiringSoon ?: 5.minutes).toJavaDuration())
    private val made = Calls(keeper)

    override val session: SessionApi = FakeSession(keeper, made, market)
    override val cart: CartApi = FakeCart(keeper, made)
    override val wishlist: WishlistApi = FakeWishlist(made)
    // The real client gives an order at least the time that a call may take.
    override val orders: OrdersApi =
        FakeOrders(keeper, made, maxOf(orderSettleTime ?: 15.minutes, 30.seconds).toJavaDuration())

    /** The calls that the app has made, in order. */
    public val calls: List<FakeCall> get() = made.made()

    init {
        checkTimes(parkOnExpiry, expiringSoon, orderSettleTime)
        if (signedInAs != null) {
            val phone = Phone.parse(signedInAs, market)
            keeper.locked { keeper.signedIn(phone.branch(shop).signIn(phone.text)) }
        }
    }

    override suspend fun request(request: RawRequest): RawResponse {
        made.note("request", request)
        checkPath(request.path)
        val answer = { shop.answer(request) }
        return if (request.withSession) made.withSession("request") { answer() } else made.withoutSession("request", act = answer)
    }

    override fun close(): Unit = keeper.locked { keeper.closed = true }

    /**
     * Ends the session, on the spot: its time is up (`EXPIRED`), or the server has refused it (`REJECTED`). With
     * [FakeShop.expireSessions] the next call does. [waiting]: so many calls are shown to wait, besides those that do.
     */
    public fun expire(
        reason: EndReason = EndReason.EXPIRED,
        waiting: Int = 0,
    ) {
        require(reason == EndReason.EXPIRED || reason == EndReason.REJECTED) { "The app itself ends a session so: $reason" }
        keeper.locked {
            check(keeper.live != null) { "Nobody is signed in whose session could end." }
            keeper.expired(reason, waiting)
        }
    }

    /**
     * Shows any state, `Restoring` or `Locked` say, as if the client had found it so. Calls wait as they do in that state.
     * Nobody is told of an end of the session.
     */
    public fun show(state: SessionState): Unit = keeper.locked { keeper.show(state) }

    /** Has so much of the session's time left, and tells those who want to know. */
    public fun expiringSoon(left: Duration): Unit = keeper.locked { keeper.endsSoon(left.toJavaDuration()) }

    /**
     * Fails the next calls that reach the shop: so many [times], of all or of the one that is named. `SESSION_EXPIRED` ends
     * the session as the server does. A sign-in or an order whose answer may be lost by it, as by `TIMEOUT`, ends with
     * `OUTCOME_UNKNOWN`. Nothing fails a logout but `STORE_NOT_CLEARED`, after it.
     *
     * @param acted the shop does before that what it was asked
     * @param message what the real client says, if nothing is said
     * @throws IllegalArgumentException if no call could fail so
     */
    public fun fail(
        code: ErrorCode,
        call: String? = null,
        times: Int = 1,
        acted: Boolean = false,
        status: Int? = usualStatus(code),
        retryAfter: Duration? = null,
        fields: List<FieldError> = emptyList(),
        message: String? = null,
    ) {
        named(call, SHOP + LOCAL)
        require(times > 0) { "It fails at least once." }
        require((code == ErrorCode.STORE_NOT_CLEARED) == (call in LOCAL)) {
            "A logout or a clearing fails with STORE_NOT_CLEARED alone, and nothing else does: ${call ?: "any call"}, $code"
        }
        require(code != ErrorCode.SESSION_EXPIRED || call !in SIGNED_OUT) { "$call needs no session that could expire." }
        made.fail(Calls.Failure(call, times, acted, error(code, status, message, retryAfter?.toJavaDuration(), fields)))
    }

    /**
     * Loses the answer of the next order, which ends with `OUTCOME_UNKNOWN`: `resolve` finds it, or if it was not [placed]
     * does not. That it was not is certain after `orderSettleTime`: [FakeShop.advanceClock].
     */
    public fun loseOrderAnswer(placed: Boolean = true): Unit = fail(ErrorCode.OUTCOME_UNKNOWN, "orders.place", acted = placed)

    /** From now on calls take so long, all or the one that is named. */
    public fun delay(
        by: Duration,
        call: String? = null,
    ) {
        named(call, SHOP)
        made.delay(call, by)
    }

    /** From now on calls wait for [release], all or the one that is named. */
    public fun hold(call: String? = null) {
        named(call, SHOP)
        made.hold(call)
    }

    /** Lets go on what [hold] holds, and holds no more. */
    public fun release(): Unit = made.release()

    /**
     * Waits until [count] calls of this name are under way: come to the shop, and not yet answered, but held or delayed.
     *
     * @throws IllegalStateException if they are not within 10 seconds of real time: it says what is under way
     */
    public suspend fun arrived(
        call: String,
        count: Int = 1,
    ): Unit = arrived(call, count, PATIENCE)

    internal suspend fun arrived(
        call: String,
        count: Int,
        limit: Duration,
    ) {
        named(call, SHOP)
        made.arrived(call, count, limit)
    }

    private companion object {
        val PATIENCE = 10.seconds
        val SHOP =
            setOf(
                "session.requestCode", "session.verifyCode", "session.profile", "session.updateProfile", "session.verifyToken",
                "session.markets", "cart.get", "cart.add", "cart.setQuantity", "cart.remove", "cart.clear", "wishlist.get",
                "wishlist.add", "wishlist.remove", "wishlist.clear", "orders.place", "orders.resolve", "orders.list", "orders.get",
                "orders.cancel", "request",
            )
        val LOCAL = setOf("session.logout", "session.clear")
        val SIGNED_OUT = setOf("session.requestCode", "session.verifyCode", "session.markets")

        /** What the real client's builder refuses. */
        fun checkTimes(
            park: ParkOnExpiry?,
            expiringSoon: Duration?,
            settle: Duration?,
        ) {
            fun config(words: String): Nothing = throw error(ErrorCode.CONFIG, message = words)
            if (settle != null && (settle <= Duration.ZERO || settle > 1.days)) {
                config("The time for an order to settle must be longer than zero and at most a day.")
            }
            if (park != null && (park.limit !in 1..1000 || park.patience.toKotlinDuration().let { it <= Duration.ZERO || it > 1.days })) {
                config("From 1 to 1000 calls may wait, each longer than zero and at most 24 hours.")
            }
            if (expiringSoon != null && expiringSoon <= Duration.ZERO) {
                config("The time before a session's end must be longer than zero.")
            }
        }

        fun named(
            call: String?,
            calls: Set<String>,
        ): Unit = require(call == null || call in calls) { "There is no call $call that could; there are: ${calls.joinToString()}" }

        fun checkPath(path: String) {
            val parts = path.removePrefix("/").removeSuffix("/").split('/')
            val plain = path.startsWith("/") && parts.none { it in setOf("", ".", "..") }
            if (!plain || path.any { it in "?#\\" || it.isISOControl() || it.isWhitespace() }) {
                throw invalid("path", "The path must lead to a place below the base URL, like /products.")
            }
            if (path.trimEnd('/').lowercase() in setOf("/auth/verify-code", "/auth/logout")) {
                throw invalid("path", "Signing in and out are calls of the session.")
            }
        }
    }
}

/** A call that the app has made: `FakeCall("cart.add", 42L, 2)`. */
public class FakeCall(
    /** As it is written: `cart.add`. */
    public val name: String,
    vararg arguments: Any?,
) {
    /** What it was given, in order. */
    public val arguments: List<Any?> = arguments.toList()

    override fun equals(other: Any?): Boolean = other is FakeCall && other.name == name && other.arguments == arguments

    override fun hashCode(): Int = name.hashCode() * 31 + arguments.hashCode()

    override fun toString(): String = "$name(${arguments.joinToString()})"
}
