// SPDX-License-Identifier: Apache-2.0
// Who wants to know when a task changes. Changes are coalesced: one call per turn of the loop.
// Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "daemon/loop.h"
#include "model/request.h"

namespace berth::daemon {

class Watchers {
 public:
  explicit Watchers(Loop& loop) : loop_(loop) {}

  [[nodiscard]] std::shared_ptr<void> watch(const model::TaskId& id, std::function<void()> changed);
  void changed(const model::TaskId& id);
  [[nodiscard]] std::size_t size() const;

 private:
  using Callback = std::function<void()>;
  void call();

  Loop& loop_;
  std::map<model::TaskId, std::vector<std::weak_ptr<Callback>>> watchers_;
  std::set<model::TaskId> pending_;
};

}  // namespace berth::daemon
