extension MarketClient {
    /// Hands what all clients of this process log, at `level` and what matters more, to `sink`, in place of the one
    /// before; to nobody if there is none.
    ///
    /// One record says how a call went. No record holds a token, a code or a phone number. `sink` is called on a thread
    /// of its own: it may block, and holds up nobody.
    ///
    /// ```swift
    /// let logger = Logger(subsystem: "com.example.shop", category: "market")
    /// try MarketClient.setLogSink(level: .info) { logger.log("\($0.message, privacy: .public)") }
    /// ```
    public static func setLogSink(
        level: LogLevel = .info,
        _ sink: (@Sendable (LogRecord) -> Void)?
    ) throws {
        try CoreVersion.check()
        try MarketSDK.setLogSink(level: level, sink: sink.map(Sink.init))
    }
}

private final class Sink: LogSink {
    private let sink: @Sendable (LogRecord) -> Void

    init(_ sink: @escaping @Sendable (LogRecord) -> Void) {
        self.sink = sink
    }

    func log(record: LogRecord) {
        sink(record)
    }
}
