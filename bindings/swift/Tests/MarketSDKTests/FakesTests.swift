import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

/// What a test steers. That the fake behaves as a real client does is in `Behaviours`.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct FakesTests {
    private let market = FakeMarketClient(signedInAs: usPhone)
    private var client: MarketClient { market.client }

    @Test
    func who_is_signed_in_is_there_at_once() async throws {
        #expect(client.session.state.signedIn?.id == 19)
        #expect(client.session.state.signedIn?.phone.value == usPhone)
        #expect(FakeMarketClient().session.state.signedOut == .noSession)
        #expect(FakeMarketClient(signedInAs: kgPhone).session.state.signedIn?.market == .kg)
        let served = FakeMarketClient(market: .kg)
        #expect(try await failure { try await served.session.requestCode(phone: usPhone) }.fields.map(\.path) == ["phone"])
    }

    @Test
    func a_code_of_the_tests_own_is_the_right_one() async throws {
        let market = FakeMarketClient(shop: FakeShop(code: "4711"))
        try await market.session.requestCode(phone: usPhone)
        #expect(try await failure { try await market.session.verifyCode(phone: usPhone, code: "123456") }.code == .wrongCode)
        try await market.session.verifyCode(phone: usPhone, code: "4711")
        #expect(market.session.state.isSignedIn)
    }

    @Test
    func the_calls_that_were_made_are_there_with_what_was_passed() async throws {
        try await client.cart.add(sku: 42, quantity: 2)
        _ = try? await client.cart.add(sku: 42, quantity: 0)
        _ = try await client.orders.list()
        #expect(market.calls == [.addToCart(sku: 42, quantity: 2), .addToCart(sku: 42, quantity: 0), .orders(OrderQuery())])
        #expect(market.calls.map(\.kind.rawValue) == ["cart.add", "cart.add", "orders.list"])
    }

    @Test
    func calls_fail_as_often_as_they_are_to() async throws {
        market.fail(.network, of: .addToCart, times: 2)
        market.fail(.rateLimited, status: 429, retryAfter: .seconds(3))
        for _ in 1 ... 2 {
            let failed = try await failure { try await client.cart.add(sku: 42, quantity: 1) }
            #expect(failed.code == .network)
            #expect(failed.isRetryable)
            #expect(failed.message == "The shop could not be reached.")
        }
        let limited = try await failure { try await client.session.profile() }
        #expect(limited.code == .rateLimited)
        #expect(limited.status == 429)
        #expect(limited.retryAfter == .seconds(3))
        #expect(try await client.cart.get().items.isEmpty)
        market.fail(.invalidInput, of: .updateProfile, fields: [FieldError(path: "full_name", message: "No.")])
        let refused = try await failure { try await client.session.updateProfile(ProfileUpdate(fullName: "Ann")) }
        #expect(refused.message == "No.")
        market.fail(.timeout, of: .addToCart, acted: true)
        #expect(try await failure { try await client.cart.add(sku: 42, quantity: 1) }.code == .timeout)
        #expect(try await client.cart.get().lines == [[42, 1]])
    }

    @Test
    func a_call_is_held_until_it_is_released() async throws {
        market.hold(.addToCart)
        let add = Task { [client] in try await client.cart.add(sku: 42, quantity: 1) }
        try await market.arrived(.addToCart)
        // Of another kind.
        _ = try await client.session.profile()
        #expect(market.shop.orders().isEmpty)
        market.release()
        #expect(try await add.value.lines == [[42, 1]])
        _ = try await client.cart.add(sku: 42, quantity: 1)
    }

    @Test
    func calls_that_are_not_under_way_in_time_are_said_with_those_that_are() async throws {
        market.hold()
        let profile = Task { [client] in try await client.session.profile() }
        try await market.arrived(.profile)
        await #expect {
            try await market.arrived(.cart, count: 1, within: .milliseconds(1))
        } throws: {
            "\($0)" == "cart.get is not under way 1 times within 0.001 seconds, but session.profile"
        }
        market.release()
        _ = try await profile.value
        await #expect(throws: (any Error).self) { try await market.arrived(.profile, count: 1, within: .milliseconds(1)) }
    }

    @Test
    func delays_and_patience_go_by_the_tests_clock() async throws {
        let clock = HandClock()
        let park = ParkOnExpiry(limit: 5, patience: .seconds(60))
        let market = FakeMarketClient(signedInAs: usPhone, parkOnExpiry: park, clock: clock)
        market.delay(by: .seconds(2), of: .profile)
        let profile = Task { try await market.session.profile() }
        try await clock.sleeping(1)
        _ = try await market.cart.get()
        clock.advance(by: .seconds(1))
        #expect(clock.sleepers == 1)
        clock.advance(by: .seconds(1))
        #expect(try await profile.value.id == 19)
        market.expire()
        let add = Task { try await market.cart.add(sku: 42, quantity: 1) }
        try await clock.sleeping(1)
        clock.advance(by: .seconds(60))
        #expect(try await failure { try await add.value }.code == .sessionExpired)
    }

    @Test
    func a_session_is_ended_in_either_way_and_calls_that_wait_are_shown() async throws {
        market.expire()
        #expect(client.session.state.expired?.reason == .expired)
        market.signIn(as: usPhone)
        market.expire(.rejected, waiting: 2)
        let user = try #require(client.session.state.user)
        #expect(client.session.state == .expired(user: user, reason: .rejected, waiting: 2))
        #expect(try await failure { try await client.cart.get() }.code == .sessionExpired)
        // What is under way does not get through either.
        market.signIn(as: usPhone)
        market.hold(.profile)
        let profile = Task { [client] in try await client.session.profile() }
        try await market.arrived(.profile)
        market.expire()
        market.release()
        #expect(try await failure { try await profile.value }.code == .sessionExpired)
    }

    @Test
    func any_state_is_shown_and_calls_behave_as_it_is() async throws {
        let user = try #require(client.session.state.user)
        market.show(.restoring)
        #expect(client.session.state == .restoring)
        let cart = Task { [client] in try await client.cart.get() }
        let restored = Task { [client] in try await client.session.restore() }
        market.show(.signedIn(user: user, expiresAt: nil, persisted: true))
        #expect(try await cart.value.items.isEmpty)
        #expect(try await restored.value.isSignedIn)
        market.show(.locked(reason: .locked))
        #expect(try await failure { try await client.session.restore() }.code == .storeLocked)
        market.show(.locked(reason: .unavailable))
        #expect(try await failure { try await client.cart.get() }.code == .storeUnavailable)
        market.show(.signedOut(reason: .corrupt))
        #expect(try await failure { try await client.cart.get() }.code == .notSignedIn)
        market.show(.expired(user: user, reason: .rejected, waiting: 3))
        #expect(client.session.state == .expired(user: user, reason: .rejected, waiting: 3))
    }

    @Test
    func calls_wait_for_a_store_that_is_locked_for_as_long_as_a_call_may_take() async throws {
        let clock = HandClock()
        let market = FakeMarketClient(signedInAs: usPhone, clock: clock)
        let user = try #require(market.session.state.user)
        market.show(.locked(reason: .hung))
        let late = Task { try await market.cart.get() }
        try await clock.sleeping(1)
        clock.advance(by: .seconds(30))
        #expect(try await failure { try await late.value }.code == .storeLocked)
        let profile = Task { try await market.session.profile() }
        try await clock.sleeping(1)
        market.show(.signedIn(user: user, expiresAt: nil, persisted: true))
        #expect(try await profile.value.id == user.id)
        // Nobody is who was signed in before the store was locked.
        market.show(.locked(reason: .locked))
        let others = Task { try await market.cart.get() }
        try await clock.sleeping(1)
        market.signIn(as: kgPhone)
        #expect(try await failure { try await others.value }.code == .signedOut)
    }

    @Test
    func a_sign_in_waits_until_the_store_is_read() async throws {
        let market = FakeMarketClient()
        market.show(.restoring)
        let sent = try await market.session.requestCode(phone: usPhone)
        #expect(sent.expiresAt == nil)
        let signIn = Task { try await market.session.verifyCode(phone: usPhone, code: "123456") }
        try await market.made(.verifyCode)
        market.show(.locked(reason: .locked))
        #expect(try await failure { try await signIn.value }.code == .storeLocked)
        market.show(.restoring)
        let again = Task { try await market.session.verifyCode(phone: usPhone, code: "123456") }
        try await market.made(.verifyCode, count: 2)
        market.show(.signedOut(reason: .noSession))
        #expect(try await again.value.user.id == 19)
    }

    @Test
    func a_session_ends_by_the_clock_without_a_call_and_that_it_will_is_said_before() async throws {
        let (told, tell) = AsyncStream<String>.makeStream()
        let market = FakeMarketClient(signedInAs: usPhone, expiringSoon: .seconds(120))
        try market.session.onExpiringSoon { tell.yield("\($0.left.components.seconds) s left") }
        try market.session.onEnd { tell.yield("\($0.reason)") }
        var states = market.session.states.makeAsyncIterator()
        #expect(await states.next()?.isSignedIn == true)
        market.shop.advanceClock(by: .seconds(1679))
        market.shop.advanceClock(by: .seconds(1))
        #expect(try await first(in: told) { $0 } == "120 s left")
        #expect(try await failure { try await market.session.requireValidity(duration: .seconds(121)) }.code == .sessionExpired)
        market.shop.advanceClock(by: .seconds(119.5))
        #expect(market.session.state.isSignedIn)
        market.shop.advanceClock(by: .milliseconds(500))
        #expect(await states.next()?.expired?.reason == .expired)
        #expect(try await first(in: told) { $0 } == "expired")
        #expect(market.calls.map(\.kind) == [.requireValidity])
        // Never in the first half of a session; and what is slept through is the end alone.
        let long = FakeMarketClient(signedInAs: usPhone, expiringSoon: .seconds(3600))
        try long.session.onExpiringSoon { tell.yield("\($0.left.components.seconds) s left of an hour") }
        long.shop.advanceClock(by: .seconds(899))
        long.shop.advanceClock(by: .seconds(1))
        #expect(try await first(in: told) { $0 } == "900 s left of an hour")
        long.signIn(as: usPhone)
        try long.session.onEnd { tell.yield("\($0.reason) at once") }
        long.shop.advanceClock(by: .seconds(1800))
        #expect(try await first(in: told) { $0 } == "expired at once")
    }

    @Test
    func a_failure_is_not_used_up_by_what_asks_no_shop() async throws {
        market.fail(.network)
        try await client.session.restore()
        try await client.session.requireValidity(duration: .seconds(1))
        #expect(try await client.orders.resolve() == .nothingPending)
        #expect(try await failure { try await client.cart.add(sku: 42, quantity: 0) }.code == .invalidInput)
        try await client.session.logout()
        try await client.session.clear()
        #expect(try await failure { try await client.cart.get() }.code == .notSignedIn)
        market.signIn(as: usPhone)
        #expect(try await failure { try await client.cart.get() }.code == .network)
    }

    @Test
    func a_logout_fails_for_the_store_alone() async throws {
        let tablet = FakeMarketClient(signedInAs: usPhone, shop: market.shop)
        market.fail(.network, of: .logout)
        try await client.session.logout()
        // The shop has not heard of it.
        _ = try await tablet.cart.get()
        market.signIn(as: usPhone)
        market.fail(.storeNotCleared, of: .logout)
        #expect(try await failure { try await client.session.logout() }.code == .storeNotCleared)
        #expect(client.session.state.signedOut == .loggedOut)
        #expect(try await failure { try await tablet.cart.get() }.code == .sessionExpired)
        for (kind, code) in [(FakeCall.Kind.restore, ErrorCode.network), (.clearSession, .server), (.resumed, .storeLocked)] {
            #expect(!kind.canEnd(with: code))
        }
        #expect(FakeCall.Kind.restore.canEnd(with: .storeUnavailable))
    }

    @Test
    func a_call_that_fails_since_the_session_has_expired_has_ended_it() async throws {
        let (told, tell) = AsyncStream<EndReason>.makeStream()
        try client.session.onEnd { tell.yield($0.reason) }
        market.fail(.sessionExpired, of: .profile)
        let failed = try await failure { try await client.session.profile() }
        #expect(failed.code == .sessionExpired)
        #expect(failed.status == nil)
        #expect(client.session.state.expired?.reason == .rejected)
        #expect(try await first(in: told) { $0 } == .rejected)
    }

    @Test
    func an_answer_that_is_lost_leaves_an_order_or_a_sign_in_unknown() async throws {
        let order = NewOrder(
            customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", items: [NewOrderItem(skuID: 42, quantity: 1)])
        for (code, acted) in [(ErrorCode.server, false), (.timeout, false), (.network, true), (.server, true)] {
            market.fail(code, of: .placeOrder, acted: acted)
            #expect(try await failure { try await client.orders.place(order) }.code == .outcomeUnknown)
            #expect(try await failure { try await client.orders.place(order) }.code == .orderPending)
            let found = try await client.orders.resolve()
            #expect(acted ? found == .placed(order: market.shop.orders()[0]) : found == .notSeenYet(settlesIn: .seconds(900)))
            market.shop.advanceClock(by: .seconds(900))
            if !acted { #expect(try await client.orders.resolve() == .notPlaced) }
            market.signIn(as: usPhone)
        }
        // The connection never stood.
        market.fail(.network, of: .placeOrder)
        #expect(try await failure { try await client.orders.place(order) }.code == .network)
        #expect(try await client.orders.resolve() == .nothingPending)
        for (code, status, acted, ends) in [
            (ErrorCode.timeout, nil, false, ErrorCode.outcomeUnknown), (.network, nil, true, .outcomeUnknown), (.server, 504, false, .outcomeUnknown),
            (.server, 500, false, .server), (.network, nil, false, .network),
        ] as [(ErrorCode, Int?, Bool, ErrorCode)] {
            market.fail(code, of: .verifyCode, status: status, acted: acted)
            #expect(try await failure { try await client.session.verifyCode(phone: usPhone, code: "123456") }.code == ends)
        }
    }

    @Test
    func what_the_core_makes_of_each_code() throws {
        struct Code: Decodable, Equatable {
            let code: String, message: String
            let retryable: Bool, leavesNoOrder: Bool, leavesCartInDoubt: Bool
        }
        let codes: [ErrorCode] = [
            .invalidInput, .wrongCode, .rateLimited, .notSignedIn, .sessionExpired, .signedOut, .storeLocked, .storeUnavailable,
            .storeNotCleared, .network, .timeout, .tls, .rejected, .notFound, .unsupported, .server, .unexpectedResponse,
            .outcomeUnknown, .orderPending, .cancelled, .config,
        ]
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let file = URL(fileURLWithPath: #filePath + "/../../../../../tests/contract/error-codes.json").standardized
        let core = try decoder.decode([Code].self, from: Data(contentsOf: file))
        #expect(codes.map { code in
            Code(
                code: "\(code)", message: code.message, retryable: code.isRetryable, leavesNoOrder: code.leavesNoOrder,
                leavesCartInDoubt: code.leavesCartInDoubt)
        } == core)
    }

    @Test
    func that_a_session_ends_soon_is_said_once_and_to_who_comes_late() async throws {
        let (told, tell) = AsyncStream<Duration>.makeStream()
        try client.session.onExpiringSoon { tell.yield($0.left) }
        market.expiringSoon(left: .seconds(90))
        market.expiringSoon(left: .seconds(60))
        try client.session.onExpiringSoon { tell.yield($0.left + .seconds(1000)) }
        let all = try await within(.seconds(20)) { await told.prefix(2).reduce(into: Set<Duration>()) { $0.insert($1) } }
        #expect(all == [.seconds(90), .seconds(1090)])
        try await client.session.requireValidity(duration: .seconds(60))
        #expect(try await failure { try await client.session.requireValidity(duration: .seconds(61)) }.code == .sessionExpired)
    }

    @Test
    func an_order_is_lost_in_each_way() async throws {
        let order = NewOrder(
            customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", items: [NewOrderItem(skuID: 42, quantity: 1)])
        func lose(placed: Bool) async throws {
            market.loseOrderAnswer(placed: placed)
            #expect(try await failure { try await client.orders.place(order) }.code == .outcomeUnknown)
            #expect(try await failure { try await client.orders.place(order) }.code == .orderPending)
        }
        try await lose(placed: true)
        #expect(try await client.orders.resolve() == .placed(order: market.shop.orders()[0]))
        try await lose(placed: false)
        #expect(try await client.orders.resolve() == .notSeenYet(settlesIn: .seconds(900)))
        market.shop.advanceClock(by: .seconds(900))
        #expect(try await client.orders.resolve() == .notPlaced)
        #expect(try await client.orders.resolve() == .nothingPending)
        let hasty = FakeMarketClient(signedInAs: usPhone, orderSettleTime: .seconds(60))
        hasty.loseOrderAnswer(placed: false)
        #expect(try await failure { try await hasty.orders.place(order) }.code == .outcomeUnknown)
        #expect(try await hasty.orders.resolve() == .notSeenYet(settlesIn: .seconds(60)))
    }

    @Test
    func a_test_changes_the_stock_an_order_and_the_code() async throws {
        let order = NewOrder(
            customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", items: [NewOrderItem(skuID: 105, quantity: 2)])
        #expect(try await failure { try await client.orders.place(order) }.code == .rejected)
        market.shop.setStock(sku: 105, pieces: 3)
        let placed = try await client.orders.place(order)
        #expect(try await failure { try await client.orders.place(order) }.message.hasSuffix("Available: 1"))
        market.shop.setStock(sku: 105, pieces: 2, in: .us)
        _ = try await client.orders.place(order)
        market.shop.setOrderStatus(of: usPhone, order: placed.id, to: .shipped)
        #expect(try await client.orders.get(order: placed.id).status == .shipped)
        market.signIn(as: kgPhone)
        _ = try await client.orders.place(order)
        #expect(market.shop.orders().count == 3)
        #expect(market.shop.orders(of: "+1 312 805 9851").map(\.id) == [2, 1])
        #expect(market.shop.orders(of: kgPhone).count == 1)
        market.shop.code = "4711"
        #expect(market.shop.code == "4711")
        try await client.session.requestCode(phone: usPhone)
        try await client.session.verifyCode(phone: usPhone, code: "4711")
    }

    @Test
    func a_shop_sells_what_a_test_adds() async throws {
        let price = try #require(Decimal(string: "7.25"))
        market.shop.add(FakeProduct(id: 50, name: "Umbrella", skus: [FakeSKU(id: 500, price: price, stock: 1)]))
        let cart = try await client.cart.add(sku: 500, quantity: 2)
        #expect(cart.items.map(\.name) == ["Umbrella"])
        #expect(try cart.totalPrice == money("14.50"))
        let declined = try await failure {
            try await client.orders.place(NewOrder(customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St"))
        }
        #expect(declined.message == "Not enough stock for 'Umbrella' (size: ONE, color: Black). Available: 1")
        // In place of what was sold under the number.
        market.shop.add(FakeProduct(id: 51, name: "Parasol", skus: [FakeSKU(id: 500, price: price, stock: 3)]))
        #expect(try await client.cart.get().items.map(\.name) == ["Parasol"])
        market.shop.answer("GET /products/", with: "[50]")
        #expect(try await client.request(RawRequest(method: .get, path: "/products")).decoded(as: [Int].self) == [50])
        market.shop.answer("GET /products/{id}", with: "[1]")
        #expect(try await client.request(RawRequest(method: .get, path: "/products/7/")).decoded(as: [Int].self) == [1])
        #expect(try await failure { try await client.request(RawRequest(method: .get, path: "/products/7/more")) }.code == .unsupported)
    }

    @Test
    func two_clients_of_one_shop_are_two_devices() async throws {
        let tablet = FakeMarketClient(signedInAs: usPhone, shop: market.shop)
        try await client.cart.add(sku: 42, quantity: 2)
        #expect(try await tablet.cart.get().lines == [[42, 2]])
        market.shop.expireSessions()
        #expect(try await failure { try await tablet.cart.get() }.code == .sessionExpired)
        #expect(client.session.state.isSignedIn)
        #expect(try await failure { try await client.cart.get() }.code == .sessionExpired)
    }

    @Test
    func a_client_that_nobody_refers_to_goes_and_its_streams_end() async throws {
        var fake: FakeMarketClient? = FakeMarketClient(signedInAs: usPhone)
        weak var gone = fake
        let states = try #require(fake?.session.states)
        let carts = try #require(fake?.cart.updates)
        fake = nil
        #expect(gone == nil)
        try await within(.seconds(20)) {
            for await _ in states {}
            for await _ in carts {}
            try Task.checkCancellation()
        }
    }

    @Test
    func a_listener_that_blocks_or_throws_holds_up_nobody() async throws {
        let over = DispatchSemaphore(value: 0)
        let (told, tell) = AsyncStream<EndReason>.makeStream()
        try client.session.onEnd { _ in over.wait() }
        try client.session.onEnd { [weak session = client.session] end in
            // It may ask the client.
            if session?.state.expired != nil { tell.yield(end.reason) }
        }
        market.expire()
        #expect(try await first(in: told) { $0 } == .expired)
        _ = try? await client.cart.get()
        over.signal()
    }

    @Test
    func four_thousand_calls_that_are_cancelled_as_they_end_all_end() async throws {
        let (ended, end) = AsyncStream<Void>.makeStream()
        for _ in 1 ... 4 {
            Task { [client] in
                for turn in 1 ... 1000 {
                    let call = Task { try await client.cart.add(sku: 42, quantity: 1) }
                    if turn.isMultiple(of: 2) { await Task.yield() }
                    call.cancel()
                    _ = await call.result
                }
                end.yield()
            }
        }
        try await within(.seconds(50)) { for await _ in ended.prefix(4) {}; try Task.checkCancellation() }
    }
}

extension FakeMarketClient {
    /// Waits until so many calls of a kind were made.
    fileprivate func made(_ kind: FakeCall.Kind, count: Int = 1) async throws {
        try await within(.seconds(20)) {
            while self.calls.count(where: { $0.kind == kind }) < count { await Task.yield(); try Task.checkCancellation() }
        }
    }
}

/// A clock that a test moves.
private final class HandClock: Clock, @unchecked Sendable {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (one: Instant, other: Instant) -> Bool { one.offset < other.offset }
    }

    private let guarded = NSLock()
    private var time = Instant(offset: .zero)
    private var sleeping: [(until: Instant, wake: AsyncStream<Never>.Continuation)] = []

    var now: Instant { guarded.withLock { time } }
    var minimumResolution: Duration { .zero }
    var sleepers: Int { guarded.withLock { sleeping.count } }

    func sleep(until deadline: Instant, tolerance _: Duration?) async throws {
        let (woken, wake) = AsyncStream<Never>.makeStream()
        guarded.withLock { sleeping.append((deadline, wake)) }
        for await _ in woken {}
        guarded.withLock { sleeping.removeAll { $0.until == deadline } }
        try Task.checkCancellation()
    }

    /// Waits until so many sleep.
    func sleeping(_ count: Int) async throws {
        try await within(.seconds(20)) {
            while self.sleepers < count { await Task.yield(); try Task.checkCancellation() }
        }
    }

    func advance(by duration: Duration) {
        let woken = guarded.withLock {
            time = time.advanced(by: duration)
            let woken = sleeping.filter { $0.until <= time }
            sleeping.removeAll { $0.until <= time }
            return woken
        }
        for sleeper in woken { sleeper.wake.finish() }
    }
}
