package dev.marketsdk

import java.text.NumberFormat
import java.util.Currency
import java.util.Locale

/**
 * A phone number: `+` and 8 to 15 digits; one that came from the server is as the server wrote it. It does not show
 * itself: the whole number is its [value].
 */
public class PhoneNumber(
    /** The whole number. */
    public val value: String,
) {
    override fun equals(other: Any?): Boolean = other is PhoneNumber && other.value == value

    override fun hashCode(): Int = value.hashCode()

    /** The last two digits. */
    override fun toString(): String = "+" + "•".repeat(maxOf(value.length - 3, 0)) + value.drop(1).takeLast(2)
}

/** The amount as it is written in [locale]: `$39.98`. */
public fun Money.format(locale: Locale = Locale.getDefault()): String {
    // XXX stands for no currency.
    val known = runCatching { Currency.getInstance(currency) }.getOrNull()?.takeIf { it.currencyCode != "XXX" }
    val format = if (known == null) NumberFormat.getNumberInstance(locale) else NumberFormat.getCurrencyInstance(locale)
    known?.let { format.currency = it }
    format.minimumFractionDigits = maxOf(amount.scale(), 0)
    format.maximumFractionDigits = maxOf(amount.scale(), 0)
    return format.format(amount)
}

/** A text that is somebody's own, where its record is printed. */
internal fun hidden(text: Any?): String = if (text == null) "null" else "…"
