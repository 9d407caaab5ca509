// SPDX-License-Identifier: Apache-2.0
#include "device/drm/fdinfo.h"

#include "device/tree.h"

namespace berth::device::drm {
namespace {

using std::chrono::seconds;

constexpr model::PciAddress kCard{0, 3, 0, 0};
const FdinfoReader::Clock::time_point kStart{seconds{1000}};

std::string info(int client, const std::string& rest) {
  return "pos:\t0\nflags:\t02100002\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t" +
         std::to_string(client) + "\n" + rest;
}

TEST(Fdinfo, BusyTimeBecomesAShareOfTheTimeThatPassed) {
  const Tree tree;
  FdinfoReader reader(tree.path());
  tree.add_client(100, 5, "renderD128", info(7, "drm-engine-render:\t1000000000 ns\n"));
  reader.look(true, kStart);
  ASSERT_EQ(reader.on(kCard).size(), 1);
  EXPECT_EQ(reader.on(kCard)[0].percent, std::nullopt) << "a share needs two looks";
  tree.add_client(100, 5, "renderD128", info(7, "drm-engine-render:\t2500000000 ns\n"));
  reader.look(false, kStart + seconds{2});
  EXPECT_EQ(reader.on(kCard)[0].percent, 75);
  // It may go back for a moment.
  tree.add_client(100, 5, "renderD128", info(7, "drm-engine-render:\t2400000000 ns\n"));
  reader.look(false, kStart + seconds{3});
  EXPECT_EQ(reader.on(kCard)[0].percent, 0);
  tree.add_client(100, 5, "renderD128", info(7, "drm-engine-render:\t3000000000 ns\n"));
  reader.look(false, kStart + seconds{4});
  EXPECT_EQ(reader.on(kCard)[0].percent, 50) << "of what was seen before it went back";
}

TEST(Fdinfo, SeveralEnginesOfAKindCountAsOne) {
  const Tree tree;
  FdinfoReader reader(tree.path());
  const auto write = [&](const char* busy) {
    tree.add_client(100, 5, "renderD128",
                    info(7, std::string("drm-engine-video:\t") + busy +
                                " ns\ndrm-engine-capacity-video:\t2\ndrm-engine-copy:\t0 ns\n"));
  };
  write("0");
  reader.look(true, kStart);
  write("1000000000");
  reader.look(true, kStart + seconds{1});
  EXPECT_EQ(reader.on(kCard)[0].percent, 50);
}

TEST(Fdinfo, CyclesAreSharesOfAllCycles) {
  const Tree tree;
  FdinfoReader reader(tree.path());
  const auto write = [&](const char* busy, const char* all) {
    tree.add_client(100, 5, "renderD128",
                    info(7, std::string("drm-cycles-ccs:\t") + busy + "\ndrm-total-cycles-ccs:\t" +
                                all + "\ndrm-total-vram0:\t512 MiB\n"));
  };
  write("100", "10000");
  reader.look(true, kStart);
  write("400", "11000");
  reader.look(true, kStart + seconds{60});
  EXPECT_EQ(reader.on(kCard)[0].percent, 30);
  EXPECT_EQ(reader.on(kCard)[0].memory, base::Bytes{512LL << 20});
}

TEST(Fdinfo, LooksAtOthersOnlyWhenAskedTo) {
  const Tree tree;
  FdinfoReader reader(tree.path());
  tree.add_client(100, 5, "renderD128", info(7, ""));
  reader.look(true, kStart);
  tree.add_client(200, 5, "renderD128", info(8, ""));
  reader.look(false, kStart + seconds{1});
  EXPECT_EQ(reader.on(kCard).size(), 1);
  reader.look(true, kStart + seconds{1});
  EXPECT_EQ(reader.on(kCard).size(), 2) << "a look at all is no older look at some";
  tree.remove("proc/100");
  reader.look(false, kStart + seconds{2});
  ASSERT_EQ(reader.on(kCard).size(), 1);
  EXPECT_EQ(reader.on(kCard)[0].pid, 200);
}

TEST(Fdinfo, AClientOfSeveralProcessesCountsOnceAndOtherFilesNotAtAll) {
  const Tree tree;
  FdinfoReader reader(tree.path());
  tree.add_client(300, 5, "renderD128", info(7, "drm-memory-vram:\t100 KiB\n"));
  tree.add_client(200, 9, "renderD128", info(7, "drm-memory-vram:\t100 KiB\n"));
  tree.add_client(200, 10, "renderD128", info(8, "drm-memory-vram:\t1 KiB\n"));
  tree.add_client(200, 11, "/dev/null", info(9, "drm-memory-vram:\t1 KiB\n"));
  tree.add_client(200, 12, "renderD128", "pos: 0\n");
  reader.look(true, kStart);
  ASSERT_EQ(reader.on(kCard).size(), 1);
  EXPECT_EQ(reader.on(kCard)[0].pid, 200);
  EXPECT_EQ(reader.on(kCard)[0].memory, base::Bytes{101 << 10});
  EXPECT_TRUE(reader.on(model::PciAddress{0, 4, 0, 0}).empty());
}

}  // namespace
}  // namespace berth::device::drm
