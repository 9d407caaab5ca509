// SPDX-License-Identifier: Apache-2.0
#include "api/task_codec.h"

#include <gtest/gtest.h>

namespace berth::api {
namespace {

using base::json::value;
using model::TaskState;

model::TaskRecord task(const std::string& type, TaskState state) {
  model::TaskRecord record;
  record.request.id = model::TaskId("t");
  record.request.builtin = type != "command";
  record.type = type;
  record.state = state;
  return record;
}

value response(const model::TaskRecord& record) {
  return task_response(record, Language::kEnglish);
}

TEST(TaskCodecTest, WhatIsNotThereIsNull) {
  const auto fresh = response(task("training", TaskState::kPending));
  for (const char* field :
       {"current_epoch", "total_epochs", "latest_metrics", "name", "description", "started_at",
        "finished_at", "exit_code", "signal", "cause", "error", "fallback", "placement", "command",
        "cwd", "save_path", "parameters", "result", "result_path"}) {
    EXPECT_TRUE(fresh.at(field).is_null()) << field;
  }
  EXPECT_EQ(fresh.at("progress"), value(0));
  EXPECT_EQ(fresh.at("attempt"), value(0));
}

TEST(TaskCodecTest, ATrainingsMetricsHaveEveryField) {
  auto record = task("training", TaskState::kRunning);
  record.latest_metrics = {{"epoch", 2}, {"val_acc", 91.5}, {"own", 1}};
  const auto metrics = response(record).at("latest_metrics");
  EXPECT_EQ(metrics.at("epoch"), value(2));
  EXPECT_EQ(metrics.at("val_acc"), value(91.5));
  EXPECT_TRUE(metrics.at("mAP").is_null());
  EXPECT_TRUE(metrics.at("best_acc").is_null());
  EXPECT_EQ(metrics.as_object().size(), 21U);  // the 20 of the originals and the task's own
}

TEST(TaskCodecTest, ACommandsMetricsAreItsOwn) {
  auto record = task("command", TaskState::kRunning);
  record.latest_metrics = {{"loss", 0.5}};
  EXPECT_EQ(response(record).at("latest_metrics"), (value{{"loss", 0.5}}));
}

TEST(TaskCodecTest, ProgressIsFinishedWorkInWholePercent) {
  auto record = task("training", TaskState::kRunning);
  for (const auto& [share, percent] :
       std::vector<std::pair<double, int>>{{0.999, 99}, {0.29, 29}, {1.0, 100}, {0.57, 57}}) {
    record.progress = share;
    EXPECT_EQ(response(record).at("progress"), value(percent));
  }
}

TEST(TaskCodecTest, HowItEndedShowsOnlyWhenItHasEnded) {
  auto record = task("command", TaskState::kRunning);
  record.exit = model::Exit{{}, 9, "exited"};  // of an attempt before
  record.cancelling = true;
  EXPECT_TRUE(response(record).at("signal").is_null());
  EXPECT_EQ(response(record).at("cancelling"), value(true));
  record.state = TaskState::kCancelled;
  EXPECT_EQ(response(record).at("signal"), value(9));
  EXPECT_TRUE(response(record).at("exit_code").is_null());
  EXPECT_EQ(response(record).at("cause"), value("exited"));
  EXPECT_EQ(response(record).at("cancelling"), value(false));
}

TEST(TaskCodecTest, APlacementNamesDevicesAndReservations) {
  auto record = task("command", TaskState::kRunning);
  record.placement =
      model::Placement{{{model::DeviceId("GPU-aaaa"), "cuda:0", base::Bytes::from_gib(14.4)}},
                       model::ReservationRule::kKindShare};
  const auto placement = response(record).at("placement");
  EXPECT_EQ(placement.at("rule"), value("kind_share"));
  EXPECT_EQ(placement.at("devices").at(0), (value{{"device", "cuda:0"},
                                                  {"uuid", "GPU-aaaa"},
                                                  {"reserved_gb", 14.4},
                                                  {"used_gb", nullptr},
                                                  {"over_reserved", false}}));
}

TEST(TaskCodecTest, OnlyCommandsShowTheirArguments) {
  auto record = task("command", TaskState::kPending);
  record.argv = {"echo", "a b"};
  EXPECT_EQ(response(record).at("command"), (value{"echo", "a b"}));
  record.request.builtin = true;
  EXPECT_TRUE(response(record).at("command").is_null());
}

TEST(TaskCodecTest, TheResultsPathStandsBesideTheResult) {
  auto record = task("inference", TaskState::kCompleted);
  record.result = {{"images", 3}, {"result_path", "/r/result.json"}};
  EXPECT_EQ(response(record).at("result_path"), value("/r/result.json"));
  EXPECT_EQ(response(record).at("result").at("images"), value(3));
}

TEST(TaskCodecTest, TimesHaveAZone) {
  auto record = task("command", TaskState::kPending);
  record.created = base::from_ms(1'767'323'045'678);
  EXPECT_EQ(response(record).at("created_at"), value("2026-01-02T03:04:05.678Z"));
}

}  // namespace
}  // namespace berth::api
