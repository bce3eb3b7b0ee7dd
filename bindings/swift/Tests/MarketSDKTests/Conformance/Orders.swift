import Foundation
import MarketSDK
import Testing

/// Orders whose answer was lost, over logouts, other users and a damaged note.
extension Conformance {
    @Test
    func an_order_whose_answer_is_lost_is_of_unknown_outcome_and_placed_once() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.signIn(market)
                try await market.cart.add(sku: 42, quantity: 2)
                try await shop.once("POST /orders/create", #"{"kind": "reset", "acted": true}"#)
                let lost = try await failure { try await shop.order(market) }
                #expect(lost.code == .outcomeUnknown)
                #expect(!lost.isRetryable)
                #expect(try await market.orders.list().count == 1)
                #expect(try await shop.server.state().orders.count == 1)
            }
        }
    }

    @Test
    func an_order_whose_answer_is_lost_holds_the_next_one_back_until_it_is_found() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.loseOrder(market, acted: true)
                let pending = try await failure { try await shop.order(market) }
                #expect(pending.code == .orderPending)
                #expect(!pending.isRetryable)
                guard case .placed(let order) = try await market.orders.resolve() else {
                    Issue.record("it was placed")
                    return
                }
                #expect(order.items.map(\.quantity) == [2])
                #expect(try await market.orders.resolve() == .nothingPending)
                #expect(try await shop.server.state().orders.count == 1)
            }
        }
    }

    @Test
    func an_order_that_is_not_seen_is_called_not_placed_only_after_its_time() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.loseOrder(market, acted: false)
                guard case .notSeenYet(let settlesIn?) = try await market.orders.resolve() else {
                    Issue.record("it cannot be known yet")
                    return
                }
                #expect(settlesIn >= .seconds(800) && settlesIn <= .seconds(900))
                try await shop.clock(seconds: 960)
                #expect(try await market.orders.resolve() == .notPlaced)
                #expect(try await market.orders.resolve() == .nothingPending)
            }
        }
    }

    @Test
    func a_forced_order_goes_out_though_an_earlier_one_is_unknown() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.loseOrder(market, acted: false)
                let again = NewOrder(
                    customerName: "Ann", customerPhone: usPhone, deliveryAddress: "1 Main St", force: true)
                #expect(try await market.orders.place(again).id == 1)
                #expect(try await market.orders.resolve() == .nothingPending)
            }
        }
    }

    @Test
    func an_order_whose_answer_was_lost_is_found_after_a_logout_and_opening_the_app_again() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.loseOrder(market, acted: true)
                try await market.session.logout()
            }
            try await shop.app { market in
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                #expect(try await failure { try await shop.order(market) }.code == .orderPending)
                guard case let .placed(order) = try await market.orders.resolve() else {
                    Issue.record("it was placed")
                    return
                }
                #expect(order.items.map(\.quantity) == [2])
                #expect(try await shop.server.state().orders.count == 1)
            }
        }
    }

    @Test
    func an_order_that_is_unknown_holds_no_other_user_back() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.loseOrder(market, acted: false)
                try await market.session.logout()
                try await shop.signIn(market, phone: kgPhone)
                #expect(try await market.orders.resolve() == .nothingPending)
                try await market.cart.add(sku: 103, quantity: 1)
                let order = try await market.orders.place(
                    NewOrder(customerName: "Anna", customerPhone: kgPhone, deliveryAddress: "1 Main St"))
                #expect(order.status == .pending)
                #expect(order.items.count == 1)
            }
        }
    }

    @Test
    func a_note_of_an_order_that_cannot_be_read_is_said_once_and_orders_go_on() async throws {
        try await conformance { shop in
            try await shop.app { market in
                try await shop.loseOrder(market, acted: false)
                try await market.session.logout()
                let notes = shop.secretFiles()
                #expect(notes.count == 1)
                let handle = try FileHandle(forWritingTo: try #require(notes.first))
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: Data("{".utf8))
                try handle.close()
                try await shop.clock(seconds: 1)
                try await shop.signIn(market)
                #expect(try await failure { try await shop.order(market) }.code == .orderPending)
                #expect(try await market.orders.resolve() == .unreadable)
                #expect(try await market.orders.resolve() == .nothingPending)
                #expect(try await shop.order(market).id == 1)
            }
        }
    }
}
