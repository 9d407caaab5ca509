// SPDX-License-Identifier: Apache-2.0
#include "core/admit.h"

#include <map>

#include "core/filter.h"
#include "core/pools.h"
#include "core/waiting.h"

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
  if (request.cpu_after && resolved.fallback == Fallback::kNone &&
      check_devices(state, request, on_processor(state, Fallback::kGpusBusy))) {
    return resolved;
  }
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

base::Error bad(std::string message) {
  return {base::ErrorCode::kBadRequest, std::move(message), {}};
}

}  // namespace

std::optional<base::Error> check_priority(int priority) {
  if (priority >= 1 && priority <= 10) return std::nullopt;
  return bad("priority is " + std::to_string(priority) +
             ": it must be between 1 (most urgent) and 10");
}

namespace {

// Numbers that could never be meant.
std::optional<base::Error> check_numbers(const model::Request& request) {
  if (request.id.empty()) return bad("a task needs an id");
  if (request.memory && *request.memory < Bytes{})
    return bad("memory is " + base::to_text(*request.memory) + ": it must not be negative");
  if (request.memory_percent < 0 || request.memory_percent > 100)
    return bad("the fraction of a device's memory must be above 0 and at most 1");
  if (request.gpus < 1)
    return bad("gpus is " + std::to_string(request.gpus) + ": it must be at least 1");
  if (auto error = check_priority(request.priority)) return error;
  const model::Retry& retry = request.retry;
  if (retry.max < 0 || retry.max > model::kMostRetries) {
    return bad("retry is " + std::to_string(retry.max) + ": it must be between 0 and " +
               std::to_string(model::kMostRetries));
  }
  if (retry.backoff.count() < 0) return bad("the pause before a retry must not be negative");
  if (retry.more_memory_percent < 0 || retry.more_memory_percent > 1000)
    return bad("more memory after a failure: between 0 and 1000 percent");
  if (request.cpu_after && request.cpu_after->count() < 0)
    return bad("the time after which the processor will do must not be negative");
  return std::nullopt;
}

std::optional<base::Error> queue_full(std::string message) {
  return base::Error{base::ErrorCode::kQueueFull, std::move(message), {}};
}

std::optional<base::Error> check_queue(const State& state, const model::Request& request,
                                       int places) {
  if (places == 0) return std::nullopt;
  const auto waits = static_cast<std::int64_t>(waiting(state));
  const std::string more =
      places > 1 ? ", and " + std::to_string(places) + " more were to" : std::string();
  if (state.config.queue_size > 0 && waits + places > state.config.queue_size) {
    return queue_full("The queue is full: " + std::to_string(waits) + " tasks wait" + more +
                      ", the limit is " + std::to_string(state.config.queue_size));
  }
  const auto user = state.users.find(request.user);
  const int theirs = user == state.users.end() ? 0 : user->second.waiting;
  if (state.config.user_waiting > 0 && theirs + places > state.config.user_waiting) {
    return queue_full("Waiting tasks of the user " + (request.user.empty() ? "-" : request.user) +
                      ": " + std::to_string(theirs) + more + ", and the limit for each is " +
                      std::to_string(state.config.user_waiting));
  }
  return std::nullopt;
}

// What it is to follow must be there, so a circle cannot come about: the last task of one would
// have to be submitted before itself.
std::optional<base::Error> check_dependencies(const State& state, const model::Request& request) {
  for (const auto& dependency : request.after) {
    if (dependency.task == request.id) {
      return bad("Task " + request.id.value +
                 " is to come after itself: a circle that would never start");
    }
    const auto task = state.tasks.find(dependency.task);
    if (task == state.tasks.end() || task->second.is_lease()) {
      return bad("There is no task " + dependency.task.value + " for " + request.id.value +
                 " to come after: it must be submitted first");
    }
  }
  return std::nullopt;
}

}  // namespace

base::Result<Resolved> admit(const State& state, const model::Request& request, int places) {
  if (auto error = check_numbers(request)) return base::fail(*error);
  if (auto error = check_queue(state, request, places)) return base::fail(*error);
  if (auto error = check_dependencies(state, request)) return base::fail(*error);
  if (!request.pool.empty() && !state.config.pools.contains(request.pool)) {
    return base::fail(bad("There is no pool \"" + request.pool + "\": " +
                          (state.config.pools.empty() ? "none is configured"
                                                      : "the pools are " + pools::names(state))));
  }
  return admit_devices(state, request);
}

base::Result<Resolved> admit_devices(const State& state, const model::Request& request) {
  auto resolved = resolve(state, request);
  if (!resolved || resolved->devices.empty()) return resolved;
  const auto& selector = request.selector;
  if (resolved->all && request.gpus != 1 &&
      static_cast<std::size_t>(request.gpus) != selector.named.size()) {
    return base::fail(bad("gpus is " + std::to_string(request.gpus) + ", but \"" + selector.text +
                          "\" names " + std::to_string(selector.named.size()) +
                          ": leave gpus out, or ask for \"cuda\""));
  }
  return check_devices(state, request, std::move(*resolved));
}

}  // namespace berth::core
