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

/// Devices set aside by the configuration. A device that belongs to pools takes only what one of
/// them admits; a request may name one.
struct Pool {
  std::set<std::string> devices;          // names ("cuda:0") and beginnings of UUIDs, lower case
  std::string gpu_type;                   // or: devices whose model has this in its name, any case
  Bytes min_memory;                       // ... that have at least so much; 0: any size
  std::set<Kind> kinds;                   // empty: all
  std::set<std::string> users;            // empty: all
  std::optional<KindLimits> kind_limits;  // of each of its devices
  bool operator==(const Pool&) const = default;
};

/// Who used much lately comes later. A task of a user ranks as if it had been submitted later by
/// the user's device time (devices x time), decayed with `half_life`, times `weight_percent` / 100.
struct FairShare {
  bool on = false;
  base::Duration half_life{24 * 3'600'000LL};
  int weight_percent = 100;
};

struct Config {
  KindLimits gpu_limits{1, 3};
  KindLimits cpu_limits{2, 4};
  std::set<model::Vendor> worker_vendors;  // GPUs that the installed built-in workers can use
  std::int64_t queue_size = 0;             // 0: no limit
  /// A waiting task gains one step of priority each `aging` (a task of priority p ranks as if it
  /// had been submitted p * aging later), so that none starves.
  base::Duration aging{3'600'000};
  std::map<std::string, Pool> pools;
  model::Policy policy = model::Policy::kBalanced;  // of requests that name none
  bool group_by_kind = false;                       // for every request
  int user_running = 0;  // tasks of one user that run at a time; 0: no limit
  int user_waiting = 0;  // ... that wait
  FairShare fair_share;
  /// A device that has not answered for so long is given up with the tasks on it.
  base::Duration hung_device{60'000};
  /// A task on a lost device that cannot be killed in this time is started elsewhere all the same.
  base::Duration fence{1'000};
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
  bool throttled = false;                // too hot, or short of power: everything else is preferred
  std::map<TaskId, Bytes> used_by_task;  // under the empty id: by tasks that have ended since
  bool operator==(const Reading&) const = default;
};

/// One attempt of a task.
struct Attempt {
  TaskId task;
  int number = 0;
  auto operator<=>(const Attempt&) const = default;
};

struct DeviceEntry {
  model::Device device;
  bool present = true;             // in the newest inventory
  std::optional<Reading> reading;  // absent until the first sample
  KindLimits limits;
  std::map<TaskId, Bytes> reservations;  // our running tasks and what each holds here
  std::array<int, 3> running{};          // by kind
  std::optional<TaskId> exclusive;       // the task that has the device to itself
  std::set<Attempt> fenced;  // could not be killed when the device was lost: nothing starts here
  std::optional<Time> hung_since;  // the driver has not answered since; while tasks are here
  std::set<std::string> pools;     // that it belongs to, of Config::pools

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

  // Why it is not in the queue although it waits; see parked().
  bool held = false;
  std::map<TaskId, bool> after;    // live tasks that have to end first; true: any end will do
  std::optional<Time> not_before;  // a pause before the next try

  int retries = 0;              // of Request::retry
  bool unchecked = false;       // came before the devices were known: admit() has not seen them
  std::optional<Time> ready;    // in the queue since
  bool cpu_due = false;         // Request::cpu_after is over: the processor will do
  std::optional<Time> evicted;  // its device was lost then: it is being killed
  std::optional<Time> started;  // of this attempt

  std::optional<Time> lease_until;  // it is a lease: a reservation without a process of ours
  base::Duration lease_time{0};     // that it was given for, or last renewed with
  std::string holder;               // the process that an adopted lease ends with, not by time

  [[nodiscard]] bool parked() const { return held || !after.empty() || not_before; }
  [[nodiscard]] bool is_lease() const { return lease_until.has_value(); }
};

/// When step() has something to do without being told of anything.
struct Wakeup {
  enum class What : std::uint8_t { kBackoff, kProcessor, kFence, kLease, kHungDevice };
  Time at{};
  What what = What::kBackoff;
  std::string subject;  // task or device
  auto operator<=>(const Wakeup&) const = default;
};

/// What a user has and had; a record of nothing is dropped.
struct UserEntry {
  int running = 0;  // tasks and leases
  int waiting = 0;
  int devices = 0;             // that those which run have
  std::int64_t device_ms = 0;  // decayed (FairShare), as of `counted`
  Time counted{};
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
  void push(const Config& config, const TaskEntry& task, QueueKey key);
  void erase(const Config& config, const TaskEntry& task, QueueKey key);
  [[nodiscard]] std::size_t size() const { return size_; }

  using Group = std::map<QueueKey, TaskId>;
  [[nodiscard]] const std::map<std::string, Group>& groups() const { return groups_; }

  /// Two tasks with the same shape are placed by the same rules on the same devices.
  static std::string shape(const Config& config, const TaskEntry& task);

 private:
  std::map<std::string, Group> groups_;
  std::size_t size_ = 0;
};

/// Of tasks with one signature.
struct History {
  Bytes peak;                  // most memory seen; 0: unknown
  base::Duration duration{0};  // how long they take, newer ones counting more; 0: unknown
  Time last{};                 // when one ended last
};

struct State {
  Config config;
  bool inventory_known = false;
  bool paused = false;     // nothing is placed
  bool gpus_seen = false;  // since Configure: should they all go, what asks for one waits for them
  std::optional<std::string> draining;      // nothing new starts on the whole machine: why
  std::map<DeviceId, std::string> drained;  // ... on these devices: why
  DeviceMap devices;
  std::map<TaskId, TaskEntry> tasks;  // queued and running ones
  Queue queue;
  // Derived from the tasks, as the queue is.
  std::set<TaskId> parked;                        // queued, but not yet to be placed
  std::map<TaskId, std::set<TaskId>> dependents;  // of live tasks
  std::map<std::string, int> array_running;       // tasks of each array that run
  std::set<Wakeup> wakeups;                       // also such as have become void
  std::uint64_t next_sequence = 1;
  std::map<DeviceId, KindLimits> limit_changes;  // made at run time, kept across restarts
  std::map<std::string, History> history;        // by request signature
  std::map<std::string, UserEntry> users;
  Time latest{};  // of the newest step; never goes back, so that a clock set back reorders nobody
};

QueueKey queue_key(const Config& config, const TaskEntry& task);

/// The device called `name` ("cuda:0", "cpu", any case) or a UUID; nullptr when there is none.
const DeviceEntry* find_device(const State& state, std::string_view name);

/// Limits that a device starts with: those of its first pool that has any, else its vendor's.
KindLimits default_limits(const Config& config, const DeviceEntry& device);

/// When step() wants to be called at the latest (with Tick, should nothing else happen).
std::optional<Time> next_wakeup(const State& state);

}  // namespace berth::core
