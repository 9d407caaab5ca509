// SPDX-License-Identifier: Apache-2.0
#include "daemon/allocator_hints.h"

#include <gtest/gtest.h>

namespace berth::daemon {
namespace {

using base::Bytes;
using model::ReservationRule;

model::Placement placement(ReservationRule rule, std::vector<double> gib) {
  model::Placement result;
  result.rule = rule;
  for (const double amount : gib)
    result.shares.push_back({model::DeviceId("GPU"), "cuda:0", Bytes::from_gib(amount)});
  return result;
}

TEST(AllocatorHints, NameTheTasksPartOfItsDevice) {
  const auto hints =
      allocator_hints(placement(ReservationRule::kRequested, {10}), Bytes::from_gib(80));
  EXPECT_EQ(hints.at("XLA_PYTHON_CLIENT_MEM_FRACTION"), "0.124");  // rounded down
  EXPECT_EQ(hints.at("FLAGS_fraction_of_gpu_memory_to_use"), "0.124");
  EXPECT_EQ(hints.at("TF_FORCE_GPU_ALLOW_GROWTH"), "true");
}

TEST(AllocatorHints, OfSeveralDevicesTheSmallestShareCounts) {
  EXPECT_EQ(allocator_hints(placement(ReservationRule::kRequested, {40, 20}), Bytes::from_gib(80))
                .at("XLA_PYTHON_CLIENT_MEM_FRACTION"),
            "0.249");
}

TEST(AllocatorHints, AreForTheClientsOwnFigureOnly) {
  for (const auto rule : {ReservationRule::kNominal, ReservationRule::kHistory,
                          ReservationRule::kKindShare, ReservationRule::kWholeDevice}) {
    EXPECT_TRUE(allocator_hints(placement(rule, {10}), Bytes::from_gib(80)).empty());
  }
  EXPECT_TRUE(allocator_hints(placement(ReservationRule::kRequested, {10}), {}).empty());
  EXPECT_TRUE(
      allocator_hints(placement(ReservationRule::kRequested, {0}), Bytes::from_gib(80)).empty());
  EXPECT_TRUE(
      allocator_hints(placement(ReservationRule::kRequested, {}), Bytes::from_gib(80)).empty());
}

}  // namespace
}  // namespace berth::daemon
