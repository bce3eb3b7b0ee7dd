package bench

import dev.marketsdk.MarketClient
import dev.marketsdk.SessionState
import dev.marketsdk.SessionStore

/** The SDK's side. */
private class Sdk(given: Given) : Side {
    private val market =
        MarketClient(
            baseUrl = given.baseUrl,
            appId = "com.example.bench",
            store = SessionStore.File(given.folder.resolve("session").path),
            allowHttpLoopback = true,
        )

    override suspend fun signIn() {
        market.session.verifyCode(PHONE, CODE)
    }

    override suspend fun open(): Unit = check(market.session.restore() is SessionState.SignedIn)

    override suspend fun cart(): Pair<Int, Long> {
        val cart = market.cart.get()
        return Pair(cart.items.size, cart.items.sumOf { it.quantity })
    }

    override suspend fun wishlist(): Int = market.wishlist.get().items.size
}

fun main(arguments: Array<String>): Unit = run(arguments, ::Sdk)
