// SPDX-License-Identifier: Apache-2.0
// Plain values as JSON and back.
#include <gtest/gtest.h>

#include "model/device.h"
#include "model/request.h"
#include "model/task.h"

namespace berth::model {
namespace {

using base::Bytes;
using base::json::object;
using base::json::serialize;

object through_text(const object& value) { return base::parse_json(serialize(value))->as_object(); }
object parse(const char* text) { return base::parse_json(text)->as_object(); }

Device gpu() {
  Device device;
  device.id = DeviceId("GPU-1");
  device.vendor = Vendor::kNvidia;
  device.index = 2;
  device.name = "cuda:2";
  device.model = "NVIDIA \"A100\"";
  device.pci_bus_id = "00000000:17:00.0";
  device.compute_capability = "8.0";
  device.total_memory = Bytes{85'899'345'920};
  device.max_clock_mhz = 1410;
  device.peak_gflops = 312'000;
  device.memory_gbps = 2039;
  device.nodes = {{195, 2}, {235, 21}};
  device.mig = MigInstance{DeviceId("GPU-0"), 1, 7, 2, "1c.3g.40gb"};
  device.numa_node = 1;
  device.links = {{DeviceId("GPU-2"), Closeness::kNvLink, 12},
                  {DeviceId("GPU-3"), Closeness::kNumaNode, 0}};
  return device;
}

TEST(Names, ThereAndBack) {
  for (const Kind kind : {Kind::kTraining, Kind::kInference, Kind::kCommand})
    EXPECT_EQ(kind_from_text(to_text(kind)), kind);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(policy_from_text(to_text(static_cast<Policy>(i))), static_cast<Policy>(i));
    EXPECT_EQ(task_state_from_text(to_text(static_cast<TaskState>(i))), static_cast<TaskState>(i));
  }
  EXPECT_FALSE(kind_from_text("Training"));
  EXPECT_FALSE(policy_from_text(""));
  EXPECT_FALSE(task_state_from_text("done"));
  EXPECT_EQ(device_prefix(Vendor::kAmd), "rocm");
}

TEST(Names, ThreeStatesAreFinal) {
  for (const TaskState state : {TaskState::kPending, TaskState::kQueued, TaskState::kRunning})
    EXPECT_FALSE(is_final(state));
  for (const TaskState state : {TaskState::kCompleted, TaskState::kFailed, TaskState::kCancelled})
    EXPECT_TRUE(is_final(state));
}

TEST(DeviceCodec, ComesBackAsItWas) {
  const object written = to_json(gpu());
  const auto read = device_from_json(through_text(written));
  ASSERT_TRUE(read);
  EXPECT_EQ(serialize(to_json(*read)), serialize(written));
  EXPECT_EQ(read->total_memory, Bytes{85'899'345'920});
  EXPECT_EQ(read->nodes, gpu().nodes);
  EXPECT_EQ(read->mig, gpu().mig);
  EXPECT_EQ(read->numa_node, 1);
  EXPECT_EQ(read->links, gpu().links);
  EXPECT_FALSE(read->partitioned);
}

TEST(DeviceCodec, AbsentIsNullAndStaysAbsent) {
  Device device;
  device.id = DeviceId("CPU");
  device.cores = 16;
  const object written = through_text(to_json(device));
  for (const char* key :
       {"compute_capability", "total_memory", "max_clock_mhz", "peak_gflops", "memory_gbps"})
    EXPECT_TRUE(written.at(key).is_null()) << key;
  const auto read = device_from_json(written);
  EXPECT_FALSE(read->total_memory);
  EXPECT_FALSE(read->compute_capability);
  EXPECT_EQ(read->cores, 16);
}

TEST(DeviceCodec, RefusesOneWithoutIdOrVendor) {
  EXPECT_FALSE(device_from_json(parse("{}")));
  EXPECT_FALSE(device_from_json(parse(R"({"id":"x"})")));
  EXPECT_FALSE(device_from_json(parse(R"({"id":"x","vendor":"voodoo"})")));
  EXPECT_FALSE(device_from_json(parse(R"({"id":"","vendor":"cpu"})")));
}

TEST(SampleCodec, ComesBackAsItWas) {
  Sample sample;
  sample.device = DeviceId("GPU-1");
  sample.taken = base::from_ms(1'700'000'000'123);
  sample.health = Health::kFailed;
  sample.health_reason = "XID 79";
  sample.total_memory = Bytes{100};
  sample.used_memory = Bytes{0};  // a reading of 0 is not an absent one
  sample.free_memory = Bytes{90};
  sample.reserved_memory = Bytes{10};
  sample.utilization_percent = 0;
  sample.memory_utilization_percent = 12;
  sample.temperature_c = 55;
  sample.power_w = 123.5;
  sample.power_limit_w = 400.0;
  sample.clock_mhz = 1410;
  sample.memory_clock_mhz = 1215;
  sample.fan_percent = 30;
  sample.encoder_percent = 3;
  sample.decoder_percent = 0;
  sample.memory_temperature_c = 71;
  sample.pcie = PcieLink{4, 16};
  sample.energy_mj = 5'000'000'000;
  sample.ecc_corrected = 0;
  sample.ecc_uncorrected = 2;
  sample.xid = 79;
  sample.throttle = std::vector<std::string>{"temperature"};
  DeviceProcess first{42, Bytes{5}, 97, "C", "python train.py", "ann", "0123456789ab"};
  DeviceProcess second{43, {}, {}, "G", "", "", "", ProcessState::kZombie};
  sample.processes = std::vector<DeviceProcess>{first, second};
  const object written = through_text(to_json(sample));
  const auto read = sample_from_json(written);
  ASSERT_TRUE(read);
  EXPECT_EQ(serialize(to_json(*read)), serialize(written));
  EXPECT_TRUE(read->same_readings(sample));
  EXPECT_EQ(read->used_memory, Bytes{0});
  EXPECT_EQ(read->utilization_percent, 0);
  ASSERT_EQ(read->processes->size(), 2U);
  EXPECT_FALSE(read->processes->at(1).used_memory);
}

TEST(SampleCodec, NoProcessListIsNotAnEmptyOne) {
  Sample sample;
  sample.device = DeviceId("GPU-1");
  EXPECT_TRUE(to_json(sample).at("processes").is_null());
  EXPECT_FALSE(sample_from_json(through_text(to_json(sample)))->processes);
  EXPECT_FALSE(sample_from_json(through_text(to_json(sample)))->free_memory);
  sample.processes.emplace();
  EXPECT_TRUE(sample_from_json(through_text(to_json(sample)))->processes);
  EXPECT_FALSE(sample_from_json(parse(R"({"health":"healthy"})")));
  EXPECT_FALSE(sample_from_json(parse(R"({"device":"x","health":"ill"})")));
}

TEST(InventoryCodec, ComesBackAsItWas) {
  Inventory inventory;
  inventory.devices = {gpu()};
  inventory.cuda_version = "12.4";
  inventory.hints = {"install the driver"};
  const object written = through_text(to_json(inventory));
  const auto read = inventory_from_json(written);
  ASSERT_TRUE(read);
  EXPECT_EQ(serialize(to_json(*read)), serialize(written));
  EXPECT_FALSE(read->driver_version);
  EXPECT_FALSE(inventory_from_json(parse("{}")));
  EXPECT_FALSE(inventory_from_json(parse(R"({"devices":[{}]})")));
}

TEST(RequestCodec, ComesBackAsItWas) {
  Request request;
  request.id = TaskId("t-1");
  request.kind = Kind::kTraining;
  request.selector = *parse_selector("cuda:0, GPU-ab");
  request.gpus = 2;
  request.memory = Bytes{8'589'934'592};
  request.gpu_type = "A100";
  request.exclusive = true;
  request.builtin = true;
  request.policy = Policy::kFastest;
  request.priority = 3;
  request.signature = "resnet50|\xE4\xB8\xAD";
  const object written = through_text(to_json(request));
  const auto read = request_from_json(written);
  ASSERT_TRUE(read);
  EXPECT_EQ(serialize(to_json(*read)), serialize(written));
  EXPECT_EQ(read->selector.named.size(), 2U);
}

TEST(RequestCodec, DefaultsAndRefusals) {
  const auto read = request_from_json(parse(R"({"id":"a","kind":"command"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->gpus, 1);
  EXPECT_EQ(read->priority, 5);
  EXPECT_EQ(read->policy, Policy::kBalanced);
  EXPECT_FALSE(read->memory);
  EXPECT_EQ(read->selector.mode, Selector::Mode::kAuto);
  EXPECT_FALSE(request_from_json(parse(R"({"kind":"command"})")));
  EXPECT_FALSE(request_from_json(parse(R"({"id":"a","kind":"x"})")));
  EXPECT_FALSE(request_from_json(parse(R"({"id":"a","kind":"command","policy":"x"})")));
  EXPECT_FALSE(request_from_json(parse(R"({"id":"a","kind":"command","device":"x:1"})")));
}

TEST(PlacementCodec, ComesBackAsItWas) {
  for (const auto rule :
       {ReservationRule::kRequested, ReservationRule::kNominal, ReservationRule::kHistory,
        ReservationRule::kKindShare, ReservationRule::kWholeDevice, ReservationRule::kNone}) {
    const Placement placement{
        {{DeviceId("GPU-1"), "cuda:0", Bytes{5}}, {DeviceId("GPU-2"), "cuda:1", Bytes{}}}, rule};
    const object written = through_text(to_json(placement));
    const auto read = placement_from_json(written);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->rule, rule);
    EXPECT_EQ(serialize(to_json(*read)), serialize(written));
  }
  EXPECT_FALSE(placement_from_json(parse("{}")));
}

TEST(ExitCodec, CodeAndSignalAreAbsentNotZero) {
  const Exit killed{{}, 9, "exited"};
  const object written = through_text(to_json(killed));
  EXPECT_TRUE(written.at("exit_code").is_null());
  const Exit read = exit_from_json(written);
  EXPECT_FALSE(read.exit_code);
  EXPECT_EQ(read.signal, 9);
  EXPECT_EQ(exit_from_json(through_text(to_json(Exit{0, {}, "exited"}))).exit_code, 0);
}

}  // namespace
}  // namespace berth::model
