// SPDX-License-Identifier: Apache-2.0
#include "device/sampler_watch.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace berth::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
namespace json = base::json;

model::Device gpu(int number) {
  model::Device device;
  device.id = model::DeviceId("GPU-" + std::to_string(number));
  device.vendor = model::Vendor::kNvidia;
  device.index = number;
  device.name = "cuda:" + std::to_string(number);
  device.model = "Fake";
  device.pci_bus_id = "00000000:0" + std::to_string(number) + ":00.0";
  return device;
}

/// Plays the child and the loop.
class Watch : public ::testing::Test {
 protected:
  void say(const json::value& line) { watch_.feed(json::serialize(line) + "\n", now_); }
  void begin(const std::string& key) { say({{"begin", key}}); }
  void idle() { say({{"idle", true}}); }
  void inventory(const std::vector<int>& numbers) {
    model::Inventory inventory;
    for (const int number : numbers) inventory.devices.push_back(gpu(number));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      inventory.devices[i].index = static_cast<int>(i);
      inventory.devices[i].name = "cuda:" + std::to_string(i);
    }
    model::Device cpu;
    cpu.id = model::DeviceId("CPU");
    cpu.name = "cpu";
    inventory.devices.push_back(cpu);
    say({{"inventory", model::to_json(inventory)}, {"taken", 5000}});
  }
  void sample(const std::string& id, std::int64_t used, std::int64_t taken = 1000) {
    model::Sample sample;
    sample.device = model::DeviceId(id);
    sample.taken = base::from_ms(taken);
    sample.used_memory = base::Bytes{used};
    say({{"sample", model::to_json(sample)}});
  }
  void round(const std::vector<std::string>& ids) {
    for (const auto& id : ids) {
      begin(id);
      sample(id, 1);
    }
    idle();
  }
  /// Lets time pass as the daemon's timer would, until there is advice.
  Advice advice_within(milliseconds time) {
    const auto end = now_ + time;
    while (const auto next = watch_.deadline()) {
      if (*next > end) break;
      now_ = std::max(now_, *next);
      const Advice advice = watch_.check(now_);
      if (advice != Advice::kNone) return advice;
    }
    now_ = end;
    return Advice::kNone;
  }
  const model::Sample& of(const std::string& id) {
    static const model::Sample none;
    const auto* found = watch_.sample(model::DeviceId(id));
    EXPECT_NE(found, nullptr) << id;
    return found != nullptr ? *found : none;
  }
  using Keys = std::vector<std::string>;

  SamplerWatch watch_;
  SamplerWatch::Moment now_{seconds(1000)};
};

TEST_F(Watch, HoldsTheLatestOfEachDeviceInOrder) {
  watch_.started(now_);
  EXPECT_FALSE(watch_.has_inventory());
  inventory({0, 1});
  EXPECT_TRUE(watch_.take_changes().inventory);
  round({"CPU", "GPU-1", "GPU-0"});
  sample("GPU-1", 7);
  ASSERT_EQ(watch_.samples().size(), 3U);
  EXPECT_EQ(watch_.samples()[0].device.value, "GPU-0");
  EXPECT_EQ(watch_.samples()[2].device.value, "CPU");
  EXPECT_EQ(of("GPU-1").used_memory, base::Bytes{7});
  const auto changes = watch_.take_changes();
  EXPECT_EQ(changes.samples.size(), 3U);
  EXPECT_TRUE(changes.health.empty());
  EXPECT_FALSE(watch_.take_changes().any());
  EXPECT_EQ(advice_within(seconds(100)), Advice::kNone);
}

TEST_F(Watch, AnAnswerToARequestIsToldOnceAndTheChildIsIdleAfterIt) {
  watch_.started(now_);
  inventory({0});
  round({"GPU-0"});
  EXPECT_FALSE(watch_.take_changes().looked);
  begin("GPU-0");
  sample("GPU-0", 9);
  say({{"looked", 7}});
  const auto changes = watch_.take_changes();
  EXPECT_EQ(changes.looked, 7U);
  EXPECT_EQ(changes.samples, std::set{model::DeviceId("GPU-0")});
  EXPECT_FALSE(watch_.take_changes().looked);
  EXPECT_EQ(advice_within(seconds(100)), Advice::kNone);
  EXPECT_EQ(watch_.malformed(), 0U);
}

TEST_F(Watch, ASilentDriverIsNoticedAndItsDeviceLeftAlone) {
  watch_.started(now_);
  inventory({0, 1});
  round({"GPU-0", "GPU-1", "CPU"});
  watch_.take_changes();
  begin("GPU-1");
  EXPECT_EQ(advice_within(milliseconds(1999)), Advice::kNone);
  EXPECT_EQ(advice_within(milliseconds(100)), Advice::kReplaceStuck);
  EXPECT_EQ(of("GPU-1").health, model::Health::kNotResponding);
  EXPECT_TRUE(of("GPU-1").health_reason.starts_with("the driver has not answered for 2."))
      << of("GPU-1").health_reason;
  EXPECT_EQ(of("GPU-1").used_memory, base::Bytes{1});  // the last reading and its age
  EXPECT_EQ(of("GPU-1").taken, base::from_ms(1000));
  EXPECT_EQ(of("GPU-0").health, model::Health::kHealthy);
  EXPECT_EQ(watch_.take_changes().health, std::set{model::DeviceId("GPU-1")});
  EXPECT_EQ(watch_.skip(), Keys{"GPU-1"});
  watch_.started(now_);
  inventory({0, 1});
  round({"GPU-0", "CPU"});
  EXPECT_EQ(of("GPU-1").health, model::Health::kNotResponding);
}

TEST_F(Watch, AnErrorThatTheDriverReportedOutlivesTheChildThatHeardIt) {
  constexpr std::int64_t kMinute = 60'000;
  const auto failed = [&](std::int64_t taken) {
    model::Sample sample;
    sample.device = model::DeviceId("GPU-0");
    sample.taken = base::from_ms(taken);
    sample.health = model::Health::kFailed;
    sample.health_reason = "XID 79: it has fallen off the bus";
    say({{"sample", model::to_json(sample)}});
  };
  const auto health = [&] { return watch_.sample(model::DeviceId("GPU-0"))->health; };
  watch_.started(now_);
  inventory({0, 1});
  failed(1000);
  watch_.ended(now_);
  watch_.started(now_);
  inventory({0, 1});
  sample("GPU-0", 1, 2000);
  EXPECT_EQ(health(), model::Health::kFailed);
  failed(5 * kMinute);  // said again, not happened again
  sample("GPU-0", 1, 9 * kMinute);
  EXPECT_EQ(health(), model::Health::kFailed);
  EXPECT_EQ(watch_.sample(model::DeviceId("GPU-0"))->health_reason,
            "XID 79: it has fallen off the bus");
  sample("GPU-1", 1, 9 * kMinute);
  EXPECT_EQ(watch_.sample(model::DeviceId("GPU-1"))->health, model::Health::kHealthy);
  sample("GPU-0", 1, 1000 + 10 * kMinute);
  EXPECT_EQ(health(), model::Health::kHealthy);
  watch_.remember_failure(model::DeviceId("GPU-0"), "XID 48: memory", base::from_ms(11 * kMinute));
  EXPECT_EQ(health(), model::Health::kFailed) << "as an earlier daemon knew it";
  sample("GPU-0", 1, 20 * kMinute);
  EXPECT_EQ(health(), model::Health::kFailed);
  sample("GPU-0", 1, 21 * kMinute);
  EXPECT_EQ(health(), model::Health::kHealthy);
}

TEST_F(Watch, ProbesComeLessAndLessOftenUntilTheDeviceAnswers) {
  watch_.started(now_);
  inventory({0});
  for (const int wait : {30, 60, 120, 240, 480, 600, 600}) {
    begin("GPU-0");
    ASSERT_EQ(advice_within(seconds(3)), Advice::kReplaceStuck);
    watch_.started(now_);
    EXPECT_EQ(watch_.skip(), Keys{"GPU-0"});
    inventory({0});
    idle();
    ASSERT_EQ(advice_within(seconds(wait) - milliseconds(1)), Advice::kNone) << wait;
    ASSERT_EQ(advice_within(milliseconds(1)), Advice::kReplace) << wait;
    EXPECT_TRUE(watch_.skip().empty());
    watch_.started(now_);
    inventory({0});
  }
  EXPECT_EQ(of("GPU-0").health, model::Health::kNotResponding);  // till it answers
  round({"GPU-0"});
  EXPECT_EQ(of("GPU-0").health, model::Health::kHealthy);
  begin("GPU-0");
  ASSERT_EQ(advice_within(seconds(3)), Advice::kReplaceStuck);
  watch_.started(now_);
  inventory({0});
  EXPECT_EQ(advice_within(seconds(30)), Advice::kReplace);  // from the beginning again
}

TEST_F(Watch, ALoopThatComesLateIsNoSilentDriver) {
  watch_.started(now_);
  inventory({0});
  begin("GPU-0");
  now_ += seconds(10);  // the daemon was busy
  EXPECT_EQ(watch_.check(now_), Advice::kNone);
  sample("GPU-0", 1);
  idle();
  EXPECT_EQ(advice_within(seconds(5)), Advice::kNone);
  EXPECT_EQ(of("GPU-0").health, model::Health::kHealthy);
}

TEST_F(Watch, ADriverThatNeverOpensTakesAllItsDevicesButNotTheProcessor) {
  watch_.started(now_);
  inventory({0, 1});
  round({"GPU-0", "GPU-1", "CPU"});
  begin("nvidia");
  EXPECT_EQ(advice_within(seconds(29)), Advice::kNone);  // opening may take long
  EXPECT_EQ(advice_within(seconds(2)), Advice::kReplaceStuck);
  EXPECT_EQ(watch_.skip(), Keys{"nvidia"});
  EXPECT_EQ(of("GPU-0").health, model::Health::kNotResponding);
  EXPECT_EQ(of("GPU-1").health, model::Health::kNotResponding);
  EXPECT_EQ(of("CPU").health, model::Health::kHealthy);
  watch_.started(now_);
  inventory({});  // the child lists the processor alone
  EXPECT_EQ(watch_.inventory().devices.size(), 3U);
  EXPECT_EQ(of("GPU-0").health, model::Health::kNotResponding);
}

TEST_F(Watch, ANumberThatCannotBeIdentifiedKeepsTheOthersNames) {
  watch_.started(now_);
  inventory({0, 1, 2});
  round({"GPU-0", "GPU-1", "GPU-2", "CPU"});
  begin("nvidia:0");
  EXPECT_EQ(advice_within(seconds(11)), Advice::kReplaceStuck);
  EXPECT_EQ(watch_.skip(), Keys{"nvidia:0"});
  watch_.started(now_);
  inventory({1, 2});  // named cuda:0 and cuda:1 by the child
  ASSERT_EQ(watch_.inventory().devices.size(), 4U);
  EXPECT_EQ(watch_.inventory().devices[0].id.value, "GPU-0");
  EXPECT_EQ(watch_.inventory().devices[2].name, "cuda:2");
  EXPECT_EQ(of("GPU-0").health, model::Health::kNotResponding);
  idle();
  EXPECT_EQ(advice_within(seconds(30)), Advice::kReplace);
  watch_.started(now_);
  inventory({0, 1, 2});
  round({"GPU-0"});
  EXPECT_EQ(of("GPU-0").health, model::Health::kHealthy);
  EXPECT_EQ(advice_within(seconds(1000)), Advice::kNone);
}

TEST_F(Watch, ALibraryThatHangsIsLeftAloneAndTakesNoDeviceWithIt) {
  watch_.started(now_);
  inventory({0});
  round({"GPU-0"});
  begin("amd:smi");
  EXPECT_EQ(advice_within(seconds(9)), Advice::kNone);
  EXPECT_EQ(advice_within(seconds(2)), Advice::kReplaceStuck);
  EXPECT_EQ(watch_.skip(), Keys{"amd:smi"});
  EXPECT_EQ(of("GPU-0").health, model::Health::kHealthy);
  watch_.started(now_);
  inventory({0});
  round({"GPU-0"});
  model::Device amd = gpu(0);
  amd.vendor = model::Vendor::kAmd;
  EXPECT_EQ(watch_.next_probe(amd), std::nullopt);
  EXPECT_EQ(advice_within(seconds(31)), Advice::kReplace) << "it is tried again";
  EXPECT_EQ(watch_.skip(), Keys{});
}

TEST_F(Watch, ADeviceThatIsNoLongerListedIsLostAndKeepsItsPlace) {
  watch_.started(now_);
  inventory({0, 1, 2});
  round({"GPU-0", "GPU-1", "GPU-2"});
  inventory({0, 2});
  ASSERT_EQ(watch_.inventory().devices.size(), 4U);
  EXPECT_EQ(watch_.inventory().devices[1].id.value, "GPU-1");
  EXPECT_EQ(watch_.inventory().devices[2].name, "cuda:2");
  EXPECT_EQ(of("GPU-1").health, model::Health::kLost);
  inventory({0, 1, 2});
  round({"GPU-1"});
  EXPECT_EQ(of("GPU-1").health, model::Health::kHealthy);
}

TEST_F(Watch, LinesMayComeInPiecesAndNonsenseIsCounted) {
  watch_.started(now_);
  watch_.feed("{\"begin\":\"nvi", now_);
  watch_.feed("dia\"}\nnot json\n\n[1]\n{\"sample\":{}}\n{\"other\":1}\n{\"inventory\":{}}\n",
              now_);
  EXPECT_EQ(watch_.malformed(), 5U);
  watch_.feed(std::string(3U << 20U, 'x'), now_);  // without an end
  watch_.feed("\n", now_);
  EXPECT_EQ(watch_.malformed(), 6U);
  inventory({0});
  EXPECT_TRUE(watch_.has_inventory());
  EXPECT_EQ(watch_.malformed(), 6U);
}

TEST_F(Watch, AChildThatEndsIsStartedAgainAfterAGrowingPause) {
  watch_.started(now_);
  for (const int wait : {250, 500, 1000, 2000}) {
    watch_.ended(now_);
    EXPECT_EQ(advice_within(milliseconds(wait - 1)), Advice::kNone);
    EXPECT_EQ(advice_within(milliseconds(1)), Advice::kReplace);
    watch_.started(now_);
  }
  inventory({0});
  round({"GPU-0"});
  watch_.ended(now_);
  EXPECT_EQ(advice_within(milliseconds(250)), Advice::kReplace);
}

TEST_F(Watch, ADeviceWhoseLibraryCallKillsTheChildTwiceIsLeftAlone) {
  watch_.started(now_);
  inventory({0});
  begin("GPU-0");
  watch_.ended(now_);
  EXPECT_TRUE(watch_.skip().empty());
  EXPECT_EQ(advice_within(seconds(1)), Advice::kReplace);
  watch_.started(now_);
  inventory({0});
  begin("GPU-0");
  watch_.ended(now_);
  EXPECT_EQ(watch_.skip(), Keys{"GPU-0"});
  EXPECT_EQ(of("GPU-0").health, model::Health::kNotResponding);
}

/// GPU-0 in MIG mode with these instances, and GPU-1.
class WatchMig : public Watch {
 protected:
  void divided(const std::vector<int>& instances, bool gpu_read = true, bool gpu_there = true) {
    model::Inventory inventory;
    auto parent = gpu(0);
    parent.partitioned = true;
    if (!gpu_read) parent.model.clear();
    if (gpu_there) inventory.devices.push_back(parent);
    for (const int number : instances) {
      auto part = gpu(0);
      part.id = model::DeviceId("MIG-" + std::to_string(number));
      part.name += ":" + std::to_string(number);
      part.mig = model::MigInstance{parent.id, number, 0, 0, "1g.10gb"};
      inventory.devices.push_back(part);
    }
    auto other = gpu(1);
    if (!gpu_there) other.name = "cuda:0";
    inventory.devices.push_back(other);
    say({{"inventory", model::to_json(inventory)}, {"taken", 5000}});
  }
  Keys names() {
    Keys names;
    for (const auto& device : watch_.inventory().devices) names.push_back(device.name);
    return names;
  }
};

TEST_F(WatchMig, InstancesThatWereDestroyedLeave) {
  watch_.started(now_);
  divided({0, 1, 2});
  round({"GPU-0", "MIG-0", "MIG-1", "MIG-2", "GPU-1"});
  watch_.take_changes();
  divided({1, 3});
  EXPECT_TRUE(watch_.take_changes().inventory);
  EXPECT_EQ(names(), (Keys{"cuda:0", "cuda:0:1", "cuda:0:3", "cuda:1"}));
  EXPECT_EQ(watch_.sample(model::DeviceId("MIG-0")), nullptr);
  EXPECT_EQ(of("MIG-1").health, model::Health::kHealthy);
}

TEST_F(WatchMig, InstancesOfALostGpuAreLostWithIt) {
  watch_.started(now_);
  divided({0, 1});
  round({"GPU-0", "MIG-0", "MIG-1", "GPU-1"});
  divided({}, true, false);
  EXPECT_EQ(names(), (Keys{"cuda:0", "cuda:0:0", "cuda:0:1", "cuda:1"}));
  for (const char* id : {"GPU-0", "MIG-0", "MIG-1"}) EXPECT_EQ(of(id).health, model::Health::kLost);
  EXPECT_EQ(of("GPU-1").health, model::Health::kHealthy);
}

TEST_F(WatchMig, InstancesOfAGpuThatDoesNotAnswerDoNotEither) {
  watch_.started(now_);
  divided({0, 1});
  round({"GPU-0", "MIG-0", "MIG-1", "GPU-1"});
  begin("GPU-0");
  EXPECT_EQ(advice_within(seconds(3)), Advice::kReplaceStuck);
  for (const char* id : {"GPU-0", "MIG-0", "MIG-1"})
    EXPECT_EQ(of(id).health, model::Health::kNotResponding) << id;
  EXPECT_EQ(watch_.skip(), Keys{"GPU-0"});
  EXPECT_TRUE(watch_.next_probe(watch_.inventory().devices[1]));
  watch_.started(now_);
  divided({}, false);  // it is left alone, so nobody asks for its instances
  EXPECT_EQ(names(), (Keys{"cuda:0", "cuda:0:0", "cuda:0:1", "cuda:1"}));
  EXPECT_EQ(of("MIG-1").health, model::Health::kNotResponding);
}

}  // namespace
}  // namespace berth::device
