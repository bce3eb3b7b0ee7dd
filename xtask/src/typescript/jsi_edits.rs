//! What is changed in C++ that others wrote: in the generator's templates, and in the engine of the tests.

/// Pieces of one file, each of which is there once, and what takes their place.
type Edits = &'static [(&'static str, &'static str)];

/// What is changed in the generator's templates of C++, so that what it writes is safe when a runtime goes while Rust's
/// threads are at work, and leaks nothing. What they are changed to use is in `bindings/react-native/cpp/reload.h`.
pub(crate) const GENERATOR: &[(&str, Edits)] = &[
    ("crates/ubrn_bindgen/src/bindings/gen_cpp/templates/CallbackFunction.cpp", CALLBACKS),
    ("crates/ubrn_bindgen/src/bindings/gen_cpp/templates/macros.cpp", MACROS),
    (
        "crates/ubrn_bindgen/src/bindings/gen_cpp/templates/wrapper.cpp",
        &[
            ("#include \"UniffiJsiTypes.h\"", "#include \"UniffiJsiTypes.h\"\n#include \"reload.h\""),
            (
                "{%- endfor %}\n}\n\n{%- include \"StringHelper.cpp\" %}",
                "{%- endfor %}\n    market_sdk::Calls::end(callInvoker);\n}\n\n{%- include \"StringHelper.cpp\" %}",
            ),
        ],
    ),
    // Rust keeps a pointer to each table for good, and reads it on its own threads: it must not go with a runtime. What
    // is in it is the same for each runtime.
    (
        "crates/ubrn_bindgen/src/bindings/gen_cpp/templates/VTableRegistryHelper.cpp",
        &[
            (
                "        auto holder = std::make_shared<VTableHolder<T>>(vtable);",
                "        if (auto known = vtableRegistry.find(std::string(identifier)); known != vtableRegistry.end()) {
            return &std::static_pointer_cast<VTableHolder<T>>(known->second)->vtable;
        }
        auto holder = std::make_shared<VTableHolder<T>>(vtable);",
            ),
            ("        vtableRegistry.clear();\n", ""),
        ],
    ),
    // Two buffers whose bytes nobody frees: of an error, and of a string.
    (
        "crates/ubrn_bindgen/src/bindings/gen_cpp/templates/RustCallStatusHelper.cpp",
        &[(
            "      uint8_t *bytes = new uint8_t[len];
      std::memcpy(bytes, status.error_buf.data, len);
      auto payload = std::make_shared<uniffi_jsi::CMutableBuffer>(bytes, len);",
            "      auto payload = std::make_shared<market_sdk::OwnBytes>(status.error_buf.data, len);",
        )],
    ),
    (
        "crates/ubrn_bindgen/src/bindings/gen_cpp/templates/StringHelper.cpp",
        &[(
            "    return {{ ci.cpp_namespace_includes() }}::Bridging<std::string>::string_to_buffer(rt, args[0]);",
            "    const auto text = args[0].asString(rt).utf8(rt);
    auto bytes = std::make_shared<market_sdk::OwnBytes>(
        reinterpret_cast<const uint8_t *>(text.data()), text.size());
    return {{ ci.cpp_namespace_includes() }}::Bridging<jsi::ArrayBuffer>::arraybuffer_to_value(
        rt, jsi::ArrayBuffer(rt, bytes));",
        )],
    ),
    // Both flavours: a call is lowered before its object is cloned for it. An argument that is refused would leave the
    // clone behind, and that the client.
    (
        "crates/ubrn_bindgen/src/bindings/gen_typescript/templates/CallBodyMacros.ts",
        &[
            (
                "            /*rustFutureFunc:*/ () => {",
                "            /*rustFutureFunc:*/ () => {
                {%- for arg in callable.arguments %}
                const lowered{{ loop.index }} =
                    {{ arg.ffi_converter }}.lower({{ arg.name }}, nativeModule().rustbuffer_alloc);
                {%- endfor %}",
            ),
            (
                "{{ arg.ffi_converter }}.lower({{ arg.name }}, nativeModule().rustbuffer_alloc){% if !loop.last %}",
                "lowered{{ loop.index }}{% if !loop.last %}",
            ),
        ],
    ),
];

const CALLBACKS: Edits = &[
    // Rust's threads call while the runtime's thread clears.
    ("    static std::function<void(", "    static market_sdk::Callback<void("),
    ("> rsLambda = nullptr;", "> rsLambda;"),
    ("std::shared_ptr<jsi::Value> callbackValue", "std::shared_ptr<market_sdk::Held> callbackValue"),
    (
        "std::make_shared<jsi::Value>(rt, callbackFunction)",
        "std::make_shared<market_sdk::Held>(rt, callbackFunction)",
    ),
    ("if (rsLambda != nullptr) {", "if (rsLambda.has(callInvoker)) {"),
    (
        "rsLambda = [&rt, callInvoker, callbackValue](",
        "rsLambda.place(callInvoker, callbackValue, [&rt, callInvoker, callbackValue](",
    ),
    // It has failed until it has said that it has not, which a runtime that is gone never does. What Rust hands over in
    // a buffer is the callback's to free.
    (
        "        if (rsLambda == nullptr) {",
        "        {%- if callback.has_rust_call_status_arg() %}
        uniffi_call_status->code = UNIFFI_CALL_STATUS_PANIC;
        {%- endif %}
        {%- for arg in callback.arguments_no_return() %}
        {%-   let arg_t = arg.type_().borrow()|ffi_type_name %}
        {%-   if arg_t.as_str() == \"RustBuffer\" %}
        {%-   let arg_nm_rs = arg.name()|var_name|fmt(\"rs_{}\") %}
        const market_sdk::AtEnd free_{{ arg_nm_rs }}([&] {
            {{ ci.cpp_namespace() }}::Bridging<RustBuffer>::rustbuffer_free({{ arg_nm_rs }});
        });
        {%-   endif %}
        {%- endfor %}
        if (rsLambda.empty()) {",
    ),
    (
        "                callInvoker->invokeBlocking(rt, jsLambda);",
        "                {%- if callback.has_rust_call_status_arg() %}
                if (!callbackValue->ask(callInvoker, rt, std::move(jsLambda))) {
                    uniffi_call_status->code = UNIFFI_CALL_STATUS_PANIC;
                }
                {%- else %}
                callbackValue->ask(callInvoker, rt, std::move(jsLambda));
                {%- endif %}",
    ),
    (
        "                callInvoker->invokeNonBlocking(rt, jsLambda);",
        "                callbackValue->tell(callInvoker, rt, std::move(jsLambda));",
    ),
    ("        };\n        return callback;", "        });\n        return callback;"),
    (
        "static void cleanup() {",
        "static void cleanup(const std::shared_ptr<uniffi_runtime::UniffiCallInvoker> &callInvoker) {",
    ),
    ("        rsLambda = nullptr;\n    }", "        rsLambda.clear(callInvoker);\n    }"),
    // What a listener throws may be personal, and is nothing for standard output.
    (
        "        } catch (const jsi::JSError &error) {
            std::cout << \"Error in callback {{ name }}: \"
                    << error.what() << std::endl;
            throw error;
        }",
        "        } catch (const jsi::JSError &) {
            throw;
        }",
    ),
];

const MACROS: Edits = &[
    (
        "{%- let ns = callback.cpp_namespace(ci) %}\n{{- ns }}::cleanup();",
        "{%- let ns = callback.cpp_namespace(ci) %}\n{{- ns }}::cleanup(callInvoker);",
    ),
    (
        "{%- let ns = st.cpp_namespace_free(ci) %}\n{{- ns }}::cleanup();",
        "{%- let ns = st.cpp_namespace_free(ci) %}\n{{- ns }}::cleanup(callInvoker);",
    ),
    ("ffi_struct.name()) }}::cleanup();", "ffi_struct.name()) }}::cleanup(callInvoker);"),
    // A call is known by the handle that it is polled with, until it is freed.
    (
        "{%- call cpp_fn_from_js_decl(func) %} {\n    {%- call cpp_fn_rust_caller_body(func) %}",
        "{%- call cpp_fn_from_js_decl(func) %} {
    {%- if func.name().contains(\"_rust_future_poll_\") %}
        market_sdk::Calls::began(
            callInvoker, uniffi_jsi::Bridging<uint64_t>::fromJs(rt, callInvoker, args[0]),
            {{ func.name().replace(\"_poll_\", \"_free_\") }});
    {%- else if func.name().contains(\"_rust_future_free_\") %}
        market_sdk::Calls::ended(callInvoker, uniffi_jsi::Bridging<uint64_t>::fromJs(rt, callInvoker, args[0]));
    {%- endif %}
    {%- call cpp_fn_rust_caller_body(func) %}",
    ),
];

/// What JSCRuntime.cpp lacks; what it is given is in `jsc_values.h`.
pub(crate) const ENGINE: Edits = &[
    ("#include \"JSCRuntime.h\"\n", "#include \"JSCRuntime.h\"\n#include \"jsc_values.h\"\n"),
    (
        "  assert(JSValueIsSymbol(ctx_, sym_));",
        "  assert(JSValueIsSymbol(ctx_, sym_) || JSValueIsBigInt(ctx_, sym_));",
    ),
    // A big integer is held as a symbol is: by its reference.
    (
        "    const Runtime::PointerValue*) {\n  throw std::logic_error(\"Not implemented\");",
        "    const Runtime::PointerValue* pv) {\n  return cloneSymbol(pv);",
    ),
    (
        "createBigIntFromInt64(int64_t) {\n  throw std::logic_error(\"Not implemented\");",
        "createBigIntFromInt64(int64_t number) {\n  return make<jsi::BigInt>(makeSymbolValue(jsc_values::ofInt64(ctx_, number)));",
    ),
    (
        "createBigIntFromUint64(uint64_t) {\n  throw std::logic_error(\"Not implemented\");",
        "createBigIntFromUint64(uint64_t number) {\n  return make<jsi::BigInt>(makeSymbolValue(jsc_values::ofUint64(ctx_, number)));",
    ),
    (
        "bigintIsInt64(const jsi::BigInt&) {\n  throw std::logic_error(\"Not implemented\");",
        "bigintIsInt64(const jsi::BigInt& big) {\n  return jsc_values::isInt64(ctx_, valueRef(jsi::Value(*this, big)));",
    ),
    (
        "bigintIsUint64(const jsi::BigInt&) {\n  throw std::logic_error(\"Not implemented\");",
        "bigintIsUint64(const jsi::BigInt& big) {\n  return jsc_values::isUint64(ctx_, valueRef(jsi::Value(*this, big)));",
    ),
    (
        "truncate(const jsi::BigInt&) {\n  throw std::logic_error(\"Not implemented\");",
        "truncate(const jsi::BigInt& big) {\n  return jsc_values::truncated(ctx_, valueRef(jsi::Value(*this, big)));",
    ),
    (
        "    std::shared_ptr<jsi::MutableBuffer> buffer) {\n  throw std::logic_error(\"Not implemented\");",
        "    std::shared_ptr<jsi::MutableBuffer> buffer) {\n  JSValueRef exc = nullptr;\n  \
         JSObjectRef made = jsc_values::arrayBuffer(ctx_, std::move(buffer), &exc);\n  \
         checkException(made, exc);\n  return createObject(made).getArrayBuffer(*this);",
    ),
    (
        "    default:\n      // WHAT ARE YOU",
        "    case kJSTypeBigInt:\n      return make<jsi::BigInt>(makeSymbolValue(value));\n    default:\n      // WHAT ARE YOU",
    ),
    (
        "  } else if (value.isString()) {\n    return JSValueMakeString",
        "  } else if (value.isBigInt()) {\n    return static_cast<const JSCSymbolValue*>(getPointerValue(value))->sym_;\n  \
         } else if (value.isString()) {\n    return JSValueMakeString",
    ),
    (
        "      : runtime(rt), hostObject(sho) {}\n",
        "      : runtime(rt), hostObject(sho) {\n    ++jsc_values::liveHostObjects;\n  }\n  \
         ~HostObjectProxyBase() {\n    --jsc_values::liveHostObjects;\n  }\n",
    ),
    (
        "} // namespace jsc\n} // namespace facebook",
        "} // namespace jsc\n} // namespace facebook\n\nextern \"C\" void JSSynchronousGarbageCollectForDebugging(JSContextRef);\n\n\
         void jsc_values::collect(facebook::jsi::Runtime& runtime) {\n  \
         JSSynchronousGarbageCollectForDebugging(static_cast<facebook::jsc::JSCRuntime&>(runtime).getContext());\n}",
    ),
];
