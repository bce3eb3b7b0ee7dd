extension SessionAPIProtocol {
    /// The states: the present one first, then each as it comes. Who is slow sees the latest, not all in between.
    ///
    /// Each use is a stream of its own, for one reader. It ends with the client, and with the task that reads it.
    public var states: AsyncStream<SessionState> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            do {
                let subscription = try observe(listener: StateFollower(continuation))
                continuation.onTermination = { _ in subscription.cancel() }
            } catch {
                // The system gives no thread for it: the present state is all there is to say.
                continuation.yield(state)
                continuation.finish()
            }
        }
    }

    /// Calls `listener` once for every session that ends, with whose it was and why: the place to show the login screen
    /// from, except when the reason is that somebody signed in over it.
    ///
    /// It is called on a thread of its own: it may block or call the SDK, and holds up nobody. It stays until the
    /// subscription is cancelled or the client is gone; the subscription need not be kept.
    @discardableResult
    public func onEnd(_ listener: @escaping @Sendable (SessionEnd) -> Void) throws -> Subscription {
        try onEnd(listener: EndListener(listener))
    }
}

/// Lives as long as the core may call it, and the stream with it.
private final class StateFollower: SessionListener {
    private let continuation: AsyncStream<SessionState>.Continuation

    init(_ continuation: AsyncStream<SessionState>.Continuation) {
        self.continuation = continuation
    }

    func changed(state: SessionState) {
        continuation.yield(state)
    }

    deinit {
        continuation.finish()
    }
}

private final class EndListener: SessionEndListener {
    private let listener: @Sendable (SessionEnd) -> Void

    init(_ listener: @escaping @Sendable (SessionEnd) -> Void) {
        self.listener = listener
    }

    func ended(end: SessionEnd) {
        listener(end)
    }
}
