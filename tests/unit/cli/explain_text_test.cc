// SPDX-License-Identifier: Apache-2.0
#include "cli/explain_text.h"

#include "cli/samples.h"

namespace berth::cli {
namespace {

using namespace test;

constexpr std::string_view kHeld =
    R"JSON({"state": "queued", "devices": [
    {"device": "cuda:0", "verdict": "wait", "code": "memory", "needed": "20.00 GB", "available": "2.40 GB"},
    {"device": "cpu", "verdict": "wait", "code": "on_hold", "needed": "to be released", "available": "on hold"}]})JSON";

TEST(ExplainText, what_keeps_a_task_from_every_device_comes_before_what_one_lacks) {
  EXPECT_EQ(waiting_reason(json_object(kHeld)), "to be released (on hold)");
}

constexpr std::string_view kWhy =
    R"JSON({"state": "queued", "summary": "no device fits now", "devices": [
    {"device": "cuda:0", "uuid": "GPU-a", "verdict": "wait", "code": "memory", "needed": "20.00 GB", "available": "2.40 GB"},
    {"device": "cuda:1", "uuid": "GPU-b", "verdict": "never", "code": "too_small", "needed": "20.00 GB", "available": "9.70 GB"},
    {"device": "cpu", "uuid": "CPU", "verdict": "fits", "code": "fits", "needed": "", "available": ""}],
  "counts": {"memory": 1, "too_small": 1, "fits": 1}, "earliest_start": null,
  "would_fit_if": ["20.00 GB were free on cuda:0 (now 2.40 GB)"]})JSON";

TEST(ExplainText, why_a_task_waits) {
  EXPECT_EQ(render_explanation(json_object(kWhy), kPipe),
            "queued: no device fits now\n"
            "\n"
            "DEVICE  VERDICT  REASON     NEEDED    THERE IS\n"
            "cuda:0  ◷ wait   memory     20.00 GB  2.40 GB\n"
            "cuda:1  ✗ never  too small  20.00 GB  9.70 GB\n"
            "cpu     ✓ fits\n"
            "\n"
            "It would fit if\n"
            "  - 20.00 GB were free on cuda:0 (now 2.40 GB)\n");
}

TEST(ExplainText, why_a_task_waits_in_chinese) {
  const InChinese spoken;
  EXPECT_EQ(render_explanation(json_object(kWhy), kPipe),
            "排队中：no device fits now\n"
            "\n"
            "设备    判定      原因        需要      现有\n"
            "cuda:0  ◷ 等待    余量不足    20.00 GB  2.40 GB\n"
            "cuda:1  ✗ 不适合  总容量不足  20.00 GB  9.70 GB\n"
            "cpu     ✓ 适合\n"
            "\n"
            "可运行的条件\n"
            "  - 20.00 GB were free on cuda:0 (now 2.40 GB)\n");
  EXPECT_EQ(waiting_reason(json_object(kWhy)), "cuda:0 余量不足：需要 20.00 GB，现有 2.40 GB");
}

TEST(ExplainText, the_reason_of_waiting_in_a_line) {
  EXPECT_EQ(waiting_reason(json_object(kWhy)), "cuda:0 memory: needs 20.00 GB, has 2.40 GB");
  EXPECT_EQ(waiting_reason(json_object(R"({"devices": [
      {"device": "cuda:0", "verdict": "wait", "code": "kind_limit", "needed": "a slot for training", "available": "1 of 1 in use"},
      {"device": "cuda:1", "verdict": "wait", "code": "memory", "needed": "x", "available": "y"}]})")),
            "cuda:0 kind limit: needs a slot for training; 1 of 1 in use (and 1 more device)");
  EXPECT_EQ(waiting_reason(json_object(R"({"summary": "behind 2 tasks", "devices": []})")),
            "behind 2 tasks");
}

}  // namespace
}  // namespace berth::cli
