package dev.marketsdk.test

import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketException
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration
import kotlin.time.toKotlinDuration

/** The way that each call of a fake client takes, and what the test has put into it. */
internal class Calls(private val keeper: Keeper) {
    /** How the next calls fail. */
    class Failure(
        val call: String?,
        var times: Int,
        val acted: Boolean,
        val error: MarketException,
    ) {
        val endsSession get() = error.code == ErrorCode.SESSION_EXPIRED
    }

    /** The shop has refused the session of a call, which did nothing. */
    class SessionRefused : RuntimeException()

    /** How calls go with each other. */
    enum class Lane {
        /** As they like. Those whose caller goes are not made. */
        NONE,

        /** As [NONE], but what has begun runs to its end. */
        TO_ITS_END,

        /** Those of the cart go one at a time. */
        CART,

        /** As [CART], and what has begun runs to its end. */
        CART_TO_ITS_END,
    }

    private class Hold(
        val call: String?,
        val gate: CompletableJob = Job(),
    )

    private val failures = mutableListOf<Failure>()
    private val holds = mutableListOf<Hold>()
    private val delays = HashMap<String?, Duration>()
    private val made = mutableListOf<FakeCall>()

    /** The names of those that are under way. */
    private val underWay = mutableListOf<String>()

    fun made(): List<FakeCall> = keeper.locked { made.toList() }

    fun fail(failure: Failure): Unit = keeper.locked { failures += failure }

    fun delay(
        call: String?,
        by: Duration,
    ): Unit = keeper.locked { delays[call] = by }

    fun hold(call: String?): Unit = keeper.locked { holds += Hold(call) }

    fun release() {
        val held = keeper.locked { holds.toList().also { holds.clear() } }
        held.forEach { it.gate.complete() }
    }

    fun checkOpen() {
        if (keeper.closed) throw keeper.closed()
    }

    /** Notes a call that the app makes. */
    fun note(
        name: String,
        vararg arguments: Any?,
    ): Unit =
        keeper.locked {
            made += FakeCall(name, *arguments)
            checkOpen()
        }

    /** A call with the session, which [act] answers, under the shop's lock. */
    suspend fun <T : Any> withSession(
        name: String,
        lane: Lane = Lane.NONE,
        parks: Boolean = true,
        around: suspend (Keeper.Live, suspend () -> T?) -> T? = { _, once -> once() },
        act: (Keeper.Live) -> T,
    ): T {
        currentCoroutineContext().ensureActive()
        val inLane = lane == Lane.CART || lane == Lane.CART_TO_ITS_END
        val ticket = keeper.locked { Keeper.Ticket(keeper.lineage, parks, inLane).also(keeper::enter) }
        var running: Job? = null
        try {
            while (true) {
                val live = stand(ticket)
                val once = suspend { around(live) { attempt(ticket, name, act) } }
                val answer =
                    if (lane == Lane.NONE || lane == Lane.CART) once() else toItsEnd(once).also { running = it }.await()
                if (answer != null) return answer
            }
        } finally {
            // What has begun keeps its place, also when its caller has left.
            val left = running?.takeIf { it.isActive }
            if (left == null) leave(ticket) else left.invokeOnCompletion { leave(ticket) }
        }
    }

    /** A call that needs nobody to be signed in. */
    suspend fun <T> withoutSession(
        name: String,
        lineage: Keeper.Lineage = Keeper.Lineage(),
        act: () -> T,
    ): T {
        currentCoroutineContext().ensureActive()
        pause(name, lineage)
        return keeper.locked {
            if (lineage.over.isCompleted) throw error(ErrorCode.SIGNED_OUT)
            failing(name, failure { (it.call == null || it.call == name) && !it.endsSession }, act)
        }
    }

    /** A call that ends here, whatever becomes of what is sent for it: it fails only if it is named. */
    suspend fun local(
        name: String,
        act: () -> Unit,
    ) {
        currentCoroutineContext().ensureActive()
        keeper.locked(act)
        keeper.locked { failure { it.call == name } }?.let { throw it.error }
    }

    /** Waits until so many calls of this name are under way. */
    suspend fun arrived(
        name: String,
        count: Int,
        limit: Duration,
    ) {
        // By the clock on the wall: in virtual time a call of another thread would be waited for in vain. And no child, for
        // which the test would wait in the end, so that virtual time went on.
        val patience = CoroutineScope(Dispatchers.Default).launch { delay(limit) }
        patience.invokeOnCompletion { keeper.locked { keeper.changed() } }
        try {
            while (true) {
                val seen = keeper.news.value
                val late = patience.isCompleted
                val those = keeper.locked { underWay.toList() }
                if (those.count { it == name } >= count) return
                check(!late) { "$name is not under way $count times within $limit, but ${those.joinToString().ifEmpty { "nothing" }}" }
                news(seen)
            }
        } finally {
            patience.cancel()
        }
    }

    /** Waits until there may be something new to see. */
    suspend fun news(seen: Int) {
        keeper.news.first { it != seen }
    }

    private fun leave(ticket: Keeper.Ticket): Unit = keeper.locked { keeper.leave(ticket) }

    /** Until it may go. */
    private suspend fun stand(ticket: Keeper.Ticket): Keeper.Live {
        while (true) {
            val seen = keeper.news.value
            keeper.locked { keeper.mayGo(ticket) }?.let { return it }
            if (!ticket.parked) {
                news(seen)
                continue
            }
            val patience = checkNotNull(keeper.park).patience.toKotlinDuration()
            val news = withTimeoutOrNull(patience) { keeper.news.first { !ticket.parked } }
            if (news == null && ticket.parked) throw error(ErrorCode.SESSION_EXPIRED)
        }
    }

    /** Null if the shop has refused the session, so that the call did nothing. */
    private suspend fun <T : Any> attempt(
        ticket: Keeper.Ticket,
        name: String,
        act: (Keeper.Live) -> T,
    ): T? {
        pause(name, ticket.lineage)
        return keeper.locked {
            if (ticket.lineage !== keeper.lineage) throw error(ErrorCode.SIGNED_OUT)
            val live = keeper.live
            try {
                if (live == null) throw SessionRefused()
                val failure = failure { it.call == null || it.call == name }
                if (failure?.endsSession == true || !live.session.isAccepted(keeper.shop.now())) throw SessionRefused()
                failing(name, failure) { act(live) }
            } catch (_: SessionRefused) {
                ticket.begun = false
                keeper.expired(EndReason.REJECTED)
                null
            }
        }
    }

    private fun <T> failing(
        name: String,
        failure: Failure?,
        act: () -> T,
    ): T {
        if (failure == null) return act()
        if (failure.acted) act()
        throw failure.error.of(name, failure.acted)
    }

    private fun failure(fits: (Failure) -> Boolean): Failure? {
        val failure = failures.firstOrNull(fits) ?: return null
        failure.times -= 1
        if (failure.times == 0) failures -= failure
        return failure
    }

    /** As long as it is held, and as long as it takes; a logout ends it. */
    private suspend fun pause(
        name: String,
        lineage: Keeper.Lineage,
    ) {
        val held =
            keeper.locked {
                underWay += name
                keeper.changed()
                holds.filter { it.call == null || it.call == name }
            }
        try {
            for (hold in held) {
                select<Unit> {
                    hold.gate.onJoin { }
                    lineage.over.onJoin { }
                }
            }
            val delay = keeper.locked { delays[name] ?: delays[null] ?: Duration.ZERO }
            if (delay > Duration.ZERO) withTimeoutOrNull(delay) { lineage.over.join() }
        } finally {
            keeper.locked { underWay -= name }
        }
    }

    /** Runs [act] in the caller's time, and on though the caller leaves. */
    private suspend fun <T> toItsEnd(act: suspend () -> T): Deferred<T> {
        val scope = CoroutineScope(currentCoroutineContext().minusKey(Job))
        return scope.async(start = CoroutineStart.UNDISPATCHED) { act() }
    }
}
