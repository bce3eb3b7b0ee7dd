package shop

import dev.marketsdk.EndReason
import dev.marketsdk.ErrorCode
import dev.marketsdk.NewOrder
import dev.marketsdk.NewOrderItem
import dev.marketsdk.OrderOutcome
import dev.marketsdk.OrderStatus
import dev.marketsdk.ParkOnExpiry
import dev.marketsdk.SessionState
import dev.marketsdk.test.FakeMarketClient
import dev.marketsdk.test.FakeProduct
import dev.marketsdk.test.FakeShop
import dev.marketsdk.test.FakeSku
import kotlinx.coroutines.async
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.math.BigDecimal
import kotlin.time.Duration.Companion.minutes

/** What a test steers on the shop behind its fakes. */
class FakeShopTest {
    private val market = FakeMarketClient(signedInAs = ANN)

    @Test
    fun `the shop's clock ends sessions at once, and says it before`() =
        runTest {
            val told = mutableListOf<Any>()
            market.session.onExpiringSoon { told += it.left.toMinutes() }
            market.session.onEnd { told += it.reason }
            market.shop.advanceClock(24.minutes)
            assertTrue(told.isEmpty())
            market.shop.advanceClock(2.minutes)
            market.shop.advanceClock(1.minutes)
            market.session.resumed()
            assertEquals(listOf<Any>(3L), told)
            market.shop.advanceClock(3.minutes)
            assertEquals(EndReason.EXPIRED, (market.session.state.value as SessionState.Expired).reason)
            assertEquals(listOf(3L, EndReason.EXPIRED), told)
            val failure = failure { market.cart.get() }
            assertEquals(ErrorCode.SESSION_EXPIRED to null, failure.code to failure.status)

            val late = FakeMarketClient(ANN, expiringSoon = 2.minutes)
            late.session.onExpiringSoon { told += "late" }
            late.shop.advanceClock(27.minutes)
            assertEquals(2, told.size)
            late.shop.advanceClock(2.minutes)
            assertEquals("late", told.last())
            // A session is not said to end soon in its first half.
            val early = FakeMarketClient(ANN, expiringSoon = 40.minutes)
            early.session.onExpiringSoon { told += "early" }
            early.shop.advanceClock(14.minutes)
            assertEquals("late", told.last())
            early.shop.advanceClock(2.minutes)
            assertEquals("early", told.last())
        }

    @Test
    fun `calls that the clock stops wait, and go on`() =
        runTest {
            val parking = FakeMarketClient(ANN, parkOnExpiry = ParkOnExpiry(10, 5.minutes))
            parking.shop.advanceClock(30.minutes)
            val add = async { parking.cart.add(42, 1) }
            runCurrent()
            assertEquals(1, (parking.session.state.value as SessionState.Expired).waiting)
            parking.session.requestCode(ANN)
            parking.session.verifyCode(ANN, "123456")
            assertEquals(1, add.await().items.size)
        }

    @Test
    fun `an order settles when the client was told it does`() =
        runTest {
            val market = FakeMarketClient(ANN, orderSettleTime = 2.minutes)
            market.cart.add(42, 1)
            market.loseOrderAnswer(placed = false)
            failure { market.orders.place(NewOrder("Ann", ANN, "1 Main St")) }
            assertTrue(market.orders.resolve() is OrderOutcome.NotSeenYet)
            market.shop.advanceClock(2.minutes)
            assertEquals(OrderOutcome.NotPlaced, market.orders.resolve())
        }

    @Test
    fun `the shop sells what the test wants`() =
        runTest {
            market.shop.add(FakeProduct(3, "Mug", listOf(FakeSku(7, BigDecimal("5"), stock = 1), FakeSku(8, BigDecimal("4")))))
            assertEquals("Mug", market.cart.add(7, 1).items.single().name)
            assertEquals("4.00", market.wishlist.add(3).items.single().product.price?.amount.toString())
            market.shop.setStock(7, 0)
            val order = NewOrder("Ann", ANN, "1 Main St")
            assertEquals("Product 'Mug' (size: ONE, color: Natural) is out of stock", failure { market.orders.place(order) }.message)
            market.shop.add(FakeProduct(3, "Cup", listOf(FakeSku(8, BigDecimal("6")))))
            assertEquals(ErrorCode.NOT_FOUND, failure { market.cart.add(7, 1) }.code)
            assertEquals(listOf("Mug", "Cup"), market.cart.add(8, 1).items.map { it.name })
            market.shop.code = "4321"
            market.session.requestCode(ANN)
            market.session.verifyCode(ANN, "4321")
        }

    @Test
    fun `a test sees the shop's orders, and moves them on`() =
        runTest {
            val order = NewOrder("Ann", ANN, "1 Main St", items = listOf(NewOrderItem(42, 1)))
            val placed = market.orders.place(order)
            val other = FakeMarketClient("+996700123456", shop = market.shop).orders.place(order)
            assertEquals(setOf(placed, other), market.shop.orders().toSet())
            assertEquals(listOf(placed), market.shop.orders("+1 312 805 9851"))
            market.shop.setOrderStatus(ANN, placed.id, OrderStatus.Delivered)
            assertEquals(OrderStatus.Delivered, market.orders.get(placed.id).status)
            assertEquals("Cannot cancel order with status: delivered", failure { market.orders.cancel(placed.id) }.message)
            assertThrows(IllegalArgumentException::class.java) { market.shop.setOrderStatus(ANN, 7, OrderStatus.Shipped) }
        }

    @Test
    fun `two clients of one shop are two devices`() =
        runTest {
            val shop = FakeShop()
            val (phone, tablet) = List(2) { FakeMarketClient(ANN, shop = shop) }
            phone.cart.add(42, 2)
            assertEquals(2L, tablet.cart.get().items.single().quantity)
            shop.expireSessions()
            assertEquals(ErrorCode.SESSION_EXPIRED, failure { phone.cart.get() }.code)
            assertTrue(tablet.session.state.value is SessionState.SignedIn)
        }
}
