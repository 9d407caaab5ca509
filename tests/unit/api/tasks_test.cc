// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/fake_service.h"

namespace berth::api::test {
namespace {

using base::json::value;
using model::TaskState;
using Strings = std::vector<std::string>;

class TasksTest : public testing::Test {
 protected:
  std::shared_ptr<Answer> create(std::string_view body) { return api.post("/api/v2/tasks", body); }
  Strings ids(const std::string& list, const std::string& query = "") {
    Strings result;
    const auto body = api.get("/api/v2/tasks" + query)->json();
    for (const auto& task : body.at(list).as_array()) {
      result.emplace_back(task.at("task_id").as_string());
    }
    return result;
  }
  Api api;
};

TEST_F(TasksTest, ACommandIsSubmittedWithAllItsFields) {
  const auto answer = create(R"({"command": ["python3", "a b.py"], "kind": "training",
    "device": "CUDA:1", "gpus": "2", "memory_gb": "8", "gpu_type": "3090", "exclusive": "yes",
    "policy": "pack", "priority": 1, "name": "n", "description": "d", "task_id": "my-id",
    "env": {"A": "1"}, "cwd": "/srv", "timeout_s": 1.5})");
  ASSERT_EQ(answer->status(), 200) << answer->response->body;
  ASSERT_EQ(api.service.submitted.size(), 1U);
  const auto& task = api.service.submitted[0];
  EXPECT_EQ(task.type, "command");
  EXPECT_EQ(task.argv, (Strings{"python3", "a b.py"}));
  EXPECT_EQ(task.request.kind, model::Kind::kTraining);
  EXPECT_EQ(task.request.selector.text, "CUDA:1");
  EXPECT_EQ(task.request.gpus, 2);
  EXPECT_EQ(task.request.memory, base::Bytes::from_gib(8));
  EXPECT_EQ(task.request.gpu_type, "3090");
  EXPECT_TRUE(task.request.exclusive);
  EXPECT_FALSE(task.request.builtin);
  EXPECT_EQ(task.request.policy, model::Policy::kPack);
  EXPECT_EQ(task.request.priority, 1);
  EXPECT_EQ(task.id().value, "my-id");
  EXPECT_EQ(task.name, "n");
  EXPECT_EQ(task.description, "d");
  EXPECT_EQ(task.env, (std::map<std::string, std::string>{{"A", "1"}}));
  EXPECT_EQ(task.cwd, "/srv");
  EXPECT_EQ(task.request.time_limit, base::Duration{1500});
  EXPECT_EQ(answer->json().at("status"), value("pending"));
  EXPECT_EQ(answer->json().at("message"), value("Waiting to start"));
}

TEST_F(TasksTest, OnlyTheCommandIsNeeded) {
  ASSERT_EQ(create(R"({"command": ["true"]})")->status(), 200);
  const auto& task = api.service.submitted[0];
  EXPECT_EQ(task.request.kind, model::Kind::kCommand);
  EXPECT_EQ(task.request.selector.mode, model::Selector::Mode::kAuto);
  EXPECT_EQ(task.request.gpus, 1);
  EXPECT_EQ(task.request.memory, std::nullopt);
  EXPECT_EQ(task.request.priority, 5);
  EXPECT_EQ(task.request.policy, model::Policy::kBalanced);
  EXPECT_EQ(task.request.time_limit, std::nullopt);
  EXPECT_TRUE(task.request.id.empty());
}

TEST_F(TasksTest, WhatDoesNotMatchTheSchemaIsRefusedWithItsPlace) {
  const auto refused = [&](std::string_view body, const Strings& violations) {
    const auto answer = create(body);
    EXPECT_EQ(answer->status(), 422) << body;
    EXPECT_EQ(answer->violations(), violations) << body;
  };
  refused("{}", {"missing body.command"});
  refused("[]", {"model_attributes_type body"});
  refused("nonsense", {"json_invalid body.0"});
  refused(R"({"command": "ls -l"})", {"list_type body.command"});
  refused(R"({"command": []})", {"too_short body.command"});
  refused(R"({"command": [""]})", {"too_short body.command"});
  refused(R"({"command": ["a", 1]})", {"string_type body.command.1"});
  const auto field = [&](const std::string& text, const Strings& violations) {
    refused(R"({"command": ["x"], )" + text + "}", violations);
  };
  field(R"("kind": "batch")", {"enum body.kind"});
  field(R"("device": null)", {"string_type body.device"});
  field(R"("device": "banana")", {"value_error body.device"});
  field(R"("device": "cuda:x")", {"value_error body.device"});
  field(R"("gpus": 0)", {"greater_than_equal body.gpus"});
  field(R"("gpus": 1025)", {"less_than_equal body.gpus"});
  field(R"("gpus": 1.5)", {"int_from_float body.gpus"});
  field(R"("memory_gb": 0)", {"greater_than body.memory_gb"});
  field(R"("memory_gb": -1)", {"greater_than body.memory_gb"});
  field(R"("memory_gb": "much")", {"float_parsing body.memory_gb"});
  field(R"("exclusive": "perhaps")", {"bool_parsing body.exclusive"});
  field(R"("policy": "random")", {"enum body.policy"});
  field(R"("priority": 0)", {"greater_than_equal body.priority"});
  field(R"("priority": 11)", {"less_than_equal body.priority"});
  field(R"("env": {"A": 1})", {"string_type body.env.A"});
  field(R"("env": {"A=B": "1"})", {"value_error body.env"});
  field(R"("env": {"": "1"})", {"value_error body.env"});
  field(R"("cwd": "relative")", {"value_error body.cwd"});
  field(R"("timeout_s": 0)", {"greater_than body.timeout_s"});
  field(R"("task_id": "a/b")", {"value_error body.task_id"});
  field(R"("task_id": "..")", {"value_error body.task_id"});
  field(R"("task_id": "a\nb")", {"value_error body.task_id"});
  field("\"task_id\": \"" + std::string(129, 'x') + "\"", {"value_error body.task_id"});
  field(R"("gpus": 0, "priority": 11)",
        {"less_than_equal body.priority", "greater_than_equal body.gpus"});
  EXPECT_TRUE(api.service.submitted.empty());
}

TEST_F(TasksTest, ATooLargeMemoryIsNotCalledTooSmall) {
  const auto answer = create(R"({"command": ["x"], "memory_gb": 2000000})");
  EXPECT_EQ(answer->violations(), Strings{"less_than body.memory_gb"});
}

TEST_F(TasksTest, ANulByteIsRefusedWhereTheSystemWouldCutTheText) {
  EXPECT_EQ(create(R"({"command": ["sh\u0000x"]})")->status(), 422);
  EXPECT_EQ(create(R"({"command": ["x"], "env": {"A": "1\u00002"}})")->status(), 422);
  EXPECT_EQ(create(R"({"command": ["x"], "env": {"A\u0000B": "1"}})")->status(), 422);
  EXPECT_EQ(create(R"({"command": ["x"], "cwd": "/srv\u0000/x"})")->status(), 422);
}

TEST_F(TasksTest, APositiveTimeNeverBecomesNone) {
  ASSERT_EQ(create(R"({"command": ["x"], "timeout_s": 0.0001})")->status(), 200);
  EXPECT_GT(api.service.submitted[0].request.time_limit->count(), 0);
}

TEST_F(TasksTest, PromisedFieldsAreNotIgnored) {
  const auto answer =
      create(R"({"command": ["x"], "retry": "x", "after": "x", "memory_fraction": "x"})");
  EXPECT_EQ(answer->status(), 422);
}

TEST_F(TasksTest, TheSchedulersRefusalIsTheAnswer) {
  const std::vector<std::pair<base::ErrorCode, int>> refusals{
      {base::ErrorCode::kDeviceNotFound, 400},
      {base::ErrorCode::kNeverFits, 400},
      {base::ErrorCode::kDuplicateTask, 409},
      {base::ErrorCode::kQueueFull, 429},
      {base::ErrorCode::kStoreError, 500}};
  for (const auto& [code, status] : refusals) {
    api.service.refuse = base::Error{code, "because", {}};
    const auto answer = create(R"({"command": ["x"]})");
    EXPECT_EQ(answer->status(), status);
    EXPECT_EQ(answer->detail(), "because");
  }
}

TEST_F(TasksTest, TheListHasTheOriginalsListsAndAllTasksNewestFirst) {
  for (const char* id : {"t1", "t2"}) api.service.add(id, "training", TaskState::kCompleted);
  api.service.add("i1", "inference", TaskState::kRunning);
  api.service.add("c1", "command", TaskState::kQueued);
  EXPECT_EQ(ids("training_tasks"), (Strings{"t1", "t2"}));
  EXPECT_EQ(ids("inference_tasks"), (Strings{"i1"}));
  EXPECT_EQ(ids("tasks"), (Strings{"c1", "i1", "t2", "t1"}));
  const auto body = api.get("/api/v2/tasks")->json();
  EXPECT_EQ(body.at("total"), value(4));
  EXPECT_EQ(body.at("total_training"), value(2));
  EXPECT_EQ(body.at("total_inference"), value(1));
}

TEST_F(TasksTest, LimitAndOffsetCutTheLists) {
  for (int i = 1; i <= 5; ++i) {
    api.service.add("t" + std::to_string(i), "training", TaskState::kCompleted);
  }
  EXPECT_EQ(ids("tasks", "?limit=2"), (Strings{"t5", "t4"}));
  EXPECT_EQ(ids("tasks", "?limit=2&offset=3"), (Strings{"t2", "t1"}));
  EXPECT_EQ(ids("tasks", "?offset=5"), Strings{});
  EXPECT_EQ(ids("tasks", "?limit=0"), Strings{});
  EXPECT_EQ(ids("training_tasks", "?limit=2"), (Strings{"t1", "t2"}));
  const auto body = api.get("/api/v2/tasks?limit=2&offset=3")->json();
  EXPECT_EQ(body.at("total"), value(5));
  EXPECT_EQ(body.at("total_training"), value(2));
}

TEST_F(TasksTest, TheListIsInOrderOfAgeOrOfTurn) {
  const auto add = [&](const std::string& id, int priority, std::int64_t minute, bool held) {
    const auto record = api.service.add(id, "command", TaskState::kQueued);
    record->request.priority = priority;
    auto& entry = api.service.scheduler.tasks[record->id()];
    entry.request = record->request;
    entry.sequence = record->sequence;
    entry.submitted = base::from_ms(minute * 60'000);
    entry.held = held;
  };
  api.service.add("ended", "command", TaskState::kCompleted);
  add("old", 4, 0, false);  // one step of priority is an hour of waiting
  add("held", 1, 10, true);
  add("late", 3, 70, false);
  add("urgent", 2, 100, false);
  add("also late", 3, 70, false);
  EXPECT_EQ(ids("tasks", "?order=newest"),
            (Strings{"also late", "urgent", "late", "held", "old", "ended"}));
  EXPECT_EQ(ids("tasks", "?order=turn"),
            (Strings{"urgent", "old", "late", "also late", "held", "ended"}));
  EXPECT_EQ(ids("tasks", "?order=turn&limit=2&offset=1"), (Strings{"old", "late"}));
  EXPECT_EQ(ids("tasks", "?order=turn&offset=9"), Strings{});
  EXPECT_EQ(api.get("/api/v2/tasks?order=oldest")->violations(), Strings{"enum query.order"});
}

TEST_F(TasksTest, TheListIsFilteredByStateAndKind) {
  api.service.add("done", "training", TaskState::kCompleted);
  api.service.add("runs", "training", TaskState::kRunning);
  api.service.add("waits", "command", TaskState::kQueued);
  api.service.add("as", "command", TaskState::kQueued)->request.kind = model::Kind::kTraining;
  EXPECT_EQ(ids("tasks", "?status=completed"), (Strings{"done"}));
  EXPECT_EQ(ids("tasks", "?status=live"), (Strings{"as", "waits", "runs"}));
  EXPECT_EQ(ids("tasks", "?status=no-such-word"), Strings{});
  EXPECT_EQ(ids("tasks", "?kind=training"), (Strings{"as", "runs", "done"}));
  EXPECT_EQ(ids("training_tasks", "?status=running"), (Strings{"runs"}));
  EXPECT_EQ(ids("training_tasks", "?task_type=inference"), Strings{});
  EXPECT_EQ(api.get("/api/v2/tasks?status=live&limit=1")->json().at("total"), value(3));
}

// origins.md 1.3, row 17: "training/inference, other values ignored".
TEST_F(TasksTest, AnotherTaskTypeIsIgnored) {
  api.service.add("t", "training", TaskState::kRunning);
  EXPECT_EQ(ids("training_tasks", "?task_type=banana"), (Strings{"t"}));
}

TEST_F(TasksTest, WrongPagesAreRefused) {
  EXPECT_EQ(api.get("/api/v2/tasks?limit=x")->violations(), Strings{"int_parsing query.limit"});
  EXPECT_EQ(api.get("/api/v2/tasks?limit=-1")->violations(),
            Strings{"greater_than_equal query.limit"});
  EXPECT_EQ(api.get("/api/v2/tasks?offset=")->violations(), Strings{"int_parsing query.offset"});
}

TEST_F(TasksTest, EveryWrongParameterIsListed) {
  EXPECT_EQ(api.get("/api/v2/tasks?limit=x&offset=y")->violations(),
            (Strings{"int_parsing query.limit", "int_parsing query.offset"}));
}

TEST_F(TasksTest, AnUnknownTaskIs404InTheLanguageAskedFor) {
  const std::string chinese = "任务 7 不存在";
  const std::string english = "There is no task 7";
  // Unasked, the originals' routes speak as they did, and ours English.
  const std::vector<std::pair<std::string, std::string>> routes{
      {"/api/v2/tasks/7", chinese},
      {"/api/v2/tasks/7/logs", chinese},
      {"/api/v2/training/7", chinese},
      {"/api/v2/inference/7", chinese},
      {"/api/v2/tasks/7/explain", english},
      {"/api/v2/tasks/7/events", english},
      {"/api/v2/tasks/7/output/stdout", english}};
  for (const auto& [path, unasked] : routes) {
    EXPECT_EQ(api.get(path)->status(), 404) << path;
    EXPECT_EQ(api.get(path)->detail(), unasked) << path;
    EXPECT_EQ(api.get(path, {"Accept-Language", "en"})->detail(), english);
    EXPECT_EQ(api.get(path, {"Accept-Language", "zh"})->detail(), chinese);
  }
  EXPECT_EQ(api.post("/api/v2/tasks/7/cancel")->status(), 404);
  EXPECT_EQ(api.call("DELETE", "/api/v2/tasks/7")->status(), 404);
}

TEST_F(TasksTest, AnIdIsOneDecodedSegment) {
  api.service.add("a b%", "command", TaskState::kQueued);
  EXPECT_EQ(api.get("/api/v2/tasks/a%20b%25")->json().at("task_id"), value("a b%"));
}

TEST_F(TasksTest, CancelIsForLiveTasks) {
  for (const auto state : {TaskState::kPending, TaskState::kQueued, TaskState::kRunning}) {
    const std::string id = "live" + std::string(model::to_text(state));
    api.service.add(id, "inference", state);
    const auto answer = api.post("/api/v2/tasks/" + id + "/cancel");
    EXPECT_EQ(answer->json(),
              (value{{"status", "success"}, {"message", "任务已取消"}, {"task_id", id}}));
  }
  EXPECT_EQ(api.service.cancelled.size(), 3U);
  for (const auto state : {TaskState::kCompleted, TaskState::kFailed, TaskState::kCancelled}) {
    const std::string id = "over" + std::string(model::to_text(state));
    api.service.add(id, "inference", state);
    EXPECT_EQ(api.post("/api/v2/tasks/" + id + "/cancel")->status(), 409);
  }
  EXPECT_EQ(api.service.cancelled.size(), 3U);
}

TEST_F(TasksTest, RemovingIsForEndedTasks) {
  api.service.add("live", "training", TaskState::kRunning);
  api.service.add("over", "training", TaskState::kFailed);
  EXPECT_EQ(api.call("DELETE", "/api/v2/tasks/live")->status(), 409);
  EXPECT_EQ(api.call("DELETE", "/api/v2/tasks/live")->detail(), "任务 live 不存在或无法删除");
  EXPECT_EQ(api.call("DELETE", "/api/v2/tasks/over")->json().at("message"),
            value("任务记录已删除"));
  EXPECT_EQ(api.service.removed, Strings{"over"});
}

TEST_F(TasksTest, ARaceWithTheEndIsAnsweredByTheService) {
  api.service.add("t", "training", TaskState::kRunning);
  api.service.refuse = base::Error{base::ErrorCode::kWrongState, "it has ended", {}};
  EXPECT_EQ(api.post("/api/v2/tasks/t/cancel")->status(), 409);
}

TEST_F(TasksTest, ExplainHasOneVerdictPerDevice) {
  api.service.add("t", "training", TaskState::kQueued);
  const auto body = api.get("/api/v2/tasks/t/explain")->json();
  EXPECT_EQ(body.at("devices").as_array().size(), 3U);
  std::int64_t sum = 0;
  for (const auto& entry : body.at("counts").as_object()) sum += entry.value().as_int64();
  EXPECT_EQ(sum, 3);
}

TEST_F(TasksTest, ExplainSpeaksTheLanguageAskedFor) {
  api.service.add("t", "training", TaskState::kRunning);
  const std::string path = "/api/v2/tasks/t/explain";
  const auto english = api.get(path)->json();
  EXPECT_TRUE(base::string_or(english.as_object(), "summary").starts_with("Running on "));
  const auto chinese = api.get(path, {"Accept-Language", "zh"})->json();
  EXPECT_TRUE(base::string_or(chinese.as_object(), "summary").starts_with("正在 "));
}

TEST_F(TasksTest, ExplainSaysWhatTheDriverSaysInTheLanguageAskedFor) {
  api.service.add("t", "training", TaskState::kQueued);
  auto& device = api.service.scheduler.devices.at(model::DeviceId("GPU-aaaa"));
  device.reading.emplace();
  device.reading->health = model::Health::kLost;
  device.reading->health_reason = "GPU is lost";
  const auto available = [&](const std::vector<std::string>& headers) {
    const auto body = api.get("/api/v2/tasks/t/explain", headers)->json();
    for (const auto& one : body.at("devices").as_array()) {
      if (one.at("uuid") == value("GPU-aaaa")) return one.at("available");
    }
    return value(nullptr);
  };
  EXPECT_EQ(available({}), value("lost: GPU is lost"));
  EXPECT_EQ(available({"Accept-Language", "zh-CN"}), value("设备丢失：GPU 丢失（掉卡）"));
}

TEST_F(TasksTest, AMisspeltFieldIsRefused) {
  EXPECT_EQ(api.post("/api/v2/tasks", R"({"command": ["true"], "memory": 8})")->violations(),
            (Strings{"extra_forbidden body.memory"}));
}

TEST_F(TasksTest, RemovingATaskThatIsStillBeingCancelledSaysSo) {
  api.service.add("t", "command", TaskState::kRunning)->cancelling = true;
  const auto answer = api.call("DELETE", "/api/v2/tasks/t");
  EXPECT_EQ(answer->status(), 409);
  EXPECT_NE(answer->detail().find("being cancelled"), std::string::npos) << answer->detail();
}

TEST_F(TasksTest, OutputThatIsNoLongerKeptIsToldOnRequest) {
  api.service.add("t", "command", TaskState::kCompleted);
  api.service.print("t", "0123456789");
  api.service.output_start = 4;
  const std::string path = "/api/v2/tasks/t/output/stdout";
  EXPECT_EQ(api.get(path)->stream->take(), "456789");
  const auto gap = api.get(path + "?exact=true");
  EXPECT_EQ(gap->status(), 416);
  EXPECT_EQ(gap->json().at("offset"), value(4));
  EXPECT_EQ(api.get(path + "?exact=true&offset=4")->stream->take(), "456789");
}

TEST_F(TasksTest, WhatIsFullRefusesWithItsOwnStatus) {
  api.service.refuse = base::Error{base::ErrorCode::kStorageFull, "no room", {}};
  EXPECT_EQ(api.post("/api/v2/tasks", R"({"command": ["true"]})")->status(), 507);
}

TEST_F(TasksTest, ReadinessSaysWhyNothingIsTaken) {
  EXPECT_EQ(api.get("/readyz")->status(), 200);
  EXPECT_EQ(api.get("/api/v1/health")->json().at("status"), value("healthy"));
  api.service.readiness = base::fail(base::ErrorCode::kStorageFull, "no room");
  EXPECT_EQ(api.get("/readyz")->status(), 503);
  EXPECT_EQ(api.get("/healthz")->status(), 200);
  EXPECT_EQ(api.get("/metrics")->response->body, "m 1\n");
  EXPECT_EQ(api.get("/metrics?labels=dcgm")->response->body, "m{modelName=\"x\"} 1\n");
  EXPECT_EQ(api.get("/metrics?labels=all")->status(), 400);
  EXPECT_EQ(api.get("/api/v1/health")->json().at("status"), value("unhealthy"));
}

}  // namespace
}  // namespace berth::api::test
