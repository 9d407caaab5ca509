// SPDX-License-Identifier: Apache-2.0
// Carries out launches and stops, follows the processes to their end, takes them over again after
// a restart. Loop thread only; the log thread and the shims report here.
//
// Directories: <state>/tasks/<id>/ holds log.jsonl, spec.json and one directory per attempt.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/idle_shims.h"
#include "daemon/loop.h"
#include "daemon/task_environment.h"
#include "model/record.h"
#include "supervise/adopt.h"
#include "supervise/cgroup.h"
#include "supervise/enforcer.h"
#include "supervise/launcher.h"
#include "supervise/process.h"
#include "supervise/task_log.h"

namespace berth::daemon {

/// <state>/tasks/<id>, the id percent-encoded where it is no plain file name.
std::string task_directory(const std::string& state_dir, const model::TaskId& id);
std::string attempt_directory(const std::string& state_dir, const model::TaskId& id, int attempt);

class Supervisor {
 public:
  struct Options {
    std::string state_dir;
    std::string shim;        // program file
    std::string worker_dir;  // where the berth-worker-* programs are
    base::Duration cancel_grace{10'000};
    base::Bytes max_output{64LL << 20};
    base::Bytes max_log{64LL << 20};
    supervise::Enforcer::Options enforcement;
  };
  struct Callbacks {
    /// The process tree is gone and its log is complete.
    std::function<void(const model::TaskId&, int attempt, const supervise::Ended&)> ended;
    std::function<void(const model::TaskId&, int attempt, const std::string& why)> launch_failed;
    /// Nothing ran under this attempt and nothing will: the task may be tried again.
    std::function<void(const model::TaskId&, int attempt)> undone;
    /// The task's log grew or its events say something.
    std::function<void(const supervise::LogNotice&)> notice;
  };

  Supervisor(Loop& loop, Options options, Callbacks callbacks);
  ~Supervisor();

  /// For tasks that start from now on.
  void reconfigure(base::Duration cancel_grace, base::Bytes max_output, base::Bytes max_log);

  void open_log(const model::TaskId& id);
  /// See LogThread::append.
  void append_log(const model::TaskId& id, base::json::object record, std::uint64_t key);
  /// Takes into the log what is not there yet of an attempt that has ended in an earlier run of the
  /// daemon. 0: there was none.
  void complete_log(const model::TaskRecord& record, int attempt);
  /// `closed` when everything appended is in the log.
  /// ... and how many bytes of log and output are on the disk.
  void close_log(const model::TaskId& id, std::function<void(std::uint64_t kept)> closed);
  /// Removes the task's directory; `deleted` when it is gone.
  void delete_task(const model::TaskId& id, std::function<void()> deleted);

  /// Before the launch is recorded, so that it takes less time after that: starts the shim, which
  /// waits for release(). Where that cannot be nothing is done.
  void prepare(const model::TaskRecord& record, int attempt, const Grant& grant);
  /// Lets a prepared attempt run. False when there is none: then it is to be launched.
  bool release(const model::TaskRecord& record, int attempt);
  void launch(const model::TaskRecord& record, int attempt, const Grant& grant);
  /// SIGTERM to the tree, grace, SIGKILL; with `now` SIGKILL.
  void stop(const model::TaskId& id, int attempt, bool now);
  /// Of an attempt that a next one does not wait for (core::Requeued::fenced) only the end counts.
  void give_up(const model::TaskId& id, int attempt);
  /// The same after a restart.
  void follow_fenced(const model::TaskId& id, int attempt);
  /// Stops it as one that used more memory than was reserved. May be repeated.
  void end_for_memory(const model::TaskId& id, int attempt);
  /// What holds a running task to its share; std::nullopt when it has no process.
  [[nodiscard]] std::optional<model::Enforcement> enforcement(const model::TaskId& id) const;
  /// A running task of an earlier run of the daemon. False when it never started: it can be
  /// launched.
  bool adopt(const model::TaskRecord& record);
  /// Before an attempt that this run of the daemon has not launched is given up. False: a shim of
  /// an earlier run has started it meanwhile, it is followed now.
  bool revoke(const model::TaskRecord& record);

  [[nodiscard]] std::optional<model::TaskId> task_of(int pid) { return processes_.find(pid); }
  /// The task that has left `pid` behind, which `task_of` knows nothing of.
  [[nodiscard]] std::optional<model::TaskId> left_by(int pid) const {
    return processes_.left_by(pid);
  }
  [[nodiscard]] const supervise::Cgroups& cgroups() const { return cgroups_; }
  [[nodiscard]] const supervise::Enforcer& enforcer() const { return enforcer_; }

 private:
  enum class Held : std::uint8_t {
    kNot,       // not started ahead of its launch
    kWaiting,   // for the word to go
    kReleased,  // it has been said, or will be once the shim is there
    kIdle,      // the attempt has ended, the shim waits for the next one
  };
  struct Running {
    int attempt = 0;
    int shim_pid = 0;
    base::Fd pidfd;
    base::Fd channel;  // of a held shim
    std::string cgroup;
    bool keeps_cgroup = false;  // the shim's own
    Loop::Handle wait;
    Loop::Handle retry;
    bool stop_requested = false;
    model::Enforcement enforcement;
    std::size_t limits = 0;  // that the shim sets
    bool kill_requested = false;
    Held held = Held::kNot;
    bool signalled = false;
    int failed_looks = 0;
  };
  struct Asked {
    model::TaskId id;
    int attempt = 0;
    bool held = false;
  };

  /// `work` from another thread: on the loop, unless this is gone by then.
  template <class Work>
  [[nodiscard]] auto posted(Work work) {
    return [&loop = loop_, weak = std::weak_ptr<Supervisor*>(self_),
            work = std::move(work)](auto... values) {
      loop.post([weak, work, values...] {
        if (!weak.expired()) work(values...);
      });
    };
  }
  /// `shim`: that is to hold it, one that is idle or a new one; null: it is not held.
  base::Result<supervise::ShimCommand> begin(const model::TaskRecord& record, int attempt,
                                             const Grant& grant, const IdleShims::Shim* shim);
  base::Status write_specification(const model::TaskRecord& record, const Grant& grant);
  base::Status prepare_user(const model::TaskRecord& record, const Grant& grant,
                            supervise::LaunchSpec& spec) const;
  supervise::Enforcer::Measures enforce(const model::TaskRecord& record, const Grant& grant,
                                        supervise::LaunchSpec& spec) const;
  void signal(const model::TaskId& id, Running& task, int signal);
  void set_free(const model::TaskId& id, Running& task);
  void drop(const model::TaskId& id);
  bool drop_held(const model::TaskId& id, int attempt);
  void start_launcher();
  void let_go_of_the_last();
  void take_replies();
  void launcher_gone();
  void started(const model::TaskId& id, int attempt, base::Result<supervise::Launched> launched);
  void follow(const model::TaskId& id, int attempt, supervise::Launched shim);
  void ended_or_gone(const model::TaskId& id, int attempt);
  void look(const model::TaskId& id, int attempt);
  void set_aside(const model::TaskId& id, int attempt, base::Fd pidfd);
  void finish(const model::TaskId& id, int attempt, supervise::Ended ended);
  void watch_log(const model::TaskRecord& record, int attempt);

  Loop& loop_;
  Options options_;
  Callbacks callbacks_;
  supervise::Cgroups cgroups_;
  supervise::Enforcer enforcer_;
  supervise::TaskProcesses processes_;
  struct Fenced {
    base::Fd pidfd;
    Loop::Handle wait;
  };
  std::map<std::pair<model::TaskId, int>, Fenced> fenced_;
  std::map<model::TaskId, Running> running_;
  std::optional<supervise::Launcher> launcher_;
  Loop::Handle launcher_wait_;
  std::map<std::uint32_t, Asked> launching_;  // not answered yet
  bool hold_ = true;                          // whether shims are prepared
  IdleShims idle_;
  std::string run_ = base::random_uuid();  // in the names of this run's cgroups
  std::uint64_t cgroup_count_ = 0;
  Loop::Handle hold_again_;
  std::shared_ptr<Supervisor*>
      self_;  // what posted work holds, so that it does nothing after the end
  std::unique_ptr<supervise::LogThread> logs_;
};

}  // namespace berth::daemon
