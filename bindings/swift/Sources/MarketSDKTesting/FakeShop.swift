import Foundation
import MarketSDK

/// What stands behind a ``FakeMarketClient`` in place of a server: users, sessions, carts, wishlists, orders and stock, in
/// memory.
///
/// Two clients on one shop are two devices: the same user finds the same cart on both.
public final class FakeShop: Sendable {
    private let stored: Watched<ShopState>

    /// Opens a shop with the dev server's catalogue.
    public init(code: String = "123456") {
        stored = Watched(ShopState(code: code))
    }

    /// The code that each SMS brings.
    public var code: String {
        get { stored.read(\.code) }
        set { stored.use { $0.code = newValue } }
    }

    /// Sells a product more, in both markets if none is named. A product or a SKU of the same number is replaced.
    public func add(_ product: FakeProduct, to market: Market? = nil) {
        stored.use { shop in
            for market in markets(market) { shop[market].sell(product) }
        }
    }

    /// Has so many pieces of a SKU, in both markets if none is named.
    public func setStock(sku: Int, pieces: Int, in market: Market? = nil) {
        stored.use { shop in
            for market in markets(market) {
                guard let (_, sold) = try? shop[market].sku(sku) else { preconditionFailure("The shop sells no SKU \(sku).") }
                shop[market].sold[sku] = sold.stock - pieces
            }
        }
    }

    private func markets(_ market: Market?) -> [Market] { market.map { [$0] } ?? [.kg, .us] }

    /// Ends all sessions at the shop: the next call of each is refused.
    public func expireSessions() {
        stored.use { $0.sessions.removeAll() }
    }

    /// Moves the shop's clock and that of its clients, which stand still otherwise: codes grow old, orders settle, and sessions
    /// are said to end soon, and end.
    public func advanceClock(by duration: Duration) {
        let clients = stored.use { shop in
            shop.now += duration.seconds
            return shop.clients.compactMap(\.core)
        }
        for client in clients { client.state.use { $0.age(by: duration) } }
    }

    /// Moves a user's order on, to `.shipped` say.
    public func setOrderStatus(of phone: String, order: Int, to status: OrderStatus) {
        guard case (let number, let market?)? = try? parsed(phone: phone) else {
            preconditionFailure("\(phone) is no phone number that can sign in.")
        }
        stored.use { shop in
            let shelf = shop[market]
            guard let at = shelf.orders.firstIndex(where: {
                $0.order.id == order && shelf.accounts[$0.user]?.phone == number
            }) else {
                preconditionFailure("\(phone) has no order \(order).")
            }
            shop[market].orders[at].order = shelf.orders[at].order.with(status: status)
        }
    }

    /// Answers a route that the SDK has no call for: what ``MarketClient/request(_:)`` gets of `GET /products`, say. `{…}` stands
    /// for one part of the path. One that the SDK has a call for ends the test: those fail by the client's `fail`.
    ///
    /// - Parameters:
    ///   - body: the JSON
    ///   - status: one of an error gives the error that a client makes of it; 401 ends the session
    public func answer(_ route: String, with body: String, status: Int = 200) {
        let parts = route.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(parts[0]), parts[1].hasPrefix("/"), parts[1] != "/" else {
            preconditionFailure("\(route) is no route: write one like GET /products.")
        }
        let own = Route(route)
        precondition(!own.hasCall, "\(route) has a call of its own, which this would not change: see fail.")
        stored.use { shop in
            shop.answers.removeAll { $0.route == own }
            shop.answers.insert((own, RawResponse(status: status, body: body)), at: 0)
        }
    }

    /// The orders that the shop has, newest first within a market: of all users, or of the one with a phone number.
    public func orders(of phone: String? = nil) -> [Order] {
        let number = phone.map { (try? parsed(phone: $0).0) ?? $0 }
        return stored.read { shop in
            [shop[.kg], shop[.us]].flatMap { shelf in
                shelf.orders.reversed().filter { number == nil || shelf.accounts[$0.user]?.phone == number }.map(\.order)
            }
        }
    }

    /// Has the client's time go on with the shop's.
    func tellsTheTime(to client: FakeCore) {
        stored.use { shop in
            shop.clients.removeAll { $0.core == nil }
            shop.clients.append(ShopState.Client(core: client))
        }
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

    /// It does not keep them.
    struct Client: Sendable {
        private(set) weak var core: FakeCore?
    }

    var code: String
    var now = Date()
    var clients: [Client] = []
    var sessions: [Token: Session] = [:]
    var shelves: [Market: Shelf] = [.kg: Shelf(.kg), .us: Shelf(.us)]
    /// The latest first.
    var answers: [(route: Route, answer: RawResponse)] = []
    private var lastToken = 0
    private var codes: [String: [SentCode]] = [:]

    init(code: String) {
        self.code = code
    }

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

    mutating func verify(_ code: String, of phone: String, in market: Market) throws -> (token: Token, user: User, expiresAt: Date) {
        let sent = codes[phone, default: []].firstIndex { !$0.isUsed && $0.expiresAt > now }
        guard code == self.code, let sent else {
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
    var seconds: TimeInterval { TimeInterval(components.seconds) + TimeInterval(components.attoseconds) * 1e-18 }
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

    /// Sells a product more, in place of what has its number or one of its SKUs'.
    mutating func sell(_ product: FakeProduct) {
        let skus = Set(product.skus.map(\.id))
        products.removeAll { $0.id == product.id }
        products = products.map { other in
            FakeProduct(id: other.id, name: other.name, skus: other.skus.filter { !skus.contains($0.id) })
        } + [product]
        for sku in skus { sold[sku] = nil }
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
