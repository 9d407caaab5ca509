// SPDX-License-Identifier: Apache-2.0
#include "supervise/cgroup.h"

#include "supervise/testing.h"

namespace berth::supervise {
namespace {

TEST(Cgroup, TheUnifiedHierarchyIsFound) {
  const auto own =
      own_cgroup_directory("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
                           "0::/system.slice/berthd.service\n");
  ASSERT_TRUE(own);
  EXPECT_EQ(*own, "/sys/fs/cgroup/system.slice/berthd.service");
}

TEST(Cgroup, TheHybridHierarchyIsFound) {
  const auto own = own_cgroup_directory(
      "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "40 30 0:28 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw\n",
      "4:memory:/x\n0::/\n");
  ASSERT_TRUE(own);
  EXPECT_EQ(*own, "/sys/fs/cgroup/uni fied");
}

TEST(Cgroup, APartMountedInAContainerIsFound) {
  const auto own = own_cgroup_directory(
      "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/docker/abc/inner\n");
  ASSERT_TRUE(own);
  EXPECT_EQ(*own, "/sys/fs/cgroup/inner");
}

TEST(Cgroup, WhatIsMissingIsSaid) {
  EXPECT_EQ(own_cgroup_directory("31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw\n",
                                 "4:memory:/\n")
                .error()
                .message,
            "no cgroup v2 is mounted");
  EXPECT_FALSE(own_cgroup_directory("30 23 0:26 / /c rw - cgroup2 cgroup rw\n", "0::/../other\n"));
  EXPECT_FALSE(own_cgroup_directory("30 23 0:26 / /c rw - cgroup2 cgroup rw\n", "4:memory:/\n"));
}

TEST(Cgroup, DetectionAlwaysGivesAnAnswer) {
  const Cgroups cgroups = Cgroups::detect("detect/test");
  EXPECT_TRUE(cgroups.available() ? cgroups.text() == "cgroup v2"
                                  : cgroups.text().starts_with("process groups only: "));
  if (!cgroups.available()) return;
  EXPECT_EQ(cgroups.path_for(model::TaskId("../a b"), 2), cgroups.parent() + "/_2e_2e_2fa_20b.2");
  cgroups.release();
  EXPECT_NE(::access(cgroups.parent().c_str(), F_OK), 0);
  EXPECT_TRUE(remove_cgroup(cgroups.parent()));
  EXPECT_TRUE(remove_cgroup(""));
}

}  // namespace
}  // namespace berth::supervise
