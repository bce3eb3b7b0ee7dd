package dev.marketsdk

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import java.lang.ref.WeakReference
import java.util.concurrent.atomic.AtomicBoolean

/** The session with its states as a flow. It follows them from the start, so that the present one is always at hand. */
internal class Session(handle: Long) : CoreSessionApi(UniffiWithHandle, handle) {
    private val states = MutableStateFlow(currentState())
    private val subscription = observe(Follower(this))
    private val closed = AtomicBoolean()

    override val state: StateFlow<SessionState> = states.asStateFlow()

    override suspend fun restore(): SessionState = upToDateAfter { super.restore() }

    override suspend fun verifyCode(
        phone: String,
        code: String,
    ): SignIn = upToDateAfter { super.verifyCode(phone, code) }

    override suspend fun logout(): Unit = upToDateAfter { super.logout() }

    override suspend fun clear(): Unit = upToDateAfter { super.clear() }

    private inline fun <T> upToDateAfter(call: () -> T): T =
        try {
            call()
        } finally {
            refresh()
        }

    override fun onEnd(listener: SessionEndListener): CoreSubscription = super.onEnd(AfterTheState(this, listener))

    /**
     * Shows the present state now: who has just been told by other means finds it there. It is read under the lock, not
     * taken from who was told, so that it never goes back.
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

    // The core refers to what it calls. That does not keep the session, and so the client, when nobody else does.
    private class Follower(session: Session) : SessionListener {
        private val states = session.states
        private val session = WeakReference(session)

        override fun changed(state: SessionState) {
            session.get()?.refresh() ?: synchronized(states) { states.value = state }
        }
    }

    private class AfterTheState(session: Session, private val listener: SessionEndListener) : SessionEndListener {
        private val session = WeakReference(session)

        override fun ended(end: SessionEnd) {
            session.get()?.refresh()
            listener.ended(end)
        }
    }
}
