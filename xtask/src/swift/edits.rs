//! What is changed in the generated Swift. Each change is asserted: it fits as often as it must, or the generator
//! is another.

use crate::bindings::edited;

/// Makes all changes.
pub(super) fn all(text: &str) -> Result<String, String> {
    let text = edited(text, ONCE)?;
    let text = cancellable(&text)?;
    let text = surface(&text)?;
    let text = TWICE.iter().try_fold(text, |text, (from, to)| match text.matches(from).count() {
        2 => Ok(text.replace(from, to)),
        count => Err(format!("the generated code has this {count} times instead of twice:\n{from}")),
    })?;
    let text = discardable(&text)?;
    let text = numbers(&text)?;
    Ok(spelled(&text))
}

const ONCE: &[(&str, &str)] = &[
    // A cancelled task cancels the call. The handler is gone, and not running, when `withTaskCancellationHandler`
    // returns, so that it never meets a future that was freed.
    (
        "    var pollResult: Int8;
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
        "    await withTaskCancellationHandler {
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
    } onCancel: {
        cancelFunc(rustFuture)
    }
",
    ),
    (
        "    pollFunc: (UInt64, @escaping UniffiRustFutureContinuationCallback, UInt64) -> (),
",
        "    pollFunc: (UInt64, @escaping UniffiRustFutureContinuationCallback, UInt64) -> (),
    cancelFunc: @Sendable (UInt64) -> (),
",
    ),
    ("            fatalError(\"Cancellation not supported yet\")", "            throw CancellationError()"),
    // Swift's own type for it, exact; and no value of a host's ends the process.
    (
        "    typealias SwiftType = TimeInterval

    public static func read(from buf: inout (data: Data, offset: Data.Index)) throws -> TimeInterval {
        let seconds: UInt64 = try readInt(&buf)
        let nanoseconds: UInt32 = try readInt(&buf)
        return Double(seconds) + (Double(nanoseconds) / 1.0e9)
    }

    public static func write(_ value: TimeInterval, into buf: inout [UInt8]) {
        if value.rounded(.down) > Double(Int64.max) {
            fatalError(\"Duration overflow, exceeds max bounds supported by Uniffi\")
        }

        if value < 0 {
            fatalError(\"Invalid duration, must be non-negative\")
        }

        let seconds = UInt64(value)
        let nanoseconds = UInt32((value - Double(seconds)) * 1.0e9)
        writeInt(&buf, seconds)
        writeInt(&buf, nanoseconds)
    }
",
        "    typealias SwiftType = Duration

    public static func read(from buf: inout (data: Data, offset: Data.Index)) throws -> Duration {
        let seconds: UInt64 = try readInt(&buf)
        let nanoseconds: UInt32 = try readInt(&buf)
        return .seconds(Int64(clamping: seconds)) + .nanoseconds(Int64(nanoseconds))
    }

    public static func write(_ value: Duration, into buf: inout [UInt8]) {
        let (seconds, attoseconds) = max(value, .zero).components
        writeInt(&buf, UInt64(seconds))
        writeInt(&buf, UInt32(attoseconds / 1_000_000_000))
    }
",
    ),
    // Swift counts in `Int`, which has 64 bits on all systems that the package is for.
    (
        "fileprivate struct FfiConverterInt32: FfiConverterPrimitive {
    typealias FfiType = Int32
    typealias SwiftType = Int32

    public static func read(from buf: inout (data: Data, offset: Data.Index)) throws -> Int32 {
        return try lift(readInt(&buf))
    }

    public static func write(_ value: Int32, into buf: inout [UInt8]) {
",
        "fileprivate struct FfiConverterInt32: FfiConverter {
    typealias FfiType = Int32
    typealias SwiftType = Int

    static func lift(_ value: FfiType) throws -> Int {
        return Int(value)
    }

    // What does not fit is out of bounds everywhere, and stays so.
    static func lower(_ value: Int) -> FfiType {
        return FfiType(clamping: value)
    }

    public static func read(from buf: inout (data: Data, offset: Data.Index)) throws -> Int {
        return try lift(readInt(&buf))
    }

    public static func write(_ value: Int, into buf: inout [UInt8]) {
",
    ),
    (
        "fileprivate struct FfiConverterInt64: FfiConverterPrimitive {
    typealias FfiType = Int64
    typealias SwiftType = Int64

    public static func read(from buf: inout (data: Data, offset: Data.Index)) throws -> Int64 {
        return try lift(readInt(&buf))
    }

    public static func write(_ value: Int64, into buf: inout [UInt8]) {
",
        "fileprivate struct FfiConverterInt64: FfiConverter {
    typealias FfiType = Int64
    typealias SwiftType = Int

    static func lift(_ value: FfiType) throws -> Int {
        return Int(value)
    }

    static func lower(_ value: Int) -> FfiType {
        return FfiType(value)
    }

    public static func read(from buf: inout (data: Data, offset: Data.Index)) throws -> Int {
        return try lift(readInt(&buf))
    }

    public static func write(_ value: Int, into buf: inout [UInt8]) {
",
    ),
    // The package's own `MarketClient` is the door.
    ("public protocol MarketCoreProtocol:", "protocol MarketCoreProtocol:"),
    ("open class MarketCore:", "final class MarketCore:"),
    ("public struct ClientConfig {", "struct ClientConfig {"),
    ("public func coreVersion()", "func coreVersion()"),
    ("public func setLogSink(level: ", "func setLogSink(level: "),
    ("public protocol LogSink:", "protocol LogSink:"),
    // It cannot fail and costs little: in Swift, a property.
    ("    func currentState()  -> SessionState", "    var state: SessionState { get }"),
    ("open func currentState() -> SessionState  {", "public var state: SessionState  {"),
    ("public func uniffiEnsureMarketSdkFfiInitialized()", "func uniffiEnsureMarketSdkFfiInitialized()"),
];

/// In the protocol and in the class.
const TWICE: &[(&str, &str)] = &[
    ("func place(order: ", "func place(_ order: "),
    ("func list(query: ", "func list(_ query: "),
    ("func updateProfile(update: ", "func updateProfile(_ update: "),
];

/// The calls whose result says what has changed, and may be let go: by what they begin with, and what they give.
const DISCARDABLE: &[(&str, &str)] = &[
    ("add(sku: ", "Cart"),
    ("setQuantity(", "Cart"),
    ("remove(line: ", "Cart"),
    ("clear(", "Cart"),
    ("add(product: ", "Wishlist"),
    ("remove(product: ", "Wishlist"),
    ("clear(", "Wishlist"),
    ("cancel(order: ", "CancelledOrder"),
    ("restore(", "SessionState"),
    ("requestCode(", "CodeSent"),
    ("verifyCode(", "SignIn"),
    ("updateProfile(", "Profile"),
];

/// Says so, in the protocol and in the class.
fn discardable(text: &str) -> Result<String, String> {
    let mut changed = 0;
    let lines = text.lines().map(|line| {
        let declared = line.trim_start();
        let called = declared.strip_prefix("public ").unwrap_or(declared).strip_prefix("func ");
        let gives = line.split("-> ").nth(1).map(|gives| gives.trim_end_matches([' ', '{']));
        let may = called.is_some_and(|call| {
            DISCARDABLE.iter().any(|(start, value)| call.starts_with(start) && gives == Some(*value))
        });
        if !may {
            return line.to_owned();
        }
        changed += 1;
        format!("    @discardableResult\n{line}")
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    match changed == 2 * DISCARDABLE.len() {
        true => Ok(text),
        false => Err(format!(
            "of {} results that may be let go, {changed} are in the generated code",
            2 * DISCARDABLE.len()
        )),
    }
}

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

/// The public types are those that an app uses, and closed: nothing in them is meant to be made or inherited from by
/// anybody else.
fn surface(text: &str) -> Result<String, String> {
    const HANDLES: &str = "    /// Used to instantiate a [FFIObject] without an actual handle, for fakes in tests, mostly.
#if swift(>=5.8)
    @_documentation(visibility: private)
#endif
    public struct NoHandle {
        public init() {}
    }

    // TODO: We'd like this to be `private` but for Swifty reasons,
    // we can't implement `FfiConverter` without making this `required` and we can't
    // make it `required` without making it `public`.
#if swift(>=5.8)
    @_documentation(visibility: private)
#endif
    required public init(unsafeFromHandle handle: UInt64) {
        self.handle = handle
    }

    // This constructor can be used to instantiate a fake object.
    // - Parameter noHandle: Placeholder value so we can have a constructor separate from the default empty one that may be implemented for classes extending [FFIObject].
    //
    // - Warning:
    //     Any object instantiated with this constructor cannot be passed to an actual Rust-backed object. Since there isn't a backing handle the FFI lower functions will crash.
#if swift(>=5.8)
    @_documentation(visibility: private)
#endif
    public init(noHandle: NoHandle) {
        self.handle = 0
    }

#if swift(>=5.8)
    @_documentation(visibility: private)
#endif
    public func uniffiCloneHandle() -> UInt64 {
";
    const MEMBERWISE: &str = "    // Default memberwise initializers are never public by default, so we
    // declare one manually.
    public init(";
    const HANDLE: &str = "    init(unsafeFromHandle handle: UInt64) {
        self.handle = handle
    }

    func uniffiCloneHandle() -> UInt64 {
";
    let classes = text.matches("    fileprivate let handle: UInt64\n").count();
    let handles = text.matches(HANDLES).count();
    if classes == 0 || handles != classes {
        return Err(format!("of {classes} classes in the generated code, {handles} are as expected"));
    }
    let text = text.replace(HANDLES, HANDLE);
    // Every record has one: a test makes a value with it.
    let records = text.matches("public struct ").count() - text.matches("public struct FfiConverter").count();
    let made = text.matches(MEMBERWISE).count();
    // The client's configuration is a record too, and not public any more.
    if made != records + 1 {
        return Err(format!("of {records} records in the generated code, {made} can be made"));
    }
    let text = text.replace(MEMBERWISE, "    /// Makes one of its parts.\n    public init(");
    let lines = text.lines().map(|line| {
        if let Some(rest) = line.strip_prefix("open class ") {
            // What stands for a foreign trait of Rust's making is seen by nobody.
            let name = rest.split(':').next().unwrap_or_default();
            if name.ends_with("Impl") {
                format!("final class {rest}")
            } else {
                format!("public final class {rest}")
            }
        } else if let Some(rest) = line.strip_prefix("open func ") {
            format!("public func {rest}")
        } else if line.starts_with("public struct FfiConverter")
            || line.starts_with("public func FfiConverter")
        {
            line.replacen("public ", "", 1)
        } else {
            line.to_owned()
        }
    });
    Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
}

/// `Int` and `Duration`, wherever an app sees them.
fn numbers(text: &str) -> Result<String, String> {
    const OWN: &[&str] = &[
        "self.init(len",
        "let len",
        "variant: Int32",
        "writeInt(&buf, Int32(",
        "seconds",
        "sign: Int64",
        "Int64.max",
        "FfiType",
        ": Int32 = ",
    ];
    let mut changed = 0;
    let lines = text.lines().map(|line| {
        let counts = line.contains("limit: Int32 = ") || line.contains("offset: Int32 = ");
        if !counts && OWN.iter().any(|own| line.contains(own)) {
            return line.to_owned();
        }
        words(line, |word| {
            let to = match word {
                "Int32" | "Int64" => "Int",
                "TimeInterval" => "Duration",
                _ => return None,
            };
            changed += 1;
            Some(to.to_owned())
        })
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    if changed == 0 { Err("no numbers were found in the generated code".to_owned()) } else { Ok(text) }
}

/// Acronyms and cases as Swift writes them, and codes of errors in comments as the links that they are.
fn spelled(text: &str) -> String {
    let (codes, failures) = (cases(text, "public enum ErrorCode"), failures(text));
    let lines = text.lines().map(|line| {
        let comment = line.trim_start().starts_with(['*', '/']);
        let line = words(line, |word| {
            match word {
                failure if !comment && failures.iter().any(|name| name == failure) => {
                    return Some(lower(failure));
                }
                "Url" => return Some("URL".to_owned()),
                _ => {}
            }
            let lower = word.starts_with(|first: char| first.is_ascii_lowercase());
            for (from, to) in [("Id", "ID"), ("Url", "URL")] {
                if let Some(start) = word.strip_suffix(from)
                    && lower
                {
                    return Some(format!("{start}{to}"));
                }
            }
            let at = word.find("Api")?;
            let after = word.get(at + 3..)?;
            let whole =
                after.is_empty() || after.starts_with(|next: char| next.is_ascii_uppercase() || next == '_');
            whole.then(|| word.replacen("Api", "API", 1))
        });
        if !comment {
            return line;
        }
        codes.iter().fold(line, |line, code| {
            let mut rust = code.clone();
            if let Some(first) = rust.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            line.replace(&format!("`{rust}`"), &format!("``ErrorCode/{code}``"))
        })
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// The cases of all errors: the generator leaves them as Rust writes them.
fn failures(text: &str) -> Vec<String> {
    let errors = text.lines().filter(|line| line.starts_with("public enum ") && line.contains("Swift.Error"));
    errors.flat_map(|line| cases(text, line)).collect()
}

/// The cases of the enum that begins so.
fn cases(text: &str, start: &str) -> Vec<String> {
    let cases = text.split_once(start).map_or("", |(_, rest)| rest);
    let cases = cases.lines().take_while(|line| !line.starts_with('}'));
    let names = cases.filter_map(|line| line.trim().strip_prefix("case "));
    names.map(|name| name.split('(').next().unwrap_or(name).trim_end().to_owned()).collect()
}

fn lower(name: &str) -> String {
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

/// Puts others in the place of some identifiers of a line.
fn words(line: &str, mut other: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let part = |word: bool| move |c: char| (c.is_ascii_alphanumeric() || c == '_') != word;
        let word = !rest.starts_with(part(true));
        let (next, after) = rest.split_at(rest.find(part(word)).unwrap_or(rest.len()));
        match other(next) {
            Some(to) if word => out.push_str(&to),
            _ => out.push_str(next),
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_taken_whole() {
        let to = |word: &str| (word == "Int32").then(|| "Int".to_owned());
        assert_eq!(
            words("a: Int32?, b: UInt32, c_Int32 = [Int32]", to),
            "a: Int?, b: UInt32, c_Int32 = [Int]"
        );
        assert_eq!(words("", to), "");
    }

    #[test]
    fn acronyms_are_as_swift_writes_them() {
        let text = "public enum ErrorCode {\n    case notFound\n}\npublic enum AnError: Swift.Error {\n    case Locked\n    case Failed(\n}\n * `NotFound`, Failed\nlet (skuId, baseUrl, Idle, .Failed): SessionApiProtocol\n";
        let expected = "public enum ErrorCode {\n    case notFound\n}\npublic enum AnError: Swift.Error {\n    case locked\n    case failed(\n}\n * ``ErrorCode/notFound``, Failed\nlet (skuID, baseURL, Idle, .failed): SessionAPIProtocol\n";
        assert_eq!(spelled(text), expected);
    }

    #[test]
    fn a_call_that_cannot_be_cancelled_is_an_error() {
        let call = "try  await uniffiRustCallAsync(\n            pollFunc: ffi_market_sdk_ffi_rust_future_poll_u8,\n";
        assert!(cancellable(call).is_ok_and(|text| text.contains("rust_future_cancel_u8($0)")));
        assert!(cancellable(&call.replace("pollFunc", "poll")).is_err());
        assert!(cancellable("").is_err());
    }
}
