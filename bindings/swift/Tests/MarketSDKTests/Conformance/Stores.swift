import Foundation
import MarketSDK
import Testing

/// Stores that are locked, damaged, unusable, or refuse to forget.
extension Conformance {
    @Test
    func a_locked_store_waits_and_is_not_taken_for_signed_out() async throws {
        try await conformance { shop in
            let store = HostStore()
            try await shop.app(timeout: .seconds(2), store: store) { market async throws in
                #expect(try await shop.signIn(market).persisted)
            }
            store.lock(true)
            try await shop.app(timeout: .seconds(2), store: store) { market in
                let locked = try await failure { try await market.session.restore() }
                #expect(locked.code == .storeLocked)
                #expect(locked.isRetryable)
                #expect(market.session.state.lockedReason == .locked)
                #expect(try await failure { try await market.cart.get() }.code == .storeLocked)
                store.lock(false)
                market.session.resumed()
                #expect(try await market.session.restore().signedIn?.phone.value == usPhone)
                _ = try await market.cart.get()
            }
        }
    }

    @Test
    func a_damaged_session_is_said_to_be_corrupt_and_is_erased() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let file = try #require(shop.secretFiles().first)
                let handle = try FileHandle(forWritingTo: file)
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: Data("{".utf8))
                try handle.close()
            }
            try await shop.app { market in
                #expect(try await market.session.restore().signedOut == .corrupt)
                #expect(try await failure { try await market.cart.get() }.code == .notSignedIn)
                try await market.session.logout()
                #expect(shop.secretFiles().isEmpty)
                try await shop.clock(seconds: 1)
                #expect(try await shop.signIn(market).persisted)
                _ = try await market.cart.get()
            }
        }
    }

    @Test
    func a_store_that_cannot_be_used_is_said_to_be_unavailable() async throws {
        try await conformance { shop in
            try await shop.app { market in try await shop.signIn(market) }
            let folder = try #require(shop.secretFiles().first).deletingLastPathComponent().path
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            try await shop.app { market in
                let refused = try await failure { try await market.session.restore() }
                #expect(refused.code == .storeUnavailable)
                #expect(!refused.isRetryable)
                #expect(market.session.state.lockedReason == .unavailable)
                #expect(try await failure { try await market.cart.get() }.code == .storeUnavailable)
                try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
                #expect(try await market.session.restore().signedIn != nil)
                _ = try await market.cart.get()
            }
        }
    }

    @Test
    func a_store_that_does_not_erase_is_said_and_the_user_is_signed_out_all_the_same() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let file = try #require(shop.secretFiles().first)
                try FileManager.default.removeItem(at: file)
                try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
                let kept = try await failure { try await market.session.logout() }
                #expect(kept.code == .storeNotCleared)
                #expect(!kept.isRetryable)
                #expect(market.session.state.signedOut == .loggedOut)
                #expect(try await failure { try await market.cart.get() }.code == .notSignedIn)
                try FileManager.default.removeItem(at: file)
                try await market.session.clear()
            }
        }
    }

    @Test
    func a_session_of_an_app_that_was_uninstalled_is_not_taken_up() async throws {
        try await conformance { shop in
            let marker = try markerFile(of: shop)
            try await shop.app(marker: marker) { market in try await shop.signIn(market) }
            try await shop.app(marker: marker) { market in _ = try await market.cart.get() }
            try FileManager.default.removeItem(at: marker)
            try await shop.app(marker: marker) { market async throws in
                #expect(try await market.session.restore().signedOut == .noSession)
                try await market.session.logout()
                #expect(shop.secretFiles().isEmpty)
                #expect(try await failure { try await market.cart.get() }.code == .notSignedIn)
                #expect(FileManager.default.fileExists(atPath: marker.path))
            }
        }
    }

    @Test
    func an_install_marker_that_cannot_be_read_ends_no_session() async throws {
        try await conformance { shop in
            let marker = try markerFile(of: shop)
            try await shop.app(marker: marker) { market in try await shop.signIn(market) }
            try FileManager.default.removeItem(at: marker)
            try FileManager.default.createDirectory(at: marker, withIntermediateDirectories: false)
            try await shop.app(marker: marker) { market async throws in
                #expect(try await market.session.restore().signedIn != nil)
                _ = try await market.cart.get()
            }
        }
    }

    /// A file in a folder of its own.
    private func markerFile(of shop: Case) throws -> URL {
        let folder = shop.folder.appendingPathComponent("app")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.appendingPathComponent("installed")
    }
}

/// A store of the host's own, which can be locked.
final class HostStore: SecureStore, @unchecked Sendable {
    private let name = "memory \(UUID().uuidString)"
    private let guarded = NSLock()
    private var locked = false
    private var values: [String: Data] = [:]

    func lock(_ locked: Bool) {
        guarded.withLock { self.locked = locked }
    }

    func place() -> String { name }

    func read(key: String) throws -> Data? {
        try unlocked { values[key] }
    }

    func write(key: String, value: Data) throws {
        try unlocked { values[key] = value }
    }

    func delete(key: String) throws {
        try unlocked { values[key] = nil }
    }

    private func unlocked<Value>(_ use: () -> Value) throws -> Value {
        try guarded.withLock {
            if locked { throw StoreError.locked }
            return use()
        }
    }
}
