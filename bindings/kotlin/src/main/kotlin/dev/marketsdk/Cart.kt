package dev.marketsdk

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.callbackFlow

/** The cart with what is seen of it as a flow. */
internal class ObservedCart(handle: Long) : CoreCartApi(UniffiWithHandle, handle) {
    override val updates: Flow<Cart?> =
        callbackFlow {
            val listener =
                object : CartListener {
                    override fun changed(cart: Cart?) {
                        trySend(cart)
                    }
                }
            observe(listener).use { subscription -> awaitClose { subscription.cancel() } }
        }.buffer(Channel.CONFLATED)
}
