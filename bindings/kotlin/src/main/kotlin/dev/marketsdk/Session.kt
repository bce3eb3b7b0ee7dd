package dev.marketsdk

import kotlinx.coroutines.ExperimentalForInheritanceCoroutinesApi
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import java.lang.ref.WeakReference
import java.util.concurrent.atomic.AtomicBoolean

/** The session with its states as a flow. It follows them from the start, so that the present one is always at hand. */
internal class Session(handle: Long) : CoreSessionApi(UniffiWithHandle, handle) {
    /** A state, and which it is of all that were seen. */
    private class Seen(
        val number: Long,
        val state: SessionState,
    )

    private var latest = Seen(0, currentState())
    private val told = MutableStateFlow(latest)
    private val subscription = observe(Follower(this))
    private val closed = AtomicBoolean()

    override val state: StateFlow<SessionState> = Present()

    /**
     * The present state. It is read under the lock, not taken from who was told of it, so that it never goes back.
     * Nobody is told under the lock: a collector may run on the spot, and block.
     */
    private fun look(): Seen =
        synchronized(told) {
            try {
                val state = currentState()
                if (state != latest.state) latest = Seen(latest.number + 1, state)
            } catch (_: MarketException) {
                // The client was closed: the state stays as it is.
            }
            latest
        }

    override fun destroy() {
        if (closed.getAndSet(true)) return
        look()
        subscription.cancel()
        subscription.destroy()
        super.destroy()
    }

    /** Who was just told of something by a call or a listener finds it here, and not the state before. */
    @OptIn(ExperimentalForInheritanceCoroutinesApi::class)
    private inner class Present : StateFlow<SessionState> {
        override val value: SessionState get() = look().state

        override val replayCache: List<SessionState> get() = listOf(value)

        override suspend fun collect(collector: FlowCollector<SessionState>): Nothing {
            val first = look()
            collector.emit(first.state)
            var shown = first.number
            told.collect { seen ->
                if (seen.number > shown) {
                    shown = seen.number
                    collector.emit(seen.state)
                }
            }
        }
    }

    /** The core refers to it. That does not keep the session, and so the client, when nobody else does. */
    private class Follower(session: Session) : SessionListener {
        private val session = WeakReference(session)

        override fun changed(state: SessionState) {
            session.get()?.run { told.value = look() }
        }
    }
}
