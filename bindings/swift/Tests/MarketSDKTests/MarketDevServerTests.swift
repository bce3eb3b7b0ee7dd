import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

/// What an app's tests do to the dev server.
@Suite(.timeLimit(.minutes(2)))
struct MarketDevServerTests {
    @Test
    func a_server_that_is_not_there_says_how_one_is_installed() async throws {
        for environment in [[:], ["PATH": "/nowhere:/etc"], ["MARKET_DEV_SERVER": "/nowhere/market-dev-server"]] {
            #expect {
                try MarketDevServer.program(in: environment)
            } throws: { missing in
                missing.localizedDescription.contains("cargo install --path tests/dev-server")
                    && "\(missing)".contains(environment["MARKET_DEV_SERVER"] ?? "PATH")
            }
        }
    }

    @Test
    func a_server_is_found_on_the_path() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("market-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = folder.appendingPathComponent("market-dev-server").path
        let made = FileManager.default.createFile(atPath: program, contents: nil, attributes: [.posixPermissions: 0o755])
        try #require(made)
        #expect(try MarketDevServer.program(in: ["PATH": "/nowhere:\(folder.path)"]) == program)
        #expect(try MarketDevServer.program(in: ["MARKET_DEV_SERVER": program, "PATH": "/nowhere"]) == program)
    }

    @Test
    func a_server_that_does_not_start_is_an_error() async throws {
        await #expect(throws: MarketDevServer.Failure.self) { try await MarketDevServer.start(arguments: ["--no-such-thing"]) }
    }

    @Test
    func a_server_that_is_stopped_is_gone_and_one_that_runs_is_steered_from_elsewhere() async throws {
        let server = try await MarketDevServer.start(dialect: .g2)
        let same = try MarketDevServer.running(at: server.baseURL)
        let market = try MarketClient(baseURL: server.baseURL, appID: "a", store: .memory, allowHTTPLoopback: true)
        try await market.session.requestCode(phone: usPhone)
        try await market.session.verifyCode(phone: usPhone, code: same.code(phone: usPhone))
        try await market.cart.add(sku: 42, quantity: 2)
        let stored = try await same.state()
        #expect(stored.users.map(\.phone) == [usPhone])
        #expect(stored.carts.map(\.items.first?.quantity) == [2])
        #expect(stored.stock["105"] == 0)
        #expect(try await same.requests().map(\.route).last == "POST /cart/items")
        await #expect(throws: MarketDevServer.Failure.self) { try await same.code(phone: kgPhone) }
        // It is not its own.
        await same.close()
        _ = try await market.cart.get()
        await server.close()
        #expect(try await failure { try await market.cart.get() }.code == .network)
    }

    /// Makes a program of a script.
    private func program(_ script: String, in folder: URL) throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let program = folder.appendingPathComponent("market-dev-server").path
        let text = Data("#!/usr/bin/env bash\n\(script)\nexec sleep 60\n".utf8)
        let made = FileManager.default.createFile(atPath: program, contents: text, attributes: [.posixPermissions: 0o755])
        try #require(made)
        return program
    }

    @Test
    func a_program_that_says_nothing_is_killed() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("market-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let silent = try program("", in: folder)
        let started = Task { try await MarketDevServer.start(silent, .documented, [], within: .milliseconds(10)) }
        await #expect(throws: MarketDevServer.Failure.self) { try await within(.seconds(20)) { try await started.value } }
    }

    @Test
    func a_server_that_does_not_end_by_itself_is_killed() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("market-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let stubborn = try program("echo listening on http://127.0.0.1:1/api/v1", in: folder)
        let server = try await MarketDevServer.start(stubborn, .documented, [])
        let (closed, close) = AsyncStream<Bool>.makeStream()
        Task {
            await server.close(within: .milliseconds(10))
            close.yield(true)
        }
        #expect(try await first(in: closed) { $0 })
    }

    @Test
    func each_fault_is_one_that_the_server_plays() async throws {
        let server = try await MarketDevServer.start()
        let market = try MarketClient(baseURL: server.baseURL, appID: "a", store: .memory, allowHTTPLoopback: true)
        // Late, and then read once more.
        try await server.fault("*", .latency(.milliseconds(1)), times: 1)
        try await server.fault("GET /auth/markets", .reset(), times: 1)
        #expect(try await market.session.markets().supported.count == 2)
        let faults: [(MarketDevServer.Fault, ErrorCode, Int?)] = [
            (.status(429, retryAfter: .seconds(3600)), .rateLimited, 429),
            (.answer(500, body: #"a "quoted" \ word"#), .server, 500),
            (.html(status: 403), .rejected, 403),
            (.misTyped, .unexpectedResponse, 200),
            (.json(#"{"kind": "truncated"}"#), .network, nil),
        ]
        for (fault, code, status) in faults {
            try await server.fault("GET /auth/markets", fault, times: code == .network ? nil : 1)
            let failed = try await failure { try await market.session.markets() }
            #expect(failed.code == code)
            #expect(failed.status == status)
        }
        try await server.clearFaults()
        try await server.fault("GET /auth/markets", .hold())
        let held = Task { try await market.session.markets() }
        for route in ["GET /auth/markets", "* /auth/markets/", "GET /auth/{what}", "*"] { try await server.arrived(route) }
        try await server.release()
        #expect(try await held.value.supported.count == 2)
        await #expect(throws: MarketDevServer.Failure.self) { try await server.fault("*", .json(#"{"kind": "no such"}"#)) }
    }

    @Test
    func a_route_has_a_call_or_none() {
        #expect(["POST /cart/items", "GET /cart/", "PUT /cart/items/7", "DELETE /cart/items/{line}"].allSatisfy { Route($0).hasCall })
        #expect(["GET /products", "GET /cart/items", "POST /cart", "GET /{what}"].allSatisfy { !Route($0).hasCall })
    }
}
