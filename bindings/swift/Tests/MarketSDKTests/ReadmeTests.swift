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
        await server.close()
        shop.token = token
        await #expect(throws: (any Error).self) { try await shop.logOut() }
        #expect(shop.token == token)
    }

    @Test
    func what_readme_shows_of_calls_that_wait_and_of_a_checkout_is_what_happens() async throws {
        let server = try await MarketDevServer.start()
        let router = LoginRouter()
        let market = try MarketClient(
            baseURL: server.baseURL,
            appID: "com.example.shop",
            store: .memory,
            parkOnExpiry: ParkOnExpiry(limit: 20, patience: .seconds(10 * 60)),
            allowHTTPLoopback: true
        )
        let following = Task {
            for await state in market.session.states {
                if case let .expired(user, _, waiting) = state {
                    router.showLogin(user.phone, hint: "Sign in to go on: \(waiting) waiting")
                }
            }
        }
        func signIn() async throws {
            try await server.advanceClock(by: .seconds(1))
            try await market.session.requestCode(phone: usPhone)
            try await market.session.verifyCode(phone: usPhone, code: server.code())
        }
        func checkout(on market: MarketClient, _ banner: Banner) async throws {
            try market.session.onExpiringSoon { soon in banner.show("Your session lasts \(soon.left.components.seconds) s more") }

            do {
                try await market.session.requireValidity(duration: .seconds(10 * 60))
            } catch let error as MarketError where error.code == .sessionExpired {
                try await signIn()
            }
        }
        try await signIn()
        try await server.expireSessions()
        let add = Task { try await market.cart.add(sku: 42, quantity: 2) }
        #expect(try await first(in: router.shown) { $0.contains(": 1 waiting") ? $0 : nil } == "\(usPhone) Sign in to go on: 1 waiting")
        try await signIn()
        #expect(try await add.value.lines == [[42, 2]])
        following.cancel()
        try await checkout(on: market, Banner())
        // One that ends soon.
        let fake = FakeMarketClient(signedInAs: usPhone)
        let banner = Banner()
        fake.expiringSoon(left: .seconds(90))
        try await server.expireSessions()
        try await checkout(on: fake.client, banner)
        #expect(try await first(in: banner.shown) { $0 } == "Your session lasts 90 s more")
        #expect(try await market.session.profile().id == 19)
    }

    private final class LoginRouter: Sendable {
        let (shown, screen) = AsyncStream<String>.makeStream()

        func showLogin(_ phone: PhoneNumber, hint: String) {
            screen.yield("\(phone.value) \(hint)")
        }
    }

    private final class Banner: Sendable {
        let (shown, text) = AsyncStream<String>.makeStream()

        func show(_ text: String) {
            self.text.yield(text)
        }
    }

    @Test
    func what_readme_shows_of_orders_is_what_happens() async throws {
        let fake = FakeMarketClient(signedInAs: usPhone)
        let market = fake.client
        var shown: [String] = []
        func show(_ order: Order) { shown.append("order \(order.id)") }
        func askAgain(in time: Duration?) { shown.append("again in \(time?.components.seconds ?? 0)") }
        func offerToOrderAgain() { shown.append("again") }
        func showOrders() { shown.append("list") }
        func place(_ order: NewOrder) async throws {
            do {
                try await show(market.orders.place(order))
            } catch let error as MarketError where [.outcomeUnknown, .orderPending].contains(error.code) {
                switch try await market.orders.resolve() {
                case let .placed(order): show(order)
                case let .notSeenYet(settlesIn): askAgain(in: settlesIn)
                case .notPlaced, .nothingPending: offerToOrderAgain()
                case .unreadable: showOrders()
                }
            }
        }
        let order = NewOrder(
            customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", items: [NewOrderItem(skuID: 42, quantity: 1)])
        try await place(order)
        for placed in [true, false] {
            fake.loseOrderAnswer(placed: placed)
            try await place(order)
        }
        fake.shop.advanceClock(by: .seconds(900))
        try await place(order)
        #expect(shown == ["order 1", "order 2", "again in 900", "again"])
    }

    @Test
    func what_readme_shows_of_an_app_that_is_installed_anew_is_what_happens() async throws {
        let server = try await MarketDevServer.start()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("market-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let market = try MarketClient(
            baseURL: server.baseURL,
            appID: "com.example.shop",
            store: .memory,
            allowHTTPLoopback: true,
            installMarker: folder.appendingPathComponent("installed")
        )
        try await market.session.requestCode(phone: usPhone)
        try await market.session.verifyCode(phone: usPhone, code: server.code())
        #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("installed").path))
    }

    @Test
    func readmes_code_is_the_code_that_is_tested() throws {
        let here = URL(fileURLWithPath: #filePath)
        let tests = here.deletingLastPathComponent()
        let folder = tests.deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
        let example = folder.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("examples/swift/Package.swift")
        let client = folder.appendingPathComponent("Sources/MarketSDK/MarketClient.swift")
        let sources = ["ReadmeTests.swift", "ReadmeAppTests.swift"].map(tests.appendingPathComponent) + [client, example]
        let own = try sources.map { try bare(String(contentsOf: $0, encoding: .utf8)) }.joined()
        let blocks = readme.components(separatedBy: "\n```swift\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
        #expect(blocks.count == 11)
        for part in blocks.flatMap({ $0.components(separatedBy: "\n\n") }) {
            // Only the server's address is the tests' own.
            guard !part.contains("let api = ") else { continue }
            #expect(own.contains(bare(part)), "\(part)")
        }
    }

    /// Without comments, spaces, and what only a test does.
    private func bare(_ code: String) -> String {
        let lines = code.split(separator: "\n").map { line in
            line.contains("\"http") ? String(line) : line.components(separatedBy: "//")[0]
        }
        let ours = [
            "(locale:Locale(identifier:\"en_US\"))": "()", "server.baseURL,": "\"https://api.example.com/api/v1\",",
            ",store:.memory": "", ",allowHTTPLoopback:true": "",
        ]
        return ours.reduce(lines.joined().filter { !$0.isWhitespace }) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
    }
}
