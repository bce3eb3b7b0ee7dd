import MarketSDKFFI

/// One number in place of a checksum for each function.
enum CoreVersion {
    /// Looks at the native library before anything else of it is used: in one of another version, other functions may
    /// be missing or take other arguments.
    static func check() throws {
        try check(loaded)
    }

    static func check(_ loaded: UInt32) throws {
        guard loaded != expectedCoreVersion else { return }
        throw MarketError(
            .config,
            message: "The market SDK's library is of another version than its Swift part.",
            detail: "loaded \(loaded), expected \(expectedCoreVersion)"
        )
    }

    // Not by the generated function, which sets up all of the library first.
    private static let loaded: UInt32 = {
        var status = RustCallStatus()
        return uniffi_market_sdk_ffi_fn_func_core_version(&status)
    }()
}
