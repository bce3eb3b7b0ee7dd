package dev.marketsdk.test

import dev.marketsdk.CodeSent
import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.ExpiringSoonListener
import dev.marketsdk.LockedReason
import dev.marketsdk.Market
import dev.marketsdk.Markets
import dev.marketsdk.Profile
import dev.marketsdk.ProfileUpdate
import dev.marketsdk.SessionApi
import dev.marketsdk.SessionEndListener
import dev.marketsdk.SessionState
import dev.marketsdk.SignIn
import dev.marketsdk.SignedOutReason
import dev.marketsdk.Subscription
import dev.marketsdk.TokenStatus
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import java.time.Duration
import java.time.Instant

internal class FakeSession(
    private val keeper: Keeper,
    private val calls: Calls,
    private val market: Market?,
) : SessionApi {
    /** A sign-in that is on its way. */
    private class Flight(
        val lineage: Keeper.Lineage,
        val phone: String,
        val code: String,
        val landing: Deferred<SignIn>,
    ) {
        fun isOver() = landing.isCompleted || lineage.over.isCompleted
    }

    private var flight: Flight? = null
    private val codes = HashMap<String, MutableList<Instant>>()

    override val state: StateFlow<SessionState> = keeper.state.asStateFlow()

    override fun onEnd(listener: SessionEndListener): Subscription = subscribed(keeper.ends, listener::ended)

    override fun onExpiringSoon(listener: ExpiringSoonListener): Subscription {
        keeper.locked { keeper.catchUp(listener::expiresSoon) }
        return subscribed(keeper.soon, listener::expiresSoon)
    }

    private fun <T> subscribed(
        listeners: MutableList<(T) -> Unit>,
        listener: (T) -> Unit,
    ): Subscription {
        calls.checkOpen()
        keeper.locked { listeners += listener }
        return object : Subscription {
            override fun cancel() = keeper.locked { listeners.removeAll { it === listener } }.let { }
        }
    }

    override suspend fun restore(): SessionState {
        calls.note("session.restore")
        return restored()
    }

    /** Waits until it is known who is signed in. */
    private suspend fun restored(): SessionState {
        while (true) {
            val seen = keeper.news.value
            keeper.locked { keeper.look() }
            val state = state.value
            if (state is SessionState.Locked) {
                val unavailable = state.reason == LockedReason.UNAVAILABLE
                throw error(if (unavailable) ErrorCode.STORE_UNAVAILABLE else ErrorCode.STORE_LOCKED)
            }
            if (state !is SessionState.Restoring) return state
            calls.news(seen)
        }
    }

    override fun resumed() {
        calls.note("session.resumed")
        keeper.locked { keeper.look() }
    }

    override suspend fun requireValidity(duration: Duration) {
        calls.note("session.requireValidity", duration)
        restored()
        keeper.locked {
            val live = keeper.live
            if (live == null) {
                throw error(if (state.value is SessionState.Expired) ErrorCode.SESSION_EXPIRED else ErrorCode.NOT_SIGNED_IN)
            }
            if (keeper.left(live) < duration) throw error(ErrorCode.SESSION_EXPIRED)
        }
    }

    override suspend fun requestCode(phone: String): CodeSent {
        calls.note("session.requestCode", phone)
        val number = Phone.parse(phone, market)
        return calls.withoutSession("session.requestCode") {
            number.branch(keeper.shop).sendCode(number.text)
            CodeSent(expiresAt = null, retryAt = codes.getOrPut(number.text, ::mutableListOf).sent())
        }
    }

    /** When the next may be asked for. */
    private fun MutableList<Instant>.sent(): Instant {
        val now = keeper.shop.now()
        removeIf { it + Branch.CODES_WINDOW <= now }
        add(now)
        return getOrNull(size - Branch.CODES)?.plus(Branch.CODES_WINDOW) ?: now
    }

    override suspend fun verifyCode(
        phone: String,
        code: String,
    ): SignIn {
        calls.note("session.verifyCode", phone, code)
        val number = Phone.parse(phone, market)
        val digits = code.trim()
        if (digits.length !in 4..8 || !digits.all { it in '0'..'9' }) {
            throw invalid("code", "Enter the 4 to 8 digits of the code.")
        }
        return board(number, digits).landing.await()
    }

    /** Two taps are one sign-in, which is completed though both leave; another one is made after it. */
    private suspend fun board(
        phone: Phone,
        code: String,
    ): Flight {
        val scope = CoroutineScope(currentCoroutineContext().minusKey(Job))
        val lineage = keeper.locked { keeper.lineage }
        while (true) {
            val other =
                keeper.locked {
                    val other = flight?.takeUnless(Flight::isOver)
                    if (other?.phone == phone.text && other.code == code) return other
                    if (other == null) {
                        if (lineage.over.isCompleted) throw error(ErrorCode.SIGNED_OUT)
                        val landing = scope.async(start = CoroutineStart.LAZY) { signIn(phone, code, lineage) }
                        return Flight(lineage, phone.text, code, landing).also { flight = it }
                    }
                    other
                }
            other.landing.join()
        }
    }

    /** The code is not spent as long as it is not known who is signed in. */
    private suspend fun signIn(
        phone: Phone,
        code: String,
        lineage: Keeper.Lineage,
    ): SignIn {
        restored()
        return calls.withoutSession("session.verifyCode", lineage) {
            keeper.signedIn(phone.branch(keeper.shop).verifyCode(phone.text, code))
        }
    }

    override suspend fun logout() {
        calls.note("session.logout")
        calls.local("session.logout") {
            keeper.live?.let { it.session.user.active = false }
            keeper.left(SignedOutReason.LOGGED_OUT, EndReason.LOGGED_OUT)
        }
    }

    override suspend fun clear() {
        calls.note("session.clear")
        calls.local("session.clear") { keeper.left(SignedOutReason.CLEARED, EndReason.CLEARED) }
    }

    override suspend fun profile(): Profile {
        calls.note("session.profile")
        return calls.withSession("session.profile") { it.session.branch.profile(it.session.user) }
    }

    override suspend fun updateProfile(update: ProfileUpdate): Profile {
        calls.note("session.updateProfile", update)
        val name = update.fullName
        if (name != null && (name.isBlank() || name.characters() > 255)) {
            throw invalid("full_name", "Enter 1 to 255 characters.")
        }
        if (name == null && update.profileImageUrl == null) throw invalid("full_name", "There is nothing to change.")
        return calls.withSession("session.updateProfile") { it.session.branch.update(it.session.user, update) }
    }

    override suspend fun verifyToken(): TokenStatus {
        calls.note("session.verifyToken")
        // Who asks whether the session has ended wants to be told, not to wait.
        return calls.withSession("session.verifyToken", parks = false) { TokenStatus(true, it.user.id, it.user.market) }
    }

    override suspend fun markets(): Markets {
        calls.note("session.markets")
        return calls.withoutSession("session.markets") {
            Markets(listOf(Market.Kg, Market.Us).map { keeper.shop.branch(it).info }, Market.Kg)
        }
    }
}
