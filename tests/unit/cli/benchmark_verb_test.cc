// SPDX-License-Identifier: Apache-2.0
// berth benchmark against a scripted daemon.
#include <filesystem>

#include "cli/program.h"
#include "cli/samples.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

constexpr const char* kCompleted =
    R"({"task_id": "task-1", "task_type": "benchmark", "status": "completed", "result": {
        "result_path": "/o/benchmark.json", "model": "resnet18", "images": 24, "passed_over": ["x/jet/other"], "groups": [
        {"snr": "x", "colormap": "jet", "images": 4, "accuracy": 0, "top3_acc": 0.5, "mAP": 25.04, "macro_f1": 0},
        {"snr": "10dB", "colormap": "jet", "images": 10, "unreadable": 2, "accuracy": 100, "top3_acc": 1, "mAP": 100, "macro_f1": 1},
        {"snr": "-5dB", "colormap": "gray", "images": 10, "accuracy": 50, "top3_acc": 1, "mAP": 61.5, "macro_f1": 0.4444}]}})";

TEST(Benchmark, shows_a_line_per_group_in_the_order_of_their_ratios) {
  StubDaemon daemon;
  daemon.events = {kCompleted};
  const Ran ran = berth({"benchmark", "--weights", "w", "--data", "d", "--save", "/o", "--config",
                         "c", "--batch-size", "4", "--device", "cpu"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "SNR   COLORMAP  IMAGES  ACCURACY  TOP-3     mAP  MACRO F1\n"
            "-5dB  gray          10     50.0%  1.000   61.5%     0.444\n"
            "10dB  jet           10    100.0%  1.000  100.0%     1.000\n"
            "x     jet            4      0.0%  0.500   25.0%     0.000\n"
            "\n"
            "images    24\n"
            "accuracy  62.50%\n"
            "left out  folders that are no class: 1, pictures that could not be read: 2\n"
            "model     resnet18\n"
            "result    /o/benchmark.json\n");
  const auto body = json_object(daemon.body_of("/api/v2/inference/benchmark"));
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(base::string_or(body, "weight_path"), here + "/w");
  EXPECT_EQ(base::string_or(body, "data_path"), here + "/d");
  EXPECT_EQ(base::string_or(body, "cfg_path"), here + "/c");
  EXPECT_EQ(base::string_or(body, "save_path"), "/o");
  EXPECT_EQ(base::int_or(body, "batch_size"), 4);
  EXPECT_EQ(base::string_or(body, "device"), "cpu");
}

TEST(Benchmark, json_is_the_result_and_a_failed_task_is_1) {
  StubDaemon daemon;
  daemon.events = {kCompleted};
  const std::vector<std::string> words{"benchmark", "--weights", "w", "--data", "d", "--json"};
  EXPECT_EQ(base::int_or(json_object(berth(words).out), "images"), 24);
  daemon.events = {
      R"({"task_id": "task-1", "status": "failed", "error": {"code": "bad_request", "message": "no groups"}})"};
  const Ran ran = berth(words);
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.err.find("no groups"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace berth::cli
