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
    /// Told of the present session, so that who comes late is told too.
    private var soon: ExpiringSoon?
    /// Grows with each logout and each sign-in as somebody else: a call belongs to the one that it was made in.
    private(set) var lineage = 0
    /// Waiting calls that are shown besides those that really wait.
    private var waitingBesides = 0

    // Calls

    let park: ParkOnExpiry?
    private(set) var calls: [FakeCall] = []
    /// How many have gone out, by kind.
    var goneOut: [FakeCall.Kind: Int] = [:]
    private var lastCall = 0
    /// Calls of the cart go one at a time, in the order of the taps.
    private var lane: [Int] = []
    /// Those that have not gone out yet.
    private var standing: [Int: Standing] = [:]
    /// The orders that are being placed right now, by lineage.
    var placing: [Int: Int] = [:]
    /// Orders whose outcome is not known, by who placed them.
    var notes: [Caller: OrderNote] = [:]
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
        var patience: Task<Void, Never>?
    }

    init(park: ParkOnExpiry?) {
        self.park = park
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
        waitingBesides = if case let .expired(_, _, waiting) = state { waiting } else { 0 }
        changed()
        showCart()
    }

    /// As `show`, by a test: nobody's token is left unless somebody is signed in.
    mutating func show(_ state: SessionState, _ token: Token?) {
        let same = state.user.flatMap { user in shown.user.map { ($0.market, $0.id) == (user.market, user.id) } } ?? false
        if case .restoring = state {} else if case .locked = state {} else if !same { lineage += 1 }
        self.token = token
        show(state)
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

    /// It is over, however it ended. Gives back who watches over its patience.
    mutating func leave(_ made: MadeCall) -> Task<Void, Never>? {
        lane.removeAll { $0 == made.number }
        if placing[made.lineage] == made.number { placing[made.lineage] = nil }
        guard let stood = standing.removeValue(forKey: made.number) else { return nil }
        if case .parked = stood.stands { tellStates() }
        return stood.patience
    }

    /// Leave to go out with a token, if its turn has come and somebody is signed in; nothing while it has to wait.
    mutating func admit(_ made: MadeCall) throws -> Token? {
        guard let stood = standing[made.number] else { throw MarketError.of(.cancelled) }
        switch stood.stands {
        case let .out(code): throw MarketError.of(code)
        case .parked: return nil
        case .waiting: break
        }
        guard !made.isInLane || lane.first == made.number, try isKnown() else { return nil }
        guard made.lineage == lineage else { throw MarketError.of(.signedOut) }
        guard let token else { throw MarketError.of(.notSignedIn) }
        standing[made.number] = nil
        return token
    }

    /// Whether it is known who is signed in. What cannot be known ends as it does when a call's time is over.
    func isKnown() throws -> Bool {
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

    /// Whether the call is parked and nobody watches over its patience yet.
    mutating func watch(_ made: MadeCall, _ watch: () -> Task<Void, Never>) {
        guard var one = standing[made.number], case .parked = one.stands, one.patience == nil else { return }
        one.patience = watch()
        standing[made.number] = one
    }

    /// Its patience is over.
    mutating func giveUp(_ made: MadeCall) {
        guard case .parked = standing[made.number]?.stands else { return }
        standing[made.number]?.stands = .out(.sessionExpired)
        tellStates()
    }

    // What a test wants

    func holds(_ kind: FakeCall.Kind) -> Bool {
        holdsAll || held.contains(kind)
    }

    func delay(of kind: FakeCall.Kind) -> Duration {
        delays[kind] ?? delayOfAll
    }

    /// What is to happen to the next call of this kind, which has happened then.
    mutating func takePlan(for kind: FakeCall.Kind) -> Plan? {
        guard let at = plans.firstIndex(where: { $0.kind == nil || $0.kind == kind }) else { return nil }
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
    /// Whether what is noted of an order is damaged then.
    var damagesNote = false
    var times: Int
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
