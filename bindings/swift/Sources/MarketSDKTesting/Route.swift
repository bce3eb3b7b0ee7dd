/// A route as a test writes it, `GET /products/{id}`: `{…}` stands for one part of the path, and a closing slash makes no
/// difference.
package struct Route: Sendable, Equatable {
    private let parts: [Substring]

    package init(_ text: String) {
        let bare = text.hasSuffix("/") ? text.dropLast() : text[...]
        parts = bare.split(separator: "/", omittingEmptySubsequences: false)
    }

    /// Whether this stands for the other one.
    package func fits(_ other: Route) -> Bool {
        parts.count == other.parts.count
            && zip(parts, other.parts).allSatisfy { part, of in part == of || part.hasPrefix("{") && part.hasSuffix("}") }
    }

    /// Whether the client has a call of its own for it.
    package var hasCall: Bool {
        Self.ofCalls.contains { $0.fits(self) }
    }

    private static let ofCalls = [
        "POST /auth/send-verification", "POST /auth/verify-code", "GET /auth/verify-token", "GET /auth/profile", "PUT /auth/profile",
        "GET /auth/markets", "POST /auth/logout", "GET /cart", "DELETE /cart", "POST /cart/items", "PUT /cart/items/{id}",
        "DELETE /cart/items/{id}", "GET /wishlist", "DELETE /wishlist", "POST /wishlist/items", "DELETE /wishlist/items/{id}",
        "POST /orders/create", "GET /orders", "GET /orders/{id}", "POST /profile/orders/{id}/cancel",
    ].map(Route.init)
}
