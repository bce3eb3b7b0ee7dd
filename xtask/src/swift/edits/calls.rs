//! How the generated Swift makes an asynchronous call: begun where it is made, cancelled with its task, waited for and
//! read elsewhere.

use crate::bindings::edited;

/// What the generator has, and what stands in its place.
pub(super) fn made(text: &str) -> Result<String, String> {
    cancellable(&edited(text, ONCE)?)
}

const ONCE: &[(&str, &str)] = &[
    (
        "UniffiHandleMap<UnsafeContinuation<Int8, Never>>()

fileprivate func uniffiRustCallAsync<F, T>(
    rustFutureFunc: () -> UInt64,
    pollFunc: (UInt64, @escaping UniffiRustFutureContinuationCallback, UInt64) -> (),
    completeFunc: (UInt64, UnsafeMutablePointer<RustCallStatus>) -> F,
    freeFunc: (UInt64) -> (),
    liftFunc: (F) throws -> T,
    errorHandler: ((RustBuffer) throws -> Swift.Error)?
) async throws -> T {
",
        "UniffiHandleMap<Poll>()

// It is begun before anything is waited for, on the caller's actor: the calls of one actor reach the core in the order
// in which it makes them.
fileprivate func uniffiRustCallAsync<F, T: Sendable>(
    caller: isolated (any Actor)?,
    rustFutureFunc: () -> UInt64,
    pollFunc: @escaping @Sendable (UInt64, @escaping UniffiRustFutureContinuationCallback, UInt64) -> (),
    cancelFunc: @escaping @Sendable (UInt64) -> (),
    completeFunc: @escaping @Sendable (UInt64, UnsafeMutablePointer<RustCallStatus>) -> F,
    freeFunc: @escaping @Sendable (UInt64) -> (),
    liftFunc: @escaping @Sendable (F) throws -> T,
    errorHandler: (@Sendable (RustBuffer) throws -> Swift.Error)?
) async throws -> T {
",
    ),
    // A cancelled task cancels the call; one that was cancelled before makes none. The rest is nobody's actor's work: a
    // long answer is not read on the main thread.
    (
        "    let rustFuture = rustFutureFunc()
    defer {
        freeFunc(rustFuture)
    }
    var pollResult: Int8;
    repeat {
        pollResult = await withUnsafeContinuation {
            pollFunc(
                rustFuture,
                { handle, pollResult in
                    uniffiFutureContinuationCallback(handle: handle, pollResult: pollResult)
                },
                uniffiContinuationHandleMap.insert(obj: $0)
            )
        }
    } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY
",
        "    try Task.checkCancellation()
    let rustFuture = rustFutureFunc()
    return try await uniffiFinish(
        rustFuture: rustFuture,
        begun: uniffiPoll(rustFuture: rustFuture, pollFunc: pollFunc),
        pollFunc: pollFunc,
        cancelFunc: cancelFunc,
        completeFunc: completeFunc,
        freeFunc: freeFunc,
        liftFunc: liftFunc,
        errorHandler: errorHandler
    )
}

fileprivate func uniffiPoll(
    rustFuture: UInt64,
    pollFunc: (UInt64, @escaping UniffiRustFutureContinuationCallback, UInt64) -> ()
) -> Poll {
    let poll = Poll()
    pollFunc(
        rustFuture,
        { handle, pollResult in
            uniffiFutureContinuationCallback(handle: handle, pollResult: pollResult)
        },
        uniffiContinuationHandleMap.insert(obj: poll)
    )
    return poll
}

fileprivate func uniffiFinish<F, T: Sendable>(
    rustFuture: UInt64,
    begun: Poll,
    pollFunc: @escaping @Sendable (UInt64, @escaping UniffiRustFutureContinuationCallback, UInt64) -> (),
    cancelFunc: @escaping @Sendable (UInt64) -> (),
    completeFunc: @escaping @Sendable (UInt64, UnsafeMutablePointer<RustCallStatus>) -> F,
    freeFunc: @escaping @Sendable (UInt64) -> (),
    liftFunc: @escaping @Sendable (F) throws -> T,
    errorHandler: (@Sendable (RustBuffer) throws -> Swift.Error)?
) async throws -> T {
    let canceller = Canceller(rustFuture, cancelFunc)
    defer {
        canceller.forget()
        freeFunc(rustFuture)
    }
    await withTaskCancellationHandler {
        var poll = begun
        while await poll.result() != UNIFFI_RUST_FUTURE_POLL_READY {
            poll = uniffiPoll(rustFuture: rustFuture, pollFunc: pollFunc)
        }
    } onCancel: {
        canceller.cancelSoon()
    }
",
    ),
    (
        "    if let continuation = try? uniffiContinuationHandleMap.remove(handle: handle) {
        continuation.resume(returning: pollResult)
",
        "    if let poll = try? uniffiContinuationHandleMap.remove(handle: handle) {
        poll.end(with: pollResult)
",
    ),
    ("            fatalError(\"Cancellation not supported yet\")", "            throw CancellationError()"),
];

/// Each asynchronous call names the function that cancels it.
fn cancellable(text: &str) -> Result<String, String> {
    const POLL: &str = "            pollFunc: ffi_market_sdk_ffi_rust_future_poll_";
    let calls = text.matches("try  await uniffiRustCallAsync(").count();
    let mut changed = 0;
    let lines = text.lines().map(|line| match line.strip_prefix(POLL) {
        Some(kind) => {
            changed += 1;
            format!(
                "{line}\n            cancelFunc: {{ ffi_market_sdk_ffi_rust_future_cancel_{}($0) }},",
                kind.trim_end_matches(',')
            )
        }
        None => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    if calls == 0 || changed != calls {
        return Err(format!(
            "of {calls} asynchronous calls in the generated code, {changed} can be cancelled"
        ));
    }
    Ok(text)
}

/// Each asynchronous function begins on the actor that calls it. Those of a protocol are told the actor, since a protocol
/// has no default arguments; beside each stands the one that an app calls, which finds it out.
pub(super) fn on_the_callers_actor(text: &str) -> Result<String, String> {
    const CALL: &str = "try  await uniffiRustCallAsync(";
    let calls = text.matches(CALL).count();
    let text = text.replace(CALL, "try  await uniffiRustCallAsync(\n            caller: caller,");
    let (mut out, mut asked, mut made) = (Vec::new(), 0, 0);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(call) = Call::read(line) {
            made += 1;
            out.push(format!("{} {{", call.declared(TOLD)));
            continue;
        }
        out.push(line.to_owned());
        let (access, rest) = line.strip_prefix("public ").map_or(("", line), |rest| ("public ", rest));
        let Some(name) = rest.strip_prefix("protocol ").and_then(|rest| rest.split(':').next()) else {
            continue;
        };
        let (mut doors, mut above) = (Vec::new(), Vec::new());
        for line in lines.by_ref().take_while(|line| *line != "}") {
            let Some(call) = Call::read(line) else {
                // A comment or an attribute belongs to what follows it.
                let text = line.trim();
                let alone = text.is_empty() || text.starts_with("func ") || text.starts_with("var ");
                if alone {
                    above.clear()
                } else {
                    above.push(line.to_owned())
                }
                out.push(line.to_owned());
                continue;
            };
            asked += 1;
            out.push(format!("    {}", call.declared(TOLD)));
            doors.append(&mut above);
            doors.push(format!("    {access}{} {{", call.declared(FOUND)));
            doors.extend([format!("        {}", call.passed_on()), "    }".to_owned(), String::new()]);
        }
        out.push("}".to_owned());
        if !doors.is_empty() {
            out.extend([String::new(), format!("extension {name} {{")]);
            out.append(&mut doors);
            out.push("}".to_owned());
        }
    }
    match calls > 0 && (asked, made) == (calls, calls) {
        true => Ok(out.join("\n") + "\n"),
        false => Err(format!(
            "of {calls} asynchronous calls in the generated code, {asked} are in a protocol and {made} in a class"
        )),
    }
}

/// The actor, as an argument.
const TOLD: &str = "on caller: isolated (any Actor)?";
const FOUND: &str = "isolation: isolated (any Actor)? = #isolation";

/// The head of an asynchronous function.
struct Call<'a> {
    name: &'a str,
    arguments: &'a str,
    gives: Option<&'a str>,
}

impl<'a> Call<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (head, rest) =
            line.trim().trim_end_matches('{').strip_prefix("func ")?.rsplit_once("async throws")?;
        let (name, arguments) = head.trim_end().strip_suffix(')')?.split_once('(')?;
        let gives = rest.trim().strip_prefix("->").map(str::trim);
        Some(Self { name, arguments, gives })
    }

    fn declared(&self, actor: &str) -> String {
        let comma = if self.arguments.is_empty() { "" } else { ", " };
        let gives = self.gives.map_or(String::new(), |gives| format!(" -> {gives}"));
        format!("func {}({}{comma}{actor}) async throws{gives}", self.name, self.arguments)
    }

    /// The body of the one that finds the actor out.
    fn passed_on(&self) -> String {
        let arguments = self.arguments.split(", ").filter_map(|argument| {
            let names = argument.split_once(':')?.0;
            Some(match names.split_once(' ') {
                Some(("_", name)) => format!("{name}, "),
                Some((label, name)) => format!("{label}: {name}, "),
                None => format!("{names}: {names}, "),
            })
        });
        format!("try await self.{}({}on: isolation)", self.name, arguments.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_cannot_be_cancelled_is_an_error() {
        let call = "try  await uniffiRustCallAsync(\n            pollFunc: ffi_market_sdk_ffi_rust_future_poll_u8,\n";
        assert!(cancellable(call).is_ok_and(|text| text.contains("rust_future_cancel_u8($0)")));
        assert!(cancellable(&call.replace("pollFunc", "poll")).is_err());
        assert!(cancellable("").is_err());
    }

    #[test]
    fn a_call_begins_on_the_actor_that_makes_it() {
        let text = "public protocol A: Sendable {
    /** Says it. */
    @discardableResult
    func say(_ word: [Int], to: Int) async throws  -> Cart

    var state: Int { get }

    func rest() async throws 
}
func say(_ word: [Int], to: Int)async throws  -> Cart  {
    return
        try  await uniffiRustCallAsync(
            a
}
func rest()async throws   {
        try  await uniffiRustCallAsync(
";
        let expected = "public protocol A: Sendable {
    /** Says it. */
    @discardableResult
    func say(_ word: [Int], to: Int, on caller: isolated (any Actor)?) async throws -> Cart

    var state: Int { get }

    func rest(on caller: isolated (any Actor)?) async throws
}

extension A {
    /** Says it. */
    @discardableResult
    public func say(_ word: [Int], to: Int, isolation: isolated (any Actor)? = #isolation) async throws -> Cart {
        try await self.say(word, to: to, on: isolation)
    }

    public func rest(isolation: isolated (any Actor)? = #isolation) async throws {
        try await self.rest(on: isolation)
    }

}
func say(_ word: [Int], to: Int, on caller: isolated (any Actor)?) async throws -> Cart {
    return
        try  await uniffiRustCallAsync(
            caller: caller,
            a
}
func rest(on caller: isolated (any Actor)?) async throws {
        try  await uniffiRustCallAsync(
            caller: caller,
";
        assert_eq!(on_the_callers_actor(text).as_deref(), Ok(expected));
        // One of them only.
        assert!(on_the_callers_actor(&text.replace("func rest()async throws ", "func rest() ")).is_err());
        assert!(on_the_callers_actor("").is_err());
    }
}
