import Foundation
import MarketSDK

final class FakeCart: CartAPI {
    private let core: FakeCore

    init(_ core: FakeCore) {
        self.core = core
    }

    func observe(listener: any CartListener) throws -> any Subscription {
        FakeSubscription(core) { $0.observeCart(Delivery(listener.changed)) }
    }

    func get(on _: isolated (any Actor)?) async throws -> Cart {
        let made = core.state.use { $0.begin(.cart, inLane: true) }
        return try await core.call(made, after: show(made)) { try $0[$1.market].cart(of: $1.user) }
    }

    func add(sku: Int, quantity: Int, on _: isolated (any Actor)?) async throws -> Cart {
        let made = core.state.use { $0.begin(.addToCart(sku: sku, quantity: quantity), inLane: true) }
        return try await change(made, ("sku_id", sku), quantity, least: 1) { try $0[$1.market].add(sku: sku, quantity, to: $1.user) }
    }

    func setQuantity(line: Int, quantity: Int, on _: isolated (any Actor)?) async throws -> Cart {
        let made = core.state.use { $0.begin(.setQuantity(line: line, quantity: quantity), inLane: true) }
        return try await change(made, ("line_id", line), quantity, least: 0) { shop, caller in
            quantity == 0
                ? try shop[caller.market].remove(line: line, of: caller.user)
                : try shop[caller.market].set(line: line, to: quantity, of: caller.user)
        }
    }

    func remove(line: Int, on _: isolated (any Actor)?) async throws -> Cart {
        let made = core.state.use { $0.begin(.removeFromCart(line: line), inLane: true) }
        return try await change(made, ("line_id", line)) { try $0[$1.market].remove(line: line, of: $1.user) }
    }

    func clear(on _: isolated (any Actor)?) async throws -> Cart {
        let made = core.state.use { $0.begin(.clearCart, inLane: true) }
        return try await change(made) { try $0[$1.market].emptyCart(of: $1.user) }
    }

    private func change(
        _ made: MadeCall,
        _ id: (path: String, id: Int)? = nil,
        _ quantity: Int = 1,
        least: Int = 1,
        _ serve: @escaping FakeCore.Served<Cart>
    ) async throws -> Cart {
        try core.check(made) {
            if let id { try MarketError.check(id.path, id.id) }
            guard (least ... 100).contains(quantity) else {
                throw MarketError.invalid("quantity", "Enter a quantity from \(least) to 100.")
            }
        }
        return try await core.call(made, finishes: true, after: show(made), serve)
    }

    /// Shows what came of it: the cart, or if the change failed what a fresh read finds.
    private func show(_ made: MadeCall) -> @Sendable (FakeCore.Outcome<Cart>) -> Void {
        { [core] outcome in
            if case let .success(cart) = outcome.result {
                core.state.use { $0.show(cart, of: made.lineage) }
            } else if made.kind != .cart {
                core.reread(outcome, made)
            }
        }
    }
}

extension FakeCore {
    /// The cart is read anew for those who observe it, if a change or an order may have left another than is shown.
    func reread(_ outcome: Outcome<some Sendable>, _ made: MadeCall) {
        if case let .failure(error) = outcome.result {
            guard (error as? MarketError)?.code.leavesCartInDoubt == true else { return }
        }
        guard state.read(\.isCartObserved), let cart = try? shop.serve(outcome.token, { try $0[$1.market].cart(of: $1.user) })
        else { return }
        state.use { $0.show(cart, of: made.lineage) }
    }
}

final class FakeWishlist: WishlistAPI {
    private let core: FakeCore

    init(_ core: FakeCore) {
        self.core = core
    }

    func get(on _: isolated (any Actor)?) async throws -> Wishlist {
        let made = core.state.use { $0.begin(.wishlist) }
        return try await core.call(made) { $0[$1.market].wishlist(of: $1.user) }
    }

    func add(product: Int, on _: isolated (any Actor)?) async throws -> Wishlist {
        let made = core.state.use { $0.begin(.addToWishlist(product: product)) }
        try core.check(made) { try MarketError.check("product_id", product) }
        return try await core.call(made) { try $0[$1.market].wish(for: product, of: $1.user) }
    }

    func remove(product: Int, on _: isolated (any Actor)?) async throws -> Wishlist {
        let made = core.state.use { $0.begin(.removeFromWishlist(product: product)) }
        try core.check(made) { try MarketError.check("product_id", product) }
        return try await core.call(made) { try $0[$1.market].unwish(product, of: $1.user) }
    }

    func clear(on _: isolated (any Actor)?) async throws -> Wishlist {
        let made = core.state.use { $0.begin(.clearWishlist) }
        return try await core.call(made) { $0[$1.market].unwishAll(of: $1.user) }
    }
}
