//! What is changed in the generated Kotlin: the machinery becomes internal, the public types are interfaces, failures
//! are of one type, and what is personal does not show itself. Every change is asserted.

use crate::bindings::{edited, personal};

/// The generated code as the package has it.
pub(super) fn edit(text: &str) -> Result<String, String> {
    // An app is given the interfaces, so that its tests can give it something else. The classes stay inside.
    let mut text = text.to_owned();
    for object in ["SessionApi", "CartApi", "WishlistApi", "OrdersApi", "Subscription"] {
        text = renamed(&text, object, &format!("Core{object}"))?;
        text = renamed(&text, &format!("{object}Interface"), object)?;
    }
    for (from, to) in EVERYWHERE {
        if !text.contains(from) {
            return Err(format!("the generated code does not have this:\n{from}"));
        }
        text = text.replace(from, to);
    }
    show_nothing_personal(&edited(&text, ONCE)?)
}

/// Changes that are the same for several declarations.
const EVERYWHERE: &[(&str, &str)] = &[
    // Machinery.
    ("\npublic object FfiConverter", "\ninternal object FfiConverter"),
    ("\npublic interface FfiConverter", "\ninternal interface FfiConverter"),
    ("\nopen class ", "\ninternal open class "),
    ("\nobject ", "\ninternal object "),
    ("\nclass InternalException", "\ninternal class InternalException"),
    ("\ninterface ", "\ninternal interface "),
    ("\ninline fun ", "\ninternal inline fun "),
    ("\npublic typealias ", "\ninternal typealias "),
    ("companion object ErrorHandler :", "internal companion object ErrorHandler :"),
    // Nobody needs a companion that has nothing.
    ("\n    \n    companion object\n}", "\n}"),
    ("\n    companion object\n}", "\n}"),
    ("\n        companion object\n    }", "\n    }"),
    ("\n        override val message\n            get() = \"\"", ""),
    ("get() = \"reason=${ `reason` }\"", "get() = `reason`"),
    // It says its name.
    ("\n    object ", "\n    data object "),
    // A failure of the host is no reason to end the process, whatever it is: an assertion, a stack overflow. What it
    // says of itself may be personal, and stays with the host.
    ("} catch(e: kotlin.Exception) {", "} catch(e: Throwable) {"),
    ("try { e.stackTraceToString() } catch(_: Throwable) { \"\" }", "e.javaClass.name"),
    ("a `StoreError`", "a `StoreException`"),
    // A thread that calls the host does not keep the virtual machine from ending.
    (
        "internal fun register(lib: UniffiLib) {",
        "internal fun register(lib: UniffiLib) {\n        onThreadsThatMayBeLeft(vtable)",
    ),
    // The one type of failure.
    (
        "throw IllegalStateException(\"${this.javaClass.simpleName} object has already been destroyed\")",
        "throw clientClosed()",
    ),
];

const ONCE: &[(&str, &str)] = &[
    // A structure of JNA's has memory of its own, and the collector has to let it go.
    (
        "
    var status = UniffiRustCallStatus()
    val return_value = callback(status)
    uniffiCheckCallStatus(errorHandler, status)
    return return_value
",
        "
    return CallStatus.lent { status ->
        callback(status).also { uniffiCheckCallStatus(errorHandler, status) }
    }
",
    ),
    // The core refuses a time of nothing by an error of its own.
    (
        "            // Rust does not support negative Durations
            throw IllegalArgumentException(\"Invalid duration, must be non-negative\")",
        "            return write(java.time.Duration.ZERO, buf)",
    ),
    // It is not written for explicit API mode, nor for a build that takes warnings for errors.
    (
        "@file:Suppress(\"NAME_SHADOWING\")",
        "@file:JvmName(\"MarketSdk\")\n@file:Suppress(\"NAME_SHADOWING\", \"NO_EXPLICIT_VISIBILITY_IN_API_MODE_WARNING\", \
         \"NO_EXPLICIT_RETURN_TYPE_IN_API_MODE_WARNING\", \"warnings\")",
    ),
    // Machinery.
    ("\npublic fun uniffiEnsureInitialized", "\ninternal fun uniffiEnsureInitialized"),
    ("\npublic abstract class FfiConverterCallbackInterface", "\ninternal abstract class FfiConverterCallbackInterface"),
    ("\npublic interface MarketCoreInterface", "\ninternal interface MarketCoreInterface"),
    ("\npublic interface SessionListener", "\ninternal interface SessionListener"),
    ("\npublic interface CartListener", "\ninternal interface CartListener"),
    ("\nsealed class ListenerException", "\ninternal sealed class ListenerException"),
    ("\ndata class ClientConfig", "\ninternal data class ClientConfig"),
    ("\ndata class Failure", "\ninternal data class Failure"),
    ("\nsealed class SessionStore: Disposable  {", "\nsealed class SessionStore {"),
    ("override fun destroy() {\n        when(this) {", "internal fun destroy() {\n        when(this) {"),
    ("*/ fun `coreVersion`", "*/ internal fun `coreVersion`"),
    ("UniffiCleaner.create()", "createUniffiCleaner()"),
    ("private fun UniffiCleaner.Companion.create()", "private fun createUniffiCleaner()"),
    // A lambda will do.
    ("public interface SessionEndListener", "public fun interface SessionEndListener"),
    ("public interface ExpiringSoonListener", "public fun interface ExpiringSoonListener"),
    ("public interface LogSink", "public fun interface LogSink"),
    // It may be called before there is a client.
    (
        "    UniffiLib.uniffi_market_sdk_ffi_fn_func_set_log_sink(",
        "    Core.load()\n    UniffiLib.uniffi_market_sdk_ffi_fn_func_set_log_sink(",
    ),
    // What Kotlin has flows for.
    (
        "
    /**
     * The present state.
     */
    fun `currentState`(): SessionState
",
        "
    /**
     * The states: the present one first, then each as it comes. Who collects slowly sees the latest, not all in
     * between.
     */
    val `state`: kotlinx.coroutines.flow.StateFlow<SessionState>
",
    ),
    (
        "
    /**
     * Tells `listener` of the present state and each that comes.
     */
    fun `observe`(`listener`: SessionListener): CoreSubscription
    
",
        "",
    ),
    (
        "
    /**
     * Tells `listener` of the cart as this client's calls show it. Observing reads nothing by itself; while somebody
     * observes, a change that failed and an order from the cart end in a fresh read.
     */
    fun `observe`(`listener`: CartListener): CoreSubscription
",
        "
    /**
     * The cart as this client's calls show it: the present one first, then each as it comes; null when nobody is
     * signed in, when another user is, and until a call has read it. Who collects slowly sees the latest, not all in
     * between. Collecting reads nothing by itself; while somebody collects, a change that failed and an order from
     * the cart end in a fresh read.
     */
    val `updates`: kotlinx.coroutines.flow.Flow<Cart?>
",
    ),
    (
        "override fun `observe`(`listener`: CartListener): CoreSubscription",
        "fun `observe`(`listener`: CartListener): CoreSubscription",
    ),
    ("\ninternal open class CoreCartApi", "\ninternal abstract class CoreCartApi"),
    ("return CoreCartApi(UniffiWithHandle, value)", "return ObservedCart(value)"),
    ("override fun `currentState`(): SessionState", "fun `currentState`(): SessionState"),
    (
        "override fun `observe`(`listener`: SessionListener): CoreSubscription",
        "fun `observe`(`listener`: SessionListener): CoreSubscription",
    ),
    ("\ninternal open class CoreSessionApi", "\ninternal abstract class CoreSessionApi"),
    ("return CoreSessionApi(UniffiWithHandle, value)", "return Session(value)"),
    (
        "    fun `onEnd`(`listener`: SessionEndListener): CoreSubscription",
        "    fun `onEnd`(`listener`: SessionEndListener): Subscription",
    ),
    (
        "    fun `onExpiringSoon`(`listener`: ExpiringSoonListener): CoreSubscription",
        "    fun `onExpiringSoon`(`listener`: ExpiringSoonListener): Subscription",
    ),
    (
        "    suspend fun `list`(`query`: OrderQuery): List<Order>\n",
        "    suspend fun `list`(`query`: OrderQuery = OrderQuery()): List<Order>\n",
    ),
    // An exception's message is the one for people, and what it carries is at hand.
    (
        "sealed class MarketException: kotlin.Exception() {",
        "class MarketException internal constructor(internal val failure: Failure) : kotlin.Exception() {
    /**
     * An error as an app's own fakes may throw it.
     */
    public constructor(
        code: ErrorCode,
        message: String,
        isRetryable: Boolean = false,
        status: Int? = null,
        requestId: String? = null,
        retryAfter: java.time.Duration? = null,
        fields: List<FieldError> = emptyList(),
        detail: String? = null,
    ) : this(Failure(code, message, isRetryable, status, requestId, retryAfter, fields, detail))

    /** A text fit for a person. It holds no token, code or full phone number. */
    override val message: String get() = failure.message
    /** What went wrong, in terms of what the app does about it. */
    val code: ErrorCode get() = failure.code
    /** Whether the same call may succeed later without anything else being done. */
    val isRetryable: Boolean get() = failure.isRetryable
    /** The HTTP status of the answer that was judged, if there was one. */
    val status: Int? get() = failure.status
    /** The server's name for the request, if it gave one. Quote it when reporting. */
    val requestId: String? get() = failure.requestId
    /** How long to wait before asking again, if that is known. */
    val retryAfter: java.time.Duration? get() = failure.retryAfter
    /** The refused fields of an invalid input. */
    val fields: List<FieldError> get() = failure.fields
    /** For a developer's log: what the layer below said. It holds nothing personal. */
    val detail: String? get() = failure.detail
",
    ),
    (
        "    /**
     * The one kind there is. What to do about it is in the failure's code.
     */
    class Failed(
        
        /**
         * What went wrong.
         */
        val `failure`: Failure
        ) : MarketException() {
        override val message
            get() = \"failure=${ `failure` }\"
    }
",
        "",
    ),
    ("1 -> MarketException.Failed(", "1 -> MarketException("),
    ("is MarketException.Failed -> (", "else -> ("),
    ("is MarketException.Failed -> {", "else -> {"),
    // A coroutine without a dispatcher does not go on within the core's call, which would wait for itself.
    ("uniffiContinuationHandleMap.remove(data).resume(pollResult)", "uniffiContinuationHandleMap.remove(data).goOn(pollResult)"),
    // A panic is an error like any other. Its text may hold anything.
    ("throw InternalException(FfiConverterString.lift(status.error_buf))", "RustBuffer.free(status.error_buf); throw corePanicked()"),
    ("throw InternalException(\"Rust panic\")", "throw corePanicked()"),
];

/// Gives each record that holds a text of somebody's own a form that leaves it out.
fn show_nothing_personal(text: &str) -> Result<String, String> {
    let (mut out, mut rest, mut known) = (String::new(), text, Vec::new());
    while let Some((before, class)) = rest.split_once("data class ") {
        // Its fields, to the brace of its body; types and comments have none.
        let (head, body) = class.split_once('{').ok_or("a data class without a body")?;
        let name = head.split(['(', ' ']).next().unwrap_or_default();
        let fields: Vec<(&str, &str)> = head.lines().filter_map(field).collect();
        if fields.is_empty() {
            return Err(format!("the fields of {name} were not found"));
        }
        let mut hides = false;
        let shown: Vec<String> = fields
            .iter()
            .map(|(field, kind)| {
                let path = format!("{name}.{field}");
                if personal::hides(&path, kind) {
                    hides = true;
                    return format!("{field}=${{hidden(`{field}`)}}");
                }
                known.push(path);
                format!("{field}=${{`{field}`}}")
            })
            .collect();
        out.extend([before, "data class ", head, "{"]);
        if hides {
            let form = shown.join(", ");
            out += &format!(
                "\n    /** Leaves out what is personal. */\n    override fun toString(): String = \"{name}({form})\"\n"
            );
        }
        rest = body;
    }
    match personal::SHOWN.iter().find(|path| !known.iter().any(|known| known == *path)) {
        Some(gone) => Err(format!("there is no {gone} any more")),
        None => Ok(out + rest),
    }
}

/// Name and type of a field, from a line of a record's head.
fn field(line: &str) -> Option<(&str, &str)> {
    let (_, field) = line.trim().split_once("val `").filter(|(before, _)| before.is_empty())?;
    field.split_once("`: ")
}

/// `text` with the name `from` written `to`, where it stands for itself.
fn renamed(text: &str, from: &str, to: &str) -> Result<String, String> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(from) {
        let alone = !before.ends_with(part) && !after.starts_with(part);
        out.extend([before, if alone { to } else { from }]);
        rest = after;
    }
    out += rest;
    if out == text { Err(format!("the generated code has no {from}")) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_changed_where_it_stands_for_itself() {
        assert_eq!(renamed("Cart, CartLine, `Cart`.", "Cart", "X").as_deref(), Ok("X, CartLine, `X`."));
        assert!(renamed("CartLine", "Cart", "X").is_err());
    }

    #[test]
    fn a_field_is_read() {
        assert_eq!(field("    val `id`: kotlin.Long"), Some(("id", "kotlin.Long")));
        assert_eq!(field("     * The val `id`: of it"), None);
    }
}
