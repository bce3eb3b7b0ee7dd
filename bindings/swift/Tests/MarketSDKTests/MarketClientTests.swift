import Foundation
import MarketSDK
import Testing

/// What is Swift's own. What all languages do alike is in `Conformance`.
@Suite(.timeLimit(.minutes(2)))
struct MarketClientTests {
    private let server: DevServer
    private let market: MarketClient

    init() async throws {
        server = try await DevServer()
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
    func numbers_that_are_out_of_bounds_are_refused_and_end_nothing() async throws {
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
        #expect(try await failure { try await market.orders.list(OrderQuery(limit: .max)) }.code == .invalidInput)
        #expect(try await failure { try await market.orders.get(order: .min) }.code != .config)
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
    func the_log_says_how_a_call_went_and_nothing_personal() async throws {
        let (told, tell) = AsyncStream<LogRecord>.makeStream()
        try MarketClient.setLogSink(level: .info) { tell.yield($0) }
        try await signIn()
        _ = try await market.cart.get()
        let records = try await within(.seconds(20)) {
            var records: [LogRecord] = []
            for await record in told {
                records.append(record)
                if record.message.hasPrefix("market.call area=cart operation=get") { break }
            }
            return records
        }
        try MarketClient.setLogSink(nil)
        for record in records {
            #expect(record.target.hasPrefix("market_sdk"))
            #expect(!record.message.contains("805"), "\(record.message)")
        }
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
