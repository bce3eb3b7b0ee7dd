import Foundation

/// A value behind a lock, and those who wait for it to be as they need it.
final class Watched<Value: Sendable>: @unchecked Sendable {
    private let guarded = NSLock()
    private var value: Value
    private var waiting: [Int: @Sendable () -> Void] = [:]
    private var lastWaiter = 0

    init(_ value: Value) {
        self.value = value
    }

    func read<Result>(_ body: (Value) throws -> Result) rethrows -> Result {
        try guarded.withLock { try body(value) }
    }

    /// Changes it, and lets all who wait look again.
    @discardableResult
    func use<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        guarded.lock()
        defer {
            let woken = waiting.values
            waiting = [:]
            guarded.unlock()
            for wake in woken { wake() }
        }
        return try body(&value)
    }

    /// Waits until `look` finds something, which may change the value then. Ends with `CancellationError` when the task is
    /// cancelled.
    func when<Found: Sendable>(_ look: (inout Value) throws -> Found?) async throws -> Found {
        let waiter = guarded.withLock {
            lastWaiter += 1
            return lastWaiter
        }
        while true {
            let found: Found? = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let looked: Result<Found, any Error>? = guarded.withLock {
                        // A task is marked as cancelled before its handler runs: one of the two sees the other.
                        guard !Task.isCancelled else { return .failure(CancellationError()) }
                        do {
                            if let found = try look(&value) { return .success(found) }
                        } catch {
                            return .failure(error)
                        }
                        waiting[waiter] = { continuation.resume(returning: nil) }
                        return nil
                    }
                    // Not under the lock: Swift resumes a task under one of the task's, and runs the handler below under that.
                    if let looked { continuation.resume(with: looked.map(Optional.some)) }
                }
            } onCancel: {
                guarded.withLock { waiting.removeValue(forKey: waiter) }?()
            }
            if let found {
                use { _ in }
                return found
            }
        }
    }
}

extension Task where Failure == any Error {
    /// Waits for it, and leaves at once when the waiting task is cancelled. That cancels it too, unless it is not to: what it
    /// does about that is its own affair.
    func valueUnlessCancelled(cancels: Bool = true) async throws -> Success {
        let ended = Watched<Result<Success, any Error>?>(nil)
        Task<Void, Never> {
            let result = await self.result
            ended.use { $0 = result }
        }
        do {
            return try await ended.when { $0 }.get()
        } catch {
            if cancels, Task<Never, Never>.isCancelled { cancel() }
            throw error
        }
    }
}
