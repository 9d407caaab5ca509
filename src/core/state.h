// SPDX-License-Identifier: Apache-2.0
// The scheduler's whole state: devices, live tasks, the queue, limits, what is remembered of past
// tasks. Plain values in ordered containers; only step() changes them (core/step.h).
// A task leaves the state in the step that ends it: its record lives in the store.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"
#include "base/units.h"
#include "model/device.h"
#include "model/request.h"
#include "model/task.h"

namespace berth::core {

using base::Bytes;
using base::Time;
using model::DeviceId;
using model::Kind;
using model::TaskId;

/// How many tasks of a kind may run on one device. Commands have no count limit.
struct KindLimits {
  int training = 1;
  int inference = 3;
  auto operator<=>(const KindLimits&) const = default;
  [[nodiscard]] int of(Kind kind) const;  // a very large number for commands
};

struct Config {
  KindLimits gpu_limits{1, 3};
  KindLimits cpu_limits{2, 4};
  std::set<model::Vendor> worker_vendors;  // GPUs that the installed built-in workers can use
  std::int64_t queue_size = 0;             // 0: no limit
  /// A waiting task gains one step of priority each `aging` (a task of priority p ranks as if it
  /// had been submitted p * aging later), so that none starves.
  base::Duration aging{3'600'000};
};

/// The part of a sample that decisions are made on.
struct Reading {
  DeviceId device;
  model::Health health = model::Health::kHealthy;
  std::string health_reason;
  std::optional<Bytes> total;
  std::optional<Bytes> free;
  std::optional<Bytes> reserved;  // by the driver
  std::optional<int> utilization_percent;
  std::map<TaskId, Bytes> used_by_task;
  bool operator==(const Reading&) const = default;
};

struct DeviceEntry {
  model::Device device;
  bool present = true;             // in the newest inventory
  std::optional<Reading> reading;  // absent until the first sample
  KindLimits limits;
  std::map<TaskId, Bytes> reservations;  // our running tasks and what each holds here
  std::array<int, 3> running{};          // by kind
  std::optional<TaskId> exclusive;       // the task that has the device to itself

  [[nodiscard]] int running_of(Kind kind) const {
    return running.at(static_cast<std::size_t>(kind));
  }
  [[nodiscard]] bool is_cpu() const { return device.vendor == model::Vendor::kCpu; }
};

class DeviceIndex;

/// The devices by UUID: a map that knows which of its entries may have changed since the index was
/// last looked at. Whoever gets an entry to write has changed it; so nobody may keep such a
/// reference across a pass.
class DeviceMap {
 public:
  using Map = std::map<DeviceId, DeviceEntry>;

  DeviceMap() = default;
  DeviceMap(const DeviceMap& other) : map_(other.map_) {}
  DeviceMap(DeviceMap&& other) noexcept : map_(std::move(other.map_)) { other.index_.reset(); }
  DeviceMap& operator=(const DeviceMap& other);
  DeviceMap& operator=(DeviceMap&& other) noexcept;
  ~DeviceMap() = default;

  [[nodiscard]] Map::const_iterator begin() const { return map_.begin(); }
  [[nodiscard]] Map::const_iterator end() const { return map_.end(); }
  [[nodiscard]] Map::iterator begin();  // all of them may change
  [[nodiscard]] Map::iterator end() { return map_.end(); }
  [[nodiscard]] Map::const_iterator find(const DeviceId& id) const { return map_.find(id); }
  [[nodiscard]] Map::iterator find(const DeviceId& id);
  [[nodiscard]] const DeviceEntry& at(const DeviceId& id) const { return map_.at(id); }
  [[nodiscard]] DeviceEntry& at(const DeviceId& id);
  [[nodiscard]] bool contains(const DeviceId& id) const { return map_.contains(id); }
  [[nodiscard]] std::size_t size() const { return map_.size(); }
  [[nodiscard]] bool empty() const { return map_.empty(); }

  DeviceEntry& operator[](const DeviceId& id) { return try_emplace(id).first->second; }
  std::pair<Map::iterator, bool> try_emplace(const DeviceId& id);
  std::pair<Map::iterator, bool> emplace(const DeviceId& id, DeviceEntry entry);
  Map::iterator erase(Map::iterator entry);
  std::size_t erase(const DeviceId& id);

  /// Up to date (core/device_index.h). Like everything here for one thread at a time.
  [[nodiscard]] const DeviceIndex& index() const;

 private:
  Map map_;
  mutable std::shared_ptr<DeviceIndex> index_;  // derived; absent until somebody asks
};

struct TaskEntry {
  model::Request request;
  model::TaskState state = model::TaskState::kQueued;
  std::uint64_t sequence = 0;  // order of submission
  Time submitted{};
  int attempt = 0;  // counts launches, from 1
  bool cancelling = false;
  std::optional<model::Placement> placement;  // while running
};

/// Place in the queue: rank first (see Config::aging), then order of submission.
struct QueueKey {
  std::int64_t rank = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const QueueKey&) const = default;
};

/// Waiting tasks, grouped by what they ask for: when the first of a group fits nowhere, none of the
/// group does, so a pass looks at each group once and not at each task.
class Queue {
 public:
  void push(const TaskId& id, const model::Request& request, QueueKey key);
  void erase(const model::Request& request, QueueKey key);
  [[nodiscard]] std::size_t size() const { return size_; }

  using Group = std::map<QueueKey, TaskId>;
  [[nodiscard]] const std::map<std::string, Group>& groups() const { return groups_; }

  /// Two requests with the same shape are placed by the same rules on the same devices.
  static std::string shape(const model::Request& request);

 private:
  std::map<std::string, Group> groups_;
  std::size_t size_ = 0;
};

struct State {
  Config config;
  bool inventory_known = false;
  bool paused = false;  // nothing is placed
  DeviceMap devices;
  std::map<TaskId, TaskEntry> tasks;  // queued and running ones
  Queue queue;
  std::uint64_t next_sequence = 1;
  std::map<DeviceId, KindLimits> limit_changes;  // made at run time, kept across restarts
  std::map<std::string, Bytes> peaks;            // by request signature: most memory seen
  Time latest{};  // of the newest step; never goes back, so that a clock set back reorders nobody
};

QueueKey queue_key(const Config& config, const TaskEntry& task);

/// The device called `name` ("cuda:0", "cpu", any case) or a UUID; nullptr when there is none.
const DeviceEntry* find_device(const State& state, std::string_view name);

/// Limits that a device starts with.
KindLimits default_limits(const Config& config, model::Vendor vendor);

}  // namespace berth::core
