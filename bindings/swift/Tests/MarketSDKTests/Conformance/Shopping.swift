import Foundation
import MarketSDK
import Testing

/// The cart, orders, the wishlist, the profile, and the dialects.
extension Conformance {
    @Test
    func a_cart_line_grows_is_set_and_goes() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
                let grown = try await market.cart.add(sku: 42, quantity: 1)
                #expect(grown.lines == [[42, 3]])
                let line = try #require(grown.items.first)
                #expect(line.name == "Canvas Bag")
                #expect(try line.price == money("19.99"))
                #expect(try await market.cart.setQuantity(line: line.id, quantity: 7).lines == [[42, 7]])
                #expect(try await market.cart.setQuantity(line: line.id, quantity: 0).items.isEmpty)
                let other = try await market.cart.add(sku: 88, quantity: 1)
                #expect(other.lines == [[88, 1]])
                let gone = try #require(other.items.first).id
                #expect(try await market.cart.remove(line: gone).items.isEmpty)
                #expect(try await failure { try await market.cart.remove(line: gone) }.code == .notFound)
                try await market.cart.add(sku: 42, quantity: 1)
                #expect(try await market.cart.clear().items.isEmpty)
            }
        }
    }

    @Test
    func additions_that_are_made_in_a_row_reach_the_server_in_that_order() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await shop.server.hold("POST /cart/items")
                let adds = await MainActor.run {
                    (1 ... 6).map { quantity in
                        Task { @MainActor in try await market.cart.add(sku: 42, quantity: quantity) }
                    }
                }
                try await shop.server.arrived("POST /cart/items")
                try await shop.server.release()
                for (add, sum) in zip(adds, [1, 3, 6, 10, 15, 21]) {
                    #expect(try await add.value.lines == [[42, sum]])
                }
            }
        }
    }

    @Test
    func ten_additions_at_once_lose_nothing_on_a_server_that_loses_parallel_ones() async throws {
        try await conformance(dialect: .g2) { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let adds = (1 ... 10).map { _ in Task { try await market.cart.add(sku: 42, quantity: 1) } }
                var seen: [Int] = []
                for add in adds { seen += try await add.value.items.map(\.quantity) }
                #expect(seen.sorted() == Array(1 ... 10))
            }
        }
    }

    @Test
    func money_in_soms_is_exact() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market, phone: kgPhone)
                try await market.cart.add(sku: 103, quantity: 1)
                let cart = try await market.cart.add(sku: 104, quantity: 2)
                #expect(try cart.totalPrice == money("10200.30", "KGS"))
                let prices = cart.items.sorted { $0.skuID < $1.skuID }.map(\.price)
                #expect(try prices == [money("4200.50", "KGS"), money("2999.90", "KGS")])
            }
        }
    }

    @Test
    func the_noise_of_a_servers_floats_is_not_shown() async throws {
        try await conformance(dialect: .g2) { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                #expect(try await market.cart.add(sku: 42, quantity: 5).totalPrice == money("99.95"))
            }
        }
    }

    @Test
    func money_that_a_double_cannot_hold_is_exact() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let body = #"{\"id\":1,\"user_id\":19,\"total_items\":1,\"items\":[{\"id\":1,\"sku_id\":42,\"quantity\":3,"# +
                    #"\"name\":\"Canvas Bag\",\"price\":90071992547409931.01,\"image\":\"\"}],"# +
                    #"\"total_price\":270215977642229793.03}"#
                try await shop.once("GET /cart", #"{"kind": "answer", "status": 200, "body": "\#(body)"}"#)
                let cart = try await market.cart.get()
                #expect(try cart.items.first?.price == money("90071992547409931.01"))
                #expect(try cart.totalPrice == money("270215977642229793.03"))
                #expect(cart.totalPrice.formatted(locale: Locale(identifier: "en_US")) == "$270,215,977,642,229,793.03")
            }
        }
    }

    @Test
    func an_order_is_placed_listed_read_and_cancelled() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 88, quantity: 1)
                let order = try await shop.order(market, [NewOrderItem(skuID: 42, quantity: 2)])
                #expect(order.id == 1)
                #expect(order.orderNumber == "#1001")
                #expect(order.status == .pending)
                #expect(order.customerName == "Ann")
                #expect(order.subtotal?.amount == Decimal(string: "39.98"))
                #expect(order.totalAmount.amount == Decimal(string: "189.98"))
                #expect(order.items.map(\.productName) == ["Canvas Bag"])
                #expect(order.items.map(\.quantity) == [2])
                #expect(try await market.cart.get().lines == [[88, 1]])
                #expect(try await market.orders.list().map(\.id) == [1])
                let read = try await market.orders.get(order: 1)
                #expect(read.orderNumber == order.orderNumber)
                #expect(read.status == order.status)
                #expect(read.totalAmount == order.totalAmount)
                let cancelled = try await market.orders.cancel(order: 1)
                #expect(cancelled == CancelledOrder(id: 1, status: .cancelled))
                #expect(try await failure { try await market.orders.cancel(order: 1) }.code == .rejected)
                #expect(try await market.orders.list(OrderQuery(status: .pending)).isEmpty)
            }
        }
    }

    @Test
    func an_order_status_that_nobody_knows_is_kept() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let order = try await shop.order(market, [NewOrderItem(skuID: 42, quantity: 2)])
                try await shop.server.sql("UPDATE us_orders SET status = 'teleported'")
                #expect(try await market.orders.list().map(\.status) == [.unknown(name: "teleported")])
                #expect(try await market.orders.get(order: order.id).status == .unknown(name: "teleported"))
            }
        }
    }

    @Test
    func a_wishlist_is_kept_and_holds_a_product_once() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.wishlist.add(product: 15)
                try await market.wishlist.add(product: 15)
                let products = try await market.wishlist.get().items.map(\.product)
                #expect(products.map(\.id) == [15])
                #expect(products.map(\.name) == ["Silk Scarf"])
                #expect(try products.map(\.price) == [money("24.50")])
                #expect(try await market.wishlist.remove(product: 15).items.isEmpty)
                #expect(try await failure { try await market.wishlist.remove(product: 15) }.code == .notFound)
                try await market.wishlist.add(product: 10)
                #expect(try await market.wishlist.clear().items.isEmpty)
            }
        }
    }

    @Test
    func the_profile_is_read_and_changed_and_the_change_stays() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let first = try await market.session.profile()
                #expect(first.id == 19)
                #expect(first.fullName == nil)
                #expect(first.market == .us)
                #expect(first.phone?.value == usPhone)
                let second = try await market.session.updateProfile(ProfileUpdate(fullName: "Анна Example"))
                #expect(second.fullName == "Анна Example")
                #expect(try await market.session.profile() == second)
                #expect(try await market.session.verifyToken().valid)
            }
        }
    }

    @Test
    func the_markets_are_there_before_anybody_signs_in() async throws {
        try await conformance { shop in
            try await shop.app { market in
                let markets = try await market.session.markets().supported
                #expect(markets.map(\.market) == [.kg, .us])
                #expect(markets.map(\.phonePrefix) == ["+996", "+1"])
                #expect(markets.map(\.currency) == ["KGS", "USD"])
            }
        }
    }

    private struct Named: Decodable {
        let phone_number: String
    }

    @Test
    func another_route_is_reached_through_the_same_door() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                let page = [QueryParameter(name: "page", value: "2")]
                let read = try await market.request(RawRequest(method: .get, path: "/auth/profile", query: page))
                #expect(read.status == 200)
                #expect(try read.decoded(as: Named.self).phone_number == usPhone)
                let products = RawRequest(method: .get, path: "/products")
                #expect(try await failure { try await market.request(products) }.code == .unsupported)
                let anonymous = RawRequest(method: .get, path: "/auth/profile", withSession: false)
                let refused = try await failure { try await market.request(anonymous) }
                #expect(refused.code == .rejected)
                #expect(refused.status == 401)
                #expect(market.session.state.signedIn != nil)
                try await shop.revoke()
                let profile = RawRequest(method: .get, path: "/auth/profile")
                #expect(try await failure { try await market.request(profile) }.code == .sessionExpired)
                #expect(market.session.state.signedIn == nil)
            }
        }
    }

    /// The trip on which all dialects are the same to a host; then as each case says.
    private func trip(_ shop: Case, _ market: MarketClient, _ then: () async throws -> Void) async throws {
        try await shop.signIn(market)
        #expect(try await market.cart.get().items.isEmpty)
        try await market.cart.add(sku: 42, quantity: 2)
        #expect(try await market.cart.get().totalPrice == money("39.98"))
        #expect(try await market.wishlist.get().items.isEmpty)
        #expect(try await market.wishlist.add(product: 15).items.map(\.product.id) == [15])
        #expect(try await market.wishlist.remove(product: 15).items.isEmpty)
        #expect(try await market.orders.list().isEmpty)
        try await then()
        try await market.session.logout()
    }

    private func tripWithOrder(_ shop: Case) async throws {
        try await shop.app { market in
            try await trip(shop, market) {
                let order = try await shop.order(market)
                #expect(order.items.count == 1)
                #expect(try await market.orders.list().map(\.id) == [order.id])
            }
        }
    }

    @Test
    func a_shopping_trip_on_a_documented_server() async throws {
        try await conformance { try await tripWithOrder($0) }
    }

    @Test
    func a_shopping_trip_on_a_server_of_the_first_generation() async throws {
        try await conformance(dialect: .g1) { shop in
            try await shop.app { market in
                try await trip(shop, market) { () async throws in
                    #expect(try await failure { try await shop.order(market) }.code == .unsupported)
                    #expect(try await market.cart.get().lines == [[42, 2]])
                }
            }
        }
    }

    @Test
    func a_shopping_trip_on_a_server_of_the_second_generation() async throws {
        try await conformance(dialect: .g2) { try await tripWithOrder($0) }
    }
}
