// SPDX-License-Identifier: Apache-2.0
// Why AMD's clocks are low: bits, counters, and the driver's table in its revisions.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "device/amd/gpu_metrics.h"
#include "device/tree.h"
#include "model/device_report.h"

namespace berth::device {
namespace {

using amd::Reasons;
using amd::Residency;

constexpr std::uint64_t bit(unsigned place) { return std::uint64_t{1} << place; }
constexpr std::uint64_t kPpt0 = bit(0), kTdcGfx = bit(16), kTempHotspot = bit(36),
                        kTempMem = bit(34), kProchotGfx = bit(47), kFit = bit(57);

/// A table as the driver fills it, every number unknown that is not given.
std::string table(unsigned format, unsigned content, std::size_t size) {
  std::string bytes(size, '\xFF');
  const auto told = static_cast<std::uint16_t>(size);
  std::memcpy(bytes.data(), &told, sizeof told);
  bytes[2] = static_cast<char>(format);
  bytes[3] = static_cast<char>(content);
  return bytes;
}
template <class Number>
std::string with(std::string bytes, std::size_t offset, Number value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return bytes;
}
/// The sizes are the kernel's.
std::string table_1_1() { return table(1, 1, 96); }
std::string table_1_2() { return table(1, 2, 104); }
std::string table_1_3(std::uint64_t bits) { return with(table(1, 3, 120), 112, bits); }

TEST(AmdReasons, AreTheWordsOfNvidiasEachOnce) {
  EXPECT_EQ(amd::reasons_of(0), Reasons{});
  EXPECT_EQ(amd::reasons_of(kPpt0), Reasons{"power limit"});
  EXPECT_EQ(amd::reasons_of(kTdcGfx), Reasons{"power limit"});
  EXPECT_EQ(amd::reasons_of(kTempMem | kTempHotspot), Reasons{"temperature"});
  EXPECT_EQ(amd::reasons_of(kProchotGfx), Reasons{"temperature (hardware)"});
  EXPECT_EQ(amd::reasons_of(kProchotGfx | kTempMem | kPpt0 | kTdcGfx),
            (Reasons{"power limit", "temperature", "temperature (hardware)"}));
  EXPECT_EQ(amd::reasons_of(kFit | bit(8) | bit(31) | bit(63)), Reasons{}) << "bits without a word";
}

TEST(AmdReasons, ComeFromWhatTheCountersGrewBy) {
  Residency before;
  before.cycles = 1000;
  before.power = 10;
  before.memory_heat = 0;
  Residency after = before;
  after.cycles = 2000;
  EXPECT_EQ(amd::reasons_between(before, after), Reasons{});
  after.power = 19;
  EXPECT_EQ(amd::reasons_between(before, after), Reasons{}) << "less than a hundredth of the time";
  after.power = 20;
  EXPECT_EQ(amd::reasons_between(before, after), Reasons{"power limit"});
  after.memory_heat = 1000;
  after.processor_hot = 1000;
  EXPECT_EQ(amd::reasons_between(before, after), (Reasons{"power limit", "temperature"}))
      << "what was unknown before has not grown";
}

TEST(AmdReasons, AreUnknownWhereCountersSayNothing) {
  Residency before;
  before.cycles = 1000;
  before.power = 10;
  EXPECT_EQ(amd::reasons_between(before, before), std::nullopt) << "no time has passed";
  Residency anew;
  anew.cycles = 5;
  anew.power = 0;
  EXPECT_EQ(amd::reasons_between(before, anew), std::nullopt);
  Residency bare;
  bare.cycles = 2000;
  EXPECT_EQ(amd::reasons_between(before, bare), std::nullopt) << "nothing else is counted";
}

TEST(AmdTable, TellsReasonsFromContentThree) {
  EXPECT_EQ(amd::throttle_of(table_1_3(0)), Reasons{});
  EXPECT_EQ(amd::throttle_of(table_1_3(kTempHotspot | kPpt0)),
            (Reasons{"power limit", "temperature"}));
  EXPECT_EQ(amd::throttle_of(table(1, 3, 120)), std::nullopt) << "the driver does not know";
  EXPECT_EQ(amd::throttle_of(with(table(1, 3, 120), 68, std::uint32_t{0})), Reasons{});
  EXPECT_EQ(amd::throttle_of(table_1_3(0) + std::string(8, 'x')), Reasons{}) << "more behind it";
}

TEST(AmdTable, OfContentsOneAndTwoTellsOnlyThatThereIsNoReason) {
  for (const auto& bytes : {table_1_1(), table_1_2()}) {
    EXPECT_EQ(amd::throttle_of(bytes), std::nullopt);
    EXPECT_EQ(amd::throttle_of(with(bytes, 68, std::uint32_t{0})), Reasons{});
    EXPECT_EQ(amd::throttle_of(with(bytes, 68, std::uint32_t{5})), std::nullopt);
  }
}

TEST(AmdTable, TellsNothingInOtherRevisionsOrCutShort) {
  for (const unsigned content : {0U, 4U, 5U, 6U, 8U, 9U, 255U})
    EXPECT_EQ(amd::throttle_of(std::string(table(1, content, 264)).replace(4, 260, 260, '\0')),
              std::nullopt)
        << content;
  for (const unsigned format : {0U, 2U, 3U, 255U})
    EXPECT_EQ(amd::throttle_of(std::string(table(format, 3, 264)).replace(4, 260, 260, '\0')),
              std::nullopt)
        << format;
  const std::string whole = with(table_1_3(kTempMem), 68, std::uint32_t{0});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(amd::throttle_of(whole.substr(0, size)), std::nullopt) << size;
  EXPECT_EQ(amd::throttle_of(with(whole, 0, std::uint16_t{40})), std::nullopt) << "ends before it";
  EXPECT_EQ(amd::throttle_of(with(whole, 0, std::uint16_t{112})), Reasons{}) << "ends between";
}

/// A card whose driver tells little but the table.
class AmdTableFile : public ::testing::Test {
 protected:
  AmdTableFile() { tree_.add_card(0, "0000:63:00.0", "amdgpu", "0x1002", "0x740f"); }
  [[nodiscard]] model::Sample read() const {
    Options options;
    options.nvml_library = "/nowhere/libnvidia-ml.so.1";
    options.amd_smi_library = "/nowhere/libamd_smi.so";
    options.sysfs_root = tree_.path();
    return sample_of(read_samples(options), "rocm:0");
  }
  void tell(const std::string& bytes) const { tree_.write(file_, bytes); }

  Tree tree_;
  std::string file_ = Tree::pci_folder("0000:63:00.0") + "/gpu_metrics";
};

TEST_F(AmdTableFile, SaysWhyTheCardIsSlow) {
  tell(table_1_3(kTempHotspot));
  EXPECT_EQ(read().throttle, Reasons{"temperature"});
  EXPECT_TRUE(model::slowed_down(read()));
  tell(table_1_3(kPpt0));
  EXPECT_EQ(read().throttle, Reasons{"power limit"});
  EXPECT_FALSE(model::slowed_down(read())) << "a busy card is meant to reach it";
  tell(table_1_3(kProchotGfx));
  EXPECT_TRUE(model::slowed_down(read()));
  tell(table_1_3(0));
  EXPECT_EQ(read().throttle, Reasons{}) << "known, and none";
}

TEST_F(AmdTableFile, MayBeAbsentUnreadableOrOfAnotherRevision) {
  EXPECT_EQ(read().throttle, std::nullopt);
  tell("");
  EXPECT_EQ(read().throttle, std::nullopt);
  tell(table_1_3(kTempHotspot).substr(0, 118));
  EXPECT_EQ(read().throttle, std::nullopt);
  tell(table(1, 8, 2000));
  EXPECT_EQ(read().throttle, std::nullopt);
  tree_.make_unreadable(file_);
  const auto sample = read();
  EXPECT_EQ(sample.throttle, std::nullopt);
  EXPECT_EQ(sample.health, model::Health::kHealthy);
}

TEST_F(AmdTableFile, IsReadAnewWithTheCostlyReadingsOnly) {
  Options options;
  options.nvml_library = "/nowhere/libnvidia-ml.so.1";
  options.amd_smi_library = "/nowhere/libamd_smi.so";
  options.sysfs_root = tree_.path();
  Machine machine(options);
  const auto inventory = machine.enumerate();
  tell(table_1_3(kTempHotspot));
  EXPECT_EQ(machine.sample(inventory.devices[0], Scope{true, false}).throttle, std::nullopt);
  EXPECT_EQ(machine.sample(inventory.devices[0], Scope{}).throttle, Reasons{"temperature"});
  tell(table_1_3(0));
  EXPECT_EQ(machine.sample(inventory.devices[0], Scope{true, false}).throttle,
            Reasons{"temperature"})
      << "repeated";
  EXPECT_EQ(machine.sample(inventory.devices[0], Scope{}).throttle, Reasons{});
}

}  // namespace
}  // namespace berth::device
