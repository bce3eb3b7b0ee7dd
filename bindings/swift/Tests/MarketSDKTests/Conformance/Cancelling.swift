import MarketSDK
import Testing

/// Cancelling a task.
extension Conformance {
    @Test
    func cancelling_a_read_closes_its_connection() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.server.hold("GET /auth/profile")
                var took: [Duration] = []
                for round in 1 ... 5 {
                    let call = Task { try await market.session.profile() }
                    try await shop.server.arrived("GET /auth/profile")
                    let cancelled = ContinuousClock.now
                    call.cancel()
                    try await shop.server.aborted("GET /auth/profile", count: round)
                    took.append(ContinuousClock.now - cancelled)
                    #expect(await wasCancelled(call))
                }
                let fastest = try #require(took.min())
                let median = took.sorted()[2]
                print("figure: Swift: a cancelled read was seen to be closed after \(fastest) at best, \(median) as a median of five")
                #expect(fastest < .milliseconds(100))
                try await shop.server.release()
                _ = try await market.session.profile()
            }
        }
    }

    @Test
    func a_cart_write_that_has_begun_is_completed_and_the_next_call_waits() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.server.hold("POST /cart/items")
                let add = Task { try await market.cart.add(sku: 42, quantity: 2) }
                try await shop.server.arrived("POST /cart/items")
                add.cancel()
                #expect(await wasCancelled(add))
                async let next = market.cart.get()
                _ = try await market.session.markets()
                try await shop.server.release()
                #expect(try await next.lines == [[42, 2]])
            }
        }
    }

    @Test
    func a_cart_call_that_is_cancelled_while_it_waits_is_not_made() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.server.hold("POST /cart/items")
                let one = Task { try await market.cart.add(sku: 42, quantity: 2) }
                try await shop.server.arrived("POST /cart/items")
                let other = Task { try await market.cart.add(sku: 88, quantity: 1) }
                _ = try await market.session.markets()
                other.cancel()
                #expect(await wasCancelled(other))
                try await shop.server.release()
                _ = try await one.value
                #expect(try await market.cart.get().lines == [[42, 2]])
            }
        }
    }
}
