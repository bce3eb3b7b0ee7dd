extension SessionAPI {
    /// The states: the present one first, then each as it comes. Who is slow sees the latest, not all in between.
    ///
    /// Each use is a stream of its own, for one reader. It ends with the client, and with the task that reads it.
    public var states: AsyncStream<SessionState> {
        // Where the system gives no thread to follow them with, the present state is all there is to say.
        .following(else: state) { try observe(listener: StateFollower($0)) }
    }

    /// Calls `listener` once for every session that ends, with whose it was and why: the place to show the login screen
    /// from, except when the reason is that somebody signed in over it.
    ///
    /// It is called on a thread of its own: it may block or call the SDK, and holds up nobody. It stays until the
    /// subscription is cancelled or the client is gone; the subscription need not be kept. The client holds the
    /// listener: what refers to the client in it has to do so weakly, or neither ever goes.
    @discardableResult
    public func onEnd(_ listener: @escaping @Sendable (SessionEnd) -> Void) throws -> any Subscription {
        try onEnd(listener: EndListener(listener))
    }

    /// Calls `listener` once for every session that will end soon: the place to offer a sign-in, before a checkout is cut
    /// short. One that is added late is told at once. For the listener the same holds as at ``onEnd(_:)``.
    @discardableResult
    public func onExpiringSoon(_ listener: @escaping @Sendable (ExpiringSoon) -> Void) throws -> any Subscription {
        try onExpiringSoon(listener: SoonListener(listener))
    }
}

extension CartAPI {
    /// The cart, as this client's calls show it: the present one first, then each as it comes. It never goes back in
    /// time. Who is slow sees the latest, not all in between.
    ///
    /// It is `nil` when nobody is signed in, when another user is, and until a call has read it: following it reads
    /// nothing by itself. While somebody follows it, a change that failed and an order from the cart end in a fresh
    /// read.
    ///
    /// Each use is a stream of its own, for one reader. It ends with the client, and with the task that reads it.
    public var updates: AsyncStream<Cart?> {
        .following(else: nil) { try observe(listener: CartFollower($0)) }
    }
}

extension AsyncStream where Element: Sendable {
    fileprivate static func following(
        else present: Element,
        _ follow: (Continuation) throws -> any Subscription
    ) -> AsyncStream {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            do {
                let subscription = try follow(continuation)
                continuation.onTermination = { _ in subscription.cancel() }
            } catch {
                continuation.yield(present)
                continuation.finish()
            }
        }
    }
}

/// Lives as long as the core may call it, and the stream with it.
private class Follower<Element: Sendable>: @unchecked Sendable {
    fileprivate let continuation: AsyncStream<Element>.Continuation

    init(_ continuation: AsyncStream<Element>.Continuation) {
        self.continuation = continuation
    }

    deinit {
        continuation.finish()
    }
}

private final class StateFollower: Follower<SessionState>, SessionListener, @unchecked Sendable {
    func changed(state: SessionState) {
        continuation.yield(state)
    }
}

private final class CartFollower: Follower<Cart?>, CartListener, @unchecked Sendable {
    func changed(cart: Cart?) {
        continuation.yield(cart)
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

private final class SoonListener: ExpiringSoonListener {
    private let listener: @Sendable (ExpiringSoon) -> Void

    init(_ listener: @escaping @Sendable (ExpiringSoon) -> Void) {
        self.listener = listener
    }

    func expiresSoon(soon: ExpiringSoon) {
        listener(soon)
    }
}
