// SPDX-License-Identifier: Apache-2.0
// Where an input becomes a step, a journal entry, changed records, and then deeds. Deeds and
// answers wait until the journal has the step. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/snapshot.h"
#include "core/step.h"
#include "daemon/journal.h"
#include "daemon/task_table.h"

namespace berth::daemon {

class Engine {
 public:
  /// Deeds, after the commit. Carrying one out twice must do no harm.
  struct Deeds {
    std::function<void(const model::TaskRecord&)> queued;
    /// Decided on, not yet recorded: what can be done before that and undone without a trace.
    std::function<void(const model::TaskId&, int attempt)> prepare;
    std::function<void(const model::TaskRecord&, const core::Launch&)> launch;
    std::function<void(const core::Stop&)> stop;
    std::function<void(const model::TaskRecord&, const core::Requeued&)> requeued;
    std::function<void(const model::TaskRecord&)> finished;
    std::function<void(const core::LeaseEnded&)> lease_ended;
    std::function<void(const model::TaskId&)> changed;  // at once, without waiting for the commit
    std::function<void(const base::Error&)> broken;
    std::function<void(bool)> full;  // the store has no room; it has again
  };
  using TaskCallback = std::function<void(base::Result<std::shared_ptr<const model::TaskRecord>>)>;
  using DoneCallback = std::function<void(base::Status)>;

  Engine(Loop& loop, Deeds deeds) : loop_(loop), deeds_(std::move(deeds)) {}

  /// The state and the records as the store has them; then begins to write to it.
  base::Status restore(store::Store& store, store::Loaded loaded);

  [[nodiscard]] const core::State& state() const { return state_; }
  /// Another number after every step and every reading.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  /// kStorageFull while there is no room, or too little, to record anything new.
  [[nodiscard]] base::Status check_room() const;
  [[nodiscard]] TaskTable& table() { return table_; }
  [[nodiscard]] const TaskTable& table() const { return table_; }

  /// `start`: the daemon has just begun.
  void configure(core::Config config, bool start);
  void observe_inventory(std::vector<model::Device> devices, bool complete = true);
  /// Readings are used at once, but journalled only with the next decision that they could bear on:
  /// a busy box does not write its journal full of temperatures.
  void observe_readings(std::vector<core::Reading> readings);

  /// While the store has no room nothing new is taken (kStorageFull); what runs can be cancelled,
  /// and what has ended be removed.
  void submit(model::TaskRecord record, TaskCallback callback);
  /// Tasks of one array: all or none.
  void submit_array(std::vector<model::TaskRecord> records, DoneCallback callback);
  void cancel(const model::TaskId& id, DoneCallback callback);
  void remove(const model::TaskId& id, DoneCallback callback);
  void set_limits(std::vector<core::LimitChange> changes, DoneCallback callback);
  /// kNotFound, kWrongState when it does not wait.
  void set_hold(const model::TaskId& id, bool on, DoneCallback callback);
  /// `priority` from 1 to 10. kNotFound, kWrongState when it does not wait.
  void set_priority(const model::TaskId& id, int priority, DoneCallback callback);
  /// kDeviceNotFound.
  void drain(core::Drain drain, DoneCallback callback);
  /// Answered with what refused it (kNothingFree, kNeverFits, ...) or once it is recorded.
  void lease(core::Lease lease, DoneCallback callback);
  /// kNotFound when it is over.
  void renew_lease(core::RenewLease renewal, DoneCallback callback);
  void end_lease(const model::TaskId& id, DoneCallback callback);
  void launch_failed(const model::TaskId& id, int attempt, const std::string& why);
  /// The process of the attempt was not started and will not be: queued again, or cancelled when
  /// that was asked for meanwhile.
  void launch_undone(const model::TaskId& id, int attempt);
  /// `why`: in words, for a failure that the task itself did not explain.
  void exited(const model::TaskId& id, int attempt, const model::Exit& exit,
              const std::string& why);

  /// The file system of the store has little room left: as if it had none.
  void set_low_room(bool low);

  /// The record changed beside the scheduler (progress, metrics): stored with the next batch, a
  /// second later at most.
  void touch(const model::TaskId& id);
  /// Writes a snapshot with everything that is pending, then calls `done`.
  void shut_down(std::function<void()> done);

 private:
  struct NewArray {
    std::vector<model::TaskRecord> records;
    std::size_t next = 0;  // of the records, to be submitted
    std::size_t open = 0;  // submitted, not answered
    std::optional<base::Error> error;
    DoneCallback callback;
    std::vector<model::TaskId> submitted;
  };
  void submit_some(const std::shared_ptr<NewArray>& array);
  void answer_array(const std::shared_ptr<NewArray>& array);
  base::Status replay(const store::Loaded& loaded);
  std::vector<core::Output> apply(const core::Input& input, Journal::Answer answer = {});
  std::vector<core::Output> step(const core::Input& input, Journal::Answer answer);
  void update_room();
  void withdraw(const model::TaskId& id);
  base::Status resolve_dependencies(model::Request& request) const;
  void change(core::Input input, DoneCallback callback);
  /// `record_it` notes it in the record of a task that waits; `what` can be done to no other.
  void change_waiting(core::Input input, const model::TaskId& id, std::string_view what,
                      const std::function<void(model::TaskRecord&)>& record_it,
                      DoneCallback callback);
  void arm_wakeup();
  [[nodiscard]] std::optional<model::Failure> failure_of(const model::TaskId& id,
                                                         const model::Exit& exit,
                                                         const std::string& why) const;
  void journal_readings();
  void note(const core::Output& output, base::Time now);
  void carry_out(const core::Output& output);
  void prepare(store::Batch& batch);

  Loop& loop_;
  Deeds deeds_;
  core::State state_;
  TaskTable table_;
  std::unique_ptr<Journal> journal_;
  std::set<model::DeviceId> unjournalled_;  // readings in the state that the journal lacks
  std::map<model::DeviceId, core::Reading> journalled_;
  std::map<model::TaskId, base::Bytes> peaks_;
  std::int64_t snapshot_seq_ = 0;
  std::uint64_t revision_ = 0;
  bool force_snapshot_ = false;
  bool low_room_ = false;
  bool full_ = false;  // nothing new is taken
  Loop::Handle flush_timer_;
  Loop::Handle wakeup_timer_;
  std::optional<base::Time> wakeup_;  // that the timer is set for
};

}  // namespace berth::daemon
