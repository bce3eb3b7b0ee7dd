// How Rust's threads reach a JavaScript runtime that may go at any time: an app's script is loaded anew, or the app ends.
// The generated C++ is edited to use this. Its own way leaves a thread waiting for ever if the runtime goes first, reads
// what another thread is clearing, and lets go of JavaScript values on whatever thread comes last.
#pragma once

#include "UniffiCallInvoker.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace market_sdk {

namespace jsi = facebook::jsi;
using Invoker = uniffi_runtime::UniffiCallInvoker;
using Task = uniffi_runtime::UniffiCallFunc;

// A JavaScript function that Rust calls. It belongs to one runtime, and is let go on that runtime's thread, when the
// runtime goes; who comes later finds nobody.
class Held : public std::enable_shared_from_this<Held> {
public:
  Held(jsi::Runtime &rt, const jsi::Function &function)
      : value(jsi::Value(rt, function)), thread(std::this_thread::get_id()) {}

  // On the runtime's thread.
  jsi::Object asObject(jsi::Runtime &rt) const {
    if (!value) throw jsi::JSError(rt, "the runtime is gone");
    return value->asObject(rt);
  }

  // Has the runtime's thread do it, and waits until it has. False if it failed, or the runtime went first.
  bool ask(const std::shared_ptr<Invoker> &invoker, jsi::Runtime &rt, Task task) {
    if (std::this_thread::get_id() == thread) return attempt(task, rt);
    auto errand = std::make_shared<Errand>(shared_from_this());
    // The queue holds the errand by this alone: if the queue drops it, nobody will ever run it, and the errand says so.
    invoker->invokeNonBlocking(rt, [ticket = std::make_shared<Ticket>(errand), task = std::move(task)](jsi::Runtime &rt) {
      ticket->errand->run(task, rt);
    });
    std::unique_lock guard(mutex);
    changed.wait(guard, [&] { return errand->state != State::Running && (errand->state != State::Queued || !open); });
    if (errand->state == State::Queued) errand->state = State::Dropped;
    return errand->state == State::Done;
  }

  // Has the runtime's thread do it some time, if there is still time.
  void tell(const std::shared_ptr<Invoker> &invoker, jsi::Runtime &rt, Task task) {
    invoker->invokeNonBlocking(rt, [self = shared_from_this(), task = std::move(task)](jsi::Runtime &rt) {
      self->attempt(task, rt);
    });
  }

  // On the runtime's thread, when the runtime goes.
  void close() {
    {
      std::lock_guard guard(mutex);
      open = false;
    }
    value.reset();
    changed.notify_all();
  }

private:
  enum class State { Queued, Running, Done, Failed, Dropped };

  struct Errand {
    explicit Errand(std::shared_ptr<Held> held) : held(std::move(held)) {}

    void run(const Task &task, jsi::Runtime &rt) {
      if (!move(State::Queued, State::Running)) return;
      move(State::Running, held->attempt(task, rt) ? State::Done : State::Failed);
    }

    bool move(State from, State to) {
      {
        std::lock_guard guard(held->mutex);
        if (state != from) return false;
        state = to;
      }
      held->changed.notify_all();
      return true;
    }

    const std::shared_ptr<Held> held;
    State state = State::Queued;
  };

  struct Ticket {
    explicit Ticket(std::shared_ptr<Errand> errand) : errand(std::move(errand)) {}
    ~Ticket() { errand->move(State::Queued, State::Dropped); }
    const std::shared_ptr<Errand> errand;
  };

  // What is thrown ends here: Rust cannot take it, and on the runtime's thread it would end the app.
  bool attempt(const Task &task, jsi::Runtime &rt) {
    if (!value) return false;
    try {
      task(rt);
      return true;
    } catch (const std::exception &) {
      return false;
    }
  }

  // Of the runtime's thread alone.
  std::optional<jsi::Value> value;
  const std::thread::id thread;

  std::mutex mutex;
  std::condition_variable changed;
  bool open = true;
};

// The place in which a C function that Rust calls finds the newest runtime's function. While an app's script is loaded
// anew there may be two runtimes for a while, each on its thread.
template <typename Signature> class Callback;
template <typename... Arguments> class Callback<void(Arguments...)> {
  using Call = std::function<void(Arguments...)>;

public:
  bool has(const std::shared_ptr<Invoker> &runtime) const {
    std::lock_guard guard(mutex);
    return held.count(runtime.get()) != 0;
  }

  void place(const std::shared_ptr<Invoker> &runtime, std::shared_ptr<Held> function, Call present) {
    std::lock_guard guard(mutex);
    held[runtime.get()] = std::move(function);
    newest = runtime.get();
    call = std::make_shared<const Call>(std::move(present));
  }

  // On the runtime's thread.
  void clear(const std::shared_ptr<Invoker> &runtime) {
    std::shared_ptr<Held> gone;
    {
      std::lock_guard guard(mutex);
      auto found = held.find(runtime.get());
      if (found == held.end()) return;
      gone = std::move(found->second);
      held.erase(found);
      if (newest == runtime.get()) call.reset();
    }
    gone->close();
  }

  bool empty() const {
    std::lock_guard guard(mutex);
    return call == nullptr;
  }

  // Does nothing if there is nobody.
  void operator()(Arguments... arguments) const {
    std::shared_ptr<const Call> present;
    {
      std::lock_guard guard(mutex);
      present = call;
    }
    if (present) (*present)(arguments...);
  }

private:
  mutable std::mutex mutex;
  std::map<const Invoker *, std::shared_ptr<Held>> held;
  const Invoker *newest = nullptr;
  std::shared_ptr<const Call> call;
};

// The calls that each runtime waits for. Those that it leaves behind end with it: nobody would ever take their answers,
// and they would hold on to their client.
class Calls {
public:
  using Free = void (*)(uint64_t);

  static void began(const std::shared_ptr<Invoker> &runtime, uint64_t call, Free free) {
    std::lock_guard guard(all().mutex);
    all().calls[runtime.get()].emplace(call, free);
  }

  static void ended(const std::shared_ptr<Invoker> &runtime, uint64_t call) {
    std::lock_guard guard(all().mutex);
    all().calls[runtime.get()].erase(call);
  }

  static void end(const std::shared_ptr<Invoker> &runtime) {
    std::map<uint64_t, Free> left;
    {
      std::lock_guard guard(all().mutex);
      left.swap(all().calls[runtime.get()]);
      all().calls.erase(runtime.get());
    }
    for (const auto &[call, free] : left) free(call);
  }

private:
  static Calls &all() {
    static Calls calls;
    return calls;
  }

  std::mutex mutex;
  std::map<const Invoker *, std::map<uint64_t, Free>> calls;
};

// Does it when the scope ends.
template <typename Do> class AtEnd {
public:
  explicit AtEnd(Do call) : call(std::move(call)) {}
  AtEnd(const AtEnd &) = delete;
  ~AtEnd() { call(); }

private:
  Do call;
};

// Bytes that go with the array buffer over them; the generator's own buffer leaves them behind.
class OwnBytes : public jsi::MutableBuffer {
public:
  OwnBytes(const uint8_t *from, size_t length) : bytes(new uint8_t[length]), length(length) {
    std::copy(from, from + length, bytes.get());
  }
  size_t size() const override { return length; }
  uint8_t *data() override { return bytes.get(); }

private:
  const std::unique_ptr<uint8_t[]> bytes;
  const size_t length;
};

} // namespace market_sdk
