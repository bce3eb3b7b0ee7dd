import Foundation
import MarketSDK
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The dev server, as a process that ends with this one.
final class DevServer: @unchecked Sendable {
    let baseURL: String
    private let control: URL
    private let process: Process
    private let input: Pipe

    init(_ arguments: [String] = ["--no-rate-limits"]) async throws {
        let program = try #require(
            ProcessInfo.processInfo.environment["MARKET_DEV_SERVER"],
            "Run `cargo xtask test swift`: it says where the dev server is."
        )
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["--quiet", "--exit-with-stdin"] + arguments
        input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // It blocks, and so stays off the few threads that all tests share.
        let line = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var line = Data()
                while let byte = try? output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8), !byte.isEmpty {
                    line += byte
                }
                continuation.resume(returning: String(decoding: line, as: UTF8.self))
            }
        }
        let prefix = "listening on "
        try #require(line.hasPrefix(prefix), "the dev server said: \(line)")
        baseURL = String(line.dropFirst(prefix.count))
        control = try #require(URL(string: "/_dev/", relativeTo: URL(string: baseURL)))
    }

    deinit {
        stop()
    }

    func stop() {
        try? input.fileHandleForWriting.close()
    }

    /// Stops, and waits until nothing listens any more.
    func stopped() async {
        stop()
        while process.isRunning {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    func code(for phone: String = usPhone) async throws -> String {
        struct Code: Decodable {
            let code: String?
        }
        let asked = phone.replacingOccurrences(of: "+", with: "%2B")
        return try #require(try await get("codes?phone=\(asked)", as: Code.self).code)
    }

    func expireSessions() async throws {
        try await send("POST", "expire-sessions")
    }

    func advanceClock(seconds: Int) async throws {
        try await send("POST", "clock", json: #"{"advance_seconds": \#(seconds)}"#)
    }

    /// Plays a fault: `fault` is JSON, as in the dev server's README.
    func fault(_ route: String, _ fault: String, times: Int? = nil) async throws {
        let times = times.map { #", "times": \#($0)"# } ?? ""
        try await send("POST", "faults", json: #"{"route": "\#(route)", "fault": \#(fault)\#(times)}"#)
    }

    /// Holds requests on `route` until they are released.
    func hold(_ route: String) async throws {
        try await fault(route, #"{"kind": "hold"}"#)
    }

    func release() async throws {
        try await send("POST", "release")
    }

    /// Waits until so many requests on `route` have come.
    func arrived(_ route: String, count: Int = 1) async throws {
        try await waits(for: "\(count) x \(route)") { try await self.requests(route).count >= count }
    }

    /// Waits until so many requests on `route` were given up by the client.
    func aborted(_ route: String, count: Int = 1) async throws {
        try await waits(for: "\(count) x \(route), aborted") {
            try await self.requests(route).filter(\.aborted).count >= count
        }
    }

    private func waits(for what: String, _ held: @escaping @Sendable () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try await !held() {
            guard ContinuousClock.now < end else { throw Missing(what: what) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// What the server has stored in the market of the United States.
    func stored() async throws -> Stored {
        try await get("state", as: [String: Stored].self)["us"] ?? Stored(users: [], orders: [])
    }

    func sql(_ statement: String) async throws {
        try await send("POST", "sql", json: String(decoding: JSONEncoder().encode(["sql": statement]), as: UTF8.self))
    }

    /// The log: what the server saw, in order.
    func requests(_ route: String? = nil) async throws -> [LoggedRequest] {
        let all = try await get("requests", as: [LoggedRequest].self)
        return all.filter { route == nil || $0.route == route }
    }

    private func get<Answer: Decodable>(_ path: String, as type: Answer.Type) async throws -> Answer {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try await decoder.decode(type, from: send("GET", path))
    }

    @discardableResult
    private func send(_ method: String, _ path: String, json: String? = nil) async throws -> Data {
        var request = try URLRequest(url: #require(URL(string: path, relativeTo: control)))
        request.httpMethod = method
        if let json {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = Data(json.utf8)
        }
        let (body, answer) = try await URLSession.shared.data(for: request)
        let status = (answer as? HTTPURLResponse)?.statusCode ?? 0
        try #require((200 ..< 300).contains(status), "\(path): \(status) \(String(decoding: body, as: UTF8.self))")
        return body
    }
}

/// An entry of the dev server's log.
struct LoggedRequest: Decodable {
    let method: String
    let path: String
    let headers: [String: String]
    let status: Int?
    let aborted: Bool

    /// As in `POST /cart/items`.
    var route: String {
        "\(method) \(path.replacingOccurrences(of: "/api/v1", with: ""))"
    }
}

struct Stored: Decodable {
    struct User: Decodable {
        let isActive: Bool
    }

    struct Order: Decodable {
        let id: Int
    }

    let users: [User]
    let orders: [Order]
}

struct Missing: Error {
    let what: String
}
