// SPDX-License-Identifier: Apache-2.0
// The sampler's command line, start and end.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/json.h"
#include "base/text.h"
#include "device/sampler.h"

namespace berth::device {

namespace {

/// The attributes of one posix_spawn call.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

}  // namespace

std::vector<std::string> sampler_arguments(const SamplerOptions& options) {
  std::vector<std::string> arguments{"--run-sampler"};
  const auto add = [&](const char* name, const std::string& value) {
    arguments.emplace_back(name);
    arguments.push_back(value);
  };
  if (!options.machine.nvml_library.empty()) add("--nvml-library", options.machine.nvml_library);
  if (!options.machine.level_zero_library.empty())
    add("--level-zero-library", options.machine.level_zero_library);
  if (!options.machine.dcmi_library.empty()) add("--dcmi-library", options.machine.dcmi_library);
  if (!options.machine.amd_smi_library.empty())
    add("--amd-smi-library", options.machine.amd_smi_library);
  if (options.machine.integrated_gpus) add("--integrated-gpus", "yes");
  if (!options.machine.sysfs_root.empty()) add("--sysfs-root", options.machine.sysfs_root);
  add("--interval", std::to_string(options.interval.count()));
  add("--process-interval", std::to_string(options.process_interval.count()));
  add("--costly-interval", std::to_string(options.costly_interval.count()));
  add("--recheck-interval", std::to_string(options.recheck_interval.count()));
  for (const std::string& key : options.skip) add("--skip", key);
  return arguments;
}

base::Result<SamplerOptions> parse_sampler_arguments(const std::vector<std::string>& arguments) {
  SamplerOptions options;
  std::size_t i = !arguments.empty() && arguments.front() == "--run-sampler" ? 1 : 0;
  for (; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    if (i + 1 == arguments.size())
      return base::fail(base::ErrorCode::kBadRequest, name + " needs a value");
    const std::string& value = arguments[i + 1];
    base::Duration* interval = name == "--interval"           ? &options.interval
                               : name == "--process-interval" ? &options.process_interval
                               : name == "--costly-interval"  ? &options.costly_interval
                               : name == "--recheck-interval" ? &options.recheck_interval
                                                              : nullptr;
    if (interval != nullptr) {
      const auto ms = base::parse_number(value);
      if (!ms || *ms < 1 || *ms > 3'600'000) {
        return base::fail(base::ErrorCode::kBadRequest,
                          name + " is " + value + ", not 1 to 3600000 milliseconds");
      }
      *interval = base::Duration(*ms);
    } else if (name == "--nvml-library") {
      options.machine.nvml_library = value;
    } else if (name == "--level-zero-library") {
      options.machine.level_zero_library = value;
    } else if (name == "--dcmi-library") {
      options.machine.dcmi_library = value;
    } else if (name == "--amd-smi-library") {
      options.machine.amd_smi_library = value;
    } else if (name == "--integrated-gpus") {
      options.machine.integrated_gpus = value == "yes";
    } else if (name == "--sysfs-root") {
      options.machine.sysfs_root = value;
    } else if (name == "--skip") {
      options.skip.push_back(value);
    } else {
      return base::fail(base::ErrorCode::kBadRequest, name + " is no argument of the sampler");
    }
  }
  return options;
}

base::Result<SamplerChild> spawn_sampler(const std::string& exe_path,
                                         const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return base::fail(base::errno_error("cannot make the sampler's pipe", errno));
  base::Fd output(ends[0]);
  base::Fd input(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);  // of this end only
  int request_ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, request_ends) != 0)
    return base::fail(base::errno_error("cannot make the sampler's socket", errno));
  base::Fd requests(request_ends[0]);
  base::Fd standard_input(request_ends[1]);

  SpawnPlan plan;
  ::posix_spawn_file_actions_adddup2(&plan.actions, input.get(), kSamplerFd);
  ::posix_spawn_file_actions_adddup2(&plan.actions, standard_input.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&plan.actions, STDERR_FILENO, STDOUT_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&plan.actions, kSamplerFd + 1);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&plan.attributes, &signals);
  ::sigfillset(&signals);
  ::posix_spawnattr_setsigdefault(&plan.attributes, &signals);
  ::posix_spawnattr_setflags(&plan.attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> argv{const_cast<char*>(exe_path.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  SamplerChild child;
  const int code = ::posix_spawn(&child.pid, exe_path.c_str(), &plan.actions, &plan.attributes,
                                 argv.data(), environ);
  if (code != 0) return base::fail(base::errno_error("cannot start the sampler " + exe_path, code));
  child.output = std::move(output);
  child.requests = std::move(requests);
  return child;
}

bool request_look(const SamplerChild& child, std::uint64_t number,
                  const std::vector<model::DeviceId>& devices) {
  base::json::array ids;
  for (const auto& device : devices) ids.emplace_back(device.value);
  const std::string line = base::to_text({{"look", number}, {"devices", std::move(ids)}}) + '\n';
  const auto size = static_cast<ssize_t>(line.size());
  return child.requests.valid() && ::send(child.requests.get(), line.data(), line.size(),
                                          MSG_DONTWAIT | MSG_NOSIGNAL) == size;
}

pid_t abandon_sampler(SamplerChild& child, bool stuck) {
  child.output.reset();
  child.requests.reset();
  const pid_t pid = child.pid;
  child.pid = -1;
  if (pid > 0) ::kill(pid, stuck ? SIGKILL : SIGTERM);
  return pid;
}

bool reap_sampler(pid_t pid) {
  if (pid <= 0) return true;
  for (;;) {
    const pid_t reaped = ::waitpid(pid, nullptr, WNOHANG);
    if (reaped == pid) return true;
    if (reaped == 0) return false;
    if (errno != EINTR) return true;  // not our child any more
  }
}

}  // namespace berth::device
