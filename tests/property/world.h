// SPDX-License-Identifier: Apache-2.0
// A machine that behaves badly, from a seed: devices vanish and change their numbers, other
// people's memory jumps, tasks exit, fail to launch and are cancelled, limits change, clocks go
// back.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "core/input.h"
#include "core/output.h"

namespace berth::core::property {

/// splitmix64: the same numbers with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  int below(int limit) {
    return limit <= 0 ? 0 : static_cast<int>(next() % static_cast<std::uint64_t>(limit));
  }
  bool one_in(int n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from.at(static_cast<std::size_t>(below(static_cast<int>(from.size()))));
  }

 private:
  std::uint64_t state_;
};

class World {
 public:
  explicit World(std::uint64_t seed);

  /// What happens next. Depends on the seed and on what was observed, on nothing else.
  Input next();
  [[nodiscard]] Time now() const { return now_; }
  /// Learns which tasks run where.
  void observe(const std::vector<Output>& outputs);

 private:
  struct Physical {
    model::Device device;
    bool present = true;
    std::optional<Bytes> reserved;
    Bytes foreign;
    model::Health health = model::Health::kHealthy;
    bool reads_memory = true;
  };
  struct Running {
    int attempt = 0;
    std::map<DeviceId, Bytes> used;
    std::map<DeviceId, Bytes> reserved;
  };

  Input submit();
  Input rarity();
  [[nodiscard]] model::Request request(TaskId id);
  [[nodiscard]] TaskId any_lease();
  Input readings();
  Input inventory();
  Input limits();
  Input configure();
  Input exit();
  Input launch_failed();
  Input cancel();
  Input nonsense();
  void change_hardware();
  void divide_gpus();
  void link_gpus();
  void add_gpus(int count, model::Vendor vendor, std::string_view model, Bytes total);
  [[nodiscard]] std::string device_string();
  [[nodiscard]] TaskId any_running();

  Random random_;
  Time now_ = base::from_ms(1'700'000'000'000);
  std::vector<Physical> devices_;
  std::map<TaskId, Running> running_;
  std::map<TaskId, Running> leases_;
  std::vector<Attempt> stuck_;
  std::vector<TaskId> queued_;
  std::set<TaskId> seen_;
  int submitted_ = 0;
  int step_ = 0;
};

}  // namespace berth::core::property
