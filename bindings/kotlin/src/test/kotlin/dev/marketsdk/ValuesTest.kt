package dev.marketsdk

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.math.BigDecimal
import java.util.Locale

class ValuesTest {
    @Test
    fun `money is written with its own decimals and its currency`() {
        assertEquals("$1,234.50", Money(BigDecimal("1234.50"), "USD").format(Locale.US))
        assertEquals("KGS1,500.00", Money(BigDecimal("1500.00"), "KGS").format(Locale.US))
        assertEquals("12.00", Money(BigDecimal("12.00"), "XXX").format(Locale.US))
        assertEquals("12.00", Money(BigDecimal("12.00"), "no currency").format(Locale.US))
    }

    @Test
    fun `p10 a phone number does not show itself`() {
        val phone = PhoneNumber("+13128059851")
        assertEquals("+•••••••••51", phone.toString())
        val user = User(1, Market.Us, phone, null)
        assertEquals(false, "3128059851" in user.toString())
        assertEquals("+", PhoneNumber("").toString())
    }
}
