package dev.marketsdk

import com.sun.jna.Callback
import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native
import com.sun.jna.NativeLibrary
import com.sun.jna.Structure
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.resume

/** The native library, looked at before anything else of it is used. */
internal object Core {
    private val fits: Unit by lazy {
        requireVersion(loadedVersion(System.getProperty("uniffi.component.market_sdk_ffi.libraryOverride") ?: LIBRARY))
        // The runtime's few threads stay with the virtual machine once they have called it: they would be let in and
        // out again for every call, which costs a tenth of a cart read on loopback.
        Native.setCallbackThreadInitializer(
            uniffiRustFutureContinuationCallbackImpl,
            CallbackThreadInitializer(true, false, "market-sdk"),
        )
    }

    /** Loads the library if that was not done yet. */
    fun load(): Unit = fits

    /** The number of the [library], by its name or path. */
    fun loadedVersion(library: String): UInt =
        try {
            // Only this one function: the others may be missing in a library of another version, and loading all
            // would fail.
            val function = NativeLibrary.getInstance(library).getFunction(VERSION_FUNCTION)
            (function.invoke(Int::class.javaObjectType, arrayOf(UniffiRustCallStatus())) as Int).toUInt()
        } catch (e: LinkageError) {
            val message = "The market SDK's library was not found, or is none of this system."
            throw MarketException(ErrorCode.CONFIG, message, detail = e.message).apply { initCause(e) }
        }

    /** One number in place of a checksum for each function. */
    fun requireVersion(loaded: UInt) {
        if (loaded == CORE_VERSION) return
        val message = "The market SDK's library is of another version than its Kotlin part."
        throw MarketException(ErrorCode.CONFIG, message, detail = "loaded $loaded, expected $CORE_VERSION")
    }

    private const val LIBRARY = "market_sdk_ffi"
    private const val VERSION_FUNCTION = "uniffi_market_sdk_ffi_fn_func_core_version"
}

/** What becomes of a call. Each thread uses one again and again. */
internal object CallStatus {
    private val own = ThreadLocal<UniffiRustCallStatus?>()

    /** A call within this one finds none there; one that a failure was written to is not used again. */
    inline fun <T> lent(call: (UniffiRustCallStatus) -> T): T {
        val status = take()
        return call(status).also { giveBack(status) }
    }

    fun take(): UniffiRustCallStatus = own.get()?.also { own.set(null) } ?: UniffiRustCallStatus()

    fun giveBack(status: UniffiRustCallStatus): Unit = own.set(status)
}

/**
 * Has the host called on threads that do not keep the virtual machine from ending: a listener may block, and a program
 * that is done still ends. [functions] is a table of callbacks.
 */
internal fun onThreadsThatMayBeLeft(functions: Structure) {
    // They leave the virtual machine when they end. After each call it would be too early: a call back into the SDK may
    // have another of these within it.
    val threads = CallbackThreadInitializer(true, false, "market-host")
    functions.javaClass.fields.mapNotNull { it.get(functions) as? Callback }
        .forEach { Native.setCallbackThreadInitializer(it, threads) }
}

/**
 * Goes on with a call, which the core calls for. A coroutine that no dispatcher takes elsewhere (`Dispatchers.Unconfined`)
 * would go on within that very call, and ask of the core what it then waits for itself.
 */
internal fun CancellableContinuation<Byte>.goOn(pollResult: Byte) {
    val dispatcher = context[ContinuationInterceptor] as? CoroutineDispatcher
    if (dispatcher?.isDispatchNeeded(context) == true) {
        resume(pollResult)
    } else {
        Dispatchers.Default.dispatch(EmptyCoroutineContext) { resume(pollResult) }
    }
}

/** What a call on a client that was closed ends with. */
internal fun clientClosed(): MarketException = MarketException(ErrorCode.CONFIG, "The market client was closed.")

/** What a call ends with that met a fault of the SDK's own. */
internal fun corePanicked(): MarketException =
    MarketException(ErrorCode.UNEXPECTED_RESPONSE, "Something went wrong.", detail = "the core panicked")
