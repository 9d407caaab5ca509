// SPDX-License-Identifier: Apache-2.0
// The sampler as a real process, driven as the daemon's loop drives it.
#include "device/sampler.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>

#include "device/fixture.h"
#include "device/sampler_watch.h"

namespace berth::device {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class Sampler : public FakeMachine {
 protected:
  Sampler() { settings_.machine = options(); }
  ~Sampler() override {
    if (child_.pid > 0) old_.push_back(abandon_sampler(child_, true));
    EXPECT_TRUE(wait_until([&] {
      std::erase_if(old_, reap_sampler);
      return old_.empty();
    }));
  }

  /// For drivers that hang; elsewhere a busy machine shall not look like one.
  static SamplerWatch quick() {
    WatchOptions options;
    options.stall_after = milliseconds(300);
    options.inventory_stall_after = milliseconds(400);
    options.driver_stall_after = milliseconds(500);
    options.first_probe = milliseconds(400);
    return SamplerWatch(options);
  }

  void start() {
    settings_.skip = watch_.skip();
    auto child = spawn_sampler(BERTH_SAMPLER_CHILD, sampler_arguments(settings_));
    ASSERT_TRUE(child) << child.error().message;
    child_ = std::move(*child);
    watch_.started(Clock::now());
    ++starts_;
  }

  /// One turn of the loop.
  void turn() {
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::read(child_.output.get(), buffer, sizeof buffer);
      if (got > 0) {
        watch_.feed({buffer, static_cast<std::size_t>(got)}, Clock::now());
        continue;
      }
      if (got == 0) {
        old_.push_back(abandon_sampler(child_, false));
        watch_.ended(Clock::now());
      }
      break;
    }
    const Advice advice = watch_.check(Clock::now());
    if (advice == Advice::kNone) return;
    if (child_.pid > 0) old_.push_back(abandon_sampler(child_, advice == Advice::kReplaceStuck));
    start();
  }

  bool until(const std::function<bool()>& condition) {
    return wait_until([&] {
      turn();
      return condition();
    });
  }
  bool read(const std::string& id, model::Health health = model::Health::kHealthy) {
    const auto* sample = watch_.sample(model::DeviceId(id));
    return sample != nullptr && sample->health == health;
  }

  SamplerOptions settings_;
  SamplerWatch watch_;
  SamplerChild child_;
  std::vector<pid_t> old_;
  int starts_ = 0;
};

TEST_F(Sampler, ReportsTheMachineAndItsChanges) {
  ctl("init --gpus 2");
  ::setenv("CUDA_VISIBLE_DEVICES", "0", 1);
  start();
  ::unsetenv("CUDA_VISIBLE_DEVICES");
  ASSERT_TRUE(until([&] { return watch_.samples().size() == 3; }));
  EXPECT_EQ(watch_.inventory().devices.size(), 3U);
  EXPECT_TRUE(until(
      [&] { return watch_.sample(model::DeviceId("CPU"))->utilization_percent.has_value(); }));
  {
    Child foreign({fake("fakegpu-task"), "--memory", "3G", "--utilization", "70"});
    EXPECT_TRUE(until([&] {
      const auto* sample = watch_.sample(model::DeviceId(kGpu0));
      return sample->used_memory == base::Bytes::from_gib(3) && sample->processes->size() == 1;
    }));
    EXPECT_EQ(watch_.sample(model::DeviceId(kGpu0))->processes->front().pid, foreign.pid());
  }
  EXPECT_TRUE(until([&] { return watch_.sample(model::DeviceId(kGpu0))->processes->empty(); }));
  EXPECT_EQ(watch_.malformed(), 0U);
  EXPECT_EQ(starts_, 1);
}

TEST_F(Sampler, AnswersARequestOutOfTurnWithReadingsOfThatMoment) {
  ctl("init --gpus 2");
  settings_.interval = milliseconds(60'000);
  start();
  ASSERT_TRUE(until([&] { return watch_.samples().size() == 3; }));
  const auto taken = [&](const char* id) { return watch_.sample(model::DeviceId(id))->taken; };
  const auto before = taken(kGpu0);
  const auto other = taken(kGpu1);
  Child foreign({fake("fakegpu-ctl"), "hold", kGpu0, "3G"});
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(request_look(child_, 41, {model::DeviceId(kGpu0), model::DeviceId("GPU-none")}));
    EXPECT_TRUE(until([&] { return watch_.take_changes().looked == 41U; }));
    return watch_.sample(model::DeviceId(kGpu0))->used_memory == base::Bytes::from_gib(3);
  }));
  EXPECT_GT(taken(kGpu0), before);
  EXPECT_EQ(taken(kGpu1), other) << "the others wait for their turn";
  ASSERT_EQ(watch_.sample(model::DeviceId(kGpu0))->processes->size(), 1U);
  EXPECT_EQ(watch_.sample(model::DeviceId(kGpu0))->processes->front().pid, foreign.pid());
  // Also when nothing has changed.
  const auto last = taken(kGpu0);
  ASSERT_TRUE(wait_until([&] { return base::now() > last; }));
  EXPECT_TRUE(request_look(child_, 42, {model::DeviceId(kGpu0)}));
  ASSERT_TRUE(until([&] { return watch_.take_changes().looked == 42U; }));
  EXPECT_GT(taken(kGpu0), last);
  EXPECT_EQ(starts_, 1);
  EXPECT_EQ(watch_.malformed(), 0U);
}

TEST_F(Sampler, ARequestToOneThatIsGoneIsNotTaken) {
  ctl("init --gpus 1");
  start();
  ASSERT_TRUE(until([&] { return read(kGpu0); }));
  ::kill(child_.pid, SIGKILL);
  EXPECT_TRUE(wait_until([&] { return !request_look(child_, 1, {model::DeviceId(kGpu0)}); }));
  EXPECT_FALSE(request_look(SamplerChild{}, 2, {model::DeviceId(kGpu0)}));
}

TEST_F(Sampler, ADeviceThatHangsIsNamedAndTheOthersGoOn) {
  watch_ = quick();
  ctl("init --gpus 3");
  start();
  ASSERT_TRUE(until([&] { return watch_.samples().size() == 4; }));
  ctl(std::string("block ") + kGpu1 + " 'nvmlDeviceGetMemoryInfo*' forever");
  ASSERT_TRUE(until([&] { return read(kGpu1, model::Health::kNotResponding); }));
  EXPECT_TRUE(watch_.sample(model::DeviceId(kGpu1))->free_memory.has_value());
  EXPECT_TRUE(read(kGpu0));
  const auto before = watch_.sample(model::DeviceId(kGpu0))->taken;
  EXPECT_TRUE(until([&] { return watch_.sample(model::DeviceId(kGpu0))->taken > before; }));
  EXPECT_EQ(watch_.skip(), std::vector<std::string>{kGpu1});
  EXPECT_EQ(watch_.inventory().devices[1].id.value, kGpu1);
  EXPECT_EQ(watch_.inventory().devices[2].name, "cuda:2");
  EXPECT_GE(starts_, 2);
  ctl("unblock");
  EXPECT_TRUE(until([&] { return read(kGpu1); }));
  EXPECT_TRUE(watch_.skip().empty());
}

TEST_F(Sampler, ADriverThatHangsWhileItIsOpenedLeavesTheProcessor) {
  watch_ = quick();
  ctl("init --gpus 2");
  ctl("block all nvmlInit_v2 forever");
  start();
  ASSERT_TRUE(until([&] { return read("CPU"); }));
  ASSERT_EQ(watch_.inventory().devices.size(), 1U);
  EXPECT_FALSE(watch_.inventory().hints.empty());
  ctl("unblock");
  EXPECT_TRUE(until([&] { return read(kGpu0) && read(kGpu1); }));
}

TEST_F(Sampler, ADeviceThatHangsInEveryCallIsLeftAloneByNumber) {
  watch_ = quick();
  ctl("init --gpus 2 --shuffle");
  start();
  ASSERT_TRUE(until([&] { return watch_.samples().size() == 3; }));
  ctl(std::string("block ") + kGpu0 + " '*' forever");
  ASSERT_TRUE(until(
      [&] { return starts_ >= 3 && read(kGpu0, model::Health::kNotResponding) && read(kGpu1); }));
  EXPECT_EQ(watch_.inventory().devices[0].id.value, kGpu0);
  EXPECT_EQ(watch_.inventory().devices[1].name, "cuda:1");
  EXPECT_NE(watch_.inventory().devices[0].total_memory, std::nullopt);
}

TEST_F(Sampler, ALostDeviceIsReportedAndFoundAgain) {
  ctl("init --gpus 2");
  settings_.recheck_interval = milliseconds(100);
  settings_.costly_interval = milliseconds(200);
  start();
  ASSERT_TRUE(until([&] { return watch_.samples().size() == 3; }));
  ctl("lose 0");
  EXPECT_TRUE(until([&] { return read(kGpu0, model::Health::kLost); }));
  EXPECT_EQ(watch_.inventory().devices[0].id.value, kGpu0);
  ctl("recover 0");
  EXPECT_TRUE(until([&] { return read(kGpu0); }));
  EXPECT_EQ(starts_, 1);
}

TEST_F(Sampler, GoesWhenNobodyListensAndComesBackWhenKilled) {
  ctl("init --gpus 1");
  start();
  ASSERT_TRUE(until([&] { return read(kGpu0); }));
  ::kill(child_.pid, SIGKILL);
  ASSERT_TRUE(until([&] { return starts_ == 2; }));
  child_.output.reset();
  EXPECT_TRUE(wait_until([&] { return reap_sampler(child_.pid); }));
  child_.pid = -1;
}

TEST(SamplerArguments, ComeBackAsTheyWere) {
  SamplerOptions options;
  options.machine.nvml_library = "/a b/lib.so";
  options.machine.amd_smi_library = "/opt/rocm/lib/libamd_smi.so";
  options.machine.sysfs_root = "/root";
  options.interval = milliseconds(100);
  options.skip = {"GPU-1", "nvidia:2"};
  const auto back = parse_sampler_arguments(sampler_arguments(options));
  ASSERT_TRUE(back);
  EXPECT_EQ(sampler_arguments(*back), sampler_arguments(options));
  EXPECT_FALSE(parse_sampler_arguments({"--interval", "0"}));
  EXPECT_FALSE(parse_sampler_arguments({"--interval"}));
  EXPECT_FALSE(parse_sampler_arguments({"--nonsense", "1"}));
}

}  // namespace
}  // namespace berth::device
