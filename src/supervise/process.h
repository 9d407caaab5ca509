// SPDX-License-Identifier: Apache-2.0
// Processes by identity instead of by number: a PID that was given to another process since is
// never signalled and never mistaken for a task's. Functions are thread-safe; TaskProcesses is not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/request.h"

namespace berth::supervise {

struct ProcessIdentity {
  int pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
  std::string boot_id;           // /proc/sys/kernel/random/boot_id
  bool operator==(const ProcessIdentity&) const = default;
};

/// This boot's id; empty when /proc is not there.
const std::string& boot_id();

/// kNotFound when there is no such process (a zombie still is one).
base::Result<ProcessIdentity> identity_of(int pid);

/// A pidfd of exactly this process: boot id and start time are compared after opening.
/// kNotFound when it is gone, even if its number is in use again.
base::Result<base::Fd> open_pidfd(const ProcessIdentity& identity);

/// pidfd_send_signal. kNotFound when the process is gone.
base::Status send_signal(int pidfd, int signal);

/// True when the process of `pidfd` has ended (it may still be a zombie).
bool has_ended(int pidfd);

/// Takes the exit status of a shim that is our child, without waiting: what the shim exited with
/// (shim/layout.h; 128 + n when signal n killed it). std::nullopt when it still runs or was never
/// our child (started before a restart of the daemon).
base::Result<std::optional<int>> reap(int pidfd);

/// A variable of the environment that the process was executed with; std::nullopt when it has none
/// such or may not be read.
std::optional<std::string> read_variable(int pid, std::string_view name);

/// The living processes that were executed with this variable and value.
std::vector<int> processes_with(std::string_view name, std::string_view value);

/// Whether `ancestor` is the process itself or above it.
bool descends_from(int pid, int ancestor);

/// All living descendants of `pid`, parents before children; one walk through /proc.
std::vector<int> descendants(int pid);

/// SIGKILLs every process whose environment names this task and attempt, until none is left (at
/// most a few rounds; one stuck in the kernel is not waited for). For an attempt whose shim was
/// killed. Never this process. Returns how many were killed.
base::Result<int> kill_strays(const model::TaskId& task, int attempt);

/// Whose process is this? For the per-process memory readings of the drivers.
class TaskProcesses {
 public:
  /// The shim of a running attempt. Replaces an earlier attempt of the same task.
  void add(const model::TaskId& task, int attempt, int shim_pid);
  void remove(const model::TaskId& task);

  /// The task that `pid` belongs to, by ancestry or, for a process whose shim is gone, by
  /// BERTH_TASK_ID and BERTH_ATTEMPT in its environment. Costs one read of /proc/PID/stat when the
  /// process was seen before.
  std::optional<model::TaskId> find(int pid);
  /// The task that started `pid` and has ended, or goes on elsewhere, without it. Of processes that
  /// `find` was asked for.
  [[nodiscard]] std::optional<model::TaskId> left_by(int pid) const;

 private:
  struct Shim {
    int pid = 0;
    int attempt = 0;
  };
  struct Seen {
    std::uint64_t start_time = 0;
    model::TaskId task;    // empty: none of ours that runs
    model::TaskId marked;  // whom its environment names
  };
  std::map<model::TaskId, Shim> shims_;
  std::unordered_map<int, model::TaskId> by_shim_;
  std::unordered_map<int, Seen> seen_;
};

}  // namespace berth::supervise
