// SPDX-License-Identifier: Apache-2.0
#include "daemon/watchers.h"

#include <algorithm>
#include <utility>

namespace berth::daemon {

std::shared_ptr<void> Watchers::watch(const model::TaskId& id, std::function<void()> changed) {
  auto callback = std::make_shared<Callback>(std::move(changed));
  watchers_[id].push_back(callback);
  return callback;
}

void Watchers::changed(const model::TaskId& id) {
  if (!watchers_.contains(id)) return;
  const bool first = pending_.empty();
  pending_.insert(id);
  if (first) loop_.post([this] { call(); });
}

std::size_t Watchers::size() const {
  std::size_t count = 0;
  for (const auto& [id, callbacks] : watchers_) {
    count += static_cast<std::size_t>(std::count_if(
        callbacks.begin(), callbacks.end(), [](const auto& weak) { return !weak.expired(); }));
  }
  return count;
}

void Watchers::call() {
  for (const auto& id : std::exchange(pending_, {})) {
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) continue;
    std::erase_if(found->second, [](const auto& weak) { return weak.expired(); });
    // A callback may add or drop watchers.
    const auto callbacks = found->second;
    if (callbacks.empty()) watchers_.erase(found);
    for (const auto& weak : callbacks) {
      if (const auto callback = weak.lock()) (*callback)();
    }
  }
}

}  // namespace berth::daemon
