package dev.marketsdk

import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File

/** The public interface is what `api/market-sdk.api` says, which a change of it changes in the same commit. */
class ApiTest {
    @Test
    fun `the public interface is the one that was agreed upon`() {
        val dump =
            buildString {
                val classes = File("target/classes").walk().filter { it.extension == "class" }.sorted().toList()
                AbiTools.getInstance().printJvmDump(this, classes, AbiFilters.EMPTY)
            }
        val agreed = File("api/market-sdk.api")
        if (System.getenv("UPDATE_API") == "1") agreed.apply { parentFile.mkdirs() }.writeText(dump)
        assertEquals(agreed.readText(), dump, "If this is meant: UPDATE_API=1 cargo xtask test kotlin")
        assertEquals(emptyList<String>(), dump.lines().filter { "Uniffi" in it || "FfiConverter" in it }, "machinery")
    }
}
