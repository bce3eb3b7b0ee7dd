package shop

import com.google.gson.JsonParser
import dev.marketsdk.Cart
import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.Method
import dev.marketsdk.NewOrder
import dev.marketsdk.Order
import dev.marketsdk.RawRequest
import dev.marketsdk.SessionState
import dev.marketsdk.Wishlist
import dev.marketsdk.format

/** A shop of two screens, which the session's state chooses between. No token is ever seen here. */
class Shop(private val market: MarketClient) {
    /** Thrown by leaving. */
    private class Left : Exception()

    suspend fun open() {
        market.session.restore()
        try {
            while (true) {
                when (val state = market.session.state.value) {
                    is SessionState.SignedIn -> shop(ask("> "))
                    is SessionState.Expired -> login("Your session has ended, ${state.user.phone}. Your cart is kept.")
                    is SessionState.SignedOut -> login("Welcome.")
                    is SessionState.Restoring, is SessionState.Locked -> return println("The session cannot be read.")
                }
            }
        } catch (_: Left) {
            println("Goodbye.")
        }
    }

    private suspend fun login(greeting: String) {
        println(greeting)
        val phone = ask("phone> ")
        telling { market.session.requestCode(phone) } ?: return
        do {
            val wrong = telling(ErrorCode.WRONG_CODE) { market.session.verifyCode(phone, ask("code> ")) }
        } while (wrong == ErrorCode.WRONG_CODE)
    }

    private suspend fun shop(line: String) {
        val words = line.split(' ')
        val number = words.drop(1).map { it.toLongOrNull() }
        telling {
            when (words.first()) {
                "products" -> products()
                "add" -> show(market.cart.add(skuId = number[0] ?: 0, quantity = number.getOrNull(1)?.toInt() ?: 1))
                "cart" -> show(market.cart.get())
                "remove" -> show(market.cart.remove(number[0] ?: 0))
                "wish" -> show(market.wishlist.add(number[0] ?: 0))
                "wishlist" -> show(market.wishlist.get())
                "checkout" -> checkout()
                "orders" -> market.orders.list().forEach(::show)
                "cancel" -> println("Order ${market.orders.cancel(number[0] ?: 0).id} is cancelled.")
                "logout" -> market.session.logout()
                else -> println("products, add SKU [PIECES], cart, remove LINE, wish PRODUCT, wishlist, checkout, orders, cancel ORDER, logout, quit")
            }
        }
    }

    /** A route that the SDK has no call for goes through the same door. */
    private suspend fun products() {
        val answer = market.request(RawRequest(Method.GET, "/products"))
        for (product in JsonParser.parseString(answer.body).asJsonArray.map { it.asJsonObject }) {
            println("${product["id"].asLong} ${product["name"].asString}, sku ${product["sku_id"].asLong}")
        }
    }

    private suspend fun checkout() {
        val name = ask("name> ")
        val phone = ask("phone> ")
        val address = ask("address> ")
        show(market.orders.place(NewOrder(customerName = name, customerPhone = phone, deliveryAddress = address)))
    }

    private fun show(cart: Cart) {
        cart.items.sortedBy { it.id }.forEach { println("line ${it.id}: ${it.quantity} x ${it.name}, ${it.price.format()}") }
        println("in all ${cart.totalPrice.format()}")
    }

    private fun show(wishlist: Wishlist): Unit =
        wishlist.items.forEach { println("${it.product.id} ${it.product.name}, ${it.product.price?.format()}") }

    private fun show(order: Order): Unit =
        println("order ${order.id} ${order.orderNumber}: ${order.status}, ${order.totalAmount.format()} with shipping")

    /** Does it, and says what went wrong. Null if it failed; its code if that is one that the caller [handles]. */
    private suspend fun telling(
        handles: ErrorCode? = null,
        act: suspend () -> Any,
    ): Any? =
        try {
            act()
        } catch (e: MarketException) {
            when (e.code) {
                // The state has led to the login screen already.
                ErrorCode.SESSION_EXPIRED, ErrorCode.NOT_SIGNED_IN, ErrorCode.SIGNED_OUT -> Unit
                // It may have been placed: look before placing it again.
                ErrorCode.OUTCOME_UNKNOWN -> println("${e.message} See: orders")
                else -> println(e.message)
            }
            e.code.takeIf { it == handles }
        }

    private fun ask(prompt: String): String {
        print(prompt)
        System.out.flush()
        val line = readlnOrNull()?.trim()
        if (line == null || line == "quit") throw Left()
        return line
    }
}
