import Foundation
import MarketSDK
import MarketSDKTesting
import Testing

extension Behaviours {
    @Test
    func a_cart_that_is_filled_changed_and_emptied() async throws {
        try await same { stage, seen in
            let cart = stage.market.cart
            try await stage.signIn()
            await seen.call("set without a cart") { try await cart.setQuantity(line: 1, quantity: 1) }
            await seen.call("empty") { try await cart.get() }
            await seen.call("two bags") { try await cart.add(sku: 42, quantity: 2) }
            await seen.call("a black one") { try await cart.add(sku: 88, quantity: 1) }
            await seen.call("one bag more") { try await cart.add(sku: 42, quantity: 1) }
            await seen.call("seven") { try await cart.setQuantity(line: 1, quantity: 7) }
            await seen.call("none") { try await cart.setQuantity(line: 2, quantity: 0) }
            await seen.call("gone") { try await cart.remove(line: 2) }
            await seen.call("remove") { try await cart.remove(line: 1) }
            await seen.call("a new line") { try await cart.add(sku: 106, quantity: 1) }
            await seen.call("clear") { try await cart.clear() }
        }
    }

    @Test
    func what_cannot_be_put_into_a_cart() async throws {
        try await same { stage, seen in
            let cart = stage.market.cart
            try await stage.signIn()
            for (sku, quantity) in [(9999, 1), (107, 1), (42, 0), (42, 101), (42, -1)] {
                await seen.call("\(quantity) of \(sku)") { try await cart.add(sku: sku, quantity: quantity) }
            }
            await seen.call("set") { try await cart.setQuantity(line: 1, quantity: 101) }
            await seen.call("clear") { try await cart.clear() }
        }
    }

    @Test
    func numbers_that_cannot_be() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            await seen.call("add") { try await market.cart.add(sku: -1, quantity: 0) }
            await seen.call("add") { try await market.cart.add(sku: 42, quantity: .max) }
            await seen.call("set") { try await market.cart.setQuantity(line: -1, quantity: 1) }
            await seen.call("set") { try await market.cart.setQuantity(line: 1, quantity: -1) }
            await seen.call("remove") { try await market.cart.remove(line: -1) }
            await seen.call("wish") { try await market.wishlist.add(product: -1) }
            await seen.call("unwish") { try await market.wishlist.remove(product: .min) }
            await seen.call("order") { try await market.orders.get(order: -1) }
            await seen.call("cancel") { try await market.orders.cancel(order: -1) }
            for query in [OrderQuery(limit: 0, offset: -1), OrderQuery(limit: -1), OrderQuery(limit: 0), OrderQuery(offset: .max)] {
                await seen.call("list") { try await market.orders.list(query) }
            }
            let items = [NewOrderItem(skuID: 42, quantity: -1), NewOrderItem(skuID: -1, quantity: 1)]
            await seen.call("place") { try await market.orders.place(stage.order(of: items)) }
            await seen.call("place") { try await market.orders.place(stage.order(of: Array(items.prefix(1)))) }
        }
    }

    @Test
    func money_of_both_markets() async throws {
        try await same { stage, seen in
            try await stage.signIn(kgPhone)
            try await stage.market.cart.add(sku: 103, quantity: 1)
            await seen.call("soms") { try await stage.market.cart.add(sku: 104, quantity: 2) }
            await seen.call("wish") { try await stage.market.wishlist.add(product: 12) }
            try await stage.signIn()
            await seen.call("dollars") { try await stage.market.cart.add(sku: 42, quantity: 5) }
        }
    }

    @Test
    func a_wishlist() async throws {
        try await same { stage, seen in
            let wishlist = stage.market.wishlist
            try await stage.signIn()
            await seen.call("remove without one") { try await wishlist.remove(product: 15) }
            for product in [15, 10, 15, 999] {
                await seen.call("add \(product)") { try await wishlist.add(product: product) }
            }
            await seen.call("get") { try await wishlist.get() }
            await seen.call("remove") { try await wishlist.remove(product: 15) }
            await seen.call("remove again") { try await wishlist.remove(product: 15) }
            await seen.call("clear") { try await wishlist.clear() }
        }
    }

    @Test
    func an_order_of_the_cart() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await market.cart.add(sku: 106, quantity: 1)
            await seen.call("place") { try await market.orders.place(stage.order()) }
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("list") { try await market.orders.list() }
            await seen.call("get") { try await market.orders.get(order: 1) }
            await seen.call("another") { try await market.orders.get(order: 7) }
            await seen.call("nothing pending") { try await market.orders.resolve() }
        }
    }

    @Test
    func an_order_of_items_leaves_the_cart_as_it_is() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            try await market.cart.add(sku: 88, quantity: 1)
            let order = NewOrder(
                customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St",
                items: [NewOrderItem(skuID: 42, quantity: 2), NewOrderItem(skuID: 103, quantity: 1)])
            await seen.call("place") { try await market.orders.place(order) }
            await seen.call("place") { try await market.orders.place(order) }
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("cancel") { try await market.orders.cancel(order: 1) }
            await seen.call("again") { try await market.orders.cancel(order: 1) }
            await seen.call("pending") { try await market.orders.list(OrderQuery(status: .pending)) }
            await seen.call("the second page") { try await market.orders.list(OrderQuery(limit: 1, offset: 1)) }
            await seen.call("too many") { try await market.orders.list(OrderQuery(limit: 101)) }
        }
    }

    @Test
    func what_the_shop_declines() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            await seen.call("an empty cart") { try await market.orders.place(stage.order()) }
            for (sku, quantity) in [(105, 1), (104, 3), (9999, 1), (104, 2), (104, 1)] {
                let order = NewOrder(
                    customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St",
                    items: [NewOrderItem(skuID: sku, quantity: quantity)])
                await seen.call("\(quantity) of \(sku)") { try await market.orders.place(order) }
            }
            await seen.call("nothing pending") { try await market.orders.resolve() }
        }
    }

    @Test
    func an_order_that_is_filled_in_wrongly() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            let long = String(repeating: "я", count: 501)
            let orders = [
                NewOrder(customerName: " ", customerPhone: "123", deliveryAddress: "x", items: []),
                NewOrder(
                    customerName: long, customerPhone: long, deliveryAddress: long,
                    items: [NewOrderItem(skuID: 42, quantity: 0), NewOrderItem(skuID: 42, quantity: 101)], email: long, city: long,
                    notes: long, paymentMethod: long),
                NewOrder(customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", paymentMethod: ""),
            ]
            for order in orders {
                await seen.call("place") { try await stage.market.orders.place(order) }
            }
        }
    }

    @Test
    func an_order_whose_answer_is_lost_and_that_was_placed() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await stage.meets(.placeOrder, .lost(acted: true))
            await seen.call("lost") { try await market.orders.place(stage.order()) }
            await seen.call("held back") { try await market.orders.place(stage.order()) }
            try await market.session.logout()
            try await stage.signIn()
            await seen.call("held back") { try await market.orders.place(stage.order()) }
            await seen.call("resolve") { try await market.orders.resolve() }
            await seen.call("resolve") { try await market.orders.resolve() }
            await seen.call("cart") { try await market.cart.get() }
            await seen.call("orders") { try await market.orders.list() }
        }
    }

    @Test
    func an_order_whose_answer_is_lost_and_that_was_not_placed() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await stage.meets(.placeOrder, .lost(acted: false))
            await seen.call("lost") { try await market.orders.place(stage.order()) }
            await seen.call("resolve") { try await market.orders.resolve() }
            try await stage.advanceClock(by: .seconds(600))
            await seen.call("later") { try await market.orders.resolve() }
            try await stage.advanceClock(by: .seconds(360))
            await seen.call("settled") { try await market.orders.resolve() }
            await seen.call("resolve") { try await market.orders.resolve() }
            await seen.call("again") { try await market.orders.place(stage.order()) }
        }
    }

    @Test
    func an_order_that_is_forced_though_an_earlier_one_is_unknown() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await stage.meets(.placeOrder, .lost(acted: false))
            await seen.call("lost") { try await market.orders.place(stage.order()) }
            await seen.call("forced") { try await market.orders.place(stage.order(force: true)) }
            await seen.call("resolve") { try await market.orders.resolve() }
        }
    }

    @Test
    func of_two_orders_whose_answers_are_lost_the_first_is_found() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signIn()
            let one = [NewOrderItem(skuID: 42, quantity: 1)], other = [NewOrderItem(skuID: 88, quantity: 2)]
            _ = try await market.orders.place(stage.order(of: one))
            for items in [one, other] {
                try await stage.meets(.placeOrder, .lost(acted: true))
                await seen.call("lost") { try await market.orders.place(stage.order(of: items, force: true)) }
            }
            await seen.call("resolve") { try await market.orders.resolve() }
            await seen.call("resolve") { try await market.orders.resolve() }
            await seen.call("orders") { try await market.orders.list() }
        }
    }

    @Test
    func an_order_that_the_shop_fails_under_is_unknown() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            for trouble in [Trouble.forbidden, .overloaded, .failed] {
                try await stage.meets(.placeOrder, trouble)
                await seen.call("\(trouble)") { try await market.orders.place(stage.order()) }
            }
            await seen.call("held back") { try await market.orders.place(stage.order()) }
            await seen.call("resolve") { try await market.orders.resolve() }
        }
    }

    @Test
    func an_unknown_order_holds_no_other_user_back() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            try await stage.meets(.placeOrder, .lost(acted: false))
            await seen.call("lost") { try await market.orders.place(stage.order()) }
            try await stage.signIn(kgPhone)
            await seen.call("resolve") { try await market.orders.resolve() }
            try await market.cart.add(sku: 103, quantity: 1)
            await seen.call("place") { try await market.orders.place(stage.order()) }
        }
    }

    @Test
    func a_second_tap_on_order_while_the_first_is_under_way() async throws {
        try await same { stage, seen in
            let market = stage.market
            try await stage.signInAndFillTheCart()
            let order = try await stage.held(.placeOrder) { try await market.orders.place(stage.order()) }
            await seen.call("second") { try await market.orders.place(stage.order(force: true)) }
            try await stage.release()
            await seen.call("first") { try await order.value }
        }
    }

    @Test
    func an_addition_whose_answer_is_lost() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            for acted in [false, true] {
                try await stage.meets(.addToCart, .lost(acted: acted))
                await seen.call("lost") { try await stage.market.cart.add(sku: 42, quantity: 2) }
                await seen.call("cart") { try await stage.market.cart.get() }
            }
        }
    }

    @Test
    func taps_of_one_actor_are_made_in_their_order() async throws {
        try await same { stage, seen in
            try await stage.signIn()
            let adds = await MainActor.run {
                (1 ... 6).map { quantity in
                    Task { @MainActor in try await stage.market.cart.add(sku: 42, quantity: quantity) }
                }
            }
            for add in adds { await seen.call("add") { try await add.value } }
        }
    }
}
