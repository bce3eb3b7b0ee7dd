package dev.marketsdk

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import java.util.concurrent.atomic.AtomicBoolean

/** The session with its states as a flow. It follows them from the start, so that the present one is always at hand. */
internal class Session(handle: Long) : CoreSessionApi(UniffiWithHandle, handle) {
    private val states = MutableStateFlow(currentState())
    private val subscription = observe(Follower(states))
    private val closed = AtomicBoolean()

    override val state: StateFlow<SessionState> = states.asStateFlow()

    override fun destroy() {
        if (closed.getAndSet(true)) return
        subscription.cancel()
        subscription.destroy()
        super.destroy()
    }

    /** Refers to the states alone, so that the core, which refers to it, keeps nothing else alive. */
    private class Follower(private val states: MutableStateFlow<SessionState>) : SessionListener {
        override fun changed(state: SessionState) {
            states.value = state
        }
    }
}
