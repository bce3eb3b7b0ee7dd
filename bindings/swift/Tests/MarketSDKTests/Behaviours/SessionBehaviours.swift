import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

extension Behaviours {
    @Test
    func signing_in_by_a_code() async throws {
        try await same { stage, seen in
            let session = stage.market.session
            await seen.call("restore") { try await session.restore() }
            await seen.call("code") { try await session.requestCode(phone: "+1 (312) 805-9851") }
            let code = try await stage.code(phone: usPhone)
            await seen.call("sign in") { try await session.verifyCode(phone: usPhone, code: " \(code) ") }
            seen.state(stage.market)
            await seen.call("profile") { try await session.profile() }
            await seen.call("token") { try await session.verifyToken() }
            await seen.call("restore") { try await session.restore() }
        }
    }

    @Test
    func a_wrong_code_a_used_one_and_one_that_is_too_old() async throws {
        try await same { stage, seen in
            let session = stage.market.session
            try await session.requestCode(phone: usPhone)
            let code = try await stage.code(phone: usPhone)
            await seen.call("wrong") { try await session.verifyCode(phone: usPhone, code: "000000") }
            seen.state(stage.market)
            await seen.call("right") { try await session.verifyCode(phone: usPhone, code: code) }
            await seen.call("used") { try await session.verifyCode(phone: usPhone, code: code) }
            try await session.requestCode(phone: kgPhone)
            let other = try await stage.code(phone: kgPhone)
            try await stage.advanceClock(by: .seconds(601))
            await seen.call("old") { try await session.verifyCode(phone: kgPhone, code: other) }
        }
    }

    @Test
    func codes_that_are_asked_for_too_often() async throws {
        try await same { stage, seen in
            for count in 1 ... 4 {
                await seen.call("code \(count)") { try await stage.market.session.requestCode(phone: usPhone) }
            }
            await seen.call("another phone") { try await stage.market.session.requestCode(phone: kgPhone) }
            try await stage.advanceClock(by: .seconds(901))
            await seen.done("a quarter of an hour later") { try await stage.market.session.requestCode(phone: usPhone) }
        }
    }

    @Test
    func phones_and_codes_that_cannot_be_right() async throws {
        try await same { stage, seen in
            for phone in ["12345", "+1312", "+0131280598", "+1312805985a", "+131280598512"] {
                await seen.call(phone) { try await stage.market.session.requestCode(phone: phone) }
            }
            for code in ["123", "12ab", "123456789"] {
                await seen.call(code) { try await stage.market.session.verifyCode(phone: usPhone, code: code) }
            }
        }
    }

    @Test
    func calls_without_a_session() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await market.session.restore()
            seen.state(market)
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("add") { try await market.cart.add(sku: 42, quantity: 1) }
            await seen.call("wishlist") { try await market.wishlist.get() }
            await seen.call("place") { try await market.orders.place(stage.order()) }
            await seen.call("resolve") { try await market.orders.resolve() }
            await seen.call("profile") { try await market.session.profile() }
            await seen.done("validity") { try await market.session.requireValidity(duration: .seconds(1)) }
            await seen.call("markets") { try await market.session.markets() }
            await seen.done("log out") { try await market.session.logout() }
            seen.state(market)
        }
    }

    @Test
    func logging_out_and_in_again() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await market.wishlist.add(product: 15)
            await seen.done("log out") { try await market.session.logout() }
            seen.state(market)
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("sign in") { try await stage.signIn() }
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("wishlist") { try await market.wishlist.get() }
            await seen.done("clear") { try await market.session.clear() }
            seen.state(market)
        }
    }

    @Test
    func another_user_has_a_cart_of_their_own() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            await seen.call("kg") { try await stage.signIn(kgPhone) }
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("another of us") { try await stage.signIn("+13128059852") }
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("the first") { try await stage.signIn() }
            await seen.call("cart") { try await market.cart.get() }
        }
    }

    @Test
    func two_devices_have_one_cart_and_a_logout_of_one_ends_the_others_session() async throws {
        try await same { stage, seen in
            try await stage.signInAndFillTheCart()
            let other = try stage.other()
            try await stage.signIn(on: other)
            await seen.call("the other") { try await other.cart.add(sku: 42, quantity: 1) }
            await seen.call("the first") { try await stage.market.cart.get() }
            try await other.session.logout()
            await seen.call("after the logout") { try await stage.market.cart.get() }
            seen.state(stage.market)
        }
    }

    @Test
    func a_session_that_the_server_ends() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await stage.expireSessions()
            seen.state(market)
            await seen.call("add") { try await market.cart.add(sku: 88, quantity: 1) }
            seen.state(market)
            await seen.call("wishlist") { try await market.wishlist.get() }
            await seen.done("validity") { try await market.session.requireValidity(duration: .seconds(1)) }
            await seen.call("sign in") { try await stage.signIn() }
            await seen.call("add") { try await market.cart.add(sku: 88, quantity: 1) }
        }
    }

    @Test
    func a_session_that_has_grown_old() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            try await stage.advanceClock(by: .seconds(1700))
            await seen.call("before its end") { try await stage.market.cart.get() }
            seen.state(stage.market)
            try await stage.expireSessions()
            await seen.call("after") { try await stage.market.cart.get() }
            try await stage.market.session.logout()
            seen.state(stage.market)
        }
    }

    @Test
    func the_order_of_states() async throws {
        try await same(parks: 10) { stage, seen in
            let market = stage.market
            try await market.session.restore()
            let states = States()
            let subscription = try market.session.observe(listener: states)
            defer { subscription.cancel() }
            // Each is waited for: a real client leaves out what is over before it is told.
            try await states.comes(\.signedOut)
            try await stage.signIn()
            try await states.comes(\.signedIn)
            try await stage.expireSessions()
            let add = Task { try await market.cart.add(sku: 42, quantity: 2) }
            try await states.comes(\.expired)
            try await stage.waiting(1)
            try await stage.signIn()
            await seen.call("goes on") { try await add.value }
            try await states.comes(\.signedIn)
            try await market.session.logout()
            try await states.comes(\.signedOut)
            seen.note("states", states.all)
        }
    }

    /// All states that were told, in order.
    private final class States: SessionListener, @unchecked Sendable {
        private let (stream, told) = AsyncStream<SessionState>.makeStream()
        private let guarded = NSLock()
        private var seen: [SessionState] = []

        func changed(state: SessionState) {
            // A real one says first that somebody is signed in, and then that it is stored.
            let bare: SessionState = switch state {
            case let .signedIn(user, _, _): .signedIn(user: user, expiresAt: nil, persisted: true)
            default: state
            }
            guarded.withLock { if seen.last != bare { seen.append(bare) } }
            told.yield(state)
        }

        func comes<Found: Sendable>(_ wanted: @escaping @Sendable (SessionState) -> Found?) async throws {
            _ = try await first(in: stream, wanted)
        }

        var all: [SessionState] { guarded.withLock { seen } }
    }

    @Test
    func a_store_that_is_locked() async throws {
        try await same { stage, seen in
            try await stage.market.session.requestCode(phone: usPhone)
            let code = try await stage.code(phone: usPhone)
            let (market, unlock) = try await stage.locked()
            let session = market.session
            seen.state(market)
            await seen.call("restore") { try await session.restore() }
            await seen.done("validity") { try await session.requireValidity(duration: .seconds(1)) }
            await seen.call("sign in") { try await session.verifyCode(phone: usPhone, code: code) }
            await seen.call("markets") { try await session.markets() }
            let cart = Task { try await market.cart.get() }
            let profile = Task { try await session.profile() }
            unlock()
            await seen.call("cart") { try await cart.value }
            await seen.call("profile") { try await profile.value }
            await seen.call("the code is unspent") { try await session.verifyCode(phone: usPhone, code: code) }
            await seen.call("cart") { try await market.cart.get() }
        }
    }

    @Test
    func whether_a_session_lasts() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            await seen.done("ten minutes") { try await stage.market.session.requireValidity(duration: .seconds(600)) }
            await seen.done("an hour") { try await stage.market.session.requireValidity(duration: .seconds(3600)) }
            seen.state(stage.market)
        }
    }

    @Test
    func a_profile_that_is_changed() async throws {
        try await same { stage, seen in
            let session = stage.market.session
            try await stage.signIn()
            let picture = URL(string: "https://pictures.example/ann.png")
            await seen.call("name") { try await session.updateProfile(ProfileUpdate(fullName: "Анна Example")) }
            await seen.call("picture") { try await session.updateProfile(ProfileUpdate(profileImageURL: picture)) }
            await seen.call("no name") { try await session.updateProfile(ProfileUpdate(fullName: "  ")) }
            await seen.call("nothing") { try await session.updateProfile(ProfileUpdate()) }
            await seen.call("profile") { try await session.profile() }
        }
    }

    @Test
    func answers_that_fail_end_no_session() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            for trouble in [Trouble.failed, .overloaded, .forbidden] {
                try await stage.meets(.profile, trouble)
                await seen.call("\(trouble)") { try await stage.market.session.profile() }
                seen.state(stage.market)
            }
            await seen.call("then") { try await stage.market.session.profile() }
        }
    }

    @Test
    func a_sign_in_whose_answer_is_lost() async throws {
        try await same { stage, seen in
            let session = stage.market.session
            try await session.requestCode(phone: usPhone)
            let code = try await stage.code(phone: usPhone)
            try await stage.meets(.verifyCode, .lost(acted: true))
            await seen.call("lost") { try await session.verifyCode(phone: usPhone, code: code) }
            seen.state(stage.market)
            await seen.call("again") { try await session.verifyCode(phone: usPhone, code: code) }
            await seen.call("a new code") { try await stage.signIn() }
        }
    }

    @Test
    func two_taps_on_sign_in() async throws {
        try await same { stage, seen in
            let session = stage.market.session
            try await session.requestCode(phone: usPhone)
            let code = try await stage.code(phone: usPhone)
            try await stage.hold(.verifyCode)
            // Both are made on the main actor, where a third that comes after them finds them made.
            let one = Task { @MainActor in try await session.verifyCode(phone: usPhone, code: code) }
            let other = Task { @MainActor in try await session.verifyCode(phone: usPhone, code: code) }
            await Task { @MainActor in }.value
            try await stage.arrived(.verifyCode)
            try await stage.release()
            await seen.call("one") { try await one.value }
            await seen.call("the other") { try await other.value }
        }
    }

    @Test
    func answers_of_routes_that_have_no_call() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            let answers: [(Int, String)] = [
                (200, "[1]"), (204, ""), (400, #"{"detail": "No such thing."}"#), (403, #"{"message": " No. "}"#), (404, #"{"detail": "Not Found"}"#),
                (404, #"{"detail": "Product not found"}"#), (404, "<html>"), (405, "{}"), (409, "{}"), (410, "{}"),
                (422, #"{"detail": [{"loc": ["query", "page", 0], "msg": "Too small"}, {"loc": ["body"], "msg": "Odd"}]}"#),
                (422, #"{"detail": "Too many of them"}"#), (422, "{}"), (429, "{}"), (500, #"{"detail": "SELECT"}"#), (503, "{}"), (401, "{}"),
            ]
            for (status, body) in answers {
                for (path, withSession) in [("/products", false), ("/products/", true)] {
                    try await stage.answer("GET /products", status, body)
                    let request = RawRequest(method: .get, path: path, withSession: withSession)
                    await seen.call("\(status) \(body) of \(path)") { try await stage.market.request(request) }
                }
            }
            seen.state(stage.market)
        }
    }

    @Test
    func routes_that_have_no_call() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            for path in ["/products", "/auth/logout", "/auth/verify-code/", "products", "/", "/a/../b", "/a b", "/a%2fb", "/a%20b", "/a\u{1}b"] {
                await seen.call(path) { try await stage.market.request(RawRequest(method: .get, path: path)) }
            }
            try await stage.expireSessions()
            await seen.call("profile") { try await stage.market.session.profile() }
            await seen.call("products") { try await stage.market.request(RawRequest(method: .get, path: "/products")) }
        }
    }
}
