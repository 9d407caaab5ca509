// SPDX-License-Identifier: Apache-2.0
// State and inputs as JSON and back; replay.
#include "core/snapshot.h"

#include "core/invariants.h"
#include "core/script.h"
#include "core/step.h"

namespace berth::core::script {
namespace {

using base::json::object;
using base::json::serialize;

// Through text, as the store does it.
object through_text(const object& value) { return base::parse_json(serialize(value))->as_object(); }

std::vector<Input> story() {
  Box box(Fleet().gpus(3, "A100", 79.6_GiB).capability("8.0", 1410).amd(1).cpu(8));
  const DeviceId gpu = box.id_of("cuda:1");
  Config config;
  config.worker_vendors = {model::Vendor::kNvidia, model::Vendor::kAmd};
  config.queue_size = 100;
  config.aging = std::chrono::minutes(7);
  config.gpu_limits = {2, 5};
  Reading reading;
  reading.device = gpu;
  reading.health = model::Health::kNotResponding;
  reading.health_reason = "no answer for 5 s";
  Reading full;
  full.device = box.id_of("cuda:0");
  full.total = 79.6_GiB;
  full.free = 70_GiB;
  full.reserved = 500_MiB;
  full.utilization_percent = 55;
  full.throttled = true;
  full.used_by_task[TaskId("a")] = 3_GiB;
  return {
      Configure{config},
      SetInventory{Fleet().gpus(3, "A100", 79.6_GiB).capability("8.0", 1410).amd(1).cpu(8).devices},
      SetReadings{{reading, full}},
      Submit{submit("a").training().on("cuda:0").memory(8.5).signature("s|1").request},
      Submit{submit("b")
                 .command()
                 .on("GPU-0000a")
                 .type("A100")
                 .policy(model::Policy::kPack)
                 .priority(2)
                 .request},
      Submit{submit("c").inference().builtin().gpus(2).exclusive().request},
      Submit{submit("d").inference().on("cpu").request},
      SetLimits{{{gpu, 2, {}}, {DeviceId("CPU"), {}, 9}}},
      LaunchFailed{TaskId("a"), 1, true},
      Exited{TaskId("d"), 1, model::Exit{0, {}, "exited"}, 2_GiB},
      Cancel{TaskId("b")},
      SetReadings{{full}},
      Cancel{TaskId("a")},
      Exited{TaskId("a"), 2, model::Exit{{}, 15, "exited"}, 9_GiB},
      SetInventory{Fleet().cpu(8).devices, false},
      SetInventory{Fleet().gpus(1, "A100", 79.6_GiB).cpu(8).devices}};
}

std::string run(State& state, const Input& input, int minute) {
  std::string text;
  for (const auto& output : step(state, input, base::from_ms(minute * 60'000LL)))
    text += serialize(to_json(output)) + "\n";
  return text;
}

TEST(Codec, EveryInputComesBackAsItWas) {
  for (const Input& input : story()) {
    const object written = to_json(input);
    const auto read = input_from_json(through_text(written));
    ASSERT_TRUE(read) << serialize(written) << ": " << read.error().message;
    EXPECT_EQ(read->index(), input.index());
    EXPECT_EQ(serialize(to_json(*read)), serialize(written));
  }
}

TEST(Codec, FieldsSurvive) {
  const auto read = input_from_json(through_text(to_json(Input(story().at(2)))));
  const auto& readings = std::get<SetReadings>(*read).readings;
  EXPECT_EQ(readings, std::get<SetReadings>(story().at(2)).readings);
  const auto change = input_from_json(through_text(to_json(Input(story().at(7)))));
  const auto& changes = std::get<SetLimits>(*change).changes;
  EXPECT_EQ(changes.at(0).training, 2);
  EXPECT_EQ(changes.at(0).inference, std::nullopt);
  EXPECT_EQ(changes.at(1).inference, 9);
}

TEST(Codec, BrokenEntriesAreErrorsNotExceptions) {
  for (const char* text :
       {"{}", R"({"type":"nonsense"})", R"({"type":"configure"})", R"({"type":"inventory"})",
        R"({"type":"inventory","devices":[1]})", R"({"type":"inventory","devices":[{"id":"x"}]})",
        R"({"type":"readings"})", R"({"type":"readings","readings":["x"]})", R"({"type":"submit"})",
        R"({"type":"submit","request":{"id":"a","kind":"dance"}})", R"({"type":"limits"})",
        R"({"type":"limits","changes":[null]})", R"({"type":"exited"})"}) {
    const auto read = input_from_json(base::parse_json(text)->as_object());
    EXPECT_FALSE(read) << text;
  }
}

TEST(Codec, OutputsNameTaskAndAttempt) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  EXPECT_EQ(serialize(to_json(box.outputs[0])), R"({"type":"queued","task":"a","fallback":0})");
  EXPECT_EQ(to_json(box.outputs[1]).at("attempt"), 1);
  box.cancel("a");
  EXPECT_EQ(serialize(to_json(box.outputs[0])),
            R"({"type":"stop","task":"a","attempt":1,"now":false,"cause":"cancelled"})");
  box.take(submit("b").on("cuda:7"));
  EXPECT_EQ(serialize(to_json(box.outputs[0])),
            R"({"type":"refused","task":"b","code":"device_not_found"})");
}

TEST(Snapshot, StateComesBackAsItWasAfterEveryStep) {
  State state;
  int minute = 0;
  for (const Input& input : story()) {
    run(state, input, ++minute);
    const auto restored = state_from_json(through_text(to_json(state)));
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(serialize(to_json(*restored)), serialize(to_json(state)));
    EXPECT_TRUE(invariants::check(*restored).empty());
    EXPECT_EQ(restored->queue.size(), state.queue.size());
  }
}

TEST(Snapshot, ReplayGivesTheSameOutputs) {
  State first;
  State second;
  int minute = 0;
  for (const Input& input : story()) {
    ++minute;
    EXPECT_EQ(run(first, input, minute),
              run(second, *input_from_json(through_text(to_json(input))), minute));
  }
  EXPECT_EQ(serialize(to_json(first)), serialize(to_json(second)));
}

TEST(Snapshot, ARestoredStateGoesOnIdentically) {
  const auto inputs = story();
  for (std::size_t cut = 0; cut < inputs.size(); ++cut) {
    State state;
    int minute = 0;
    for (std::size_t i = 0; i < cut; ++i) run(state, inputs[i], ++minute);
    auto restored = state_from_json(through_text(to_json(state)));
    ASSERT_TRUE(restored);
    for (std::size_t i = cut; i < inputs.size(); ++i) {
      ++minute;
      EXPECT_EQ(run(*restored, inputs[i], minute), run(state, inputs[i], minute));
    }
    EXPECT_EQ(serialize(to_json(*restored)), serialize(to_json(state)));
  }
}

TEST(Snapshot, SubmissionOrderOutlivesARestartWithTheClockSetBack) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"run", "first"}) box.take(submit(id).training().on("cuda"));
  box.now += std::chrono::hours(10);
  box.sample();
  box.state = *state_from_json(through_text(to_json(box.state)));
  box.now -= std::chrono::hours(20);
  box.take(submit("second").training().on("cuda"));
  box.exits("run");
  EXPECT_EQ(box.where("first"), "cuda:0");
  EXPECT_EQ(box.state.tasks.at(TaskId("second")).submitted, box.now + std::chrono::hours(20));
}

TEST(WithTasks, RebuildsOccupancyAndQueueFromTheTasks) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("whole").command().on("cuda:0"));
  box.take(submit("t").training().on("cuda:1"));
  box.take(submit("w").training().on("cuda:1").priority(2));
  State older = box.state;  // a snapshot from before most of it
  older.tasks.clear();
  older.next_sequence = 1;
  const auto rebuilt = with_tasks(std::move(older), box.state.tasks);
  ASSERT_TRUE(rebuilt) << rebuilt.error().message;
  EXPECT_EQ(serialize(to_json(*rebuilt)), serialize(to_json(box.state)));
}

TEST(WithTasks, RefusesTasksThatContradictEachOther) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"run", "x", "y"}) box.take(submit(id).training().on("cuda"));
  auto tasks = box.state.tasks;
  tasks.at(TaskId("y")).sequence = tasks.at(TaskId("x")).sequence;
  EXPECT_FALSE(with_tasks(box.state, tasks));
  tasks = box.state.tasks;
  tasks.at(TaskId("run")).placement.reset();
  EXPECT_FALSE(with_tasks(box.state, tasks));
}

TEST(WithTasks, LaterSubmissionsComeAfterThem) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"run", "first"}) box.take(submit(id).training().on("cuda"));
  State older = box.state;
  older.tasks.clear();
  older.latest = Time{};
  box.state = *with_tasks(std::move(older), box.state.tasks);
  box.now -= std::chrono::hours(5);
  box.take(submit("second").training().on("cuda"));
  box.exits("run");
  EXPECT_EQ(box.where("first"), "cuda:0");
}

TEST(Snapshot, AnEmptyStateIsOne) {
  const auto restored = state_from_json(through_text(to_json(State{})));
  ASSERT_TRUE(restored);
  EXPECT_EQ(serialize(to_json(*restored)), serialize(to_json(State{})));
}

TEST(Snapshot, BrokenSnapshotsAreErrorsNotExceptions) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  const object good = to_json(box.state);
  auto lost = good;  // a running task without its placement
  lost["tasks"].as_array()[0].as_object().erase("placement");
  EXPECT_FALSE(state_from_json(lost));
  auto numbers = good;
  numbers["tasks"] = base::json::array{1, 2};
  EXPECT_FALSE(state_from_json(numbers));
  auto devices = good;
  devices["devices"] = base::json::array{"x"};
  EXPECT_FALSE(state_from_json(devices));
  Box two(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"run", "x", "y"}) two.take(submit(id).training().on("cuda"));
  auto same = to_json(two.state);  // two waiting tasks in one place of the queue
  same["tasks"].as_array()[2].as_object()["sequence"] = same["tasks"].as_array()[1].at("sequence");
  EXPECT_FALSE(state_from_json(same));
  auto twice = good;  // the same waiting task two times
  twice["tasks"].as_array().push_back(twice["tasks"].as_array()[0]);
  EXPECT_FALSE(state_from_json(twice));
}

TEST(Snapshot, ATaskOnADeviceThatTheSnapshotLacksKeepsItsPlace) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  object snapshot = to_json(box.state);
  auto& devices = snapshot["devices"].as_array();
  devices.erase(
      std::remove_if(devices.begin(), devices.end(),
                     [](const auto& item) { return item.at("device").at("name") == "cuda:0"; }),
      devices.end());
  auto restored = state_from_json(snapshot);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->devices.size(), 2U);
  run(*restored, Exited{TaskId("a"), 1, model::Exit{0, {}, "exited"}, {}}, 1);
  EXPECT_TRUE(restored->tasks.empty());
  EXPECT_EQ(restored->devices.size(), 1U);
}

}  // namespace
}  // namespace berth::core::script
