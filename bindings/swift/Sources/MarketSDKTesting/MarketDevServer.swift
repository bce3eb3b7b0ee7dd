import Foundation
import MarketSDK

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The market's development server: the whole API over a database in memory, with faults that a test plays.
///
/// ```swift
/// let server = try await MarketDevServer.start()
/// let market = try MarketClient(baseURL: server.baseURL, appID: "tests", store: .memory, allowHTTPLoopback: true)
/// …
/// await server.close()
/// ```
public final class MarketDevServer: Sendable {
    /// Where the API is: what a client is built with, with `allowHTTPLoopback: true`.
    public let baseURL: String

    private let control: URL
    private let program: (any RunningProgram)?

    /// A generation of the API.
    public enum Dialect: String, Sendable {
        /// As the API is documented.
        case documented
        /// The first generation that is deployed.
        case g1
        /// The second one.
        case g2
    }

    /// Why there is no server, or why it did not do what it was told.
    public struct Failure: LocalizedError, CustomStringConvertible {
        /// In words.
        public let description: String
        /// The same.
        public var errorDescription: String? { description }

        init(_ description: String) {
            self.description = description
        }
    }

    #if os(macOS) || os(Linux)
        /// Starts a server on a free port. It ends with ``close()``, with the last reference to it, and with this process.
        ///
        /// The program is the one that the variable `MARKET_DEV_SERVER` names, or `market-dev-server` on the `PATH`. It is an error
        /// if it does not listen within 30 seconds.
        ///
        /// - Parameter arguments: more of the program's, such as `--token-lifetime 60`; `market-dev-server --help` has them
        public static func start(dialect: Dialect = .documented, arguments: [String] = []) async throws -> MarketDevServer {
            try await start(program(in: ProcessInfo.processInfo.environment), dialect, arguments)
        }

        package static func start(
            _ path: String,
            _ dialect: Dialect,
            _ arguments: [String],
            within limit: Duration = .seconds(30)
        ) async throws -> MarketDevServer {
            let fixed = ["--port", "0", "--quiet", "--exit-with-stdin", "--dialect", dialect.rawValue]
            let program = try Program(path, fixed + arguments)
            let line = await program.firstLine(within: limit)
            let prefix = "listening on "
            guard line.hasPrefix(prefix) else {
                program.kill()
                let said = "\(path) did not say within \(limit) where it listens, but \"\(line)\""
                throw Failure("\(said); what went wrong is on its standard error.")
            }
            return try MarketDevServer(String(line.dropFirst(prefix.count)), program)
        }

        /// Where the server's program is.
        package static func program(in environment: [String: String]) throws -> String {
            if let named = environment["MARKET_DEV_SERVER"] {
                guard FileManager.default.isExecutableFile(atPath: named) else {
                    throw Failure("MARKET_DEV_SERVER names \(named), which is no program. \(howToInstall)")
                }
                return named
            }
            let folders = (environment["PATH"] ?? "").split(separator: ":")
            let programs = folders.map { "\($0)/market-dev-server" }
            guard let found = programs.first(where: FileManager.default.isExecutableFile) else {
                throw Failure("There is no market-dev-server on the PATH. \(howToInstall)")
            }
            return found
        }

        private static let howToInstall = "In a checkout of the SDK, install it with `cargo install --path tests/dev-server`, or build "
            + "it with `cargo build -p market-dev-server` and let MARKET_DEV_SERVER name target/debug/market-dev-server."
    #endif

    /// A server that runs already: tests in a simulator cannot start one. It is not stopped by ``close()``.
    public static func running(at baseURL: String) throws -> MarketDevServer {
        try MarketDevServer(baseURL, nil)
    }

    private init(_ baseURL: String, _ program: (any RunningProgram)?) throws {
        guard let control = URL(string: "/_dev/", relativeTo: URL(string: baseURL)) else {
            throw Failure("\(baseURL) is no address.")
        }
        self.baseURL = baseURL
        self.control = control
        self.program = program
    }

    deinit {
        program?.end()
    }

    /// Ends the server in good order, and returns when it is gone. One that does not go within 10 seconds is
    /// killed.
    public func close() async {
        await close(within: .seconds(10))
    }

    package func close(within limit: Duration) async {
        program?.end()
        await program?.ended(within: limit)
    }

    /// The code that was "sent" to this phone last, and can still be used.
    public func code(phone: String) async throws -> String {
        struct Code: Decodable {
            let code: String?
        }
        let sent = try await get("codes?phone=\(escaped(phone))", as: Code.self)
        guard let code = sent.code else { throw Failure("No code was sent that can still be used.") }
        return code
    }

    /// Ends all sessions at the server: the next call of each is refused.
    public func expireSessions() async throws {
        try await send("POST", "expire-sessions")
    }

    /// Moves the server's clock: sessions and codes grow old, and orders settle.
    public func advanceClock(by duration: Duration) async throws {
        try await send("POST", "clock", json: #"{"advance_seconds": \#(duration.seconds)}"#)
    }

    /// Plays a fault on a route, written as in `POST /cart/items` or `* /orders/{id}`; `*` alone is every route. One that the
    /// server does not have is an error, which lists those that it has.
    ///
    /// - Parameter times: how often; as long as the server runs if nothing is said
    public func fault(_ route: String, _ fault: Fault, times: Int? = nil) async throws {
        let times = times.map { #", "times": \#($0)"# } ?? ""
        try await send("POST", "faults", json: #"{"route": \#(quoted(route)), "fault": \#(fault.json)\#(times)}"#)
    }

    /// Plays no fault any more. What is held stays so until ``release()``.
    public func clearFaults() async throws {
        try await send("DELETE", "faults")
    }

    /// Lets the requests go on that a ``Fault/hold(acted:)`` holds, and ends that fault.
    public func release() async throws {
        try await send("POST", "release")
    }

    /// Waits until so many requests on a route, written as for a fault, are under way: come, and not yet answered, but held,
    /// delayed or being worked on. A fault that is to be played on them was taken by then: it may be cleared. It is an error if
    /// they are not within 10 seconds, which says what is under way, or if the server has no such route.
    public func arrived(_ route: String, count: Int = 1) async throws {
        try await send("GET", "arrived?route=\(escaped(route))&count=\(count)")
    }

    /// What the server was asked so far, in order.
    public func requests() async throws -> [Request] {
        try await get("requests", as: [Request].self)
    }

    /// What the server has stored of a market.
    public func state(of market: Market = .us) async throws -> Stored {
        let all = try await get("state", as: [String: Stored].self)
        guard let stored = all["\(market)"] else { throw Failure("The server knows no market \(market).") }
        return stored
    }

    private func get<Answer: Decodable>(_ path: String, as type: Answer.Type) async throws -> Answer {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try await decoder.decode(type, from: send("GET", path))
    }

    /// Makes a control call.
    @discardableResult
    package func send(_ method: String, _ path: String, json: String? = nil) async throws -> Data {
        guard let url = URL(string: path, relativeTo: control) else { throw Failure("\(path) is no path.") }
        var request = URLRequest(url: url)
        request.httpMethod = method
        if let json {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = Data(json.utf8)
        }
        let (body, answer) = try await URLSession.shared.data(for: request)
        let status = (answer as? HTTPURLResponse)?.statusCode ?? 0
        guard (200 ..< 300).contains(status) else {
            throw Failure("The dev server answered \(path) with \(status): \(String(decoding: body, as: UTF8.self))")
        }
        return body
    }
}

/// A text as a query has it.
private func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
}

/// A text as JSON has it.
func quoted(_ text: String) -> String {
    let encoded = try? JSONEncoder().encode(text)
    return encoded.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
}

/// What the server needs of its process, where there are processes.
private protocol RunningProgram: Sendable {
    func end()
    func ended(within limit: Duration) async
}

#if os(macOS) || os(Linux)
    /// The process of the server.
    private final class Program: RunningProgram, @unchecked Sendable {
        private let process = Process()
        private let input = Pipe()
        private let output = Pipe()
        private let gone: Task<Void, Never>

        init(_ path: String, _ arguments: [String]) throws {
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            process.standardInput = input
            process.standardOutput = output
            let (ended, end) = AsyncStream<Never>.makeStream()
            process.terminationHandler = { _ in end.finish() }
            gone = Task { for await _ in ended {} }
            try process.run()
        }

        /// Ends it if it says nothing in time. Reading blocks, and so stays off the few threads that all tasks share.
        func firstLine(within limit: Duration) async -> String {
            let killer = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                kill()
            }
            defer { killer.cancel() }
            return await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    var line = Data()
                    while let byte = try? self.output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8), !byte.isEmpty {
                        line += byte
                    }
                    continuation.resume(returning: String(decoding: line, as: UTF8.self))
                }
            }
        }

        func kill() {
            if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        }

        func end() {
            try? input.fileHandleForWriting.close()
        }

        func ended(within limit: Duration) async {
            let killer = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                kill()
            }
            await gone.value
            killer.cancel()
        }
    }
#endif
