// SPDX-License-Identifier: Apache-2.0
// How long one pass of the scheduler takes on a large, full machine: 100,000 waiting tasks of 50
// shapes, 1,000 devices. One line of JSON per figure: {"name", "median_ms", "p99_ms",
// "worst_ms"}.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/check.h"
#include "base/json.h"
#include "core/explain.h"
#include "core/snapshot.h"
#include "core/step.h"

namespace berth::core {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kGib = 1LL << 30;
constexpr int kDevices = 1000;
constexpr int kMostDevices = 10'000;
constexpr int kTasks = 100'000;
constexpr int kShapes = 50;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

template <class Work>
void report(const char* what, int times, Work work) {
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const auto begin = Clock::now();
    work(i);
    took.push_back(ms_since(begin));
  }
  std::sort(took.begin(), took.end());
  std::printf("%s\n",
              base::to_text(base::json::object{{"name", what},
                                               {"median_ms", took[took.size() / 2]},
                                               {"p99_ms", took[(took.size() - 1) * 99 / 100]},
                                               {"worst_ms", took.back()}})
                  .c_str());
}

model::Request request(int number) {
  const int shape = number % kShapes;
  model::Request request;
  request.id = TaskId("task-" + std::to_string(number));
  request.kind = static_cast<Kind>(shape % 2);
  request.selector = *model::parse_selector(shape % 3 == 0 ? "cuda" : "auto");
  if (shape % 5 != 0) request.memory = Bytes{(4 + shape) * kGib};
  request.signature = "s" + std::to_string(shape);
  request.gpus = shape == 49 ? 8 : 1;
  request.priority = 1 + shape % 10;
  return request;
}

SetReadings full_readings(const State& state) {
  SetReadings readings;
  for (const auto& [id, device] : state.devices) {
    Reading reading;
    reading.device = id;
    reading.total = device.device.total_memory;
    Bytes free = *device.device.total_memory;
    for (const auto& [task, reserved] : device.reservations) {
      reading.used_by_task[task] = reserved;
      free -= reserved;
    }
    reading.free = free;
    readings.readings.push_back(std::move(reading));
  }
  return readings;
}

// Boxes of eight GPUs that are all linked with each other.
SetInventory fleet(int count) {
  SetInventory inventory;
  for (int i = 0; i < count; ++i) {
    model::Device gpu;
    gpu.id =
        DeviceId("GPU-" + std::to_string(100'000 + i * 7919 % 100'000) + "-1111-2222-333344445555");
    gpu.vendor = model::Vendor::kNvidia;
    gpu.index = i;
    gpu.name = "cuda:" + std::to_string(i);
    gpu.model = "NVIDIA A100-SXM4-80GB";
    gpu.total_memory = Bytes{80 * kGib};
    inventory.devices.push_back(gpu);
  }
  constexpr std::size_t kBox = 8;
  auto& devices = inventory.devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    for (std::size_t j = i / kBox * kBox; j < std::min(devices.size(), i / kBox * kBox + kBox); ++j)
      if (i != j) devices[i].links.push_back({devices[j].id, model::Closeness::kNvLink, 12});
  }
  return inventory;
}

void measure() {
  State state;
  Time now = base::from_ms(1'700'000'000'000);
  step(state, fleet(kDevices), now);
  std::vector<Launch> running;
  const auto feed = [&](const Input& input) {
    now += base::Duration{1};
    for (const auto& output : step(state, input, now)) {
      if (const auto* launch = std::get_if<Launch>(&output)) running.push_back(*launch);
    }
  };
  int submitted = 0;
  while (submitted < kTasks) feed(Submit{request(submitted++)});
  const auto first_reading = full_readings(state);
  report("first pass, the empty machine fills up", 1, [&](int) { feed(first_reading); });
  const auto readings = full_readings(state);
  report("readings and a pass, nothing fits", 50, [&](int) { feed(readings); });
  report("pass alone, nothing fits", 50, [&](int) { feed(SetReadings{}); });
  report("a task ends, the next one starts", 200, [&](int i) {
    const Launch& launch = running[static_cast<std::size_t>(i) * 7];
    feed(Exited{launch.task, launch.attempt, model::Exit{0, {}, "exited"}, {}});
  });
  report("a task is submitted and waits", 1000, [&](int) { feed(Submit{request(submitted++)}); });
  const TaskEntry& waiting = state.tasks.at(state.queue.groups().begin()->second.begin()->second);
  report("explain", 50,
         [&](int) { CHECK(explain(state, waiting).devices.size() == state.devices.size()); });
  report("snapshot to JSON", 3, [&](int) { CHECK(!to_json(state).empty()); });
}

// Each box has a GPU in use, so that no eight are as near to each other as could be.
void measure_closeness() {
  State state;
  const Time now = base::from_ms(1'700'000'000'000);
  step(state, fleet(kMostDevices), now);
  step(state, full_readings(state), now);
  int submitted = 0;
  const auto submit = [&](const std::string& device, int gpus) {
    model::Request request;
    request.id = TaskId("task-" + std::to_string(submitted++));
    request.selector = *model::parse_selector(device);
    request.gpus = gpus;
    request.exclusive = true;
    step(state, Submit{request}, now);
    CHECK(state.tasks.at(request.id).placement);
    return request.id;
  };
  for (int i = 0; i < kMostDevices; i += 8) submit("cuda:" + std::to_string(i), 1);
  report("8 GPUs near each other, of 10,000", 50, [&](int) {
    const TaskId id = submit("cuda", 8);
    step(state, Exited{id, 1, model::Exit{0, {}, "exited"}, {}}, now);
  });
}

}  // namespace
}  // namespace berth::core

int main() {
  berth::core::measure();
  berth::core::measure_closeness();
}
