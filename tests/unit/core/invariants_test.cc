// SPDX-License-Identifier: Apache-2.0
// The checks find what they are there for.
#include "core/invariants.h"

#include "core/script.h"

namespace berth::core::script {
namespace {

State sound() {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("run").training().on("cuda:0"));
  box.take(submit("wait").training().on("cuda:0"));
  return box.state;
}

const DeviceId kGpu("GPU-0000aaaa-1111-2222");

TEST(Invariants, FindEachKindOfDamage) {
  const std::vector<std::pair<const char*, void (*)(State&)>> damages{
      {"count", [](State& s) { ++s.devices.at(kGpu).running[1]; }},
      {"lost reservation",
       [](State& s) {
         s.devices.at(kGpu).reservations.clear();
         s.devices.at(kGpu).running = {};
       }},
      {"foreign reservation",
       [](State& s) { s.devices.at(kGpu).reservations.emplace("ghost", 1_GiB); }},
      {"other size", [](State& s) { s.devices.at(kGpu).reservations.at(TaskId("run")) = 1_GiB; }},
      {"exclusive to nobody", [](State& s) { s.devices.at(kGpu).exclusive = TaskId("wait"); }},
      {"no placement", [](State& s) { s.tasks.at(TaskId("run")).placement.reset(); }},
      {"no attempt", [](State& s) { s.tasks.at(TaskId("run")).attempt = 0; }},
      {"final state",
       [](State& s) { s.tasks.at(TaskId("run")).state = model::TaskState::kFailed; }},
      {"not in the queue", [](State& s) { s.queue = Queue{}; }},
      {"other id", [](State& s) { s.tasks.at(TaskId("wait")).request.id = TaskId("x"); }},
      {"future", [](State& s) { s.next_sequence = 1; }},
      {"cancelling in the queue", [](State& s) { s.tasks.at(TaskId("wait")).cancelling = true; }},
      {"device id", [](State& s) { s.devices.at(kGpu).device.id = DeviceId("y"); }},
      {"device gone", [](State& s) { s.devices.erase(kGpu); }}};
  EXPECT_TRUE(invariants::check(sound()).empty());
  for (const auto& [what, damage] : damages) {
    State state = sound();
    damage(state);
    EXPECT_FALSE(invariants::check(state).empty()) << what;
  }
}

}  // namespace
}  // namespace berth::core::script
