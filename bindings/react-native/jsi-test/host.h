// What the cases see of the machine, as the global `host`: dev servers, what the process holds, collection, timers.
#pragma once

#include "invoker.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

// Outlives the reloads of a case. The dev servers that it started end with it.
class Host {
public:
  explicit Host(std::string program) : program(std::move(program)) {}
  ~Host();
  Host(const Host &) = delete;

  // Starts a dev server, and gives its base URL.
  std::string start(const std::vector<std::string> &arguments);
  // One HTTP exchange with a dev server: the body, or an exception if the answer is not of the kind 2xx.
  std::string exchange(const std::string &method, const std::string &url, const std::string &json);

  // What a case wants to find again after a reload.
  std::string kept;

private:
  struct Server {
    int process, input;
  };
  std::string program;
  std::vector<Server> servers;
};

// How many threads of this process have a name that begins so.
int threadsNamed(const std::string &name);

// `registered` is what a turbo module does when it is asked to put the library within reach.
void install(facebook::jsi::Runtime &runtime, Queue &queue, Host &host, std::function<void()> registered);
