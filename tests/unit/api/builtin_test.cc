// SPDX-License-Identifier: Apache-2.0
// Training and inference requests: what the originals take is taken, what cannot be is refused when
// the request arrives.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "api/fake_service.h"

namespace berth::api::test {
namespace {

using base::json::object;
using base::json::value;
using model::TaskState;
using Strings = std::vector<std::string>;

class BuiltinTest : public testing::Test {
 protected:
  BuiltinTest() {
    char name[] = "/tmp/berth-api-XXXXXX";
    folder = ::mkdtemp(name);
    for (const char* part : {"/train", "/valid", "/images"}) {
      std::filesystem::create_directory(folder + part);
    }
    for (const char* part : {"/weights.safetensors", "/config.yaml"}) {
      std::ofstream file(folder + part);
    }
  }
  ~BuiltinTest() override { std::filesystem::remove_all(folder); }

  object training(const object& changes = {}) {
    return with({{"model", "resnet18"},
                 {"num_classes", 4},
                 {"train_path", folder + "/train"},
                 {"val_path", folder + "/valid"},
                 {"save_path", folder + "/out"}},
                changes);
  }
  object inference(const object& changes = {}) {
    return with(
        {{"weight_path", folder + "/weights.safetensors"}, {"source_path", folder + "/images"}},
        changes);
  }
  static object with(object body, const object& changes) {
    for (const auto& entry : changes) body[entry.key()] = entry.value();
    return body;
  }
  std::shared_ptr<Answer> train(const object& changes = {}) {
    return api.post("/api/v2/training/start", base::to_text(training(changes)));
  }
  std::shared_ptr<Answer> infer(const object& changes = {}) {
    return api.post("/api/v2/inference/start", base::to_text(inference(changes)));
  }

  std::string folder;
  Api api;
};

TEST_F(BuiltinTest, ATrainingGetsTheOriginalsDefaults) {
  const auto answer = train();
  ASSERT_EQ(answer->status(), 200) << answer->response->body;
  const auto& task = api.service.submitted.at(0);
  EXPECT_EQ(task.type, "training");
  EXPECT_TRUE(task.request.builtin);
  EXPECT_EQ(task.request.kind, model::Kind::kTraining);
  EXPECT_EQ(task.request.priority, 5);
  EXPECT_EQ(task.request.selector.text, "cuda");
  EXPECT_EQ(value(task.parameters), (value{{"model", "resnet18"},
                                           {"num_classes", 4},
                                           {"train_path", folder + "/train"},
                                           {"val_path", folder + "/valid"},
                                           {"save_path", folder + "/out"},
                                           {"batch_size", 8},
                                           {"num_epochs", 100},
                                           {"learning_rate", 0.0001},
                                           {"image_size", 224},
                                           {"weight_path", ""},
                                           {"pretrained", true},
                                           {"shuffle", true}}));
  const auto body = answer->json();
  EXPECT_EQ(body.at("status"), value("pending"));
  EXPECT_EQ(body.at("message"), value("等待开始"));
  EXPECT_EQ(body.at("progress"), value(0));
  EXPECT_EQ(body.at("device"), value("cuda"));
  EXPECT_EQ(body.at("total_epochs"), value(100));
  EXPECT_TRUE(body.at("current_epoch").is_null());
  EXPECT_TRUE(body.at("latest_metrics").is_null());
}

TEST_F(BuiltinTest, WhatATrainingMayNeedFollowsItsModelBatchAndPictures) {
  const auto estimate = [&](const object& changes) -> std::optional<double> {
    EXPECT_EQ(train(changes)->status(), 200);
    const auto& request = api.service.submitted.back().request;
    EXPECT_TRUE(request.memory_by_history);
    if (!request.memory_estimate) return std::nullopt;
    return request.memory_estimate->gib();
  };
  EXPECT_FALSE(estimate({}));  // 60 % of a device shared by its trainings, as the originals have it
  const char* strategy = "memory_strategy";
  // 0.75 GiB, 16 bytes for each of 11.7 million parameters, 26.5 MiB for each of eight pictures
  EXPECT_NEAR(*estimate({{strategy, "dynamic"}}), 1.13, 0.01);
  EXPECT_NEAR(*estimate({{strategy, "dynamic"}, {"image_size", 448}, {"batch_size", 2}}), 1.13,
              0.01);
  EXPECT_NEAR(*estimate({{strategy, "dynamic"}, {"batch_size", 64}}), 2.58, 0.01);
  EXPECT_FALSE(estimate({{strategy, "aggressive"}}));
}

TEST_F(BuiltinTest, WhatTheOriginalsTakeIsTaken) {
  EXPECT_EQ(train({{"num_classes", -5}})->status(), 200);
  EXPECT_EQ(train({{"batch_size", "16"}, {"num_epochs", 8.0}})->status(), 200);
  EXPECT_EQ(train({{"weight_path", nullptr}})->status(), 200);
  EXPECT_EQ(train({{"unknown", 1}})->status(), 200);
  EXPECT_EQ(train({{"pretrained", "yes"}, {"shuffle", 0}})->status(), 200);
  EXPECT_EQ(train({{"device", ""}})->status(), 200);
  EXPECT_EQ(api.service.submitted.back().device, "cuda");
}

TEST_F(BuiltinTest, AWarmUpIsShorterThanTheTraining) {
  EXPECT_EQ(train({{"num_epochs", 3}, {"warmup_epochs", 3}})->violations(),
            Strings{"value_error body.warmup_epochs"});
}

TEST_F(BuiltinTest, TheNameIsAFolderUnderTheSavePath) {
  ASSERT_EQ(train({{"name", "run 1"}})->status(), 200);
  EXPECT_EQ(api.service.submitted.back().save_path, folder + "/out/run 1");
  ASSERT_EQ(infer({{"save_path", folder + "/out"}, {"name", "run"}})->status(), 200);
  EXPECT_EQ(api.service.submitted.back().save_path, folder + "/out/run");
  for (const char* outside : {"../x", "a/../../b", "..", "/etc"}) {
    EXPECT_EQ(train({{"name", outside}})->violations(), Strings{"value_error body.name"});
    EXPECT_EQ(infer({{"name", outside}})->violations(), Strings{"value_error body.name"});
  }
}

TEST_F(BuiltinTest, AnInferencesPathIsNormalisedWithItsName) {
  ASSERT_EQ(infer({{"save_path", folder + "/out"}, {"name", "a/./run"}})->status(), 200);
  EXPECT_EQ(api.service.submitted.back().save_path, folder + "/out/a/run");
}

TEST_F(BuiltinTest, AnEmptySavePathIsTheOriginalsDefault) {
  ASSERT_EQ(train({{"save_path", ""}})->status(), 200);
  EXPECT_EQ(api.service.submitted.back().save_path,
            std::filesystem::current_path().string() + "/models/output");
}

TEST_F(BuiltinTest, AnInferenceNeedsWeightsAndASource) {
  ASSERT_EQ(infer({{"task_id", "mine"}})->status(), 200);
  const auto& task = api.service.submitted.back();
  EXPECT_EQ(task.type, "inference");
  EXPECT_EQ(task.request.priority, 3);
  EXPECT_EQ(task.save_path, "/var/lib/berth/results/mine");
  EXPECT_EQ(api.post("/api/v2/inference/start", "{}")->violations(),
            (Strings{"missing body.weight_path", "missing body.source_path"}));
  EXPECT_EQ(infer({{"cfg_path", folder + "/config.yaml"}})->status(), 200);
  EXPECT_EQ(infer({{"batch_size", 0}})->violations(),
            Strings{"greater_than_equal body.batch_size"});
}

TEST_F(BuiltinTest, ABenchmarkIsAnInferenceOfItsOwnType) {
  const auto benchmark = [&](const object& changes, const char* path) {
    object body = inference(changes);
    body["data_path"] = body["source_path"];
    body.erase("source_path");
    for (const auto& entry : changes) body[entry.key()] = entry.value();
    return api.post(path, base::to_text(body));
  };
  constexpr const char* kPath = "/api/v2/inference/benchmark";
  const auto answer = benchmark({{"task_id", "b"}, {"batch_size", 4}}, kPath);
  ASSERT_EQ(answer->status(), 200) << answer->response->body;
  const auto& task = api.service.submitted.back();
  EXPECT_EQ(task.type, "benchmark");
  EXPECT_EQ(task.request.kind, model::Kind::kInference);
  EXPECT_EQ(task.request.priority, 3);
  EXPECT_EQ(task.save_path, "/var/lib/berth/results/b");
  EXPECT_EQ(task.parameters.at("batch_size"), value(4));
  EXPECT_TRUE(task.parameters.contains("data_path"));
  EXPECT_FALSE(task.parameters.contains("source_path"));
  EXPECT_EQ(api.post(kPath, "{}")->violations(),
            (Strings{"missing body.weight_path", "missing body.data_path"}));
  EXPECT_EQ(benchmark({{"batch_size", 0}}, kPath)->violations(),
            Strings{"greater_than_equal body.batch_size"});
  const auto missing = benchmark({{"data_path", "/nowhere"}}, kPath);
  EXPECT_EQ(missing->status(), 400);
  EXPECT_EQ(missing->detail(), "数据集路径不存在: /nowhere");
}

TEST_F(BuiltinTest, ABenchmarkIsFoundAmongTheInferences) {
  api.service.add("b", "benchmark", TaskState::kCompleted);
  api.service.add("i", "inference", TaskState::kCompleted);
  EXPECT_EQ(api.get("/api/v2/inference/b")->json().at("message"), value("基准测试完成"));
  EXPECT_EQ(api.get("/api/v2/training/b")->status(), 404);
  const auto list = api.get("/api/v2/tasks?task_type=inference")->json();
  EXPECT_EQ(list.at("total_inference"), value(2));
  EXPECT_EQ(list.at("inference_tasks").at(0).at("task_type"), value("benchmark"));
}

TEST_F(BuiltinTest, MissingFieldsAreAllListed) {
  EXPECT_EQ(api.post("/api/v2/training/start", "{}")->violations(),
            (Strings{"missing body.model", "missing body.num_classes", "missing body.train_path",
                     "missing body.val_path", "missing body.save_path"}));
}

TEST_F(BuiltinTest, WhatIsNotThereIs400InTheOriginalsWords) {
  const auto refused = [&](const std::shared_ptr<Answer>& answer, const std::string& text) {
    EXPECT_EQ(answer->status(), 400);
    EXPECT_TRUE(answer->detail().starts_with(text)) << answer->detail();
  };
  refused(train({{"model", "ResNet18"}}), "不支持的模型: ResNet18");
  refused(train({{"train_path", "/nowhere"}}), "训练集路径不存在: /nowhere");
  refused(train({{"val_path", "/nowhere"}}), "验证集路径不存在: /nowhere");
  refused(train({{"weight_path", "/nowhere"}}), "模型权重不存在: /nowhere");
  refused(infer({{"cfg_path", "/nowhere"}}), "配置文件不存在: /nowhere");
  refused(infer({{"weight_path", "/nowhere"}}), "模型权重不存在: /nowhere");
  refused(infer({{"source_path", "/nowhere"}}), "数据路径不存在: /nowhere");
  EXPECT_TRUE(api.service.submitted.empty());
}

TEST_F(BuiltinTest, AnEmptyPathIsNotTheWorkingDirectory) {
  EXPECT_EQ(train({{"train_path", ""}})->status(), 400);
  EXPECT_EQ(infer({{"source_path", ""}})->status(), 400);
}

TEST_F(BuiltinTest, ADeviceThatIsNoneIsRefusedAtOnce) {
  EXPECT_EQ(train({{"device", "banana"}})->violations(), Strings{"value_error body.device"});
  EXPECT_EQ(train({{"device", nullptr}})->violations(), Strings{"string_type body.device"});
  EXPECT_EQ(train({{"device", 0}})->violations(), Strings{"string_type body.device"});
}

TEST_F(BuiltinTest, WithoutTheWorkersNothingStarts) {
  api.service.build.installed = false;
  EXPECT_EQ(train()->status(), 503);
  EXPECT_EQ(infer()->status(), 503);
}

TEST_F(BuiltinTest, OlderPathsDoTheSame) {
  EXPECT_EQ(api.post("/api/v2/train", base::to_text(training()))->status(), 200);
  EXPECT_EQ(api.post("/api/v2/inference", base::to_text(inference({{"task_id", "i"}})))->status(),
            200);
  EXPECT_EQ(api.service.submitted.size(), 2U);
}

TEST_F(BuiltinTest, StopIsForTrainings) {
  api.service.add("t", "training", TaskState::kRunning);
  api.service.add("i", "inference", TaskState::kRunning);
  EXPECT_EQ(api.post("/api/v2/training/t/stop")->json().at("message"), value("训练任务已停止"));
  EXPECT_EQ(api.post("/api/v2/training/i/stop")->status(), 404);
  EXPECT_EQ(api.service.cancelled, Strings{"t"});
}

TEST_F(BuiltinTest, PathsAreConfinedToTheDataRoots) {
  api.service.roots = {folder};
  EXPECT_EQ(train()->status(), 200);
  EXPECT_EQ(train({{"train_path", "/etc"}})->status(), 403);
  EXPECT_EQ(train({{"save_path", "/tmp/elsewhere"}})->status(), 403);
  EXPECT_EQ(train({{"name", "../../elsewhere"}})->status(), 422);
  EXPECT_EQ(infer({{"save_path", folder + "/out"}})->status(), 200);
  EXPECT_EQ(infer({{"save_path", folder + "/out"}, {"name", "../../elsewhere"}})->status(), 422);
  EXPECT_EQ(infer({{"source_path", folder + "/../../etc"}, {"save_path", folder}})->status(), 403);
}

TEST_F(BuiltinTest, TheDaemonsOwnResultFolderNeedsNoDataRoot) {
  api.service.roots = {folder};
  EXPECT_EQ(infer()->status(), 200);
}

}  // namespace
}  // namespace berth::api::test
