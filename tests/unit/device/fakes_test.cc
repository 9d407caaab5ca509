// SPDX-License-Identifier: Apache-2.0
// The simulated machine itself: what other tests build on.
#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "device/fixture.h"

namespace berth::device {
namespace {

using base::Bytes;

class Fakes : public FakeMachine {
 protected:
  ~Fakes() override {
    ::unsetenv("CUDA_VISIBLE_DEVICES");
    ::unsetenv("CUDA_DEVICE_ORDER");
  }
  static Bytes used(const std::string& name) {
    return *sample_of(read_samples(options()), name).used_memory;
  }
};

TEST_F(Fakes, ATaskTakesTheDevicesItIsGiven) {
  ctl("init --gpus 3 --shuffle");
  ::setenv("CUDA_VISIBLE_DEVICES", (std::string(kGpu1) + ",GPU-be000002,nonsense,0").c_str(), 1);
  Child task({fake("fakegpu-task"), "--memory", "2G"});
  EXPECT_TRUE(wait_until([&] {
    return used("cuda:1") == Bytes::from_gib(2) && used("cuda:2") == Bytes::from_gib(2);
  }));
  EXPECT_EQ(used("cuda:0"), Bytes{0});  // after an invalid entry everything is hidden
}

TEST_F(Fakes, NumbersFollowThePciBusOnlyWhenAskedTo) {
  ctl("init --gpus 2");
  ctl("set 1 compute_major=9");
  ::setenv("CUDA_VISIBLE_DEVICES", "0", 1);
  {
    Child task({fake("fakegpu-task"), "--memory", "1G"});
    EXPECT_TRUE(
        wait_until([&] { return used("cuda:1") == Bytes::from_gib(1); }));  // the fastest first
  }
  ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);
  Child task({fake("fakegpu-task"), "--memory", "1G"});
  EXPECT_TRUE(wait_until([&] { return used("cuda:0") == Bytes::from_gib(1); }));
}

TEST_F(Fakes, MemoryThatIsNotThereEndsTheTask) {
  ctl("init --gpus 1 --memory 8G --reserved 512M");
  EXPECT_EQ(Child({fake("fakegpu-task"), "--memory", "8G"}).wait(), 1);
  EXPECT_EQ(Child({fake("fakegpu-task"), "--memory", "7G", "--seconds", "0.01", "--exit-code", "7"})
                .wait(),
            7);
  EXPECT_EQ(Child({fake("fakegpu-task"), "--memory", "8G", "--ramp", "50ms"}).wait(), 1);
  ::setenv("CUDA_VISIBLE_DEVICES", "", 1);
  EXPECT_EQ(Child({fake("fakegpu-task")}).wait(), 1);
}

TEST_F(Fakes, ChildrenHoldTheMemoryOfAForkingTask) {
  ctl("init --gpus 1");
  Child task({fake("fakegpu-task"), "--memory", "4G", "--fork", "2"});
  EXPECT_TRUE(wait_until([&] { return used("cuda:0") == Bytes::from_gib(4); }));
  const auto readout = read_samples(options());
  const auto& processes = *sample_of(readout, "cuda:0").processes;
  ASSERT_EQ(processes.size(), 2U);
  EXPECT_TRUE(std::none_of(processes.begin(), processes.end(),
                           [&](const auto& p) { return p.pid == task.pid(); }));
  task.kill();
  EXPECT_TRUE(wait_until([&] { return used("cuda:0") == Bytes{0}; }));
}

TEST_F(Fakes, ATaskCanIgnoreSigterm) {
  ctl("init --gpus 1");
  Child stubborn({fake("fakegpu-task"), "--memory", "1G", "--ignore-term", "--seconds", "0.2",
                  "--exit-code", "3"});
  EXPECT_TRUE(wait_until([&] { return used("cuda:0") == Bytes::from_gib(1); }));
  ::kill(stubborn.pid(), SIGTERM);
  EXPECT_EQ(stubborn.wait(), 3);
  Child gentle({fake("fakegpu-task"), "--memory", "1G"});
  EXPECT_TRUE(wait_until([&] { return used("cuda:0") == Bytes::from_gib(1); }));
  ::kill(gentle.pid(), SIGTERM);
  EXPECT_EQ(gentle.wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace berth::device
