import Foundation
import MarketSDK
import Testing

/// Calls that wait for their user to sign in again, and sessions that are about to end.
extension Conformance {
    /// Plays a case with a client whose session the server has ended, which the next call notices.
    private func expired(parks: Int, _ play: (Case, MarketClient) async throws -> Void) async throws {
        try await conformance { shop in
            try await shop.app(parks: parks) { market in
                try await shop.signIn(market)
                try await shop.revoke()
                try await play(shop, market)
            }
        }
    }

    @Test
    func calls_that_an_expiry_stops_go_on_in_order_after_the_same_user_signs_in() async throws {
        try await conformance { shop in
            let ends = try await shop.app(parks: 10) { market in
                try await shop.signIn(market)
                try await shop.revoke()
                let bags = Task { try await market.cart.add(sku: 42, quantity: 2) }
                let (user, reason) = try await shop.waiting(1, on: market)
                #expect(reason == .rejected)
                #expect(user.id == 19)
                #expect(user.phone.value == usPhone)
                let other = try await shop.parked(2, on: market) { try await market.cart.add(sku: 88, quantity: 1) }
                let read = try await shop.parked(3, on: market) { try await market.cart.get() }
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                #expect(try await bags.value.lines == [[42, 2]])
                #expect(try await other.value.lines == [[42, 2], [88, 1]])
                #expect(try await read.value.lines == [[42, 2], [88, 1]])
            }
            #expect(ends.map(\.reason) == [.rejected])
        }
    }

    @Test
    func after_another_user_signs_in_what_waited_is_never_sent() async throws {
        try await expired(parks: 10) { shop, market in
            let add = try await shop.parked(1, on: market) { try await market.cart.add(sku: 42, quantity: 2) }
            let profile = try await shop.parked(2, on: market) { try await market.session.profile() }
            #expect(try await shop.signIn(market, phone: kgPhone).user.market == .kg)
            #expect(try await failure { try await add.value }.code == .signedOut)
            #expect(try await failure { try await profile.value }.code == .signedOut)
            #expect(try await market.cart.get().items.isEmpty)
        }
    }

    @Test
    func a_logout_ends_what_waits() async throws {
        try await expired(parks: 10) { shop, market in
            let add = try await shop.parked(1, on: market) { try await market.cart.add(sku: 42, quantity: 2) }
            try await market.session.logout()
            #expect(try await failure { try await add.value }.code == .signedOut)
            try await shop.clock(seconds: 1)
            try await shop.signIn(market)
            #expect(try await market.cart.get().items.isEmpty)
        }
    }

    @Test
    func a_call_that_is_cancelled_while_it_waits_for_a_session_is_not_made() async throws {
        try await expired(parks: 10) { shop, market in
            let one = try await shop.parked(1, on: market) { try await market.cart.add(sku: 42, quantity: 2) }
            let other = try await shop.parked(2, on: market) { try await market.cart.add(sku: 88, quantity: 1) }
            one.cancel()
            #expect(await wasCancelled(one))
            try await shop.waiting(1, on: market)
            try await shop.clock(seconds: 1)
            try await shop.signIn(market)
            #expect(try await other.value.lines == [[88, 1]])
        }
    }

    @Test
    func of_calls_that_an_expiry_stops_the_one_over_the_limit_fails_at_once() async throws {
        try await expired(parks: 1) { shop, market in
            let add = try await shop.parked(1, on: market) { try await market.cart.add(sku: 42, quantity: 2) }
            #expect(try await failure { try await market.session.profile() }.code == .sessionExpired)
            #expect(try await failure { try await market.cart.get() }.code == .sessionExpired)
            try await shop.clock(seconds: 1)
            try await shop.signIn(market)
            #expect(try await add.value.lines == [[42, 2]])
        }
    }

    @Test
    func an_order_waits_for_a_session_only_if_it_is_asked_to() async throws {
        try await conformance { shop in
            try await shop.app(parks: 10) { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
                try await shop.revoke()
                let profile = try await shop.parked(1, on: market) { try await market.session.profile() }
                #expect(try await failure { try await shop.order(market) }.code == .sessionExpired)
                let order = try await shop.parked(2, on: market) { try await shop.order(market, parks: true) }
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                #expect(try await profile.value.id == 19)
                #expect(try await order.value.status == .pending)
            }
        }
    }

    @Test
    func a_session_that_ends_too_soon_for_a_checkout_is_said_and_goes_on() async throws {
        try await conformance { shop in
            try await shop.app { market in
                let nobody = try await failure { try await market.session.requireValidity(duration: .seconds(600)) }
                #expect(nobody.code == .notSignedIn)
                try await shop.signIn(market)
                try await market.session.requireValidity(duration: .seconds(600))
                let short = try await failure { try await market.session.requireValidity(duration: .seconds(3600)) }
                #expect(short.code == .sessionExpired)
                #expect(market.session.state.signedIn != nil)
                #expect(try await market.cart.get().items.isEmpty)
            }
        }
    }

    private enum Told {
        case soon(ExpiringSoon)
        case end(SessionEnd)
    }

    @Test
    func a_session_that_ends_soon_is_said_once_before_its_end() async throws {
        try await conformance(arguments: ["--token-lifetime", "4"]) { shop in
            let (told, tell) = AsyncStream<Told>.makeStream()
            try await shop.app { market in
                try market.session.onExpiringSoon { tell.yield(.soon($0)) }
                try market.session.onEnd {
                    tell.yield(.end($0))
                    tell.finish()
                }
                try await shop.signIn(market)
                let all = try await within(.seconds(20)) { await told.reduce(into: [Told]()) { $0.append($1) } }
                try #require(all.count == 2)
                guard case let .soon(soon) = all[0], case let .end(end) = all[1] else {
                    Issue.record("first that it ends soon, then that it has ended: \(all)")
                    return
                }
                #expect(soon.user.id == 19)
                #expect(soon.left <= .seconds(2))
                #expect(end.user.id == 19)
                #expect(end.reason == .expired)
            }
        }
    }

    @Test
    func who_observes_the_cart_is_never_shown_another_users() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                var updates = market.cart.updates.makeAsyncIterator()
                #expect(await updates.next() == .some(nil))
                try await market.cart.add(sku: 42, quantity: 2)
                #expect(await updates.next()??.lines == [[42, 2]])
                try await shop.revoke()
                #expect(try await failure { try await market.cart.get() }.code == .sessionExpired)
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                try await market.cart.add(sku: 88, quantity: 1)
                #expect(await updates.next()??.lines == [[42, 2], [88, 1]])
                try await market.session.logout()
                #expect(await updates.next() == .some(nil))
                try await shop.signIn(market, phone: kgPhone)
                _ = try await market.cart.get()
                let others = try #require(await updates.next() ?? nil)
                #expect(others.items.isEmpty)
                #expect(others.userID != nil && others.userID != 19)
            }
        }
    }
}
