// SPDX-License-Identifier: Apache-2.0
// With the kernel of this machine, where it allows that: /dev/zero (1:5) stands for a GPU.
#include "supervise/device_filter.h"

#include <fcntl.h>

#include "supervise/cgroup.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

/// "open" or "closed" for each file, as a process in the cgroup finds them.
constexpr char kTryAll[] =
    "for f in /dev/zero /dev/null /dev/full ./copy; do"
    "  if head -c 0 < $f 2>/dev/null; then echo open; else echo closed; fi; done";

TEST(DeviceFilter, ANodeIsClosedForTheTaskAndOnlyForIt) {
  if (const auto supported = device_filter_supported(); !supported)
    GTEST_SKIP() << supported.error().message;
  const Cgroups cgroups = Cgroups::detect("filter-" + std::to_string(::getpid()));
  if (!cgroups.available()) GTEST_SKIP() << cgroups.text();
  const TempDir dir;
  LaunchSpec spec = script(dir, std::string("mknod copy c 1 5 2>/dev/null; ") + kTryAll);
  spec.cgroup = cgroups.path_for(spec.task, spec.attempt);
  ASSERT_TRUE(base::make_directories(spec.cgroup));
  ASSERT_TRUE(deny_devices(spec.cgroup, {{1, 5}, {250, 77}}));
  EXPECT_EQ(run(spec).exit.exit_code, 0);
  EXPECT_EQ(content(spec.directory + "/stdout"), "closed\nopen\nopen\nclosed\n");
  EXPECT_FALSE(exists(dir / "copy")) << "it cannot make the file itself either";
  EXPECT_FALSE(exists(spec.cgroup));
  EXPECT_TRUE(base::Fd(::open("/dev/zero", O_RDONLY | O_CLOEXEC)).valid()) << "others can";
  EXPECT_TRUE(remove_cgroup(cgroups.parent()));
}

TEST(DeviceFilter, DeniedTwiceAndForNothingIsNoMatter) {
  if (const auto supported = device_filter_supported(); !supported)
    GTEST_SKIP() << supported.error().message;
  const Cgroups cgroups = Cgroups::detect("filter2-" + std::to_string(::getpid()));
  if (!cgroups.available()) GTEST_SKIP() << cgroups.text();
  const TempDir dir;
  LaunchSpec spec = script(dir, kTryAll);
  spec.cgroup = cgroups.path_for(spec.task, spec.attempt);
  ASSERT_TRUE(base::make_directories(spec.cgroup));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(deny_devices(spec.cgroup, {{1, 7}}));
  ASSERT_TRUE(deny_devices(spec.cgroup, {}));
  run(spec);
  EXPECT_EQ(content(spec.directory + "/stdout"), "open\nopen\nclosed\nclosed\n");
  EXPECT_TRUE(remove_cgroup(cgroups.parent()));
}

TEST(DeviceFilter, AMachineOf64GpusIsNotTooMany) {
  if (const auto supported = device_filter_supported(); !supported)
    GTEST_SKIP() << supported.error().message;
  const Cgroups cgroups = Cgroups::detect("filter3-" + std::to_string(::getpid()));
  if (!cgroups.available()) GTEST_SKIP() << cgroups.text();
  std::vector<model::DeviceNode> denied;
  for (unsigned i = 0; i < 64; ++i) {
    denied.push_back({195, i});
    denied.push_back({226, i});
    denied.push_back({226, 128 + i});
  }
  denied.push_back({1, 5});
  const TempDir dir;
  LaunchSpec spec = script(dir, kTryAll);
  spec.cgroup = cgroups.path_for(spec.task, spec.attempt);
  ASSERT_TRUE(base::make_directories(spec.cgroup));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(deny_devices(spec.cgroup, denied));
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  std::printf("a filter of %zu nodes: %.0f us\n", denied.size(), took.count());
  run(spec);
  EXPECT_EQ(content(spec.directory + "/stdout"), "closed\nopen\nopen\nclosed\n");
  EXPECT_TRUE(remove_cgroup(cgroups.parent()));
}

TEST(DeviceFilter, WhatIsNoCgroupIsAnError) {
  const TempDir dir;
  EXPECT_FALSE(deny_devices(dir / "none", {}));
  EXPECT_FALSE(deny_devices(dir.path(), {}));
}

}  // namespace
}  // namespace berth::supervise
