package dev.marketsdk.fakes

import dev.marketsdk.ErrorCode
import dev.marketsdk.test.LEAVES_CART_IN_DOUBT
import dev.marketsdk.test.LEAVES_NO_ORDER
import dev.marketsdk.test.error
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File

/** What a fake makes of each error code is what the core makes of it, which the core has written down. */
class ErrorCodesTest {
    private data class Meaning(
        val code: String,
        val message: String,
        val isRetryable: Boolean,
        val leavesNoOrder: Boolean,
        val leavesCartInDoubt: Boolean,
    )

    @Test
    fun `a fake means by each code what the core means`() {
        val core =
            Json.parseToJsonElement(File("../../tests/contract/error-codes.json").readText()).jsonArray.map { it.jsonObject }.map {
                fun text(name: String) = it.getValue(name).jsonPrimitive.content

                fun says(name: String) = it.getValue(name).jsonPrimitive.boolean
                val code = text("code").replace(Regex("[A-Z]")) { capital -> "_${capital.value}" }.uppercase()
                Meaning(code, text("message"), says("retryable"), says("leaves_no_order"), says("leaves_cart_in_doubt"))
            }
        val fake =
            ErrorCode.entries.map {
                val error = error(it)
                Meaning(it.name, error.message, error.isRetryable, it in LEAVES_NO_ORDER, it in LEAVES_CART_IN_DOUBT)
            }
        assertEquals(core.sortedBy { it.code }.joinToString("\n"), fake.sortedBy { it.code }.joinToString("\n"))
    }
}
