// SPDX-License-Identifier: Apache-2.0
#include "core/admit.h"

#include <map>

#include "base/phrase.h"
#include "base/shortage.h"
#include "core/filter.h"
#include "core/pools.h"
#include "core/waiting.h"
#include "model/task_words.h"

namespace berth::core {

namespace {

namespace words = model::words;

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
  if (reasons.empty()) {
    return base::fail(
        base::ErrorCode::kNeverFits,
        base::fill(words::kTooFewDevices, {std::to_string(wanted), std::to_string(possible)}));
  }
  constexpr std::size_t kMostNamed = 8;
  auto shortage = std::make_shared<base::Shortage>();
  shortage->what = words::kNeverTaken;
  for (const auto& [name, refusal] : reasons) {
    if (shortage->devices.size() == kMostNamed) break;
    shortage->devices.push_back({name, refusal.needed, refusal.available, true});
  }
  shortage->more = reasons.size() - shortage->devices.size();
  return base::fail(
      base::Error{base::ErrorCode::kNeverFits, base::to_text(*shortage), {}, shortage});
}

base::Error bad(std::string_view pattern, const std::vector<std::string>& values = {}) {
  return {base::ErrorCode::kBadRequest, base::fill(pattern, values), {}};
}

}  // namespace

std::optional<base::Error> check_priority(int priority) {
  if (priority >= 1 && priority <= 10) return std::nullopt;
  return bad(words::kPriorityRange, {std::to_string(priority)});
}

namespace {

// Numbers that could never be meant.
std::optional<base::Error> check_numbers(const model::Request& request) {
  if (request.id.empty()) return bad(words::kNeedsId);
  if (request.memory && *request.memory < Bytes{})
    return bad(words::kMemoryNegative, {base::to_text(*request.memory)});
  if (request.memory_percent < 0 || request.memory_percent > 100) return bad(words::kFractionRange);
  if (request.gpus < 1) return bad(words::kGpusLeast, {std::to_string(request.gpus)});
  if (auto error = check_priority(request.priority)) return error;
  const model::Retry& retry = request.retry;
  if (retry.max < 0 || retry.max > model::kMostRetries) {
    return bad(words::kRetryRange,
               {std::to_string(retry.max), std::to_string(model::kMostRetries)});
  }
  if (retry.backoff.count() < 0) return bad(words::kPauseNegative);
  if (retry.more_memory_percent < 0 || retry.more_memory_percent > 1000)
    return bad(words::kMoreMemoryRange);
  if (request.cpu_after && request.cpu_after->count() < 0) return bad(words::kCpuAfterNegative);
  return std::nullopt;
}

std::optional<base::Error> check_queue(const State& state, const model::Request& request,
                                       int places) {
  if (places == 0) return std::nullopt;
  const bool several = places > 1;
  // Of several places the number goes into the text too.
  const auto full = [&](std::string_view one, std::string_view many,
                        std::vector<std::string> values, std::int64_t limit) {
    if (several) values.push_back(std::to_string(places));
    values.push_back(std::to_string(limit));
    return base::Error{base::ErrorCode::kQueueFull, base::fill(several ? many : one, values), {}};
  };
  const auto waits = static_cast<std::int64_t>(waiting(state));
  if (state.config.queue_size > 0 && waits + places > state.config.queue_size) {
    return full(words::kQueueFull, words::kQueueFullForMore, {std::to_string(waits)},
                state.config.queue_size);
  }
  const auto user = state.users.find(request.user);
  const int theirs = user == state.users.end() ? 0 : user->second.waiting;
  if (state.config.user_waiting > 0 && theirs + places > state.config.user_waiting) {
    return full(words::kUserWaits, words::kUserWaitsForMore,
                {request.user.empty() ? "-" : request.user, std::to_string(theirs)},
                state.config.user_waiting);
  }
  return std::nullopt;
}

// What it is to follow must be there, so a circle cannot come about: the last task of one would
// have to be submitted before itself.
std::optional<base::Error> check_dependencies(const State& state, const model::Request& request) {
  for (const auto& dependency : request.after) {
    if (dependency.task == request.id) {
      return bad(words::kAfterItself, {request.id.value});
    }
    const auto task = state.tasks.find(dependency.task);
    if (task == state.tasks.end() || task->second.is_lease()) {
      return bad(words::kAfterUnknown, {dependency.task.value, request.id.value});
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
    return base::fail(state.config.pools.empty()
                          ? bad(words::kNoPools, {request.pool})
                          : bad(words::kNoSuchPool, {request.pool, pools::names(state)}));
  }
  return admit_devices(state, request);
}

base::Result<Resolved> admit_devices(const State& state, const model::Request& request) {
  auto resolved = resolve(state, request);
  if (!resolved || resolved->devices.empty()) return resolved;
  const auto& selector = request.selector;
  if (resolved->all && request.gpus != 1 &&
      static_cast<std::size_t>(request.gpus) != selector.named.size()) {
    return base::fail(bad(words::kGpusAndNames, {std::to_string(request.gpus), selector.text,
                                                 std::to_string(selector.named.size())}));
  }
  return check_devices(state, request, std::move(*resolved));
}

}  // namespace berth::core
