// SPDX-License-Identifier: Apache-2.0
#include "supervise/launch.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "shim/layout.h"
#include "supervise/spawn_setup.h"

namespace berth::supervise {

using base::ErrorCode;
using base::fail;

static_assert(kCancelSignal == SIGTERM && kKillSignal == SIGUSR1 && kMemorySignal == SIGUSR2);

namespace {

std::string user_text(const LaunchSpec::User& user) {
  std::string text = std::to_string(user.uid) + ":" + std::to_string(user.gid);
  for (std::size_t i = 0; i < user.groups.size(); ++i) {
    text += (i == 0 ? ":" : ",") + std::to_string(user.groups[i]);
  }
  return text;
}

std::vector<std::string> shim_arguments(const std::string& shim_path, const LaunchSpec& spec) {
  std::vector<std::string> arguments{
      shim_path,
      "--dir",
      spec.directory,
      "--grace-ms",
      std::to_string(std::max<std::int64_t>(spec.grace.count(), 0)),
      "--max-output-bytes",
      std::to_string(std::max<std::int64_t>(spec.max_output.value, 1))};
  const auto add = [&](const char* name, std::string value) {
    arguments.emplace_back(name);
    arguments.push_back(std::move(value));
  };
  if (!spec.cwd.empty()) add("--cwd", spec.cwd);
  if (spec.timeout)
    add("--timeout-ms", std::to_string(std::max<std::int64_t>(spec.timeout->count(), 0)));
  if (!spec.cgroup.empty()) add("--cgroup", spec.cgroup);
  if (!spec.limits.empty()) add("--limits-program", spec.limits_program);
  for (const auto& limit : spec.limits)
    add("--limit",
        limit.gpu + "=" + std::to_string(std::max<std::int64_t>(limit.bytes.value >> 20, 1)));
  if (spec.keep_cgroup) add("--keep-cgroup", "1");
  if (spec.nice) add("--nice", std::to_string(*spec.nice));
  if (spec.user) {
    add("--user", user_text(*spec.user));
    for (const auto& [resource, limit] : spec.user->limits) {
      add("--rlimit", std::to_string(resource) + ":" + std::to_string(limit.first) + ":" +
                          std::to_string(limit.second));
    }
  }
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), spec.argv.begin(), spec.argv.end());
  return arguments;
}

std::vector<std::string> task_environment(const LaunchSpec& spec) {
  const std::vector<std::string> ours{"BERTH_TASK_ID=" + spec.task.value,
                                      "BERTH_ATTEMPT=" + std::to_string(spec.attempt),
                                      "BERTH_EVENTS=" + events_path(spec.directory)};
  std::vector<std::string> environment = ours;
  for (const auto& entry : spec.env) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    if (std::none_of(ours.begin(), ours.end(),
                     [&](const auto& own) { return own.starts_with(name); })) {
      environment.push_back(entry);
    }
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

base::Status check(const LaunchSpec& spec) {
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::kBadRequest, std::move(message));
  };
  if (spec.argv.empty() || spec.argv.front().empty())
    return refuse("a task needs a program to run");
  for (const auto& argument : spec.argv) {
    if (argument.find('\0') != std::string::npos) return refuse("an argument contains a NUL byte");
  }
  for (const auto& entry : spec.env) {
    const auto equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos || entry.find('\0') != std::string::npos) {
      return refuse("an environment entry must read NAME=value, without NUL bytes: " +
                    entry.substr(0, entry.find('\0')).substr(0, 80));
    }
  }
  if (spec.cwd.find('\0') != std::string::npos)
    return refuse("the working directory contains a NUL byte");
  if (!spec.directory.starts_with('/')) {
    return fail(ErrorCode::kInternal, "an attempt's directory must be absolute: " + spec.directory);
  }
  return {};
}

}  // namespace

std::string unclaimed_path(const std::string& attempt_directory, int shim_pid) {
  return attempt_directory + "/" + shim::kClaimFile + "." + std::to_string(shim_pid);
}

std::string events_path(const std::string& attempt_directory) {
  return attempt_directory + "/" + shim::kEventsFile;
}

std::optional<bool> limits_hold(const std::string& attempt_directory, std::size_t count) {
  const auto text = base::read_file(attempt_directory + "/" + shim::kLimitsFile, 1U << 16U);
  if (!text || count == 0) return std::nullopt;
  std::size_t lines = 0;
  bool good = true;
  for (const auto& line : base::split(*text, '\n')) {
    if (line.empty()) continue;
    ++lines;
    good = good && line.ends_with(" 0");
  }
  if (!good) return false;
  return lines == count && text->ends_with('\n') ? std::optional(true) : std::nullopt;
}

base::Result<ShimCommand> prepare(const std::string& shim_path, const LaunchSpec& spec) {
  if (auto checked = check(spec); !checked) return fail(checked.error());
  if (auto made = base::make_directories(spec.directory, 0700, kTaskDirectoryMode); !made)
    return fail(made.error());
  return ShimCommand{shim_arguments(shim_path, spec), task_environment(spec)};
}

base::Result<Launched> launch(ShimCommand command) {
  const std::string& shim_path = command.arguments.front();
  const SpawnSetup setup;
  pid_t pid = 0;
  const int code =
      ::posix_spawn(&pid, shim_path.c_str(), &setup.actions, &setup.attributes,
                    pointers(command.arguments).data(), pointers(command.environment).data());
  if (code == E2BIG) {
    return fail(ErrorCode::kBadRequest,
                "the task's arguments and environment are larger than the kernel takes");
  }
  if (code != 0) return fail(base::errno_error("cannot start " + shim_path, code));
  // Nobody else reaps our child, so the number is still its own.
  base::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) {
    const int saved = errno;
    ::kill(pid, kKillSignal);
    return fail(base::errno_error("cannot open the process of " + shim_path, saved));
  }
  return Launched{pid, std::move(pidfd), {}};
}

base::Result<Launched> launch(const std::string& shim_path, const LaunchSpec& spec) {
  auto command = prepare(shim_path, spec);
  if (!command) return fail(command.error());
  return launch(std::move(*command));
}

}  // namespace berth::supervise
