// SPDX-License-Identifier: Apache-2.0
#include "supervise/proc.h"
#include "supervise/process.h"

namespace berth::supervise {
namespace {

// More than this many remembered processes are mostly dead ones.
constexpr std::size_t kMostSeen = 8192;
constexpr int kDeepest = 256;

}  // namespace

void TaskProcesses::add(const model::TaskId& task, int attempt, int shim_pid) {
  remove(task);
  shims_[task] = Shim{shim_pid, attempt};
  by_shim_[shim_pid] = task;
  // A process may have been asked for before its shim was made known.
  std::erase_if(seen_, [](const auto& entry) { return entry.second.task.empty(); });
}

void TaskProcesses::remove(const model::TaskId& task) {
  const auto shim = shims_.find(task);
  if (shim == shims_.end()) return;
  by_shim_.erase(shim->second.pid);
  shims_.erase(shim);
  std::erase_if(seen_, [&](const auto& entry) { return entry.second.task == task; });
}

std::optional<model::TaskId> TaskProcesses::find(int pid) {
  const auto stat = read_stat(pid);
  if (!stat) {
    seen_.erase(pid);
    return std::nullopt;
  }
  const auto answer = [](const model::TaskId& task) {
    return task.empty() ? std::optional<model::TaskId>{} : std::optional<model::TaskId>{task};
  };
  if (const auto seen = seen_.find(pid);
      seen != seen_.end() && seen->second.start_time == stat->start_time) {
    return answer(seen->second.task);
  }
  if (seen_.size() >= kMostSeen) seen_.clear();

  model::TaskId task;
  int ancestor = pid;
  for (int depth = 0; depth < kDeepest && ancestor > 1; ++depth) {
    if (const auto shim = by_shim_.find(ancestor); shim != by_shim_.end()) {
      task = shim->second;
      break;
    }
    const auto up = ancestor == pid ? stat : read_stat(ancestor);
    if (!up) break;
    ancestor = up->parent;
  }
  model::TaskId marked;
  if (task.empty()) {
    if (const auto mark = read_mark(pid)) {
      marked = model::TaskId(mark->task);
      const auto shim = shims_.find(marked);
      if (shim != shims_.end() && shim->second.attempt == mark->attempt) task = shim->first;
    }
  }
  seen_[pid] = Seen{stat->start_time, task, marked};
  return answer(task);
}

std::optional<model::TaskId> TaskProcesses::left_by(int pid) const {
  const auto seen = seen_.find(pid);
  if (seen == seen_.end() || !seen->second.task.empty() || seen->second.marked.empty())
    return std::nullopt;
  return seen->second.marked;
}

}  // namespace berth::supervise
