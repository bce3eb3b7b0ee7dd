import Foundation
import MarketSDK
import Side

/// The SDK's side.
@main
struct SDK: Side {
    private let market: MarketClient

    init(_ given: Given) throws {
        market = try MarketClient(
            baseURL: given.baseURL,
            appID: "com.example.bench",
            store: .file(folder: given.folder.appendingPathComponent("session").path),
            allowHTTPLoopback: true
        )
    }

    static func main() async throws {
        try await run()
    }

    func signIn() async throws {
        _ = try await market.session.verifyCode(phone: phone, code: code)
    }

    func open() async throws {
        guard case .signedIn = try await market.session.restore() else { fatalError("nobody is signed in") }
    }

    func cart() async throws -> (lines: Int, pieces: Int) {
        let cart = try await market.cart.get()
        return (cart.items.count, cart.items.reduce(0) { $0 + Int($1.quantity) })
    }

    func wishlist() async throws -> Int {
        try await market.wishlist.get().items.count
    }
}
