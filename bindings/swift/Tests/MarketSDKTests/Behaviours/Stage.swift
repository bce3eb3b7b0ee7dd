import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

/// What an app sees of the fake and of a real client on the dev server. Each test plays one behaviour on both and compares;
/// where they differ, the fake is wrong. (One after the other: other tests measure time meanwhile.)
@Suite(.serialized, .timeLimit(.minutes(2)))
struct Behaviours {}

/// What a behaviour is played on.
protocol Stage: Sendable {
    var market: MarketClient { get }
    /// Another device of the same shop.
    func other() throws -> MarketClient
    func code(phone: String) async throws -> String
    func expireSessions() async throws
    func advanceClock(by duration: Duration) async throws
    /// The next call of this kind meets with it.
    func meets(_ kind: FakeCall.Kind, _ trouble: Trouble) async throws
    func hold(_ kind: FakeCall.Kind) async throws
    func arrived(_ kind: FakeCall.Kind) async throws
    func release() async throws
    /// Answers a route that has no call.
    func answer(_ route: String, _ status: Int, _ body: String) async throws
    /// A device of the same shop, freshly started, whose store is locked until it is unlocked.
    func locked() async throws -> (market: MarketClient, unlock: @Sendable () -> Void)
}

enum Trouble {
    case lost(acted: Bool)
    case failed
    case overloaded
    case forbidden
}

extension Stage {
    @discardableResult
    func signIn(_ phone: String = usPhone, on market: MarketClient? = nil) async throws -> SignIn {
        let session = (market ?? self.market).session
        // Two sign-ins within one second give the same token.
        try await advanceClock(by: .seconds(1))
        try await session.requestCode(phone: phone)
        return try await session.verifyCode(phone: phone, code: code(phone: phone))
    }

    func waiting(_ calls: Int) async throws {
        _ = try await first(in: market.session.states) { state in
            if case let .expired(_, _, waiting) = state, waiting == calls { true } else { nil }
        }
    }

    func signInAndFillTheCart() async throws {
        try await signIn()
        try await market.cart.add(sku: 42, quantity: 2)
    }

    /// Makes a call that waits for a session, as the last of so many.
    func parked<Value: Sendable>(_ calls: Int, _ call: @escaping @Sendable () async throws -> Value) async throws -> Task<Value, any Error> {
        let task = Task { try await call() }
        try await waiting(calls)
        return task
    }

    /// Makes a call of this kind that is held on its way.
    func held<Value: Sendable>(
        _ kind: FakeCall.Kind,
        _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Task<Value, any Error> {
        try await hold(kind)
        let task = Task { try await call() }
        try await arrived(kind)
        return task
    }

    func order(of items: [NewOrderItem]? = nil, force: Bool = false, parks: Bool = false) -> NewOrder {
        NewOrder(
            customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", items: items, parkOnExpiry: parks, force: force)
    }
}

struct RealStage: Stage {
    let server: MarketDevServer
    let market: MarketClient

    init(_ server: MarketDevServer, parks: Int?) throws {
        self.server = server
        market = try Self.client(server, parks: parks)
    }

    private static func client(_ server: MarketDevServer, parks: Int?) throws -> MarketClient {
        let park = parks.map { ParkOnExpiry(limit: $0, patience: .seconds(300)) }
        return try MarketClient(baseURL: server.baseURL, appID: "a", store: .memory, parkOnExpiry: park, allowHTTPLoopback: true)
    }

    func other() throws -> MarketClient { try Self.client(server, parks: nil) }
    func code(phone: String) async throws -> String { try await server.code(phone: phone) }
    func expireSessions() async throws { try await server.expireSessions() }
    func advanceClock(by duration: Duration) async throws { try await server.advanceClock(by: duration) }
    func hold(_ kind: FakeCall.Kind) async throws { try await server.hold(route(kind)) }
    func arrived(_ kind: FakeCall.Kind) async throws { try await server.arrived(route(kind)) }
    func release() async throws { try await server.release() }

    func meets(_ kind: FakeCall.Kind, _ trouble: Trouble) async throws {
        let fault: MarketDevServer.Fault = switch trouble {
        case let .lost(acted): .reset(acted: acted)
        case .failed: .status(500)
        case .overloaded: .status(429, retryAfter: .seconds(3600))
        case .forbidden: .answer(403, body: "")
        }
        try await server.fault(route(kind), fault, times: 1)
    }

    func answer(_ route: String, _ status: Int, _ body: String) async throws {
        try await server.clearFaults()
        try await server.fault(route, .answer(status, body: body))
    }

    func locked() async throws -> (market: MarketClient, unlock: @Sendable () -> Void) {
        let store = HostStore()
        store.lock(true)
        let market = try MarketClient(baseURL: server.baseURL, appID: "a", store: .host(store: store), allowHTTPLoopback: true)
        _ = try await first(in: market.session.states, \.lockedReason)
        return (market, { [weak session = market.session] in
            store.lock(false)
            session?.resumed()
        })
    }

    private func route(_ kind: FakeCall.Kind) throws -> String {
        let routes: [FakeCall.Kind: String] = [
            .addToCart: "POST /cart/items", .cart: "GET /cart", .profile: "GET /auth/profile", .placeOrder: "POST /orders/create",
            .verifyCode: "POST /auth/verify-code",
        ]
        return try #require(routes[kind])
    }
}

struct FakeStage: Stage {
    let fake: FakeMarketClient
    var market: MarketClient { fake.client }

    init(parks: Int?) {
        fake = FakeMarketClient(parkOnExpiry: parks.map { ParkOnExpiry(limit: $0, patience: .seconds(300)) })
    }

    func other() throws -> MarketClient { FakeMarketClient(shop: fake.shop).client }
    func code(phone _: String) async throws -> String { fake.shop.code }
    func expireSessions() async throws { fake.shop.expireSessions() }
    func advanceClock(by duration: Duration) async throws { fake.shop.advanceClock(by: duration) }
    func hold(_ kind: FakeCall.Kind) async throws { fake.hold(kind) }
    func arrived(_ kind: FakeCall.Kind) async throws { try await fake.arrived(kind) }
    func release() async throws { fake.release() }
    func answer(_ route: String, _ status: Int, _ body: String) async throws { fake.shop.answer(route, with: body, status: status) }

    func locked() async throws -> (market: MarketClient, unlock: @Sendable () -> Void) {
        let fake = FakeMarketClient(shop: fake.shop)
        fake.show(.locked(reason: .locked))
        return (fake.client, { fake.show(.signedOut(reason: .noSession)) })
    }

    func meets(_ kind: FakeCall.Kind, _ trouble: Trouble) async throws {
        switch trouble {
        case let .lost(acted) where kind == .placeOrder: fake.loseOrderAnswer(placed: acted)
        case let .lost(acted): fake.fail(kind == .verifyCode ? .outcomeUnknown : .network, of: kind, acted: acted)
        case .failed: fake.fail(.server, of: kind, status: 500)
        // In the dev server's words.
        case .overloaded: fake.fail(.rateLimited, of: kind, message: "A fault was asked for", status: 429, retryAfter: .seconds(3600))
        case .forbidden: fake.fail(.rejected, of: kind, status: 403)
        }
    }
}

/// What an app has seen, in order.
final class Seen: @unchecked Sendable {
    private let guarded = NSLock()
    private var entries: [(what: String, value: AnyHashable)] = []

    func note(_ what: String, _ value: some Hashable) {
        guarded.withLock { entries.append((what, AnyHashable(value))) }
    }

    /// Notes what a call gives or fails with.
    func call<Value: Hashable & Sendable>(
        _ what: String,
        isolation _: isolated (any Actor)? = #isolation,
        _ call: () async throws -> Value
    ) async {
        do {
            let value = try await call()
            note(what, timeless(value))
        } catch let error as MarketError {
            note(what, SeenError(error))
        } catch {
            note(what, "\(type(of: error))")
        }
    }

    /// The same of a call without a result.
    func done(
        _ what: String,
        isolation _: isolated (any Actor)? = #isolation,
        _ call: () async throws -> Void
    ) async {
        await self.call(what) {
            try await call()
            return true
        }
    }

    func state(_ market: MarketClient) {
        note("state", timeless(market.session.state))
    }

    var all: [(what: String, value: AnyHashable)] { guarded.withLock { entries } }
}

/// All of an error but its detail, which is for a developer's log.
struct SeenError: Hashable {
    let code: ErrorCode
    let message: String
    let isRetryable: Bool
    let status: Int?
    let retryAfter: Duration?
    let fields: [FieldError]

    init(_ error: MarketError) {
        code = error.code
        message = error.message
        isRetryable = error.isRetryable
        status = error.status
        retryAfter = error.retryAfter
        fields = error.fields
    }
}

/// A value without the moments at which it was made: that there is a time, and to the minute how far from now.
private func timeless<Value: Hashable & Sendable>(_ value: Value) -> AnyHashable {
    func minutes(_ date: Date?) -> Int? { date.map { Int(($0.timeIntervalSinceNow / 60).rounded()) } }
    switch value {
    case let signIn as SignIn:
        return [AnyHashable(signIn.user), signIn.isNewUser, minutes(signIn.expiresAt), signIn.persisted] as [AnyHashable]
    case let sent as CodeSent:
        return [AnyHashable(minutes(sent.expiresAt)), minutes(sent.retryAt)] as [AnyHashable]
    case let .signedIn(user, expiresAt, persisted) as SessionState:
        return [AnyHashable(user), minutes(expiresAt), persisted] as [AnyHashable]
    case let profile as Profile:
        return [
            AnyHashable(profile.id), profile.phone, profile.fullName, profile.profileImageURL, profile.isActive, profile.isVerified,
            profile.market, profile.language, profile.country, profile.currency, profile.lastLogin != nil, profile.createdAt != nil,
        ] as [AnyHashable]
    case let order as Order:
        return timeless(order)
    case let orders as [Order]:
        return orders.map(timeless) as [AnyHashable]
    case let .placed(order) as OrderOutcome:
        return ["placed", timeless(order)] as [AnyHashable]
    case let .notSeenYet(settlesIn) as OrderOutcome:
        return ["not seen yet", settlesIn.map { ($0.components.seconds + 30) / 60 }] as [AnyHashable]
    default:
        return AnyHashable(value)
    }
}

private func timeless(_ order: Order) -> AnyHashable {
    let bare = Order(
        id: order.id, orderNumber: order.orderNumber, status: order.status, customerName: order.customerName,
        customerPhone: order.customerPhone, deliveryAddress: order.deliveryAddress, subtotal: order.subtotal,
        shippingCost: order.shippingCost, totalAmount: order.totalAmount, orderDate: nil, items: order.items)
    return [AnyHashable(bare), order.orderDate != nil] as [AnyHashable]
}

extension Behaviours {
    /// Plays a behaviour on the dev server and on the fake, and compares what was seen and which ends of sessions were told.
    func same(parks: Int? = nil, _ behaviour: (any Stage, Seen) async throws -> Void) async throws {
        let server = try await MarketDevServer.start()
        let real = try await played(RealStage(server, parks: parks), behaviour)
        let fake = try await played(FakeStage(parks: parks), behaviour)
        await server.close()
        #expect(!real.isEmpty)
        #expect(fake.count == real.count)
        for (real, fake) in zip(real, fake) {
            #expect(fake.what == real.what)
            #expect(fake.value == real.value, "\(real.what): the fake shows \(fake.value), the real one \(real.value)")
        }
    }

    private func played(
        _ made: @autoclosure () throws -> any Stage,
        _ behaviour: (any Stage, Seen) async throws -> Void
    ) async throws -> [(what: String, value: AnyHashable)] {
        let seen = Seen()
        let (ends, tell) = AsyncStream<SessionEnd>.makeStream()
        do {
            let stage = try made()
            // It goes with the client, when all was told.
            let listener = EndOf(tell)
            try stage.market.session.onEnd { listener.tell.yield($0) }
            try await behaviour(stage, seen)
        }
        let all = try await within(.seconds(20)) { await ends.reduce(into: []) { $0.append($1) } }
        for end in all { seen.note("end", end) }
        return seen.all
    }

    private final class EndOf: Sendable {
        let tell: AsyncStream<SessionEnd>.Continuation

        init(_ tell: AsyncStream<SessionEnd>.Continuation) {
            self.tell = tell
        }

        deinit {
            tell.finish()
        }
    }
}
