// SPDX-License-Identifier: Apache-2.0
// What a task reserves and what is really free.
#include "core/memory.h"

#include "core/script.h"

namespace berth::core::script {
namespace {

using model::ReservationRule;

Box one(Bytes total = 80_GiB) { return Box(Fleet().gpu("A100", total).cpu(8)); }

TEST(Memory, ForeignProcessesCount) {
  Box box = one();
  box.truth("cuda:0").foreign = 70_GiB;
  box.sample();
  box.take(submit("a").training().on("cuda").memory(20));
  EXPECT_EQ(box.verdict("a", "cuda:0"), "memory");
  box.truth("cuda:0").foreign = 60_GiB;
  box.sample();
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Memory, AStartedTaskBlocksWhatItHasNotAllocatedYet) {
  Box box = one();
  box.take(submit("a").inference().on("cuda").memory(50));
  box.sample();  // the driver still says 80 GiB free
  box.take(submit("b").inference().on("cuda").memory(40));
  EXPECT_EQ(box.where("b"), "queued");
  EXPECT_EQ(effective_free(box.state.devices.at(box.id_of("cuda:0"))), 30_GiB);
}

TEST(Memory, UseWithinTheReservationIsNotCountedTwice) {
  Box box = one();
  box.take(submit("a").inference().on("cuda").memory(50));
  for (const Bytes used : {10_GiB, 50_GiB}) {
    box.truth("cuda:0").used["a"] = used;
    box.sample();
    EXPECT_EQ(effective_free(box.state.devices.at(box.id_of("cuda:0"))), 30_GiB);
  }
  box.truth("cuda:0").used["a"] = 60_GiB;  // more than it asked for
  box.sample();
  EXPECT_EQ(effective_free(box.state.devices.at(box.id_of("cuda:0"))), 20_GiB);
}

TEST(Memory, ReadingsThatContradictEachOtherDoNotOverbook) {
  Box box = one();
  box.take(submit("a").inference().on("cuda").memory(40));
  Reading reading;  // the process list is newer than the memory figure
  reading.device = box.id_of("cuda:0");
  reading.total = 80_GiB;
  reading.free = 80_GiB;
  reading.used_by_task[TaskId("a")] = 40_GiB;
  box.input(SetReadings{{reading}});
  box.take(submit("b").inference().on("cuda").memory(60));
  EXPECT_EQ(box.where("b"), "queued");
}

TEST(Memory, NobodyIsCountedAfterItsEnd) {
  Box box = one();
  box.take(submit("a").training().on("cuda").memory(60));
  box.truth("cuda:0").used["a"] = 60_GiB;
  box.sample();
  box.take(submit("b").training().on("cuda").memory(60));
  box.exits("a");
  EXPECT_EQ(box.where("b"), "queued");  // the driver has not given it back yet
  box.sample();
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Memory, WhatTheLastAttemptUsedIsNotTheNextOnes) {
  Box box = one();
  box.take(submit("a").inference().on("cuda").memory(30).retry(1));
  box.truth("cuda:0").used["a"] = 30_GiB;
  box.sample();
  box.exits("a", 1);
  ASSERT_EQ(box.where("a"), "cuda:0");  // again, in what is free beside the memory of its last try
  box.take(submit("b").inference().on("cuda").memory(45));
  EXPECT_EQ(box.where("b"), "queued");
  box.truth("cuda:0").used["a"] = Bytes{};
  box.sample();
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Memory, ReservedByTheDriverIsNotAvailable) {
  Box box = one();
  box.truth("cuda:0").reserved = 2_GiB;
  box.sample();
  EXPECT_EQ(usable_memory(box.state.devices.at(box.id_of("cuda:0"))), 78_GiB);
  box.take(submit("a").training().on("cuda"));
  EXPECT_EQ(box.reserved("a").value, Bytes{(78_GiB).value / 100 * 60}.value);
}

TEST(Memory, MoreThanAnyDeviceHasIsRefused) {
  Box box(Fleet().gpu("A100", 80_GiB).gpu("V100", 32_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").memory(100));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  EXPECT_NE(box.refusal().message.find("cuda:0: needs 100.00 GB, has 80.00 GB"), std::string::npos)
      << box.refusal().message;
  box.take(submit("b").training().on("cpu").memory(65));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  box.take(submit("c").training().on("cuda").memory(40));
  EXPECT_EQ(box.where("c"), "cuda:0");
}

TEST(Memory, NominalSizeMeansTheWholeCard) {
  struct Row {
    double asked;
    Bytes total;
  };
  for (const Row& row :
       std::initializer_list<Row>{{32, 31.75_GiB},    // V100
                                  {80, 79.6_GiB},     // H100
                                  {24, 23.69_GiB},    // RTX 3090
                                  {141, 140.4_GiB},   // H200
                                  {16, 15.0_GiB},     // T4: error correction takes 1/16
                                  {24, 22.49_GiB},    // A10, L4
                                  {48, 44.99_GiB},    // A40, L40S
                                  {180, 179.06_GiB},  // B200
                                  {288, 287.9_GiB},   // MI355X
                                  {80, 80_GiB}}) {
    Box box = one(row.total);
    box.truth("cuda:0").foreign = 300_MiB;
    box.sample();
    box.take(submit("a").training().on("cuda").memory(row.asked));
    ASSERT_EQ(box.where("a"), "cuda:0") << row.asked;
    EXPECT_EQ(box.placement("a").rule, ReservationRule::kNominal);
    EXPECT_LE(box.reserved("a"), row.total - 300_MiB);
    box.take(submit("b").inference().on("cuda").memory(0.1));
    EXPECT_EQ(box.verdict("b", "cuda:0"), "exclusive");
  }
}

TEST(Memory, NominalSizeIsClippedToWhatTheDriverLeaves) {
  Box box = one(79.6_GiB);
  box.truth("cuda:0").reserved = 600_MiB;
  box.sample();
  box.take(submit("a").training().on("cuda").memory(80));
  EXPECT_EQ(box.reserved("a"), 79.6_GiB - 600_MiB);
}

TEST(Memory, NominalSizeFitsLargerCardsAsAPlainFigure) {
  Box box = one(79.6_GiB);
  box.take(submit("a").training().on("cuda").memory(32));
  EXPECT_EQ(box.reserved("a"), 32_GiB);
  EXPECT_EQ(box.placement("a").rule, ReservationRule::kRequested);
}

TEST(Memory, MoreThanTheNominalSizeIsRefused) {
  for (const auto& [total, asked] :
       {std::pair{31.75_GiB, 33.0}, {79.6_GiB, 81.0}, {10_GiB, 11.0}, {22_GiB, 24.0}}) {
    Box box = one(total);
    box.take(submit("a").training().on("cuda").memory(asked));
    EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits) << asked;
  }
}

TEST(Memory, NominalSizesOfCardsAsSold) {
  EXPECT_EQ(nominal_gib(31.75_GiB), 32);
  EXPECT_EQ(nominal_gib(10.92_GiB), 11);  // GTX 1080 Ti
  EXPECT_EQ(nominal_gib(11.17_GiB), 12);  // K80 with error correction
  EXPECT_EQ(nominal_gib(22_GiB), 22);     // a converted RTX 2080 Ti
  EXPECT_EQ(nominal_gib(93.58_GiB), 94);  // H100 NVL
  EXPECT_EQ(nominal_gib(95.6_GiB), 96);   // RTX PRO 6000
  EXPECT_EQ(nominal_gib(500_GiB), 0);
  EXPECT_EQ(nominal_gib(Bytes{}), 0);
}

TEST(Memory, HistoryOfTheSameSignatureSetsTheReservation) {
  Box box = one();
  box.take(submit("a").training().on("cuda").signature("resnet50/32"));
  EXPECT_EQ(box.placement("a").rule, ReservationRule::kKindShare);
  box.exits("a", 0, 11_GiB);
  box.take(submit("b").training().on("cuda").signature("resnet50/32"));
  EXPECT_EQ(box.placement("b").rule, ReservationRule::kHistory);
  EXPECT_EQ(box.reserved("b"), 11_GiB);
  box.exits("b", 0, 9_GiB);
  box.take(submit("c").training().on("cuda").signature("resnet50/32"));
  EXPECT_EQ(box.reserved("c"), 11_GiB);  // the highest counts
  box.exits("c");
  box.take(submit("d").training().on("cuda").signature("vit"));
  EXPECT_EQ(box.placement("d").rule, ReservationRule::kKindShare);
}

TEST(Memory, WhatWasAskedForBeatsHistory) {
  Box box = one();
  box.take(submit("a").training().on("cuda").signature("s"));
  box.exits("a", 0, 11_GiB);
  box.take(submit("b").training().on("cuda").signature("s").memory(5));
  EXPECT_EQ(box.reserved("b"), 5_GiB);
}

TEST(Memory, AFullHouseOfBothKindsFits) {
  for (const Bytes total : {80_GiB, 79.6_GiB, 23.69_GiB, 7.79_GiB}) {
    Box box = one(total);
    box.take(submit("t").training().on("cuda"));
    for (const char* id : {"i1", "i2", "i3"}) box.take(submit(id).inference().on("cuda"));
    EXPECT_EQ(box.count("cuda:0"), 4);
    EXPECT_EQ(box.placement("i3").rule, ReservationRule::kKindShare);
  }
}

TEST(Memory, AFullHouseFitsBesideADesktopSession) {
  Box box = one(23.69_GiB);
  box.truth("cuda:0").foreign = 250_MiB;
  box.sample();
  for (const char* id : {"i1", "i2", "i3"}) box.take(submit(id).inference().on("cuda"));
  box.take(submit("t").training().on("cuda"));
  EXPECT_EQ(box.count("cuda:0"), 4);
  EXPECT_LE(box.reserved("t") + box.reserved("i1") + box.reserved("i2") + box.reserved("i3"),
            23.69_GiB - 250_MiB);
}

TEST(Memory, KindSharesFollowTheLimits) {
  Box box = one(100_GiB);
  box.limits({{box.id_of("cuda:0"), 2, 4}});
  box.take(submit("t").training().on("cuda"));
  box.take(submit("i").inference().on("cuda"));
  EXPECT_EQ(box.reserved("t").value, Bytes{(100_GiB).value / 100 * 60 / 2}.value);
  EXPECT_EQ(box.reserved("i").value, Bytes{(100_GiB).value / 100 * 40 / 4}.value);
}

TEST(Memory, ACommandWithoutFigureGetsTheWholeDevice) {
  Box box = one();
  box.truth("cuda:0").foreign = 500_MiB;  // a desktop session
  box.sample();
  box.take(submit("a").command().on("cuda"));
  EXPECT_EQ(box.where("a"), "cuda:0");
  EXPECT_EQ(box.placement("a").rule, ReservationRule::kWholeDevice);
  EXPECT_EQ(box.reserved("a"), 80_GiB - 500_MiB);
  box.take(submit("b").inference().on("cuda").memory(0.1));
  EXPECT_EQ(box.verdict("b", "cuda:0"), "exclusive");
}

TEST(Memory, ACommandWithoutFigureWaitsForTheDeviceToBeFree) {
  Box box = one();
  box.take(submit("i").inference().on("cuda"));
  box.take(submit("a").command().on("cuda"));
  EXPECT_EQ(box.verdict("a", "cuda:0"), "busy");
  box.exits("i");
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.exits("a");
  box.truth("cuda:0").foreign = 20_GiB;
  box.sample();
  box.take(submit("b").command().on("cuda"));
  EXPECT_EQ(box.verdict("b", "cuda:0"), "memory");
}

TEST(Memory, ExclusiveWithAFigureReservesItAndKeepsOthersOff) {
  Box box = one();
  box.take(submit("a").training().on("cuda").memory(10).exclusive());
  EXPECT_EQ(box.reserved("a"), 10_GiB);
  box.take(submit("b").inference().on("cuda").memory(1));
  EXPECT_EQ(box.verdict("b", "cuda:0"), "exclusive");
  box.exits("a");
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Memory, NothingIsReservedOnTheProcessorUnlessAskedFor) {
  Box box(Fleet().cpu(8, 16_GiB));
  box.take(submit("a").training().on("cpu"));
  EXPECT_EQ(box.reserved("a"), Bytes{});
  EXPECT_EQ(box.placement("a").rule, ReservationRule::kNone);
  box.take(submit("b").inference().on("cpu").memory(12));
  box.take(submit("c").inference().on("cpu").memory(8));
  EXPECT_EQ(box.where("b"), "cpu");
  EXPECT_EQ(box.verdict("c", "cpu"), "memory");
}

TEST(Memory, ADriverThatSaysNothingAboutFreeMemoryGetsOneTaskAtATime) {
  Box box = one();
  box.truth("cuda:0").reads_memory = false;
  box.sample();
  box.take(submit("a").inference().on("cuda").memory(10));
  box.take(submit("b").inference().on("cuda").memory(10));
  EXPECT_EQ(box.where("a"), "cuda:0");
  EXPECT_EQ(box.where("b"), "queued");
  box.exits("a");
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Memory, ADeviceOfUnknownSizeGetsOneTaskAtATime) {
  Box box(Fleet().gpu("GB10", std::nullopt).cpu(8));
  for (const char* id : {"a", "b"}) box.take(submit(id).inference().on("cuda"));
  EXPECT_EQ(box.where("a"), "cuda:0");
  EXPECT_EQ(box.where("b"), "queued");
}

TEST(Memory, NothingStartsOnAGpuBeforeItsFirstReading) {
  for (const auto& total : {std::optional(80_GiB), std::optional<Bytes>()}) {
    Box box = Box::empty();
    box.announce(Fleet().gpu("A100", total).cpu(8));
    box.take(submit("a").inference().on("cuda"));
    box.take(submit("b").command().on("cuda"));
    EXPECT_EQ(box.verdict("a", "cuda:0"), "memory_unknown");
    EXPECT_EQ(box.where("b"), "queued");
    box.sample();
    EXPECT_EQ(box.where("a"), "cuda:0");
  }
}

TEST(Memory, TheProcessorNeedsNoReading) {
  Box box = Box::empty();
  box.announce(Fleet().cpu(8));
  box.take(submit("a").training());
  EXPECT_EQ(box.where("a"), "cpu");
}

TEST(Memory, AFractionIsOfWhatTheDeviceCanGive) {
  Box box = one();
  box.truth("cuda:0").reserved = 4_GiB;
  box.sample();
  box.take(submit("a").command().on("cuda").percent(50));
  EXPECT_EQ(box.reserved("a").value, Bytes{(76_GiB).value / 100 * 50}.value);
  EXPECT_EQ(box.state.tasks.at(TaskId("a")).placement->rule, ReservationRule::kFraction);
  box.take(submit("b").command().on("cuda").percent(51));
  EXPECT_EQ(box.verdict("b", "cuda:0"), "memory");
  box.take(submit("c").command().on("cuda").percent(101));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kBadRequest);
}

TEST(Memory, AnEstimateCountsUntilThereIsHistory) {
  Box box = one();
  box.take(submit("a").training().on("cuda").signature("s").estimate(9_GiB));
  EXPECT_EQ(box.reserved("a"), 9_GiB);
  box.exits("a", 0, 11_GiB);
  box.take(submit("b").training().on("cuda").signature("s").estimate(9_GiB));
  EXPECT_EQ(box.reserved("b"), 11_GiB);
  box.exits("b");
  // One that no device could hold is no estimate to go by.
  box.take(submit("c").training().on("cuda").signature("t").estimate(900_GiB));
  EXPECT_EQ(box.state.tasks.at(TaskId("c")).placement->rule, ReservationRule::kKindShare);
}

}  // namespace
}  // namespace berth::core::script
