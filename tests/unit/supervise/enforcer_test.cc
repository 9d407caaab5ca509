// SPDX-License-Identifier: Apache-2.0
// Which rung is active, on trees of files; the fence with this machine's kernel where it allows.
#include "supervise/enforcer.h"

#include "supervise/device_filter.h"
#include "supervise/mps.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;
using model::ReservationRule;
using model::Rung;
using model::Vendor;

model::Device gpu(Vendor vendor, int index, const std::string& pci) {
  model::Device device;
  device.vendor = vendor;
  device.id = model::DeviceId("GPU-" + pci);
  device.name = std::string(model::device_prefix(vendor)) + ":" + std::to_string(index);
  device.pci_bus_id = pci;
  return device;
}

class Enforcement : public ::testing::Test {
 protected:
  Enforcement() {
    put(tree_ / "cgroup.controllers", "memory\n");
    put(tree_ / "own/cgroup.controllers", "memory\n");
    std::filesystem::create_directories(tree_ / "own/berth");
    options_.search_path = tree_ / "bin";
    options_.watchdog = "warn";
    options_.driver_cgroups = tree_.path();
    options_.fence = false;  // a tree of files takes no program
    task_.cgroup = tree_ / "own/berth/t.1";
    task_.mps_pipes = tree_ / "mps";
    task_.user = ::geteuid();
  }
  void have_dmem() const {
    put(tree_ / "cgroup.controllers", "dmem\n");
    put(tree_ / "own/cgroup.controllers", "dmem\n");
    put(tree_ / "own/cgroup.subtree_control", "dmem\n");
    put(tree_ / "own/berth/cgroup.subtree_control", "dmem\n");
    put(tree_ / "dmem.capacity",
        "drm/0000:03:00.0/vram 17163091968\ndrm/0000:04:00.0/vram 17163091968\n");
    put(tree_ / "own/berth/t.1/dmem.max", "");
  }
  void have_mps() const {
    put(tree_ / "mps/control", "");
    put(tree_ / "mps/nvidia-cuda-mps-control.pid", std::to_string(::getpid()));
  }
  void have_nvidia_smi() const {
    put(tree_ / "bin/nvidia-smi", "#!/bin/sh\n");
    std::filesystem::permissions(tree_ / "bin/nvidia-smi", std::filesystem::perms::owner_all);
  }
  void give(const std::vector<model::Device>& devices, ReservationRule rule, double gib) {
    task_.given = devices;
    task_.placement.rule = rule;
    task_.placement.shares.clear();
    for (const auto& device : devices)
      task_.placement.shares.push_back({device.id, device.name, base::Bytes::from_gib(gib)});
  }
  Enforcer::Measures prepare() const {
    return Enforcer(options_, Cgroups::at(tree_.path(), tree_ / "own/berth")).prepare(task_);
  }

  TempDir tree_;
  Enforcer::Options options_;
  Enforcer::Task task_;
  const model::Device nvidia_ = gpu(Vendor::kNvidia, 0, "00000000:17:00.0");
  const model::Device amd_ = gpu(Vendor::kAmd, 0, "0000:03:00.0");
  const model::Device amd2_ = gpu(Vendor::kAmd, 1, "0000:04:00.0");
};

TEST_F(Enforcement, ATaskThatReservesNothingIsHeldToNothing) {
  have_mps();
  give({nvidia_}, ReservationRule::kNone, 0);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kNone);
  model::Device cpu;
  cpu.id = model::DeviceId("CPU");
  give({cpu}, ReservationRule::kRequested, 4);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kNone);
}

TEST_F(Enforcement, WithoutAnythingElseThereIsTheWatchdog) {
  give({nvidia_}, ReservationRule::kRequested, 10);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kWatchdog);
  EXPECT_EQ(prepare().enforcement.by, "watchdog: warn");
  EXPECT_FALSE(exists(task_.cgroup)) << "the shim makes it where nothing is set";
  options_.watchdog = "enforce";
  EXPECT_EQ(prepare().enforcement.by, "watchdog: enforce");
  give({nvidia_}, ReservationRule::kHistory, 10);
  EXPECT_EQ(prepare().enforcement.by, "watchdog: warn") << "an estimate ends nobody";
  options_.watchdog.clear();
  EXPECT_EQ(prepare().enforcement.rung, Rung::kNone);
}

TEST_F(Enforcement, HintsAreMoreAndMpsIsMoreThanHints) {
  task_.hinted = true;
  give({nvidia_, nvidia_}, ReservationRule::kRequested, 10);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kHints);
  EXPECT_TRUE(prepare().env.empty());
  have_mps();
  auto measures = prepare();
  EXPECT_EQ(measures.enforcement.rung, Rung::kMps);
  EXPECT_EQ(measures.env.at("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"), "0=10240M,1=10240M");
  EXPECT_EQ(measures.env.at("CUDA_MPS_PIPE_DIRECTORY"), tree_ / "mps");
  give({nvidia_}, ReservationRule::kKindShare, 10);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kHints) << "an estimate is not held to";
  give({amd_}, ReservationRule::kRequested, 10);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kHints) << "MPS is NVIDIA's";
}

TEST_F(Enforcement, DmemLimitsAllDevicesOrIsNotTheRung) {
  have_dmem();
  give({amd_, amd2_}, ReservationRule::kRequested, 10);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kKernel);
  EXPECT_EQ(prepare().enforcement.by, "dmem");
  EXPECT_EQ(content(tree_ / "own/berth/t.1/dmem.max"), "drm/0000:04:00.0/vram 10737418240");
  const auto other = gpu(Vendor::kAmd, 2, "0000:05:00.0");
  give({amd_, other}, ReservationRule::kRequested, 10);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kWatchdog) << "one region is not known";
  put(tree_ / "own/berth/t.1/dmem.max", "");
  give({amd_}, ReservationRule::kHistory, 10);
  EXPECT_EQ(prepare().enforcement.rung, Rung::kWatchdog);
  EXPECT_EQ(content(tree_ / "own/berth/t.1/dmem.max"), "");
}

TEST_F(Enforcement, WithoutAFenceOtherGpusAreLimitedToNothing) {
  have_dmem();
  give({amd_}, ReservationRule::kHistory, 10);
  task_.withheld = {amd2_};
  const auto measures = prepare();
  EXPECT_FALSE(measures.enforcement.fenced);
  EXPECT_FALSE(measures.enforcement.fence.empty());
  EXPECT_EQ(content(tree_ / "own/berth/t.1/dmem.max"), "drm/0000:04:00.0/vram 0");
}

TEST_F(Enforcement, NvidiasToolIsPlannedFromItsFirstDriverOn) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root sets these limits";
  have_nvidia_smi();
  give({nvidia_}, ReservationRule::kRequested, 10);
  for (const char* old : {"", "550.54.14", "610.12", "none"}) {
    task_.nvidia_driver = old;
    EXPECT_TRUE(prepare().limits.empty()) << old;
  }
  task_.nvidia_driver = "615.71.09";
  const auto measures = prepare();
  EXPECT_EQ(measures.limits_program, tree_ / "bin/nvidia-smi");
  ASSERT_EQ(measures.limits.size(), 1U);
  EXPECT_EQ(measures.limits[0].gpu, nvidia_.id.value);
  EXPECT_EQ(measures.enforcement.rung, Rung::kWatchdog) << "until the tool has answered";
  EXPECT_TRUE(exists(task_.cgroup));
  auto mig = nvidia_;
  mig.id = model::DeviceId("MIG-1");
  give({mig}, ReservationRule::kRequested, 10);
  EXPECT_TRUE(prepare().limits.empty()) << "not for parts of a GPU";
  options_.driver_cgroups = "/elsewhere";
  give({nvidia_}, ReservationRule::kRequested, 10);
  EXPECT_TRUE(prepare().limits.empty());
}

// /dev/zero (1:5) and /dev/full (1:7) stand for the files of two GPUs.
TEST_F(Enforcement, TheFenceClosesWhatWasNotGiven) {
  if (const auto supported = device_filter_supported(); !supported)
    GTEST_SKIP() << supported.error().message;
  const Cgroups cgroups = Cgroups::detect("enforcer-" + std::to_string(::getpid()));
  if (!cgroups.available()) GTEST_SKIP() << cgroups.text();
  auto mine = nvidia_;
  mine.nodes = {{1, 5}};
  auto other = gpu(Vendor::kNvidia, 1, "00000000:18:00.0");
  other.nodes = {{1, 7}};
  const TempDir dir;
  LaunchSpec spec =
      script(dir,
             "for f in /dev/zero /dev/full; do"
             "  if head -c 0 < $f 2>/dev/null; then echo open; else echo closed; fi; done");
  spec.cgroup = cgroups.path_for(spec.task, spec.attempt);
  options_.fence = true;
  task_.cgroup = spec.cgroup;
  give({mine}, ReservationRule::kRequested, 10);
  task_.withheld = {other};
  const Enforcer enforcer(options_, cgroups);
  const auto measures = enforcer.prepare(task_);
  EXPECT_TRUE(measures.enforcement.fenced) << measures.enforcement.fence;
  run(spec);
  EXPECT_EQ(content(spec.directory + "/stdout"), "open\nclosed\n");
  // One whose files are not known leaves a gap, and that is said.
  task_.withheld = {other, gpu(Vendor::kNvidia, 2, "00000000:19:00.0")};
  const auto gap = enforcer.prepare(task_);
  EXPECT_FALSE(gap.enforcement.fenced);
  EXPECT_NE(gap.enforcement.fence.find("cuda:2"), std::string::npos) << gap.enforcement.fence;
  // Parts of one GPU share its file.
  task_.withheld = {mine};
  EXPECT_TRUE(enforcer.prepare(task_).enforcement.fenced);
  EXPECT_TRUE(remove_cgroup(spec.cgroup));
  EXPECT_TRUE(remove_cgroup(cgroups.parent()));
}

TEST(EnforcementValue, ComesBackAsItWas) {
  const model::Enforcement value{Rung::kMps, "CUDA MPS", false, "why"};
  EXPECT_EQ(model::enforcement_from_json(model::to_json(value)), value);
  EXPECT_EQ(model::enforcement_from_json({}), model::Enforcement{});
}

}  // namespace
}  // namespace berth::supervise
