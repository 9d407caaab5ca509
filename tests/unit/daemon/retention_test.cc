// SPDX-License-Identifier: Apache-2.0
#include "daemon/retention.h"

#include <gtest/gtest.h>

namespace berth::daemon {
namespace {

constexpr std::int64_t kDay = 86'400'000;

// Tasks "0", "1", ... that ended so many days before day 100.
TaskTable::Records ended(const std::vector<int>& days_ago) {
  TaskTable::Records records;
  for (std::size_t i = 0; i < days_ago.size(); ++i) {
    auto record = std::make_shared<model::TaskRecord>();
    record->request.id = model::TaskId(std::to_string(i));
    record->state = model::TaskState::kCompleted;
    record->finished = base::from_ms((100 - days_ago[i]) * kDay);
    record->log_closed = true;
    record->kept_bytes = 1 << 20;
    records.emplace(i + 1, std::move(record));
  }
  return records;
}

std::vector<std::string> gone(const TaskTable::Records& records, const Retention& limits,
                              std::size_t most = 100) {
  std::vector<std::string> ids;
  for (const auto& id : expired(records, limits, base::from_ms(100 * kDay), most))
    ids.push_back(id.value);
  return ids;
}

using Ids = std::vector<std::string>;

TEST(Retention, ByAge) {
  const auto records = ended({40, 31, 29, 1});
  EXPECT_EQ(gone(records, {}), (Ids{"0", "1"}));
  EXPECT_EQ(gone(records, {base::Duration{0}, 0, {}}), Ids{});
}

TEST(Retention, ByNumberTheOldestGo) {
  EXPECT_EQ(gone(ended({4, 3, 2, 1}), {base::Duration{0}, 3, {}}), Ids{"0"});
}

TEST(Retention, BySizeTheOldestGo) {
  const base::Bytes two{2 * ((1 << 20) + static_cast<std::int64_t>(kFixedBytes))};
  EXPECT_EQ(gone(ended({4, 3, 2, 1}), {base::Duration{0}, 0, two}), (Ids{"0", "1"}));
}

TEST(Retention, WhatHasNotEndedOrIsNotClosedStays) {
  auto records = ended({40, 40, 40});
  records.at(1)->state = model::TaskState::kRunning;
  records.at(2)->log_closed = false;
  EXPECT_EQ(gone(records, {}), Ids{"2"});
}

TEST(Retention, AFewAtATime) { EXPECT_EQ(gone(ended({40, 40, 40}), {}, 2), (Ids{"0", "1"})); }

}  // namespace
}  // namespace berth::daemon
