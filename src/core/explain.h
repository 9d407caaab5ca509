// SPDX-License-Identifier: Apache-2.0
// Why a task waits: a verdict per device, as data.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/shortage.h"
#include "core/filter.h"
#include "core/state.h"

namespace berth::core {

struct DeviceVerdict {
  DeviceId device;
  std::string name;
  std::variant<Fit, model::Refusal> verdict;
};

struct Explanation {
  std::vector<DeviceVerdict>
      devices;  // every device of the machine, GPUs by index, the processor last
  std::map<std::string, int> counts;  // verdict codes ("fits" included); adds up to the devices
  std::vector<base::Phrase> would_fit_if;       // what would have to change
  std::optional<base::RefusalCode> own_reason;  // why it starts nowhere, whatever the devices say
  std::int64_t ahead = 0;                       // tasks of the same shape that come first
  Fallback fallback = Fallback::kNone;
  std::size_t wanted = 1;  // devices at once
};

/// For a task in the queue. For one that runs its own devices fit and the others are judged for a
/// second task like it; nothing would have to change.
Explanation explain(const State& state, const TaskEntry& task);

/// The reason that a list shows for a waiting task: its own, else the one that most devices give.
/// std::nullopt when it does not wait, or a device would take it.
std::optional<base::RefusalCode> main_reason(const State& state, const TaskEntry& task);

/// Why it does not start at the moment, in words: "cuda:0: needs 20.00 GiB, has 2.40 GiB; ...".
/// Devices that it could never use are left out, and so are all after the eighth.
base::Shortage obstacles(const State& state, const TaskEntry& task);

}  // namespace berth::core
