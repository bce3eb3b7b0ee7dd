package dev.marketsdk

import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File

/** The public interfaces are what `api` says, which a change of them changes in the same commit. */
class ApiTest {
    private fun compare(
        artefact: String,
        classes: String,
    ) {
        val dump =
            buildString {
                val files = File(classes).walk().filter { it.extension == "class" }.sorted().toList()
                AbiTools.getInstance().printJvmDump(this, files, AbiFilters.EMPTY)
            }
        val agreed = File("api/$artefact.api")
        if (System.getenv("UPDATE_API") == "1") agreed.apply { parentFile.mkdirs() }.writeText(dump)
        assertEquals(agreed.readText(), dump, "If this is meant: UPDATE_API=1 cargo xtask test kotlin")
        assertEquals(emptyList<String>(), dump.lines().filter { "Uniffi" in it || "FfiConverter" in it }, "machinery")
    }

    @Test
    fun `the public interface is the one that was agreed upon`(): Unit = compare("market-sdk", "target/classes")

    @Test
    fun `so is that of the package for tests`(): Unit = compare("market-sdk-test", "target/test-classes/dev/marketsdk/test")
}
