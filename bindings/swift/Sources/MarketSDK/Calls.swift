import Foundation

/// Cancels a call's future in the core, for as long as there is one.
///
/// A task's cancellation handler runs under a lock of the task's, and the core cancels under a lock of the future's. The
/// core resumes the task under the latter, for which Swift takes the former: who cancelled in the handler itself would
/// now and then wait for ever. So it is done on another thread, and the future is not let go while that is at it.
final class Canceller: @unchecked Sendable {
    private let guarded = NSLock()
    private var future: UInt64?
    private let cancel: @Sendable (UInt64) -> Void

    init(_ future: UInt64, _ cancel: @escaping @Sendable (UInt64) -> Void) {
        self.future = future
        self.cancel = cancel
    }

    /// Cancels it soon. May be called from a cancellation handler.
    func cancelSoon() {
        DispatchQueue.global(qos: .userInitiated).async {
            self.guarded.withLock {
                if let future = self.future { self.cancel(future) }
            }
        }
    }

    /// The future is about to be let go.
    func forget() {
        guarded.withLock { future = nil }
    }
}

/// What a poll of a call's future comes to. The first is made where the call is, and waited for elsewhere.
final class Poll: @unchecked Sendable {
    private let guarded = NSLock()
    private var ended: Int8?
    private var waiting: UnsafeContinuation<Int8, Never>?

    /// It came to this. It is said once.
    func end(with result: Int8) {
        let waiting = guarded.withLock {
            ended = result
            return self.waiting
        }
        waiting?.resume(returning: result)
    }

    /// Waits for it. One may.
    func result() async -> Int8 {
        await withUnsafeContinuation { continuation in
            let result = guarded.withLock {
                waiting = continuation
                return ended
            }
            if let result { continuation.resume(returning: result) }
        }
    }
}
