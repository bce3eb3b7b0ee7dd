#include "host.h"

#include "jsc_values.h"

#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace jsi = facebook::jsi;
extern char **environ;

namespace {

[[noreturn]] void fail(const std::string &what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// A pipe whose ends no other child inherits, or a server would not see the end of its input.
struct Pipe {
  int ends[2];
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  }
};

std::string line(int file) {
  std::string line;
  for (char c; read(file, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

} // namespace

std::string Host::start(const std::vector<std::string> &arguments) {
  std::vector<std::string> words{program, "--quiet", "--no-rate-limits", "--exit-with-stdin"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char *> argv;
  for (auto &word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  Pipe input, output;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input.ends[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output.ends[1], STDOUT_FILENO);
  pid_t process;
  errno = posix_spawn(&process, program.c_str(), &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (errno != 0) fail(program);
  close(input.ends[0]);
  close(output.ends[1]);
  servers.push_back({process, input.ends[1]});

  const std::string said = line(output.ends[0]), prefix = "listening on ";
  close(output.ends[0]);
  if (said.rfind(prefix, 0) != 0) throw std::runtime_error("the dev server said: " + said);
  return said.substr(prefix.size());
}

Host::~Host() {
  for (const auto &server : servers) close(server.input);
  for (const auto &server : servers) waitpid(server.process, nullptr, 0);
}

std::string Host::exchange(const std::string &method, const std::string &url, const std::string &json) {
  const std::string scheme = "http://";
  const auto slash = url.find('/', scheme.size());
  const std::string authority = url.substr(scheme.size(), slash - scheme.size()), path = url.substr(slash);
  const auto colon = authority.rfind(':');

  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(authority.substr(0, colon).c_str(), authority.substr(colon + 1).c_str(), &wanted, &found) != 0) {
    throw std::runtime_error("no address: " + authority);
  }
  const int connection = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int connected = connect(connection, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (connected != 0) {
    close(connection);
    fail(authority);
  }
  const std::string request = method + " " + path + " HTTP/1.1\r\nHost: " + authority +
                              "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " +
                              std::to_string(json.size()) + "\r\n\r\n" + json;
  std::string answer;
  if (send(connection, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char part[16384];
    for (ssize_t got; (got = read(connection, part, sizeof part)) > 0;) answer.append(part, got);
  }
  close(connection);
  const auto head = answer.find("\r\n\r\n");
  if (answer.rfind("HTTP/1.1 2", 0) != 0 || head == std::string::npos) {
    throw std::runtime_error(method + " " + path + ": " + answer);
  }
  return answer.substr(head + 4);
}

int threadsNamed(const std::string &name) {
  int count = 0;
  for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string is;
    std::getline(std::ifstream(task.path() / "comm"), is);
    count += is.rfind(name, 0) == 0;
  }
  return count;
}

void install(jsi::Runtime &runtime, Queue &queue, Host &host, std::function<void()> registered) {
  jsi::Object object(runtime);
  auto add = [&](const char *name, auto call) {
    auto function = jsi::Function::createFromHostFunction(
        runtime, jsi::PropNameID::forAscii(runtime, name), 0,
        [call](jsi::Runtime &rt, const jsi::Value &, const jsi::Value *args, size_t) { return jsi::Value(call(rt, args)); });
    object.setProperty(runtime, name, function);
  };
  auto text = [](jsi::Runtime &rt, const jsi::Value &value) { return value.asString(rt).utf8(rt); };
  auto string = [](jsi::Runtime &rt, const std::string &text) { return jsi::String::createFromUtf8(rt, text); };

  add("installRustCrate", [registered](jsi::Runtime &, const jsi::Value *) {
    registered();
    return true;
  });
  add("start", [&host, text, string](jsi::Runtime &rt, const jsi::Value *args) {
    auto list = args[0].asObject(rt).asArray(rt);
    std::vector<std::string> words;
    for (size_t i = 0; i < list.size(rt); i++) words.push_back(text(rt, list.getValueAtIndex(rt, i)));
    return string(rt, host.start(words));
  });
  add("exchange", [&host, text, string](jsi::Runtime &rt, const jsi::Value *args) {
    return string(rt, host.exchange(text(rt, args[0]), text(rt, args[1]), text(rt, args[2])));
  });
  add("keep", [&host, text](jsi::Runtime &rt, const jsi::Value *args) {
    host.kept = text(rt, args[0]);
    return jsi::Value();
  });
  add("kept", [&host, string](jsi::Runtime &rt, const jsi::Value *) { return string(rt, host.kept); });
  add("threads", [text](jsi::Runtime &rt, const jsi::Value *args) { return threadsNamed(text(rt, args[0])); });
  add("isJsThread", [thread = std::this_thread::get_id()](jsi::Runtime &, const jsi::Value *) {
    return std::this_thread::get_id() == thread;
  });
  add("collect", [](jsi::Runtime &rt, const jsi::Value *) {
    jsc_values::collect(rt);
    return jsi::Value();
  });
  add("hostObjects", [](jsi::Runtime &, const jsi::Value *) { return static_cast<double>(jsc_values::liveHostObjects); });
  // What malloc gave out: Rust and C++. JavaScriptCore's own heap is elsewhere.
  add("allocated", [](jsi::Runtime &, const jsi::Value *) { return static_cast<double>(mallinfo2().uordblks); });
  // The threads that may hold up the JavaScript thread do so with this.
  add("block", [](jsi::Runtime &, const jsi::Value *args) {
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(args[0].asNumber()));
    return jsi::Value();
  });
  add("setTimeout", [&queue](jsi::Runtime &rt, const jsi::Value *args) {
    const auto wait = std::chrono::duration<double, std::milli>(args[1].isNumber() ? args[1].getNumber() : 0);
    const auto due = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(wait);
    return static_cast<double>(queue.startTimer(args[0].asObject(rt).asFunction(rt), due));
  });
  add("clearTimeout", [&queue](jsi::Runtime &, const jsi::Value *args) {
    if (args[0].isNumber()) queue.stopTimer(static_cast<int>(args[0].getNumber()));
    return jsi::Value();
  });
  runtime.global().setProperty(runtime, "host", object);
}
