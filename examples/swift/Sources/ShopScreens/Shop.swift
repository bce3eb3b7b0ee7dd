import Foundation
import MarketSDK

/// Where the shopper reads and types.
@MainActor
public struct Terminal {
    let say: (String) -> Void
    let ask: (String) async throws -> String?

    /// - Parameter ask: gives what is typed after the prompt, and nothing when nobody types any more
    public init(say: @escaping (String) -> Void, ask: @escaping (String) async throws -> String?) {
        self.say = say
        self.ask = ask
    }
}

/// A shop of two screens, which the session's state chooses between. No token is ever seen here.
@MainActor
public final class Shop {
    private let market: MarketClient
    private let terminal: Terminal
    private let locale = Locale(identifier: "en_US")

    public init(_ market: MarketClient, _ terminal: Terminal) {
        self.market = market
        self.terminal = terminal
    }

    /// Thrown by leaving.
    private struct Left: Error {}

    public func open() async throws {
        try await market.session.restore()
        do {
            while true {
                switch market.session.state {
                case .signedIn: try await shop(ask("> "))
                case let .expired(user, _, _): try await login("Your session has ended, \(user.phone). Your cart is kept.")
                case .signedOut: try await login("Welcome.")
                case .restoring, .locked: return say("The session cannot be read.")
                }
            }
        } catch is Left {
            say("Goodbye.")
        }
    }

    private func login(_ greeting: String) async throws {
        say(greeting)
        let phone = try await ask("phone> ")
        guard try await telling({ try await market.session.requestCode(phone: phone) }) == nil else { return }
        var wrong: ErrorCode?
        repeat {
            let code = try await ask("code> ")
            wrong = try await telling { try await market.session.verifyCode(phone: phone, code: code) }
        } while wrong == .wrongCode
    }

    private func shop(_ line: String) async throws {
        let words = line.split(separator: " ")
        let number = words.dropFirst().first.flatMap { Int($0) } ?? 0
        let pieces = words.dropFirst(2).first.flatMap { Int($0) } ?? 1
        _ = try await telling {
            switch words.first {
            case "products": try await products()
            case "add": try await show(market.cart.add(sku: number, quantity: pieces))
            case "cart": try await show(market.cart.get())
            case "remove": try await show(market.cart.remove(line: number))
            case "wish": try await show(market.wishlist.add(product: number))
            case "wishlist": try await show(market.wishlist.get())
            case "checkout": try await checkout()
            case "resolve": try await resolve()
            case "orders": for order in try await market.orders.list() { show(order) }
            case "cancel": try await say("Order \(market.orders.cancel(order: number).id) is cancelled.")
            case "logout": try await market.session.logout()
            default:
                say(
                    "products, add SKU [PIECES], cart, remove LINE, wish PRODUCT, wishlist, "
                        + "checkout, resolve, orders, cancel ORDER, logout, quit"
                )
            }
        }
    }

    private struct Product: Decodable {
        let id: Int
        let name: String
        let sku_id: Int
    }

    /// A route that the SDK has no call for goes through the same door.
    private func products() async throws {
        let answer = try await market.request(RawRequest(method: .get, path: "/products"))
        for product in try answer.decoded(as: [Product].self) {
            say("\(product.id) \(product.name), sku \(product.sku_id)")
        }
    }

    private func checkout() async throws {
        let order = try await NewOrder(
            customerName: ask("name> "),
            customerPhone: ask("phone> "),
            deliveryAddress: ask("address> ")
        )
        try await show(market.orders.place(order))
    }

    /// Finds out what became of an order whose answer was lost.
    private func resolve() async throws {
        switch try await market.orders.resolve() {
        case let .placed(order): show(order)
        case .notSeenYet: say("It may still come. Ask again: resolve")
        case .notPlaced: say("It was not placed.")
        case .unreadable: say("It is not known. See: orders")
        case .nothingPending: say("There is nothing to find out.")
        }
    }

    private func show(_ cart: Cart) {
        for line in cart.items.sorted(by: { $0.id < $1.id }) {
            say("line \(line.id): \(line.quantity) x \(line.name), \(line.price.formatted(locale: locale))")
        }
        say("in all \(cart.totalPrice.formatted(locale: locale))")
    }

    private func show(_ wishlist: Wishlist) {
        for product in wishlist.items.map(\.product) {
            say("\(product.id) \(product.name), \(product.price?.formatted(locale: locale) ?? "no price")")
        }
    }

    private func show(_ order: Order) {
        let total = order.totalAmount.formatted(locale: locale)
        say("order \(order.id) \(order.orderNumber ?? ""): \(order.status), \(total) with shipping")
    }

    /// Does it, and says what went wrong. Gives back the code of what failed.
    private func telling(_ act: @MainActor () async throws -> Void) async throws -> ErrorCode? {
        do {
            try await act()
            return nil
        } catch let error as MarketError {
            switch error.code {
            // The state has led to the login screen already.
            case .sessionExpired, .notSignedIn, .signedOut: break
            // It may have been placed: find out before placing it again.
            case .outcomeUnknown, .orderPending: say(error.message + " Find out: resolve")
            default: say(error.message)
            }
            return error.code
        }
    }

    private func say(_ text: String) {
        terminal.say(text)
    }

    private func ask(_ prompt: String) async throws -> String {
        guard let line = try await terminal.ask(prompt)?.trimmingCharacters(in: .whitespaces), line != "quit" else { throw Left() }
        return line
    }
}
