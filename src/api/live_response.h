// SPDX-License-Identifier: Apache-2.0
// TaskResponse of a task that may still live.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/service.h"
#include "api/texts.h"
#include "base/error.h"
#include "base/json.h"

namespace berth::api {

/// task_response() with what only the running service knows: why a task waits, what holds it to its
/// share, how much of it it has taken.
class LiveResponses {
 public:
  explicit LiveResponses(const Service& service) : service_(service) {}

  base::json::object operator()(const model::TaskRecord& record, Language language);

 private:
  std::optional<base::RefusalCode> waiting_for(const model::TaskRecord& record);

  const Service& service_;
  // Tasks in the queue that ask for the same wait for the same: thousands may be listed.
  std::map<std::string, std::optional<base::RefusalCode>> reasons_;
};

/// {"used_gb", "over_reserved"} of what `task` holds on the device by its newest reading.
base::json::object held_memory(const core::DeviceEntry& device, const model::TaskId& task,
                               base::Bytes reserved);

}  // namespace berth::api
