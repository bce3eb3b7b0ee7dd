package dev.marketsdk.fakes

import dev.marketsdk.ErrorCode
import dev.marketsdk.KG_PHONE
import dev.marketsdk.Market
import dev.marketsdk.Method
import dev.marketsdk.PHONE
import dev.marketsdk.ProfileUpdate
import dev.marketsdk.RawRequest
import dev.marketsdk.SessionState
import dev.marketsdk.requireValidity
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.supervisorScope
import org.junit.jupiter.api.Test
import java.net.URI
import kotlin.time.Duration.Companion.minutes

/** Signing in, sessions and their ends: the fake shows what the real client shows. */
class SameSessionsTest {
    @Test
    fun `a code is wrong, right, and used`() =
        same {
            sees { market.session.verifyCode(PHONE, "123456") }
            sees { market.session.requestCode("+1 (312) 805-9851") }
            sees { market.session.verifyCode(PHONE, "000000") }
            seesState()
            val code = world.code(PHONE)
            sees { market.session.verifyCode("+1 312-805-9851", " $code ") }
            seesState()
            sees { market.session.verifyCode(PHONE, code) }
            seesState()
        }

    @Test
    fun `what is no phone number and no code is refused`() =
        same {
            for (phone in listOf("", "12345", "+1 312", "+996 555 1234", "+0123456789", "+7 701 234 56 78", "+1a3128059851")) {
                sees { market.session.requestCode(phone) }
            }
            for (code in listOf("", "123", "123456789", "12a456")) sees { market.session.verifyCode(PHONE, code) }
        }

    @Test
    fun `a fourth code in a quarter of an hour is refused`() =
        same {
            repeat(4) { sees { market.session.requestCode(PHONE) } }
            world.advanceClock(16.minutes)
            sees { market.session.requestCode(PHONE).let { } }
        }

    @Test
    fun `an app of one market refuses the phones of others`() =
        same(only = Market.Us) {
            sees { market.session.requestCode(KG_PHONE) }
            sees { market.session.requestCode("+7 701 234 56 78") }
            sees { signIn() }
        }

    @Test
    fun `without a session there is nothing but the markets`() =
        same {
            seesState()
            sees { market.session.restore() }
            sees { market.session.profile() }
            sees { market.session.verifyToken() }
            sees { market.session.requireValidity(1.minutes) }
            sees { market.cart.get() }
            sees { market.cart.add(42, 1) }
            sees { market.wishlist.add(15) }
            sees { market.orders.list() }
            sees { market.orders.place(fromCart) }
            sees { market.orders.resolve() }
            sees { market.request(RawRequest(Method.GET, "/products")) }
            sees { market.session.markets() }
            sees { market.session.logout() }
            seesState()
        }

    @Test
    fun `the profile is read and changed`() =
        same {
            sees { signIn() }
            sees { market.session.profile() }
            sees { market.session.updateProfile(ProfileUpdate(fullName = "Анна Example")) }
            sees { market.session.updateProfile(ProfileUpdate(profileImageUrl = URI("https://example.com/a.png"))) }
            sees { market.session.profile() }
            sees { market.session.updateProfile(ProfileUpdate(fullName = " ")) }
            sees { market.session.updateProfile(ProfileUpdate(fullName = "🙂".repeat(256))) }
            sees { market.session.updateProfile(ProfileUpdate()) }
            sees { market.session.verifyToken() }
            seesState()
        }

    @Test
    fun `users are numbered, each in their market`() =
        same {
            for (phone in listOf(PHONE, "+13125550101", KG_PHONE, "+996700123457", "+13125550102", PHONE)) sees { signIn(phone) }
        }

    @Test
    fun `a session that the server ends is said once, and after signing in all goes on`() =
        same {
            signIn()
            market.cart.add(42, 2)
            world.expireSessions()
            seesState()
            sees { market.cart.add(88, 1) }
            seesState()
            sees { market.wishlist.get() }
            sees { market.orders.place(fromCart) }
            sees { market.session.requireValidity(1.minutes) }
            sees { market.session.restore() }
            sees { signIn() }
            sees { market.cart.add(88, 1) }
        }

    @Test
    fun `the states come in order`() =
        same(parks = 10) {
            following { comes ->
                comes(SessionState.SignedOut::class.java)
                signIn()
                comes(SessionState.SignedIn::class.java)
                world.expireSessions()
                val cart = begin { market.cart.get() }
                waits(1)
                comes(SessionState.Expired::class.java)
                signIn()
                saw(cart.await())
                comes(SessionState.SignedIn::class.java)
                market.session.logout()
                comes(SessionState.SignedOut::class.java)
            }
        }

    @Test
    fun `a 401 ends the session, and who asks whether it has ended does not wait`() =
        same(parks = 10) {
            for (call in listOf("session.profile", "session.verifyToken")) {
                signIn()
                world.fail(call, 401, ErrorCode.SESSION_EXPIRED, acted = false, retryAfter = null)
                val profile = if (call == "session.profile") begin { market.session.profile() } else null
                profile?.let { waits(1) }
                sees { market.session.verifyToken() }
                seesState()
                signIn()
                profile?.let { saw(it.await()) }
                world.advanceClock(16.minutes)
            }
        }

    @Test
    fun `what is in the cart is there after a logout, and not for another user`() =
        same {
            signIn()
            market.cart.add(42, 2)
            sees { market.session.logout() }
            seesState()
            sees { market.cart.get() }
            signIn(KG_PHONE)
            sees { market.cart.get() }
            sees { market.session.clear() }
            seesState()
            signIn()
            sees { market.cart.get() }
        }

    @Test
    fun `a sign-in over a session replaces it`() =
        same {
            signIn()
            market.cart.add(42, 2)
            sees { signIn(KG_PHONE) }
            seesState()
            sees { market.cart.get() }
            sees { signIn(KG_PHONE) }
            seesState()
        }

    @Test
    fun `a logout on one device is heard of on the other, a clearing is not`() =
        same {
            val other = device()
            signIn()
            signIn(device = other)
            market.cart.add(42, 1)
            sees { other.cart.add(42, 2) }
            sees { market.cart.get() }
            other.session.clear()
            sees { market.cart.get() }
            signIn(device = other)
            other.session.logout()
            sees { market.cart.get() }
            seesState()
        }

    @Test
    fun `a logout overtakes a call that runs`() =
        same {
            signIn()
            world.hold("cart.add")
            val add = begin { market.cart.add(42, 2) }
            world.arrived("cart.add")
            market.session.logout()
            saw(add.await())
            world.release()
            signIn()
            sees { market.cart.get() }
        }

    @Test
    fun `a late answer to an old session changes nothing`() =
        same {
            signIn()
            world.hold("session.profile")
            val late = begin { market.session.profile() }
            world.arrived("session.profile")
            world.expireSessions()
            sees { market.cart.get() }
            signIn()
            world.release()
            saw(late.await())
            seesState()
        }

    @Test
    fun `two taps on sign in are one`() =
        same {
            market.session.requestCode(PHONE)
            world.hold("session.verifyCode")
            val taps = List(2) { begin { market.session.verifyCode(PHONE, world.code(PHONE)) } }
            world.arrived("session.verifyCode")
            world.release()
            saw(taps.awaitAll())
        }

    @Test
    fun `a sign-in waits for another that is on its way`() =
        same {
            market.session.requestCode(PHONE)
            val code = world.code(PHONE)
            world.hold("session.verifyCode")
            val wrong = begin { market.session.verifyCode(PHONE, "0000") }
            world.arrived("session.verifyCode")
            val right = begin { market.session.verifyCode(PHONE, code) }
            world.release()
            saw(listOf(wrong, right).awaitAll())
        }

    @Test
    fun `whether a sign-in whose answer is lost has spent its code is not known`() =
        same {
            market.session.requestCode(PHONE)
            for ((status, code) in listOf(500 to ErrorCode.SERVER, 502 to ErrorCode.SERVER, 408 to ErrorCode.TIMEOUT)) {
                world.fail("session.verifyCode", status, code, acted = false, retryAfter = null)
                sees { market.session.verifyCode(PHONE, world.code(PHONE)) }
                seesState()
            }
        }

    @Test
    fun `a logout overtakes a sign-in`() =
        same {
            market.session.requestCode(PHONE)
            world.hold("session.verifyCode")
            val tap = begin { market.session.verifyCode(PHONE, world.code(PHONE)) }
            world.arrived("session.verifyCode")
            market.session.logout()
            saw(tap.await())
            world.release()
            seesState()
        }

    @Test
    fun `a session lasts for a checkout or not, and is none the worse for the question`() =
        same {
            signIn()
            sees { market.session.requireValidity(10.minutes) }
            sees { market.session.requireValidity(60.minutes) }
            seesState()
        }

    @Test
    fun `what fails at the server ends no session`() =
        same {
            signIn()
            for ((status, code) in listOf(500 to ErrorCode.SERVER, 503 to ErrorCode.SERVER, 403 to ErrorCode.REJECTED)) {
                world.fail("session.profile", status, code, acted = false, retryAfter = null)
                saw((outcome { market.session.profile() } as Failed).copy(message = "its own"))
                seesState()
            }
            world.fail("session.profile", 429, ErrorCode.RATE_LIMITED, acted = false, retryAfter = 15.minutes)
            saw((outcome { market.session.profile() } as Failed).copy(message = "its own"))
            sees { market.session.profile() }
        }

    @Test
    fun `calls that an expiry stops go on in order when the same user signs in`() =
        same(parks = 10) {
            signIn()
            world.expireSessions()
            val calls = mutableListOf(begin { market.cart.add(42, 2) })
            waits(1)
            calls += begin { market.cart.add(88, 1) }
            waits(2)
            calls += begin { market.cart.get() }
            waits(3)
            signIn()
            saw(calls.awaitAll())
            seesState()
        }

    @Test
    fun `what waited is never sent as somebody else, nor after a logout`() =
        same(parks = 10) {
            for (end in listOf<suspend () -> Any>({ signIn(KG_PHONE) }, { market.session.logout() })) {
                signIn()
                world.expireSessions()
                val add = begin { market.cart.add(42, 2) }
                waits(1)
                val profile = begin { market.session.profile() }
                waits(2)
                end()
                saw(listOf(add, profile).awaitAll())
            }
            signIn()
            sees { market.cart.get() }
        }

    @Test
    fun `of calls that an expiry stops the one over the limit fails, and the one that is cancelled is not made`() =
        same(parks = 2) {
            signIn()
            world.expireSessions()
            supervisorScope {
                val gone = async { market.cart.add(42, 2) }
                waits(1)
                val add = begin { market.cart.add(88, 1) }
                waits(2)
                sees { market.session.profile() }
                gone.cancel()
                waits(1)
                signIn()
                saw(add.await())
                saw(runCatching { gone.await() }.exceptionOrNull() is CancellationException)
            }
        }

    @Test
    fun `a client that was closed says so`() =
        same {
            signIn()
            market.close()
            sees { market.cart.get() }
            sees { market.session.logout() }
            sees { market.session.onEnd { } }
            sees { market.session.resumed() }
            seesState()
        }

    @Test
    fun `another route is answered or not there`() =
        same {
            signIn()
            sees { market.request(RawRequest(Method.GET, "/products")) }
            world.answer("GET /products", """[{"id": 10}]""", 200)
            sees { market.request(RawRequest(Method.GET, "/products")) }
            sees { market.request(RawRequest(Method.GET, "/products", withSession = false)) }
            for (path in listOf("products", "//x", "/../x", "/a?b", "/auth/logout")) {
                sees { market.request(RawRequest(Method.GET, path)) }
            }
        }

    @Test
    fun `an error of another route is judged`() =
        same {
            signIn()
            val fields = """{"detail": [{"loc": ["query", "page"], "msg": "It begins at 1."}]}"""
            val answers =
                listOf(
                    201 to "{}",
                    400 to """{"message": "Not like that."}""",
                    404 to """{"detail": "Not Found"}""",
                    404 to """{"detail": "No such thing."}""",
                    405 to "{}",
                    408 to "{}",
                    410 to "gone",
                    422 to fields,
                    422 to """{"detail": "Too many of them."}""",
                    422 to """{"detail": " "}""",
                    429 to """{"detail": "Slowly."}""",
                    500 to """{"detail": "SELECT"}""",
                )
            for ((status, json) in answers) {
                world.answer("GET /products", json, status)
                sees { market.request(RawRequest(Method.GET, "/products")) }
            }
            world.answer("GET /products", """{"detail": "Who?"}""", 401)
            sees { market.request(RawRequest(Method.GET, "/products", withSession = false)) }
            seesState()
            sees { market.request(RawRequest(Method.GET, "/products")) }
            seesState()
        }
}
