// Runs the cases of a script in JavaScriptCore, each in a runtime of its own, with the generated C++ registered as React
// Native registers it. A case that asks for a reload is torn down in the middle, as an app is when its script is loaded
// anew: what was queued for the runtime is dropped, the runtime goes, and the case goes on in another.
//
//     runner cases.js market-dev-server [part of a name]

#include "host.h"
#include "invoker.h"
#include "jsc_values.h"

#include "JSCRuntime.h"
#include "market_sdk_ffi.hpp"

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <sstream>

namespace jsi = facebook::jsi;
using Clock = std::chrono::steady_clock;

namespace {

// A case takes tenths of a second; what has not ended by then hangs.
constexpr auto DEADLINE = std::chrono::seconds(60);

struct Options {
  std::string script, server;
};

// What a case came to, or how it wants to go on.
struct Outcome {
  bool passed = false, reload = false;
  std::string why;
};

class Stage {
public:
  Stage(const Options &options, Host &host)
      : runtime(facebook::jsc::makeJSCRuntime()), queue(std::make_shared<Queue>(*runtime)) {
    install(*runtime, *queue, host, [this] { NativeMarketSdkFfi::registerModule(*runtime, queue); });
    runtime->evaluateJavaScript(std::make_shared<jsi::StringBuffer>(options.script), "cases.js");
  }

  // In React Native's order: nothing more reaches the runtime, then it goes.
  ~Stage() {
    queue->close();
    NativeMarketSdkFfi::unregisterModule(*runtime);
    runtime.reset();
  }

  std::vector<std::string> names() {
    auto names = runtime->global().getPropertyAsFunction(*runtime, "caseNames").call(*runtime).asObject(*runtime).asArray(*runtime);
    std::vector<std::string> all;
    for (size_t i = 0; i < names.size(*runtime); i++) {
      all.push_back(names.getValueAtIndex(*runtime, i).asString(*runtime).utf8(*runtime));
    }
    return all;
  }

  // Runs a case, or the part of it that comes after `reloads` reloads.
  Outcome run(const std::string &name, int reloads) {
    std::optional<Outcome> outcome;
    auto ended = jsi::Function::createFromHostFunction(
        *runtime, jsi::PropNameID::forAscii(*runtime, "ended"), 2,
        [&outcome](jsi::Runtime &rt, const jsi::Value &, const jsi::Value *args, size_t) {
          auto how = args[0].asString(rt).utf8(rt);
          outcome = Outcome{how == "passed", how == "reload", args[1].asString(rt).utf8(rt)};
          return jsi::Value::undefined();
        });
    auto start = runtime->global().getPropertyAsFunction(*runtime, "runCase");
    start.call(*runtime, jsi::String::createFromUtf8(*runtime, name), reloads, ended);
    const auto deadline = Clock::now() + DEADLINE;
    while (!outcome) {
      if (Clock::now() > deadline) return {false, false, "it hangs"};
      queue->turn(deadline);
    }
    return *outcome;
  }

private:
  std::unique_ptr<jsi::Runtime> runtime;
  std::shared_ptr<Queue> queue;
};

// Waits until nothing of the runtimes that are gone is left in Rust: a thread for each listener of each client.
bool nothingLeft() {
  for (const auto deadline = Clock::now() + std::chrono::seconds(5); Clock::now() < deadline;) {
    if (!threadsNamed("market-states") && !threadsNamed("market-carts") && !threadsNamed("market-listener")) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

Outcome run(const Options &options, const std::string &name) {
  Host host(options.server);
  auto stage = std::make_unique<Stage>(options, host);
  for (int reloads = 0;; reloads++) {
    auto outcome = stage->run(name, reloads);
    if (!outcome.reload) return outcome;
    // As it may be on a phone, where the next script may start before the last one is gone.
    auto last = std::move(stage);
    if (outcome.why != "overlap") last.reset();
    stage = std::make_unique<Stage>(options, host);
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::cerr << "runner cases.js market-dev-server [part of a name]" << std::endl;
    return 2;
  }
  std::stringstream script;
  script << std::ifstream(argv[1]).rdbuf();
  const Options options{script.str(), argv[2]};
  const std::string part = argc > 3 ? argv[3] : "";

  int passed = 0, failed = 0;
  std::vector<std::string> names;
  {
    Host host(options.server);
    names = Stage(options, host).names();
  }
  for (const auto &name : names) {
    if (name.find(part) == std::string::npos) continue;
    const auto start = Clock::now();
    // One whose thread hangs in C++ or Rust gets no turn: the signal ends all.
    alarm(2 * std::chrono::seconds(DEADLINE).count());
    Outcome outcome;
    try {
      outcome = run(options, name);
      if (outcome.passed && !nothingLeft()) outcome = {false, false, "listeners outlive the last runtime"};
    } catch (const std::exception &error) {
      outcome.why = error.what();
    }
    const std::chrono::duration<double> took = Clock::now() - start;
    (outcome.passed ? passed : failed) += 1;
    std::printf("test %s ... %s (%.2f s)\n", name.c_str(), outcome.passed ? "ok" : "FAILED", took.count());
    if (!outcome.passed) std::printf("    %s\n", outcome.why.c_str());
    std::fflush(stdout);
  }
  std::printf("test result: %s. %d passed; %d failed; 0 ignored\n", failed ? "FAILED" : "ok", passed, failed);
  std::fflush(stdout);
  return failed || !passed ? 1 : 0;
}
