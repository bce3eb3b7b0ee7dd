import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

extension Behaviours {
    @Test
    func calls_that_wait_for_their_user_go_on_in_order() async throws {
        try await same(parks: 10) { stage, seen in
            let market = stage.market
            try await stage.signIn()
            try await stage.expireSessions()
            let one = try await stage.parked(1) { try await market.cart.add(sku: 42, quantity: 2) }
            let other = try await stage.parked(2) { try await market.cart.add(sku: 88, quantity: 1) }
            let profile = try await stage.parked(3) { try await market.session.profile() }
            seen.state(market)
            try await stage.signIn()
            await seen.call("one") { try await one.value }
            await seen.call("other") { try await other.value }
            await seen.call("profile") { try await profile.value }
            seen.state(market)
        }
    }

    @Test
    func calls_that_wait_end_with_another_user() async throws {
        try await same(parks: 10) { stage, seen in
            let market = stage.market
            try await stage.signIn()
            try await stage.expireSessions()
            let add = try await stage.parked(1) { try await market.cart.add(sku: 42, quantity: 2) }
            let read = try await stage.parked(2) { try await market.cart.get() }
            try await stage.signIn(kgPhone)
            await seen.call("add") { try await add.value }
            await seen.call("read") { try await read.value }
            await seen.call("cart") { try await market.cart.get() }
        }
    }

    @Test
    func calls_that_wait_end_with_a_logout() async throws {
        try await same(parks: 10) { stage, seen in
            let market = stage.market
            try await stage.signIn()
            try await stage.expireSessions()
            let add = try await stage.parked(1) { try await market.cart.add(sku: 42, quantity: 2) }
            await seen.done("log out") { try await market.session.logout() }
            await seen.call("add") { try await add.value }
            seen.state(market)
            try await stage.signIn()
            await seen.call("cart") { try await market.cart.get() }
        }
    }

    @Test
    func a_call_that_waits_goes_with_its_task_and_one_over_the_limit_fails() async throws {
        try await same(parks: 1) { stage, seen in
            let market = stage.market
            try await stage.signIn()
            try await stage.expireSessions()
            let add = try await stage.parked(1) { try await market.cart.add(sku: 42, quantity: 2) }
            await seen.call("over the limit") { try await market.session.profile() }
            add.cancel()
            await seen.call("cancelled") { try await add.value }
            try await stage.waiting(0)
            let other = try await stage.parked(1) { try await market.cart.add(sku: 88, quantity: 1) }
            seen.state(market)
            try await stage.signIn()
            await seen.call("add") { try await other.value }
        }
    }

    @Test
    func who_asks_whether_the_session_is_accepted_does_not_wait() async throws {
        try await same(parks: 10) { stage, seen in
            let session = stage.market.session
            try await stage.signIn()
            try await stage.expireSessions()
            await seen.call("refused") { try await session.verifyToken() }
            seen.state(stage.market)
            await seen.call("expired") { try await session.verifyToken() }
        }
    }

    @Test
    func an_order_waits_only_if_it_is_asked_to() async throws {
        try await same(parks: 10) { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await stage.expireSessions()
            await seen.call("not asked") { try await market.orders.place(stage.order()) }
            let order = try await stage.parked(1) { try await market.orders.place(stage.order(parks: true)) }
            try await stage.signIn()
            await seen.call("asked") { try await order.value }
            await seen.call("pending") { try await market.orders.resolve() }
        }
    }

    @Test
    func a_cancelled_read_ends_at_once_and_a_cancelled_change_is_made_all_the_same() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            let profile = try await stage.held(.profile) { try await market.session.profile() }
            profile.cancel()
            await seen.call("profile") { try await profile.value }
            let add = try await stage.held(.addToCart) { try await market.cart.add(sku: 42, quantity: 2) }
            let queued = Task { try await market.cart.add(sku: 88, quantity: 1) }
            _ = try await market.session.markets()
            add.cancel()
            queued.cancel()
            await seen.call("add") { try await add.value }
            await seen.call("queued") { try await queued.value }
            let cart = Task { try await market.cart.get() }
            try await stage.release()
            await seen.call("cart") { try await cart.value }
        }
    }

    @Test
    func a_logout_overtakes_what_is_under_way() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            let add = try await stage.held(.addToCart) { try await market.cart.add(sku: 42, quantity: 2) }
            await seen.done("log out") { try await market.session.logout() }
            await seen.call("add") { try await add.value }
            try await stage.release()
        }
    }

    @Test
    func a_logout_overtakes_a_sign_in() async throws {
        try await same { stage, seen in
            let session = stage.market.session
            try await session.requestCode(phone: usPhone)
            let code = try await stage.code(phone: usPhone)
            let signIn = try await stage.held(.verifyCode) { try await session.verifyCode(phone: usPhone, code: code) }
            await seen.done("log out") { try await session.logout() }
            await seen.call("sign in") { try await signIn.value }
            try await stage.release()
            seen.state(stage.market)
        }
    }

    @Test
    func an_order_that_is_cancelled_under_way_is_placed_and_what_comes_after_waits_for_it() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            let order = try await stage.held(.placeOrder) { try await market.orders.place(stage.order()) }
            order.cancel()
            await seen.call("cancelled") { try await order.value }
            await seen.call("a second tap") { try await market.orders.place(stage.order()) }
            let cart = Task { try await market.cart.get() }
            _ = try await market.session.markets()
            try await stage.release()
            await seen.call("cart") { try await cart.value }
            await seen.call("orders") { try await market.orders.list() }
            await seen.call("pending") { try await market.orders.resolve() }
        }
    }

    @Test
    func a_late_refusal_of_an_old_session_ends_nothing() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            let profile = try await stage.held(.profile) { try await market.session.profile() }
            try await stage.expireSessions()
            await seen.call("cart") { try await market.cart.get() }
            try await stage.signIn()
            try await stage.release()
            await seen.call("profile") { try await profile.value }
            seen.state(market)
        }
    }

    @Test
    func what_who_observes_the_cart_is_shown() async throws {
        try await same { stage, seen in
            let market = stage.market
            var updates = market.cart.updates.makeAsyncIterator()
            func shown(_ what: String) async {
                let cart = await updates.next()
                seen.note(what, cart ?? nil)
            }
            await shown("nobody is signed in")
            try await stage.signIn()
            _ = try await market.cart.get()
            await shown("empty")
            try await market.cart.add(sku: 42, quantity: 2)
            await shown("two bags")
            try await stage.meets(.addToCart, .lost(acted: true))
            await seen.call("lost") { try await market.cart.add(sku: 42, quantity: 1) }
            await shown("read anew")
            try await stage.expireSessions()
            await seen.call("expired") { try await market.cart.get() }
            try await stage.signIn()
            try await market.cart.add(sku: 88, quantity: 1)
            await shown("the same user goes on")
            _ = try await market.orders.place(stage.order())
            await shown("ordered")
            try await market.session.logout()
            await shown("logged out")
            try await stage.signIn(kgPhone)
            _ = try await market.cart.get()
            await shown("another user")
        }
    }

    @Test
    func who_listens_for_the_end_of_a_session_is_told_each_kind_once() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            try await stage.signIn()
            try await stage.signIn(kgPhone)
            try await stage.expireSessions()
            for _ in 1 ... 3 { await seen.call("refused") { try await market.session.profile() } }
            try await stage.signIn(kgPhone)
            try await market.session.clear()
            try await stage.signIn(kgPhone)
            try await market.session.logout()
        }
    }
}
