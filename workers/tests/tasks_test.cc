// SPDX-License-Identifier: Apache-2.0
// The tasks of the vision worker.
#include "worker_run.h"

namespace berth {
namespace {

using boost::json::object;
using tests::parsed;
using tests::TemporaryFolder;
using tests::text_of;
using tests::WorkerRun;

TEST(Train, LearnsReportsAndWritesAndInferenceAgrees) {
  WorkerRun run;
  // 162 pictures: enough to learn from on every processor, and the last batch of 2 is kept.
  tests::write_easy_set(run.folder, 81, 6);
  ASSERT_EQ(run.run("train", run.train_spec(3)), 0)
      << TemporaryFolder::read(run.folder.path() + "/err");
  // The originals' lines and stages, in order.
  std::vector<std::string> stages;
  std::string text;
  for (const object& event : run.events("log")) {
    text += std::string(event.at("message").as_string()) + "\n";
    if (event.contains("stage")) stages.emplace_back(event.at("stage").as_string());
  }
  EXPECT_EQ(stages[0], "epoch_start");
  EXPECT_EQ(stages[1], "training");
  EXPECT_EQ(stages[2], "validation");
  EXPECT_EQ(stages.back(), "completed");
  for (const char* line : {"Loading model...", "no built-in weights", "Epoch [1/3] started.",
                           "Epoch [3/3], Train Loss: ", "Starting validation...",
                           "Validation Loss: ", "Model saved: "}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  const auto metrics = run.events("metrics");
  ASSERT_EQ(metrics.size(), 3u);
  const object& last = metrics[2].at("data").as_object();
  EXPECT_EQ(last.size(), 20u);
  double best = 0;
  for (const object& event : metrics) {
    best = std::max(best, event.at("data").at("val_acc").to_number<double>());
  }
  EXPECT_EQ(last.at("best_acc").to_number<double>(), best);
  EXPECT_GT(best, 80);
  double before = -1;
  for (const object& event : run.events("progress")) {
    const double value = event.at("value").to_number<double>();
    EXPECT_GE(value, before);
    EXPECT_LE(value * 3, event.at("current_epoch").to_number<double>() + 1e-9)
        << "never ahead of the finished work";
    before = value;
  }
  EXPECT_EQ(before, 1.0);
  EXPECT_GE(run.events("checkpoint").size(), 4u);
  for (const char* name : {"best_model.safetensors", "best_model.json", "last_model.safetensors",
                           "last_model.json", "config.yaml"}) {
    EXPECT_TRUE(std::filesystem::exists(run.saved(name))) << name;
  }
  const object sidecar = parsed(TemporaryFolder::read(run.saved("best_model.json")));
  EXPECT_EQ(sidecar.at("class_names").as_array()[1], "warm");

  // Inference with the best weights gives the accuracy that the sidecar promises: from the sidecar
  // alone, from the weights' own metadata alone, and with the YAML.
  for (const std::string source : {"sidecar", "metadata", "yaml"}) {
    object spec = run.infer_spec();
    if (source != "sidecar") std::filesystem::remove(run.saved("best_model.json"));
    if (source == "yaml") spec["cfg_path"] = run.saved("config.yaml");
    ASSERT_EQ(run.run("infer", spec), 0) << TemporaryFolder::read(run.folder.path() + "/err");
    const object result = parsed(TemporaryFolder::read(run.folder.path() + "/results/result.json"));
    const auto& predictions = result.at("predictions").as_array();
    ASSERT_EQ(predictions.size(), 12u);
    double right = 0, sum = 0;
    std::string previous;
    for (const auto& prediction : predictions) {
      const std::string path = text_of(prediction.at("path"));
      EXPECT_LT(previous, path);
      previous = path;
      right += path.substr(0, path.find('/')) == text_of(prediction.at("class"));
      sum += prediction.at("probabilities").as_array()[0].to_number<double>() +
             prediction.at("probabilities").as_array()[1].to_number<double>();
    }
    EXPECT_NEAR(100 * right / 12, sidecar.at("metrics").at("val_acc").to_number<double>(), 0.1);
    EXPECT_NEAR(sum, 12, 1e-4);
    const auto events = run.events("result");
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].at("data").at("predictions").as_array()[0].at("top").as_array().size(), 2u);
    EXPECT_EQ(text_of(events[0].at("data").at("result_path")),
              run.folder.path() + "/results/result.json");
    EXPECT_EQ(TemporaryFolder::read(run.folder.path() + "/results/result.csv").substr(0, 27),
              "path,index,class,confidence");
  }
}

TEST(Train, TheSameSeedGivesTheSameMetrics) {
  WorkerRun one, two;
  for (WorkerRun* run : {&one, &two}) {
    tests::write_easy_set(run->folder, 8, 2);
    ASSERT_EQ(run->run("train", run->train_spec(1)), 0);
  }
  EXPECT_EQ(one.events("metrics")[0].at("data"), two.events("metrics")[0].at("data"));
}

TEST(Train, GoesOnFromWeightsWithAnotherNumberOfClasses) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 4, 2);
  ASSERT_EQ(run.run("train", run.train_spec(1)), 0);
  for (const char* split : {"train", "val"}) {
    run.folder.write(split + std::string("/third/1.png"),
                     tests::png(tests::plain(8, 8, 0, 255, 0)));
  }
  object spec = run.train_spec(1);
  spec["num_classes"] = 3;
  spec["weight_path"] = run.saved("best_model.safetensors");
  spec["save_path"] = run.folder.path() + "/second";
  ASSERT_EQ(run.run("train", spec), 0) << TemporaryFolder::read(run.folder.path() + "/err");
  EXPECT_NE(TemporaryFolder::read(run.folder.path() + "/out").find("initialised anew for 3"),
            std::string::npos);
}

TEST(Train, AnEmptyClassFolderIsNamed) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 2, 1);
  std::filesystem::create_directories(run.folder.path() + "/train/empty");
  EXPECT_EQ(run.run("train", run.train_spec(1)), 1);
  EXPECT_EQ(run.failure(), "empty_class");
  EXPECT_EQ(text_of(run.events("failure")[0].at("file")), run.folder.path() + "/train/empty");
}

TEST(Train, ClassesMustAgreeWithTheRequestAndEachOther) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 2, 1);
  object spec = run.train_spec(1);
  spec["num_classes"] = 5;
  EXPECT_EQ(run.run("train", spec), 1);
  EXPECT_EQ(run.failure(), "bad_request");
  const std::string message = text_of(run.events("failure")[0].at("message"));
  EXPECT_NE(message.find('5'), std::string::npos);
  EXPECT_NE(message.find('2'), std::string::npos);
  std::filesystem::rename(run.folder.path() + "/val/warm", run.folder.path() + "/val/hot");
  EXPECT_EQ(run.run("train", run.train_spec(1)), 1);
  EXPECT_EQ(run.failure(), "bad_request");
}

// What an earlier attempt left is gone on with as if nothing had happened.
TEST(Train, UnknownModelsAndFieldsOutOfRangeAreRefused) {
  WorkerRun run;
  object spec = run.train_spec(1);
  spec["model"] = "alexnet";
  EXPECT_EQ(run.run("train", spec), 1);
  EXPECT_EQ(run.failure(), "bad_request");
  spec = run.train_spec(1);
  spec["learning_rate"] = 0;
  EXPECT_EQ(run.run("train", spec), 1);
  EXPECT_EQ(run.failure(), "bad_request");
}

TEST(Train, ALossThatIsNotANumberEndsTheTask) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 12, 1);
  object spec = run.train_spec(4);
  spec["learning_rate"] = 1e30;
  EXPECT_EQ(run.run("train", spec), 1);
  EXPECT_EQ(run.failure(), "diverged");
}

TEST(Infer, NeverWritesOverThePicturesThatItLooksAt) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 8, 2);
  ASSERT_EQ(run.run("train", run.train_spec(1)), 0);
  const auto picture = *std::filesystem::directory_iterator(run.folder.path() + "/val/warm");
  const std::string folder = run.folder.path() + "/mine", mine = folder + "/a.jpg";
  std::filesystem::create_directory(folder);
  std::filesystem::copy(picture.path(), mine);
  const std::string before = TemporaryFolder::read(mine);
  for (const std::string& source : {folder, mine}) {
    object spec = run.infer_spec();
    spec["source_path"] = source;
    spec["save_path"] = folder;
    ASSERT_EQ(run.run("infer", spec), 0) << TemporaryFolder::read(run.folder.path() + "/err");
    EXPECT_TRUE(TemporaryFolder::read(mine) == before);
    EXPECT_TRUE(std::filesystem::exists(folder + "/annotated/a.jpg"));
    std::filesystem::remove_all(folder + "/annotated");
  }
}

TEST(Train, OutOfMemoryIsNamedAndFewerPicturesAtATimeGoOn) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 60, 1);
  object spec = run.train_spec(1);
  spec["batch_size"] = 120;
  spec["image_size"] = 512;
  const pid_t child = run.start("train", spec, "ulimit -v 2600000; ");
  const auto told = [&] {
    for (const object& event : run.events("log")) {
      if (text_of(event.at("message")).find("with 120 images at a time") != std::string::npos)
        return true;
    }
    return false;
  };
  int status = 0;
  while (!told()) {
    ASSERT_EQ(::waitpid(child, &status, WNOHANG), 0)
        << "it ended: " << TemporaryFolder::read(run.folder.path() + "/err");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ::kill(child, SIGTERM);  // the rest takes minutes
  EXPECT_EQ(WorkerRun::wait(child), 143);
}

TEST(Train, SigtermEndsItAtOnceWithoutHalfFiles) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 40, 2);
  const pid_t child = run.start("train", run.train_spec(1000));
  // Until the first checkpoint is there.
  for (int i = 0; i < 600 && !std::filesystem::exists(run.saved("last_model.json")); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const auto begin = std::chrono::steady_clock::now();
  ::kill(child, SIGTERM);
  EXPECT_EQ(WorkerRun::wait(child), 143);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  for (const auto& entry : std::filesystem::directory_iterator(run.folder.path() + "/out_model")) {
    EXPECT_NE(entry.path().filename().string()[0], '.') << entry.path();
  }
  for (const object& event : run.events("progress"))
    EXPECT_LT(event.at("value").to_number<double>(), 1);
}

/// A run that has a trained model and pictures to classify.
void train_small(WorkerRun* run) {
  tests::write_easy_set(run->folder, 4, 2);
  ASSERT_EQ(run->run("train", run->train_spec(1)), 0);
}

TEST(Infer, ListsBrokenPicturesOfAFolderAndFailsForASingleOne) {
  WorkerRun run;
  train_small(&run);
  const std::string broken = run.folder.write("val/warm/zz.jpg", "broken");
  ASSERT_EQ(run.run("infer", run.infer_spec()), 0);
  const object result = parsed(TemporaryFolder::read(run.folder.path() + "/results/result.json"));
  EXPECT_EQ(result.at("images"), 4);
  ASSERT_EQ(result.at("failed").as_array().size(), 1u);
  EXPECT_EQ(result.at("failed").as_array()[0].at("path"), "warm/zz.jpg");
  object spec = run.infer_spec();
  spec["source_path"] = broken;
  EXPECT_EQ(run.run("infer", spec), 1);
  EXPECT_EQ(run.failure(), "bad_image");
  EXPECT_EQ(text_of(run.events("failure")[0].at("file")), broken);
  spec["source_path"] = run.folder.path() + "/val/warm/1.png";
  EXPECT_EQ(run.run("infer", spec), 0);
  EXPECT_EQ(parsed(TemporaryFolder::read(run.folder.path() + "/results/result.json"))
                .at("predictions")
                .as_array()[0]
                .at("path"),
            "1.png");
}

TEST(Infer, ACheckpointOfAnotherModelIsRefused) {
  WorkerRun run;
  train_small(&run);
  object sidecar = parsed(TemporaryFolder::read(run.saved("best_model.json")));
  sidecar["model"] = "resnet50";
  run.folder.write("out_model/best_model.json", boost::json::serialize(sidecar));
  EXPECT_EQ(run.run("infer", run.infer_spec()), 1);
  EXPECT_EQ(run.failure(), "checkpoint_mismatch");
  const object failure = run.events("failure")[0];
  EXPECT_EQ(text_of(failure.at("file")), run.saved("best_model.safetensors"));
  EXPECT_NE(text_of(failure.at("message")).find("resnet50"), std::string::npos);
  run.folder.write("out_model/best_model.safetensors", "PK\x03\x04 a .pth file");
  EXPECT_EQ(run.run("infer", run.infer_spec()), 1);
  EXPECT_EQ(run.failure(), "checkpoint_mismatch");
}

TEST(Infer, ADeviceThatIsNotThereIsAnErrorOnlyWhereItWasAssigned) {
  WorkerRun run;
  train_small(&run);
  EXPECT_EQ(run.run("infer", run.infer_spec(), "BERTH_DEVICE=cuda:31 "), 1);
  EXPECT_EQ(run.failure(), "bad_request");
  object spec = run.infer_spec();
  spec["device"] = "cuda:31";
  EXPECT_EQ(run.run("infer", spec), 0) << "merely wanted: the CPU takes it";
}

TEST(Program, WrongUsageIsTwo) {
  EXPECT_EQ(WEXITSTATUS(std::system(BERTH_WORKER " train 2>/dev/null")), 2);
  EXPECT_EQ(WEXITSTATUS(std::system(BERTH_WORKER " 2>/dev/null")), 2);
  EXPECT_EQ(WEXITSTATUS(std::system(BERTH_WORKER " info > /dev/null")), 0);
}

}  // namespace
}  // namespace berth
