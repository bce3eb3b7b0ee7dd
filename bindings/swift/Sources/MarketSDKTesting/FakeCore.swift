import Foundation
import MarketSDK

/// What the fake areas of one client have in common: how a call goes to the shop and comes back.
final class FakeCore: Sendable {
    let shop: FakeShop
    let market: Market?
    let state: Watched<ClientState>
    private let clock: any Clock<Duration>

    init(shop: FakeShop, market: Market?, state: ClientState, clock: any Clock<Duration>) {
        self.shop = shop
        self.market = market
        self.clock = clock
        self.state = Watched(state)
        shop.tellsTheTime(to: self)
    }

    /// What the shop does with a call that has a session.
    typealias Served<Answer> = @Sendable (inout ShopState, Caller) throws -> Answer

    /// What came of a call that went out.
    struct Outcome<Answer: Sendable>: Sendable {
        let result: Result<Answer, any Error>
        let token: Token
        let caller: Caller
    }

    /// A call with a session: waits for its turn and for the session, goes to the shop, and comes back to the door if the shop
    /// refuses the token.
    ///
    /// - Parameters:
    ///   - finishes: whether it runs to its end once it has gone out, as a change of the cart does, though its caller leaves
    ///   - before: what is done where it goes out
    ///   - after: what is done with what came of it, before the next of its lane goes out
    func call<Answer: Sendable>(
        _ made: MadeCall,
        finishes: Bool = false,
        before: @escaping @Sendable (inout ClientState) throws -> Void = { _ in },
        after: @escaping @Sendable (Outcome<Answer>) -> Void = { _ in },
        _ serve: @escaping Served<Answer>
    ) async throws -> Answer {
        guard !Task.isCancelled else {
            leave(made)
            throw CancellationError()
        }
        let work = Task {
            defer { leave(made) }
            while true {
                let (token, caller) = try await door(made, before)
                let under = Task { try await self.underway(made, token, caller, after, serve) }
                do {
                    return finishes ? try await under.value : try await under.valueUnlessCancelled()
                } catch is Unauthorized {
                    state.use {
                        // Listed before, it is parked at once.
                        $0.stand(made)
                        $0.expire(token, .rejected)
                    }
                }
            }
        }
        return try await work.valueUnlessCancelled()
    }

    /// Asks something where a call with a session would go out. Only what is answered with yes goes on.
    func atTheDoor(_ made: MadeCall, _ ask: @escaping @Sendable (ClientState, Caller) -> Bool) async throws -> Bool {
        do {
            let (_, caller) = try await door(made) { _ in }
            let goesOn = state.use { state in
                let goesOn = ask(state, caller)
                if goesOn { state.stand(made) }
                return goesOn
            }
            if !goesOn { leave(made) }
            return goesOn
        } catch {
            leave(made)
            throw error
        }
    }

    private func door(
        _ made: MadeCall,
        _ before: @Sendable (inout ClientState) throws -> Void
    ) async throws -> (Token, Caller) {
        try await state.when { state in
            state.watch(made) { self.end(made, after: $0) }
            guard let token = try state.admit(made), let caller = state.caller else { return nil }
            try before(&state)
            return (token, caller)
        }
    }

    private func end(_ made: MadeCall, after wait: ClientState.Wait) -> Task<Void, Never> {
        Task { [weak self, clock] in
            guard (try? await clock.sleep(for: wait.time)) != nil else { return }
            self?.state.use { $0.giveUp(made, wait) }
        }
    }

    /// The request is on its way: a logout overtakes it until the shop has it.
    private func underway<Answer: Sendable>(
        _ made: MadeCall,
        _ token: Token,
        _ caller: Caller,
        _ after: @Sendable (Outcome<Answer>) -> Void,
        _ serve: @escaping Served<Answer>
    ) async throws -> Answer {
        let result: Result<Answer, any Error>
        do {
            if let plan = try await onTheWay(made, overtakenByLogout: true) {
                // As the shop's 401 does.
                if plan.error.code == .sessionExpired { throw Unauthorized() }
                if plan.isActed { _ = try? shop.serve(token, serve) }
                throw plan.end(of: made.kind)
            }
            result = try .success(shop.serve(token, serve))
        } catch {
            result = .failure(error)
        }
        after(Outcome(result: result, token: token, caller: caller))
        return try result.get()
    }

    /// Held and late as a test wants it; gives back what else is to happen to it.
    private func onTheWay(_ made: MadeCall, overtakenByLogout: Bool) async throws -> Plan? {
        state.use { $0.underWay.append(made.kind) }
        defer { state.use { $0.underWay.remove(at: $0.underWay.firstIndex(of: made.kind) ?? 0) } }
        let isOvertaken = { @Sendable (state: ClientState) in overtakenByLogout && state.lineage != made.lineage }
        func notHeld() async throws {
            try await state.when { state in
                if isOvertaken(state) { throw MarketError.of(.signedOut) }
                return state.holds(made.kind) ? nil : ()
            }
        }
        try await notHeld()
        let delay = state.read { $0.delay(of: made.kind) }
        if delay > .zero { try await clock.sleep(for: delay) }
        try await notHeld()
        return state.use { $0.takePlan(for: made.kind) }
    }

    /// A call without a session.
    func openCall<Answer: Sendable>(
        _ made: MadeCall,
        overtakenByLogout: Bool = false,
        _ serve: @escaping @Sendable (inout ShopState) throws -> Answer
    ) async throws -> Answer {
        let work = Task {
            if let plan = try await onTheWay(made, overtakenByLogout: overtakenByLogout) {
                if plan.isActed { _ = try? shop.serve(serve) }
                throw plan.end(of: made.kind)
            }
            return try shop.serve(serve)
        }
        return try await work.valueUnlessCancelled()
    }

    /// Refuses what is refused before anything is sent.
    func check(_ made: MadeCall, _ check: () throws -> Void) throws {
        do {
            try check()
        } catch {
            leave(made)
            throw error
        }
    }

    /// The call is over.
    func leave(_ made: MadeCall) {
        // A task is not cancelled under a lock that its handlers may want.
        for watch in state.use({ $0.leave(made) }) { watch.cancel() }
    }

    /// What is on its way of a call that sends nothing or that cannot fail: it may be held, be late, and meet with something.
    func plan(of made: MadeCall) async throws -> Plan? {
        try await onTheWay(made, overtakenByLogout: false)
    }
}

/// What a listener is subscribed to.
final class FakeSubscription: Subscription {
    private let cancelled: @Sendable () -> Void

    init(_ core: FakeCore, _ subscribe: (inout ClientState) -> Int) {
        let number = core.state.use(subscribe)
        cancelled = { [weak core] in _ = core?.state.use { $0.cancel(number) } }
    }

    func cancel() {
        cancelled()
    }
}
