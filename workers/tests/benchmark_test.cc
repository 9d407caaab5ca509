// SPDX-License-Identifier: Apache-2.0
// The benchmark task.
#include "worker_run.h"

namespace berth {
namespace {

namespace fs = std::filesystem;
using boost::json::object;
using tests::parsed;
using tests::TemporaryFolder;
using tests::text_of;
using tests::WorkerRun;

object benchmark_spec(const WorkerRun& run) {
  return {{"weight_path", run.saved("best_model.safetensors")},
          {"data_path", run.folder.path() + "/data"},
          {"save_path", run.folder.path() + "/results"},
          {"device", "cpu"}};
}

TEST(Benchmark, TellsSnrsAndColormapsApart) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 16, 6);
  ASSERT_EQ(run.run("train", run.train_spec(2)), 0);
  const double best = run.events("result").at(0).at("data").at("best_acc").to_number<double>();
  const std::string val = run.folder.path() + "/val", data = run.folder.path() + "/data";
  for (const char* group : {"-5dB/jet", "10dB/gray"}) {
    fs::create_directories(data + "/" + group);
    fs::copy(val, data + "/" + group, fs::copy_options::recursive);
  }
  fs::create_directories(data + "/10dB/gray/unknown");
  fs::create_directories(data + "/results");  // of an earlier run
  run.folder.write("data/10dB/gray/unknown/1.jpg", "no class of the model");
  ASSERT_EQ(run.run("benchmark", benchmark_spec(run)), 0)
      << TemporaryFolder::read(run.folder.path() + "/err");
  const std::string results = run.folder.path() + "/results";
  const object all = parsed(TemporaryFolder::read(results + "/benchmark.json"));
  ASSERT_EQ(all.at("groups").as_array().size(), 2u);
  for (const auto& group : all.at("groups").as_array()) {
    EXPECT_EQ(group.at("images").as_int64(), 12);
    EXPECT_DOUBLE_EQ(group.at("accuracy").to_number<double>(), best);
    int64_t samples = 0;
    for (const auto& row : group.at("confusion_matrix").as_array()) {
      for (const auto& count : row.as_array()) samples += count.as_int64();
    }
    EXPECT_EQ(samples, 12);
  }
  const auto told = run.events("result").back().at("data").at("groups").as_array();
  ASSERT_EQ(told.size(), 2u) << "the task's result has the figures, but not what is large";
  EXPECT_DOUBLE_EQ(told.at(1).at("accuracy").to_number<double>(), best);
  EXPECT_FALSE(told.at(1).as_object().contains("confusion_matrix"));
  EXPECT_EQ(text_of(all.at("groups").at(0).at("snr")), "-5dB");
  EXPECT_EQ(all.at("passed_over").as_array().size(), 1u);
  EXPECT_TRUE(fs::exists(results + "/-5dB_jet_confusion_matrix.png"));
  EXPECT_TRUE(fs::exists(results + "/10dB_gray_confusion_matrix.png"));
  // A second run adds nothing to the first.
  ASSERT_EQ(run.run("benchmark", benchmark_spec(run)), 0);
  const std::string text = TemporaryFolder::read(results + "/benchmark_result.txt");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(Benchmark, AnotherLayoutIsRefusedWithTheRightOne) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 8, 2);
  ASSERT_EQ(run.run("train", run.train_spec(1)), 0);
  object spec = benchmark_spec(run);
  spec["data_path"] = run.folder.path() + "/val";
  EXPECT_EQ(run.run("benchmark", spec), 1);
  EXPECT_EQ(run.failure(), "bad_request");
  EXPECT_NE(text_of(run.events("failure")[0].at("message")).find("<snr>/<colormap>/<class>"),
            std::string::npos);
}

}  // namespace
}  // namespace berth
