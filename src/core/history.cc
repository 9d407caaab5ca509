// SPDX-License-Identifier: Apache-2.0
#include "core/history.h"

#include <algorithm>

namespace berth::core::history {

namespace {

// A new duration counts as a quarter, so that a few tasks are enough to follow a change.
constexpr int kWeight = 4;

void make_room(State& state) {
  if (state.history.size() < kMostSignatures) return;
  state.history.erase(
      std::min_element(state.history.begin(), state.history.end(),
                       [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
}

}  // namespace

void remember(State& state, const TaskEntry& task, std::optional<Bytes> peak, bool good) {
  const std::string& signature = task.request.signature;
  const bool used = peak && peak->value > 0;
  if (signature.empty() || (!used && !(good && task.started))) return;
  auto entry = state.history.find(signature);
  if (entry == state.history.end()) {
    make_room(state);
    entry = state.history.emplace(signature, History{}).first;
  }
  History& known = entry->second;
  known.last = state.latest;
  if (used) known.peak = std::max(known.peak, *peak);
  if (!good || !task.started) return;
  const base::Duration took = std::max(base::Duration{1}, state.latest - *task.started);
  known.duration =
      known.duration.count() == 0 ? took : known.duration + (took - known.duration) / kWeight;
}

std::optional<Bytes> peak(const State& state, const model::Request& request) {
  if (request.signature.empty() || !request.memory_by_history) return std::nullopt;
  const auto known = state.history.find(request.signature);
  if (known == state.history.end() || known->second.peak.value == 0) return std::nullopt;
  return known->second.peak;
}

std::optional<base::Duration> duration(const State& state, const model::Request& request) {
  const auto known = state.history.find(request.signature);
  if (known == state.history.end() || known->second.duration.count() == 0) return std::nullopt;
  return known->second.duration;
}

}  // namespace berth::core::history
