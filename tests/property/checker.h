// SPDX-License-Identifier: Apache-2.0
// What must hold after every step, whatever the inputs were. Works on any sequence of inputs, so
// that a failing one can be shortened.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/input.h"
#include "core/output.h"
#include "core/state.h"

namespace berth::core::property {

struct Event {
  Time now{};
  Input input;
};

class Checker {
 public:
  /// Steps the scheduler; what was broken, or nothing.
  std::optional<std::string> take(const Event& event);

  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] const std::vector<Output>& outputs() const { return outputs_; }
  /// Replaces the state by what comes back from its snapshot.
  std::optional<std::string> restart();

  struct Figures {
    std::int64_t launches = 0, finished = 0, refused = 0, restarts = 0, retries = 0, evictions = 0,
                 fences = 0, leases = 0, orphans = 0;
    std::size_t most_waiting = 0;
  };
  [[nodiscard]] const Figures& figures() const { return figures_; }

 private:
  struct Live {
    int attempt = 0;
    int retries = 0;
    bool running = false;
    bool cancelled = false;
  };
  [[nodiscard]] std::optional<TaskId> stale_news(const Input& input) const;
  [[nodiscard]] bool was_requeued(const TaskId& id) const;
  std::optional<std::string> check_outputs(const Input& input);
  std::optional<std::string> check_launch(const Launch& launch);
  std::optional<std::string> check_requeued(const Requeued& requeued);
  std::optional<std::string> check_followers(const Finished& finished);
  std::optional<std::string> check_memory() const;
  std::optional<std::string> check_explain() const;
  std::optional<std::string> check_screen() const;

  State state_;
  State twin_;  // gets the same inputs through their JSON form
  std::vector<Output> outputs_;
  std::map<TaskId, Live> live_;
  std::set<TaskId> leases_;
  Figures figures_;
  std::int64_t steps_ = 0;
};

/// Leaves out what does not matter for the failure of `events`, within a number of tries.
std::vector<Event> shrink(std::vector<Event> events, int tries);

}  // namespace berth::core::property
