package dev.marketsdk

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/**
 * The session of the one user who can be signed in.
 *
 * It is read from the store when the client is built. While a user is signed in, every call carries the token by
 * itself.
 */
public class Session internal constructor(private val api: SessionApi) : SessionApiInterface by api {
    private val states = MutableStateFlow(api.currentState())
    private val subscription = api.observe(Follower(states))

    /**
     * The states: the present one first, then each as it comes. Who collects slowly sees the latest, not all in
     * between.
     */
    public val state: StateFlow<SessionState> = states.asStateFlow()

    /**
     * Calls [listener] once for every session that ends, with whose it was and why. It is called on a thread of its
     * own: it may block, throw, or call the SDK, and holds up nobody.
     */
    public fun onEnd(listener: (SessionEnd) -> Unit): Subscription =
        api.onEnd(
            object : SessionEndListener {
                override fun ended(end: SessionEnd): Unit = listener(end)
            },
        )

    internal fun close() {
        subscription.cancel()
        subscription.close()
        api.close()
    }

    /** Refers to the states alone, so that the core, which refers to it, keeps nothing else alive. */
    private class Follower(private val states: MutableStateFlow<SessionState>) : SessionListener {
        override fun changed(state: SessionState) {
            states.value = state
        }
    }
}
