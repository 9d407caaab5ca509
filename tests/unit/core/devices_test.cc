// SPDX-License-Identifier: Apache-2.0
// Devices that fail, go, come back and change their numbers.
#include "core/script.h"

namespace berth::core::script {
namespace {

using model::Health;

TEST(Devices, UnhealthyOnesGetNothing) {
  for (const Health health : {Health::kLost, Health::kNotResponding, Health::kFailed}) {
    Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
    box.truth("cuda:0").health = health;
    box.truth("cuda:0").reason = "XID 79";
    box.sample();
    for (const char* id : {"a", "b"}) box.take(submit(id).training().on("cuda"));
    EXPECT_EQ(box.where("a"), "cuda:1");
    EXPECT_EQ(box.verdict("b", "cuda:0"), "unhealthy");
    const auto row = box.explain("b").devices.front();
    EXPECT_EQ(base::to_text(std::get<model::Refusal>(row.verdict).available),
              std::string(model::to_text(health)) + ": XID 79");
    box.truth("cuda:0").health = Health::kHealthy;
    box.sample();
    EXPECT_EQ(box.where("b"), "cuda:0");
  }
}

TEST(Devices, ATaskForAnUnhealthyDeviceWaits) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.truth("cuda:0").health = Health::kLost;
  box.sample();
  box.take(submit("a").training().on("cuda:0"));
  EXPECT_EQ(box.where("a"), "queued");  // nor is it moved to the processor
}

TEST(Devices, ATaskOnADeviceThatVanishesIsStopped) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:1"));
  box.announce(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  EXPECT_EQ(box.state.devices.size(), 3U);
  EXPECT_EQ(box.where("a"), "cuda:1");
  box.exits("a", 1);
  EXPECT_EQ(box.where("a"), "failed");
  EXPECT_EQ(box.state.devices.size(), 2U);  // nothing holds it any more
}

TEST(Devices, AVanishedDeviceGetsNothing) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:1"));
  box.announce(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("b").inference().on("cuda:0"));
  box.take(submit("c").inference().on("cuda").memory(1));
  EXPECT_EQ(box.where("c"), "cuda:0");
  EXPECT_EQ(box.verdict("c", "cuda:1"), "unhealthy");
  box.take(submit("d").inference().on("cuda:1"));
  EXPECT_EQ(box.refusal().message,
            "Device index 1 is out of range: this machine has 1 CUDA device (cuda:0)");
}

TEST(Devices, NumbersMeanThePresentDevicesWhenTheyShift) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0"));
  Fleet shifted;  // cuda:0 is gone, the other one is cuda:0 now
  shifted.gpu("A100", 80_GiB).uuid("GPU-0001aaaa-1111-2222").cpu(8);
  box.announce(shifted);
  box.take(submit("b").training().on("cuda:0"));
  EXPECT_EQ(box.where("b"), "cuda:0");
  EXPECT_EQ(box.placement("b").shares.front().device, DeviceId("GPU-0001aaaa-1111-2222"));
  ASSERT_NE(find_device(box.state, "cuda:0"), nullptr);
  EXPECT_TRUE(find_device(box.state, "cuda:0")->present);
}

TEST(Devices, OneThatComesBackIsUsedAfterANewReading) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").inference().on("cuda:1"));
  box.announce(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.announce(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("b").inference().on("cuda:1"));
  EXPECT_EQ(box.verdict("b", "cuda:1"), "memory_unknown");
  box.sample();
  EXPECT_EQ(box.where("b"), "cuda:1");
  EXPECT_EQ(box.count("cuda:1"), 2);  // what it held before still counts
}

TEST(Devices, TasksWaitUntilTheInventoryIsKnown) {
  Box box = Box::empty();
  box.take(submit("a").training().on("cuda"));
  box.take(submit("b").training().on("cpu"));
  box.take(submit("c").training());
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(box.where(id), "queued");
  box.announce(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  EXPECT_EQ(box.where("b"), "cpu");
  box.sample();
  EXPECT_EQ(box.where("a"), "cuda:0");
  EXPECT_EQ(box.where("c"), "cuda:1");
}

TEST(Devices, TasksFromBeforeTheInventoryFallBackToTheProcessor) {
  Box box = Box::empty();
  box.take(submit("a").training().on("cuda:1"));
  box.announce(Fleet().cpu(8));
  EXPECT_EQ(box.where("a"), "cpu");
}

TEST(Devices, WhileADriverHasNotAnsweredGpuTasksWaitAndProcessorTasksRun) {
  Box box = Box::empty();
  box.input(SetInventory{Fleet().cpu(8).devices, false});
  for (const char* device : {"auto", "cuda", "cuda:2"}) {
    box.take(submit(device).training().on(device));
    EXPECT_EQ(box.where(device), "queued");  // whether there is a GPU is not known
  }
  box.take(submit("cpu").training().on("cpu"));
  EXPECT_EQ(box.where("cpu"), "cpu");
  box.announce(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  box.sample();
  EXPECT_EQ(box.where("cuda:2"), "cuda:2");
  EXPECT_NE(box.where("auto"), "queued");
}

TEST(Devices, AnIncompleteInventoryTakesNothingAway) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:1"));
  box.input(SetInventory{Fleet().cpu(8).devices, false});
  EXPECT_EQ(box.state.devices.size(), 3U);
  box.take(submit("b").inference().on("auto"));
  EXPECT_EQ(box.where("b"), "queued");
  box.announce(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  EXPECT_EQ(box.where("b"), "cuda:0");
  box.exits("a");
  EXPECT_EQ(box.where("a"), "completed");
}

TEST(Devices, NewDevicesTakeWaitingTasks) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b"}) box.take(submit(id).training().on("cuda"));
  box.announce(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.sample();
  EXPECT_EQ(box.where("b"), "cuda:1");
}

TEST(Devices, ReadingsOfUnknownDevicesAndTasksAreIgnored) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.truth("cuda:0").used["ghost"] = 10_GiB;
  box.sample();
  EXPECT_TRUE(box.state.devices.at(box.id_of("cuda:0")).reading->used_by_task.empty());
  Reading stranger;
  stranger.device = DeviceId("GPU-stranger");
  box.input(SetReadings{{stranger}});
  EXPECT_EQ(box.state.devices.size(), 2U);
}

}  // namespace
}  // namespace berth::core::script
