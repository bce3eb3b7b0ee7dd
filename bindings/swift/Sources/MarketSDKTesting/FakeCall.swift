import MarketSDK

/// A call that an app has made of a ``FakeMarketClient``, with what it passed.
public enum FakeCall: Hashable, Sendable {
    /// `session.requestCode`.
    case requestCode(phone: String)
    /// `session.verifyCode`.
    case verifyCode(phone: String, code: String)
    /// `session.restore`.
    case restore
    /// `session.resumed`.
    case resumed
    /// `session.requireValidity`.
    case requireValidity(duration: Duration)
    /// `session.logout`.
    case logout
    /// `session.clear`.
    case clearSession
    /// `session.profile`.
    case profile
    /// `session.updateProfile`.
    case updateProfile(ProfileUpdate)
    /// `session.verifyToken`.
    case verifyToken
    /// `session.markets`.
    case markets
    /// `cart.get`.
    case cart
    /// `cart.add`.
    case addToCart(sku: Int, quantity: Int)
    /// `cart.setQuantity`.
    case setQuantity(line: Int, quantity: Int)
    /// `cart.remove`.
    case removeFromCart(line: Int)
    /// `cart.clear`.
    case clearCart
    /// `wishlist.get`.
    case wishlist
    /// `wishlist.add`.
    case addToWishlist(product: Int)
    /// `wishlist.remove`.
    case removeFromWishlist(product: Int)
    /// `wishlist.clear`.
    case clearWishlist
    /// `orders.place`.
    case placeOrder(NewOrder)
    /// `orders.list`.
    case orders(OrderQuery)
    /// `orders.get`.
    case order(id: Int)
    /// `orders.cancel`.
    case cancelOrder(id: Int)
    /// `orders.resolve`.
    case resolve
    /// `request`.
    case request(RawRequest)

    /// Which call, whatever it was passed: to steer the next ones.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Of the session.
        case requestCode = "session.requestCode", verifyCode = "session.verifyCode", restore = "session.restore",
            resumed = "session.resumed", requireValidity = "session.requireValidity", logout = "session.logout",
            clearSession = "session.clear", profile = "session.profile", updateProfile = "session.updateProfile",
            verifyToken = "session.verifyToken", markets = "session.markets"
        /// Of the cart.
        case cart = "cart.get", addToCart = "cart.add", setQuantity = "cart.setQuantity", removeFromCart = "cart.remove",
            clearCart = "cart.clear"
        /// Of the wishlist.
        case wishlist = "wishlist.get", addToWishlist = "wishlist.add", removeFromWishlist = "wishlist.remove",
            clearWishlist = "wishlist.clear"
        /// Of the orders.
        case placeOrder = "orders.place", orders = "orders.list", order = "orders.get", cancelOrder = "orders.cancel",
            resolve = "orders.resolve"
        /// Of any other route.
        case request

        /// Whether it goes to the shop at all.
        var asksTheShop: Bool {
            ![.restore, .resumed, .requireValidity, .clearSession].contains(self)
        }

        /// Whether it fails with `code` as a client's does; a logout does not, but the shop hears of it or not.
        package func canEnd(with code: ErrorCode) -> Bool {
            switch self {
            case .resumed: false
            case .restore: [.storeLocked, .storeUnavailable].contains(code)
            case .requireValidity: [.storeLocked, .storeUnavailable, .sessionExpired].contains(code)
            case .clearSession: code == .storeNotCleared
            default: true
            }
        }
    }

    /// Which call it is.
    public var kind: Kind {
        switch self {
        case .requestCode: .requestCode
        case .verifyCode: .verifyCode
        case .restore: .restore
        case .resumed: .resumed
        case .requireValidity: .requireValidity
        case .logout: .logout
        case .clearSession: .clearSession
        case .profile: .profile
        case .updateProfile: .updateProfile
        case .verifyToken: .verifyToken
        case .markets: .markets
        case .cart: .cart
        case .addToCart: .addToCart
        case .setQuantity: .setQuantity
        case .removeFromCart: .removeFromCart
        case .clearCart: .clearCart
        case .wishlist: .wishlist
        case .addToWishlist: .addToWishlist
        case .removeFromWishlist: .removeFromWishlist
        case .clearWishlist: .clearWishlist
        case .placeOrder: .placeOrder
        case .orders: .orders
        case .order: .order
        case .cancelOrder: .cancelOrder
        case .resolve: .resolve
        case .request: .request
        }
    }
}
