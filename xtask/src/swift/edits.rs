//! What is changed in the generated Swift. Each change is asserted: it fits as often as it must, or the generator
//! is another.

mod calls;
pub(super) mod personal;
mod reading;
mod words;

use crate::bindings::edited;

/// Makes all changes.
pub(super) fn all(text: &str) -> Result<String, String> {
    let text = edited(text, ONCE)?;
    let text = calls::made(&text)?;
    let objects = words::objects(&text);
    let text = surface(&text)?;
    let text = TWICE.iter().try_fold(text, |text, (from, to)| match text.matches(from).count() {
        2 => Ok(text.replace(from, to)),
        count => Err(format!("the generated code has this {count} times instead of twice:\n{from}")),
    })?;
    let text = discardable(&text)?;
    let text = personal::hidden(&text)?;
    let text = words::numbers(&text)?;
    let text = reading::from_memory(&text)?;
    calls::on_the_callers_actor(&words::spelled(&text, &objects))
}

const ONCE: &[(&str, &str)] = &[
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
    ("public struct ClientConfig {", "struct ClientConfig {"),
    ("public func coreVersion()", "func coreVersion()"),
    ("public func setLogSink(level: ", "func setLogSink(level: "),
    ("public protocol LogSink:", "protocol LogSink:"),
    // It cannot fail and costs little: in Swift, a property.
    ("    func currentState()  -> SessionState", "    var state: SessionState { get }"),
    ("open func currentState() -> SessionState  {", "var state: SessionState  {"),
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
        let called = declared.strip_prefix("func ");
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

/// The public types are those that an app uses. Of an object that is its protocol: an app's tests can put their own in its
/// place, and nobody sees how the core's own is made.
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
            format!("final class {rest}")
        } else if let Some(rest) = line.strip_prefix("open func ") {
            format!("func {rest}")
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
