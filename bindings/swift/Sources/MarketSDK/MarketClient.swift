import Foundation

/// A client of one market server, and the session of the one user who can be signed in on it.
///
/// Build one when the app starts and keep it. It may be built and used anywhere, the main actor among it. Calls are
/// `async`: cancelling the task cancels the request. They end with a value, a ``MarketError``, or `CancellationError`
/// if the task was cancelled.
///
/// ```swift
/// let market = try MarketClient(baseURL: "https://api.example.com/api/v1", appID: "com.example.shop")
/// ```
///
/// A client goes when nobody refers to it any more, and its streams end with it.
public final class MarketClient: Sendable {
    /// The session: signing in and out, the state, the profile.
    public let session: any SessionAPI

    /// The cart of the user who is signed in.
    public let cart: any CartAPI

    /// The wishlist of the user who is signed in.
    public let wishlist: any WishlistAPI

    /// The orders of the user who is signed in.
    public let orders: any OrdersAPI

    private let answer: @Sendable (RawRequest) async throws -> RawResponse

    /// Builds a client, which begins to read the store at once. It waits for nothing.
    ///
    /// - Parameters:
    ///   - baseURL: the server: `https://host`, with a port and a path prefix if there are any
    ///   - appID: the app's own name, such as `com.example.shop`; with the base URL it names the stored session
    ///   - market: the one market that the app serves; without it, it follows from the user's phone number
    ///   - store: where the session is stored
    ///   - connectTimeout: how long a connection may take to be made; 10 s if nothing is said
    ///   - timeout: how long a whole call may take, waits and attempts included; 30 s if nothing is said
    ///   - storeTimeout: how long the store may take before it counts as locked; 5 s if nothing is said
    ///   - parkOnExpiry: lets calls that are stopped by an expired session wait for its user to sign in again; none waits
    ///     if nothing is said
    ///   - expiringSoon: how long before a session's end that is said; 5 minutes if nothing is said
    ///   - bodyLimit: the longest response body that is read, in bytes; 8 MiB if nothing is said
    ///   - extraRootCertificates: PEM texts of certificates to trust as roots, beside those of the system
    ///   - pinnedKeys: keys of which one has to vouch for the server's certificate, beside what the system demands: each `sha256/`
    ///     and the digest of a key in base64; none, or at least two, one of them a backup
    ///   - userAgent: put in front of the SDK's own name in `User-Agent`
    ///   - allowHTTPLoopback: allows `http://` for a server on this very machine, as in tests
    ///   - orderSettleTime: how long after an order was sent it may still turn up; 15 minutes if nothing is said
    ///   - installMarker: a file that goes when the app is uninstalled and is in no backup, by which a session that an earlier
    ///     installation has left in the Keychain is told apart; if nothing is said, on iOS one in the app's folder, with the
    ///     Keychain, and none elsewhere
    /// - Throws: ``MarketError`` with ``ErrorCode/config`` if something is missing or makes no sense, or the native
    ///   library is of another version
    public init(
        baseURL: String,
        appID: String,
        market: Market? = nil,
        store: SessionStore = .keyring,
        connectTimeout: Duration? = nil,
        timeout: Duration? = nil,
        storeTimeout: Duration? = nil,
        parkOnExpiry: ParkOnExpiry? = nil,
        expiringSoon: Duration? = nil,
        bodyLimit: Int? = nil,
        extraRootCertificates: [String] = [],
        pinnedKeys: [String] = [],
        userAgent: String? = nil,
        allowHTTPLoopback: Bool = false,
        orderSettleTime: Duration? = nil,
        installMarker: URL? = nil
    ) throws {
        try CoreVersion.check()
        guard installMarker?.isFileURL != false else {
            throw MarketError(.config, message: "The install marker is not a file.")
        }
        let core = try MarketCore(config: ClientConfig(
            baseURL: baseURL,
            appID: appID,
            market: market,
            store: store,
            connectTimeout: connectTimeout,
            timeout: timeout,
            storeTimeout: storeTimeout,
            parkOnExpiry: parkOnExpiry,
            expiringSoon: expiringSoon,
            bodyLimit: bodyLimit,
            extraRootCertificates: extraRootCertificates,
            pinnedKeys: pinnedKeys,
            userAgent: userAgent,
            allowHttpLoopback: allowHTTPLoopback,
            orderSettleTime: orderSettleTime,
            installMarker: installMarker?.path
        ))
        session = core.session()
        cart = core.cart()
        wishlist = core.wishlist()
        orders = core.orders()
        answer = { try await core.request(request: $0) }
    }

    /// A client for an app's own tests: whatever is given stands in for what asks a server.
    public init(
        session: any SessionAPI,
        cart: any CartAPI,
        wishlist: any WishlistAPI,
        orders: any OrdersAPI,
        request: @escaping @Sendable (RawRequest) async throws -> RawResponse
    ) {
        self.session = session
        self.cart = cart
        self.wishlist = wishlist
        self.orders = orders
        answer = request
    }

    /// Makes a request to a route that the SDK has no typed call for, through the same door as all others: with the
    /// token, the market, the deadline, retries and errors, and to the client's own server only.
    public func request(_ request: RawRequest) async throws -> RawResponse {
        try await answer(request)
    }
}

extension OrdersAPI {
    /// Lists the newest orders: the first page.
    public func list(isolation: isolated (any Actor)? = #isolation) async throws -> [Order] {
        try await list(OrderQuery(), on: isolation)
    }
}

extension RawResponse {
    /// The body, decoded from JSON.
    ///
    /// - Throws: a `DecodingError`. A price that is to stay exact is decoded as a `Decimal`, not as a `Double`.
    public func decoded<Value: Decodable>(
        as type: Value.Type = Value.self,
        by decoder: JSONDecoder = JSONDecoder()
    ) throws -> Value {
        try decoder.decode(type, from: Data(body.utf8))
    }
}
