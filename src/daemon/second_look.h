// SPDX-License-Identifier: Apache-2.0
// Between the decision and the process: the devices of a launch are read once more, so that nothing
// starts on memory that somebody else took meanwhile. Launches of the same turn of the loop share
// one look; those without a GPU do not wait. Loop thread only.
//
// After the look the newest readings are in the scheduler's state, and each launch is started or
// taken back by them. A task that is taken back is therefore not placed on the same device again
// before a newer reading says that it fits: at most once for each round of the sampler.
//
// A kill of the daemon while a look is under way loses nothing: the task is recorded as running,
// its attempt has no process, so the next daemon launches it, with a look of its own.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/state.h"
#include "daemon/loop.h"

namespace berth::daemon {

class SecondLook {
 public:
  struct Deeds {
    /// Reads the devices out of turn; calls back once, later, and never after this object's end.
    std::function<void(const std::vector<model::DeviceId>&, std::function<void(bool answered)>)>
        look;
    /// Age of the newest reading; std::nullopt when there is none.
    std::function<std::optional<base::Duration>(const model::DeviceId&)> age;
    std::function<void(const model::TaskId&, int attempt)> start;
    /// Must requeue the task, or end it when it is being cancelled: then there is no refusal.
    std::function<void(const model::TaskId&, int attempt, const std::optional<model::Refusal>&)>
        undo;
    /// These did not answer, and what is known of them is old: the state must say so.
    std::function<void(const std::vector<model::DeviceId>&)> distrust;
  };

  /// `state` is the scheduler's and must live as long as this.
  SecondLook(Loop& loop, const core::State& state, Deeds deeds);

  void take(const model::TaskId& id, int attempt, const model::Placement& placement);
  /// Forgets a launch that has not been started; whether there was one.
  bool drop(const model::TaskId& id, int attempt);

 private:
  struct Launch {
    model::TaskId id;
    int attempt = 0;
    std::vector<model::DeviceId> gpus;
  };

  void look();
  void decide(const std::vector<Launch>& launches, bool answered);
  void distrust_stale(const std::vector<Launch>& launches);
  [[nodiscard]] const core::TaskEntry* placed(const Launch& launch) const;

  Loop& loop_;
  const core::State& state_;
  Deeds deeds_;
  std::map<model::TaskId, int> waiting_;  // all that were taken and neither started nor dropped
  std::vector<Launch> next_;              // for the next look
};

}  // namespace berth::daemon
