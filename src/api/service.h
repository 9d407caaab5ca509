// SPDX-License-Identifier: Apache-2.0
// What the API needs of the daemon: queries, answered at once from memory, and inputs, answered
// when the journal has them. Everything runs on the loop thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/explain.h"
#include "core/input.h"
#include "core/state.h"
#include "model/device.h"
#include "model/enforcement.h"
#include "model/history.h"
#include "model/record.h"

namespace berth::api {

/// A device as it is now: from the newest inventory and sample.
struct DeviceView {
  model::Device device;
  std::optional<model::Sample> sample;       // the newest, whatever its age
  model::Enforcement enforcement;            // of a task that asks for memory there
  std::map<int, model::TaskId> task_by_pid;  // of the sample's processes, those that are ours
  std::map<int, model::TaskId> left_by;      // and those that a task has left behind
  std::optional<base::Time> unhealthy_since;
  std::optional<base::Time> next_probe;  // when it is tried again that does not answer
};

struct LogRecord {
  std::string json;              // for clients, or with `daemon_record` for texts.h's render_record
  std::uint64_t end_offset = 0;  // reading from here gives the next one
  bool daemon_record = false;
};

struct LogPage {
  std::vector<LogRecord> records;
  std::uint64_t next_offset = 0;
  bool at_end = false;
};

struct OutputPage {
  std::uint64_t offset = 0;  // of the first byte: further on than asked for when that is not kept
  std::string bytes;
  std::uint64_t next_offset = 0;
};

/// What the installed berth-worker-vision is, and whether the others are there.
struct WorkerBuild {
  bool installed = false;
  std::optional<std::string> torch_version;
  bool cuda = false;
  std::vector<std::string> models;
  bool prepare = false;  // berth-worker-prepare is installed
  bool signal = false;   // berth-worker-signal is installed
};

/// How a target of notifications took one.
struct NoticeDelivery {
  std::string target;                 // its program, or where its URL leads
  std::optional<std::string> reason;  // why it was not taken; none when it was
  base::Duration time{};              // that it took
};

class Service {
 public:
  virtual ~Service() = default;

  // ---- queries ----
  [[nodiscard]] virtual const core::State& state() const = 0;
  [[nodiscard]] virtual const model::Inventory& inventory() const = 0;
  /// In the order of the inventory. What the drivers have just said is taken in before.
  [[nodiscard]] virtual std::vector<DeviceView> devices() = 0;
  [[nodiscard]] virtual const WorkerBuild& worker() const = 0;
  /// Where this machine's users find the token.
  [[nodiscard]] virtual std::string token_file() const = 0;
  /// Readings of the processor: the object of /api/v2/resources/cpu.
  [[nodiscard]] virtual base::json::object processor() const = 0;
  /// Parts that are degraded, in words; for health.
  [[nodiscard]] virtual std::map<std::string, std::string> parts() const = 0;
  /// What holds a running task to its share of its devices.
  [[nodiscard]] virtual std::optional<model::Enforcement> enforcement(
      const model::TaskId& id) const = 0;
  /// The text of GET /metrics; with `model_label` as the DCGM exporter labels it.
  [[nodiscard]] virtual std::string metrics(bool model_label) const = 0;
  /// Good while new work is taken; else why not.
  [[nodiscard]] virtual base::Status ready() const = 0;
  [[nodiscard]] virtual base::Time now() const = 0;
  /// Another number whenever the devices' readings or the scheduler's state may be others.
  [[nodiscard]] virtual std::uint64_t revision() const = 0;

  /// All tasks in order of creation.
  [[nodiscard]] virtual const std::map<std::uint64_t, std::shared_ptr<model::TaskRecord>>& records()
      const = 0;
  [[nodiscard]] virtual std::shared_ptr<const model::TaskRecord> find(
      const model::TaskId& id) const = 0;

  /// The tasks of an array that there are, by index; empty for none.
  [[nodiscard]] virtual std::vector<std::shared_ptr<const model::TaskRecord>> array(
      const std::string& id) const = 0;

  /// The task's log from `offset` on (0: the start), about `max_bytes` of it.
  [[nodiscard]] virtual base::Result<LogPage> read_log(const model::TaskId& id,
                                                       std::uint64_t offset,
                                                       std::size_t max_bytes) const = 0;
  /// Raw output of the last attempt. Empty bytes: nothing there yet.
  [[nodiscard]] virtual base::Result<OutputPage> read_output(const model::TaskId& id, int attempt,
                                                             bool standard_error,
                                                             std::uint64_t offset,
                                                             std::size_t max_bytes) const = 0;
  /// How many streams are open.
  [[nodiscard]] virtual std::size_t watchers() const = 0;
  /// Where results go that the request gives no path for.
  [[nodiscard]] virtual std::string default_save_path(const model::TaskId& id) const = 0;
  /// YAML as JSON: plain words that are numbers or true and false become those. kBadRequest.
  [[nodiscard]] virtual base::Result<base::json::value> parse_yaml(
      const std::string& text) const = 0;
  /// Server paths in requests are confined to these; empty: only by the rights of the task's user.
  [[nodiscard]] virtual const std::vector<std::string>& data_roots() const = 0;

  /// Of a device, at one of the steps; seconds since 1970. The callback runs from the loop, once.
  virtual void history(
      const model::DeviceId& device, std::int64_t step, std::int64_t from, std::int64_t to,
      std::function<void(base::Result<std::vector<model::HistoryPoint>>)> callback) = 0;

  // ---- inputs; the callback runs from the loop, once ----
  using TaskCallback = std::function<void(base::Result<std::shared_ptr<const model::TaskRecord>>)>;
  using DoneCallback = std::function<void(base::Status)>;

  /// A record with request, type, argv and so on filled in; id, times and state are set here.
  virtual void submit(model::TaskRecord record, TaskCallback callback) = 0;
  /// All of them, which differ in id and index, or none.
  virtual void submit_array(std::vector<model::TaskRecord> records, DoneCallback callback) = 0;
  /// kNotFound, kWrongState.
  virtual void cancel(const model::TaskId& id, DoneCallback callback) = 0;
  virtual void remove(const model::TaskId& id, DoneCallback callback) = 0;
  virtual void set_limits(std::vector<core::LimitChange> changes, DoneCallback callback) = 0;
  /// A task that waits is kept from starting, or let go. kNotFound, kWrongState.
  virtual void set_hold(const model::TaskId& id, bool on, DoneCallback callback) = 0;
  /// A task that waits gets another one, 1 (most urgent) to 10. kNotFound, kWrongState.
  virtual void set_priority(const model::TaskId& id, int priority, DoneCallback callback) = 0;
  /// kDeviceNotFound.
  virtual void drain(core::Drain drain, DoneCallback callback) = 0;

  /// kNothingFree, kNeverFits, kBadRequest. Its holder is who the state says.
  virtual void lease(core::Lease lease, DoneCallback callback) = 0;
  /// From now on; without `time` for as long as before. kNotFound.
  virtual void renew_lease(const model::TaskId& id, std::optional<base::Duration> time,
                           DoneCallback callback) = 0;
  /// The lease ends with this process. kNotFound, kWrongState when another one holds it.
  virtual void adopt_lease(const model::TaskId& id, int pid, DoneCallback callback) = 0;
  virtual void end_lease(const model::TaskId& id, DoneCallback callback) = 0;

  /// Every target of notifications gets one of the kind `test`, once, and is waited for, for 15 s
  /// at most. The callback runs from the loop, once, with a delivery per target in the order of the
  /// configuration; none: no target is configured.
  virtual void test_notifications(std::function<void(std::vector<NoticeDelivery>)> callback) = 0;

  /// Calls `changed` (from the loop, coalesced) whenever the task's record, log or output grew,
  /// until the handle is dropped.
  [[nodiscard]] virtual std::shared_ptr<void> watch(const model::TaskId& id,
                                                    std::function<void()> changed) = 0;
  /// Calls `work` (from the loop) after each `interval` until the handle is dropped.
  [[nodiscard]] virtual std::shared_ptr<void> every(base::Duration interval,
                                                    std::function<void()> work) = 0;
};

}  // namespace berth::api
