// The JavaScript thread: what other threads ask of it, and its timers.
#pragma once

#include <ReactCommon/CallInvoker.h>
#include <jsi/jsi.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

// Behaves as React Native's does when the app is loaded anew: what is queued is dropped, and what comes later is dropped
// at once, on the thread that it came from.
class Queue : public facebook::react::CallInvoker {
  using Runtime = facebook::jsi::Runtime;
  using Instant = std::chrono::steady_clock::time_point;

public:
  explicit Queue(Runtime &runtime) : runtime(runtime) {}

  void invokeAsync(facebook::react::CallFunc &&task) noexcept override {
    std::lock_guard guard(mutex);
    if (open) {
      tasks.push_back(std::move(task));
      changed.notify_one();
    }
  }

  void invokeSync(facebook::react::CallFunc &&) override { throw std::logic_error("nothing here asks for this"); }

  int startTimer(facebook::jsi::Function &&call, Instant due) {
    const int id = ++lastTimer;
    timers.emplace(std::make_pair(due, id), std::move(call));
    return id;
  }

  void stopTimer(int id) {
    for (auto timer = timers.begin(); timer != timers.end(); ++timer) {
      if (timer->first.second == id) {
        timers.erase(timer);
        return;
      }
    }
  }

  // Does what there is to do, or waits for it, until `deadline` at the latest.
  void turn(Instant deadline) {
    if (auto task = next(deadline)) {
      (*task)(runtime);
    } else if (!timers.empty() && timers.begin()->first.first <= std::chrono::steady_clock::now()) {
      auto due = timers.extract(timers.begin());
      due.mapped().call(runtime);
    }
    runtime.drainMicrotasks();
  }

  // On the JavaScript thread, before the runtime goes.
  void close() {
    std::deque<facebook::react::CallFunc> dropped;
    {
      std::lock_guard guard(mutex);
      open = false;
      dropped.swap(tasks);
    }
    timers.clear();
  }

private:
  std::optional<facebook::react::CallFunc> next(Instant deadline) {
    if (!timers.empty()) deadline = std::min(deadline, timers.begin()->first.first);
    std::unique_lock guard(mutex);
    if (!changed.wait_until(guard, deadline, [this] { return !tasks.empty(); })) return std::nullopt;
    auto task = std::move(tasks.front());
    tasks.pop_front();
    return task;
  }

  Runtime &runtime;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<facebook::react::CallFunc> tasks;
  bool open = true;
  // Of the JavaScript thread alone.
  std::map<std::pair<Instant, int>, facebook::jsi::Function> timers;
  int lastTimer = 0;
};
