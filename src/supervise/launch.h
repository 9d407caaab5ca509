// SPDX-License-Identifier: Apache-2.0
// Starting berth-shim, which starts the task. Never waits: whether the program could be executed is
// in the attempt's exit record (adopt.h), and the pidfd becomes readable when that is written.
// Thread-safe.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "model/request.h"

namespace berth::supervise {

struct GpuLimit {
  std::string gpu;  // UUID
  base::Bytes bytes;
};

/// Of a task's directory, which holds those of its attempts: its user passes through and lists
/// nothing.
inline constexpr int kTaskDirectoryMode = 0711;

struct LaunchSpec {
  /// Another user for the task; the shim stays what the daemon is. The directories above the
  /// attempt's must let that user pass (x); the attempt's own is opened (0711) by the shim.
  struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::map<int, std::pair<std::uint64_t, std::uint64_t>> limits;  // RLIMIT_*: soft, hard
  };

  model::TaskId task;
  int attempt = 1;
  std::string directory;          // of the attempt, absolute; made with mode 0700
  std::vector<std::string> argv;  // at least one; argv[0] is looked up in the PATH of env
  std::vector<std::string> env;   // complete, "NAME=value"; BERTH_TASK_ID, BERTH_ATTEMPT and
                                  // BERTH_EVENTS are set by launch()
  std::string cwd;                // absolute; empty: the attempt's directory
  base::Duration grace{10'000};   // between SIGTERM and SIGKILL
  std::optional<base::Duration> timeout;
  base::Bytes max_output{64LL << 20};  // per stream and generation; one older generation is kept
  std::string cgroup;                  // Cgroups::path_for; empty: none
  std::string limits_program;          // nvidia-smi; sets `limits` on the cgroup (shim/limits.h)
  std::vector<GpuLimit> limits;
  std::optional<User> user;
  std::optional<int> nice;   // of the task, where it is not to be the shim's own
  bool keep_cgroup = false;  // it is the shim's, for one attempt after the other (Launcher)
};

struct Launched {
  int shim_pid = 0;
  base::Fd pidfd;
  base::Fd channel;  // of one that a Launcher started held
};

/// The claim of a shim that has not taken the attempt.
std::string unclaimed_path(const std::string& attempt_directory, int shim_pid);

/// The attempt's BERTH_EVENTS file.
std::string events_path(const std::string& attempt_directory);

/// What a shim is started with.
struct ShimCommand {
  std::vector<std::string> arguments;  // its own path first
  std::vector<std::string> environment;
};

/// Checks the spec and makes the attempt's directory. kBadRequest for an impossible spec (empty
/// argv, a NUL byte), kIoError when the directory cannot be made.
base::Result<ShimCommand> prepare(const std::string& shim_path, const LaunchSpec& spec);

/// Starts a shim as our own child, and waits until it is executed.
base::Result<Launched> launch(ShimCommand command);

/// Both. Starts the shim (an absolute path) of this attempt. Doing it twice is harmless: the second
/// shim ends at once with status 75 and nothing started. kBadRequest for an impossible spec (empty
/// argv, a NUL byte, an argument list the kernel refuses), kIoError when the directory or the
/// process cannot be made.
base::Result<Launched> launch(const std::string& shim_path, const LaunchSpec& spec);

/// Whether every limit of the attempt is set; std::nullopt while some are not tried yet or there
/// are none.
std::optional<bool> limits_hold(const std::string& attempt_directory, std::size_t count);

/// Cancelling is send_signal(pidfd, kCancelSignal): SIGTERM to the whole tree, grace, SIGKILL.
/// A second one, or kKillSignal, kills at once. The pidfd becomes readable when the tree is gone.
inline constexpr int kCancelSignal = 15;  // SIGTERM
inline constexpr int kKillSignal = 10;    // SIGUSR1
/// As cancelling, with the cause memory_limit in the exit record. Once is enough: more do nothing.
inline constexpr int kMemorySignal = 12;  // SIGUSR2

}  // namespace berth::supervise
