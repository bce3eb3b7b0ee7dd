import Foundation
import MarketSDK

/// What stands behind a ``FakeMarketClient`` in place of a server: users, sessions, carts, wishlists, orders and stock, in
/// memory.
///
/// Two clients on one shop are two devices: the same user finds the same cart on both.
public final class FakeShop: Sendable {
    /// The code that each SMS brings.
    public let code: String

    private let stored: Watched<ShopState>

    /// Opens a shop with the dev server's catalogue.
    public init(code: String = "123456") {
        self.code = code
        stored = Watched(ShopState())
    }

    /// Sells a product more, in both markets if none is named. One with the same id is replaced.
    public func add(_ product: FakeProduct, to market: Market? = nil) {
        stored.use { shop in
            for market in market.map({ [$0] }) ?? [.kg, .us] {
                shop[market].products.removeAll { $0.id == product.id }
                shop[market].products.append(product)
            }
        }
    }

    /// Ends all sessions at the shop: the next call of each is refused.
    public func expireSessions() {
        stored.use { $0.sessions.removeAll() }
    }

    /// Moves the shop's clock, which stands still otherwise: sessions and codes grow old, and orders settle.
    public func advanceClock(by duration: Duration) {
        stored.use { $0.now += TimeInterval(duration.components.seconds) }
    }

    /// Has an order come to another status.
    public func setStatus(_ status: OrderStatus, ofOrder id: Int, in market: Market = .us) {
        stored.use { shop in
            guard let at = shop[market].orders.firstIndex(where: { $0.order.id == id }) else { return }
            shop[market].orders[at].order = shop[market].orders[at].order.with(status: status)
        }
    }

    /// Answers a route that the SDK has no call for: what ``MarketClient/request(_:)`` gets of `GET /products`, say.
    public func answer(_ method: MarketSDK.Method, _ path: String, with body: String, status: Int = 200) {
        stored.use { $0.answers["\(method) \(path)"] = RawResponse(status: status, body: body) }
    }

    /// The orders of a market, the oldest first, whoever placed them.
    public func orders(in market: Market = .us) -> [Order] {
        stored.read { $0.shelves[market]?.orders.map(\.order) ?? [] }
    }

    /// Answers a call that comes with a session.
    func serve<Answer>(_ token: Token, _ call: (inout ShopState, Caller) throws -> Answer) throws -> Answer {
        try stored.use { shop in
            let caller = try shop.caller(of: token)
            return try call(&shop, caller)
        }
    }

    /// Answers a call that comes without one.
    func serve<Answer>(_ call: (inout ShopState) throws -> Answer) rethrows -> Answer {
        try stored.use(call)
    }
}

/// What stands for the text of a token.
struct Token: Hashable, Sendable {
    fileprivate let number: Int
}

/// The shop does not accept the token.
struct Unauthorized: Error {}

/// Who makes a call.
struct Caller: Hashable, Sendable {
    let market: Market
    let user: Int
}

/// A user as the shop knows one.
struct Account: Sendable {
    let id: Int
    let phone: String
    let createdAt: Date
    var fullName: String?
    var image: URL?
    var lastLogin: Date
    /// Not since a logout.
    var isActive = true
}

/// All that a shop remembers.
struct ShopState: Sendable {
    struct Session: Sendable {
        let caller: Caller
        let expiresAt: Date
    }

    struct SentCode: Sendable {
        let sentAt: Date
        let expiresAt: Date
        var isUsed = false
    }

    var now = Date()
    var sessions: [Token: Session] = [:]
    var shelves: [Market: Shelf] = [.kg: Shelf(.kg), .us: Shelf(.us)]
    var answers: [String: RawResponse] = [:]
    private var lastToken = 0
    private var codes: [String: [SentCode]] = [:]

    /// What belongs to one market.
    subscript(market: Market) -> Shelf {
        get { shelves[market] ?? Shelf(market) }
        set { shelves[market] = newValue }
    }

    func caller(of token: Token) throws -> Caller {
        guard let session = sessions[token], session.expiresAt > now, self[session.caller.market].accounts[session.caller.user]?.isActive == true
        else { throw Unauthorized() }
        return session.caller
    }

    // Signing in

    /// Gives back when the next code may be asked for.
    mutating func sendCode(to phone: String, in market: Market) throws -> Date {
        let quarter: TimeInterval = 15 * 60
        let recent = codes[phone, default: []].filter { $0.sentAt > now - quarter }
        guard recent.count < 3 else {
            throw MarketError.of(
                .rateLimited, "Too many verification attempts. Please wait 15 minutes.", status: 422, retryAfter: .seconds(quarter))
        }
        let lasts: TimeInterval = market == .kg ? 10 * 60 : quarter
        codes[phone, default: []].append(SentCode(sentAt: now, expiresAt: now + lasts))
        return recent.count < 2 ? now : recent[0].sentAt + quarter
    }

    mutating func verify(_ isRight: Bool, of phone: String, in market: Market) throws -> (token: Token, user: User, expiresAt: Date) {
        let sent = codes[phone, default: []].firstIndex { !$0.isUsed && $0.expiresAt > now }
        guard isRight, let sent else {
            throw MarketError.of(.wrongCode, "Invalid or expired verification code", status: 400)
        }
        codes[phone]?[sent].isUsed = true
        return signIn(phone, in: market)
    }

    mutating func signIn(_ phone: String, in market: Market) -> (token: Token, user: User, expiresAt: Date) {
        let now = now
        let id = self[market].account(of: phone, now)
        self[market].accounts[id]?.isActive = true
        self[market].accounts[id]?.lastLogin = now
        lastToken += 1
        let token = Token(number: lastToken)
        // As in a token: whole seconds.
        let expiresAt = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down)) + sessionLifetime.seconds
        sessions[token] = Session(caller: Caller(market: market, user: id), expiresAt: expiresAt)
        return (token, User(id: id, market: market, phone: PhoneNumber(phone), fullName: nil), expiresAt)
    }

    mutating func logOut(_ caller: Caller) {
        self[caller.market].accounts[caller.user]?.isActive = false
    }
}

/// How long a session lasts.
let sessionLifetime = Duration.seconds(30 * 60)

extension Duration {
    var seconds: TimeInterval { TimeInterval(components.seconds) }
}

/// What a market has: its own users, products, carts and orders.
struct Shelf: Sendable {
    struct Line: Sendable {
        let id: Int
        let sku: Int
        var quantity: Int
    }

    struct PlacedOrder: Sendable {
        let user: Int
        var order: Order
    }

    let market: Market
    var products: [FakeProduct]
    var accounts: [Int: Account] = [:]
    var orders: [PlacedOrder] = []
    /// By user. A cart is there from the first look into it, and the line that was changed last comes last.
    var carts: [Int: (id: Int, lines: [Line])] = [:]
    var wishlists: [Int: (id: Int, products: [(id: Int, product: Int)])] = [:]
    /// How many pieces of a SKU were sold.
    var sold: [Int: Int] = [:]
    var lastLine = 0
    var lastWish = 0
    var lastOrderLine = 0

    init(_ market: Market) {
        self.market = market
        products = FakeProduct.catalogue(of: market)
    }

    /// The id of the user with this phone, who is made if there is none. Ids collide between markets, as the servers' do.
    mutating func account(of phone: String, _ now: Date) -> Int {
        if let known = accounts.values.first(where: { $0.phone == phone }) { return known.id }
        let first = market == .us ? 19 : 1
        let last = accounts.keys.max() ?? 0
        let id = accounts[first] == nil ? first : (1...).first { accounts[$0] == nil } ?? last + 1
        accounts[id] = Account(id: id, phone: phone, createdAt: now, lastLogin: now)
        return id
    }

    func sku(_ id: Int) throws -> (product: FakeProduct, sku: FakeSKU) {
        for product in products {
            if let sku = product.skus.first(where: { $0.id == id && $0.isActive }) { return (product, sku) }
        }
        throw MarketError.of(.notFound, "SKU with id \(id) not found", status: 404)
    }

    func money(_ amount: Decimal) -> Money {
        Money(amount: amount, currency: market == .kg ? "KGS" : "USD")
    }
}
