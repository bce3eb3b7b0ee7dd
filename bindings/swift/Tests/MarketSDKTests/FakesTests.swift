import Foundation
import MarketSDK
import Testing

/// An app's own tests put what they like in the place of what asks a server.
@MainActor
struct FakesTests {
    @Test
    func an_app_is_tested_without_a_server() async throws {
        let screen = CartScreen(.fake)
        await screen.add(sku: 42)
        #expect(screen.text == "$39.98")
        await screen.add(sku: 7)
        #expect(screen.text == "Out of stock.")
        // What the package itself adds works on them too.
        #expect(try await first(in: MarketClient.fake.session.states) { $0.user }.id == 19)
        let products = RawRequest(method: .get, path: "/products")
        #expect(try await MarketClient.fake.request(products).decoded(as: [Int].self) == [10, 15])
    }
}

/// A screen of an app.
@MainActor
private final class CartScreen {
    private let market: MarketClient
    var text = ""

    init(_ market: MarketClient) {
        self.market = market
    }

    func add(sku: Int) async {
        do {
            text = try await market.cart.add(sku: sku, quantity: 2).totalPrice.formatted(locale: Locale(identifier: "en_US"))
        } catch {
            text = error.localizedDescription
        }
    }
}

extension MarketClient {
    fileprivate static let fake = MarketClient(
        session: FakeSession(),
        cart: FakeCart(),
        wishlist: FakeWishlist(),
        orders: FakeOrders(),
        request: { _ in RawResponse(status: 200, body: "[10, 15]") }
    )
}

private struct NotFaked: Error {}

private final class FakeCart: CartAPI {
    private func cart(_ items: [CartLine]) -> Cart {
        let total = items.reduce(Decimal.zero) { $0 + $1.price.amount * Decimal($1.quantity) }
        return Cart(id: 1, userID: 19, items: items, totalPrice: Money(amount: total, currency: "USD"))
    }

    func add(sku: Int, quantity: Int, on _: isolated (any Actor)?) async throws -> Cart {
        guard sku == 42 else { throw MarketError(.rejected, message: "Out of stock.") }
        let price = Money(amount: Decimal(string: "19.99")!, currency: "USD")
        return cart([CartLine(id: 1, skuID: sku, quantity: quantity, name: "Canvas Bag", price: price, image: nil)])
    }

    func get(on _: isolated (any Actor)?) async throws -> Cart { cart([]) }
    func clear(on _: isolated (any Actor)?) async throws -> Cart { cart([]) }
    func remove(line _: Int, on _: isolated (any Actor)?) async throws -> Cart { cart([]) }
    func setQuantity(line _: Int, quantity _: Int, on _: isolated (any Actor)?) async throws -> Cart { cart([]) }
    func observe(listener _: any CartListener) throws -> any Subscription { FakeSubscription() }
}

private final class FakeSubscription: Subscription {
    func cancel() {}
}

private final class FakeSession: SessionAPI {
    var state: SessionState {
        let user = User(id: 19, market: .us, phone: PhoneNumber("+13128059851"), fullName: nil)
        return .signedIn(user: user, expiresAt: nil, persisted: true)
    }

    func observe(listener: any SessionListener) throws -> any Subscription {
        try listener.changed(state: state)
        return FakeSubscription()
    }

    func onEnd(listener _: any SessionEndListener) throws -> any Subscription { FakeSubscription() }
    func onExpiringSoon(listener _: any ExpiringSoonListener) throws -> any Subscription { FakeSubscription() }
    func requireValidity(duration _: Duration, on _: isolated (any Actor)?) async throws {}
    func restore(on _: isolated (any Actor)?) async throws -> SessionState { state }
    func resumed() {}
    func requestCode(phone _: String, on _: isolated (any Actor)?) async throws -> CodeSent { throw NotFaked() }
    func verifyCode(phone _: String, code _: String, on _: isolated (any Actor)?) async throws -> SignIn { throw NotFaked() }
    func logout(on _: isolated (any Actor)?) async throws {}
    func clear(on _: isolated (any Actor)?) async throws {}
    func profile(on _: isolated (any Actor)?) async throws -> Profile { throw NotFaked() }
    func updateProfile(_: ProfileUpdate, on _: isolated (any Actor)?) async throws -> Profile { throw NotFaked() }
    func verifyToken(on _: isolated (any Actor)?) async throws -> TokenStatus { throw NotFaked() }
    func markets(on _: isolated (any Actor)?) async throws -> Markets { throw NotFaked() }
}

private final class FakeWishlist: WishlistAPI {
    func add(product _: Int, on _: isolated (any Actor)?) async throws -> Wishlist { throw NotFaked() }
    func clear(on _: isolated (any Actor)?) async throws -> Wishlist { throw NotFaked() }
    func get(on _: isolated (any Actor)?) async throws -> Wishlist { throw NotFaked() }
    func remove(product _: Int, on _: isolated (any Actor)?) async throws -> Wishlist { throw NotFaked() }
}

private final class FakeOrders: OrdersAPI {
    func cancel(order _: Int, on _: isolated (any Actor)?) async throws -> CancelledOrder { throw NotFaked() }
    func get(order _: Int, on _: isolated (any Actor)?) async throws -> Order { throw NotFaked() }
    func list(_: OrderQuery, on _: isolated (any Actor)?) async throws -> [Order] { throw NotFaked() }
    func place(_: NewOrder, on _: isolated (any Actor)?) async throws -> Order { throw NotFaked() }
    func resolve(on _: isolated (any Actor)?) async throws -> OrderOutcome { throw NotFaked() }
}
