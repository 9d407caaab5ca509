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

TEST(TaskText, the_parameters_of_a_built_in_task) {
  const std::string text = render_task(json_object(kTraining), {}, base::now(), kPipe);
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
  const std::string inference = render_task(json_object(kInference), {}, base::now(), kPipe);
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
      {}, now, kPipe);
  EXPECT_NE(text.find("command    sh -c 'exit 3'\n"), std::string::npos) << text;
  EXPECT_NE(text.find("device     cuda:0 14.40 GB (reserved by the rule: kind share)\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("priority   1 (most urgent)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("ran for    5s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nlatest metrics\nloss  0.25\n"), std::string::npos) << text;
}

// A row of `berth show`, label and text.
void expect_row(const std::string& text, const std::string& label, const std::string& value) {
  const std::string begin = "\n" + label + " ";
  const auto at = text.find(begin);
  ASSERT_NE(at, std::string::npos) << label << " in\n" << text;
  const auto start = text.find_first_not_of(' ', at + begin.size());
  EXPECT_EQ(text.substr(start, text.find('\n', start) - start), value) << label;
}

TEST(TaskText, what_keeps_a_task_that_waits) {
  const auto now = *parse_iso8601("2026-01-02T03:04:05Z");
  const std::string text = render_task(
      json_object(R"({"task_id": "0f3c8a11-1111-4000-8000-000000000000", "status": "queued",
      "message": "Waiting for a device...", "held": true, "after": ["a", "b", "c"], "pool": "large",
      "not_before": "2026-01-02T03:04:17Z", "retries": 1, "retry": {"max": 3}, "timeout_s": 5400,
      "fallback": null, "cpu_after_s": 600})"),
      {{"a", "running"}, {"b", "completed"}}, now, kPipe);
  expect_row(text, "on hold", "berth release 0f3c8a11 lets it go");
  expect_row(text, "after", "a (running), b (completed), c");
  const std::string at = local_time(now + std::chrono::seconds(12), now);
  expect_row(text, "next try", at + " (in 12s)");
  expect_row(text, "retries", "1 of 3");
  expect_row(text, "in pool", "large");
  expect_row(text, "time limit", "1h 30m");
  expect_row(text, "fallback", "on the CPU when no GPU is free for 10m 00s");
  EXPECT_EQ(text.find("Waiting for a device"), std::string::npos) << "it waits for something else";
}

TEST(TaskText, a_task_without_such_wishes_shows_none) {
  const std::string text =
      render_task(json_object(R"({"task_id": "t", "status": "queued", "message": "Waiting",
      "held": false, "after": [], "not_before": null, "retries": 0, "pool": null})"),
                  {}, base::now(), kPipe);
  EXPECT_EQ(text, "task     t\nstate    queued\nmessage  Waiting\n");
}

TEST(TaskText, what_holds_a_running_task_to_its_memory) {
  const auto shown = [](const std::string& enforcement) {
    return render_task(json_object(R"({"task_id": "t", "status": "running", "device": "cuda:0",
        "enforcement": )" + enforcement +
                                   "}"),
                       {}, base::now(), kPipe);
  };
  const std::string kernel =
      shown(R"({"rung": "kernel", "by": "dmem", "fenced": true, "fence_missing": ""})");
  expect_row(kernel, "memory limit", "kernel or driver (dmem)");
  expect_row(kernel, "other GPUs", "cannot be opened");
  const std::string watched = shown(
      R"({"rung": "watchdog", "by": "watchdog: warn", "fenced": false, "fence_missing": "no cgroup v2"})");
  expect_row(watched, "memory limit", "watchdog (warn)");
  expect_row(watched, "other GPUs", "can be opened (no cgroup v2)");
}

TEST(TaskText, a_task_cancelled_for_what_it_was_to_follow_says_so) {
  EXPECT_EQ(failure(json_object(R"({"status": "cancelled", "error": null})")), "cancelled");
  EXPECT_EQ(failure(json_object(R"({"status": "cancelled", "cause": "dependency",
      "error": {"code": "dependency", "message": "task a did not end well"}})")),
            "task a did not end well");
}

}  // namespace
}  // namespace berth::cli
