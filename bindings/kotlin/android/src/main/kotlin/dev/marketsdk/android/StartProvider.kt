package dev.marketsdk.android

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.net.Uri
import android.util.Log

/**
 * Hands the app's context to the library before the app's own code runs. It provides nothing; Android starts providers
 * before all else, and that is what it is for.
 */
public class StartProvider : ContentProvider() {
    override fun onCreate(): Boolean {
        startSafely(context, ::startLibrary) { Log.e("market-sdk", "the library was not started", it) }
        return true
    }

    override fun query(
        uri: Uri,
        projection: Array<out String>?,
        selection: String?,
        selectionArgs: Array<out String>?,
        sortOrder: String?,
    ): Cursor? = null

    override fun getType(uri: Uri): String? = null

    override fun insert(
        uri: Uri,
        values: ContentValues?,
    ): Uri? = null

    override fun delete(
        uri: Uri,
        selection: String?,
        selectionArgs: Array<out String>?,
    ): Int = 0

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        selectionArgs: Array<out String>?,
    ): Int = 0
}

/** Starts with the app's own context. The app starts whatever comes of it: it may never use the SDK. */
internal fun startSafely(
    context: Context?,
    start: (Context) -> Unit,
    report: (Throwable) -> Unit,
) {
    try {
        val given = checkNotNull(context) { "there is no context" }
        // An application that is being made has none besides itself.
        start(given.applicationContext ?: given)
    } catch (e: Throwable) {
        report(e)
    }
}

internal fun startLibrary(context: Context) {
    System.loadLibrary("market_sdk_ffi")
    Native.start(context)
}

/** The library's entry for Android, which it finds by this name. */
internal object Native {
    /** Throws a `RuntimeException` if it cannot. */
    @JvmStatic
    external fun start(context: Context)
}
