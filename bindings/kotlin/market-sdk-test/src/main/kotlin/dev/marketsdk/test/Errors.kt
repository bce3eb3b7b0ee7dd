package dev.marketsdk.test

import dev.marketsdk.ErrorCode
import dev.marketsdk.FieldError
import dev.marketsdk.MarketException
import java.time.Duration

/** An error as the real client makes it: in its words, unless the server had words of its own. */
internal fun error(
    code: ErrorCode,
    status: Int? = null,
    message: String? = null,
    retryAfter: Duration? = null,
    fields: List<FieldError> = emptyList(),
): MarketException =
    MarketException(
        code,
        message ?: fields.firstOrNull()?.message ?: words(code),
        isRetryable = code in RETRYABLE,
        status = status,
        retryAfter = retryAfter,
        fields = fields,
    )

/** Input that is refused before anything is sent. */
internal fun invalid(
    path: String,
    message: String,
): MarketException = error(ErrorCode.INVALID_INPUT, fields = listOf(FieldError(path, message)))

/** The HTTP status that a server most likely gives with it. */
internal fun usualStatus(code: ErrorCode): Int? =
    when (code) {
        ErrorCode.INVALID_INPUT -> 422
        ErrorCode.WRONG_CODE, ErrorCode.REJECTED -> 400
        ErrorCode.SESSION_EXPIRED -> 401
        ErrorCode.RATE_LIMITED -> 429
        ErrorCode.NOT_FOUND, ErrorCode.UNSUPPORTED -> 404
        ErrorCode.SERVER -> 500
        else -> null
    }

/**
 * What the real client makes of a failure of this [call]. Where a lost answer leaves it open what became of it, a sign-in or
 * an order, it says no more than that.
 */
internal fun MarketException.of(
    call: String,
    acted: Boolean,
): MarketException {
    val cut = acted && code in setOf(ErrorCode.NETWORK, ErrorCode.TLS, ErrorCode.UNEXPECTED_RESPONSE)
    val failed = code == ErrorCode.SERVER && (call == "orders.place" || status == 502 || status == 504)
    val lost = cut || failed || code == ErrorCode.TIMEOUT
    return if (lost && call in setOf("orders.place", "session.verifyCode")) error(ErrorCode.OUTCOME_UNKNOWN, status) else this
}

/** An order that ended so was certainly not placed. */
internal val LEAVES_NO_ORDER =
    setOf(
        ErrorCode.INVALID_INPUT,
        ErrorCode.RATE_LIMITED,
        ErrorCode.REJECTED,
        ErrorCode.NOT_FOUND,
        ErrorCode.UNSUPPORTED,
        ErrorCode.NOT_SIGNED_IN,
        ErrorCode.SESSION_EXPIRED,
        ErrorCode.STORE_LOCKED,
        ErrorCode.STORE_UNAVAILABLE,
        ErrorCode.UNEXPECTED_RESPONSE,
        ErrorCode.NETWORK,
        ErrorCode.TLS,
    )

/** After a change that ended so it is not known what is in the cart. */
internal val LEAVES_CART_IN_DOUBT =
    setOf(
        ErrorCode.REJECTED,
        ErrorCode.NOT_FOUND,
        ErrorCode.INVALID_INPUT,
        ErrorCode.NETWORK,
        ErrorCode.TIMEOUT,
        ErrorCode.SERVER,
        ErrorCode.UNEXPECTED_RESPONSE,
        ErrorCode.OUTCOME_UNKNOWN,
    )

private val RETRYABLE =
    setOf(ErrorCode.RATE_LIMITED, ErrorCode.STORE_LOCKED, ErrorCode.NETWORK, ErrorCode.TIMEOUT, ErrorCode.SERVER)

private fun words(code: ErrorCode): String =
    when (code) {
        ErrorCode.INVALID_INPUT -> "Please check what you entered."
        ErrorCode.WRONG_CODE -> "That code is wrong or too old."
        ErrorCode.RATE_LIMITED -> "Too many attempts. Please wait a little."
        ErrorCode.NOT_SIGNED_IN -> "Please sign in."
        ErrorCode.SESSION_EXPIRED -> "Your session has expired. Please sign in again."
        ErrorCode.SIGNED_OUT -> "You have been signed out."
        ErrorCode.STORE_LOCKED -> "The device's secure storage is locked."
        ErrorCode.STORE_UNAVAILABLE -> "The device's secure storage is not available."
        ErrorCode.STORE_NOT_CLEARED -> "You are signed out, but the stored session could not be erased yet."
        ErrorCode.NETWORK -> "The shop could not be reached."
        ErrorCode.TIMEOUT -> "The shop did not answer in time."
        ErrorCode.TLS -> "The connection to the shop is not secure."
        ErrorCode.REJECTED -> "The shop declined the request."
        ErrorCode.NOT_FOUND -> "That is no longer there."
        ErrorCode.UNSUPPORTED -> "This shop does not offer that."
        ErrorCode.SERVER -> "The shop has a problem. Please try again later."
        ErrorCode.UNEXPECTED_RESPONSE -> "The shop gave an unexpected answer."
        ErrorCode.OUTCOME_UNKNOWN -> "The answer was lost; it is not known whether it went through."
        ErrorCode.ORDER_PENDING -> "An earlier order is still being confirmed."
        ErrorCode.CANCELLED -> "The call was cancelled."
        ErrorCode.CONFIG -> "The client is not configured correctly."
    }
