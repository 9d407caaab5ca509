// SPDX-License-Identifier: Apache-2.0
// The parts of /proc that process.cc and task_processes.cc read. Internal to this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::supervise {

struct ProcStat {
  int pid = 0;
  int parent = 0;
  char state = '?';
  std::uint64_t start_time = 0;
};

/// std::nullopt when there is no such process.
std::optional<ProcStat> read_stat(int pid);
/// All processes, ascending.
std::vector<int> all_pids();
/// Which task the environment of a process names (the one it was executed with); std::nullopt when
/// it names none or may not be read.
struct TaskMark {
  std::string task;
  int attempt = 0;
};
std::optional<TaskMark> read_mark(int pid);

}  // namespace berth::supervise
