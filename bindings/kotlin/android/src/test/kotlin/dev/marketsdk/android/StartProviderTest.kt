package dev.marketsdk.android

import android.content.Context
import android.content.ContextWrapper
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

/** What can be run without a phone; the provider itself cannot be made there. */
class StartProviderTest {
    private class Given(private val app: Context?) : ContextWrapper(null) {
        override fun getApplicationContext(): Context? = app
    }

    private val app = Given(null)

    private fun started(context: Context?): Pair<List<Context>, List<Throwable>> {
        val (given, told) = mutableListOf<Context>() to mutableListOf<Throwable>()
        startSafely(context, given::add, told::add)
        return given to told
    }

    @Test
    fun `the library is given the app's own context`() {
        assertSame(app, started(Given(app)).first.single())
        assertSame(app, started(app).first.single())
    }

    @Test
    fun `an app starts without the library, and is told`() {
        assertTrue(started(null).second.single() is IllegalStateException)
        val told = mutableListOf<Throwable>()
        // Here there is none for Android.
        startSafely(app, ::startLibrary, told::add)
        assertTrue(told.single() is UnsatisfiedLinkError, "$told")
    }

    @Test
    fun `the manifest, the rules and the library's entry are of one name`() {
        val manifest = File("src/main/AndroidManifest.xml").readText()
        assertTrue("android:name=\"${StartProvider::class.java.name}\"" in manifest)
        val entry = File("../../ffi/src/android.rs").readText()
        assertTrue("fn Java_${Native::class.java.name.replace('.', '_')}_start" in entry)
        val native = Native::class.java.getDeclaredMethod("start", Context::class.java)
        assertEquals("public static final native void", native.toString().substringBefore(" dev."))
        val store = File("../../../sdk-core/src/store/keyring/os.rs").readText()
        val name = Regex("""\("name", "([a-z-]+)"\)""").find(store)!!.groupValues[1]
        for ((rules, times) in listOf("market_sdk_backup_rules" to 1, "market_sdk_data_extraction_rules" to 2)) {
            val text = File("src/main/res/xml/$rules.xml").readText()
            assertEquals(times, text.split("path=\"keyring-$name.xml\"").size - 1)
        }
    }
}
