// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to the scheduler, as values with a JSON form for the journal.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "core/state.h"

namespace berth::core {

/// The daemon's configuration: at each `start`, and when it changes.
struct Configure {
  Config config;
  bool start = true;
};

/// The devices of the machine, at start and whenever they change. Not `complete`: a driver has not
/// answered yet, so that nobody knows whether there are GPUs; what asks for one waits.
struct SetInventory {
  std::vector<model::Device> devices;
  bool complete = true;
};

struct SetReadings {
  std::vector<Reading> readings;
};

struct Submit {
  model::Request request;
};

struct Cancel {
  TaskId task;
};

/// A task that waits is kept from starting, or let go.
struct SetHold {
  TaskId task;
  bool on = false;
};

/// A task that waits gets another place in the queue: as if it had been submitted with this one.
struct SetPriority {
  TaskId task;
  int priority = 5;  // 1 most urgent .. 10
};

/// Nothing new starts on these devices (none named: on the whole machine); what runs goes on.
struct Drain {
  std::vector<DeviceId> devices;
  bool on = false;
  std::string reason;
};

/// A reservation without a process of ours, at once or not at all.
struct Lease {
  model::Request request;
  base::Duration time{60'000};
};

/// The lease goes on for `time` from now; with a holder as long as that lives: the daemon looks
/// after it and ends or renews the lease.
struct RenewLease {
  TaskId lease;
  base::Duration time{60'000};
  std::string holder;  // empty: it ends by time
};

struct EndLease {
  TaskId lease;
};

/// The time that next_wakeup() named has come.
struct Tick {};

struct LimitChange {
  DeviceId device;
  std::optional<int> training;  // absent: stays as it is
  std::optional<int> inference;
};

/// All or none: the daemon has looked the devices up and refused bad numbers before.
struct SetLimits {
  std::vector<LimitChange> changes;
};

/// The launch did not happen. `again`: the device was not as expected, so the task is queued again;
/// otherwise it fails.
struct LaunchFailed {
  TaskId task;
  int attempt = 0;
  bool again = false;
};

/// The process tree of an attempt is gone.
struct Exited {
  TaskId task;
  int attempt = 0;
  model::Exit exit;
  std::optional<Bytes> peak_memory;  // the most that was seen on one device
  bool out_of_memory = false;        // of a device, as far as can be told
};

/// While it is on nothing is placed: what is decided could not be recorded. Configure ends it.
struct Pause {
  bool on = false;
};

using Input =
    std::variant<Configure, SetInventory, SetReadings, Submit, Cancel, SetLimits, LaunchFailed,
                 Exited, Pause, SetHold, SetPriority, Drain, Lease, RenewLease, EndLease, Tick>;

base::json::object to_json(const Input& input);
base::Result<Input> input_from_json(const base::json::object& object);

}  // namespace berth::core
