// What JSCRuntime.cpp leaves out, by JavaScriptCore's C API: big integers, and array buffers over native memory. That
// file is edited, when it is compiled, to use this.
#pragma once

#include <JavaScriptCore/JavaScript.h>
#include <jsi/jsi.h>

#include <atomic>
#include <memory>
#include <string>

namespace jsc_values {

// How many host objects the collector has not yet finalised: what the tests of collection look at.
inline std::atomic<long> liveHostObjects{0};

// Collects what nobody holds, now.
void collect(facebook::jsi::Runtime &runtime);

inline JSValueRef ofInt64(JSContextRef ctx, int64_t number) {
  return JSBigIntCreateWithInt64(ctx, number, nullptr);
}

inline JSValueRef ofUint64(JSContextRef ctx, uint64_t number) {
  return JSBigIntCreateWithUInt64(ctx, number, nullptr);
}

// JavaScriptCore truncates, and so the number fits if nothing was lost by it.
inline bool isInt64(JSContextRef ctx, JSValueRef big) {
  JSValueRef back = ofInt64(ctx, JSValueToInt64(ctx, big, nullptr));
  return JSValueIsStrictEqual(ctx, big, back);
}

inline bool isUint64(JSContextRef ctx, JSValueRef big) {
  JSValueRef back = ofUint64(ctx, JSValueToUInt64(ctx, big, nullptr));
  return JSValueIsStrictEqual(ctx, big, back);
}

inline uint64_t truncated(JSContextRef ctx, JSValueRef big) {
  return JSValueToUInt64(ctx, big, nullptr);
}

// The array buffer holds on to the native one until it is collected. Over no address at all it would count as detached.
inline JSObjectRef arrayBuffer(JSContextRef ctx, std::shared_ptr<facebook::jsi::MutableBuffer> buffer, JSValueRef *thrown) {
  auto *held = new std::shared_ptr<facebook::jsi::MutableBuffer>(std::move(buffer));
  auto release = [](void *, void *context) { delete static_cast<std::shared_ptr<facebook::jsi::MutableBuffer> *>(context); };
  static uint8_t nothing;
  auto *bytes = (*held)->data() ? (*held)->data() : &nothing;
  return JSObjectMakeArrayBufferWithBytesNoCopy(ctx, bytes, (*held)->size(), release, held, thrown);
}

} // namespace jsc_values
