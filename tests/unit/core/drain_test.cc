// SPDX-License-Identifier: Apache-2.0
// Tasks on hold, devices and machines that take nothing new.
#include "core/script.h"

namespace berth::core::script {
namespace {

TEST(Hold, AHeldTaskWaitsUntilItIsReleased) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").hold());
  box.take(submit("b").training().on("cuda").memory(10));
  EXPECT_EQ(box.verdict("a", "cpu"), "not_requested");
  // Not that the device is busy: without a release its end would change nothing.
  EXPECT_EQ(box.verdict("a", "cuda:0"), "on_hold");
  box.exits("b");
  EXPECT_EQ(box.where("a"), "queued");
  EXPECT_EQ(box.verdict("a", "cuda:0"), "on_hold");
  EXPECT_EQ(base::to_text(box.explain("a").would_fit_if.front()),
            "the task were released (berth release a)");
  box.input(SetHold{TaskId("a"), false});
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Hold, ATaskKeepsItsPlace) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  for (const char* id : {"x", "a", "b"}) box.take(submit(id).training().on("cuda"));
  box.input(SetHold{TaskId("a"), true});
  box.input(SetHold{TaskId("a"), true});  // twice is as once
  box.input(SetHold{TaskId("a"), false});
  box.exits("x");
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Hold, WhatRunsCannotBeHeld) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda"));
  box.input(SetHold{TaskId("a"), true});
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kWrongState);
  box.input(SetHold{TaskId("b"), true});
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
}

TEST(Priority, ATaskThatWaitsGetsThePlaceOfItsNewOne) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  for (const char* id : {"x", "a", "b", "c"}) box.take(submit(id).training().on("cuda"));
  box.input(SetPriority{TaskId("c"), 1});
  box.input(SetPriority{TaskId("a"), 10});
  box.exits("x");
  EXPECT_EQ(box.where("c"), "cuda:0");
  box.exits("c");
  EXPECT_EQ(box.where("b"), "cuda:0");
  box.exits("b");
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Priority, OfWhatRunsOrIsNoneIsRefused) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b"}) box.take(submit(id).training().on("cuda"));
  box.input(SetPriority{TaskId("a"), 1});
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kWrongState);
  box.input(SetPriority{TaskId("c"), 1});
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNotFound);
  for (const int wrong : {0, 11, -1}) {
    box.input(SetPriority{TaskId("b"), wrong});
    EXPECT_EQ(box.refusal().code, base::ErrorCode::kBadRequest);
  }
}

TEST(Drain, ADeviceTakesNothingNewAndWhatRunsGoesOn) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda:0"));
  box.drain({"cuda:0"}, true, "a new fan");
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.take(submit("b").inference().on("cuda"));
  EXPECT_EQ(box.where("b"), "cuda:1");
  box.take(submit("c").inference().on("cuda:0"));
  EXPECT_EQ(box.verdict("c", "cuda:0"), "draining");
  const auto row = box.explain("c").devices.front();
  EXPECT_EQ(base::to_text(std::get<model::Refusal>(row.verdict).available),
            "being drained: a new fan");
  box.drain({"cuda:0"}, false);
  EXPECT_EQ(box.where("c"), "cuda:0");
}

TEST(Drain, TheWholeMachine) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.drain({});
  box.take(submit("a").training().on("cuda"));
  box.take(submit("b").on("cpu"));
  EXPECT_EQ(box.where("a"), "queued");
  EXPECT_EQ(box.where("b"), "queued");
  EXPECT_EQ(box.verdict("b", "cpu"), "draining");
  box.drain({}, false);
  EXPECT_EQ(box.where("a"), "cuda:0");
  EXPECT_EQ(box.where("b"), "cpu");
}

TEST(Drain, AWaitingTaskForSeveralDoesNotCountOnADrainedDevice) {
  Box box(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  box.drain({"cuda:2"});
  box.take(submit("small").training().on("cuda:0"));
  box.take(submit("pair").training().on("cuda").gpus(2));
  EXPECT_EQ(box.where("pair"), "queued");
  box.exits("small");
  EXPECT_EQ(box.where("pair"), "cuda:0,cuda:1");
}

TEST(Drain, UnknownDevicesAreRefusedAndNothingChanges) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.input(Drain{{box.id_of("cuda:0"), DeviceId("GPU-none")}, true, ""});
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kDeviceNotFound);
  box.take(submit("a").on("cuda").memory(1));
  EXPECT_EQ(box.where("a"), "cuda:0");
}

}  // namespace
}  // namespace berth::core::script
