// SPDX-License-Identifier: Apache-2.0
// The shim's main loop: pipes, signals, deadlines, until no process of the task is left.
//
//   running --SIGTERM, timeout, main process ended--> ending --grace over--> killing
//      any of them --no child is left--> the exit record, end
//
// As the subreaper of its tree the shim inherits every orphan, so "no child is left" (ECHILD) means
// the tree is gone, however its processes daemonized.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>

#include "shim/child.h"
#include "shim/options.h"
#include "shim/output.h"
#include "shim/record.h"

namespace berth::shim {

class Supervisor {
 public:
  /// With a `channel` (launcher.h) the shim is held: below 0 there is none.
  Supervisor(const Options& options, int dir, const Claim& claim, int channel)
      : options_(options), dir_(dir), claim_(claim), channel_(channel) {}

  /// What can be done before the attempt is claimed; of one that is held also the main process,
  /// which waits. False when there is not enough of something.
  bool prepare();
  /// Waits for the word to go. False when we are told to end instead, or when nobody is there any
  /// more to say it.
  bool wait_for_go();
  /// Undoes prepare(): the attempt is not ours.
  void abandon();
  /// Starts the task and sees it through. What the shim exits with.
  int run();
  /// After run(): the cgroup is not fit for another attempt and cannot be removed.
  [[nodiscard]] bool spoilt() const { return spoilt_; }

 private:
  enum class Phase { kRunning, kEnding, kKilling };

  bool start();
  bool spawn();
  void give_events();
  void loop();
  void step(int timeout_ms);
  void on_signals();
  void on_deadlines();
  void reap();
  void end_tree(std::int64_t grace_ms, const char* cause);
  void kill_tree();
  [[nodiscard]] int next_timeout_ms() const;
  int finish();
  [[nodiscard]] bool daemon_gone() const;
  void describe(char* message, std::size_t size) const;

  const Options& options_;
  const int dir_;
  Claim claim_;
  const int channel_;
  Output output_, error_;
  int signals_ = -1;
  bool in_cgroup_ = false;
  bool cgroup_killed_ = false;
  bool spoilt_ = false;
  pid_t child_ = 0;
  bool child_ended_ = false;
  bool tree_gone_ = false;
  int status_ = 0;
  std::int64_t user_us_ = 0, system_us_ = 0, max_rss_kb_ = 0;  // of all that have been reaped
  ExecFailure failure_;
  Phase phase_ = Phase::kRunning;
  const char* cause_ = "exited";
  const pid_t parent_ = getppid();  // the daemon or its launcher, while it lives
  std::int64_t started_ms_ = 0;
  std::int64_t timeout_at_ = -1;  // monotonic ms; below 0: none
  std::int64_t phase_at_ = 0;     // end of the grace, or the next round of kills
  std::int64_t kill_pause_ms_ = 10;
};

}  // namespace berth::shim
