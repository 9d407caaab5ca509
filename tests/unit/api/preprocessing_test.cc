// SPDX-License-Identifier: Apache-2.0
// POST /api/v2/preprocessing/{split,augment,crop} and what follows.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "api/fake_service.h"

namespace berth::api::test {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;
using model::TaskState;
using Strings = std::vector<std::string>;

class PreprocessingTest : public testing::Test {
 protected:
  PreprocessingTest() {
    char name[] = "/tmp/berth-api-XXXXXX";
    folder = ::mkdtemp(name);
    std::filesystem::create_directories(folder + "/a/in");
    api.service.build.installed = false;  // the other worker is not needed
    api.service.build.prepare = true;
  }
  ~PreprocessingTest() override { std::filesystem::remove_all(folder); }

  std::shared_ptr<Answer> post(const char* work, object body, const object& changes) {
    for (const auto& entry : changes) body[entry.key()] = entry.value();
    return api.post(std::string("/api/v2/preprocessing/") + work, base::to_text(body),
                    {"Accept-Language", "zh"});
  }
  std::shared_ptr<Answer> split(const object& changes = {}) {
    return post("split", {{"input_path", folder + "/a/in"}, {"output_path", folder + "/out"}},
                changes);
  }
  std::shared_ptr<Answer> augment(const object& changes = {}) {
    return post("augment", {{"dataset_path", folder + "/a/in"}}, changes);
  }
  std::shared_ptr<Answer> crop(const object& changes = {}) {
    return post("crop",
                {{"input_path", folder + "/a/in"},
                 {"output_path", folder + "/out"},
                 {"x", 0},
                 {"y", 1},
                 {"width", 20},
                 {"height", 30}},
                changes);
  }
  const object& parameters() const { return api.service.submitted.back().parameters; }

  std::string folder;
  Api api;
};

TEST_F(PreprocessingTest, ASplitIsABuiltInTaskOnTheProcessor) {
  const auto answer = split();
  ASSERT_EQ(answer->status(), 200) << answer->response->body;
  const auto& task = api.service.submitted.at(0);
  EXPECT_EQ(task.type, "dataset_split");
  EXPECT_TRUE(task.request.builtin);
  EXPECT_EQ(task.request.kind, model::Kind::kCommand);
  EXPECT_EQ(task.request.selector.mode, model::Selector::Mode::kCpu);
  EXPECT_EQ(task.request.retry.max, 0);
  EXPECT_EQ(task.save_path, folder + "/out");
  EXPECT_EQ(value(task.parameters), (value{{"input_path", folder + "/a/in"},
                                           {"output_path", folder + "/out"},
                                           {"train_ratio", 0.8},
                                           {"overwrite", false},
                                           {"link", false}}));
  const auto body = answer->json();
  EXPECT_EQ(body.at("task_type"), value("dataset_split"));
  EXPECT_EQ(body.at("status"), value("pending"));
  EXPECT_EQ(body.at("message"), value("等待开始"));
  EXPECT_EQ(body.at("progress"), value(0));
  EXPECT_EQ(body.at("input_path"), value(folder + "/a/in"));
  EXPECT_EQ(body.at("output_path"), value(folder + "/out"));
  EXPECT_TRUE(body.at("stats").is_null());
}

TEST_F(PreprocessingTest, EveryFieldOfASplitReachesTheWorker) {
  ASSERT_EQ(split({{"train_ratio", "0.7"},
                   {"val_ratio", 0.2},
                   {"seed", 7},
                   {"overwrite", true},
                   {"link", "yes"},
                   {"task_id", "s"},
                   {"description", "d"},
                   {"priority", 2},
                   {"device", "cuda:7"}})
                ->status(),
            200);
  EXPECT_EQ(value(parameters()), (value{{"input_path", folder + "/a/in"},
                                        {"output_path", folder + "/out"},
                                        {"train_ratio", 0.7},
                                        {"val_ratio", 0.2},
                                        {"seed", 7},
                                        {"overwrite", true},
                                        {"link", true}}));
  const auto& task = api.service.submitted.back();
  EXPECT_EQ(task.id().value, "s");
  EXPECT_EQ(task.description, "d");
  EXPECT_EQ(task.request.priority, 2);
  EXPECT_EQ(task.request.selector.mode, model::Selector::Mode::kCpu) << "there is no choice";
}

TEST_F(PreprocessingTest, RatiosAreChecked) {
  EXPECT_EQ(split({{"train_ratio", 0.05}})->violations(),
            Strings{"greater_than_equal body.train_ratio"});
  EXPECT_EQ(split({{"train_ratio", 0.95}})->violations(),
            Strings{"less_than_equal body.train_ratio"});
  EXPECT_EQ(split({{"val_ratio", 0.01}})->violations(),
            Strings{"greater_than_equal body.val_ratio"});
  EXPECT_EQ(split({{"val_ratio", 0.6}})->violations(), Strings{"less_than_equal body.val_ratio"});
  EXPECT_EQ(split({{"train_ratio", "x"}})->violations(), Strings{"float_parsing body.train_ratio"});
  EXPECT_EQ(split({{"train_ratio", 0.9}, {"val_ratio", 0.2}})->violations(),
            Strings{"value_error body.val_ratio"});
  EXPECT_EQ(split({{"train_ratio", 0.9}, {"val_ratio", 0.1}})->status(), 200);
  EXPECT_EQ(split({{"val_ratio", nullptr}})->status(), 200);
  const auto bound = split({{"train_ratio", 0.05}})->json().at("detail").at(0);
  EXPECT_EQ(bound.at("msg"), value("Input should be greater than or equal to 0.1"));
  EXPECT_EQ(bound.at("ctx").at("ge"), value(0.1));
}

TEST_F(PreprocessingTest, AugmentationGoesBesideTheFolderOfItsDataSetUnlessToldElsewhere) {
  const auto answer = augment();
  ASSERT_EQ(answer->status(), 200) << answer->response->body;
  EXPECT_EQ(answer->json().at("task_type"), value("data_augmentation"));
  EXPECT_EQ(answer->json().at("input_path"), value(folder + "/a/in"));
  EXPECT_EQ(answer->json().at("output_path"), value(folder + "/dataset_aug"));
  EXPECT_EQ(parameters().at("methods"), value(array{}));
  ASSERT_EQ(augment({{"output_path", folder + "/x"}, {"methods", {"CLAHE", "Sharpen"}}})->status(),
            200);
  EXPECT_EQ(base::string_or(parameters(), "output_path"), folder + "/x");
  EXPECT_EQ(parameters().at("methods"), (value{"CLAHE", "Sharpen"}));
}

TEST_F(PreprocessingTest, AnUnknownMethodIsRefusedWithTheKnownOnes) {
  const auto answer = augment({{"methods", {"CLAHE", "Blurr"}}});
  EXPECT_EQ(answer->status(), 400);
  EXPECT_NE(answer->detail().find("Blurr"), std::string::npos);
  EXPECT_NE(answer->detail().find("AdvancedBlur, CLAHE, ColorJitter"), std::string::npos);
  EXPECT_EQ(augment({{"methods", "CLAHE"}})->violations(), Strings{"list_type body.methods"});
  EXPECT_TRUE(api.service.submitted.empty());
}

TEST_F(PreprocessingTest, ACropNeedsItsRectangle) {
  ASSERT_EQ(crop()->status(), 200);
  EXPECT_EQ(parameters().at("y"), value(1));
  EXPECT_EQ(parameters().at("height"), value(30));
  EXPECT_EQ(crop({{"x", -1}})->violations(), Strings{"greater_than_equal body.x"});
  EXPECT_EQ(crop({{"width", 0}})->violations(), Strings{"greater_than_equal body.width"});
  EXPECT_EQ(api.post("/api/v2/preprocessing/crop", "{}")->violations(),
            (Strings{"missing body.input_path", "missing body.output_path", "missing body.x",
                     "missing body.y", "missing body.width", "missing body.height"}));
}

TEST_F(PreprocessingTest, MissingPathsAreSaidInTheOriginalsWords) {
  EXPECT_EQ(split({{"input_path", "/nonexistent"}})->status(), 400);
  EXPECT_EQ(split({{"input_path", "/nonexistent"}})->detail(), "输入路径不存在: /nonexistent");
  EXPECT_EQ(crop({{"input_path", "/nonexistent"}})->detail(), "输入路径不存在: /nonexistent");
  EXPECT_EQ(augment({{"dataset_path", "/nonexistent"}})->detail(),
            "数据集路径不存在: /nonexistent");
  EXPECT_EQ(split({{"input_path", ""}})->violations(), Strings{"string_too_short body.input_path"});
}

TEST_F(PreprocessingTest, PathsAreConfinedToTheDataRoots) {
  api.service.roots = {folder + "/a"};
  EXPECT_EQ(split()->status(), 403);
  EXPECT_EQ(split({{"output_path", folder + "/a/out"}})->status(), 200);
  EXPECT_EQ(split({{"input_path", "/etc"}, {"output_path", folder + "/a/out"}})->status(), 403);
  EXPECT_EQ(augment()->status(), 403) << "where the originals put it lies outside";
}

TEST_F(PreprocessingTest, WithoutTheWorkerNothingStarts) {
  api.service.build.prepare = false;
  EXPECT_EQ(split()->status(), 503);
  EXPECT_EQ(augment()->status(), 503);
  EXPECT_EQ(crop()->status(), 503);
}

TEST_F(PreprocessingTest, TheStatisticsComeWithTheEnd) {
  const auto task = api.service.add("p", "image_crop", TaskState::kRunning);
  task->items_done = 3;
  task->items_total = 10;
  const auto get = [&] { return api.get("/api/v2/preprocessing/p")->json(); };
  EXPECT_EQ(get().at("message"), value("处理中 (3/10)"));
  EXPECT_TRUE(get().at("stats").is_null());
  task->result = {{"success", 10}};
  EXPECT_TRUE(get().at("stats").is_null()) << "not before it is completed";
  task->state = TaskState::kCompleted;
  EXPECT_EQ(get().at("stats"), (value{{"success", 10}}));
  EXPECT_EQ(get().at("message"), value("裁剪完成"));
}

TEST_F(PreprocessingTest, OnlyPreprocessingTasksAreKnownThere) {
  api.service.add("t", "training", TaskState::kRunning);
  EXPECT_EQ(api.get("/api/v2/preprocessing/t")->status(), 404);
  EXPECT_EQ(api.get("/api/v2/preprocessing/t")->detail(), "任务 t 不存在");
  EXPECT_EQ(api.post("/api/v2/preprocessing/t/cancel")->status(), 404);
  EXPECT_EQ(api.get("/api/v2/preprocessing/nobody/logs")->status(), 404);
}

TEST_F(PreprocessingTest, TheGeneralRoutesKnowThemToo) {
  api.service.add("p", "dataset_split", TaskState::kRunning);
  EXPECT_EQ(api.get("/api/v2/tasks/p")->json().at("task_type"), value("dataset_split"));
  const auto list = api.get("/api/v2/tasks")->json();
  EXPECT_EQ(list.at("total"), value(1));
  EXPECT_EQ(list.at("training_tasks"), value(array{}));
  EXPECT_EQ(list.at("inference_tasks"), value(array{}));
  EXPECT_EQ(api.post("/api/v2/tasks/p/cancel")->json().at("message"), value("任务已取消"));
}

TEST_F(PreprocessingTest, CancelSpeaksAsTheOriginalsDid) {
  api.service.add("p", "dataset_split", TaskState::kRunning);
  EXPECT_EQ(api.post("/api/v2/preprocessing/p/cancel")->json(),
            (value{{"status", "success"}, {"message", "预处理任务已取消"}, {"task_id", "p"}}));
  EXPECT_EQ(api.service.cancelled, Strings{"p"});
  api.service.add("q", "image_crop", TaskState::kCompleted);
  const auto late = api.post("/api/v2/preprocessing/q/cancel");
  EXPECT_EQ(late->status(), 400);
  EXPECT_EQ(late->detail(), "任务状态为 completed，无法取消");
}

}  // namespace
}  // namespace berth::api::test
