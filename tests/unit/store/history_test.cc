// SPDX-License-Identifier: Apache-2.0
#include "store/history.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/history_roller.h"

namespace berth::store {
namespace {

namespace fs = std::filesystem;
using model::HistoryPoint;
using model::Metric;

constexpr std::int64_t kStart = 1'800'000'000;  // a whole quarter of an hour

class HistoryFile : public ::testing::Test {
 protected:
  HistoryFile() {
    std::string name = (fs::temp_directory_path() / "berth-history-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~HistoryFile() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path() const { return folder_ + "/readings.db"; }
  [[nodiscard]] std::unique_ptr<History> open() const {
    auto opened = History::open(path());
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
  [[nodiscard]] std::uintmax_t size() const {
    std::uintmax_t sum = 0;
    for (const auto& file : fs::directory_iterator(folder_)) sum += file.file_size();
    return sum;
  }

  std::string folder_;
};

HistoryPoint second(std::int64_t at, double memory, double load) {
  HistoryPoint point{at, 1, 1, {}};
  point.values[0] = HistoryPoint::Value{memory, memory};
  point.values[1] = HistoryPoint::Value{load, load};
  return point;
}

void take(History& history, model::HistoryRoller& roller) {
  std::vector<History::Addition> additions;
  for (auto& change : roller.changes()) additions.push_back({change.device, change.point});
  const auto done = history.add(additions);
  ASSERT_TRUE(done) << done.error().message;
}

TEST_F(HistoryFile, SecondsBecomeMinutesAndQuarters) {
  auto history = open();
  model::HistoryRoller roller;
  for (int i = 0; i < 900; ++i)
    roller.take("GPU-1", second(kStart + i, i < 60 ? 4 : 10, i % 2 == 0 ? 100 : 0));
  take(*history, roller);
  const auto minutes = history->read("GPU-1", 60, kStart, kStart + 900);
  ASSERT_TRUE(minutes);
  ASSERT_EQ(minutes->size(), 15);
  EXPECT_EQ((*minutes)[0].of(Metric::kUsedMemory)->mean, 4);
  EXPECT_EQ((*minutes)[1].of(Metric::kUsedMemory)->mean, 10);
  EXPECT_EQ((*minutes)[1].of(Metric::kUtilization)->mean, 50);
  EXPECT_EQ((*minutes)[1].of(Metric::kUtilization)->most, 100);
  EXPECT_EQ((*minutes)[1].seconds, 60);
  EXPECT_FALSE((*minutes)[1].of(Metric::kPower)) << "what is not known stays so";
  const auto quarters = history->read("GPU-1", 900, kStart, kStart + 900);
  ASSERT_TRUE(quarters && quarters->size() == 1);
  EXPECT_DOUBLE_EQ((*quarters)[0].of(Metric::kUsedMemory)->mean, 9.6);
  EXPECT_EQ(history->read("GPU-1", 1, kStart + 10, kStart + 20)->size(), 10);
  EXPECT_TRUE(history->read("GPU-2", 1, kStart, kStart + 900)->empty());
}

TEST_F(HistoryFile, AMinuteGoesOnAfterARestart) {
  {
    auto history = open();
    model::HistoryRoller roller;
    for (int i = 0; i < 20; ++i) roller.take("GPU-1", second(kStart + i, 2, 0));
    take(*history, roller);
  }
  auto history = open();
  model::HistoryRoller roller;
  const auto current = history->current(kStart + 30);
  ASSERT_TRUE(current);
  EXPECT_EQ(current->size(), 2) << "the minute's and the quarter's";
  for (const auto& [device, point] : *current) roller.resume(device, point);
  for (int i = 40; i < 60; ++i) roller.take("GPU-1", second(kStart + i, 4, 0));
  take(*history, roller);
  const auto minutes = history->read("GPU-1", 60, kStart, kStart + 60);
  ASSERT_TRUE(minutes && minutes->size() == 1);
  EXPECT_EQ((*minutes)[0].seconds, 40) << "not those while nobody looked";
  EXPECT_EQ((*minutes)[0].of(Metric::kUsedMemory)->mean, 3);
}

// docs/devices.md states the size.
TEST_F(HistoryFile, ADayOfEightDevicesStaysWithinItsSize) {
  auto history = open();
  model::HistoryRoller roller;
  constexpr std::int64_t kDay = 86'400, kFlush = 60;
  std::uintmax_t most = 0;
  for (std::int64_t at = kStart; at < kStart + kDay; ++at) {
    for (int device = 0; device < 9; ++device) {
      HistoryPoint point =
          second(at, 20.5 + static_cast<double>(at % 7), static_cast<double>(at % 100));
      for (std::size_t i = 2; i < model::kMetrics; ++i)
        point.values.at(i) = HistoryPoint::Value{static_cast<double>(at % 300) + 0.25, 300.25};
      roller.take("GPU-" + std::to_string(device), point);
    }
    if (at % kFlush != 0) continue;
    take(*history, roller);
    if (at % 600 == 0) {
      ASSERT_TRUE(history->forget(at));
      most = std::max(most, size());
    }
  }
  take(*history, roller);
  ASSERT_TRUE(history->forget(kStart + kDay));
  EXPECT_LE(history->read("GPU-0", 1, 0, kStart + kDay)->size(), 3601);
  EXPECT_EQ(history->read("GPU-0", 60, 0, kStart + kDay)->size(), 1440);
  EXPECT_EQ(history->read("GPU-0", 900, 0, kStart + kDay)->size(), 96);
  EXPECT_LT(most, 12U << 20) << "bytes, with SQLite's log";
}

TEST_F(HistoryFile, ADeviceThatIsGoneIsForgottenWithItsPoints) {
  auto history = open();
  model::HistoryRoller roller;
  roller.take("GPU-old", second(kStart, 1, 1));
  take(*history, roller);
  ASSERT_TRUE(history->forget(kStart + 366 * 86'400));
  EXPECT_TRUE(history->read("GPU-old", 900, 0, kStart + 900)->empty());
}

TEST_F(HistoryFile, ADamagedFileIsPutAside) {
  std::ofstream(path()) << std::string(5000, 'x');
  auto history = open();
  EXPECT_TRUE(history->add({{"GPU-1", second(kStart, 1, 1)}}));
  EXPECT_TRUE(fs::exists(path() + ".damaged"));
}

TEST(HistoryStep, IsTheFinestThatIsKeptAndNotTooMany) {
  const std::int64_t now = kStart;
  EXPECT_EQ(model::step_for(now - 600, now, now, 1500).seconds, 1);
  EXPECT_EQ(model::step_for(now - 3600, now, now, 1500).seconds, 60) << "3,600 would be too many";
  EXPECT_EQ(model::step_for(now - 86'400, now, now, 1500).seconds, 60);
  EXPECT_EQ(model::step_for(now - 7 * 86'400, now, now, 1500).seconds, 900);
  EXPECT_EQ(model::step_for(now - 7200, now - 7000, now, 1500).seconds, 60)
      << "seconds are kept for an hour";
}

TEST(HistoryText, IsJsonAndCsv) {
  HistoryPoint point = second(kStart, 4.126, 50);
  point.values[0]->most = 8;
  const auto json = model::to_json({point});
  EXPECT_EQ(json[0].at("used_memory_gb").to_number<double>(), 4.13);
  EXPECT_EQ(json[0].at("used_memory_gb_max").to_number<double>(), 8);
  EXPECT_TRUE(json[0].at("power_w").is_null());
  EXPECT_EQ(json[0].at("at").as_string(), "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(
      model::to_csv("cuda:0", {point}, true),
      "device,at,step_s,seconds,used_memory_gb,used_memory_gb_max,utilization,utilization_max,"
      "memory_bandwidth_utilization,memory_bandwidth_utilization_max,temperature_c,"
      "temperature_c_max,power_w,power_w_max\r\n"
      "cuda:0,2027-01-15T08:00:00.000Z,1,1,4.13,8.00,50.00,50.00,,,,,,\r\n");
}

}  // namespace
}  // namespace berth::store
