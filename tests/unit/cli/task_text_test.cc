// SPDX-License-Identifier: Apache-2.0
#include "cli/task_text.h"

#include "cli/samples.h"
#include "cli/when.h"

namespace berth::cli {
namespace {

using namespace test;

int status_of(std::string_view text) { return exit_status(json_object(text)); }

TEST(ExitStatus, is_the_commands_own) {
  EXPECT_EQ(status_of(R"({"status": "completed", "exit_code": 0})"), 0);
  EXPECT_EQ(status_of(R"({"status": "failed", "exit_code": 3, "signal": null})"), 3);
  EXPECT_EQ(status_of(R"({"status": "failed", "exit_code": 127})"), 127);
  EXPECT_EQ(status_of(R"({"status": "failed", "exit_code": null, "signal": 9})"), 137);
  EXPECT_EQ(
      status_of(
          R"({"status": "failed", "exit_code": null, "signal": null, "cause": "launch_failed"})"),
      125);
  EXPECT_EQ(status_of(R"({"status": "failed", "exit_code": 0})"), 125);
  EXPECT_EQ(status_of(R"({"status": "failed", "exit_code": 0, "cause": "timeout"})"), 143);
  EXPECT_EQ(status_of(R"({"status": "failed", "exit_code": 7, "cause": "timeout"})"), 7);
  EXPECT_EQ(status_of(R"({"status": "cancelled", "signal": 2})"), 130);
  EXPECT_EQ(status_of(R"({"status": "cancelled", "exit_code": 0})"), 143);
  EXPECT_EQ(status_of(R"({"status": "cancelled"})"), 143);
}

TEST(TaskText, failures_in_words) {
  EXPECT_EQ(failure(json_object(R"({"status": "completed"})")), "");
  EXPECT_EQ(failure(json_object(R"({"status": "failed", "exit_code": 3})")), "exit status 3");
  EXPECT_EQ(failure(json_object(R"({"status": "failed", "signal": 11})")), "killed by SIGSEGV");
  EXPECT_EQ(
      failure(json_object(
          R"({"status": "failed", "signal": 9, "error": {"code": "signal", "message": "killed by SIGKILL"}})")),
      "killed by SIGKILL; out of memory is the usual cause");
  EXPECT_EQ(
      failure(json_object(
          R"({"status": "failed", "error": {"code": "path_not_found", "message": "no images", "file": "/d/x"}})")),
      "no images [/d/x]");
  EXPECT_EQ(
      failure(json_object(
          R"({"status": "failed", "error": {"code": "io_error", "message": "cannot read /d/x", "file": "/d/x"}})")),
      "cannot read /d/x");
  EXPECT_EQ(failure(json_object(R"({"status": "failed", "cause": "lost"})")), "lost");
}

constexpr std::string_view kTasks = R"({"total": 12, "tasks": [
  {"task_id": "0f3c8a11-1111-4000-8000-000000000000", "task_type": "command", "kind": "command", "status": "running", "progress": 40,
   "device": "cuda:0", "priority": 5, "created_at": "2026-01-02T03:00:00Z", "started_at": "2026-01-02T03:00:05Z",
   "command": ["python3", "train.py", "--name", "a b"]},
  {"task_id": "0f3c8a11-2222-4000-8000-000000000000", "task_type": "training", "kind": "training", "status": "queued", "progress": 0,
   "device": "cuda", "priority": 1, "created_at": "2026-01-02T03:03:00Z", "name": "无人机"},
  {"task_id": "7e000000-2222-4000-8000-000000000000", "task_type": "inference", "kind": "inference", "status": "failed", "progress": 0,
   "device": "cpu", "priority": 3, "created_at": "2026-01-02T03:00:00Z", "started_at": "2026-01-02T03:00:00Z", "finished_at": "2026-01-02T03:02:00Z",
   "signal": 9, "command": null}]})";

TEST(TaskText, a_list_of_tasks) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  EXPECT_EQ(render_tasks(json_object(kTasks), now, kPipe),
            "ID          STATE    KIND       DEVICE  PRI    TIME   RESULT  TASK\n"
            "0f3c8a11-1  running  command    cuda:0    5  4m 00s      40%  python3 train.py --name "
            "'a b'\n"
            "0f3c8a11-2  queued   training   cuda      1  1m 05s           无人机\n"
            "7e000000-2  failed   inference  cpu       3  2m 00s  SIGKILL  inference\n"
            "... and 9 more (--limit N)\n");
  EXPECT_EQ(render_tasks(json_object(R"({"tasks": [], "total": 0})"), now, kPipe), "");
}

TEST(TaskText, a_list_of_tasks_in_chinese) {
  const InChinese spoken;
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  EXPECT_EQ(render_tasks(json_object(kTasks), now, kPipe),
            "ID          状态    类型  设备    优先级     用时     结果  任务\n"
            "0f3c8a11-1  运行中  命令  cuda:0       5  4分00秒      40%  python3 train.py --name "
            "'a b'\n"
            "0f3c8a11-2  排队中  训练  cuda         1  1分05秒           无人机\n"
            "7e000000-2  失败    推理  cpu          3  2分00秒  SIGKILL  inference\n"
            "... 另有 9 个（--limit N）\n");
}

constexpr std::string_view kTraining =
    R"JSON({"task_id": "t", "task_type": "training", "kind": "training", "status": "queued", "save_path": "/out", "env": {"SECRET": "s"},
  "parameters": {"batch_size": 8, "image_size": 224, "learning_rate": 0.0001, "model": "resnet18", "num_classes": 3, "num_epochs": 10,
                 "pretrained": true, "save_path": "/out", "shuffle": false, "train_path": "/data/drones/train", "val_path": "/data/drones/valid",
                 "weight_path": "", "mixup": 0.5, "env": {"SECRET": "s"}}})JSON";
constexpr std::string_view kInference =
    R"JSON({"task_id": "i", "task_type": "inference", "kind": "inference", "status": "queued", "save_path": "/out",
  "parameters": {"cfg_path": "", "weight_path": "/out/best_model.safetensors", "source_path": "/valid", "save_path": "/out"}})JSON";

TEST(TaskText, a_list_says_what_nameless_built_in_tasks_do) {
  const std::string list =
      R"({"total": 2, "tasks": [)" + std::string(kTraining) + ", " + std::string(kInference) + "]}";
  EXPECT_EQ(render_tasks(json_object(list), base::now(), kPipe),
            "ID  STATE   KIND       TASK\n"
            "t   queued  training   train resnet18 on .../drones/train\n"
            "i   queued  inference  infer best_model.safetensors on /valid\n");
}

TEST(TaskText, the_parameters_of_a_built_in_task) {
  const std::string text = render_task(json_object(kTraining), base::now(), kPipe);
  EXPECT_NE(text.find("\nparameters\n"
                      "model           resnet18\n"
                      "classes         3\n"
                      "training set    /data/drones/train\n"
                      "validation set  /data/drones/valid\n"
                      "epochs          10\n"
                      "batch size      8\n"
                      "learning rate   0.0001\n"
                      "image size      224\n"
                      "pretrained      yes\n"
                      "shuffle         no\n"
                      "mixup           0.5\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("SECRET"), std::string::npos) << text;
  const std::string inference = render_task(json_object(kInference), base::now(), kPipe);
  EXPECT_NE(inference.find("\nparameters\n"
                           "source   /valid\n"
                           "weights  /out/best_model.safetensors\n"),
            std::string::npos)
      << inference;
}

TEST(TaskText, one_task) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  const std::string text = render_task(
      json_object(
          R"({"task_id": "0f3c8a11", "task_type": "command", "kind": "command", "status": "running",
      "progress": 40, "priority": 1, "command": ["sh", "-c", "exit 3"], "cwd": "/w", "device_requested": "auto", "device": "cuda:0",
      "placement": {"devices": [{"device": "cuda:0", "uuid": "GPU-a", "reserved_gb": 14.4}], "rule": "kind_share"},
      "started_at": "2026-01-02T03:04:00Z", "latest_metrics": {"loss": 0.25, "none": null}})"),
      now, kPipe);
  EXPECT_NE(text.find("command    sh -c 'exit 3'\n"), std::string::npos) << text;
  EXPECT_NE(text.find("device     cuda:0 14.40 GB (reserved by the rule: kind_share)\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("priority   1 (most urgent)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("ran for    5s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nlatest metrics\nloss  0.25\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace berth::cli
