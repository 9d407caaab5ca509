// SPDX-License-Identifier: Apache-2.0
#include "cli/array_text.h"

#include "cli/samples.h"
#include "cli/task_list.h"
#include "cli/task_text.h"
#include "cli/when.h"

namespace berth::cli {
namespace {

using namespace test;

const base::Time kNow = *parse_iso8601("2026-01-02T03:04:05Z");

TEST(Array, indices_in_slurms_syntax) {
  for (const char* text : {"0-9", "7", "1,3,5-7", "0-99:10", "0-9%4", "1,5-9:2%1", "5-1", "0-9:0"})
    EXPECT_EQ(parse_array(text).value_or("refused"), text);
  for (const char* text : {"", "a", "1:2", "0-9%", "0-9%0", "1,,2", "-5", "1-", "%4"})
    EXPECT_FALSE(parse_array(text)) << text;
}

TEST(Array, ranges) {
  EXPECT_EQ(ranges({}, 20), "");
  EXPECT_EQ(ranges({3}, 20), "3");
  EXPECT_EQ(ranges({4, 3}, 20), "3-4");
  EXPECT_EQ(ranges({9, 0, 1, 2, 5}, 20), "0-2,5,9");
  EXPECT_EQ(ranges({0, 10, 20, 30}, 20), "0-30:10");
  EXPECT_EQ(ranges({0, 2, 5, 9, 14}, 5), "0,2,5,...");
}

constexpr std::string_view kArray = R"({
  "task_id": "0f3c8a11-1111-4000-8000-000000000000", "task_type": "array", "status": "running", "progress": 42, "name": "sweep",
  "kind": "command", "device_requested": "cuda", "priority": 5, "size": 10, "at_once": 4,
  "counts": {"queued": 3, "running": 4, "completed": 2, "failed": 1},
  "tasks": ["0f3c8a11-1111-4000-8000-000000000000_0", "0f3c8a11-1111-4000-8000-000000000000_1"],
  "exit_code": null, "created_at": "2026-01-02T03:04:00Z", "started_at": "2026-01-02T03:04:01Z", "finished_at": null})";

TEST(Array, everything_about_one) {
  const std::string created = local_time(*parse_iso8601("2026-01-02T03:04:00Z"), kNow);
  const std::string started = local_time(*parse_iso8601("2026-01-02T03:04:01Z"), kNow);
  EXPECT_EQ(render_array(json_object(kArray), kNow, kPipe),
            "array      0f3c8a11-1111-4000-8000-000000000000\n"
            "name       sweep\n"
            "state      running\n"
            "tasks      0f3c8a11_[0-1]\n"
            "of them    2 completed, 1 failed, 4 running, 3 queued\n"
            "at a time  4\n"
            "kind       command\n"
            "asked for  cuda\n"
            "priority   5\n"
            "progress   42%\n"
            "created    " +
                created + " (5s ago)\nstarted    " + started + " (4s ago)\nran for    4s\n");
  const InChinese spoken;
  EXPECT_EQ(counts_text(json_object(kArray)), "已完成 2 个，失败 1 个，运行中 4 个，排队中 3 个");
}

TEST(Array, its_progress_fits_a_line) {
  EXPECT_EQ(array_progress(json_object(kArray), kNarrow),
            "━━━━━━━───────────────── 3 of 10 ended, 4 running, 1 failed");
}

TEST(Array, how_it_ended) {
  auto array = json_object(kArray);
  array["status"] = "failed";
  array["exit_code"] = 7;
  EXPECT_EQ(failure(array), "1 of 10 tasks failed");
  EXPECT_EQ(exit_status(array), 7);
  array["status"] = "cancelled";
  array["counts"] = base::json::object{{"cancelled", 10}};
  EXPECT_EQ(failure(array), "10 of 10 tasks cancelled");
  EXPECT_EQ(exit_status(array), 143);
  array["status"] = "completed";
  array["counts"] = base::json::object{{"completed", 10}};
  EXPECT_EQ(failure(array), "");
  EXPECT_EQ(exit_status(array), 0);
}

TEST(Array, ids_of_its_tasks_are_shortened_before_the_index) {
  EXPECT_EQ(short_id("0f3c8a11-1111-4000-8000-000000000000_12"), "0f3c8a11_12");
  EXPECT_EQ(short_id("sweep_12"), "sweep_12");
}

std::string task(int index, const std::string& fields) {
  const std::string id = "0f3c8a11-1111-4000-8000-000000000000";
  const std::string number = std::to_string(index);
  return R"({"task_id": ")" + id + "_" + number + R"(", "array": {"id": ")" + id +
         R"(", "index": )" + number + R"(, "size": 6, "at_once": null}, "name": "sweep", )" +
         fields + "}";
}

base::json::object list_with_an_array() {
  return json_object(R"({"total": 7, "tasks": [)" + task(5, R"("status": "queued")") + "," +
                     task(4, R"("status": "queued", "held": true)") + "," +
                     R"({"task_id": "7e000000-1", "status": "queued"},)" +
                     task(2, R"("status": "queued", "waiting_for": "array_limit")") + "," +
                     task(1, R"("status": "running", "progress": 50)") + "," +
                     task(0, R"("status": "failed", "exit_code": 7)") + "]}");
}

TEST(Array, those_that_wait_share_a_row_of_the_list) {
  EXPECT_EQ(render_tasks(list_with_an_array(), {}, kNow, kPipe),
            "ID                STATE    DETAIL         TASK\n"
            "0f3c8a11_[2,4-5]  queued   array limit    sweep\n"
            "7e000000          queued   no device yet\n"
            "0f3c8a11_1        running  50%            sweep\n"
            "0f3c8a11_0        failed   exit 7         sweep\n"
            "... and 1 more (--limit N)\n");
  const auto list = list_with_an_array();
  const auto& tasks = list.at("tasks").as_array();
  EXPECT_EQ(count_rows(tasks), 4U);
  EXPECT_EQ(first_rows(tasks, 9).size(), 6U);
  EXPECT_EQ(first_rows(tasks, 1).size(), 3U) << "all tasks of the first row";
}

}  // namespace
}  // namespace berth::cli
