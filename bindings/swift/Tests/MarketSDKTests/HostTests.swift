import Foundation
import MarketSDK
import Testing

/// Stores and sinks of the host's own that do not behave.
@Suite(.timeLimit(.minutes(2)))
struct HostTests {
    private func client(_ store: any SecureStore, storeTimeout: Duration? = nil) throws -> MarketClient {
        try MarketClient(
            baseURL: "https://shop.example",
            appID: "a",
            store: .host(store: store),
            timeout: .seconds(1),
            storeTimeout: storeTimeout
        )
    }

    @Test
    func a_store_that_throws_what_is_its_own_counts_as_unavailable_and_its_words_are_not_passed_on() async throws {
        struct Secret: Error {
            let text = "secret"
        }
        let market = try client(Calls { throw Secret() })
        let refused = try await failure { try await market.session.restore() }
        #expect(refused.code == .storeUnavailable)
        #expect(!"\(refused)".contains("secret"))
        #expect(market.session.state == .locked(reason: .unavailable))
    }

    @Test
    func a_store_that_has_no_name_is_refused() async throws {
        let refused = try await failure { try client(Calls(place: { throw StoreError.locked }) {}) }
        #expect(refused.code == .config)
    }

    @Test
    func a_store_that_blocks_counts_as_hung_and_what_it_says_at_last_is_used() async throws {
        let over = DispatchSemaphore(value: 0)
        let blocking = try client(Calls { over.wait() }, storeTimeout: .milliseconds(100))
        let start = ContinuousClock.now
        let refused = try await failure { try await blocking.session.restore() }
        #expect(refused.code == .storeLocked)
        #expect(blocking.session.state == .locked(reason: .hung))
        // Another store's thread is another.
        let other = try client(HostStore())
        #expect(try await other.session.restore().signedOut == .noSession)
        #expect(ContinuousClock.now - start < .seconds(5))
        over.signal()
        _ = try await first(in: blocking.session.states, \.signedOut)
    }

    @Test
    func a_store_may_ask_for_the_state() async throws {
        let asked = Weak()
        let market = try client(Calls { _ = asked.session?.state })
        asked.session = market.session
        market.session.resumed()
        #expect(try await market.session.restore().signedOut == .noSession)
    }

    /// A store that does something, and has nothing.
    private final class Calls: SecureStore {
        private let named: @Sendable () throws -> Void
        private let called: @Sendable () throws -> Void
        private let name = UUID().uuidString

        init(place: @escaping @Sendable () throws -> Void = {}, _ called: @escaping @Sendable () throws -> Void) {
            named = place
            self.called = called
        }

        func place() throws -> String {
            try named()
            return name
        }

        func read(key _: String) throws -> Data? {
            try called()
            return nil
        }

        func write(key _: String, value _: Data) throws { try called() }
        func delete(key _: String) throws { try called() }
    }

    private final class Weak: @unchecked Sendable {
        private let guarded = NSLock()
        private weak var held: (any SessionAPI)?

        var session: (any SessionAPI)? {
            get { guarded.withLock { held } }
            set { guarded.withLock { held = newValue } }
        }
    }
}
