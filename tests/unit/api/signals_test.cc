// SPDX-License-Identifier: Apache-2.0
// POST /api/v2/preprocessing/{spectrogram,waterfall,iq-dataset,snr,awgn}.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api/fake_service.h"

namespace berth::api::test {
namespace {

using base::json::object;
using base::json::value;
using model::TaskState;
using Strings = std::vector<std::string>;

class SignalsTest : public testing::Test {
 protected:
  SignalsTest() {
    char name[] = "/tmp/berth-api-XXXXXX";
    folder = ::mkdtemp(name);
    std::ofstream(folder + "/a.iq") << "12345678";
    api.service.build.installed = false;  // the other workers are not needed
    api.service.build.prepare = false;
  }
  ~SignalsTest() override { std::filesystem::remove_all(folder); }

  std::shared_ptr<Answer> post(const std::string& work, const object& changes = {}) {
    object body{{"source_path", folder + "/a.iq"}};
    if (work == "waterfall" || work == "iq-dataset") body["save_path"] = folder + "/out";
    for (const auto& entry : changes) body[entry.key()] = entry.value();
    return api.post("/api/v2/preprocessing/" + work, base::to_text(body),
                    {"Accept-Language", "zh"});
  }
  const model::TaskRecord& submitted() const { return api.service.submitted.back(); }

  std::string folder;
  Api api;
};

const Strings kWorks{"spectrogram", "waterfall", "iq-dataset", "snr", "awgn"};

TEST_F(SignalsTest, AreBuiltInTasksOnTheProcessor) {
  const Strings types{"spectrogram", "waterfall", "iq_dataset", "snr", "awgn"};
  for (std::size_t i = 0; i < kWorks.size(); ++i) {
    SCOPED_TRACE(kWorks[i]);
    const auto answer = post(kWorks[i], {{"device", "cuda:7"}});
    ASSERT_EQ(answer->status(), 200) << answer->response->body;
    EXPECT_EQ(answer->json().at("task_type"), value(types[i]));
    EXPECT_EQ(answer->json().at("input_path"), value(folder + "/a.iq"));
    EXPECT_EQ(submitted().type, types[i]);
    EXPECT_TRUE(submitted().request.builtin);
    EXPECT_EQ(submitted().request.kind, model::Kind::kCommand);
    EXPECT_EQ(submitted().request.selector.mode, model::Selector::Mode::kCpu);
    api.service.add("t-" + kWorks[i], types[i], TaskState::kRunning);
    EXPECT_EQ(api.get("/api/v2/preprocessing/t-" + kWorks[i])->status(), 200);
  }
}

TEST_F(SignalsTest, ResultsGoWhereTheyAreWanted) {
  EXPECT_EQ(post("spectrogram", {{"task_id", "s"}})->json().at("output_path"),
            value("/var/lib/berth/results/s"));
  EXPECT_EQ(submitted().parameters.at("save_path"), value("/var/lib/berth/results/s"));
  EXPECT_EQ(post("awgn", {{"save_path", folder + "/x/../y/"}})->json().at("output_path"),
            value(folder + "/y"));
  EXPECT_EQ(submitted().save_path, folder + "/y");
  EXPECT_TRUE(post("snr")->json().at("output_path").is_null()) << "it writes nothing";
  EXPECT_FALSE(submitted().parameters.contains("save_path"));
  EXPECT_EQ(api.post("/api/v2/preprocessing/iq-dataset", "{}")->violations(),
            (Strings{"missing body.source_path", "missing body.save_path"}));
  EXPECT_EQ(post("waterfall", {{"save_path", ""}})->violations(),
            Strings{"string_too_short body.save_path"});
}

TEST_F(SignalsTest, WhatIsGivenReachesTheWorkerAndNothingElse) {
  ASSERT_EQ(post("spectrogram", {{"save_path", folder + "/o"},
                                 {"format", "ci16"},
                                 {"sample_rate", "1e6"},
                                 {"use_side_file", false},
                                 {"duration_time", 0.01},
                                 {"stft_point", 256},
                                 {"overlap", 0},
                                 {"window", "hann"},
                                 {"colormap", nullptr},
                                 {"threads", 64},
                                 {"low_db", -80}})
                ->status(),
            200);
  EXPECT_EQ(value(submitted().parameters), (value{{"source_path", folder + "/a.iq"},
                                                  {"format", "ci16"},
                                                  {"sample_rate", 1e6},
                                                  {"use_side_file", false},
                                                  {"duration_time", 0.01},
                                                  {"low_db", -80.0},
                                                  {"stft_point", 256},
                                                  {"overlap", 0},
                                                  {"window", "hann"},
                                                  {"save_path", folder + "/o"}}));
}

TEST_F(SignalsTest, FieldsThatContradictEachOtherAreNamed) {
  EXPECT_EQ(post("spectrogram", {{"overlap", 1024}})->violations(),
            Strings{"value_error body.overlap"});
  EXPECT_EQ(post("spectrogram", {{"overlap", 64}, {"stft_point", 64}})->violations(),
            Strings{"value_error body.overlap"});
  EXPECT_EQ(post("waterfall", {{"low_db", 0}, {"high_db", 0}})->violations(),
            Strings{"value_error body.high_db"});
  EXPECT_EQ(post("waterfall", {{"save_path", folder + "/a.mov"}})->violations(),
            Strings{"value_error body.save_path"});
  EXPECT_EQ(post("waterfall", {{"save_path", folder + "/a.avi"}})->status(), 200);
  EXPECT_EQ(post("awgn", {{"snr_min", 30}})->violations(), Strings{"value_error body.snr_max"});
  EXPECT_EQ(post("awgn", {{"snr_step", 0.001}})->violations(),
            Strings{"value_error body.snr_step"});
}

TEST_F(SignalsTest, AMissingRecordingIsSaid) {
  for (const auto& work : kWorks) {
    const auto answer = post(work, {{"source_path", "/nonexistent"}});
    EXPECT_EQ(answer->status(), 400);
    EXPECT_EQ(answer->detail(), "数据路径不存在: /nonexistent");
    EXPECT_EQ(post(work, {{"source_path", ""}})->violations(),
              Strings{"string_too_short body.source_path"});
  }
}

TEST_F(SignalsTest, PathsAreConfinedToTheDataRoots) {
  api.service.roots = {folder};
  for (const auto& work : kWorks) {
    SCOPED_TRACE(work);
    EXPECT_EQ(post(work, {{"source_path", "/etc"}})->status(), 403);
    EXPECT_EQ(post(work, {{"save_path", "/tmp/elsewhere"}})->status(), work == "snr" ? 200 : 403);
    EXPECT_EQ(post(work)->status(), 200);
  }
}

TEST_F(SignalsTest, WithoutTheWorkerNothingStarts) {
  api.service.build.signal = false;
  for (const auto& work : kWorks) EXPECT_EQ(post(work)->status(), 503);
  EXPECT_TRUE(api.service.submitted.empty());
}

TEST_F(SignalsTest, TheirStatisticsAndWordsComeWithTheEnd) {
  const auto task = api.service.add("m", "snr", TaskState::kRunning);
  const auto get = [&] { return api.get("/api/v2/preprocessing/m")->json(); };
  EXPECT_EQ(get().at("message"), value("正在处理信号..."));
  task->state = TaskState::kCompleted;
  task->result = {{"files", {}}};
  EXPECT_EQ(get().at("message"), value("信噪比测量完成"));
  EXPECT_EQ(get().at("stats"), (value{{"files", {}}}));
  EXPECT_EQ(api.post("/api/v2/preprocessing/m/cancel")->status(), 400);
}

}  // namespace
}  // namespace berth::api::test
