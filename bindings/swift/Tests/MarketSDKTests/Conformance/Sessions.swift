import MarketSDK
import Testing

/// What a session lives through, and how it ends.
extension Conformance {
    @Test
    func an_app_that_is_opened_again_is_still_signed_in_and_asks_nothing() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
            }
            try await shop.app { market in
                let state = try await market.session.restore()
                #expect(state.persisted)
                #expect(state.signedIn?.id == 19)
                #expect(state.signedIn?.phone.value == usPhone)
                #expect(try await shop.server.requests().count == 3)
                #expect(try await market.cart.get().lines == [[42, 2]])
            }
        }
    }

    @Test
    func a_refused_session_is_not_there_when_the_app_is_opened_again() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.revoke()
                #expect(try await failure { try await market.cart.get() }.code == .sessionExpired)
            }
            try await shop.app { market async throws in
                #expect(try await market.session.restore().signedOut == .noSession)
                #expect(try await failure { try await market.cart.get() }.code == .notSignedIn)
            }
        }
    }

    @Test
    func a_thousand_calls_refused_at_once_end_the_session_once() async throws {
        allowManyConnections()
        try await conformance { shop in
            let ends = try await shop.app { market in
                try await shop.signIn(market)
                try await shop.server.hold("GET /auth/profile")
                let calls = (0 ..< 1000).map { _ in Task { try await market.session.profile() } }
                try await shop.server.arrived("GET /auth/profile", count: 1000)
                try await shop.revoke()
                try await shop.server.release()
                for call in calls {
                    #expect(try await failure { try await call.value }.code == .sessionExpired)
                }
            }
            #expect(ends.map(\.reason) == [.rejected])
        }
    }

    @Test
    func a_logout_with_the_server_down_empties_the_store() async throws {
        try await conformance { shop in
            let ends = try await shop.app { market in
                try await shop.signIn(market)
                #expect(shop.secretFiles().count == 1)
                await shop.server.close()
                try await market.session.logout()
                #expect(shop.secretFiles().isEmpty)
                #expect(try await failure { try await market.cart.get() }.code == .notSignedIn)
            }
            #expect(ends.map(\.reason) == [.loggedOut])
            try await shop.app { market async throws in
                #expect(try await market.session.restore().signedOut == .noSession)
            }
        }
    }

    @Test
    func clearing_a_session_tells_the_server_nothing() async throws {
        try await conformance { shop in
            let ends = try await shop.app { market in
                try await shop.signIn(market)
                try await market.session.clear()
                #expect(shop.secretFiles().isEmpty)
                #expect(market.session.state.signedOut == .cleared)
                #expect(try await shop.server.state().users.first?.isActive == true)
            }
            #expect(ends.map(\.reason) == [.cleared])
        }
    }

    @Test
    func a_logout_overtakes_the_calls_that_run() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.server.hold("POST /cart/items")
                let add = Task { try await market.cart.add(sku: 42, quantity: 2) }
                try await shop.server.arrived("POST /cart/items")
                try await market.session.logout()
                #expect(try await failure { try await add.value }.code == .signedOut)
                try await shop.server.aborted("POST /cart/items")
                try await shop.server.release()
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                #expect(try await market.cart.get().items.isEmpty)
            }
        }
    }

    @Test
    func a_late_answer_of_an_old_session_changes_nothing() async throws {
        try await conformance { shop in
            let ends = try await shop.app { market in
                try await shop.signIn(market)
                try await shop.server.hold("GET /auth/profile")
                let late = Task { try await market.session.profile() }
                try await shop.server.arrived("GET /auth/profile")
                try await shop.revoke()
                #expect(try await failure { try await market.cart.get() }.code == .sessionExpired)
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                try await shop.server.release()
                #expect(try await late.value.id == 19)
                #expect(market.session.state.signedIn != nil)
                _ = try await market.cart.get()
            }
            #expect(ends.map(\.reason) == [.rejected])
        }
    }

    @Test
    func signing_in_over_a_session_replaces_it() async throws {
        try await conformance { shop in
            let ends = try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
                #expect(try await shop.signIn(market, phone: kgPhone).user.market == .kg)
                #expect(try await market.cart.get().items.isEmpty)
            }
            #expect(ends.map(\.reason) == [.replaced])
            #expect(ends.map(\.user.phone.value) == [usPhone])
        }
    }

    @Test
    func nothing_but_a_refusal_of_its_token_ends_a_session() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let faults: [(String, ErrorCode)] = [
                    (#"{"kind": "status", "status": 500}"#, .server),
                    (#"{"kind": "status", "status": 503}"#, .server),
                    (#"{"kind": "status", "status": 403}"#, .rejected),
                    (#"{"kind": "mis_typed"}"#, .unexpectedResponse),
                ]
                for (fault, code) in faults {
                    try await shop.once("GET /auth/profile", fault)
                    #expect(try await failure { try await market.session.profile() }.code == code)
                    #expect(market.session.state.signedIn != nil)
                }
                #expect(try await market.session.profile().id == 19)
            }
        }
    }

    @Test
    func two_taps_on_sign_in_spend_the_code_once() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await market.session.requestCode(phone: usPhone)
                let code = try await shop.server.code()
                try await shop.server.hold("POST /auth/verify-code")
                async let one = market.session.verifyCode(phone: usPhone, code: code)
                async let other = market.session.verifyCode(phone: usPhone, code: code)
                try await shop.server.arrived("POST /auth/verify-code")
                _ = try await market.session.markets()
                try await shop.server.release()
                #expect(try await [one.user.id, other.user.id] == [19, 19])
            }
        }
    }
}
