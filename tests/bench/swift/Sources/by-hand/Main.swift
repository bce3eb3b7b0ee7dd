import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif
import Side

struct Cart: Decodable {
    let id: Int
    let user_id: Int
    let items: [Line]
    let total_price: Double
}

struct Line: Decodable {
    let id: Int
    let sku_id: Int
    let quantity: Int
    let name: String
    let price: Double
    let image: String
}

struct Wishlist: Decodable {
    let id: Int
    let user_id: Int
    let items: [Entry]
}

struct Entry: Decodable {
    let id: Int
    let product: Product
}

struct Product: Decodable {
    let id: String
    let name: String
    let slug: String
    let brand: String
    let price: Double
    let originalPrice: Double?
    let discount: Double
    let image: String
    let images: [String]
    let category: String
    let subcategory: String
    let sizes: [String]
    let colors: [String]
    let rating: Double
    let reviews: Int
    let salesCount: Int
    let inStock: Bool
    let description: String
}

struct SignedIn: Decodable {
    let access_token: String
}

enum Failed: Error {
    case signedOut
    case status(Int)
}

/// What an app writes without the SDK: URLSession and Codable, two headers, and a look at the status.
@main
struct ByHand: Side {
    private let given: Given
    private let token = Token()

    /// Shared by all calls, as an app's is.
    private actor Token {
        var text = ""

        func set(_ text: String) {
            self.text = text
        }
    }

    init(_ given: Given) throws {
        self.given = given
    }

    static func main() async throws {
        try await run()
    }

    private var tokenFile: URL {
        given.folder.appendingPathComponent("token")
    }

    private func get<Value: Decodable>(_ path: String) async throws -> Value {
        var request = URLRequest(url: URL(string: given.baseURL + path)!)
        request.setValue("Bearer \(await token.text)", forHTTPHeaderField: "Authorization")
        request.setValue("us", forHTTPHeaderField: "X-Market")
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as! HTTPURLResponse).statusCode
        if status == 401 { throw Failed.signedOut }
        guard (200..<300).contains(status) else { throw Failed.status(status) }
        return try JSONDecoder().decode(Value.self, from: data)
    }

    func signIn() async throws {
        var request = URLRequest(url: URL(string: given.baseURL + "/auth/verify-code")!)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = try JSONEncoder().encode(["phone": phone, "verification_code": code])
        let (data, _) = try await URLSession.shared.data(for: request)
        let text = try JSONDecoder().decode(SignedIn.self, from: data).access_token
        try text.write(to: tokenFile, atomically: true, encoding: .utf8)
        await token.set(text)
    }

    func open() async throws {
        await token.set(try String(contentsOf: tokenFile, encoding: .utf8))
    }

    func cart() async throws -> (lines: Int, pieces: Int) {
        let cart: Cart = try await get("/cart")
        return (cart.items.count, cart.items.reduce(0) { $0 + $1.quantity })
    }

    func wishlist() async throws -> Int {
        let wishlist: Wishlist = try await get("/wishlist")
        return wishlist.items.count
    }
}
