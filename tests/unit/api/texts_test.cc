// SPDX-License-Identifier: Apache-2.0
#include "api/texts.h"

#include <gtest/gtest.h>

#include "api/chinese.h"
#include "api/request_words.h"
#include "base/error.h"
#include "base/renderings.h"
#include "core/words.h"

namespace berth::api {
namespace {

using model::TaskState;

http::Request request_in(std::string_view language) {
  http::Request request;
  request.language = language;
  return request;
}

std::string message(const std::string& type, TaskState state, Language language) {
  model::TaskRecord record;
  record.type = type;
  record.state = state;
  return status_message(record, language);
}

TEST(TextsTest, LanguageIsTheOneAskedForElseThatOfTheOriginals) {
  EXPECT_EQ(language_of(request_in("en"), "training"), Language::kEnglish);
  EXPECT_EQ(language_of(request_in("zh"), "command"), Language::kChinese);
  EXPECT_EQ(language_of(request_in(""), "training"), Language::kChinese);
  EXPECT_EQ(language_of(request_in(""), "inference"), Language::kChinese);
  EXPECT_EQ(language_of(request_in(""), "command"), Language::kEnglish);
  EXPECT_EQ(language_of(request_in("")), Language::kChinese);
}

TEST(TextsTest, OwnRoutesSpeakEnglishUnlessAskedOtherwise) {
  EXPECT_EQ(own_language(request_in("")), Language::kEnglish);
  EXPECT_EQ(own_language(request_in("en")), Language::kEnglish);
  EXPECT_EQ(own_language(request_in("zh")), Language::kChinese);
}

TEST(TextsTest, EverythingTheSchedulerSaysIsKnownInChinese) {
  for (const auto pattern : core::words::kAll) {
    if (pattern != core::words::kAmount) {
      EXPECT_NE(chinese(pattern), pattern) << pattern;
    }
  }
  for (const auto& row : base::kRefusalCodes) EXPECT_NE(chinese(row.text), row.text) << row.text;
}

TEST(TextsTest, WordsAreSaidInTheOrderOfTheLanguage) {
  const base::Phrase words{core::words::kIfFree, {"20.00 GB", "cuda:0", "2.40 GB"}};
  EXPECT_EQ(say(words, Language::kEnglish), "20.00 GB were free on cuda:0 (now 2.40 GB)");
  EXPECT_EQ(say(words, Language::kChinese), "cuda:0 上有 20.00 GB 空闲（现有 2.40 GB）");
  EXPECT_EQ(say(base::Phrase{core::words::kSlot, {"training"}}, Language::kChinese),
            "一个训练名额");
}

TEST(TextsTest, WhatABackEndSaysOfADeviceIsSaidInTheLanguage) {
  const std::string silent = "the driver has not answered for 2.1 s";
  const base::Phrase words{core::words::kStateAndReason, {"not_responding", silent}};
  EXPECT_EQ(say(words, Language::kEnglish), "not_responding: " + silent);
  EXPECT_EQ(say(words, Language::kChinese), "驱动无响应：驱动已 2.1 秒无响应");
  EXPECT_EQ(say_reason("lost", Language::kChinese), "设备丢失");
  EXPECT_EQ(say_reason(silent, Language::kEnglish), silent);
  EXPECT_EQ(say_reason("a word of a later driver", Language::kChinese), "a word of a later driver");
}

TEST(TextsTest, WhatAUserWroteIsNotTakenForADriversWord) {
  const base::Phrase words{core::words::kDrainedBecause, {"GPU is lost"}};
  EXPECT_EQ(say(words, Language::kChinese), "正在排空：GPU is lost");
}

TEST(TextsTest, StatusWordsAreThoseOfTheOriginals) {
  const auto zh = Language::kChinese;
  EXPECT_EQ(message("training", TaskState::kPending, zh), "等待开始");
  EXPECT_EQ(message("training", TaskState::kQueued, zh), "等待资源...");
  EXPECT_EQ(message("training", TaskState::kRunning, zh), "训练中...");
  EXPECT_EQ(message("inference", TaskState::kRunning, zh), "推理中...");
  EXPECT_EQ(message("training", TaskState::kCompleted, zh), "训练完成");
  EXPECT_EQ(message("inference", TaskState::kCompleted, zh), "推理完成");
  EXPECT_EQ(message("inference", TaskState::kCancelled, zh), "任务已取消");
  EXPECT_EQ(message("dataset_split", TaskState::kRunning, zh), "正在分割数据集...");
  EXPECT_EQ(message("data_augmentation", TaskState::kRunning, zh), "正在进行数据增强...");
  EXPECT_EQ(message("image_crop", TaskState::kRunning, zh), "正在裁剪图像...");
  EXPECT_EQ(message("dataset_split", TaskState::kCompleted, zh), "数据集分割完成");
  EXPECT_EQ(message("data_augmentation", TaskState::kCompleted, zh), "数据增强完成");
  EXPECT_EQ(message("image_crop", TaskState::kCompleted, zh), "裁剪完成");
  EXPECT_EQ(message("dataset_split", TaskState::kFailed, zh), "分割失败: ");
  EXPECT_EQ(message("data_augmentation", TaskState::kFailed, zh), "增强失败: ");
  EXPECT_EQ(message("image_crop", TaskState::kFailed, zh), "裁剪失败: ");
}

TEST(TextsTest, ATrainingThatRanIsCancelledInItsOwnWords) {
  model::TaskRecord record;
  record.type = "training";
  record.state = TaskState::kCancelled;
  EXPECT_EQ(status_message(record, Language::kChinese), "任务已取消");
  record.attempt = 1;
  EXPECT_EQ(status_message(record, Language::kChinese), "训练已被用户取消");
}

TEST(TextsTest, AFailureSaysWhy) {
  model::TaskRecord record;
  record.type = "inference";
  record.state = TaskState::kFailed;
  record.failure = model::Failure{"out_of_memory", "no memory", ""};
  EXPECT_EQ(status_message(record, Language::kChinese), "推理失败: no memory");
  EXPECT_EQ(status_message(record, Language::kEnglish), "Inference failed: no memory");
}

TEST(TextsTest, TheFallbackToTheProcessorIsSaid) {
  model::TaskRecord record;
  record.type = "training";
  record.state = TaskState::kRunning;
  record.fallback = "no_gpu";
  EXPECT_NE(status_message(record, Language::kEnglish).find("CPU"), std::string::npos);
  EXPECT_NE(status_message(record, Language::kChinese).find("CPU"), std::string::npos);
  record.cancelling = true;
  EXPECT_EQ(status_message(record, Language::kEnglish), "Cancelling...");
}

TEST(TextsTest, ErrorTextsAreThoseOfTheOriginals) {
  const auto zh = Language::kChinese;
  EXPECT_EQ(phrase(Phrase::kTaskUnknown, zh, "7"), "任务 7 不存在");
  EXPECT_EQ(phrase(Phrase::kCannotCancel, zh, "7"), "任务 7 不存在或无法取消");
  EXPECT_EQ(phrase(Phrase::kCannotRemove, zh, "7"), "任务 7 不存在或无法删除");
  EXPECT_EQ(phrase(Phrase::kModelUnknown, zh, "X"), "不支持的模型: X");
  EXPECT_EQ(phrase(Phrase::kTrainPathMissing, zh, "X"), "训练集路径不存在: X");
  EXPECT_EQ(phrase(Phrase::kValPathMissing, zh, "X"), "验证集路径不存在: X");
  EXPECT_EQ(phrase(Phrase::kConfigMissing, zh, "X"), "配置文件不存在: X");
  EXPECT_EQ(phrase(Phrase::kWeightsMissing, zh, "X"), "模型权重不存在: X");
  EXPECT_EQ(phrase(Phrase::kSourceMissing, zh, "X"), "数据路径不存在: X");
  EXPECT_EQ(phrase(Phrase::kInputMissing, zh, "X"), "输入路径不存在: X");
  EXPECT_EQ(phrase(Phrase::kDatasetMissing, zh, "X"), "数据集路径不存在: X");
  EXPECT_EQ(phrase(Phrase::kPreprocessingEnded, zh, "failed"), "任务状态为 failed，无法取消");
  EXPECT_EQ(phrase(Phrase::kTaskEnded, zh), "任务结束");
  EXPECT_EQ(phrase(Phrase::kInferenceStarted, zh, "3"), "已启动 3 个推理任务");
  EXPECT_EQ(phrase(Phrase::kTrainingStopped, zh), "训练任务已停止");
  EXPECT_EQ(phrase(Phrase::kTaskRemoved, zh), "任务记录已删除");
  EXPECT_EQ(phrase(Phrase::kLimitsUpdated, zh), "资源配置已更新");
}

TEST(TextsTest, AnArgumentIsPutInOnceAndAsItIs) {
  EXPECT_EQ(phrase(Phrase::kTaskUnknown, Language::kEnglish, "{}"), "There is no task {}");
}

base::json::value rendered(std::string_view record, Language language) {
  return *base::parse_json(render_record(record, language));
}

TEST(TextsTest, DaemonRecordsAreTheLinesOfTheOriginals) {
  const auto zh = Language::kChinese;
  const auto message_of = [&](const char* record) {
    return std::string(rendered(record, zh).at("message").as_string());
  };
  EXPECT_EQ(message_of(R"({"timestamp":"T","level":"INFO","code":"waiting","args":["CUDA"]})"),
            "等待CUDA资源...");
  EXPECT_EQ(message_of(R"({"code":"allocated","args":["cuda:0"]})"),
            "资源已分配，使用设备: cuda:0");
  EXPECT_EQ(message_of(R"({"code":"started","args":["training"]})"), "开始训练...");
  EXPECT_EQ(message_of(R"({"code":"completed","args":["training"]})"), "训练完成！");
  EXPECT_EQ(message_of(R"({"code":"cancel_requested"})"), "任务已被用户取消");
}

TEST(TextsTest, WhatHappensToATasksMemoryIsExplained) {
  constexpr auto kTaken = R"({"code":"memory_taken","args":["cuda:0","8.00 GB","2.10 GB"]})";
  constexpr auto kNotReady = R"({"code":"device_not_ready","args":["cuda:0","lost"]})";
  for (const auto* const over :
       {R"({"code":"memory_over","args":["cuda:0","8.00 GB","2.10 GB"]})",
        R"({"code":"memory_limit","args":["cuda:0","8.00 GB","2.10 GB"]})"}) {
    const auto chinese = rendered(over, Language::kChinese);
    EXPECT_NE(chinese, rendered(over, Language::kEnglish));
    for (const char* part : {"cuda:0", "8.00 GB", "2.10 GB"})
      EXPECT_NE(base::to_text(chinese).find(part), std::string::npos) << base::to_text(chinese);
  }
  for (const auto language : {Language::kEnglish, Language::kChinese}) {
    const std::string taken(rendered(kTaken, language).at("message").as_string());
    for (const char* part : {"cuda:0", "8.00 GB", "2.10 GB"})
      EXPECT_NE(taken.find(part), std::string::npos) << taken;
    const std::string not_ready(rendered(kNotReady, language).at("message").as_string());
    EXPECT_NE(not_ready.find("cuda:0"), std::string::npos) << not_ready;
  }
  EXPECT_NE(rendered(kTaken, Language::kEnglish), rendered(kTaken, Language::kChinese));
  constexpr auto kFailed = R"({"code":"device_not_ready","args":["cuda:0","GPU is lost"]})";
  EXPECT_EQ(rendered(kFailed, Language::kChinese).at("message"),
            base::json::value("启动前 cuda:0 状态异常（GPU 丢失（掉卡）），重新等待资源"));
}

TEST(TextsTest, ARecordKeepsItsTimeAndLevelAndTheLastHasItsStage) {
  EXPECT_EQ(
      rendered(R"({"timestamp":"T","level":"ERROR","code":"failed","args":["training","why"]})",
               Language::kEnglish),
      (base::json::value{
          {"timestamp", "T"}, {"level", "ERROR"}, {"message", "Training failed: why"}}));
  EXPECT_EQ(rendered(R"({"code":"completed","args":["training"]})", Language::kEnglish).at("stage"),
            base::json::value("completed"));
}

TEST(TextsTest, WhatIsNoRecordComesOutAsItIs) {
  EXPECT_EQ(render_record("no json", Language::kEnglish), "no json");
  EXPECT_EQ(rendered(R"({"code":"later_version","args":[1]})", Language::kEnglish).at("message"),
            base::json::value("later_version"));
}

TEST(TextsTest, WhatIsWrongWithARequestHasAChineseText) {
  base::check_rows(request_words());
  base::check_found(request_words(), in_chinese, "not readable", "无法读取");
  base::check_said(request_words(), {BERTH_ROOT "/src"});
}

TEST(TextsTest, TheDetailOfAnErrorIsInTheLanguageAskedFor) {
  const auto said = [](std::string_view language, std::string body) {
    http::Response response{422, "application/json", std::move(body), {}};
    say_detail(request_in(language), response);
    return response.body;
  };
  const std::string refusal = R"({"detail":"Task a has not ended: cancel it first"})";
  EXPECT_EQ(said("zh", refusal), R"({"detail":"任务 a 尚未结束：请先取消"})");
  EXPECT_EQ(said("en", refusal), refusal);
  EXPECT_EQ(said("", refusal), refusal);
  EXPECT_EQ(
      said("zh", R"({"detail":[{"type":"greater_than_equal","loc":["body","gpus"],"msg":)"
                 R"("Input should be greater than or equal to 1","input":0,"ctx":{"ge":1}}]})"),
      R"({"detail":[{"type":"greater_than_equal","loc":["body","gpus"],"msg":)"
      R"("应大于或等于 1","input":0,"ctx":{"ge":1}}]})");
  for (const char* odd :
       {"", "no JSON", "[]", R"({"detail":[1,{"msg":2}]})", R"({"error":"lost"})"})
    EXPECT_EQ(said("zh", odd), odd) << "left as it is";
}

}  // namespace
}  // namespace berth::api
