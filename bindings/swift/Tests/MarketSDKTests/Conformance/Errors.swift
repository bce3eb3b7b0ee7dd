import Foundation
@testable import MarketSDK
import Testing

/// Each error code, as a host meets it.
extension Conformance {
    @Test
    func a_call_without_a_session_says_not_signed_in_and_is_not_sent() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await market.session.restore()
                for refused in try await [
                    failure { try await market.cart.get() },
                    failure { try await market.session.profile() },
                ] {
                    #expect(refused.code == .notSignedIn)
                    #expect(refused.status == nil)
                    #expect(!refused.isRetryable)
                    #expect(refused.message == "Please sign in.")
                    #expect(refused.localizedDescription == refused.message)
                }
                _ = try await market.session.markets()
            }
        }
    }

    @Test
    func a_wrong_code_and_a_used_code_are_said_to_be_wrong() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await market.session.requestCode(phone: usPhone)
                let wrong = try await failure { try await market.session.verifyCode(phone: usPhone, code: "000000") }
                #expect(wrong.code == .wrongCode)
                #expect(wrong.status == 400)
                #expect(!wrong.isRetryable)
                #expect(wrong.message == "Invalid or expired verification code")
                #expect(market.session.state.signedIn == nil)
                let code = try await shop.server.code()
                try await market.session.verifyCode(phone: usPhone, code: code)
                let used = try await failure { try await market.session.verifyCode(phone: usPhone, code: code) }
                #expect(used.code == .wrongCode)
                #expect(market.session.state.signedIn != nil)
            }
        }
    }

    @Test
    func a_fourth_code_in_a_quarter_of_an_hour_is_rate_limited() async throws {
        try await conformance { shop in
            try await shop.app { market in
                for _ in 1 ... 3 { try await market.session.requestCode(phone: usPhone) }
                let limited = try await failure { try await market.session.requestCode(phone: usPhone) }
                #expect(limited.code == .rateLimited)
                #expect(limited.status == 422)
                #expect(limited.isRetryable)
                #expect(limited.retryAfter == .seconds(900))
            }
        }
    }

    @Test
    func an_overloaded_server_says_when_to_come_back() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let busy = #"{"kind": "status", "status": 429, "retry_after": {"seconds": 3600}}"#
                try await shop.once("GET /auth/profile", busy)
                let limited = try await failure { try await market.session.profile() }
                #expect(limited.code == .rateLimited)
                #expect(limited.status == 429)
                #expect(limited.isRetryable)
                #expect(limited.retryAfter == .seconds(3600))
                try await shop.once("GET /auth/profile", #"{"kind": "status", "status": 404}"#)
                let gone = try await failure { try await market.session.profile() }
                #expect(gone.code == .notFound)
                #expect(gone.status == 404)
            }
        }
    }

    @Test
    func input_that_cannot_be_right_is_refused_before_it_is_sent() async throws {
        try await conformance { shop in
            try await shop.app { market in
                var refused = try await [
                    failure { try await market.session.requestCode(phone: "12345") },
                    failure { try await market.session.verifyCode(phone: usPhone, code: "12ab") },
                ]
                try await shop.signIn(market)
                refused += try await [
                    failure { try await market.cart.add(sku: 42, quantity: 0) },
                    failure { try await market.cart.add(sku: 42, quantity: 101) },
                    failure { try await market.request(RawRequest(method: .post, path: "/auth/logout")) },
                ]
                #expect(refused.map { $0.fields.map(\.path) } == [["phone"], ["code"], ["quantity"], ["quantity"], ["path"]])
                for error in refused {
                    #expect(error.code == .invalidInput)
                    #expect(error.status == nil)
                    #expect(!error.isRetryable)
                    #expect(error.fields.map(\.message) == [error.message])
                }
            }
        }
    }

    @Test
    func fields_that_the_server_refuses_are_named() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let request = RawRequest(method: .post, path: "/cart/items", json: #"{"sku_id": 42, "quantity": 0}"#)
                let refused = try await failure { try await market.request(request) }
                #expect(refused.code == .invalidInput)
                #expect(refused.status == 422)
                let message = "Value error, Quantity must be at least 1"
                #expect(refused.fields == [FieldError(path: "quantity", message: message)])
                #expect(refused.message == message)
            }
        }
    }

    @Test
    func what_the_shop_declines_is_shown_in_its_words() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let empty = try await failure { try await shop.order(market) }
                #expect(empty.code == .rejected)
                #expect(empty.status == 400)
                #expect(!empty.isRetryable)
                #expect(empty.message == "Your cart is empty")
                let none = try await failure { try await shop.order(market, [NewOrderItem(skuID: 105, quantity: 1)]) }
                #expect(none.code == .rejected)
                #expect(none.message == "Product 'Winter Boots' (size: 43, color: Brown) is out of stock")
            }
        }
    }

    @Test
    func what_is_not_there_is_not_found() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let sku = try await failure { try await market.cart.add(sku: 9999, quantity: 1) }
                #expect(sku.code == .notFound)
                #expect(sku.status == 404)
                #expect(try await failure { try await market.orders.get(order: 7) }.code == .notFound)
            }
        }
    }

    @Test
    func a_server_that_takes_no_orders_does_not_support_them() async throws {
        try await conformance(dialect: .g1) { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
                let refused = try await failure { try await shop.order(market) }
                #expect(refused.code == .unsupported)
                #expect(refused.status == 404)
                #expect(try await market.cart.get().lines == [[42, 2]])
            }
        }
    }

    @Test
    func the_words_of_a_server_that_fails_are_not_shown() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let words = #"{"kind": "answer", "status": 500, "body": "{\"detail\":\"SELECT password FROM users\"}"}"#
                try await shop.once("GET /auth/profile", words)
                let failed = try await failure { try await market.session.profile() }
                #expect(failed.code == .server)
                #expect(failed.status == 500)
                #expect(failed.isRetryable)
                #expect(failed.message == "The shop has a problem. Please try again later.")
                for text in texts(of: failed) { #expect(!text.contains("password")) }
            }
        }
    }

    @Test
    func an_answer_that_cannot_be_read_is_unexpected() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.once("GET /cart", #"{"kind": "mis_typed"}"#)
                let unread = try await failure { try await market.cart.get() }
                #expect(unread.code == .unexpectedResponse)
                #expect(unread.status == 200)
                #expect(!unread.isRetryable)
                _ = try await market.cart.get()
            }
        }
    }

    @Test
    func a_redirect_to_another_origin_is_refused() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let away = #"{"kind": "redirect", "status": 307, "to": {"origin": "https://other.example"}}"#
                try await shop.once("GET /auth/profile", away)
                let refused = try await failure { try await market.session.profile() }
                #expect(refused.code == .unexpectedResponse)
                #expect(refused.status == 307)
                #expect(market.session.state.signedIn != nil)
            }
        }
    }

    @Test
    func a_server_that_is_gone_is_a_network_error_and_ends_no_session() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                await shop.server.close()
                let gone = try await failure { try await market.cart.get() }
                #expect(gone.code == .network)
                #expect(gone.status == nil)
                #expect(gone.isRetryable)
                #expect(gone.message == "The shop could not be reached.")
                #expect(market.session.state.signedIn != nil)
            }
        }
    }

    @Test
    func an_answer_that_does_not_come_is_a_timeout() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.app(timeout: .seconds(2)) { impatient in
                    #expect(try await impatient.session.restore().signedIn != nil)
                    try await shop.server.hold("GET /auth/profile")
                    let late = try await failure { try await impatient.session.profile() }
                    #expect(late.code == .timeout)
                    #expect(late.isRetryable)
                    try await shop.server.aborted("GET /auth/profile")
                    #expect(impatient.session.state.signedIn != nil)
                }
            }
        }
    }

    @Test
    func a_certificate_that_nobody_vouches_for_is_refused() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("market-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("ca.pem")
        try await conformance(arguments: ["--tls", "--tls-ca-out", file.path]) { shop in
            let refused = try await failure { try await shop.client().session.markets() }
            #expect(refused.code == .tls)
            #expect(!refused.isRetryable)
            let pem = try String(contentsOf: file, encoding: .utf8)
            let trusting = try shop.client(certificates: [pem])
            #expect(try await trusting.session.markets().supported.count == 2)
        }
    }

    @Test
    func a_sign_in_whose_answer_is_lost_is_of_unknown_outcome_and_a_new_code_signs_in() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await market.session.requestCode(phone: usPhone)
                let code = try await shop.server.code()
                try await shop.once("POST /auth/verify-code", #"{"kind": "reset", "acted": true}"#)
                let lost = try await failure { try await market.session.verifyCode(phone: usPhone, code: code) }
                #expect(lost.code == .outcomeUnknown)
                #expect(!lost.isRetryable)
                #expect(market.session.state.signedIn == nil)
                try await shop.signIn(market)
                _ = try await market.cart.get()
            }
        }
    }

    @Test
    func a_client_that_makes_no_sense_is_refused() async throws {
        try await conformance { shop in
            let senseless = [
                ("ftp://shop.example", "a", false), ("http://shop.example", "a", true), ("https://shop.example", "", false),
            ]
            for (url, app, http) in senseless {
                let refused = try await failure {
                    try MarketClient(baseURL: url, appID: app, store: .memory, allowHTTPLoopback: http)
                }
                #expect(refused.code == .config)
                #expect(!refused.isRetryable)
            }
            _ = try await shop.client().session.markets()
        }
    }

    @Test
    func a_phone_and_a_code_in_a_servers_words_are_masked() async throws {
        try await conformance { shop in
            try await shop.app { market in
                let words = #"{\"detail\":\"No code 482913 for +1 (312) 805-9851\"}"#
                try await shop.once("POST /auth/verify-code", #"{"kind": "answer", "status": 400, "body": "\#(words)"}"#)
                let wrong = try await failure { try await market.session.verifyCode(phone: usPhone, code: "482913") }
                #expect(wrong.code == .wrongCode)
                #expect(wrong.message == "No code ••• for +•••")
                let user = try await shop.signIn(market).user
                let shown = texts(of: wrong) + texts(of: user) + texts(of: user.phone) + texts(of: market.session.state)
                for text in shown {
                    for secret in ["482913", "3128059851", "805-9851"] { #expect(!text.contains(secret)) }
                }
            }
        }
    }

    @Test
    func a_read_whose_answer_is_lost_is_made_again_and_an_addition_is_not() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let lost = #"{"kind": "reset", "acted": true}"#
                try await shop.once("GET /auth/profile", lost)
                _ = try await market.session.profile()
                try await shop.once("POST /cart/items", lost)
                #expect(try await failure { try await market.cart.add(sku: 42, quantity: 2) }.code == .network)
                #expect(try await market.cart.get().lines == [[42, 2]])
            }
        }
    }

    @Test
    func a_binding_made_for_another_core_refuses_to_load() async throws {
        try await conformance { shop in
            try await shop.app { market in
                _ = try await market.session.markets()
                let other = try await failure { try CoreVersion.check(expectedCoreVersion + 1) }
                #expect(other.code == .config)
            }
        }
    }
}

/// All texts that a value can be made to give.
private func texts(of value: some Any) -> [String] {
    var dumped = ""
    dump(value, to: &dumped)
    let error = value as? any Error
    return ["\(value)", String(reflecting: value), dumped, error?.localizedDescription ?? ""]
}
