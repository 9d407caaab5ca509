// SPDX-License-Identifier: Apache-2.0
#include "core/admit.h"

#include <map>

#include "core/filter.h"

namespace berth::core {

namespace {

// How many devices the request may get at the best, and why the others never.
base::Result<Resolved> check_devices(const State& state, const model::Request& request,
                                     Resolved resolved) {
  const std::size_t wanted = resolved.wanted(request);
  std::size_t possible = 0;
  std::map<std::string, model::Refusal> reasons;
  for (const DeviceEntry* device : resolved.devices) {
    const auto verdict = filter(state, request, resolved, *device);
    const auto* refusal = std::get_if<model::Refusal>(&verdict);
    if (refusal == nullptr || !refusal->never) {
      // As many as are needed: the others, thousands perhaps, need no look.
      if (++possible >= wanted && wanted > 0) return resolved;
    } else {
      reasons.emplace(refusal->name, *refusal);
    }
  }
  if (possible >= wanted) return resolved;
  std::string message = "No device of this machine could ever take this task: ";
  if (reasons.empty()) {
    message += std::to_string(wanted) + " devices were asked for and " + std::to_string(possible) +
               " are there";
  }
  std::size_t named = 0;
  for (const auto& [name, refusal] : reasons) {
    if (named == 8) {
      message += "; and " + std::to_string(reasons.size() - named) + " more";
      break;
    }
    if (named++ > 0) message += "; ";
    message += name + ": needs " + base::to_text(refusal.needed) + ", has " +
               base::to_text(refusal.available);
  }
  return base::fail(base::ErrorCode::kNeverFits, message);
}

}  // namespace

base::Result<Resolved> admit(const State& state, const model::Request& request) {
  if (request.id.empty()) return base::fail(base::ErrorCode::kBadRequest, "a task needs an id");
  if (request.memory && *request.memory < Bytes{}) {
    return base::fail(base::ErrorCode::kBadRequest,
                      "memory is " + base::to_text(*request.memory) + ": it must not be negative");
  }
  if (request.gpus < 1) {
    return base::fail(base::ErrorCode::kBadRequest,
                      "gpus is " + std::to_string(request.gpus) + ": it must be at least 1");
  }
  if (request.priority < 1 || request.priority > 10) {
    return base::fail(base::ErrorCode::kBadRequest,
                      "priority is " + std::to_string(request.priority) +
                          ": it must be between 1 (most urgent) and 10");
  }
  if (state.config.queue_size > 0 &&
      static_cast<std::int64_t>(state.queue.size()) >= state.config.queue_size) {
    return base::fail(base::ErrorCode::kQueueFull,
                      "The queue is full: " + std::to_string(state.queue.size()) +
                          " tasks wait, the limit is " + std::to_string(state.config.queue_size));
  }
  auto resolved = resolve(state, request);
  if (!resolved || resolved->devices.empty()) return resolved;
  const auto& selector = request.selector;
  if (resolved->all && request.gpus != 1 &&
      static_cast<std::size_t>(request.gpus) != selector.named.size()) {
    return base::fail(base::ErrorCode::kBadRequest, "gpus is " + std::to_string(request.gpus) +
                                                        ", but \"" + selector.text + "\" names " +
                                                        std::to_string(selector.named.size()) +
                                                        ": leave gpus out, or ask for \"cuda\"");
  }
  return check_devices(state, request, std::move(*resolved));
}

}  // namespace berth::core
