import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// The table of cases is tests/conformance/cases.toml. Each has a test here whose name is its id.
@Suite(.timeLimit(.minutes(2)))
struct Conformance {}

let usPhone = "+13128059851"
let kgPhone = "+996700123456"

/// What a case plays with: a dev server of its own, and a folder for its devices.
struct Case: Sendable {
    let server: MarketDevServer
    let folder: URL

    /// Opens the app on a device and closes it again: a client is there for as long as `use` runs. Gives back the
    /// ends of sessions that a listener was told, from before until all was delivered.
    @discardableResult
    func app(
        on device: String = "one",
        timeout: Duration? = nil,
        store: (any SecureStore)? = nil,
        parks: Int? = nil,
        marker: URL? = nil,
        _ use: (MarketClient) async throws -> Void
    ) async throws -> [SessionEnd] {
        let (stream, continuation) = AsyncStream<SessionEnd>.makeStream()
        do {
            let market = try client(on: device, timeout: timeout, store: store, parks: parks, marker: marker)
            let ends = Ends(continuation)
            _ = try market.session.onEnd { ends.continuation.yield($0) }
            try await use(market)
        }
        return try await within(.seconds(20)) { await stream.reduce(into: []) { $0.append($1) } }
    }

    /// Only the listener refers to it: it goes when no more is delivered.
    private final class Ends: Sendable {
        let continuation: AsyncStream<SessionEnd>.Continuation

        init(_ continuation: AsyncStream<SessionEnd>.Continuation) {
            self.continuation = continuation
        }

        deinit {
            continuation.finish()
        }
    }

    func client(
        on device: String = "one",
        timeout: Duration? = nil,
        store: (any SecureStore)? = nil,
        certificates: [String] = [],
        parks: Int? = nil,
        marker: URL? = nil
    ) throws -> MarketClient {
        try MarketClient(
            baseURL: server.baseURL,
            appID: "com.example.shop",
            store: store.map { .host(store: $0) } ?? .file(folder: folder.appendingPathComponent(device).path),
            timeout: timeout,
            parkOnExpiry: parks.map { ParkOnExpiry(limit: $0, patience: .seconds(300)) },
            extraRootCertificates: certificates,
            allowHTTPLoopback: true,
            installMarker: marker
        )
    }

    @discardableResult
    func signIn(_ market: MarketClient, phone: String = usPhone) async throws -> SignIn {
        try await market.session.requestCode(phone: phone)
        return try await market.session.verifyCode(phone: phone, code: server.code(phone: phone))
    }

    /// The files of device one that hold a session.
    func secretFiles() -> [URL] {
        let files = FileManager.default.enumerator(at: folder.appendingPathComponent("one"), includingPropertiesForKeys: nil)
        return files?.compactMap { $0 as? URL }.filter { $0.lastPathComponent.hasSuffix(".secret") } ?? []
    }

    /// Orders all that is in the cart.
    @discardableResult
    func order(_ market: MarketClient, _ items: [NewOrderItem]? = nil, parks: Bool = false) async throws -> Order {
        try await market.orders.place(NewOrder(
            customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", items: items, parkOnExpiry: parks))
    }

    /// Signs in, and orders two bags from the cart without an answer.
    func loseOrder(_ market: MarketClient, acted: Bool) async throws {
        try await signIn(market)
        _ = try await market.cart.add(sku: 42, quantity: 2)
        try await once("POST /orders/create", #"{"kind": "reset", "acted": \#(acted)}"#)
        let lost = try await failure { try await order(market) }
        #expect(lost.code == .outcomeUnknown)
    }

    /// Waits until so many calls wait for a session, and gives whose it was and why it ended.
    @discardableResult
    func waiting(_ calls: Int, on market: MarketClient) async throws -> (user: User, reason: EndReason) {
        try await first(in: market.session.states) { state in
            if case let .expired(user, reason, waiting) = state, waiting == calls { (user, reason) } else { nil }
        }
    }

    /// Makes a call that waits for a session, as the last of so many.
    func parked<Value: Sendable>(
        _ calls: Int,
        on market: MarketClient,
        _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Task<Value, any Error> {
        let task = Task { try await call() }
        try await waiting(calls, on: market)
        return task
    }

    /// Plays a fault once.
    func once(_ route: String, _ fault: String) async throws {
        try await server.fault(route, .json(fault), times: 1)
    }

    func revoke() async throws {
        try await server.expireSessions()
    }

    func clock(seconds: Int) async throws {
        try await server.advanceClock(by: .seconds(seconds))
    }
}

/// Plays the case that has the name of the test, and lets the server write its log where the table looks for it.
func conformance(
    dialect: MarketDevServer.Dialect = .documented,
    arguments: [String] = [],
    _ play: (Case) async throws -> Void
) async throws {
    let id = try #require(Test.current?.name).replacingOccurrences(of: "()", with: "")
    var arguments = arguments
    if let folder = ProcessInfo.processInfo.environment["MARKET_CONFORMANCE"] {
        arguments += ["--log", "\(folder)/\(id).json"]
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("market-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = try await MarketDevServer.start(dialect: dialect, arguments: arguments)
    do {
        try await play(Case(server: server, folder: folder))
    } catch {
        await server.close()
        throw error
    }
    await server.close()
}

/// A thousand connections: a shell allows fewer files by default, and a process may allow itself more.
func allowManyConnections() {
    #if canImport(Glibc)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #endif
}

extension Cart {
    /// The lines as SKU and quantity.
    var lines: [[Int]] { items.map { [$0.skuID, $0.quantity] }.sorted { $0[0] < $1[0] } }
}

func money(_ digits: String, _ currency: String = "USD") throws -> Money {
    try Money(amount: #require(Decimal(string: digits)), currency: currency)
}

/// A session state as the cases name it.
extension SessionState {
    var persisted: Bool {
        if case let .signedIn(_, _, persisted) = self { persisted } else { false }
    }

    var lockedReason: LockedReason? {
        if case let .locked(reason) = self { reason } else { nil }
    }
}

/// The end of a call that was cancelled.
func wasCancelled(_ task: Task<some Sendable, any Error>) async -> Bool {
    switch await task.result {
    case .success: false
    case let .failure(error): error is CancellationError
    }
}
