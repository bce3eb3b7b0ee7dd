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
    func delays_and_patience_go_by_the_tests_clock() async throws {
        let clock = HandClock()
        let park = ParkOnExpiry(limit: 5, patience: .seconds(60))
        let market = FakeMarketClient(signedInAs: usPhone, parkOnExpiry: park, clock: clock)
        market.delay(.seconds(2), of: .profile)
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
        #expect(try await failure { try await client.cart.get() }.code == .storeLocked)
        #expect(try await failure { try await client.session.restore() }.code == .storeLocked)
        market.show(.locked(reason: .unavailable))
        #expect(try await failure { try await client.cart.get() }.code == .storeUnavailable)
        market.show(.signedOut(reason: .corrupt))
        #expect(try await failure { try await client.cart.get() }.code == .notSignedIn)
        market.show(.expired(user: user, reason: .rejected, waiting: 3))
        #expect(client.session.state == .expired(user: user, reason: .rejected, waiting: 3))
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
        func lose(_ fate: FakeMarketClient.LostOrder) async throws {
            market.loseOrder(fate)
            #expect(try await failure { try await client.orders.place(order) }.code == .outcomeUnknown)
            #expect(try await failure { try await client.orders.place(order) }.code == .orderPending)
        }
        try await lose(.placed)
        #expect(try await client.orders.resolve() == .placed(order: market.shop.orders()[0]))
        try await lose(.notPlaced)
        #expect(try await client.orders.resolve() == .notSeenYet(settlesIn: .seconds(900)))
        market.shop.advanceClock(by: .seconds(900))
        #expect(try await client.orders.resolve() == .notPlaced)
        try await lose(.unreadable)
        #expect(try await client.orders.resolve() == .unreadable)
        #expect(try await client.orders.resolve() == .nothingPending)
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
        market.shop.answer(.get, "/products", with: "[50]")
        #expect(try await client.request(RawRequest(method: .get, path: "/products")).decoded(as: [Int].self) == [50])
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
