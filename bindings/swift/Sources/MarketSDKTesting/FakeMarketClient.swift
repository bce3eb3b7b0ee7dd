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
    ///   - expiringSoon: how long before a session's end that is said; 5 minutes if nothing is said
    ///   - orderSettleTime: how long after an order was sent it may still turn up; 15 minutes if nothing is said
    ///   - clock: by which calls are late, and lose their patience
    public init(
        signedInAs phone: String? = nil,
        market: Market? = nil,
        shop: FakeShop = FakeShop(),
        parkOnExpiry: ParkOnExpiry? = nil,
        expiringSoon: Duration? = nil,
        orderSettleTime: Duration? = nil,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        let state = ClientState(park: parkOnExpiry, expiringSoon: expiringSoon, orderSettleTime: orderSettleTime)
        let core = FakeCore(shop: shop, market: market, state: state, clock: clock)
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
    /// In `.restoring` and `.locked` calls wait until another is shown, and fail with `.storeLocked` after 30 s by the client's
    /// clock. In `.locked(reason: .unavailable)` they fail with `.storeUnavailable`.
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

    /// Fails the next calls that reach the shop, of all or of one kind: an error of before that, such as `.notSignedIn`, comes
    /// first.
    ///
    /// `.sessionExpired` ends the session, as the shop's refusal of the token does. `.server`, `.timeout` and whatever is `acted`
    /// leave an order unknown, with `.outcomeUnknown`. A logout does not fail, whatever the shop says: its `.storeNotCleared` is
    /// the store's. What asks no shop fails only if it is named, and with the store's codes; any other ends the test.
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
        precondition(times > 0, "A call fails once at least: times is \(times).")
        precondition(kind?.canEnd(with: code) ?? true, "\(kind?.rawValue ?? "") asks no shop, and does not fail with .\(code).")
        let error = MarketError.of(code, message, status: status, retryAfter: retryAfter, fields: fields)
        core.state.use { $0.plans.append(Plan(kind: kind, error: error, isActed: acted, times: times)) }
    }

    /// Loses the answer to the next order, which ends with `.outcomeUnknown`.
    ///
    /// - Parameter placed: whether the shop has it, and `resolve` finds it; if not, `resolve` does not see it, and says that it was
    ///   not placed once it has settled, by the shop's clock
    public func loseOrderAnswer(placed: Bool = true) {
        let plan = Plan(kind: .placeOrder, error: .of(.outcomeUnknown), isActed: placed, times: 1)
        core.state.use { $0.plans.append(plan) }
    }

    /// Holds calls, all or those of one kind, on their way to the shop until they are released: no time passes.
    public func hold(_ kind: FakeCall.Kind? = nil) {
        core.state.use { state in
            if let kind { state.held.insert(kind) } else { state.holdsAll = true }
        }
    }

    /// Waits until so many calls of a kind are under way: come to the shop, and not yet answered, but held or delayed. It is an
    /// error if they are not within 10 seconds of real time, which says what is under way.
    public func arrived(_ kind: FakeCall.Kind, count: Int = 1) async throws {
        try await arrived(kind, count: count, within: .seconds(10))
    }

    package func arrived(_ kind: FakeCall.Kind, count: Int, within limit: Duration) async throws {
        try await withThrowingTaskGroup(of: Void.self) { [core] group in
            defer { group.cancelAll() }
            group.addTask { try await core.state.when { $0.underWay.count(where: { $0 == kind }) >= count ? () : nil } }
            group.addTask {
                try await Task.sleep(for: limit)
                throw NotArrived(kind: kind, count: count, limit: limit, underWay: core.state.read(\.underWay))
            }
            try await group.next()
        }
    }

    /// Lets all that is held go on, and holds no more.
    public func release() {
        core.state.use { state in
            state.holdsAll = false
            state.held = []
        }
    }

    /// Has calls, all or those of one kind, take so long from now on, by the client's clock.
    public func delay(by duration: Duration, of kind: FakeCall.Kind? = nil) {
        core.state.use { state in
            if let kind { state.delays[kind] = duration } else { (state.delayOfAll, state.delays) = (duration, [:]) }
        }
    }
}

/// Calls that a test has waited for in vain.
private struct NotArrived: Error, CustomStringConvertible {
    let kind: FakeCall.Kind
    let count: Int
    let limit: Duration
    let underWay: [FakeCall.Kind]

    var description: String {
        let those = underWay.isEmpty ? "nothing" : underWay.map(\.rawValue).joined(separator: ", ")
        return "\(kind.rawValue) is not under way \(count) times within \(limit), but \(those)"
    }
}

extension FakeCore {
    func request(_ request: RawRequest) async throws -> RawResponse {
        let made = state.use { $0.begin(.request(request), stands: request.withSession) }
        try check(made) { try request.check() }
        let answer: @Sendable (ShopState) throws -> RawResponse = { shop in
            let found = shop.answers.first { $0.route.fits(request.route) }
            guard let found else { throw MarketError.of(.unsupported, status: 404) }
            return try found.answer.judged(hasSession: request.withSession)
        }
        return request.withSession ? try await call(made) { shop, _ in try answer(shop) } : try await openCall(made) { try answer($0) }
    }
}

extension RawRequest {
    /// As tests write it: `GET /products`.
    fileprivate var route: Route { Route("\(method)".uppercased() + " " + bare) }

    /// Without a closing slash, which makes no difference.
    private var bare: String { path.hasSuffix("/") ? String(path.dropLast()) : path }

    /// Refuses what cannot be a path below the base URL, and what is a call of the session.
    fileprivate func check() throws {
        let segments = bare.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let signs = path.unicodeScalars.contains { scalar in
            "?#\\".unicodeScalars.contains(scalar) || scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
        }
        guard path.hasPrefix("/"), !signs, segments.allSatisfy({ !["", ".", ".."].contains($0) }), escapesWhatNeedsIt else {
            throw MarketError.invalid("path", "The path must lead to a place below the base URL, like /products.")
        }
        guard !["/auth/verify-code", "/auth/logout"].contains(bare.lowercased()) else {
            throw MarketError.invalid("path", "Signing in and out are calls of the session.")
        }
    }

    /// Whether nothing is escaped that says the same as itself, or that has a meaning in paths.
    private var escapesWhatNeedsIt: Bool {
        path.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy { after in
            guard after.utf8.count >= 2, let byte = UInt8(after.prefix(2), radix: 16), !after.hasPrefix("+") else { return false }
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0" ... "9").contains(scalar))
            return !(isPlain || byte < 32 || byte == 127 || "-._~/\\%".unicodeScalars.contains(scalar))
        }
    }
}
