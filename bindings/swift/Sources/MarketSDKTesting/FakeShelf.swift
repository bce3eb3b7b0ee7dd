import Foundation
import MarketSDK

// What the shop does with carts, wishlists and orders, and what it says when it does not, in the dev server's words.

extension Shelf {
    private func notFound(_ message: String) -> MarketError {
        .of(.notFound, message, status: 404)
    }

    private func declined(_ message: String) -> MarketError {
        .of(.rejected, message, status: 400)
    }

    // The cart

    /// The cart, which is made if there is none.
    mutating func cart(of user: Int) throws -> Cart {
        if carts[user] == nil { carts[user] = (carts.count + 1, []) }
        return try shown(user)
    }

    private func shown(_ user: Int) throws -> Cart {
        guard let cart = carts[user] else { throw notFound("Cart not found") }
        let lines = try cart.lines.map { line in
            let (product, sku) = try self.sku(line.sku)
            return CartLine(
                id: line.id, skuID: line.sku, quantity: line.quantity, name: product.name, price: money(sku.price), image: nil)
        }
        let total = lines.reduce(Decimal.zero) { $0 + $1.price.amount * Decimal($1.quantity) }
        return Cart(id: cart.id, userID: user, items: lines, totalPrice: money(total))
    }

    mutating func add(sku: Int, _ quantity: Int, to user: Int) throws -> Cart {
        _ = try cart(of: user)
        _ = try self.sku(sku)
        if let line = carts[user]?.lines.first(where: { $0.sku == sku }) {
            return try set(line: line.id, to: line.quantity + quantity, of: user)
        }
        lastLine += 1
        carts[user]?.lines.append(Line(id: lastLine, sku: sku, quantity: quantity))
        return try shown(user)
    }

    mutating func set(line: Int, to quantity: Int, of user: Int) throws -> Cart {
        guard let at = try place(of: line, of: user), var changed = carts[user]?.lines.remove(at: at) else {
            throw notFound("Cart item not found")
        }
        changed.quantity = quantity
        carts[user]?.lines.append(changed)
        return try shown(user)
    }

    mutating func remove(line: Int, of user: Int) throws -> Cart {
        guard let at = try place(of: line, of: user) else { throw notFound("Cart item not found") }
        carts[user]?.lines.remove(at: at)
        return try shown(user)
    }

    private func place(of line: Int, of user: Int) throws -> Int? {
        guard let cart = carts[user] else { throw notFound("Cart not found") }
        return cart.lines.firstIndex { $0.id == line }
    }

    mutating func emptyCart(of user: Int) throws -> Cart {
        carts[user]?.lines = []
        return try cart(of: user)
    }

    // The wishlist

    mutating func wishlist(of user: Int) -> Wishlist {
        if wishlists[user] == nil { wishlists[user] = (wishlists.count + 1, []) }
        let items = (wishlists[user]?.products ?? []).compactMap { entry in
            products.first { $0.id == entry.product }.map { WishlistItem(id: entry.id, product: shown($0)) }
        }
        return Wishlist(id: wishlists[user]?.id ?? 0, userID: user, items: items)
    }

    /// As the documented API shows one: with little more than its name.
    private func shown(_ product: FakeProduct) -> Product {
        let price = product.skus.filter(\.isActive).map(\.price).min()
        return Product(
            id: product.id, name: product.name, slug: nil, brand: nil, price: price.map(money), originalPrice: nil, discount: nil,
            image: nil, images: [], category: nil, subcategory: nil, sizes: [], colors: [], rating: nil, reviews: nil,
            salesCount: nil, inStock: nil, description: nil)
    }

    mutating func wish(for product: Int, of user: Int) throws -> Wishlist {
        _ = wishlist(of: user)
        guard products.contains(where: { $0.id == product }) else { throw notFound("Product not found") }
        if wishlists[user]?.products.contains(where: { $0.product == product }) == false {
            lastWish += 1
            wishlists[user]?.products.append((lastWish, product))
        }
        return wishlist(of: user)
    }

    mutating func unwish(_ product: Int, of user: Int) throws -> Wishlist {
        guard let wishes = wishlists[user]?.products else { throw notFound("Wishlist not found") }
        guard let at = wishes.firstIndex(where: { $0.product == product }) else { throw notFound("Wishlist item not found") }
        wishlists[user]?.products.remove(at: at)
        return wishlist(of: user)
    }

    mutating func unwishAll(of user: Int) -> Wishlist {
        wishlists[user]?.products = []
        return wishlist(of: user)
    }

    // Orders

    /// Checks the stock, writes the order down, takes the stock, and empties the cart that it is of.
    mutating func place(_ new: NewOrder, of user: Int, _ now: Date) throws -> Order {
        let inCart = carts[user]?.lines.map { NewOrderItem(skuID: $0.sku, quantity: $0.quantity) } ?? []
        let wanted = new.items ?? inCart
        guard !wanted.isEmpty else { throw declined("Your cart is empty") }
        var left = sold
        var lines: [OrderLine] = []
        for item in wanted {
            let (product, sku) = try self.sku(item.skuID)
            let stock = sku.stock - left[sku.id, default: 0]
            let what = "'\(product.name)' (size: \(sku.size), color: \(sku.color))"
            guard stock > 0 else { throw declined("Product \(what) is out of stock") }
            guard stock >= item.quantity else { throw declined("Not enough stock for \(what). Available: \(stock)") }
            left[sku.id, default: 0] += item.quantity
            lines.append(OrderLine(
                id: lastOrderLine + lines.count + 1, productName: product.name, skuCode: sku.code, size: sku.size, color: sku.color,
                unitPrice: inOrders(sku.price), quantity: item.quantity, totalPrice: inOrders(sku.price * Decimal(item.quantity))))
        }
        sold = left
        lastOrderLine += lines.count
        let subtotal = lines.reduce(Decimal.zero) { $0 + $1.totalPrice.amount }
        let shipping: Decimal = subtotal >= 5000 ? 0 : 150
        let id = orders.count + 1
        let order = Order(
            id: id, orderNumber: "#\(1000 + id)", status: .pending, customerName: new.customerName,
            customerPhone: PhoneNumber(new.customerPhone), deliveryAddress: new.deliveryAddress, subtotal: inOrders(subtotal),
            shippingCost: inOrders(shipping), totalAmount: inOrders(subtotal + shipping), orderDate: now, items: lines)
        orders.append(PlacedOrder(user: user, order: order))
        if new.items == nil { carts[user]?.lines = [] }
        return order
    }

    /// The servers name this currency on every order, whatever the cart said.
    private func inOrders(_ amount: Decimal) -> Money {
        Money(amount: amount, currency: "KGS")
    }

    /// The oldest first.
    func orders(of user: Int) -> [Order] {
        orders.filter { $0.user == user }.map(\.order)
    }

    func orders(of user: Int, _ query: OrderQuery) -> [Order] {
        let all = orders(of: user).reversed()
        let known = query.status.map { status in if case .unknown = status { false } else { true } } ?? false
        return Array(all.filter { !known || $0.status == query.status }.dropFirst(query.offset).prefix(query.limit))
    }

    func order(_ id: Int, of user: Int) throws -> Order {
        guard let order = orders.first(where: { $0.user == user && $0.order.id == id })?.order else {
            throw notFound("Order not found")
        }
        return order
    }

    mutating func cancel(_ id: Int, of user: Int) throws -> CancelledOrder {
        let order = try order(id, of: user)
        guard order.status != .cancelled, order.status != .delivered else {
            throw declined("Cannot cancel order with status: \(order.status)")
        }
        for at in orders.indices where orders[at].order.id == id {
            orders[at].order = order.with(status: .cancelled)
        }
        return CancelledOrder(id: id, status: .cancelled)
    }
}

extension Order {
    func with(status: OrderStatus) -> Order {
        Order(
            id: id, orderNumber: orderNumber, status: status, customerName: customerName, customerPhone: customerPhone,
            deliveryAddress: deliveryAddress, subtotal: subtotal, shippingCost: shippingCost, totalAmount: totalAmount,
            orderDate: orderDate, items: items)
    }
}
