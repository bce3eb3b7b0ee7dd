package shop

import com.google.gson.JsonParser
import dev.marketsdk.Cart
import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.Method
import dev.marketsdk.NewOrder
import dev.marketsdk.Order
import dev.marketsdk.OrderOutcome
import dev.marketsdk.RawRequest
import dev.marketsdk.SessionState
import dev.marketsdk.Wishlist
import dev.marketsdk.format

/** Where the shopper reads and types. */
interface Terminal {
    fun say(line: String)

    /** What is typed, until there is nothing more. */
    fun ask(prompt: String): String?
}

/** A shop of two screens, which the session's state chooses between. No token is ever seen here. */
class Shop(
    private val market: MarketClient,
    private val terminal: Terminal,
) {
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
                    is SessionState.Restoring, is SessionState.Locked -> return say("The session cannot be read.")
                }
            }
        } catch (_: Left) {
            say("Goodbye.")
        }
    }

    private suspend fun login(greeting: String) {
        say(greeting)
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
                "resolve" -> show(market.orders.resolve())
                "cancel" -> say("Order ${market.orders.cancel(number[0] ?: 0).id} is cancelled.")
                "logout" -> market.session.logout()
                else -> say("products, add SKU [PIECES], cart, remove LINE, wish PRODUCT, wishlist, checkout, orders, resolve, cancel ORDER, logout, quit")
            }
        }
    }

    /** A route that the SDK has no call for goes through the same door. */
    private suspend fun products() {
        val answer = market.request(RawRequest(Method.GET, "/products"))
        for (product in JsonParser.parseString(answer.body).asJsonArray.map { it.asJsonObject }) {
            say("${product["id"].asLong} ${product["name"].asString}, sku ${product["sku_id"].asLong}")
        }
    }

    private suspend fun checkout() {
        val name = ask("name> ")
        val phone = ask("phone> ")
        val address = ask("address> ")
        show(market.orders.place(NewOrder(customerName = name, customerPhone = phone, deliveryAddress = address)))
    }

    private fun show(cart: Cart) {
        cart.items.sortedBy { it.id }.forEach { say("line ${it.id}: ${it.quantity} x ${it.name}, ${it.price.format()}") }
        say("in all ${cart.totalPrice.format()}")
    }

    private fun show(wishlist: Wishlist): Unit =
        wishlist.items.forEach { say("${it.product.id} ${it.product.name}, ${it.product.price?.format()}") }

    private fun show(order: Order): Unit =
        say("order ${order.id} ${order.orderNumber}: ${order.status}, ${order.totalAmount.format()} with shipping")

    private fun show(outcome: OrderOutcome): Unit =
        when (outcome) {
            is OrderOutcome.Placed -> show(outcome.order)
            is OrderOutcome.NotPlaced -> say("It was not placed.")
            is OrderOutcome.NotSeenYet -> say("It has not been seen. Ask again in ${outcome.settlesIn?.toMinutes() ?: 15} minutes.")
            is OrderOutcome.NothingPending -> say("All orders are known: orders")
            is OrderOutcome.Unreadable -> say("It is not known whether there was one. See: orders")
        }

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
                // It may have been placed: look before placing another.
                ErrorCode.OUTCOME_UNKNOWN, ErrorCode.ORDER_PENDING -> say("${e.message} See: resolve")
                else -> say(e.message)
            }
            e.code.takeIf { it == handles }
        }

    private fun say(line: String): Unit = terminal.say(line)

    private fun ask(prompt: String): String {
        val line = terminal.ask(prompt)?.trim()
        if (line == null || line == "quit") throw Left()
        return line
    }
}
