package shop

import dev.marketsdk.Cart
import dev.marketsdk.CartApi
import dev.marketsdk.CartLine
import dev.marketsdk.ErrorCode
import dev.marketsdk.MarketClient
import dev.marketsdk.MarketException
import dev.marketsdk.Money
import dev.marketsdk.OrdersApi
import dev.marketsdk.RawRequest
import dev.marketsdk.RawResponse
import dev.marketsdk.SessionApi
import dev.marketsdk.WishlistApi
import dev.marketsdk.format
import dev.marketsdk.program
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.math.BigDecimal
import java.util.Locale

/** An app's own tests put what they like in the place of a client. */
class FakesTest {
    @Test
    fun `an app is tested without a network and without the native library`() {
        assertEquals(listOf("$39.98", "Out of stock."), program("shop.Tested", library = "/nowhere"))
    }
}

/** A screen of an app. */
private class CartScreen(private val market: MarketClient) {
    suspend fun add(skuId: Long): String =
        try {
            market.cart.add(skuId, 2).totalPrice.format(Locale.US)
        } catch (e: MarketException) {
            e.message
        }
}

private class FakeCart : CartApi {
    private val price = Money(BigDecimal("19.99"), "USD")

    override val updates: Flow<Cart?> = MutableStateFlow(null)

    override suspend fun get(): Cart = Cart(1, 19, emptyList(), Money(BigDecimal("0.00"), "USD"))

    override suspend fun add(
        skuId: Long,
        quantity: Int,
    ): Cart {
        if (skuId != 42L) throw MarketException(ErrorCode.REJECTED, "Out of stock.")
        val line = CartLine(1, skuId, quantity.toLong(), "Canvas Bag", price, null)
        return Cart(1, 19, listOf(line), price.copy(amount = price.amount * quantity.toBigDecimal()))
    }

    override suspend fun setQuantity(
        lineId: Long,
        quantity: Int,
    ): Cart = get()

    override suspend fun remove(lineId: Long): Cart = get()

    override suspend fun clear(): Cart = get()
}

private class FakeMarket : MarketClient {
    override val cart: CartApi = FakeCart()
    override val session: SessionApi get() = error("this test is of the cart")
    override val wishlist: WishlistApi get() = error("this test is of the cart")
    override val orders: OrdersApi get() = error("this test is of the cart")

    override suspend fun request(request: RawRequest): RawResponse = error("this test is of the cart")

    override fun close(): Unit = Unit
}

internal object Tested {
    @JvmStatic
    fun main(arguments: Array<String>): Unit =
        runBlocking {
            val screen = CartScreen(FakeMarket())
            println(screen.add(42))
            println(screen.add(105))
        }
}
