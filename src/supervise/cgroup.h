// SPDX-License-Identifier: Apache-2.0
// Where the tasks' cgroups live, if this machine lets us have any. Only cgroup.kill and membership
// are used, so no controller need be delegated. Without cgroup v2 the shim keeps the tree together
// as its subreaper; what is lost is that a process of a shim that was itself SIGKILLed can hide by
// clearing its environment.
// Not thread-safe; cheap to copy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/request.h"

namespace berth::supervise {

class Cgroups {
 public:
  /// Finds the cgroup v2 mount (also the hybrid /sys/fs/cgroup/unified) and makes the directory
  /// `berth-<id>` in our own cgroup there. `id` names this daemon (its state directory, say), so
  /// that two daemons do not meet. Never fails: "no" is an answer, with the reason in text().
  static Cgroups detect(std::string_view id);

  /// A tree that somebody else has made.
  static Cgroups at(std::string mount, std::string parent);

  [[nodiscard]] bool available() const { return !parent_.empty(); }
  /// For health: "cgroup v2" or "process groups only: <why>".
  [[nodiscard]] const std::string& text() const { return text_; }
  /// The root of the hierarchy, "/sys/fs/cgroup"; empty when not available.
  [[nodiscard]] const std::string& mount() const { return mount_; }
  /// The directory of all tasks; empty when not available.
  [[nodiscard]] const std::string& parent() const { return parent_; }
  /// For LaunchSpec::cgroup; empty when not available. The shim makes and removes it.
  [[nodiscard]] std::string path_for(const model::TaskId& task, int attempt) const;
  /// For a shim that keeps it from attempt to attempt; `name` is never given twice.
  [[nodiscard]] std::string path_for_shim(std::string_view name) const;

  /// Removes what shims that are gone have left of theirs.
  void sweep() const;

  /// At the daemon's end: removes parent() if no attempt lives in it. Kills nothing.
  void release() const;

 private:
  std::string mount_;
  std::string parent_;
  std::string text_;
};

/// Kills what is in the cgroup `path` and removes it: for an attempt whose shim is gone.
/// No error when there is no such cgroup or `path` is empty.
base::Status remove_cgroup(const std::string& path);

/// Where the v2 hierarchy is mounted and what part of it, from the text of /proc/self/mountinfo.
struct CgroupMount {
  std::string point, root;
};
std::optional<CgroupMount> find_cgroup_mount(std::string_view mountinfo);

/// The directory of our own cgroup in the v2 hierarchy, from the texts of /proc/self/mountinfo and
/// /proc/self/cgroup; kUnavailable with the reason when there is none.
base::Result<std::string> own_cgroup_directory(std::string_view mountinfo, std::string_view cgroup);

}  // namespace berth::supervise
