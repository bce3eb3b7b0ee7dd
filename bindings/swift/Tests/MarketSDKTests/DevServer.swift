import Foundation
import MarketSDK
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The dev server, as a process that ends with this one.
final class DevServer: @unchecked Sendable {
    /// A number of the United States' market.
    static let phone = "+13128059851"

    let baseURL: String
    private let control: URL
    private let process: Process
    private let input: Pipe

    /// Starts one. The log of a conformance case is written where the table is made from it.
    init(dialect: String = "documented", id: String? = nil, arguments: [String] = []) async throws {
        let environment = ProcessInfo.processInfo.environment
        let program = try #require(
            environment["MARKET_DEV_SERVER"],
            "Run `cargo xtask test swift`: it says where the dev server is."
        )
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["--quiet", "--no-rate-limits", "--exit-with-stdin", "--dialect", dialect] + arguments
        if let id, let folder = environment["MARKET_CONFORMANCE"] {
            process.arguments? += ["--log", "\(folder)/\(id).json"]
        }
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

    func client(
        store: SessionStore = .memory,
        market: Market? = nil,
        timeout: Duration? = nil
    ) throws -> MarketClient {
        try MarketClient(
            baseURL: baseURL,
            appID: "com.example.shop",
            market: market,
            store: store,
            timeout: timeout,
            allowHTTPLoopback: true
        )
    }

    func code(for phone: String = DevServer.phone) async throws -> String {
        struct Code: Decodable {
            let code: String?
        }
        let asked = phone.replacingOccurrences(of: "+", with: "%2B")
        return try #require(try await get("codes?phone=\(asked)", as: Code.self).code)
    }

    func signIn(_ market: MarketClient, phone: String = DevServer.phone) async throws {
        _ = try await market.session.requestCode(phone: phone)
        _ = try await market.session.verifyCode(phone: phone, code: code(for: phone))
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

    func clearFaults() async throws {
        try await send("DELETE", "faults")
    }

    func sql(_ statement: String) async throws {
        try await send("POST", "sql", json: String(decoding: JSONEncoder().encode(["sql": statement]), as: UTF8.self))
    }

    /// The log: what the server saw, in order.
    func requests(_ route: String? = nil) async throws -> [LoggedRequest] {
        let all = try await get("requests", as: [LoggedRequest].self)
        return all.filter { route == nil || $0.route == route }
    }

    /// Waits for a request on `route` that is as it should be.
    @discardableResult
    func request(_ route: String, where wanted: (LoggedRequest) -> Bool) async throws -> LoggedRequest {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        while clock.now < end {
            if let found = try await requests(route).first(where: wanted) {
                return found
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw Missing(what: "a request to \(route)")
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

struct Missing: Error {
    let what: String
}
