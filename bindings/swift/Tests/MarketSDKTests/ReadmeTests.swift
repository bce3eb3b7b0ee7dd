import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What README.md shows is compiled here, and happens.
@MainActor
@Suite(.timeLimit(.minutes(2)))
struct ReadmeTests {
    private final class Router {
        let (shown, screen) = AsyncStream<SessionState>.makeStream()

        func show(_ state: SessionState) {
            screen.yield(state)
        }
    }

    private struct ShopError: Error {
        let text: String
    }

    @Test
    func what_readme_shows_is_what_happens() async throws {
        let server = try await MarketDevServer.start(arguments: ["--no-rate-limits"])
        let router = Router()
        var total = ""
        let market = try MarketClient(baseURL: server.baseURL, appID: "com.example.shop", store: .memory, allowHTTPLoopback: true)

        Task { for await state in market.session.states { router.show(state) } }

        func tap() async throws {
            do {
                let cart = try await market.cart.add(sku: 42, quantity: 2)
                total = cart.totalPrice.formatted(locale: Locale(identifier: "en_US"))
            } catch let error as MarketError where error.code == .sessionExpired {
            }
        }

        _ = try await first(in: router.shown, \.signedOut)
        #expect(try await failure { try await tap() }.code == .notSignedIn)
        try await market.session.requestCode(phone: usPhone)
        try await market.session.verifyCode(phone: usPhone, code: server.code())
        _ = try await first(in: router.shown, \.signedIn)
        try await tap()
        #expect(total == "$39.98")
        try await server.expireSessions()
        try await tap()
        #expect(try await first(in: router.shown) { $0.expired?.user }.phone.value == usPhone)
    }

    // swiftformat:disable all
    @MainActor
    final class Shop {
        let api: String
        var token = UserDefaults.standard.string(forKey: "token")
        var showLogin: () -> Void = {}

        init(api: String) { self.api = api }

        func call(_ method: String, _ path: String, _ body: [String: Any]? = nil) async throws -> [String: Any] {
            var request = URLRequest(url: URL(string: api + path)!)
            request.httpMethod = method
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.setValue("us", forHTTPHeaderField: "X-Market")
            if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
            if let body { request.httpBody = try JSONSerialization.data(withJSONObject: body) }
            let (data, response) = try await URLSession.shared.data(for: request)
            let answer = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
            let status = (response as! HTTPURLResponse).statusCode
            if status == 401 {
                token = nil
                UserDefaults.standard.removeObject(forKey: "token")
                showLogin()
            }
            if status >= 400 { throw ShopError(text: answer["message"] as? String ?? answer["detail"] as? String ?? "") }
            return answer
        }

        func signIn(phone: String, code: String) async throws {
            let answer = try await call("POST", "/auth/verify-code", ["phone": phone, "verification_code": code])
            token = answer["access_token"] as? String
            UserDefaults.standard.set(token, forKey: "token")
        }

        func add(sku: Int, quantity: Int) async throws -> Double {
            let cart = try await call("POST", "/cart/items", ["sku_id": sku, "quantity": quantity])
            return cart["total_price"] as! Double
        }

        func logOut() async throws {
            _ = try await call("POST", "/auth/logout")
            token = nil
            UserDefaults.standard.removeObject(forKey: "token")
        }
    }
    // swiftformat:enable all

    @Test
    func what_is_written_by_hand_works_where_nothing_goes_wrong_and_is_wrong_where_readme_says_so() async throws {
        let server = try await MarketDevServer.start(arguments: ["--no-rate-limits"])
        let market = try MarketClient(baseURL: server.baseURL, appID: "a", store: .memory, allowHTTPLoopback: true)
        try await market.session.requestCode(phone: usPhone)
        let shop = Shop(api: server.baseURL)
        var logins = 0
        shop.showLogin = { logins += 1 }
        try await shop.signIn(phone: usPhone, code: server.code())
        #expect(try await shop.add(sku: 42, quantity: 2) == 39.98)
        try await server.expireSessions()
        let token = shop.token
        for _ in 1 ... 3 {
            shop.token = token
            await #expect(throws: ShopError.self) { try await shop.add(sku: 42, quantity: 1) }
        }
        #expect(logins == 3)
        await server.stop()
        shop.token = token
        await #expect(throws: (any Error).self) { try await shop.logOut() }
        #expect(shop.token == token)
    }

    @Test
    func readmes_code_is_the_code_that_is_tested() throws {
        let here = URL(fileURLWithPath: #filePath)
        let folder = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
        let own = try bare(String(contentsOf: here, encoding: .utf8))
            .replacingOccurrences(of: "formatted(locale:Locale(identifier:\"en_US\"))", with: "formatted()")
        let blocks = readme.components(separatedBy: "\n```swift\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
        #expect(blocks.count == 2)
        for part in blocks.flatMap({ $0.components(separatedBy: "\n\n") }) {
            // Only the server's address is the tests' own.
            guard !part.hasPrefix("let market = "), !part.contains("let api = ") else { continue }
            #expect(own.contains(bare(part)), "\(part)")
        }
    }

    /// Without comments and spaces.
    private func bare(_ code: String) -> String {
        let lines = code.split(separator: "\n").map { line in
            line.contains("\"http") ? String(line) : line.components(separatedBy: "//")[0]
        }
        return lines.joined().filter { !$0.isWhitespace }
    }
}
