import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

/// What a call throws, if it is the SDK's error.
func failure<Value: Sendable>(
    isolation: isolated (any Actor)? = #isolation,
    of call: () async throws -> Value,
    at location: SourceLocation = #_sourceLocation
) async throws -> MarketError {
    do {
        _ = try await call()
    } catch let error as MarketError {
        return error
    }
    throw Missing(what: "an error at \(location)")
}

/// Reads a stream until one element is as it should be.
func first<Element: Sendable, Found: Sendable>(
    in stream: AsyncStream<Element>,
    _ wanted: @escaping @Sendable (Element) -> Found?
) async throws -> Found {
    try await within(.seconds(20)) {
        for await element in stream {
            if let found = wanted(element) {
                return found
            }
        }
        throw Missing(what: "an element of \(Element.self)")
    }
}

/// Gives up when it takes too long.
func within<Value: Sendable>(
    _ limit: Duration,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw Missing(what: "an end within \(limit)")
        }
        defer { group.cancelAll() }
        return try await group.next()!
    }
}

extension SessionState {
    var signedIn: User? {
        if case let .signedIn(user, _, _) = self { user } else { nil }
    }

    var expired: (user: User, reason: EndReason)? {
        if case let .expired(user, reason, _) = self { (user, reason) } else { nil }
    }

    var signedOut: SignedOutReason? {
        if case let .signedOut(reason) = self { reason } else { nil }
    }
}

struct Missing: Error {
    let what: String
}

extension MarketDevServer {
    func code() async throws -> String {
        try await code(phone: usPhone)
    }

    /// The requests on a route.
    func requests(_ route: String) async throws -> [Request] {
        try await requests().filter { $0.route == route }
    }

    /// Holds requests on `route` until they are released.
    func hold(_ route: String) async throws {
        try await fault(route, .hold())
    }

    /// Waits until so many requests on `route` were given up by the client.
    func aborted(_ route: String, count: Int = 1) async throws {
        while try await requests(route).count(where: \.aborted) < count {
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func sql(_ statement: String) async throws {
        try await send("POST", "sql", json: String(decoding: JSONEncoder().encode(["sql": statement]), as: UTF8.self))
    }
}
