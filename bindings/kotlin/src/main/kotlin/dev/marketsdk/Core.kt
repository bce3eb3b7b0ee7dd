package dev.marketsdk

import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native

/** The native library, looked at before anything else of it is used. */
internal object Core {
    private val fits: Unit by lazy {
        requireVersion(LoadedCore.version())
        // The runtime's few threads stay with the virtual machine once they have called it: they would be let in and
        // out again for every call, which costs a tenth of a cart read on loopback.
        Native.setCallbackThreadInitializer(
            uniffiRustFutureContinuationCallbackImpl,
            CallbackThreadInitializer(true, false, "market-sdk"),
        )
    }

    fun build(config: ClientConfig): MarketCore {
        fits
        return MarketCore(config)
    }

    /** One number in place of a checksum for each function. */
    fun requireVersion(loaded: UInt) {
        if (loaded == CORE_VERSION) return
        throw MarketException.Failed(
            Failure(
                code = ErrorCode.CONFIG,
                message = "The market SDK's library is of another version than its Kotlin part.",
                isRetryable = false,
                status = null,
                requestId = null,
                retryAfter = null,
                fields = emptyList(),
                detail = "loaded $loaded, expected $CORE_VERSION",
            ),
        )
    }
}

/** Only this one function: the others may be missing in a library of another version, and loading would fail. */
private object LoadedCore {
    init {
        val library = System.getProperty("uniffi.component.market_sdk_ffi.libraryOverride") ?: "market_sdk_ffi"
        Native.register(LoadedCore::class.java, library)
    }

    fun version(): UInt = uniffi_market_sdk_ffi_fn_func_core_version(UniffiRustCallStatus()).toUInt()

    @Suppress("FunctionName")
    private external fun uniffi_market_sdk_ffi_fn_func_core_version(status: UniffiRustCallStatus): Int
}
