import Foundation
import MarketSDK
import Testing

private let phone = DevServer.phone
private let here = Locale(identifier: "en_US")

@Suite(.timeLimit(.minutes(2)))
struct MarketClientTests {
    private let server: DevServer
    private let market: MarketClient

    init() async throws {
        server = try await DevServer()
        market = try server.client()
    }

    @Test
    func a_shopper_signs_in_fills_a_cart_and_orders_it() async throws {
        #expect(try await market.session.restore().signedIn == nil)
        let sent = try await market.session.requestCode(phone: "+1 (312) 805-9851")
        #expect(sent.retryAt > Date(timeIntervalSince1970: 0))
        let signIn = try await market.session.verifyCode(phone: phone, code: server.code())
        #expect(signIn.user.phone == PhoneNumber(phone))
        #expect(signIn.user.market == .us)
        #expect(try await first(in: market.session.states, \.signedIn).phone.value == phone)

        let cart = try await market.cart.add(sku: 42, quantity: 2)
        #expect(cart.items.map(\.skuID) == [42])
        #expect(cart.totalPrice == Money(amount: Decimal(string: "39.98")!, currency: "USD"))
        #expect(cart.totalPrice.formatted(locale: here) == "$39.98")

        let line = try #require(cart.items.first)
        let more = try await market.cart.setQuantity(line: line.id, quantity: line.quantity + 1)
        #expect(more.totalPrice.amount == Decimal(string: "59.97"))

        let new = NewOrder(customerName: "Ann", customerPhone: phone, deliveryAddress: "1 Main Street")
        let order = try await market.orders.place(new)
        #expect(order.subtotal?.amount == Decimal(string: "59.97"))
        #expect(try await market.orders.list().map(\.id) == [order.id])
        #expect(try await market.orders.cancel(order: order.id).status == .cancelled)
        #expect(try await market.cart.get().items.isEmpty)

        try await market.session.logout()
        #expect(try await first(in: market.session.states, \.signedOut) == .loggedOut)
        #expect(try await failure { try await market.cart.get() }.code == .notSignedIn)
    }

    @Test
    func an_expired_session_is_said_by_the_call_by_the_state_and_once_by_the_listener() async throws {
        let ends = Told<SessionEnd>()
        try market.session.onEnd { ends.add($0) }
        try await server.signIn(market)
        _ = try await first(in: market.session.states, \.signedIn)
        try await server.expireSessions()

        let failures = try await withThrowingTaskGroup(of: MarketError.self) { [market] group in
            for _ in 0 ..< 200 {
                group.addTask { try await MarketSDKTests.failure { try await market.session.profile() } }
            }
            return try await group.reduce(into: [MarketError]()) { $0.append($1) }
        }
        #expect(Set(failures.map(\.code)) == [.sessionExpired])
        let failure = try #require(failures.first)
        #expect(failure.localizedDescription == "Your session has expired. Please sign in again.")
        #expect(!failure.isRetryable)

        let expired = try await first(in: market.session.states) { $0.expired?.user }
        #expect(expired.phone.value == phone)
        // The listeners are told in the order in which sessions end: when the second is said, so was all of the first.
        try await server.signIn(market)
        try await market.session.logout()
        let told = try await within(.seconds(20)) {
            await ends.stream.prefix(2).reduce(into: [EndReason]()) { $0.append($1.reason) }
        }
        #expect(told == [.rejected, .loggedOut])
    }

    @Test
    func errors_are_told_apart_by_their_code() async throws {
        let number = try await failure { try await market.session.requestCode(phone: "12345") }
        #expect(number.code == .invalidInput)
        #expect(number.fields.map(\.path) == ["phone"])
        #expect(number.message == number.fields.first?.message)

        _ = try await market.session.requestCode(phone: phone)
        let wrong = try await server.code() == "000000" ? "000001" : "000000"
        let code = try await failure { try await market.session.verifyCode(phone: phone, code: wrong) }
        #expect(code.code == .wrongCode)
        #expect(code.status == 400)
        #expect("\(code)".hasPrefix("wrongCode: \(code.message)"))

        try await server.signIn(market)
        #expect(try await failure { try await market.cart.add(sku: 42, quantity: -1) }.code == .invalidInput)
        #expect(try await failure { try await market.cart.add(sku: 42, quantity: .max) }.code == .invalidInput)
        #expect(try await failure { try await market.cart.setQuantity(line: 1, quantity: .min) }.code == .invalidInput)
        try await server.fault("GET /auth/profile", #"{"kind": "status", "status": 429, "retry_after": {"seconds": 900}}"#)
        let limited = try await failure { try await market.session.profile() }
        #expect(limited.code == .rateLimited)
        #expect(limited.retryAfter == .seconds(900))
        #expect(limited.isRetryable)

        await server.stopped()
        #expect(try await failure { try await market.cart.get() }.code == .network)
        #expect(try await failure { try MarketClient(baseURL: "ftp://x", appID: "a") }.code == .config)
        let never = { try MarketClient(baseURL: "https://x.example", appID: "a", store: .memory, timeout: .seconds(-1)) }
        #expect(try await failure { try never() }.code == .config)
    }

    @Test(arguments: ["/auth/profile", "/cart"])
    func cancelling_a_task_closes_the_request_at_the_server(path: String) async throws {
        try await server.signIn(market)
        let read: @Sendable () async throws -> Void = { [market] in
            if path == "/cart" { _ = try await market.cart.get() } else { _ = try await market.session.profile() }
        }
        let clock = ContinuousClock()
        var seen: [Duration] = []
        for round in 1 ... 5 {
            try await server.fault("GET \(path)", #"{"kind": "latency", "ms": 600000}"#, times: 1)
            let call = Task { try await read() }
            try await server.request("GET \(path)") { $0.status == nil && !$0.aborted }
            let cancelled = clock.now
            call.cancel()
            while try await server.requests("GET \(path)").filter(\.aborted).count < round {
                try #require(clock.now - cancelled < .seconds(5))
            }
            seen.append(clock.now - cancelled)
            let outcome = await call.result
            #expect(throws: CancellationError.self) { try outcome.get() }
        }
        let median = seen.sorted()[2]
        print("figure: GET \(path) was seen to be closed \(median) after its task was cancelled (median of 5)")
        #expect(median < .milliseconds(100), "\(seen)")
        // And the next call works.
        try await read()
    }

    @Test
    func a_task_that_was_cancelled_before_sends_nothing() async throws {
        try await server.signIn(market)
        let call = Task { [market] in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await market.cart.add(sku: 42, quantity: 2)
        }
        let outcome = await call.result
        #expect(throws: CancellationError.self) { try outcome.get() }
        #expect(try await market.cart.get().items.isEmpty)
        #expect(try await server.requests("POST /cart/items").isEmpty)
    }

    @Test
    func a_cart_write_that_has_begun_is_completed_though_its_task_is_cancelled_and_the_next_call_waits() async throws {
        try await server.signIn(market)
        try await server.fault("POST /cart/items", #"{"kind": "latency", "ms": 400, "acted": true}"#, times: 1)
        let add = Task { [market] in try await market.cart.add(sku: 42, quantity: 2) }
        try await server.request("POST /cart/items") { $0.status == nil }
        add.cancel()
        let outcome = await add.result
        #expect(throws: CancellationError.self) { try outcome.get() }
        #expect(try await market.cart.get().items.map(\.quantity) == [2])
        let writes = try await server.requests("POST /cart/items")
        #expect(writes.map(\.aborted) == [false])
    }

    @Test
    func a_listener_that_throws_blocks_or_calls_back_harms_nobody() async throws {
        let told = Told<SessionState>()
        let ends = Told<SessionEnd>()
        let release = DispatchSemaphore(value: 0)
        let session = market.session
        _ = try session.observe(listener: Throws())
        _ = try session.observe(listener: Calls { _ in release.wait() })
        _ = try session.observe(listener: Calls { [weak session] _ in
            guard let session else { return }
            session.resumed()
            told.add(session.state)
        })
        try session.onEnd { _ in release.wait() }
        try session.onEnd { ends.add($0) }

        let clock = ContinuousClock()
        for round in 1 ... 2 {
            let start = clock.now
            try await server.signIn(market)
            _ = try await first(in: told.stream, \.signedIn)
            try await market.session.logout()
            #expect(clock.now - start < .seconds(5), "round \(round)")
        }
        for _ in 1 ... 20 { release.signal() }
        let ended = try await within(.seconds(20)) { await ends.stream.prefix(2).reduce(into: 0) { count, _ in count += 1 } }
        #expect(ended == 2)
    }

    @Test
    func a_subscription_that_is_cancelled_is_told_no_more() async throws {
        let told = Told<SessionState>()
        var listener: Calls? = Calls { told.add($0) }
        weak var alive = listener
        let subscription = try market.session.observe(listener: listener!)
        listener = nil
        _ = try await first(in: told.stream) { $0 }
        #expect(alive != nil)
        subscription.cancel()
        try await until { alive == nil }
    }

    @Test
    func a_stream_ends_with_its_client_and_a_client_that_nobody_refers_to_goes() async throws {
        var client: MarketClient? = try server.client()
        weak var alive = client
        let states = try #require(client?.session.states)
        let reader = Task {
            var seen = 0
            for await _ in states { seen += 1 }
            return seen
        }
        _ = try await client?.session.restore()
        client = nil
        #expect(alive == nil)
        let seen = try await within(.seconds(20)) { await reader.value }
        #expect(seen > 0)
    }

    @Test
    func a_session_that_is_stored_in_a_file_is_there_for_the_next_client() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try server.client(store: .file(folder: folder.path))
        _ = try await first.session.requestCode(phone: phone)
        #expect(try await first.session.verifyCode(phone: phone, code: server.code()).persisted)
        let next = try server.client(store: .file(folder: folder.path))
        #expect(try await next.session.restore().signedIn != nil)
        #expect(try await next.session.verifyToken().valid)
    }

    @Test
    func another_route_goes_through_the_same_door() async throws {
        struct Total: Decodable {
            let total_price: Decimal
        }
        try await server.signIn(market)
        let add = RawRequest(method: .post, path: "/cart/items", json: #"{"sku_id": 42, "quantity": 1}"#)
        let added = try await market.request(add)
        #expect(added.status == 200)
        #expect(try added.decoded(as: Total.self).total_price == Decimal(string: "19.99"))
        let bad = RawRequest(method: .post, path: "/cart/items", json: "{")
        #expect(try await failure { try await market.request(bad) }.fields.map(\.path) == ["json"])
        let elsewhere = RawRequest(method: .get, path: "//x")
        #expect(try await failure { try await market.request(elsewhere) }.code == .invalidInput)
        let sent = try #require(try await server.requests("POST /cart/items").last)
        #expect(sent.headers["authorization"]?.hasPrefix("Bearer ") == true)
    }
}

private struct OnPurpose: Error {}

private final class Throws: SessionListener {
    func changed(state: SessionState) throws {
        throw OnPurpose()
    }
}

private final class Calls: SessionListener {
    private let listener: @Sendable (SessionState) -> Void

    init(_ listener: @escaping @Sendable (SessionState) -> Void) {
        self.listener = listener
    }

    func changed(state: SessionState) {
        listener(state)
    }
}

private func until(_ held: () -> Bool) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(20)
    while !held() {
        try #require(clock.now < end)
        try await Task.sleep(for: .milliseconds(2))
    }
}
