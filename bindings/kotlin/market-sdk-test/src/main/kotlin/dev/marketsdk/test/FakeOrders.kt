package dev.marketsdk.test

import dev.marketsdk.CancelledOrder
import dev.marketsdk.ErrorCode
import dev.marketsdk.FieldError
import dev.marketsdk.Market
import dev.marketsdk.MarketException
import dev.marketsdk.NewOrder
import dev.marketsdk.Order
import dev.marketsdk.OrderOutcome
import dev.marketsdk.OrderQuery
import dev.marketsdk.OrdersApi
import java.time.Duration
import java.time.Instant

internal class FakeOrders(
    private val keeper: Keeper,
    private val calls: Calls,
    private val settleTime: Duration,
) : OrdersApi {
    /** One time at which an order was sent. */
    private class Attempt(
        val lineage: Keeper.Lineage,
        val fromCart: Boolean,
    ) {
        /** It is sent, or about to be: then it runs on, though its caller leaves. */
        var running = false
        var began: Instant = Instant.EPOCH
        var placed: Order? = null
    }

    /** What is noted of each user's order of which it is not known whether it was placed. It outlives a logout. */
    private val notes = HashMap<Pair<Market, Long>, MutableList<Attempt>>()
    private val placing = HashMap<Keeper.Lineage, Attempt>()

    private val Keeper.Live.key get() = user.market to user.id

    override suspend fun place(order: NewOrder): Order {
        calls.note("orders.place", order)
        validate(order)
        val attempt =
            keeper.locked {
                val attempt = Attempt(keeper.lineage, fromCart = order.items == null)
                if (placing.putIfAbsent(attempt.lineage, attempt) != null) throw error(ErrorCode.ORDER_PENDING)
                attempt
            }
        try {
            if (!attempt.fromCart) return send(order, attempt)
            return watched(keeper) { send(order, attempt) }.also { reread(keeper) }
        } finally {
            keeper.locked { if (!attempt.running) over(attempt) }
        }
    }

    private fun over(attempt: Attempt): Boolean = placing.remove(attempt.lineage, attempt)

    private suspend fun send(
        order: NewOrder,
        attempt: Attempt,
    ): Order {
        val lane = if (attempt.fromCart) Calls.Lane.CART_TO_ITS_END else Calls.Lane.TO_ITS_END
        val around: suspend (Keeper.Live, suspend () -> Order?) -> Order? =
            { live, once -> noted(live, order, attempt, once) }
        return calls.withSession("orders.place", lane, order.parkOnExpiry, around) { live ->
            live.session.branch.place(live.session.user, order).also { attempt.placed = it }
        }
    }

    /** As long as it is not known what became of it, it is noted, and so no other is placed. */
    private suspend fun noted(
        live: Keeper.Live,
        order: NewOrder,
        attempt: Attempt,
        once: suspend () -> Order?,
    ): Order? {
        keeper.locked {
            if (notes[live.key] != null && !order.force) throw error(ErrorCode.ORDER_PENDING)
            attempt.began = keeper.shop.now()
            attempt.running = true
            notes.getOrPut(live.key) { mutableListOf() } += attempt
        }
        var refused = false
        try {
            val placed = once()
            refused = placed == null
            keeper.locked { if (refused) takeBack(live, attempt) else notes.remove(live.key) }
            return placed
        } catch (e: MarketException) {
            if (e.code in LEAVES_NO_ORDER) keeper.locked { takeBack(live, attempt) }
            throw e
        } finally {
            keeper.locked {
                attempt.running = false
                if (!refused) over(attempt)
            }
        }
    }

    private fun takeBack(
        live: Keeper.Live,
        attempt: Attempt,
    ) {
        val note = notes[live.key] ?: return
        note -= attempt
        if (note.isEmpty()) notes -= live.key
    }

    override suspend fun resolve(): OrderOutcome {
        calls.note("orders.resolve")
        // Without such an order nothing is sent, and nothing fails.
        if (keeper.locked { keeper.live?.let { notes[it.key] == null } } == true) return OrderOutcome.NothingPending
        val outcome = calls.withSession("orders.resolve", act = ::outcome)
        if (outcome is OrderOutcome.Placed) reread(keeper)
        return outcome
    }

    private fun outcome(live: Keeper.Live): OrderOutcome {
        val note = notes[live.key] ?: return OrderOutcome.NothingPending
        val placed = note.mapNotNull { it.placed }.minByOrNull { it.id }
        val settlesIn = Duration.between(keeper.shop.now(), note.maxOf { it.began } + settleTime)
        val known = placed != null || settlesIn <= Duration.ZERO
        if (known) notes -= live.key
        return when {
            placed != null -> OrderOutcome.Placed(live.session.branch.order(live.session.user, placed.id))
            known -> OrderOutcome.NotPlaced
            else -> OrderOutcome.NotSeenYet(settlesIn)
        }
    }

    override suspend fun list(query: OrderQuery): List<Order> {
        calls.note("orders.list", query)
        if (query.offset < 0) throw invalid("offset", "There is nothing before the first order.")
        if (query.limit !in 1..100) throw invalid("limit", "Ask for 1 to 100 orders.")
        return calls.withSession("orders.list") { it.session.branch.orders(it.session.user, query) }
    }

    override suspend fun get(orderId: Long): Order {
        calls.note("orders.get", orderId)
        numbered("order_id", orderId)
        return calls.withSession("orders.get") { it.session.branch.order(it.session.user, orderId) }
    }

    override suspend fun cancel(orderId: Long): CancelledOrder {
        calls.note("orders.cancel", orderId)
        numbered("order_id", orderId)
        return calls.withSession("orders.cancel") { it.session.branch.cancel(it.session.user, orderId) }
    }

    private fun validate(order: NewOrder) {
        order.items?.forEachIndexed { at, item -> numbered("items.$at.sku_id", item.skuId) }
        val fields = mutableListOf<FieldError>()

        fun text(
            path: String,
            value: String?,
            lengths: IntRange,
        ) {
            val short = value.orEmpty().trim().characters() < lengths.first
            val message =
                when {
                    short && lengths.first > 1 -> "Enter at least ${lengths.first} characters."
                    short -> "This is required."
                    value.orEmpty().characters() > lengths.last -> "Enter at most ${lengths.last} characters."
                    else -> return
                }
            fields += FieldError(path, message)
        }
        text("customer_name", order.customerName, 1..255)
        text("customer_phone", order.customerPhone, 10..20)
        text("delivery_address", order.deliveryAddress, 5..500)
        text("customer_email", order.email, 0..255)
        text("delivery_city", order.city, 0..100)
        text("delivery_notes", order.notes, 0..500)
        text("payment_method", order.paymentMethod ?: "cash", 1..50)
        if (order.items?.isEmpty() == true) fields += FieldError("items", "Choose something to order.")
        order.items?.forEachIndexed { at, item ->
            if (item.quantity !in 1..100) fields += FieldError("items.$at.quantity", "Enter a quantity from 1 to 100.")
        }
        if (fields.isNotEmpty()) throw error(ErrorCode.INVALID_INPUT, fields = fields)
    }
}
