package dev.marketsdk.test

import dev.marketsdk.Cart
import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.ExpiringSoon
import dev.marketsdk.LockedReason
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.PhoneNumber
import dev.marketsdk.SessionEnd
import dev.marketsdk.SessionState
import dev.marketsdk.SignIn
import dev.marketsdk.SignedOutReason
import dev.marketsdk.User
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import java.time.Duration
import java.time.Instant
import java.util.concurrent.ConcurrentLinkedQueue

/**
 * Who is signed in on a fake client, and who waits for that. What is in here is guarded by the shop's lock, which is
 * taken by [locked]; listeners are told after it is let go.
 */
internal class Keeper(
    val shop: FakeShop,
    val park: ParkOnExpiry?,
    margin: Duration,
) {
    /** So long before its end a session is said to end soon, but not in its first half. */
    private val margin = minOf(margin, LIFETIME.dividedBy(2))


    /** All that is done as one user: it outlives an expiry, and ends with a logout or another user. */
    class Lineage {
        val over: CompletableJob = Job()
    }

    /** The session that is there. */
    class Live(
        val session: ShopSession,
        val user: User,
        val endsAt: Instant,
        var saidSoon: Boolean = false,
    )

    /** A call that is being made. */
    class Ticket(
        val lineage: Lineage,
        private val mayPark: Boolean,
        val inLane: Boolean,
    ) {
        /** It is under way to the shop. */
        var begun = false

        /** It waits for its user to sign in again. */
        @Volatile
        var parked = false
        var refused = false

        fun waits() = !begun && !parked && !refused

        fun sort(room: Boolean) {
            if (mayPark && room) parked = true else refused = true
        }
    }

    val state = MutableStateFlow<SessionState>(SessionState.SignedOut(SignedOutReason.NO_SESSION))

    /** The cart that observers are shown. */
    val shown = MutableStateFlow<Cart?>(null)

    /** Moves with each change that somebody may wait for. */
    val news = MutableStateFlow(0)
    val ends = mutableListOf<(SessionEnd) -> Unit>()
    val soon = mutableListOf<(ExpiringSoon) -> Unit>()

    var lineage = Lineage()
        private set
    var live: Live? = null
        private set
    var closed = false

    /** In the order in which the calls were made. */
    private val tickets = mutableListOf<Ticket>()

    /** So many more are shown to wait than do. */
    private var alsoWaiting = 0
    private val outbox = ConcurrentLinkedQueue<() -> Unit>()

    init {
        shop.serve(this)
    }

    inline fun <T> locked(act: () -> T): T =
        try {
            synchronized(shop, act)
        } finally {
            deliver()
        }

    /** What a listener throws harms nobody, and is not lost on who reads the test's output. */
    fun deliver() {
        while (true) {
            val tell = outbox.poll() ?: return
            runCatching(tell).onFailure(Throwable::printStackTrace)
        }
    }

    private fun <T> tell(
        listeners: List<(T) -> Unit>,
        what: T,
    ): Unit = listeners.toList().forEach { listener -> outbox += { listener(what) } }

    fun signedIn(session: ShopSession): SignIn {
        val user = User(session.user.id, session.branch.market, PhoneNumber(session.user.phone), null)
        val before = live
        if (!isOf(user)) newLineage()
        enter(Live(session, user, shop.now() + LIFETIME))
        before?.let { tell(ends, SessionEnd(it.user, EndReason.REPLACED)) }
        return SignIn(user, isNewUser = null, expiresAt = live?.endsAt, persisted = true)
    }

    private fun user(state: SessionState): User? =
        (state as? SessionState.SignedIn)?.user ?: (state as? SessionState.Expired)?.user

    /** Whether [next] goes on with what is there. */
    private fun isOf(next: User?): Boolean {
        val known = user(state.value)
        return known != null && next != null && known.id == next.id && known.market == next.market
    }

    private fun enter(session: Live) {
        live = session
        alsoWaiting = 0
        state.value = SessionState.SignedIn(session.user, session.endsAt, persisted = true)
        tickets.forEach { it.parked = false }
        changed()
    }

    /** The session has expired, or was refused. */
    fun expired(
        reason: EndReason,
        waiting: Int = 0,
    ) {
        live?.let { ended ->
            live = null
            alsoWaiting = waiting
            state.value = SessionState.Expired(ended.user, reason, waiting)
            tell(ends, SessionEnd(ended.user, reason))
        }
        sort()
    }

    fun left(
        reason: SignedOutReason,
        end: EndReason,
    ) {
        val ended = live
        live = null
        newLineage()
        state.value = SessionState.SignedOut(reason)
        ended?.let { tell(ends, SessionEnd(it.user, end)) }
        changed()
    }

    /** As if it were so, whatever was before. Nobody is told of an end. */
    fun show(wanted: SessionState) {
        val unknown = state.value is SessionState.Restoring || state.value is SessionState.Locked
        // Who waits to learn who is signed in goes on as whoever that is.
        if (!unknown && !isOf(user(wanted))) newLineage()
        live = null
        if (wanted is SessionState.SignedIn) {
            val session = shop.branch(wanted.user.market).signIn(wanted.user.phone.value)
            enter(Live(session, wanted.user, wanted.expiresAt ?: (shop.now() + LIFETIME)))
        }
        alsoWaiting = (wanted as? SessionState.Expired)?.waiting ?: 0
        state.value = wanted
        sort()
    }

    fun endsSoon(left: Duration) {
        val session = checkNotNull(live) { "Nobody is signed in whose session could end." }
        val soonOver = Live(session.session, session.user, shop.now() + left, saidSoon = true)
        live = soonOver
        state.value = SessionState.SignedIn(soonOver.user, soonOver.endsAt, persisted = true)
        if (!session.saidSoon) tell(soon, ExpiringSoon(soonOver.user, left))
    }

    /** How long the session lasts from now. */
    fun left(session: Live): Duration = Duration.between(shop.now(), session.endsAt)

    /** What time has done to the session meanwhile: it ends soon, or has ended. */
    fun look() {
        val session = live?.takeUnless { closed } ?: return
        val left = left(session)
        when {
            left <= Duration.ZERO -> expired(EndReason.EXPIRED)
            left <= margin && !session.saidSoon -> {
                session.saidSoon = true
                tell(soon, ExpiringSoon(session.user, left))
            }
        }
    }

    /** Who comes when it was said already is told at once. */
    fun catchUp(listener: (ExpiringSoon) -> Unit) {
        look()
        live?.takeIf { it.saidSoon }?.let { tell(listOf(listener), ExpiringSoon(it.user, left(it))) }
    }

    private fun newLineage() {
        lineage.over.complete()
        lineage = Lineage()
        shown.value = null
        tickets.forEach { it.parked = false }
    }

    fun enter(ticket: Ticket) {
        tickets += ticket
        sort()
    }

    fun leave(ticket: Ticket) {
        tickets -= ticket
        count()
        changed()
    }

    /** After an expiry those that were made first have the room. */
    private fun sort() {
        if (state.value is SessionState.Expired) {
            for (ticket in tickets.filter { it.lineage === lineage && it.waits() }) {
                ticket.sort(room = park != null && tickets.count { it.parked } < park.limit)
            }
            count()
        }
        changed()
    }

    private fun count() {
        val expired = state.value as? SessionState.Expired ?: return
        state.value = expired.copy(waiting = alsoWaiting + tickets.count { it.parked })
    }

    fun changed() {
        news.value += 1
    }

    /** The session, if the call may go: it has begun then. Ends with the error that it ends with, if it may not. */
    fun mayGo(ticket: Ticket): Live? {
        look()
        val present = state.value
        when {
            closed -> throw closed()
            ticket.lineage !== lineage -> throw error(ErrorCode.SIGNED_OUT)
            ticket.refused -> throw error(ErrorCode.SESSION_EXPIRED)
            present is SessionState.SignedOut -> throw error(ErrorCode.NOT_SIGNED_IN)
            present is SessionState.Locked && present.reason == LockedReason.UNAVAILABLE ->
                throw error(ErrorCode.STORE_UNAVAILABLE)
            ticket.inLane && tickets.first { it.inLane } !== ticket -> return null
        }
        return live?.also { ticket.begun = true }
    }

    fun closed() = error(ErrorCode.CONFIG, message = "The market client was closed.")

    companion object {
        val LIFETIME: Duration = Duration.ofMinutes(30)
    }
}
