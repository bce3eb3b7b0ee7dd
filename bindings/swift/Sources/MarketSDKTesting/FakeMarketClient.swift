import Foundation
import MarketSDK

/// A ``MarketClient`` for an app's own tests, and what steers it: no network, no native library, no time that passes.
///
/// It behaves as a client of the dev server does: the package's tests play the same behaviours on both and compare. What is given
/// to the app is its ``client``.
///
/// ```swift
/// let market = FakeMarketClient(signedInAs: "+13128059851")
/// let screen = CartScreen(market.client)
/// await screen.add(sku: 42)
/// market.expire()
/// ```
public final class FakeMarketClient: Sendable {
    /// What the app is given.
    public let client: MarketClient
    /// What stands behind it: products, orders and the code of the SMS.
    public let shop: FakeShop

    private let core: FakeCore

    /// Makes a client of a shop.
    ///
    /// - Parameters:
    ///   - signedInAs: the phone number of who is signed in; nobody if nothing is said
    ///   - market: the one market that the app serves, as a client is built with it
    ///   - shop: a shop of its own if nothing is said; two clients of one shop are two devices
    ///   - parkOnExpiry: as a client is built with it
    ///   - clock: by which calls are late, and parked ones lose their patience
    public init(
        signedInAs phone: String? = nil,
        market: Market? = nil,
        shop: FakeShop = FakeShop(),
        parkOnExpiry: ParkOnExpiry? = nil,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        let core = FakeCore(shop: shop, market: market, park: parkOnExpiry, clock: clock)
        self.core = core
        self.shop = shop
        client = MarketClient(
            session: FakeSession(core),
            cart: FakeCart(core),
            wishlist: FakeWishlist(core),
            orders: FakeOrders(core),
            request: { try await core.request($0) }
        )
        if let phone { signIn(as: phone) }
    }

    /// The same as the client's, for what a test does behind the app's back.
    public var session: any SessionAPI { client.session }
    /// The same as the client's.
    public var cart: any CartAPI { client.cart }
    /// The same as the client's.
    public var wishlist: any WishlistAPI { client.wishlist }
    /// The same as the client's.
    public var orders: any OrdersAPI { client.orders }

    /// The calls that were made of it so far, in order.
    public var calls: [FakeCall] { core.state.read(\.calls) }

    // The session

    /// Signs somebody in, without a code. A number that no market has ends the test.
    public func signIn(as phone: String) {
        guard let (number, market) = try? parsed(phone: phone), let market else {
            preconditionFailure("\(phone) is no phone number of the shop's markets, like +13128059851 or +996700123456.")
        }
        let (token, user, expiresAt) = shop.serve { $0.signIn(number, in: market) }
        core.state.use { $0.signIn(user, token, expiresAt: expiresAt) }
    }

    /// Ends the session of who is signed in, as its own time does, or as the server's refusal (`.rejected`).
    ///
    /// - Parameter waiting: how many calls are shown to wait, besides those that this client has parked
    public func expire(_ reason: EndReason = .expired, waiting: Int = 0) {
        let token = core.state.use { state in
            let token = state.token
            state.expire(token, reason, waiting: waiting)
            return token
        }
        // What is under way comes back from the shop refused.
        if let token { shop.serve { $0.sessions[token] = nil } }
    }

    /// Shows a state, whatever was before; no listener is told that a session has ended.
    ///
    /// In `.restoring` calls wait until another is shown. In `.locked` they fail at once, as they do when their time is over.
    public func show(_ state: SessionState) {
        let token: Token? = if case let .signedIn(user, _, _) = state { shop.serve { $0.signIn(user.phone.value, in: user.market).token } } else { nil }
        core.state.use { $0.show(state, token) }
    }

    /// Says that the session lasts for so long still: to those who listen for that, once for each session, and to
    /// `requireValidity` from now on.
    public func expiringSoon(left: Duration) {
        core.state.use { $0.expiresSoon(left) }
    }

    // Calls

    /// Fails the next calls, of all or of one kind, where a request would fail: an error of before that, such as
    /// `.notSignedIn`, comes first.
    ///
    /// No session ends by an error alone: ``expire(_:waiting:)`` does that.
    ///
    /// - Parameters:
    ///   - message: what the SDK says of the code if nothing is said
    ///   - acted: whether the shop does what it was asked all the same: an answer that is lost
    public func fail(
        _ code: ErrorCode,
        of kind: FakeCall.Kind? = nil,
        times: Int = 1,
        message: String? = nil,
        status: Int? = nil,
        retryAfter: Duration? = nil,
        fields: [FieldError] = [],
        acted: Bool = false
    ) {
        let error = MarketError.of(code, message, status: status, retryAfter: retryAfter, fields: fields)
        core.state.use { $0.plans.append(Plan(kind: kind, error: error, isActed: acted, times: times)) }
    }

    /// What becomes of an order whose answer is lost.
    public enum LostOrder: Sendable {
        /// The shop has it: `resolve` finds it.
        case placed
        /// The shop never had it: `resolve` does not see it, and 15 minutes later by the shop's clock says that it was not placed.
        case notPlaced
        /// What was noted of it is damaged.
        case unreadable
    }

    /// Loses the answer to the next order, which ends with `.outcomeUnknown`.
    public func loseOrder(_ order: LostOrder) {
        let plan = Plan(
            kind: .placeOrder, error: .of(.outcomeUnknown), isActed: order == .placed, damagesNote: order == .unreadable, times: 1)
        core.state.use { $0.plans.append(plan) }
    }

    /// Holds calls, all or those of one kind, on their way to the shop until they are released: no time passes.
    public func hold(_ kind: FakeCall.Kind? = nil) {
        core.state.use { state in
            if let kind { state.held.insert(kind) } else { state.holdsAll = true }
        }
    }

    /// Waits until so many calls of a kind have set out for the shop since this client was made, held ones included.
    public func arrived(_ kind: FakeCall.Kind, count: Int = 1) async throws {
        try await core.state.when { $0.goneOut[kind, default: 0] >= count ? () : nil }
    }

    /// Lets all that is held go on, and holds no more.
    public func release() {
        core.state.use { state in
            state.holdsAll = false
            state.held = []
        }
    }

    /// Has calls, all or those of one kind, take so long from now on, by the client's clock.
    public func delay(_ duration: Duration, of kind: FakeCall.Kind? = nil) {
        core.state.use { state in
            if let kind { state.delays[kind] = duration } else { (state.delayOfAll, state.delays) = (duration, [:]) }
        }
    }
}

extension FakeCore {
    func request(_ request: RawRequest) async throws -> RawResponse {
        let made = state.use { $0.begin(.request(request), stands: request.withSession) }
        do {
            try request.check()
        } catch {
            leave(made)
            throw error
        }
        let answer: @Sendable (ShopState) throws -> RawResponse = { shop in
            guard let answer = shop.answers["\(request.method) \(request.path)"] else {
                throw MarketError.of(.unsupported, status: 404)
            }
            guard (200 ..< 300).contains(answer.status) else {
                throw MarketError.of(answer.status >= 500 ? .server : .rejected, status: answer.status)
            }
            return answer
        }
        return request.withSession ? try await call(made) { shop, _ in try answer(shop) } : try await openCall(made) { try answer($0) }
    }
}

extension RawRequest {
    /// Refuses what cannot be a path below the base URL, and what is a call of the session.
    fileprivate func check() throws {
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let plain = (parts.last == "" ? parts.dropLast() : parts[...]).allSatisfy { !["", ".", ".."].contains($0) }
        guard path.hasPrefix("/"), path != "/", plain, !path.contains(where: { "?#\\".contains($0) || $0.isWhitespace }) else {
            throw MarketError.invalid("path", "The path must lead to a place below the base URL, like /products.")
        }
        let bare = (path.hasSuffix("/") ? String(path.dropLast()) : path).lowercased()
        guard bare != "/auth/verify-code", bare != "/auth/logout" else {
            throw MarketError.invalid("path", "Signing in and out are calls of the session.")
        }
    }
}
