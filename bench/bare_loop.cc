// SPDX-License-Identifier: Apache-2.0
// The least that running a supervised command costs: the same shim and command, started in a loop
// with so many at once, without a daemon, a store or a log.
//   bench-bare-loop SHIM DIRECTORY COUNT AT_ONCE COMMAND...
// Prints {"tasks", "seconds"}.
#include <poll.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/json.h"
#include "supervise/launch.h"
#include "supervise/process.h"

namespace berth::supervise {
namespace {

LaunchSpec spec(const std::string& directory, int number, const std::vector<std::string>& command) {
  LaunchSpec spec;
  spec.task = model::TaskId("bare-" + std::to_string(number));
  spec.directory = directory + "/" + spec.task.value + "/1";
  spec.argv = command;
  for (const char* name : {"PATH", "HOME"}) {
    if (const char* value = std::getenv(name)) spec.env.push_back(std::string(name) + "=" + value);
  }
  return spec;
}

// False when something could not be started.
bool run(const std::string& shim, const std::string& directory, int count, std::size_t at_once,
         const std::vector<std::string>& command) {
  std::vector<base::Fd> running;
  for (int started = 0; started < count || !running.empty();) {
    while (started < count && running.size() < at_once) {
      auto launched = launch(shim, spec(directory, started++, command));
      if (!launched) {
        std::fprintf(stderr, "%s\n", launched.error().message.c_str());
        return false;
      }
      running.push_back(std::move(launched->pidfd));
    }
    std::vector<pollfd> ends;
    for (const auto& process : running) ends.push_back({process.get(), POLLIN, 0});
    if (::poll(ends.data(), ends.size(), -1) < 0) return false;
    for (std::size_t i = running.size(); i-- > 0;) {
      if ((ends[i].revents & POLLIN) == 0) continue;
      const auto status = reap(running[i].get());
      if (!status) return false;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return true;
}

int measure(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: bench-bare-loop SHIM DIRECTORY COUNT AT_ONCE COMMAND...\n");
    return 2;
  }
  const int count = std::atoi(argv[3]);
  const std::vector<std::string> command(argv + 5, argv + argc);
  const auto begin = std::chrono::steady_clock::now();
  if (!run(argv[1], argv[2], count, std::strtoul(argv[4], nullptr, 10), command)) return 1;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf(
      "%s\n",
      base::to_text(base::json::object{{"tasks", count}, {"seconds", took.count()}}).c_str());
  return 0;
}

}  // namespace
}  // namespace berth::supervise

int main(int argc, char** argv) { return berth::supervise::measure(argc, argv); }
