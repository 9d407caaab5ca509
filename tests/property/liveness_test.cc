// SPDX-License-Identifier: Apache-2.0
// On a machine that is always overbooked every kind of task still gets its turn.
#include <gtest/gtest.h>

#include "core/step.h"
#include "world.h"

namespace berth::core::property {
namespace {

constexpr std::int64_t kGib = 1LL << 30;

class Crowd {
 public:
  explicit Crowd(std::uint64_t seed) : random_(seed) {
    SetInventory inventory;
    SetReadings readings;
    for (int i = 0; i < 4; ++i) {
      model::Device gpu;
      gpu.id = DeviceId("GPU-" + std::to_string(i));
      gpu.vendor = model::Vendor::kNvidia;
      gpu.index = i;
      gpu.name = "cuda:" + std::to_string(i);
      gpu.total_memory = Bytes{80 * kGib};
      inventory.devices.push_back(gpu);
      Reading reading;
      reading.device = gpu.id;
      reading.total = reading.free = gpu.total_memory;
      readings.readings.push_back(reading);
    }
    feed(inventory);
    feed(readings);
  }

  void feed(const Input& input) {
    now_ += base::Duration{20'000};
    for (const auto& output : step(state_, input, now_)) {
      if (const auto* launch = std::get_if<Launch>(&output)) running_.push_back(*launch);
    }
  }
  // A small task comes, an old one ends: the queue never empties.
  void tick() {
    while (state_.queue.size() < 8) {
      Submit input;
      input.request.id = TaskId("small" + std::to_string(++count_));
      input.request.kind = static_cast<Kind>(random_.below(2));
      if (random_.one_in(2)) input.request.memory = Bytes{(1 + random_.below(60)) * kGib};
      feed(input);
    }
    if (running_.empty()) return;
    const auto at = running_.begin() + random_.below(static_cast<int>(running_.size()));
    const Exited input{at->task, at->attempt, model::Exit{0, {}, "exited"}, {}};
    running_.erase(at);
    feed(input);
  }
  bool waits(const TaskId& id) const {
    const auto task = state_.tasks.find(id);
    return task != state_.tasks.end() && task->second.state == model::TaskState::kQueued;
  }
  int ticks_until_started(const model::Request& request, int most) {
    feed(Submit{request});
    for (int i = 0; i < most; ++i) {
      if (!waits(request.id)) return i;
      tick();
    }
    return most;
  }

 private:
  Random random_;
  State state_;
  Time now_ = base::from_ms(1'700'000'000'000);
  std::vector<Launch> running_;
  int count_ = 0;
};

TEST(Liveness, EveryKindOfTaskStartsOnAnOverbookedMachine) {
  int longest = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Crowd crowd(seed);
    for (int i = 0; i < 100; ++i) crowd.tick();
    int number = 0;
    for (const int gpus : {2, 4, 1}) {
      for (const Kind kind : {Kind::kTraining, Kind::kInference, Kind::kCommand}) {
        model::Request request;
        request.id = TaskId("wanted" + std::to_string(++number));
        request.kind = kind;
        request.gpus = gpus;
        if (kind == Kind::kTraining) request.memory = Bytes{70 * kGib};
        if (kind == Kind::kInference) request.exclusive = true;
        const int ticks = crowd.ticks_until_started(request, 2000);
        EXPECT_LT(ticks, 2000) << "seed " << seed << ", " << gpus << " devices, "
                               << model::to_text(kind);
        longest = std::max(longest, ticks);
      }
    }
  }
  std::printf("longest wait: %d ticks\n", longest);
}

}  // namespace
}  // namespace berth::core::property
