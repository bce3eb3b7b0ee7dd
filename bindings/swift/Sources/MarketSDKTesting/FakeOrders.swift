import Foundation
import MarketSDK

final class FakeOrders: OrdersAPI {
    private let core: FakeCore

    init(_ core: FakeCore) {
        self.core = core
    }

    func list(_ query: OrderQuery, on _: isolated (any Actor)?) async throws -> [Order] {
        let made = core.state.use { $0.begin(.orders(query)) }
        try core.check(made) {
            guard query.offset >= 0 else { throw MarketError.invalid("offset", "There is nothing before the first order.") }
            guard (1 ... 100).contains(query.limit) else { throw MarketError.invalid("limit", "Ask for 1 to 100 orders.") }
        }
        return try await core.call(made) { $0[$1.market].orders(of: $1.user, query) }
    }

    func get(order: Int, on _: isolated (any Actor)?) async throws -> Order {
        let made = core.state.use { $0.begin(.order(id: order)) }
        try core.check(made) { try MarketError.check("order_id", order) }
        return try await core.call(made) { try $0[$1.market].order(order, of: $1.user) }
    }

    func cancel(order: Int, on _: isolated (any Actor)?) async throws -> CancelledOrder {
        let made = core.state.use { $0.begin(.cancelOrder(id: order)) }
        try core.check(made) { try MarketError.check("order_id", order) }
        return try await core.call(made) { try $0[$1.market].cancel(order, of: $1.user) }
    }

    func place(_ order: NewOrder, on _: isolated (any Actor)?) async throws -> Order {
        let usesCart = order.items == nil
        let refused = Result { try order.check() }
        let (made, isOnly) = core.state.use { state in
            let made = state.begin(.placeOrder(order), inLane: usesCart, parks: order.parkOnExpiry)
            if case .failure = refused { return (made, false) }
            return (made, state.placesOnly(made))
        }
        try core.check(made) {
            try refused.get()
            guard isOnly else { throw MarketError.of(.orderPending, detail: "an order is being placed right now") }
        }
        return try await core.call(
            made,
            finishes: true,
            before: { [shop = core.shop] state in
                guard let caller = state.caller else { return }
                guard state.notes[caller] == nil || order.force else { throw MarketError.of(.orderPending) }
                let (newest, now) = shop.serve { ($0[caller.market].orders(of: caller.user).last?.id, $0.now) }
                state.notes[caller, default: OrderNote(newest: newest)].begin(Recipient(order), at: now)
            },
            after: { [core] outcome in
                core.state.use { $0.note(outcome, of: Recipient(order)) }
                if usesCart { core.reread(outcome, made) }
            },
            { try $0[$1.market].place(order, of: $1.user, $0.now) }
        )
    }

    func resolve(on _: isolated (any Actor)?) async throws -> OrderOutcome {
        let made = core.state.use { $0.begin(.resolve) }
        // Without a note nothing is sent.
        guard try await core.atTheDoor(made, { state, caller in state.notes[caller] != nil }) else { return .nothingPending }
        let (caller, orders, now) = try await core.call(made) { shop, caller in
            (caller, shop[caller.market].orders(of: caller.user), shop.now)
        }
        return core.state.use { $0.resolve(caller, orders, now) }
    }
}

/// Who an order is for. Case, spaces and signs do not count, since servers may write them otherwise.
struct Recipient: Hashable, Sendable {
    private let name: String
    private let phone: String
    private let address: String

    init(_ order: NewOrder) {
        self.init(order.customerName, order.customerPhone, order.deliveryAddress)
    }

    init?(_ order: Order) {
        guard let name = order.customerName, let phone = order.customerPhone, let address = order.deliveryAddress else { return nil }
        self.init(name, phone.value, address)
    }

    private init(_ name: String, _ phone: String, _ address: String) {
        func words(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased() }
        (self.name, self.phone, self.address) = (words(name), phone.filter { ("0" ... "9").contains($0) }, words(address))
    }
}

/// What is known of an order of unknown outcome.
struct OrderNote: Sendable {
    /// The user's newest order before the first attempt.
    let newest: Int?
    /// When the last attempt at it began, by the shop's clock.
    private(set) var began = Date.distantPast
    /// The attempts that may have placed something.
    private var open: [Recipient] = []

    init(newest: Int?) {
        self.newest = newest
    }

    mutating func begin(_ recipient: Recipient, at time: Date) {
        began = time
        open.append(recipient)
    }

    /// An attempt has placed nothing. Says whether that was the last.
    mutating func didNothing(_ recipient: Recipient) -> Bool {
        if let at = open.firstIndex(of: recipient) { open.remove(at: at) }
        return open.isEmpty
    }

    /// The oldest of these orders that one of the attempts may have placed.
    func found(in orders: [Order]) -> Order? {
        orders.first { order in
            order.id > newest ?? 0 && Recipient(order).map(open.contains) == true
        }
    }
}

extension ClientState {
    /// Who is signed in.
    var caller: Caller? {
        guard case let .signedIn(user, _, _) = shown else { return nil }
        return Caller(market: user.market, user: user.id)
    }

    /// Whether no other order is under way, which this one is from now on.
    mutating func placesOnly(_ made: MadeCall) -> Bool {
        guard placing[made.lineage] == nil else { return false }
        placing[made.lineage] = made.number
        return true
    }

    /// Notes what came of an attempt at an order.
    mutating func note(_ outcome: FakeCore.Outcome<Order>, of recipient: Recipient) {
        let caller = outcome.caller
        guard case let .failure(error) = outcome.result else { return notes[caller] = nil }
        guard error is Unauthorized || (error as? MarketError)?.code.leavesNoOrder == true else { return }
        if notes[caller]?.didNothing(recipient) == true { notes[caller] = nil }
    }

    /// Finds out what became of the order that is noted, among those that the shop has, the oldest first.
    mutating func resolve(_ caller: Caller, _ orders: [Order], _ now: Date) -> OrderOutcome {
        guard let note = notes[caller] else { return .nothingPending }
        if let order = note.found(in: orders) {
            notes[caller] = nil
            return .placed(order: order)
        }
        let settlesIn = note.began.timeIntervalSince(now) + orderSettleTime.seconds
        guard settlesIn <= 0 else { return .notSeenYet(settlesIn: .seconds(settlesIn)) }
        notes[caller] = nil
        return .notPlaced
    }
}

extension NewOrder {
    /// Refuses what the SDK refuses before anything is sent.
    fileprivate func check() throws {
        for (at, item) in (items ?? []).enumerated() { try MarketError.check("items.\(at).sku_id", item.skuID) }
        let refused = refusedFields
        guard refused.isEmpty else { throw MarketError.of(.invalidInput, fields: refused) }
    }

    private var refusedFields: [FieldError] {
        var refused: [FieldError] = []
        func check(_ path: String, _ value: String, _ least: Int, _ most: Int) {
            let length = value.trimmingCharacters(in: .whitespacesAndNewlines).unicodeScalars.count
            if length < least {
                refused.append(FieldError(path: path, message: least > 1 ? "Enter at least \(least) characters." : "This is required."))
            } else if value.unicodeScalars.count > most {
                refused.append(FieldError(path: path, message: "Enter at most \(most) characters."))
            }
        }
        check("customer_name", customerName, 1, 255)
        check("customer_phone", customerPhone, 10, 20)
        check("delivery_address", deliveryAddress, 5, 500)
        check("customer_email", email ?? "", 0, 255)
        check("delivery_city", city ?? "", 0, 100)
        check("delivery_notes", notes ?? "", 0, 500)
        check("payment_method", paymentMethod ?? "cash", 1, 50)
        if items?.isEmpty == true { refused.append(FieldError(path: "items", message: "Choose something to order.")) }
        for (at, item) in (items ?? []).enumerated() where !(1 ... 100).contains(item.quantity) {
            refused.append(FieldError(path: "items.\(at).quantity", message: "Enter a quantity from 1 to 100."))
        }
        return refused
    }
}
