package dev.marketsdk.test

import dev.marketsdk.FieldError
import dev.marketsdk.ErrorCode
import dev.marketsdk.Market

/** A phone number as the real client reads it, and whose it is. */
internal class Phone private constructor(val text: String) {
    private val market: Market? =
        when {
            text.startsWith("+996") -> Market.Kg
            text.startsWith("+1") -> Market.Us
            else -> null
        }

    /** Where its user is. A country that the shop is not in is refused by the server alone. */
    fun branch(shop: FakeShop): Branch {
        val words = "Value error, Phone number must be in format +996XXXXXXXXX (KG) or +1XXXXXXXXXX (US)"
        return shop.branch(market ?: throw error(ErrorCode.INVALID_INPUT, 422, fields = listOf(FieldError("phone", words))))
    }

    companion object {
        fun parse(
            text: String,
            only: Market? = null,
        ): Phone {
            val refusal = invalid("phone", "Enter the phone number with its country code, like +996 or +1.")
            if (!text.trim().startsWith("+")) throw refusal
            val digits = text.trim().drop(1).filterNot { it in " \u00a0-.()" }
            if (digits.length !in 8..15 || digits.startsWith("0") || !digits.all { it in '0'..'9' }) throw refusal
            val phone = Phone("+$digits")
            val length = mapOf<Market?, Int>(Market.Kg to 12, Market.Us to 11)[phone.market]
            if (length != null && digits.length != length) {
                throw invalid("phone", "The phone number has too few or too many digits.")
            }
            if (only != null && only !is Market.Unknown && only != phone.market) {
                throw invalid("phone", "This shop does not serve that country's phone numbers.")
            }
            return phone
        }
    }
}

/** How long a text is for those who type it: letters, not units of its encoding. */
internal fun String.characters(): Int = codePointCount(0, length)
