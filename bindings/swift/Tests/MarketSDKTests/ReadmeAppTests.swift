import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

/// The tests of an app that README shows.
@MainActor
@Suite(.timeLimit(.minutes(1)))
struct ShopTests {
    @Test func the_login_screen_says_when_a_code_is_wrong() async throws {
        let market = FakeMarketClient()
        let app = App(market.client)
        await app.signIn(phone: "+13128059851", code: "000000")
        #expect(app.text == "Invalid or expired verification code")
        await app.signIn(phone: "+13128059851", code: "123456")
        #expect(market.session.state.isSignedIn)
    }

    @Test func a_session_that_ends_while_shopping_leads_to_the_login_screen() async throws {
        let market = FakeMarketClient(signedInAs: "+13128059851")
        let app = App(market.client)
        await app.add(sku: 42, quantity: 2)
        #expect(app.text == "$39.98")
        market.expire()
        await app.shows(.login)
        await app.signIn(phone: "+13128059851", code: "123456")
        #expect(try await market.cart.get().items.count == 1)
    }

    @Test func an_order_whose_answer_is_lost_is_found_and_not_placed_twice() async throws {
        let market = FakeMarketClient(signedInAs: "+13128059851")
        let app = App(market.client)
        await app.add(sku: 42, quantity: 2)
        market.loseOrderAnswer()
        await app.order()
        #expect(app.text == "Thank you! Your order is #1001.")
        #expect(market.calls.map(\.kind) == [.addToCart, .placeOrder, .resolve])
        #expect(market.shop.orders().count == 1)
    }

    @Test func a_session_that_the_server_ends_leads_to_the_login_screen() async throws {
        let server = try await MarketDevServer.start()
        let market = try MarketClient(baseURL: server.baseURL, appID: "tests", store: .memory, allowHTTPLoopback: true)
        let app = App(market)
        try await market.session.requestCode(phone: "+13128059851")
        try await app.signIn(phone: "+13128059851", code: server.code(phone: "+13128059851"))
        try await server.fault("POST /cart/items", .status(500), times: 1)
        await app.add(sku: 42, quantity: 2)
        #expect(app.text == "The shop has a problem. Please try again later.")
        try await server.expireSessions()
        await app.add(sku: 42, quantity: 2)
        await app.shows(.login)
        await server.close()
    }
}

/// An app of one cart.
@MainActor
private final class App {
    enum Screen {
        case login
        case shop
    }

    private(set) var text = ""
    private var screen = Screen.login
    private let market: MarketClient
    private let (screens, changed) = AsyncStream<Screen>.makeStream()

    init(_ market: MarketClient) {
        self.market = market
        Task { [weak self, states = market.session.states] in
            for await state in states { self?.show(state.isSignedIn ? .shop : .login) }
        }
    }

    private func show(_ screen: Screen) {
        self.screen = screen
        changed.yield(screen)
    }

    /// Waits for a screen.
    func shows(_ wanted: Screen) async {
        var coming = screens.makeAsyncIterator()
        while screen != wanted, await coming.next() != nil {}
    }

    func signIn(phone: String, code: String) async {
        await telling {
            if case .signedOut = market.session.state { try await market.session.requestCode(phone: phone) }
            if case .expired = market.session.state { try await market.session.requestCode(phone: phone) }
            try await market.session.verifyCode(phone: phone, code: code)
        }
    }

    func add(sku: Int, quantity: Int) async {
        await telling {
            text = try await market.cart.add(sku: sku, quantity: quantity).totalPrice.formatted(locale: Locale(identifier: "en_US"))
        }
    }

    func order() async {
        await telling {
            do {
                try await thank(market.orders.place(NewOrder(
                    customerName: "Ann", customerPhone: "+13128059851", deliveryAddress: "1 Main St")))
            } catch let error as MarketError where error.code == .outcomeUnknown {
                if case let .placed(order) = try await market.orders.resolve() { thank(order) }
            }
        }
    }

    private func thank(_ order: Order) {
        text = "Thank you! Your order is \(order.orderNumber ?? "")."
    }

    private func telling(_ act: @MainActor () async throws -> Void) async {
        do {
            try await act()
        } catch {
            text = error.localizedDescription
        }
    }
}
