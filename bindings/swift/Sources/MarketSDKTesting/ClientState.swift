import Foundation
import MarketSDK

/// What a ``FakeMarketClient`` remembers: the session as the SDK's own machine has it, the calls that wait, and what a test
/// wants to happen.
struct ClientState: Sendable {
    // The session

    /// What is shown; how many calls wait is filled in when it is.
    private(set) var shown: SessionState = .signedOut(reason: .noSession)
    /// Of the user who is signed in.
    private(set) var token: Token?
    /// How long the session lasts.
    private(set) var left = sessionLifetime
    /// How long before a session's end that is said.
    private let soonBefore: Duration
    /// Told of the present session, so that who comes late is told too.
    private var soon: ExpiringSoon?
    /// Grows with each logout and each sign-in as somebody else: a call belongs to the one that it was made in.
    private(set) var lineage = 0
    /// Whose session it was when that was last known.
    private var lastUser: User?
    /// Waiting calls that are shown besides those that really wait.
    private var waitingBesides = 0

    // Calls

    let park: ParkOnExpiry?
    private(set) var calls: [FakeCall] = []
    /// Those that have come to the shop and are not answered.
    var underWay: [FakeCall.Kind] = []
    private var lastCall = 0
    /// Calls of the cart go one at a time, in the order of the taps.
    private var lane: [Int] = []
    /// Those that have not gone out yet.
    private var standing: [Int: Standing] = [:]
    /// The orders that are being placed right now, by lineage.
    var placing: [Int: Int] = [:]
    /// Orders whose outcome is not known, by who placed them.
    var notes: [Caller: OrderNote] = [:]
    /// How long after it was sent an order may still turn up.
    let orderSettleTime: Duration
    /// Sign-ins under way: two taps are one.
    var flights: [FakeCall: Task<SignIn, any Error>] = [:]

    // What a test wants

    var plans: [Plan] = []
    var holdsAll = false
    var held: Set<FakeCall.Kind> = []
    var delayOfAll = Duration.zero
    var delays: [FakeCall.Kind: Duration] = [:]

    // Who is told

    private var lastSubscription = 0
    private var states: [Int: Delivery<SessionState>] = [:]
    private var ends: [Int: Delivery<SessionEnd>] = [:]
    private var soons: [Int: Delivery<ExpiringSoon>] = [:]
    private var carts: [Int: (delivery: Delivery<Cart?>, last: Cart?)] = [:]
    private var cart: (lineage: Int, cart: Cart)?

    private enum Stands {
        case waiting
        case parked
        case out(ErrorCode)
    }

    private struct Standing {
        let lineage: Int
        let parks: Bool
        var stands = Stands.waiting
        var watches: [Wait: Task<Void, Never>] = [:]
    }

    /// What a call waits for, and how long it does.
    enum Wait: Hashable {
        /// That its user signs in again.
        case forUser(patience: Duration)
        /// That it is known who is signed in: the time that a call has in all.
        case forStore

        var time: Duration {
            switch self {
            case let .forUser(patience): patience
            case .forStore: .seconds(30)
            }
        }
    }

    init(park: ParkOnExpiry?, expiringSoon: Duration?, orderSettleTime: Duration?) {
        self.park = park
        soonBefore = min(expiringSoon ?? .seconds(5 * 60), sessionLifetime / 2)
        self.orderSettleTime = orderSettleTime ?? .seconds(15 * 60)
    }

    // The session

    mutating func signIn(_ user: User, _ token: Token, expiresAt: Date?) {
        if case let .signedIn(old, _, _) = shown { end(old, .replaced) }
        let same = shown.user.map { ($0.market, $0.id) == (user.market, user.id) } ?? false
        if !same { lineage += 1 }
        (self.token, left, soon) = (token, sessionLifetime, nil)
        show(.signedIn(user: user, expiresAt: expiresAt, persisted: true))
    }

    /// The shop has refused the token, or a test has: no news if it is not that of now.
    mutating func expire(_ token: Token?, _ reason: EndReason, waiting: Int = 0) {
        guard let token, token == self.token, case let .signedIn(user, _, _) = shown else { return }
        self.token = nil
        end(user, reason)
        show(.expired(user: user, reason: reason, waiting: waiting))
    }

    /// Gives back the token of the session that this has ended.
    mutating func signOut(_ reason: SignedOutReason, _ end: EndReason) -> Token? {
        let ended = token
        if case let .signedIn(user, _, _) = shown { self.end(user, end) }
        lineage += 1
        flights = [:]
        token = nil
        show(.signedOut(reason: reason))
        return ended
    }

    /// Shows a state, which is no end of a session.
    mutating func show(_ state: SessionState) {
        shown = state
        if shown.isKnown { lastUser = shown.user }
        waitingBesides = if case let .expired(_, _, waiting) = state { waiting } else { 0 }
        changed()
        showCart()
    }

    /// As `show`, by a test: nobody's token is left unless somebody is signed in.
    mutating func show(_ state: SessionState, _ token: Token?) {
        let same = state.user.flatMap { user in lastUser.map { ($0.market, $0.id) == (user.market, user.id) } } ?? false
        // What was made before it was known whose session it is belongs to that one.
        let isOthers = shown.isKnown || lastUser != nil && state.user != nil
        if state.isKnown, !same, isOthers { lineage += 1 }
        (self.token, left, soon) = (token, sessionLifetime, nil)
        show(state)
    }

    /// Time goes on.
    mutating func age(by duration: Duration) {
        guard case .signedIn = shown else { return }
        left -= duration
        if left <= .zero {
            expire(token, .expired)
        } else if left <= soonBefore {
            expiresSoon(left)
        }
    }

    mutating func expiresSoon(_ left: Duration) {
        self.left = left
        guard soon == nil, case let .signedIn(user, _, _) = shown else { return }
        let said = ExpiringSoon(user: user, left: left)
        soon = said
        for listener in soons.values { listener.deliver(said) }
    }

    private func end(_ user: User, _ reason: EndReason) {
        for listener in ends.values { listener.deliver(SessionEnd(user: user, reason: reason)) }
    }

    /// The state with the calls that wait.
    var state: SessionState {
        guard case let .expired(user, reason, _) = shown else { return shown }
        return .expired(user: user, reason: reason, waiting: waitingBesides + parked)
    }

    private var parked: Int {
        standing.values.count { if case .parked = $0.stands { true } else { false } }
    }

    // Calls

    /// Notes that the app makes a call now: by its number it has its place in every line.
    mutating func begin(_ call: FakeCall, inLane: Bool = false, parks: Bool = true, stands: Bool = true) -> MadeCall {
        lastCall += 1
        calls.append(call)
        let made = MadeCall(number: lastCall, kind: call.kind, lineage: lineage, isInLane: inLane, parks: parks)
        if inLane { lane.append(made.number) }
        if stands { stand(made) }
        return made
    }

    /// The call waits for its turn, and for a session.
    mutating func stand(_ made: MadeCall) {
        standing[made.number] = Standing(lineage: made.lineage, parks: made.parks)
        changed()
    }

    /// It is over, however it ended. Gives back who watches over how long it waits.
    mutating func leave(_ made: MadeCall) -> [Task<Void, Never>] {
        lane.removeAll { $0 == made.number }
        if placing[made.lineage] == made.number { placing[made.lineage] = nil }
        guard let stood = standing.removeValue(forKey: made.number) else { return [] }
        if case .parked = stood.stands { tellStates() }
        return Array(stood.watches.values)
    }

    /// Leave to go out with a token, if its turn has come and somebody is signed in; nothing while it has to wait.
    mutating func admit(_ made: MadeCall) throws -> Token? {
        guard let stood = standing[made.number] else { throw MarketError.of(.cancelled) }
        switch stood.stands {
        case let .out(code): throw MarketError.of(code)
        case .parked: return nil
        case .waiting: break
        }
        guard !made.isInLane || lane.first == made.number else { return nil }
        if case .locked(.unavailable) = shown { throw MarketError.of(.storeUnavailable) }
        guard shown.isKnown else { return nil }
        guard made.lineage == lineage else { throw MarketError.of(.signedOut) }
        guard let token else { throw MarketError.of(.notSignedIn) }
        standing[made.number] = nil
        return token
    }

    /// Whether the store was read, for what is not to wait longer than that takes.
    func isRead() throws -> Bool {
        switch shown {
        case .restoring: false
        case .locked(.unavailable): throw MarketError.of(.storeUnavailable)
        case .locked: throw MarketError.of(.storeLocked)
        default: true
        }
    }

    /// What becomes of those that wait, in the order in which they were made: the first have the room.
    private mutating func changed() {
        let isExpired = if case .expired = shown { true } else { false }
        var room = (park?.limit ?? 0) - parked
        for number in standing.keys.sorted() {
            guard var one = standing[number] else { continue }
            switch one.stands {
            case .out: continue
            case _ where one.lineage != lineage: one.stands = .out(.signedOut)
            case .parked where shown.isSignedIn: one.stands = .waiting
            case .waiting where isExpired && one.parks && room > 0:
                room -= 1
                one.stands = .parked
            case .waiting where isExpired: one.stands = .out(.sessionExpired)
            default: continue
            }
            standing[number] = one
        }
        tellStates()
    }

    /// Has somebody watch over how long the call waits, if it does and nobody watches yet.
    mutating func watch(_ made: MadeCall, _ watch: (Wait) -> Task<Void, Never>) {
        guard var one = standing[made.number], let wait = wait(of: one), one.watches[wait] == nil else { return }
        one.watches[wait] = watch(wait)
        standing[made.number] = one
    }

    private func wait(of one: Standing) -> Wait? {
        switch one.stands {
        case .parked: .forUser(patience: park?.patience ?? .zero)
        case .waiting: shown.isKnown ? nil : .forStore
        case .out: nil
        }
    }

    /// It has waited long enough, if it still waits for that.
    mutating func giveUp(_ made: MadeCall, _ wait: Wait) {
        guard let one = standing[made.number], self.wait(of: one) == wait else { return }
        standing[made.number]?.stands = .out(wait == .forStore ? .storeLocked : .sessionExpired)
        tellStates()
    }

    // What a test wants

    func holds(_ kind: FakeCall.Kind) -> Bool {
        holdsAll && kind.asksTheShop || held.contains(kind)
    }

    func delay(of kind: FakeCall.Kind) -> Duration {
        delays[kind] ?? (kind.asksTheShop ? delayOfAll : .zero)
    }

    /// What is to happen to the next call of this kind, which has happened then.
    mutating func takePlan(for kind: FakeCall.Kind) -> Plan? {
        // A logout cannot fail for what happens at the shop: it is no call that an unnamed plan means.
        let isMeant = kind.asksTheShop && kind != .logout
        guard let at = plans.firstIndex(where: { $0.kind == kind || $0.kind == nil && isMeant }) else { return nil }
        plans[at].times -= 1
        let plan = plans[at]
        if plan.times == 0 { plans.remove(at: at) }
        return plan
    }

    // Who is told

    mutating func observe(_ delivery: Delivery<SessionState>) -> Int {
        delivery.deliver(state)
        lastSubscription += 1
        states[lastSubscription] = delivery
        return lastSubscription
    }

    mutating func onEnd(_ delivery: Delivery<SessionEnd>) -> Int {
        lastSubscription += 1
        ends[lastSubscription] = delivery
        return lastSubscription
    }

    mutating func onExpiringSoon(_ delivery: Delivery<ExpiringSoon>) -> Int {
        if let soon, token != nil { delivery.deliver(soon) }
        lastSubscription += 1
        soons[lastSubscription] = delivery
        return lastSubscription
    }

    mutating func observeCart(_ delivery: Delivery<Cart?>) -> Int {
        delivery.deliver(shownCart)
        lastSubscription += 1
        carts[lastSubscription] = (delivery, shownCart)
        return lastSubscription
    }

    /// Gives back who is told no more: what goes with a listener must not find the client locked.
    mutating func cancel(_ subscription: Int) -> [Any?] {
        [
            states.removeValue(forKey: subscription), ends.removeValue(forKey: subscription),
            soons.removeValue(forKey: subscription), carts.removeValue(forKey: subscription),
        ]
    }

    private func tellStates() {
        let state = state
        for listener in states.values { listener.deliverNews(state) }
    }

    // The cart that is shown

    var isCartObserved: Bool { !carts.isEmpty }

    /// Outlives an expiry, after which the same user goes on, and nothing else.
    private var shownCart: Cart? {
        cart.flatMap { $0.lineage == lineage ? $0.cart : nil }
    }

    mutating func show(_ cart: Cart, of lineage: Int) {
        self.cart = (lineage, cart)
        showCart()
    }

    private mutating func showCart() {
        let cart = shownCart
        for (number, follower) in carts where follower.last != cart {
            carts[number]?.last = cart
            follower.delivery.deliver(cart)
        }
    }
}

/// A call that was made.
struct MadeCall: Sendable {
    let number: Int
    let kind: FakeCall.Kind
    let lineage: Int
    let isInLane: Bool
    let parks: Bool
}

/// What is to happen to the next calls.
struct Plan: Sendable {
    let kind: FakeCall.Kind?
    let error: MarketError
    /// Whether the shop does what it was asked all the same.
    let isActed: Bool
    var times: Int

    /// What a call ends with that meets with it: the answer to an order or to a sign-in may be lost with what is known of it.
    func end(of kind: FakeCall.Kind) -> MarketError {
        let (code, isGateway) = (error.code, [502, 504].contains(error.status))
        switch kind {
        case .placeOrder where isActed || [.server, .timeout].contains(code): break
        case .verifyCode where code == .timeout || code == .network && isActed || code == .server && isGateway: break
        default: return error
        }
        return MarketError.of(.outcomeUnknown, status: error.status)
    }
}

extension SessionState {
    /// Whether it says who is signed in, or that nobody is.
    fileprivate var isKnown: Bool {
        switch self {
        case .restoring, .locked: false
        case .signedIn, .expired, .signedOut: true
        }
    }
}

/// Tells a listener, on a thread of its own: one that blocks or throws harms nobody.
final class Delivery<Value: Equatable & Sendable>: Sendable {
    private let queue = DispatchQueue(label: "market-fake")
    private let last = Watched<Value?>(nil)
    private let tell: @Sendable (Value) throws -> Void

    init(_ tell: @escaping @Sendable (Value) throws -> Void) {
        self.tell = tell
    }

    func deliver(_ value: Value) {
        last.use { $0 = value }
        queue.async { try? self.tell(value) }
    }

    /// What was told last is not told again.
    func deliverNews(_ value: Value) {
        if last.read({ $0 != value }) { deliver(value) }
    }
}
