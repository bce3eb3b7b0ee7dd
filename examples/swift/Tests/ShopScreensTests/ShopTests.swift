import Foundation
import MarketSDK
import MarketSDKTesting
import ShopScreens
import Testing

private let usPhone = "+13128059851"
private let phone = Typed { usPhone }

/// The app, without a server.
@MainActor
@Suite(.timeLimit(.minutes(1)))
struct ShopTests {
    @Test
    func the_login_screen_asks_again_after_a_wrong_code() async throws {
        let said = try await played(FakeMarketClient().client, [phone, "000000", "123456", "cart"])
        #expect(said == ["Welcome.", "Invalid or expired verification code", "in all $0.00", "Goodbye."])
    }

    @Test
    func a_session_that_expires_while_shopping_leads_to_the_login_screen_and_the_cart_is_kept() async throws {
        let market = FakeMarketClient(signedInAs: usPhone)
        let said = try await played(market.client, ["add 42 2", .after("cart") { market.expire() }, phone, "123456", "cart"])
        #expect(said == [
            "line 1: 2 x Canvas Bag, $19.99", "in all $39.98",
            "Your session has ended, +•••••••••51. Your cart is kept.",
            "line 1: 2 x Canvas Bag, $19.99", "in all $39.98", "Goodbye.",
        ])
    }

    @Test
    func an_order_whose_answer_is_lost_is_found_and_not_placed_twice() async throws {
        let market = FakeMarketClient(signedInAs: usPhone)
        market.loseOrderAnswer()
        let order: [Typed] = ["checkout", "Ann Example", phone, "1 Main Street"]
        let said = try await played(market.client, ["add 42 2"] + order + order + ["resolve", "resolve"])
        #expect(said.dropFirst(2) == [
            "The answer was lost; it is not known whether it went through. Find out: resolve",
            "An earlier order is still being confirmed. Find out: resolve",
            "order 1 #1001: pending, KGS\u{a0}189.98 with shipping",
            "There is nothing to find out.", "Goodbye.",
        ])
        #expect(market.shop.orders().count == 1)
    }
}

/// The app on a server of its own.
@MainActor
@Suite(.timeLimit(.minutes(1)))
struct ServedShopTests {
    @Test
    func a_session_that_the_server_ends_leads_to_the_login_screen() async throws {
        let server = try await MarketDevServer.start()
        let market = try MarketClient(baseURL: server.baseURL, appID: "tests", store: .memory, allowHTTPLoopback: true)
        let said = try await played(market, [
            phone, Typed { try await server.code(phone: usPhone) }, "add 42 2", .after("cart") { try await server.expireSessions() },
        ])
        #expect(said.dropFirst(3) == ["Your session has ended, +•••••••••51. Your cart is kept.", "Goodbye."])
        #expect(try await server.state().carts.map(\.items.count) == [1])
        await server.close()
    }
}

/// What the shopper types, or does first.
private struct Typed: ExpressibleByStringLiteral, Sendable {
    let text: @Sendable () async throws -> String

    init(_ text: @escaping @Sendable () async throws -> String) {
        self.text = text
    }

    init(stringLiteral text: String) {
        self.text = { text }
    }

    static func after(_ text: String, _ act: @escaping @Sendable () async throws -> Void) -> Typed {
        Typed {
            try await act()
            return text
        }
    }
}

/// Plays the app to its end, and gives what it said.
@MainActor
private func played(_ market: MarketClient, _ typed: [Typed]) async throws -> [String] {
    var said: [String] = []
    var rest = typed[...]
    let terminal = Terminal(say: { said.append($0) }, ask: { _ in try await rest.popFirst()?.text() })
    try await Shop(market, terminal).open()
    return said
}
