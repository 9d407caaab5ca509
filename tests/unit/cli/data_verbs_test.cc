// SPDX-License-Identifier: Apache-2.0
// berth data against a scripted daemon.
#include <filesystem>

#include "cli/program.h"
#include "cli/samples.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

TEST(Data, split_sends_what_was_said_and_shows_what_was_done) {
  StubDaemon daemon;
  daemon.events = {
      R"({"task_id": "task-1", "task_type": "dataset_split", "status": "queued"})",
      R"({"task_id": "task-1", "task_type": "dataset_split", "status": "completed", "result": {"total_images": 20,
          "train_images": 14, "val_images": 4, "test_images": 2, "classes": ["a", "b"], "empty_classes": [], "failed": 1,
          "failed_files": [{"path": "a/x.png", "reason": "no picture"}], "skipped_files": 3, "output_path": "/o", "seconds": 0.5}})"};
  const Ran ran = berth({"data", "split", "--input", "in", "--output", "/o", "--val-ratio", "0.2",
                         "--train-ratio", "0.7", "--overwrite", "--seed", "5"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "images    20: 14 train, 4 valid, 2 test, in 0.50 s\n"
            "classes   a, b\n"
            "failed    1, the first a/x.png: no picture\n"
            "left out  3 other files\n"
            "result    /o\n");
  const auto body = json_object(daemon.body_of("/api/v2/preprocessing/split"));
  EXPECT_EQ(base::string_or(body, "input_path"), std::filesystem::current_path().string() + "/in");
  EXPECT_EQ(base::double_or(body, "train_ratio"), 0.7);
  EXPECT_EQ(base::double_or(body, "val_ratio"), 0.2);
  EXPECT_EQ(base::int_or(body, "seed"), 5);
  EXPECT_TRUE(base::bool_or(body, "overwrite"));
  EXPECT_FALSE(base::bool_or(body, "link"));
}

TEST(Data, augment_and_crop_send_their_own_fields) {
  StubDaemon daemon;
  daemon.events = {
      R"({"task_id": "task-1", "task_type": "data_augmentation", "status": "completed"})"};
  EXPECT_EQ(
      berth({"augment", "--input", "/d", "--output", "/o", "--methods", "CLAHE,Sharpen"}).status, 0)
      << "the short way to berth data augment";
  auto body = json_object(daemon.body_of("/api/v2/preprocessing/augment"));
  EXPECT_EQ(base::string_or(body, "dataset_path"), "/d");
  EXPECT_EQ(base::json::serialize(body.at("methods")), R"(["CLAHE","Sharpen"])");
  EXPECT_EQ(berth({"data", "crop", "--input", "/i", "--output", "/o", "--x", "1", "--y", "2",
                   "--width", "30", "--height", "40", "--detach"})
                .out,
            "task-1\n");
  body = json_object(daemon.body_of("/api/v2/preprocessing/crop"));
  EXPECT_EQ(base::json::serialize(body.at("x")), "1");
  EXPECT_EQ(base::int_or(body, "y"), 2);
  EXPECT_EQ(base::int_or(body, "width"), 30);
  EXPECT_EQ(base::int_or(body, "height"), 40);
}

TEST(Data, json_is_the_statistics_and_a_failed_task_is_1) {
  StubDaemon daemon;
  daemon.events = {
      R"({"task_id": "task-1", "task_type": "image_crop", "status": "completed", "result": {"success": 2}})"};
  const std::vector<std::string> words{"data",    "crop", "--input",  "i",   "--output",
                                       "o",       "--x",  "0",        "--y", "0",
                                       "--width", "5",    "--height", "5",   "--json"};
  EXPECT_EQ(berth(words).out, "{\"success\":2}\n");
  daemon.events = {
      R"({"task_id": "task-1", "status": "failed", "error": {"code": "bad_request", "message": "is there already"}})"};
  const Ran ran = berth(words);
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.err.find("is there already"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace berth::cli
