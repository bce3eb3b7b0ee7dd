import Dispatch
import MarketSDK
import Testing

/// Listeners, and hosts that treat them badly.
extension Conformance {
    @Test
    func the_states_come_in_order() async throws {
        try await conformance { shop in
            try await shop.app { market in
                var states = market.session.states.makeAsyncIterator()
                /// The next state that is none of those that may come between.
                func next() async throws -> SessionState {
                    while let state = await states.next() {
                        switch state {
                        case .restoring, .signedIn(_, _, persisted: false): continue
                        default: return state
                        }
                    }
                    throw Missing(what: "a state")
                }
                try await market.session.restore()
                #expect(try await next().signedOut == .noSession)
                try await shop.signIn(market)
                #expect(try await next().persisted)
                try await shop.revoke()
                #expect(try await failure { try await market.cart.get() }.code == .sessionExpired)
                #expect(try await next().expired?.reason == .rejected)
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                #expect(try await next().persisted)
                try await market.session.logout()
                #expect(try await next().signedOut == .loggedOut)
            }
        }
    }

    private struct OnPurpose: Error {}

    private final class Throws: SessionEndListener {
        func ended(end _: SessionEnd) throws {
            throw OnPurpose()
        }
    }

    @Test
    func a_listener_that_throws_harms_nobody() async throws {
        try await conformance { shop in
            let ends = try await shop.app { market in
                _ = try market.session.onEnd(listener: Throws())
                try await shop.signIn(market)
                try await market.session.logout()
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                _ = try await market.cart.get()
                try await market.session.logout()
            }
            #expect(ends.map(\.reason) == [.loggedOut, .loggedOut])
        }
    }

    @Test
    func a_listener_that_blocks_holds_up_nobody() async throws {
        try await conformance { shop in
            let over = DispatchSemaphore(value: 0)
            let (told, tell) = AsyncStream<EndReason?>.makeStream()
            try await shop.app { market in
                try await shop.signIn(market)
                try market.session.onEnd { _ in
                    tell.yield(nil)
                    over.wait()
                }
                try market.session.onEnd { tell.yield($0.reason) }
                try await market.session.logout()
                let both = try await within(.seconds(20)) {
                    await told.prefix(2).reduce(into: [EndReason?]()) { $0.append($1) }
                }
                #expect(both.contains(nil))
                #expect(both.contains(.loggedOut))
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                _ = try await market.cart.get()
                over.signal()
            }
        }
    }

    @Test
    func a_listener_that_calls_back_is_answered() async throws {
        try await conformance { shop in
            let (told, tell) = AsyncStream<(SessionState, Int)>.makeStream()
            try await shop.app { market in
                try await shop.signIn(market)
                try market.session.onEnd { [weak session = market.session] _ in
                    guard let session else { return }
                    let answered = DispatchSemaphore(value: 0)
                    Task {
                        if let markets = try? await session.markets() {
                            tell.yield((session.state, markets.supported.count))
                        }
                        answered.signal()
                    }
                    answered.wait()
                }
                try await shop.revoke()
                #expect(try await failure { try await market.cart.get() }.code == .sessionExpired)
                let (state, markets) = try await first(in: told) { $0 }
                #expect(state.expired != nil)
                #expect(markets == 2)
            }
        }
    }

    @Test
    func who_observes_the_cart_is_shown_each_change() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                var updates = market.cart.updates.makeAsyncIterator()
                #expect(await updates.next() == .some(nil))
                _ = try await market.cart.get()
                #expect(await updates.next()??.lines == [])
                try await market.cart.add(sku: 42, quantity: 2)
                #expect(await updates.next()??.lines == [[42, 2]])
                _ = try await shop.order(market)
                #expect(await updates.next()??.lines == [])
                try await market.session.logout()
                #expect(await updates.next() == .some(nil))
            }
        }
    }

    @Test
    func who_observes_the_cart_is_shown_what_a_failed_change_has_left() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                var updates = market.cart.updates.makeAsyncIterator()
                #expect(await updates.next() == .some(nil))
                try await shop.once("POST /cart/items", #"{"kind": "status", "status": 500, "acted": true}"#)
                #expect(try await failure { try await market.cart.add(sku: 42, quantity: 2) }.code == .server)
                #expect(await updates.next()??.lines == [[42, 2]])
            }
        }
    }
}
