import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

/// What is Swift's own. What all languages do alike is in `Conformance`.
@Suite(.timeLimit(.minutes(2)))
struct MarketClientTests {
    private let server: MarketDevServer
    private let market: MarketClient

    init() async throws {
        server = try await MarketDevServer.start(arguments: ["--no-rate-limits"])
        market = try MarketClient(baseURL: server.baseURL, appID: "a", store: .memory, allowHTTPLoopback: true)
    }

    private func signIn() async throws {
        try await market.session.requestCode(phone: usPhone)
        try await market.session.verifyCode(phone: usPhone, code: server.code())
    }

    @Test
    func a_task_that_was_cancelled_before_sends_nothing() async throws {
        try await signIn()
        let call = Task { [market] in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await market.cart.add(sku: 42, quantity: 2)
        }
        #expect(await wasCancelled(call))
        #expect(try await market.cart.get().items.isEmpty)
        #expect(try await server.requests("POST /cart/items").isEmpty)
    }

    @Test
    func calls_may_be_cancelled_at_any_moment() async throws {
        try await signIn()
        // From before the call is made until after its answer is there.
        for turns in 0 ..< 200 {
            let call = Task { [market] in try await market.session.profile() }
            for _ in 0 ..< turns { await Task.yield() }
            call.cancel()
            switch await call.result {
            case let .success(profile): #expect(profile.id == 19)
            case let .failure(error): #expect(error is CancellationError, "\(error)")
            }
        }
        #expect(try await market.session.profile().id == 19)
    }

    @Test
    func calls_that_an_expiry_stops_wait_for_the_same_user_and_go_with_their_task() async throws {
        let shop = try MarketClient(
            baseURL: server.baseURL,
            appID: "a",
            store: .memory,
            parkOnExpiry: ParkOnExpiry(limit: 10, patience: .seconds(300)),
            allowHTTPLoopback: true
        )
        func signIn() async throws {
            try await shop.session.requestCode(phone: usPhone)
            try await shop.session.verifyCode(phone: usPhone, code: server.code())
        }
        func waiting(_ calls: Int) async throws {
            for await state in shop.session.states {
                if case let .expired(_, _, waiting) = state, waiting == calls { return }
            }
        }
        try await signIn()
        try await shop.session.requireValidity(duration: .seconds(600))
        let short = try await failure { try await shop.session.requireValidity(duration: .seconds(86400)) }
        #expect(short.code == .sessionExpired)
        try shop.session.onExpiringSoon { _ in }.cancel()
        try await server.expireSessions()

        let add = Task { try await shop.cart.add(sku: 42, quantity: 2) }
        try await waiting(1)
        let gone = Task { try await shop.cart.add(sku: 88, quantity: 1) }
        try await waiting(2)
        gone.cancel()
        try await waiting(1)
        // Two sign-ins within one second give the same token, which is not accepted any more.
        try await server.advanceClock(by: .seconds(1))
        try await signIn()
        #expect(try await add.value.items.count == 1)
        #expect(try await shop.cart.get().items.count == 1)
    }

    @Test
    func forty_thousand_calls_that_are_cancelled_as_they_end_all_end() async throws {
        let (ended, end) = AsyncStream<Void>.makeStream()
        for _ in 1 ... 4 {
            // On its own: one that waits for ever fails this test, and does not hold it up.
            Task { [market] in
                for turn in 1 ... 10000 {
                    let call = Task { try await market.cart.get() }
                    if turn.isMultiple(of: 2) { await Task.yield() }
                    call.cancel()
                    _ = await call.result
                }
                end.yield()
            }
        }
        try await within(.seconds(60)) { for await _ in ended.prefix(4) {}; try Task.checkCancellation() }
    }

    @Test
    func arguments_that_are_out_of_bounds_are_refused_and_end_nothing() async throws {
        try await signIn()
        for quantity in [-1, .min, .max] {
            let refused = try await failure { try await market.cart.add(sku: 42, quantity: quantity) }
            #expect(refused.code == .invalidInput)
        }
        for timeout in [Duration.seconds(-1), .zero, .seconds(-1e18), .seconds(1e18)] {
            let refused = try await failure {
                try MarketClient(baseURL: server.baseURL, appID: "a", store: .memory, timeout: timeout)
            }
            #expect(refused.code == .config)
        }
        let marker = try await failure {
            try MarketClient(baseURL: server.baseURL, appID: "a", store: .memory, installMarker: URL(string: "https://a/b"))
        }
        #expect(marker.code == .config)
        #expect(try await failure { try await market.orders.list(OrderQuery(limit: .max)) }.code == .invalidInput)
        #expect(try await failure { try await market.orders.get(order: .min) }.code != .config)
    }

    @Test
    func a_server_that_has_none_of_the_pinned_keys_is_refused() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("market-\(UUID().uuidString).pem")
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try await MarketDevServer.start(arguments: ["--tls", "--tls-ca-out", file.path])
        let authority = try String(contentsOf: file, encoding: .utf8)
        func client(_ keys: [String]) throws -> MarketClient {
            try MarketClient(
                baseURL: server.baseURL, appID: "a", store: .memory, extraRootCertificates: [authority], pinnedKeys: keys)
        }
        let keys = ["A", "B"].map { "sha256/" + String(repeating: $0, count: 42) + "A=" }
        #expect(try await failure { try client([keys[0]]) }.code == .config)
        #expect(try await failure { try await client(keys).session.markets() }.code == .tls)
        #expect(try await client([]).session.markets().supported.count == 2)
    }

    @Test
    func the_cart_is_followed_from_the_present_one_on() async throws {
        var updates = market.cart.updates.makeAsyncIterator()
        #expect(await updates.next() == .some(nil))
        try await signIn()
        try await market.cart.add(sku: 42, quantity: 2)
        while let update = await updates.next(), update?.lines != [[42, 2]] {}
        // Who comes later sees the present one first.
        var later = market.cart.updates.makeAsyncIterator()
        #expect(await later.next()??.lines == [[42, 2]])
        let order = NewOrder(customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St")
        _ = try await market.orders.place(order)
        while let update = await updates.next(), update?.items.isEmpty != true {}
        try await market.session.logout()
        while let update = await updates.next(), update != nil {}
    }

    @Test
    func a_subscription_that_is_cancelled_lets_go_of_its_listener() async throws {
        let (told, tell) = AsyncStream<SessionState>.makeStream()
        var listener: Calls? = Calls { tell.yield($0) }
        weak var alive = listener
        let subscription = try market.session.observe(listener: listener!)
        listener = nil
        _ = try await first(in: told) { $0 }
        #expect(alive != nil)
        subscription.cancel()
        try await until { alive == nil }
    }

    #if os(Linux)
        @Test
        func a_stream_that_nobody_reads_any_more_follows_nothing() async throws {
            /// Threads that tell of carts. Other tests have some too, and leave none.
            func followers() -> Int {
                let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
                let names = threads.map { try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8) }
                return names.filter { $0 == "market-carts\n" }.count
            }
            let (begun, begin) = AsyncStream<Void>.makeStream()
            let reader = Task { [market] in
                for await _ in market.cart.updates { begin.yield() }
            }
            try await first(in: begun) { $0 }
            #expect(followers() > 0)
            reader.cancel()
            let dropped = market.cart.updates.makeAsyncIterator()
            _ = consume dropped
            try await until { followers() == 0 }
        }
    #endif

    @Test
    func a_stream_ends_with_its_client_and_a_client_that_nobody_refers_to_goes() async throws {
        var client: MarketClient? = try MarketClient(baseURL: "https://shop.example", appID: "a", store: .memory)
        weak var alive = client
        let states = try #require(client?.session.states)
        let carts = try #require(client?.cart.updates)
        try await client?.session.restore()
        client = nil
        #expect(alive == nil)
        try await within(.seconds(20)) {
            for await _ in states {}
            for await _ in carts {}
            try Task.checkCancellation()
        }
    }

    @Test
    func a_listener_that_blocks_holds_up_no_stream_and_no_call() async throws {
        let over = DispatchSemaphore(value: 0)
        _ = try market.session.observe(listener: Calls { _ in over.wait() })
        _ = try market.session.observe(listener: Calls { [weak session = market.session] _ in session?.resumed() })
        let start = ContinuousClock.now
        try await signIn()
        _ = try await first(in: market.session.states, \.signedIn)
        try await market.session.logout()
        _ = try await first(in: market.session.states, \.signedOut)
        #expect(ContinuousClock.now - start < .seconds(5))
        for _ in 1 ... 20 { over.signal() }
    }

    @Test
    func a_body_is_decoded_exactly() throws {
        struct Price: Decodable {
            let price: Decimal
        }
        let response = RawResponse(status: 200, body: #"{"price": 90071992547409931.01}"#)
        #expect(try response.decoded(as: Price.self).price == Decimal(string: "90071992547409931.01"))
        #expect(throws: DecodingError.self) { try response.decoded(as: [Price].self) }
    }

    @Test
    func calls_of_one_actor_are_made_in_its_order() async throws {
        try await signIn()
        for round in 1 ... 100 {
            let adds = await MainActor.run { [market] in
                (1 ... 20).map { _ in Task { @MainActor in try await market.cart.add(sku: 42, quantity: 1) } }
            }
            var seen: [Int] = []
            for add in adds { seen += try await add.value.items.map(\.quantity) }
            #expect(seen == Array(1 ... 20), "round \(round)")
            try await market.cart.clear()
        }
    }

    @Test
    func the_log_says_how_a_call_went_and_nothing_personal_and_a_sink_may_block() async throws {
        var secrets = ["8059851", "Ann Example", "Hidden Street", "a wish", "a word"]
        for level in [LogLevel.error, .warn, .info, .debug] {
            let (told, tell) = AsyncStream<LogRecord>.makeStream()
            do {
                // It goes when the last record was handed over.
                let sink = Told(tell)
                try MarketClient.setLogSink(level: level) { sink.tell.yield($0) }
            }
            try await server.advanceClock(by: .seconds(1))
            try await market.session.requestCode(phone: usPhone)
            let code = try await server.code()
            _ = try await failure { try await market.session.verifyCode(phone: usPhone, code: code == "111111" ? "222222" : "111111") }
            try await market.session.verifyCode(phone: usPhone, code: code)
            secrets.append(code)
            try await market.session.updateProfile(ProfileUpdate(fullName: "Ann Example"))
            _ = try await market.session.profile()
            try await market.cart.add(sku: 42, quantity: 2)
            let order = NewOrder(customerName: "Ann Example", customerPhone: usPhone, deliveryAddress: "1 Hidden Street", notes: "a wish")
            _ = try await market.orders.place(order)
            _ = try await market.orders.list()
            let query = [QueryParameter(name: "phone", value: usPhone), QueryParameter(name: "q", value: "a word")]
            _ = try? await market.request(RawRequest(method: .post, path: "/no/\(code)", query: query, json: #""a word""#))
            try MarketClient.setLogSink(nil)
            let records = try await within(.seconds(20)) { await told.reduce(into: []) { $0.append($1) } }
            if level == .info || level == .debug {
                #expect(records.contains { $0.message.hasPrefix("market.call area=orders operation=place") })
            }
            for record in records {
                #expect(record.target.hasPrefix("market_sdk"))
                for secret in secrets { #expect(!"\(record)".contains(secret), "\(level): \(record.message)") }
            }
        }
        // One that blocks holds up no call. (The log is the process's: this stays in one test.)
        let over = DispatchSemaphore(value: 0)
        try MarketClient.setLogSink { _ in over.wait() }
        let start = ContinuousClock.now
        for _ in 1 ... 3 { _ = try await market.cart.get() }
        #expect(ContinuousClock.now - start < .seconds(5))
        try MarketClient.setLogSink(nil)
        for _ in 1 ... 1000 { over.signal() }
    }
}

private final class Told: Sendable {
    let tell: AsyncStream<LogRecord>.Continuation

    init(_ tell: AsyncStream<LogRecord>.Continuation) {
        self.tell = tell
    }

    deinit {
        tell.finish()
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
    let end = ContinuousClock.now + .seconds(20)
    while !held() {
        guard ContinuousClock.now < end else { throw Missing(what: "what was waited for") }
        try await Task.sleep(for: .milliseconds(2))
    }
}
