package dev.marketsdk

import kotlinx.coroutines.ExperimentalForInheritanceCoroutinesApi
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import java.lang.ref.WeakReference
import java.util.concurrent.atomic.AtomicBoolean

/** The session with its states as a flow. It follows them from the start, so that the present one is always at hand. */
internal class Session(handle: Long) : CoreSessionApi(UniffiWithHandle, handle) {
    private val states = MutableStateFlow(currentState())
    private val subscription = observe(Follower(this))
    private val closed = AtomicBoolean()

    override val state: StateFlow<SessionState> = Present()

    /**
     * Shows the present state. It is read under the lock, not taken from who was told of it, so that it never goes
     * back.
     */
    private fun refresh(): Unit =
        synchronized(states) {
            try {
                states.value = currentState()
            } catch (_: MarketException) {
                // The client was closed: the state stays as it is.
            }
        }

    override fun destroy() {
        if (closed.getAndSet(true)) return
        subscription.cancel()
        subscription.destroy()
        super.destroy()
    }

    /** Who was just told that a session ended, by a call or a listener, finds that here, and not the state before. */
    @OptIn(ExperimentalForInheritanceCoroutinesApi::class)
    private inner class Present : StateFlow<SessionState> by states {
        override val value: SessionState
            get() {
                refresh()
                return states.value
            }
    }

    /** The core refers to it. That does not keep the session, and so the client, when nobody else does. */
    private class Follower(session: Session) : SessionListener {
        private val states = session.states
        private val session = WeakReference(session)

        override fun changed(state: SessionState) {
            session.get()?.refresh() ?: synchronized(states) { states.value = state }
        }
    }
}
