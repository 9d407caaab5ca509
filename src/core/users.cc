// SPDX-License-Identifier: Apache-2.0
#include "core/users.h"

#include <algorithm>

#include "base/check.h"

namespace berth::core::users {

namespace {

// What runs counts as so much more, so that one pass over an idle machine does not give it all to
// whoever comes first.
constexpr std::int64_t kHeadStartMs = 60'000;

std::int64_t decayed(std::int64_t amount, base::Duration passed, base::Duration half_life) {
  const std::int64_t half = std::max<std::int64_t>(1, half_life.count());
  const std::int64_t halvings = passed.count() / half;
  if (halvings >= 62) return 0;
  amount >>= halvings;
  const std::int64_t rest = passed.count() % half;
  // amount / 2 * rest / half without overflow: the device time of a large site over a year is
  // below 2^47 ms, and half-lives are counted in seconds here.
  return amount - amount / 2 * (rest / 1000) / std::max<std::int64_t>(1, half / 1000);
}

std::int64_t up_to(const State& state, const UserEntry& user, Time now) {
  const base::Duration passed = std::max(base::Duration{0}, now - user.counted);
  return decayed(user.device_ms, passed, state.config.fair_share.half_life) +
         user.devices * passed.count();
}

// The entry with its device time counted up to now.
UserEntry& counted(State& state, const std::string& name) {
  UserEntry& user = state.users[name];
  user.device_ms = up_to(state, user, state.latest);
  user.counted = state.latest;
  return user;
}

void drop_if_empty(State& state, const std::string& name) {
  const auto user = state.users.find(name);
  if (user->second.running == 0 && user->second.waiting == 0 && user->second.device_ms == 0)
    state.users.erase(user);
}

}  // namespace

void starts(State& state, const TaskEntry& task) {
  UserEntry& user = counted(state, task.request.user);
  ++user.running;
  user.devices += static_cast<int>(task.placement->shares.size());
  if (task.request.array) ++state.array_running[task.request.array->array];
}

void stops(State& state, const TaskEntry& task) {
  UserEntry& user = counted(state, task.request.user);
  CHECK(user.running > 0);
  --user.running;
  user.devices -= static_cast<int>(task.placement->shares.size());
  if (!state.config.fair_share.on) user.device_ms = 0;
  if (task.request.array) {
    const auto array = state.array_running.find(task.request.array->array);
    if (--array->second == 0) state.array_running.erase(array);
  }
  drop_if_empty(state, task.request.user);
}

void waits(State& state, const TaskEntry& task) { ++state.users[task.request.user].waiting; }

void waits_no_more(State& state, const TaskEntry& task) {
  UserEntry& user = state.users.at(task.request.user);
  CHECK(user.waiting > 0);
  --user.waiting;
  drop_if_empty(state, task.request.user);
}

std::int64_t device_ms(const State& state, const std::string& name) {
  const auto user = state.users.find(name);
  return user == state.users.end() ? 0 : up_to(state, user->second, state.latest);
}

bool user_full(const State& state, const model::Request& request) {
  if (state.config.user_running <= 0) return false;
  const auto user = state.users.find(request.user);
  return user != state.users.end() && user->second.running >= state.config.user_running;
}

bool array_full(const State& state, const model::Request& request) {
  if (!request.array || request.array->at_once <= 0) return false;
  const auto array = state.array_running.find(request.array->array);
  return array != state.array_running.end() && array->second >= request.array->at_once;
}

bool may_start(const State& state, const model::Request& request) {
  return !user_full(state, request) && !array_full(state, request);
}

QueueKey rank(const State& state, const TaskEntry& task) {
  QueueKey key = queue_key(state.config, task);
  const FairShare& share = state.config.fair_share;
  if (!share.on) return key;
  const auto user = state.users.find(task.request.user);
  if (user == state.users.end()) return key;
  const std::int64_t used =
      up_to(state, user->second, state.latest) + user->second.devices * kHeadStartMs;
  key.rank += used / 100 * share.weight_percent;
  return key;
}

}  // namespace berth::core::users
