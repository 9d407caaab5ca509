// SPDX-License-Identifier: Apache-2.0
// Several GPUs for one task: those nearest to each other.
#include "core/closest.h"

#include <chrono>

#include "core/script.h"

namespace berth::core::script {
namespace {

using model::Closeness;

// Two groups of four on a NUMA node each; in each, pairs share a switch.
Fleet two_nodes() {
  Fleet fleet = Fleet().gpus(8, "A100", 80_GiB);
  for (int a = 0; a < 8; ++a) {
    for (int b = a + 1; b < 8; ++b) {
      if (a / 2 == b / 2) {
        fleet.link(a, b, Closeness::kSwitch);
      } else if (a / 4 == b / 4) {
        fleet.link(a, b, Closeness::kNumaNode);
      }
    }
  }
  return fleet.cpu(8);
}

TEST(Closest, APairOnOneSwitchAndFourOnOneNode) {
  Box box(two_nodes());
  box.take(submit("x").on("cuda:0").exclusive());
  box.take(submit("a").on("cuda").gpus(2));
  EXPECT_EQ(box.where("a"), "cuda:2,cuda:3");
  box.take(submit("b").on("cuda").gpus(4));
  EXPECT_EQ(box.where("b"), "cuda:4,cuda:5,cuda:6,cuda:7");
}

TEST(Closest, NvLinkBeforeAllElseAndManyBeforeFew) {
  Fleet fleet = Fleet().gpus(6, "V100", 32_GiB);
  fleet.link(0, 1, Closeness::kSwitch);
  fleet.link(1, 4, Closeness::kNvLink, 1);
  fleet.link(2, 5, Closeness::kNvLink, 2);
  Box box(fleet.cpu(8));
  box.take(submit("a").on("cuda").gpus(2));
  EXPECT_EQ(box.where("a"), "cuda:2,cuda:5");
  box.take(submit("b").on("cuda").gpus(2));
  EXPECT_EQ(box.where("b"), "cuda:1,cuda:4");
  box.take(submit("c").on("cuda").gpus(2));
  EXPECT_EQ(box.where("c"), "cuda:0,cuda:3") << "what is left";
}

// The links of a DGX-1 with V100: two quads, each wholly linked, and one link across per GPU.
TEST(Closest, FourOfACubeAreAQuad) {
  Fleet fleet = Fleet().gpus(8, "V100", 32_GiB);
  const int links[][3] = {{0, 1, 1}, {0, 2, 1}, {0, 3, 2}, {1, 2, 2}, {1, 3, 1}, {2, 3, 2},
                          {4, 5, 1}, {4, 6, 1}, {4, 7, 2}, {5, 6, 2}, {5, 7, 1}, {6, 7, 2},
                          {0, 4, 2}, {1, 5, 2}, {2, 6, 1}, {3, 7, 1}};
  for (const auto& [a, b, count] : links) fleet.link(a, b, Closeness::kNvLink, count);
  Box box(fleet.cpu(8));
  box.take(submit("x").on("cuda:3").exclusive());
  box.take(submit("a").on("cuda").gpus(4));
  EXPECT_EQ(box.where("a"), "cuda:4,cuda:5,cuda:6,cuda:7");
}

TEST(Closest, NotAtThePriceOfABusierDevice) {
  Fleet fleet = Fleet().gpus(4, "A100", 80_GiB);
  fleet.link(0, 1, Closeness::kNvLink, 12);
  Box box(fleet.cpu(8));
  box.truth("cuda:0").foreign = 40_GiB;
  box.sample();
  box.take(submit("a").on("cuda").gpus(2).memory(10));
  EXPECT_EQ(box.where("a"), "cuda:1,cuda:2") << "half of cuda:0 is taken";
}

TEST(Closest, ALittleMemoryMoreOrLessIsNoDifference) {
  Fleet fleet = Fleet().gpus(4, "A100", 80_GiB);
  fleet.link(0, 1, Closeness::kNvLink, 12);
  Box box(fleet.cpu(8));
  box.truth("cuda:0").foreign = 500_MiB;
  box.truth("cuda:2").foreign = 300_MiB;
  box.truth("cuda:1").foreign = 700_MiB;
  box.truth("cuda:3").foreign = 1_MiB;
  box.sample();
  box.take(submit("a").on("cuda").gpus(2).memory(10));
  EXPECT_EQ(box.where("a"), "cuda:0,cuda:1");
}

TEST(Closest, BetterDevicesAreInTheSetAndTheOthersAreDrawnToThem) {
  Fleet fleet = Fleet().gpus(4, "A100", 80_GiB);
  fleet.link(1, 2, Closeness::kNvLink, 12);
  fleet.link(0, 3, Closeness::kNvLink, 4);
  Box box(fleet.cpu(8));
  for (const char* name : {"cuda:1", "cuda:2", "cuda:3"}) box.truth(name).foreign = 30_GiB;
  box.sample();
  box.take(submit("a").on("cuda").gpus(2).memory(10));
  EXPECT_EQ(box.where("a"), "cuda:0,cuda:3") << "cuda:0 has most memory free";
}

TEST(Closest, OneModelComesFirst) {
  Fleet fleet = Fleet().gpus(2, "A100", 80_GiB).gpus(2, "V100", 80_GiB);
  fleet.link(1, 2, Closeness::kNvLink, 12);
  Box box(fleet.cpu(8));
  box.take(submit("a").on("cuda").gpus(2));
  EXPECT_EQ(box.where("a"), "cuda:0,cuda:1");
}

TEST(Closest, LinksThatChangeAreFollowed) {
  Fleet before = Fleet().gpus(4, "A100", 80_GiB);
  before.link(0, 1, Closeness::kNvLink, 4);
  Box box(before.cpu(8));
  box.take(submit("a").on("cuda").gpus(2));
  EXPECT_EQ(box.where("a"), "cuda:0,cuda:1");
  box.exits("a");
  Fleet after = Fleet().gpus(4, "A100", 80_GiB);
  after.link(0, 3, Closeness::kNvLink, 4);
  box.announce(after.cpu(8));
  box.sample();
  box.take(submit("b").on("cuda").gpus(2));
  EXPECT_EQ(box.where("b"), "cuda:0,cuda:3");
}

TEST(Closest, TenThousandDevicesTakeMilliseconds) {
  Fleet fleet = Fleet().gpus(10'000, "A100", 80_GiB);
  // As link() but without looking each name up.
  for (std::size_t a = 0; a < 10'000; ++a) {
    for (std::size_t b = a / 8 * 8; b < a / 8 * 8 + 8; ++b) {
      if (a != b) fleet.devices[a].links.push_back({fleet.devices[b].id, Closeness::kNvLink, 12});
    }
  }
  // One device of each group of eight is too full, so that no group of eight is whole.
  State state;
  for (std::size_t i = 0; i < 10'000; ++i) {
    DeviceEntry entry;
    entry.device = fleet.devices[i];
    state.devices.emplace(entry.device.id, entry);
  }
  const DeviceIndex& index = state.devices.index();
  std::vector<std::uint32_t> pool;
  for (std::uint32_t row = 0; row < 10'000; ++row) pool.push_back(row);
  static_cast<void>(index.nearest());
  const auto begin = std::chrono::steady_clock::now();
  const auto rows = closest(index, {}, pool, 8, [](std::uint32_t row) { return row % 8 != 3; });
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(rows.size(), 8U);
  EXPECT_LT(took, std::chrono::milliseconds(100)) << "a few, on a machine that does nothing else";
}

}  // namespace
}  // namespace berth::core::script
