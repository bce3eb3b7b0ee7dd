import Foundation
import MarketSDK

final class FakeOrders: OrdersAPI {
    private let core: FakeCore

    init(_ core: FakeCore) {
        self.core = core
    }

    func list(_ query: OrderQuery, on _: isolated (any Actor)?) async throws -> [Order] {
        let made = core.state.use { $0.begin(.orders(query)) }
        guard (1 ... 100).contains(query.limit) else {
            core.leave(made)
            throw MarketError.invalid("limit", "Ask for 1 to 100 orders.")
        }
        return try await core.call(made) { $0[$1.market].orders(of: $1.user, query) }
    }

    func get(order: Int, on _: isolated (any Actor)?) async throws -> Order {
        let made = core.state.use { $0.begin(.order(id: order)) }
        return try await core.call(made) { try $0[$1.market].order(order, of: $1.user) }
    }

    func cancel(order: Int, on _: isolated (any Actor)?) async throws -> CancelledOrder {
        let made = core.state.use { $0.begin(.cancelOrder(id: order)) }
        return try await core.call(made) { try $0[$1.market].cancel(order, of: $1.user) }
    }

    func place(_ order: NewOrder, on _: isolated (any Actor)?) async throws -> Order {
        let usesCart = order.items == nil
        let refused = order.refusedFields
        let (made, isOnly) = core.state.use { state in
            let made = state.begin(.placeOrder(order), inLane: usesCart, parks: order.parkOnExpiry)
            return (made, refused.isEmpty && state.placesOnly(made))
        }
        guard isOnly else {
            core.leave(made)
            guard refused.isEmpty else { throw MarketError.of(.invalidInput, fields: refused) }
            throw MarketError.of(.orderPending, detail: "an order is being placed right now")
        }
        let began = core.shop.serve(\.now)
        return try await core.call(
            made,
            finishes: true,
            before: { state in
                guard let caller = state.caller else { return }
                guard state.notes[caller] == nil || order.force else { throw MarketError.of(.orderPending) }
                state.notes[caller, default: OrderNote()].begin(at: began)
            },
            after: { [core] outcome in
                core.state.use { $0.note(outcome) }
                if usesCart { core.reread(outcome, made) }
            },
            { try $0[$1.market].place(order, of: $1.user, $0.now) }
        )
    }

    func resolve(on _: isolated (any Actor)?) async throws -> OrderOutcome {
        let made = core.state.use { $0.begin(.resolve) }
        let (caller, orders, now) = try await core.call(made) { shop, caller in
            (caller, shop[caller.market].orders.map(\.order), shop.now)
        }
        return core.state.use { $0.resolve(caller, orders, now) }
    }
}

/// What is known of an order of unknown outcome.
struct OrderNote: Sendable {
    /// When the last attempt at it began, by the shop's clock.
    private(set) var began = Date.distantPast
    /// The attempts that may have placed something.
    private(set) var open = 0
    /// The order, if one of them did.
    var placed: Int?
    var isReadable = true

    mutating func begin(at time: Date) {
        began = time
        open += 1
    }

    /// An attempt has placed nothing. Says whether that was the last.
    mutating func didNothing() -> Bool {
        open -= 1
        return open == 0
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
    mutating func note(_ outcome: FakeCore.Outcome<Order>) {
        let caller = outcome.caller
        guard case let .failure(error) = outcome.result else { return notes[caller] = nil }
        let nothing: [ErrorCode] = [
            .invalidInput, .rateLimited, .rejected, .notFound, .unsupported, .notSignedIn, .sessionExpired, .storeLocked,
            .storeUnavailable, .unexpectedResponse, .network, .tls,
        ]
        let didNothing = error is Unauthorized || (error as? MarketError).map { nothing.contains($0.code) } ?? false
        if didNothing {
            if notes[caller]?.didNothing() == true { notes[caller] = nil }
        } else {
            if let acted = outcome.acted { notes[caller]?.placed = acted.id }
            if outcome.plan?.damagesNote == true { notes[caller]?.isReadable = false }
        }
    }

    /// Finds out what became of the order that is noted, among those that the shop has.
    mutating func resolve(_ caller: Caller, _ orders: [Order], _ now: Date) -> OrderOutcome {
        guard let note = notes[caller] else { return .nothingPending }
        guard note.isReadable else {
            notes[caller] = nil
            return .unreadable
        }
        if let order = orders.first(where: { $0.id == note.placed }) {
            notes[caller] = nil
            return .placed(order: order)
        }
        let settlesIn = note.began.timeIntervalSince(now) + 15 * 60
        guard settlesIn <= 0 else { return .notSeenYet(settlesIn: .seconds(settlesIn)) }
        notes[caller] = nil
        return .notPlaced
    }
}

extension NewOrder {
    /// What the SDK refuses before anything is sent.
    fileprivate var refusedFields: [FieldError] {
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
