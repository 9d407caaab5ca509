// SPDX-License-Identifier: Apache-2.0
#include "daemon/second_look.h"

#include <set>
#include <utility>

#include "core/recheck.h"

namespace berth::daemon {

namespace {

// A device that did not answer the look is still good for a start when its newest reading is not
// older than this: every one is read four times a second and reported at least once.
constexpr base::Duration kTrusted{2'000};

}  // namespace

SecondLook::SecondLook(Loop& loop, const core::State& state, Deeds deeds)
    : loop_(loop), state_(state), deeds_(std::move(deeds)) {}

void SecondLook::take(const model::TaskId& id, int attempt, const model::Placement& placement) {
  Launch launch{id, attempt, {}};
  for (const auto& share : placement.shares) {
    const auto device = state_.devices.find(share.device);
    if (device == state_.devices.end() || !device->second.is_cpu())
      launch.gpus.push_back(share.device);
  }
  waiting_[id] = attempt;
  if (launch.gpus.empty()) return decide({launch}, true);
  next_.push_back(std::move(launch));
  if (next_.size() == 1) loop_.post([this] { look(); });
}

bool SecondLook::drop(const model::TaskId& id, int attempt) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second != attempt) return false;
  waiting_.erase(found);
  return true;
}

void SecondLook::look() {
  std::set<model::DeviceId> devices;
  for (const auto& launch : next_) devices.insert(launch.gpus.begin(), launch.gpus.end());
  deeds_.look({devices.begin(), devices.end()}, [this, launches = std::exchange(next_, {})](
                                                    bool answered) { decide(launches, answered); });
}

const core::TaskEntry* SecondLook::placed(const Launch& launch) const {
  const auto task = state_.tasks.find(launch.id);
  const bool same = task != state_.tasks.end() && task->second.attempt == launch.attempt &&
                    task->second.state == model::TaskState::kRunning;
  return same ? &task->second : nullptr;
}

void SecondLook::distrust_stale(const std::vector<Launch>& launches) {
  std::set<model::DeviceId> stale;
  for (const auto& launch : launches) {
    for (const auto& id : launch.gpus) {
      const auto age = deeds_.age(id);
      if (!age || *age > kTrusted) stale.insert(id);
    }
  }
  if (!stale.empty()) deeds_.distrust({stale.begin(), stale.end()});
}

void SecondLook::decide(const std::vector<Launch>& launches, bool answered) {
  if (!answered) distrust_stale(launches);
  // From the last to the first, so that where not all fit any more those first in the queue start:
  // each that is taken back leaves its memory to the ones before it.
  std::vector<const Launch*> good;
  for (auto launch = launches.rbegin(); launch != launches.rend(); ++launch) {
    const auto* task = placed(*launch);
    const auto waiting = waiting_.find(launch->id);
    if (waiting == waiting_.end() || waiting->second != launch->attempt) continue;
    const bool cancelling = task != nullptr && task->cancelling;  // by an earlier run of the daemon
    const auto refusal =
        task == nullptr || cancelling ? std::nullopt : core::recheck(state_, *task);
    if (task != nullptr && !cancelling && !refusal) {
      good.push_back(&*launch);
      continue;
    }
    waiting_.erase(waiting);
    if (task != nullptr) deeds_.undo(launch->id, launch->attempt, refusal);
  }
  for (auto launch = good.rbegin(); launch != good.rend(); ++launch) {
    if (!drop((*launch)->id, (*launch)->attempt)) continue;
    deeds_.start((*launch)->id, (*launch)->attempt);
  }
}

}  // namespace berth::daemon
