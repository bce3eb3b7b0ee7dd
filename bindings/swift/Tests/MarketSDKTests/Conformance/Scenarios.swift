import MarketSDK
import Testing

/// The four scenarios.
extension Conformance {
    @Test
    func after_logging_out_and_in_the_cart_is_still_there() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
                try await market.cart.add(sku: 88, quantity: 1)
                try await market.session.logout()
                #expect(market.session.state.signedOut == .loggedOut)
                #expect(try await failure { try await market.cart.get() }.code == .notSignedIn)
                try await shop.clock(seconds: 1)
                let again = try await shop.signIn(market)
                #expect(again.user.id == 19)
                #expect(again.user.phone.value == usPhone)
                #expect(try await market.cart.get().lines == [[42, 2], [88, 1]])
            }
        }
    }

    @Test
    func a_session_that_expires_while_shopping_ends_once_and_after_signing_in_all_goes_on() async throws {
        try await conformance { shop in
            let ends = try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
                try await shop.clock(seconds: 1860)
                #expect(try await failure { try await market.cart.add(sku: 88, quantity: 1) }.code == .sessionExpired)
                let expired = try #require(market.session.state.expired)
                #expect(expired.reason == .rejected)
                #expect(expired.user.id == 19)
                #expect(expired.user.phone.value == usPhone)
                #expect(try await failure { try await market.wishlist.get() }.code == .sessionExpired)
                try await shop.signIn(market)
                #expect(try await market.cart.add(sku: 88, quantity: 1).lines == [[42, 2], [88, 1]])
                let order = try await shop.order(market)
                #expect(order.status == .pending)
                #expect(order.items.count == 2)
                #expect(try await market.cart.get().items.isEmpty)
            }
            #expect(ends.map(\.reason) == [.rejected])
            #expect(ends.map(\.user.id) == [19])
        }
    }

    @Test
    func an_app_that_was_closed_for_a_week_finds_its_session_over_and_its_cart_there() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
            }
            try await shop.clock(seconds: 604_800)
            let ends = try await shop.app { market in
                #expect(try await market.session.restore().signedIn?.phone.value == usPhone)
                #expect(try await failure { try await market.cart.get() }.code == .sessionExpired)
                let expired = try #require(market.session.state.expired)
                #expect(expired.reason == .rejected)
                #expect(expired.user.phone.value == usPhone)
                try await shop.signIn(market)
                #expect(try await market.cart.get().lines == [[42, 2]])
            }
            #expect(ends.count == 1)
        }
    }

    @Test
    func on_another_device_the_same_phone_finds_the_same_cart() async throws {
        try await conformance { shop in
            try await shop.app(on: "one") { one in
                try await shop.signIn(one)
                try await one.cart.add(sku: 42, quantity: 2)
                try await shop.clock(seconds: 1)
                try await shop.app(on: "two") { two in
                    try await shop.signIn(two)
                    #expect(try await two.cart.get().lines == [[42, 2]])
                    try await two.cart.add(sku: 42, quantity: 1)
                }
                #expect(try await one.cart.get().lines == [[42, 3]])
            }
        }
    }
}
