// SPDX-License-Identifier: Apache-2.0
#include "cli/task_list.h"

#include <algorithm>

#include "base/text.h"
#include "cli/samples.h"
#include "cli/when.h"
#include "cli/width.h"

namespace berth::cli {
namespace {

using namespace test;

constexpr std::string_view kTasks = R"({"total": 12, "tasks": [
  {"task_id": "0f3c8a11-1111-4000-8000-000000000000", "task_type": "command", "kind": "command", "status": "running", "progress": 40,
   "device": "cuda:0", "priority": 5, "created_at": "2026-01-02T03:00:00Z", "started_at": "2026-01-02T03:00:05Z",
   "command": ["python3", "train.py", "--name", "a b"]},
  {"task_id": "0f3c8a11-2222-4000-8000-000000000000", "task_type": "training", "kind": "training", "status": "queued", "progress": 0,
   "device": "cuda", "priority": 1, "created_at": "2026-01-02T03:03:00Z", "name": "无人机"},
  {"task_id": "7e000000-2222-4000-8000-000000000000", "task_type": "inference", "kind": "inference", "status": "failed", "progress": 0,
   "device": "cpu", "priority": 3, "created_at": "2026-01-02T03:00:00Z", "started_at": "2026-01-02T03:00:00Z", "finished_at": "2026-01-02T03:02:00Z",
   "signal": 9, "command": null}]})";

TEST(TaskList, a_list_of_tasks) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  EXPECT_EQ(render_tasks(json_object(kTasks), {}, now, kPipe),
            "ID          STATE    KIND       DEVICE  PRI    TIME  DETAIL         TASK\n"
            "0f3c8a11-1  running  command    cuda:0    5  4m 00s  40%            python3 train.py "
            "--name 'a b'\n"
            "0f3c8a11-2  queued   training   cuda      1  1m 05s  no device yet  无人机\n"
            "7e000000-2  failed   inference  cpu       3  2m 00s  SIGKILL        inference\n"
            "... and 9 more (--limit N)\n");
  EXPECT_EQ(render_tasks(json_object(R"({"tasks": [], "total": 0})"), {}, now, kPipe), "");
}

TEST(TaskList, a_list_of_tasks_in_chinese) {
  const InChinese spoken;
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  EXPECT_EQ(render_tasks(json_object(kTasks), {}, now, kPipe),
            "ID          状态    类型  设备    优先级     用时  详情          任务\n"
            "0f3c8a11-1  运行中  命令  cuda:0       5  4分00秒  40%           python3 train.py "
            "--name 'a b'\n"
            "0f3c8a11-2  排队中  训练  cuda         1  1分05秒  暂无可用设备  无人机\n"
            "7e000000-2  失败    推理  cpu          3  2分00秒  SIGKILL       inference\n"
            "... 另有 9 个（--limit N）\n");
}

TEST(TaskList, a_list_says_what_nameless_built_in_tasks_do) {
  const std::string list =
      R"({"total": 2, "tasks": [)" + std::string(kTraining) + ", " + std::string(kInference) + "]}";
  EXPECT_EQ(render_tasks(json_object(list), {}, base::now(), kPipe),
            "ID  STATE   KIND       DETAIL         TASK\n"
            "t   queued  training   no device yet  train resnet18 on .../drones/train\n"
            "i   queued  inference  no device yet  infer best_model.safetensors on /valid\n");
}

constexpr std::string_view kWaiting = R"({"total": 6, "tasks": [
  {"task_id": "held0000-x", "status": "queued", "held": true, "after": ["free0000-x"]},
  {"task_id": "one00000-x", "status": "queued", "after": ["runs0000-x", "over0000-x"]},
  {"task_id": "two00000-x", "status": "queued", "after": ["runs0000-x", "held0000-x"]},
  {"task_id": "over1111-x", "status": "queued", "after": ["over0000-x", "gone0000-x"]},
  {"task_id": "back0000-x", "status": "queued", "not_before": "2026-01-02T03:04:17Z", "retries": 2, "retry": {"max": 3}},
  {"task_id": "fell0000-x", "status": "cancelled", "cause": "dependency", "retries": 1}]})";
const TaskStates kStates{
    {"runs0000-x", "running"}, {"held0000-x", "queued"}, {"over0000-x", "completed"}};

TEST(TaskList, says_why_each_task_waits) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  EXPECT_EQ(render_tasks(json_object(kWaiting), {kStates, false}, now, kPipe),
            "ID        STATE      RETRY  DETAIL\n"
            "held0000  queued            on hold\n"
            "one00000  queued            after runs0000\n"
            "two00000  queued            after runs0000 +1\n"
            "over1111  queued            no device yet\n"
            "back0000  queued       2/3  retry in 12s\n"
            "fell0000  cancelled      1  dependency failed\n");
}

TEST(TaskList, an_array_shows_the_priorities_of_all_its_tasks) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  const auto answer = json_object(R"({"tasks": [
    {"task_id": "aaaaaaaa-1_0", "status": "queued", "priority": 3, "array": {"id": "aaaaaaaa-1", "index": 0, "size": 2}},
    {"task_id": "aaaaaaaa-1_1", "status": "queued", "priority": 9, "array": {"id": "aaaaaaaa-1", "index": 1, "size": 2}}]})");
  EXPECT_NE(render_tasks(answer, {{}, false}, now, kPipe).find("  3-9  "), std::string::npos);
}

TEST(TaskList, what_holds_more_than_it_reserved_is_told) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  const auto answer = json_object(R"({"tasks": [
    {"task_id": "aaaaaaaa-1", "status": "running", "task_type": "command", "placement": {"devices": [
      {"device": "cuda:0", "reserved_gb": 4, "used_gb": 3, "over_reserved": false},
      {"device": "cuda:1", "reserved_gb": 4, "used_gb": 6.5, "over_reserved": true}]}}]})");
  const std::string text = render_tasks(answer, {{}, false}, now, kPipe);
  EXPECT_NE(text.find("uses 6.50 GB, 4.00 GB reserved"), std::string::npos) << text;
}

TEST(TaskList, a_drained_machine_is_the_reason_of_those_that_have_no_other) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  const std::string text = render_tasks(json_object(kWaiting), {kStates, true}, now, kPipe);
  EXPECT_NE(text.find("over1111  queued            drained\n"), std::string::npos) << text;
  EXPECT_NE(text.find("held0000  queued            on hold\n"), std::string::npos) << text;
}

constexpr std::string_view kLong = R"({"total": 2, "tasks": [
  {"task_id": "7e000000-2", "status": "queued", "kind": "command", "device": "cuda", "priority": 5, "after": ["0f3c8a11-2"],
   "created_at": "2026-01-02T03:00:00Z", "retries": 2, "name": "a name that is longer than the room that is left for it"},
  {"task_id": "8e000000-2", "status": "completed", "kind": "inference", "device": "cuda:0", "priority": 10,
   "created_at": "2026-01-02T01:00:00Z", "started_at": "2026-01-02T01:00:05Z", "retries": 12, "retry": {"max": 999}}]})";

TEST(TaskList, fits_80_columns_and_cuts_the_reason_last) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  const QueueView queue{{{"0f3c8a11-2", "running"}}, false};
  auto list = json_object(kLong);
  const auto widest_line = [&] {
    int widest = 0;
    for (const std::string& line : base::split(render_tasks(list, queue, now, kNarrow), '\n'))
      widest = std::max(widest, display_width(line));
    return widest;
  };
  EXPECT_LE(widest_line(), 80) << render_tasks(list, queue, now, kNarrow);
  list.at("tasks").as_array().pop_back();
  const std::string text = render_tasks(list, queue, now, kNarrow);
  EXPECT_EQ(widest_line(), 80) << text;
  EXPECT_NE(text.find("2  after 0f3c8a11  a name"), std::string::npos) << text;
}

TEST(TaskList, users_are_shown_when_there_are_several) {
  const auto list = [](const char* second) {
    return json_object(
        R"({"total": 2, "tasks": [{"task_id": "a", "status": "queued", "user": "ann"},
                           {"task_id": "b", "status": "queued", "user": ")" +
        std::string(second) + R"("}]})");
  };
  EXPECT_EQ(render_tasks(list("bob"), {}, base::now(), kPipe),
            "ID  STATE   USER  DETAIL\n"
            "a   queued  ann   no device yet\n"
            "b   queued  bob   no device yet\n");
  EXPECT_EQ(render_tasks(list("ann"), {}, base::now(), kPipe).find("USER"), std::string::npos);
}

TEST(TaskList, an_array_that_is_come_after_counts_as_one) {
  const auto list = json_object(R"({"total": 1, "tasks": [
    {"task_id": "one00000-x", "status": "queued", "after": ["arr_0", "arr_1", "b_1"]}]})");
  const TaskStates states{{"arr", "running"}, {"b_1", "completed"}};
  EXPECT_NE(render_tasks(list, {states, false}, base::now(), kPipe).find("after arr\n"),
            std::string::npos);
}

}  // namespace
}  // namespace berth::cli
