package dev.marketsdk

import kotlinx.coroutines.CancellationException
import java.io.File
import kotlin.time.Duration
import kotlin.time.toJavaDuration

/**
 * A client of one market server, and the session of the one user who can be signed in on it.
 *
 * Build one when the app starts and keep it. It may be built and used on any thread. Calls are `suspend` functions:
 * cancelling the coroutine cancels the request. They end with a value or a [MarketException].
 *
 * ```
 * val market = MarketClient(baseUrl = "https://api.example.com/api/v1", appId = "com.example.shop")
 * ```
 *
 * It is an interface, as all that it leads to is, so that an app's tests can put something else in its place.
 */
public interface MarketClient : AutoCloseable {
    /** The session: signing in and out, the state, the profile. */
    public val session: SessionApi

    /** The cart of the user who is signed in. */
    public val cart: CartApi

    /** The wishlist of the user who is signed in. */
    public val wishlist: WishlistApi

    /** The orders of the user who is signed in. */
    public val orders: OrdersApi

    /**
     * Makes a request to a route that the SDK has no typed call for, through the same door as all others: with the
     * token, the market, the deadline, retries and errors, and to the client's own server only.
     */
    public suspend fun request(request: RawRequest): RawResponse

    /**
     * Lets go of the client. Calls under way are completed; later ones end with `CONFIG`, and [SessionApi.state] stays
     * as it is. A client that is not closed goes when nobody refers to it any more.
     */
    override fun close()
}

/**
 * Builds a client, which begins to read the store at once. It waits for nothing.
 *
 * @param baseUrl the server: `https://host`, with a port and a path prefix if there are any
 * @param appId the app's own name, such as `com.example.shop`; with the base URL it names the stored session
 * @param market the one market that the app serves; without it, it follows from the user's phone number
 * @param store where the session is stored
 * @param connectTimeout how long a connection may take to be made; 10 s if nothing is said
 * @param timeout how long a whole call may take, waits and attempts included; 30 s if nothing is said
 * @param storeTimeout how long the store may take before it counts as locked; 5 s if nothing is said
 * @param parkOnExpiry lets calls that are stopped by an expired session wait for its user to sign in again; none waits
 *   if nothing is said
 * @param expiringSoon how long before a session's end [SessionApi.onExpiringSoon] says so; 5 minutes if nothing is said
 * @param bodyLimit the longest response body that is read, in bytes; 8 MiB if nothing is said
 * @param extraRootCertificates PEM texts of certificates to trust as roots, beside those of the system
 * @param userAgent put in front of the SDK's own name in `User-Agent`
 * @param allowHttpLoopback allows `http://` for a server on this very machine, as in tests
 * @param orderSettleTime how long after an order was sent it may still turn up; 15 minutes if nothing is said
 * @param installMarker a file that goes when the app is uninstalled and is in no backup, by its absolute path: a session
 *   that an earlier installation left in the store is nobody's. If nothing is said: on Android, with the system's own
 *   store, one in the app's folder that is so; none elsewhere
 * @param pinnedKeys keys of which one has to vouch for the server's certificate, beside what the system demands: each
 *   `sha256/` and the digest of a key (SubjectPublicKeyInfo) in base64. None, or at least two, one of them a backup
 * @throws MarketException `CONFIG` if something is missing or makes no sense, or the native library does not fit
 */
@Throws(MarketException::class)
public fun MarketClient(
    baseUrl: String,
    appId: String,
    market: Market? = null,
    store: SessionStore = SessionStore.Keyring,
    connectTimeout: Duration? = null,
    timeout: Duration? = null,
    storeTimeout: Duration? = null,
    parkOnExpiry: ParkOnExpiry? = null,
    expiringSoon: Duration? = null,
    bodyLimit: Long? = null,
    extraRootCertificates: List<String> = emptyList(),
    userAgent: String? = null,
    allowHttpLoopback: Boolean = false,
    orderSettleTime: Duration? = null,
    installMarker: File? = null,
    pinnedKeys: List<String> = emptyList(),
): MarketClient {
    Core.load()
    val config =
        ClientConfig(
            baseUrl = baseUrl,
            appId = appId,
            market = market,
            store = store,
            connectTimeout = connectTimeout?.toJavaDuration(),
            timeout = timeout?.toJavaDuration(),
            storeTimeout = storeTimeout?.toJavaDuration(),
            parkOnExpiry = parkOnExpiry,
            expiringSoon = expiringSoon?.toJavaDuration(),
            bodyLimit = bodyLimit,
            extraRootCertificates = extraRootCertificates,
            userAgent = userAgent,
            allowHttpLoopback = allowHttpLoopback,
            orderSettleTime = orderSettleTime?.toJavaDuration(),
            installMarker = installMarker?.path,
            pinnedKeys = pinnedKeys,
        )
    return CoreMarketClient(MarketCore(config))
}

/** At most [limit] calls wait, each for [patience]. */
public fun ParkOnExpiry(
    limit: Int,
    patience: Duration,
): ParkOnExpiry = ParkOnExpiry(limit, patience.toJavaDuration())

/** Checks that the session lasts for [duration] from now, as the one with Java's own type does. */
@Throws(MarketException::class, CancellationException::class)
public suspend fun SessionApi.requireValidity(duration: Duration): Unit = requireValidity(duration.toJavaDuration())

private class CoreMarketClient(private val core: MarketCore) : MarketClient {
    override val session: CoreSessionApi = core.session()
    override val cart: CoreCartApi = core.cart()
    override val wishlist: CoreWishlistApi = core.wishlist()
    override val orders: CoreOrdersApi = core.orders()

    override suspend fun request(request: RawRequest): RawResponse = core.request(request)

    override fun close(): Unit = listOf(session, cart, wishlist, orders, core).forEach(AutoCloseable::close)
}
