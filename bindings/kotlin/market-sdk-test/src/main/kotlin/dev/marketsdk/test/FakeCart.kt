package dev.marketsdk.test

import dev.marketsdk.Cart
import dev.marketsdk.CartApi
import dev.marketsdk.MarketException
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.distinctUntilChanged

internal class FakeCart(
    private val keeper: Keeper,
    private val calls: Calls,
) : CartApi {
    /** A server may give the lines in another order, which is no change. */
    override val updates: Flow<Cart?> =
        keeper.shown.distinctUntilChanged { one, other -> one?.sorted() == other?.sorted() }

    private fun Cart.sorted() = copy(items = items.sortedBy { it.id })

    override suspend fun get(): Cart {
        calls.note("cart.get")
        return calls.withSession("cart.get", Calls.Lane.CART) { show(it.session.branch.cart(it.session.user)) }
    }

    override suspend fun add(
        skuId: Long,
        quantity: Int,
    ): Cart {
        calls.note("cart.add", skuId, quantity)
        numbered("sku_id", skuId)
        pieces(quantity, least = 1)
        return write("cart.add") { branch, user -> branch.add(user, skuId, quantity) }
    }

    override suspend fun setQuantity(
        lineId: Long,
        quantity: Int,
    ): Cart {
        calls.note("cart.setQuantity", lineId, quantity)
        numbered("line_id", lineId)
        pieces(quantity, least = 0)
        return write("cart.setQuantity") { branch, user ->
            if (quantity == 0) branch.remove(user, lineId) else branch.set(user, lineId, quantity)
        }
    }

    override suspend fun remove(lineId: Long): Cart {
        calls.note("cart.remove", lineId)
        numbered("line_id", lineId)
        return write("cart.remove") { branch, user -> branch.remove(user, lineId) }
    }

    override suspend fun clear(): Cart {
        calls.note("cart.clear")
        return write("cart.clear") { branch, user -> branch.clearCart(user) }
    }

    private suspend fun write(
        name: String,
        act: (Branch, ShopUser) -> Cart,
    ): Cart =
        watched(keeper) {
            calls.withSession(name, Calls.Lane.CART_TO_ITS_END) { show(act(it.session.branch, it.session.user)) }
        }

    private fun show(cart: Cart): Cart = cart.also { keeper.shown.value = it }

    private fun pieces(
        quantity: Int,
        least: Int,
    ) {
        if (quantity !in least..100) throw invalid("quantity", "Enter a quantity from $least to 100.")
    }
}

/** A change of the cart. After one of which it is not known what it has left, those who observe are shown it. */
internal suspend fun <T> watched(
    keeper: Keeper,
    change: suspend () -> T,
): T =
    try {
        change()
    } catch (e: MarketException) {
        if (e.code in LEAVES_CART_IN_DOUBT) reread(keeper)
        throw e
    }

/** Shows those who observe the cart what it is now. */
internal fun reread(keeper: Keeper): Unit =
    keeper.locked {
        val session = keeper.live?.session?.takeIf { it.isAccepted(keeper.shop.now()) }
        if (session != null && keeper.shown.subscriptionCount.value > 0) {
            keeper.shown.value = session.branch.cart(session.user)
        }
    }

internal fun numbered(
    field: String,
    id: Long,
) {
    if (id < 0) throw invalid(field, "There is nothing of this number.")
}
