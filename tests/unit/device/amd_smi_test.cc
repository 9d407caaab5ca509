// SPDX-License-Identifier: Apache-2.0
// What AMD SMI adds to two cards on a tree, by a stand-in.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "device/amd/smi.h"
#include "device/tree.h"
#include "model/device_report.h"

namespace berth::device {
namespace {

using Reasons = std::vector<std::string>;

constexpr const char* kCool = "0000:63:00.0";
constexpr const char* kHot = "0000:c3:00.0";

class AmdSmi : public ::testing::Test {
 protected:
  AmdSmi() {
    tree_.add_card(5, kCool, "amdgpu", "0x1002", "0x740f");
    tree_.add_card(2, kHot, "amdgpu", "0x1002", "0x740f");
    tree_.write("usr/share/misc/pci.ids", "1002  AMD\n\t740f  Aldebaran\n");
    ::unsetenv("FAKE_AMD_SMI");
  }
  ~AmdSmi() override { ::unsetenv("FAKE_AMD_SMI"); }

  static void say(const char* words) { ::setenv("FAKE_AMD_SMI", words, 1); }
  static std::string library(const std::string& variant = "") {
    return std::string(BERTH_FAKES_DIR) + '/' + variant + "libamd_smi.so";
  }
  [[nodiscard]] Options options(const std::string& library) const {
    Options options;
    options.nvml_library = "/nowhere/libnvidia-ml.so.1";
    options.amd_smi_library = library;
    options.sysfs_root = tree_.path();
    return options;
  }
  [[nodiscard]] Readout read() const { return read_samples(options(library())); }
  /// That both cards are as sysfs alone has them.
  static void expect_sysfs_only(const Readout& readout) {
    ASSERT_EQ(readout.inventory.devices.size(), 3U);
    EXPECT_EQ(readout.inventory.devices[0].model, "AMD Aldebaran");
    for (const char* name : {"rocm:0", "rocm:1"}) {
      const auto& sample = sample_of(readout, name);
      EXPECT_EQ(sample.health, model::Health::kHealthy);
      EXPECT_EQ(sample.throttle, std::nullopt);
      EXPECT_EQ(sample.energy_mj, std::nullopt);
      EXPECT_EQ(sample.memory_temperature_c, std::nullopt);
    }
  }

  Tree tree_;
};

TEST_F(AmdSmi, TellsEachCardByItsAddressWhatSysfsDoesNot) {
  const auto readout = read();
  ASSERT_EQ(readout.inventory.devices.size(), 3U);
  EXPECT_TRUE(readout.inventory.hints.empty() ||
              readout.inventory.hints.front().find("AMD") == std::string::npos);
  EXPECT_EQ(readout.inventory.devices[0].model, "AMD Instinct MI210 (sold)");
  const auto& cool = sample_of(readout, "rocm:0");
  EXPECT_EQ(cool.throttle, Reasons{}) << "known, and none";
  EXPECT_EQ(cool.memory_temperature_c, 71);
  EXPECT_EQ(cool.energy_mj, 30500);
  EXPECT_FALSE(model::slowed_down(cool));
  const auto& hot = sample_of(readout, "rocm:1");
  EXPECT_EQ(hot.throttle, (Reasons{"power limit", "temperature"}));
  EXPECT_TRUE(model::slowed_down(hot));
}

TEST_F(AmdSmi, DoesNotReplaceWhatSysfsTells) {
  const std::string folder = Tree::pci_folder(kCool);
  tree_.write_all(folder, {{"product_name", "Instinct MI210"}});
  tree_.write_all(folder + "/hwmon/hwmon7", {{"temp3_label", "mem"}, {"temp3_input", "61000"}});
  const auto readout = read();
  EXPECT_EQ(readout.inventory.devices[0].model, "AMD Instinct MI210");
  EXPECT_EQ(sample_of(readout, "rocm:0").memory_temperature_c, 61);
}

TEST_F(AmdSmi, ThatIsMissingOrDoesNotStartLeavesAllToSysfsAndIsNamedWhereAskedFor) {
  auto readout = read_samples(options("/nowhere/libamd_smi.so"));
  expect_sysfs_only(readout);
  EXPECT_NE(readout.inventory.hints.back().find("/nowhere/libamd_smi.so"), std::string::npos);
  say("noinit");
  readout = read();
  expect_sysfs_only(readout);
  EXPECT_NE(readout.inventory.hints.back().find("does not start"), std::string::npos);
  readout = read_samples(options(std::string(BERTH_FAKES_DIR) + "/libdcmi.so"));
  expect_sysfs_only(readout);
  EXPECT_NE(readout.inventory.hints.back().find("is no library of AMD SMI"), std::string::npos);
}

TEST_F(AmdSmi, ThatLacksFunctionsOrRefusesLeavesAllToSysfs) {
  expect_sysfs_only(read_samples(options(library("bare/"))));
  for (const char* words : {"unsupported", "nopermission", "nogpus", "unknown"}) {
    say(words);
    SCOPED_TRACE(words);
    expect_sysfs_only(read());
  }
}

TEST_F(AmdSmi, OfAnOldReleaseReadsNothingBehindItsStruct) {
  say("old");
  const auto readout = read();
  EXPECT_EQ(sample_of(readout, "rocm:1").throttle, std::nullopt);
  EXPECT_EQ(sample_of(readout, "rocm:1").memory_temperature_c, 71);
}

TEST_F(AmdSmi, WhereItDoesNotKnowTheDriversTableDoes) {
  std::string table(120, '\0');
  table[0] = 120;
  table[2] = 1;
  table[3] = 3;
  table[112 + 5] = '\x80';  // PROCHOT_GFX
  tree_.write(Tree::pci_folder(kCool) + "/gpu_metrics", table);
  say("unknown");
  EXPECT_EQ(sample_of(read(), "rocm:0").throttle, Reasons{"temperature (hardware)"});
  EXPECT_EQ(sample_of(read(), "rocm:1").throttle, std::nullopt);
}

TEST_F(AmdSmi, ComparesCountersFromReadingToReadingAndTheFirstTimeWithASecondLook) {
  say("counters");
  Machine machine(options(library()));
  const auto inventory = machine.enumerate();
  const auto throttle_of = [&](std::size_t i) {
    return machine.sample(inventory.devices[i], Scope{}).throttle;
  };
  EXPECT_EQ(throttle_of(0), Reasons{});
  EXPECT_EQ(throttle_of(1), (Reasons{"power limit", "temperature"}));
  say("counters,short");
  EXPECT_EQ(throttle_of(0), Reasons{}) << "the earlier reading is enough";
  EXPECT_EQ(throttle_of(1), (Reasons{"power limit", "temperature"}));
  static_cast<void>(machine.enumerate());
  EXPECT_EQ(throttle_of(1), (Reasons{"power limit", "temperature"})) << "and is kept";
}

TEST_F(AmdSmi, CountersThatStandStillOrCannotBeComparedSayNothing) {
  say("counters,short");
  EXPECT_EQ(sample_of(read(), "rocm:1").throttle, std::nullopt);
  say("counters,cold");
  const auto readout = read();
  EXPECT_EQ(sample_of(readout, "rocm:1").throttle, std::nullopt);
  EXPECT_EQ(sample_of(readout, "rocm:1").energy_mj, std::nullopt) << "0 is no energy";
}

TEST_F(AmdSmi, IsBegunForItselfAndLeftAloneForItself) {
  Machine machine(options(library()));
  std::vector<std::string> begun;
  const auto begin = [&](std::string_view key) { begun.emplace_back(key); };
  static_cast<void>(machine.enumerate(begin));
  const auto place = std::find(begun.begin(), begun.end(), "amd:smi");
  ASSERT_NE(place, begun.end());
  EXPECT_EQ(*(place + 1), "amd") << "what follows is the driver's again";
  const auto inventory = machine.enumerate(begin, {"amd:smi"});
  ASSERT_EQ(inventory.devices.size(), 3U);
  EXPECT_EQ(inventory.devices[0].model, "AMD Aldebaran");
  EXPECT_NE(inventory.hints.back().find("AMD SMI does not answer"), std::string::npos);
  EXPECT_EQ(machine.sample(inventory.devices[1], Scope{}).throttle, std::nullopt);
  const auto again = machine.enumerate();
  EXPECT_EQ(again.devices[0].model, "AMD Instinct MI210 (sold)");
}

TEST_F(AmdSmi, IsStartedAnewWithTheDriver) {
  Machine machine(options(library()));
  static_cast<void>(machine.enumerate());
  say("noinit");
  EXPECT_EQ(machine.enumerate().devices[0].model, "AMD Instinct MI210 (sold)");
  machine.reopen(no_breadcrumbs, {});
  EXPECT_EQ(machine.enumerate().devices[0].model, "AMD Aldebaran");
}

TEST_F(AmdSmi, IsNotLookedForWithoutACard) {
  tree_.remove("sys/class/drm");
  Machine machine(options(library()));
  std::vector<std::string> begun;
  static_cast<void>(machine.enumerate([&](std::string_view key) { begun.emplace_back(key); }));
  EXPECT_EQ(std::find(begun.begin(), begun.end(), "amd:smi"), begun.end());
}

TEST_F(AmdSmi, ListsGpusAcrossSocketsOncePerAddress) {
  const auto smi = amd::Smi::open(library());
  ASSERT_TRUE(smi.has_value());
  const auto gpus = (*smi)->gpus();
  std::vector<std::string> addresses;
  for (const auto& [address, gpu] : gpus) addresses.push_back(to_text(address));
  EXPECT_EQ(addresses, (std::vector<std::string>{kCool, kHot, "0001:63:00.0"}));
  EXPECT_TRUE((*smi)->metrics(gpus.at(*model::parse_pci(kHot))).has_value())
      << "the whole GPU, not a partition of it";
}

}  // namespace
}  // namespace berth::device
