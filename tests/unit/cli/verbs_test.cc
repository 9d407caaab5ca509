// SPDX-License-Identifier: Apache-2.0
// The verbs against a scripted daemon: what they send, print and end with.
#include "cli/verbs.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "cli/program.h"
#include "cli/samples.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

constexpr const char* kQueued =
    R"({"task_id": "task-1", "task_type": "command", "status": "queued"})";
constexpr const char* kRunning =
    R"({"task_id": "task-1", "task_type": "command", "status": "running", "device": "cuda:0"})";
constexpr const char* kCompleted =
    R"({"task_id": "task-1", "task_type": "command", "status": "completed", "exit_code": 0})";

std::string failed(const std::string& fields) {
  return R"({"task_id": "task-1", "task_type": "command", "status": "failed", )" + fields + "}";
}

TEST(Run, passes_raw_output_on_and_ends_with_0) {
  StubDaemon daemon;
  daemon.events = {kQueued, kRunning, kCompleted};
  daemon.out = std::string("a\0\xFF\r\n", 5);
  daemon.err = "warning\n";
  const Ran ran = berth({"run", "--", "true"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, daemon.out);
  EXPECT_EQ(ran.err, "warning\n");
}

TEST(Run, ends_with_the_commands_own_status) {
  const std::vector<std::pair<std::string, int>> cases{{R"("exit_code": 3)", 3},
                                                       {R"("signal": 9)", 137},
                                                       {R"("exit_code": 127)", 127},
                                                       {R"("cause": "launch_failed")", 125}};
  for (const auto& [fields, status] : cases) {
    StubDaemon daemon;
    daemon.events = {kRunning, failed(fields)};
    const Ran ran = berth({"run", "--", "false"});
    EXPECT_EQ(ran.status, status);
    EXPECT_EQ(ran.err.empty(), status < 125)
        << "a status of the command's own needs no comment: " << ran.err;
  }
}

TEST(Run, sends_the_command_the_wishes_and_the_callers_environment_without_the_token) {
  StubDaemon daemon;
  daemon.events = {kCompleted};
  setenv("BERTH_TEST_MARK", "m", 1);
  EXPECT_EQ(berth({"run",        "--device", "cuda:0",    "--gpus", "2",     "--memory", "8G",
                   "--priority", "1",        "--timeout", "5m",     "--env", "A=b=c",    "--",
                   "find",       ".",        "-exec",     "rm",     "{}",    ";"})
                .status,
            0);
  const auto body = json_object(daemon.body_of("/api/v2/tasks"));
  EXPECT_EQ(base::json::serialize(body.at("command")), R"(["find",".","-exec","rm","{}",";"])");
  EXPECT_EQ(base::string_or(body, "device"), "cuda:0");
  EXPECT_EQ(base::int_or(body, "gpus"), 2);
  EXPECT_EQ(base::double_or(body, "memory_gb"), 8);
  EXPECT_EQ(base::double_or(body, "timeout_s"), 300);
  EXPECT_EQ(base::int_or(body, "priority"), 1);
  EXPECT_EQ(base::string_or(body, "cwd"), std::filesystem::current_path().string());
  for (const char* unsaid : {"retry", "after", "after_any", "hold", "pool", "group_by_kind",
                             "fallback", "memory_fraction", "memory_strategy"})
    EXPECT_FALSE(body.contains(unsaid)) << unsaid;
  const auto& env = body.at("env").as_object();
  EXPECT_EQ(base::string_or(env, "A"), "b=c");
  EXPECT_EQ(base::string_or(env, "BERTH_TEST_MARK"), "m");
  EXPECT_FALSE(env.contains("BERTH_TOKEN"));
}

constexpr const char* kList =
    R"({"total": 3, "tasks": [{"task_id": "task-1", "status": "running"}, {"task_id": "abc-1"}, {"task_id": "abc-2"}]})";

TEST(Run, sends_when_to_start_and_when_to_start_again_with_ids_in_full) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = kList;
  EXPECT_EQ(berth({"run",
                   "--detach",
                   "--after",
                   "tas,abc-1",
                   "--after-any",
                   "abc-2",
                   "--hold",
                   "--pool",
                   "large",
                   "--group-by-kind",
                   "--fallback",
                   "cpu",
                   "--fallback-after",
                   "10m",
                   "--retry",
                   "3",
                   "--retry-backoff",
                   "1m",
                   "--retry-on",
                   "device_lost,exit",
                   "--retry-more-memory",
                   "25%",
                   "--",
                   "x"})
                .status,
            0);
  const auto body = json_object(daemon.body_of("/api/v2/tasks"));
  EXPECT_EQ(body.at("after"), (base::json::array{"task-1", "abc-1"}));
  EXPECT_EQ(body.at("after_any"), base::json::array{"abc-2"});
  EXPECT_EQ(body.at("hold"), true);
  EXPECT_EQ(body.at("pool"), "large");
  EXPECT_EQ(body.at("group_by_kind"), true);
  EXPECT_EQ(body.at("fallback"), (base::json::object{{"to", "cpu"}, {"after_s", 600.0}}));
  EXPECT_EQ(body.at("retry"), (base::json::object{{"max", 3},
                                                  {"backoff_s", 60.0},
                                                  {"more_memory", 1.25},
                                                  {"on", {"exit", "device_lost"}}}));
}

TEST(Run, submits_nothing_when_what_it_is_to_follow_is_not_there) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = kList;
  for (const char* id : {"nothing", "abc"}) {
    const Ran ran = berth({"run", "--after", id, "--", "x"});
    EXPECT_EQ(ran.status, 125);
    EXPECT_NE(ran.err.find("--after: "), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find(id), std::string::npos) << ran.err;
  }
  EXPECT_EQ(daemon.body_of("/api/v2/tasks"), "");
}

TEST(Run, detached_prints_the_id_only) {
  StubDaemon daemon;
  const Ran ran = berth({"run", "--detach", "--", "sleep", "1"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "task-1\n");
  EXPECT_EQ(daemon.requests().size(), 1U);
}

TEST(Run, output_goes_on_where_it_stopped_when_the_connection_ends_early) {
  StubDaemon daemon;
  daemon.events = {kRunning};  // and the stream ends: the daemon restarts
  daemon.later_events = {kRunning, kCompleted};
  daemon.out = "abcdef";
  daemon.out_cut = 2;
  const Ran ran = berth({"run", "--", "x"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "abcdef");
}

TEST(Run, ctrl_c_cancels_and_waits_for_the_end) {
  StubDaemon daemon;
  daemon.events = {kRunning};
  daemon.events_on_cancel = R"({"task_id": "task-1", "status": "cancelled", "signal": 15})";
  daemon.on_events = [] { kill(getpid(), SIGINT); };
  const Ran ran = berth({"run", "--", "sleep", "100"});
  EXPECT_EQ(ran.status, 143);
  EXPECT_NE(ran.err.find("cancelling"), std::string::npos) << ran.err;
}

TEST(Run, a_refusal_is_125_because_5_could_be_the_commands) {
  StubDaemon daemon;
  setenv("BERTH_TOKEN", "wrong", 1);
  const Ran ran = berth({"run", "--", "x"});
  EXPECT_EQ(ran.status, 125);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err, "");
  EXPECT_EQ(berth({"run", "--", "a\xFF"}).status, 125);
}

TEST(Run, a_daemon_that_is_not_there_is_125_because_3_could_be_the_commands) {
  setenv("BERTH_URL", "http://127.0.0.1:1", 1);
  EXPECT_EQ(berth({"run", "--", "x"}).status, 125);
  EXPECT_EQ(berth({"run", "--detach", "--", "x"}).status, 125);
  EXPECT_EQ(berth({"wait", "x"}).status, 125);
  EXPECT_EQ(berth({"ps"}).status, 3);
  EXPECT_EQ(berth({"version"}).status, 0);
  unsetenv("BERTH_URL");
}

TEST(Wait, takes_the_beginning_of_an_id_and_ends_with_the_commands_status) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = kList;
  daemon.events = {kRunning, failed(R"("exit_code": 7)")};
  EXPECT_EQ(berth({"wait", "tas"}).status, 7);
}

TEST(Wait, an_unknown_or_ambiguous_id_is_125) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = kList;
  const Ran ambiguous = berth({"wait", "abc"});
  EXPECT_EQ(ambiguous.status, 125);
  EXPECT_NE(ambiguous.err.find("abc-2"), std::string::npos) << ambiguous.err;
  EXPECT_EQ(berth({"wait", "nothing"}).status, 125);
}

TEST(Rm, goes_on_after_a_failure_and_ends_with_its_status) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = kList;
  daemon.answers["GET /api/v2/tasks/abc-1"] = R"({"task_id": "abc-1"})";
  daemon.answers["DELETE /api/v2/tasks/abc-1"] = R"({"status": "success"})";
  const Ran ran = berth({"rm", "nothing", "abc-1"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_EQ(ran.out, "abc-1 removed\n");
}

TEST(Hold, and_release_go_through_all_tasks) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = kList;
  daemon.answers["POST /api/v2/tasks/abc-1/hold"] = R"({"status": "success"})";
  daemon.answers["POST /api/v2/tasks/abc-1/release"] = R"({"status": "success"})";
  daemon.answers["POST /api/v2/tasks/task-1/release"] = R"({"status": "success"})";
  const Ran held = berth({"hold", "nothing", "abc-1"});
  EXPECT_EQ(held.status, 4);
  EXPECT_EQ(held.out, "abc-1 on hold\n");
  const Ran released = berth({"release", "abc-1", "tas"});
  EXPECT_EQ(released.status, 0);
  EXPECT_EQ(released.out, "abc-1 released\ntask-1 released\n");
}

TEST(Priority, is_told_to_all_tasks) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = kList;
  daemon.answers["POST /api/v2/tasks/abc-1/priority"] = R"({"status": "success"})";
  daemon.answers["POST /api/v2/tasks/task-1/priority"] = R"({"status": "success"})";
  const Ran ran = berth({"priority", "2", "abc-1", "tas"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "abc-1 has priority 2 now\ntask-1 has priority 2 now\n");
  EXPECT_EQ(daemon.body_of("/api/v2/tasks/task-1/priority"), R"({"priority":2})");
}

constexpr const char* kDrains =
    R"({"machine": true, "reason": "a new kernel", "devices": {"cuda:2": "", "cpu": "too hot"}})";

TEST(Drain, posts_what_changes_and_shows_what_then_is_drained) {
  struct Case {
    std::vector<std::string> words;
    std::string body;
  };
  for (const auto& [words, body] : {
           Case{{"drain"}, R"({"drain":true})"},
           Case{{"drain", "cuda:0,cuda:1", "cpu", "--reason", "a new fan"},
                R"({"drain":true,"devices":["cuda:0","cuda:1","cpu"],"reason":"a new fan"})"},
           Case{{"resume"}, R"({"drain":false})"},
           Case{{"resume", "cuda:0"}, R"({"drain":false,"devices":["cuda:0"]})"},
           Case{{"drain", "--list"}, ""},
       }) {
    StubDaemon daemon;
    daemon.answers["POST /api/v2/resources/drain"] = kDrains;
    daemon.answers["GET /api/v2/resources/drain"] = kDrains;
    const Ran ran = berth(words);
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(daemon.body_of("/api/v2/resources/drain"), body);
    EXPECT_EQ(ran.out,
              "the machine is drained: a new kernel\n"
              "cpu is drained: too hot\n"
              "cuda:2 is drained\n");
  }
}

TEST(Drain, says_so_when_nothing_is_drained) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/resources/drain"] =
      R"({"machine": false, "reason": null, "devices": {}})";
  EXPECT_EQ(berth({"drain", "--list"}).out, "nothing is drained: tasks start on every device\n");
  EXPECT_EQ(berth({"drain", "--list", "--json"}).out,
            R"({"machine":false,"reason":null,"devices":{}})"
            "\n");
}

TEST(Drain, a_refusal_is_5_or_what_the_daemon_says) {
  StubDaemon daemon;
  const Ran ran = berth({"drain", "cuda:9"});  // the stub knows no such route
  EXPECT_EQ(ran.status, 4);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err, "");
}

TEST(Ps, asks_for_what_is_waited_for_only_when_it_is_not_listed) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] =
      R"({"total": 2, "tasks": [{"task_id": "task-1", "status": "running"},
          {"task_id": "abc-1", "status": "queued", "after": ["task-1", "over"]}]})";
  daemon.answers["GET /api/v2/tasks/over"] = R"({"task_id": "over", "status": "completed"})";
  const Ran ran = berth({"ps"});
  EXPECT_NE(ran.out.find("after task-1\n"), std::string::npos) << ran.out;
  EXPECT_EQ(daemon.requests(),
            (std::vector<std::string>{"GET /api/v2/tasks?limit=100&status=live",
                                      "GET /api/v2/resources/drain", "GET /api/v2/tasks/over"}));
}

TEST(Logs, copies_both_streams_or_one_to_standard_output) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks/task-1"] = kRunning;
  daemon.out = "out\n";
  daemon.err = "err\n";
  const Ran both = berth({"logs", "task-1"});
  EXPECT_EQ(both.out + "|" + both.err, "out\n|err\n");
  EXPECT_EQ(berth({"logs", "task-1", "--stderr"}).out, "err\n");
}

TEST(Limits, set_posts_what_changes_and_shows_the_result) {
  StubDaemon daemon;
  daemon.answers["POST /api/v2/resources/config"] = "{}";
  daemon.answers["GET /api/v2/resources"] =
      R"({"limits": {"cuda:0": {"training": 2, "inference": 3}}, "device_usage": {}})";
  const Ran ran = berth({"limits", "set", "cuda:0", "training=2", "cpu", "inference=0"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(daemon.body_of("/api/v2/resources/config"),
            R"({"max_concurrent":{"cuda:0":{"training":2},"cpu":{"inference":0}}})");
  EXPECT_NE(ran.out.find("0 of 2"), std::string::npos) << ran.out;
}

TEST(Train, counts_classes_makes_paths_absolute_and_prints_a_line_per_epoch) {
  StubDaemon daemon;
  const std::string root = testing::TempDir() + "berth-cli-train";
  for (const char* name : {"/a", "/b", "/.hidden"})
    std::filesystem::create_directories(root + name);
  daemon.events = {
      kQueued,
      R"({"task_id": "task-1", "status": "running", "device": "cpu", "latest_metrics": {"epoch": 1, "total_epochs": 2, "train_loss": 0.5, "val_acc": 50}})",
      R"({"task_id": "task-1", "status": "running", "device": "cpu", "progress": 60, "latest_metrics": {"epoch": 1, "total_epochs": 2, "train_loss": 0.5, "val_acc": 50}})",
      R"({"task_id": "task-1", "status": "completed", "device": "cpu", "latest_metrics": {"epoch": 2, "total_epochs": 2, "train_loss": 0.25, "val_acc": 75, "best_acc": 75}})"};
  const Ran ran = berth({"train", "--train", root, "--val", "v", "--save", "out/../s", "--epochs",
                         "2", "--lr", "0.001", "--no-pretrained"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "epoch 1/2  loss 0.5000  acc val 50.00%\nepoch 2/2  loss 0.2500  acc val 75.00%  best "
            "75.00%\n"
            "done, best accuracy 75.00% on cpu\n");
  const auto body = json_object(daemon.body_of("/api/v2/training/start"));
  EXPECT_EQ(base::int_or(body, "num_classes"), 2);
  EXPECT_EQ(base::string_or(body, "save_path"), std::filesystem::current_path().string() + "/s");
  EXPECT_EQ(base::bool_or(body, "pretrained", true), false);
  std::filesystem::remove_all(root);
}

TEST(Infer, a_failed_task_is_1_and_says_why) {
  StubDaemon daemon;
  daemon.events = {kRunning,
                   failed(R"("error": {"code": "path_not_found", "message": "no image there"})")};
  const Ran ran = berth({"infer", "--weights", "w", "--source", "s"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.err.find("no image there"), std::string::npos) << ran.err;
}

TEST(Doctor, says_of_supervision_what_the_daemon_says) {
  StubDaemon daemon;
  daemon.answers["GET /api/v1/info"] = R"({"version": "1"})";
  daemon.answers["GET /api/v1/health"] =
      R"({"parts": {"supervision": "process groups only: a reason of the daemon's"}})";
  EXPECT_NE(berth({"doctor"}).out.find("process groups only: a reason of the daemon's"),
            std::string::npos);
}

TEST(Gpus, come_from_the_daemon_when_it_answers) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/resources/gpu"] = std::string(kGpus);
  const Ran ran = berth({"gpus"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.out.find("cuda:2"), std::string::npos);
  EXPECT_NE(ran.out.find("berthd at "), std::string::npos);
  EXPECT_EQ(berth({"pick", "--format", "uuid"}).out, "GPU-bbbb\n");
  EXPECT_EQ(berth({"pick", "--memory", "20G"}).status, 5);
}

TEST(Gpus, show_what_is_drained_and_pick_passes_it_over) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/resources/gpu"] = std::string(kGpus);
  daemon.answers["GET /api/v2/resources/drain"] =
      R"({"machine": false, "reason": null, "devices": {"cuda:1": "a new fan"}})";
  EXPECT_NE(berth({"gpus"}).out.find("! drained: a new fan\n"), std::string::npos);
  EXPECT_EQ(json_object(berth({"gpus", "--json"}).out).at("drain").at("devices").at("cuda:1"),
            "a new fan");
  EXPECT_EQ(berth({"pick"}).out, "cuda:0\n");
  daemon.answers["GET /api/v2/resources/drain"] = R"({"machine": true, "devices": {}})";
  const Ran none = berth({"pick"});
  EXPECT_EQ(none.status, 5);
  EXPECT_NE(none.err.find("the machine is drained"), std::string::npos) << none.err;
}

}  // namespace
}  // namespace berth::cli
