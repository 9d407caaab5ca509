// SPDX-License-Identifier: Apache-2.0
// The daemon as a whole: engine, supervisor and devices joined, and seen by the API. Loop thread
// only.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/service.h"
#include "daemon/config.h"
#include "daemon/device_feed.h"
#include "daemon/engine.h"
#include "daemon/history_keeper.h"
#include "daemon/lease_holders.h"
#include "daemon/memory_watchdog.h"
#include "daemon/notice_trial.h"
#include "daemon/observations.h"
#include "daemon/second_look.h"
#include "daemon/supervisor.h"
#include "daemon/task_notes.h"
#include "daemon/watchers.h"
#include "device/host/load.h"

namespace berth::daemon {

class Service final : public api::Service {
 public:
  /// `program_dir`: where berthd, berth-shim and the workers are. `on_broken`: the store failed.
  Service(Loop& loop, const Config& config, std::string program, std::string program_dir,
          std::function<void(const base::Error&)> on_broken);

  /// Starts to look at the devices; nothing else needs to be ready.
  void start_devices();
  [[nodiscard]] bool devices_known() const;
  base::Status restore(store::Store& store, store::Loaded loaded);
  /// After restore(), and the devices once known or given up on: takes over what runs.
  void go();
  void shut_down(std::function<void()> done);
  /// The configuration was read again. What only counts at the start is ignored here.
  void reconfigure(const Config& config);
  /// Whether the configuration trusts this user of the machine (Config::allowed_users).
  [[nodiscard]] bool allows(uid_t uid) const;

  [[nodiscard]] const core::State& state() const override { return engine_.state(); }
  [[nodiscard]] const model::Inventory& inventory() const override {
    return devices_.watch().inventory();
  }
  [[nodiscard]] std::vector<api::DeviceView> devices() override;
  [[nodiscard]] std::string token_file() const override { return config_.state_dir + "/token"; }
  [[nodiscard]] const api::WorkerBuild& worker() const override { return worker_; }
  [[nodiscard]] base::json::object processor() const override;
  [[nodiscard]] std::map<std::string, std::string> parts() const override;
  [[nodiscard]] std::optional<model::Enforcement> enforcement(
      const model::TaskId& id) const override {
    return supervisor_.enforcement(id);
  }
  [[nodiscard]] std::string metrics(bool model_label) const override {
    return observations_.metrics(watchers_.size(), now(), model_label);
  }
  [[nodiscard]] base::Status ready() const override { return engine_.check_room(); }
  [[nodiscard]] base::Time now() const override { return base::now(); }
  [[nodiscard]] std::uint64_t revision() const override {
    return engine_.revision() + device_changes_;
  }
  [[nodiscard]] const TaskTable::Records& records() const override {
    return engine_.table().published();
  }
  [[nodiscard]] std::shared_ptr<const model::TaskRecord> find(
      const model::TaskId& id) const override;
  [[nodiscard]] base::Result<api::LogPage> read_log(const model::TaskId& id, std::uint64_t offset,
                                                    std::size_t max_bytes) const override;
  [[nodiscard]] base::Result<api::OutputPage> read_output(const model::TaskId& id, int attempt,
                                                          bool standard_error, std::uint64_t offset,
                                                          std::size_t max_bytes) const override;
  [[nodiscard]] std::size_t watchers() const override { return watchers_.size(); }
  [[nodiscard]] std::string default_save_path(const model::TaskId& id) const override;
  [[nodiscard]] base::Result<base::json::value> parse_yaml(const std::string& text) const override;
  [[nodiscard]] const std::vector<std::string>& data_roots() const override {
    return config_.data_roots;
  }

  [[nodiscard]] std::vector<std::shared_ptr<const model::TaskRecord>> array(
      const std::string& id) const override {
    return engine_.table().array(id);
  }
  void history(
      const model::DeviceId& device, std::int64_t step, std::int64_t from, std::int64_t to,
      std::function<void(base::Result<std::vector<model::HistoryPoint>>)> callback) override {
    if (history_ != nullptr)
      return history_->read(device.value, step, from, to, std::move(callback));
    callback(base::fail(base::ErrorCode::kUnavailable, "the daemon is still starting"));
  }
  void submit(model::TaskRecord record, TaskCallback callback) override;
  void submit_array(std::vector<model::TaskRecord> records, DoneCallback callback) override {
    engine_.submit_array(std::move(records), std::move(callback));
  }
  void cancel(const model::TaskId& id, DoneCallback callback) override;
  void remove(const model::TaskId& id, DoneCallback callback) override;
  void set_limits(std::vector<core::LimitChange> changes, DoneCallback callback) override;
  void set_hold(const model::TaskId& id, bool on, DoneCallback callback) override;
  void set_priority(const model::TaskId& id, int priority, DoneCallback callback) override;
  void drain(core::Drain drain, DoneCallback callback) override;
  void lease(core::Lease lease, DoneCallback callback) override;
  void renew_lease(const model::TaskId& id, std::optional<base::Duration> time,
                   DoneCallback callback) override;
  void adopt_lease(const model::TaskId& id, int pid, DoneCallback callback) override;
  void end_lease(const model::TaskId& id, DoneCallback callback) override;
  void test_notifications(NoticeTrial::Callback callback) override;
  [[nodiscard]] std::shared_ptr<void> watch(const model::TaskId& id,
                                            std::function<void()> changed) override;
  [[nodiscard]] std::shared_ptr<void> every(base::Duration interval,
                                            std::function<void()> work) override;

 private:
  void observe_host();
  void check_stale();
  void check_room();
  void check_worker();
  void forget_expired();
  void configure_scheduler(bool start);
  void room_changed(bool full);
  void devices_changed(const DeviceFeed::Changes& changes);
  [[nodiscard]] core::Reading reading_of(const model::Sample& sample);
  SecondLook::Deeds second_look_deeds();
  LeaseHolders::Deeds lease_deeds();
  void launch(const model::TaskId& id, int attempt);
  void start(const model::TaskId& id, int attempt);
  [[nodiscard]] bool may_be_held(const model::TaskRecord& task, int attempt) const;
  void prepare(const model::TaskId& id, int attempt);
  void undo(const model::TaskId& id, int attempt, const std::optional<model::Refusal>& refusal);
  bool revoke(const model::TaskId& id, int attempt);
  void stop(const core::Stop& stop);
  void distrust(const std::vector<model::DeviceId>& devices);
  void check_memory();
  [[nodiscard]] std::vector<MemoryWatchdog::Use> memory_uses() const;
  [[nodiscard]] Grant grant_for(const model::TaskRecord& record) const;
  void close_finished(const model::TaskRecord& record);
  void remove_now(const model::TaskId& id, DoneCallback callback);
  void take_notice(const supervise::LogNotice& notice);
  void take_event(model::TaskRecord& record, const supervise::TaskEvent& event);
  void task_ended(const model::TaskId& id, int attempt, const supervise::Ended& ended);
  [[nodiscard]] std::string end_in_words(const model::TaskId& id, int attempt,
                                         const supervise::Ended& ended) const;

  Loop& loop_;
  Config config_;
  std::string worker_dir_;
  std::string worker_stamp_;
  api::WorkerBuild worker_;
  Watchers watchers_;
  Engine engine_;
  Supervisor supervisor_;
  TaskNotes notes_;
  DeviceFeed devices_;
  SecondLook second_look_;
  LeaseHolders lease_holders_;
  MemoryWatchdog memory_watchdog_;
  Observations observations_;
  NoticeTrial notice_trial_;
  std::unique_ptr<HistoryKeeper> history_;  // from go() on
  mutable device::host::LoadMeter processor_;
  std::map<int, model::TaskId> task_by_pid_;  // of the processes in the newest samples
  std::map<int, model::TaskId> left_by_;      // those that a task of ours has left behind
  std::map<model::TaskId, std::vector<DoneCallback>>
      removals_;                      // asked for before the log was closed
  std::set<model::TaskId> removing_;  // their files are gone or going
  Loop::Handle stale_check_;
  int seconds_to_retention_ = 0;
  std::uint64_t device_changes_ = 0;
  bool going_ = false;
};

}  // namespace berth::daemon
