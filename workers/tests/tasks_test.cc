// SPDX-License-Identifier: Apache-2.0
// The worker program as the daemon runs it: specification in, exit status, events and files out.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <thread>

#include "pictures.h"
#include "temporary_folder.h"

namespace berth {
namespace {

using boost::json::object;
using tests::TemporaryFolder;

std::string text_of(const boost::json::value& value) { return value.as_string().c_str(); }

object parsed(const std::string& text) { return boost::json::parse(text).as_object(); }

/// One run of the worker in a folder of its own.
struct WorkerRun {
  TemporaryFolder folder;

  /// `prefix`: shell text in front of the program.
  pid_t start(const std::string& task, const object& spec, const std::string& prefix = "") {
    const std::string file = folder.write("spec.json", boost::json::serialize(spec));
    std::filesystem::remove(events_path());
    const std::string command = prefix + "exec " BERTH_WORKER " " + task + " --spec " + file +
                                " > " + folder.path() + "/out 2> " + folder.path() + "/err";
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("BERTH_EVENTS", events_path().c_str(), 1);
      ::setenv("BERTH_THREADS", "2", 1);
      ::unsetenv("BERTH_DEVICE");
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    return child;
  }

  static int wait(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  int run(const std::string& task, const object& spec, const std::string& prefix = "") {
    return wait(start(task, spec, prefix));
  }

  std::string events_path() const { return folder.path() + "/events"; }

  std::vector<object> events(const std::string& kind) const {
    std::vector<object> all;
    std::istringstream lines(TemporaryFolder::read(events_path()));
    for (std::string line; std::getline(lines, line);) {
      object event = parsed(line);
      if (text_of(event.at("event")) == kind) all.push_back(std::move(event));
    }
    return all;
  }

  /// The failure event's code; empty unless there is exactly one.
  std::string failure() const {
    const auto failures = events("failure");
    return failures.size() == 1 ? std::string(failures[0].at("code").as_string()) : "";
  }

  object train_spec(int epochs) const {
    return {{"model", "resnet18"},
            {"num_classes", 2},
            {"train_path", folder.path() + "/train"},
            {"val_path", folder.path() + "/val"},
            {"save_path", folder.path() + "/out_model"},
            {"batch_size", 8},
            {"num_epochs", epochs},
            {"learning_rate", 0.001},
            {"image_size", 32},
            {"pretrained", true},
            {"device", "cpu"}};
  }

  std::string saved(const char* name) const { return folder.path() + "/out_model/" + name; }

  object infer_spec() const {
    return {{"cfg_path", nullptr},
            {"weight_path", saved("best_model.safetensors")},
            {"source_path", folder.path() + "/val"},
            {"save_path", folder.path() + "/results"},
            {"device", "cpu"}};
  }
};

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

TEST(Train, BrokenPicturesAreNamedAndLeftOut) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 8, 4);
  const std::string broken = run.folder.write("train/warm/broken.jpg", "not a picture");
  ASSERT_EQ(run.run("train", run.train_spec(2)), 0);
  int told = 0;
  for (const object& event : run.events("log"))
    told += text_of(event.at("message")).find(broken) != std::string::npos;
  EXPECT_EQ(told, 1);  // not in every epoch
  EXPECT_EQ(run.events("result").at(0).at("data").at("unreadable"), 1);
}

TEST(Train, PicturesThatAreAllBrokenEndIt) {
  WorkerRun run;
  const std::string first = run.folder.write("train/cold/1.jpg", "not a picture");
  run.folder.write("train/warm/1.jpg", "nor is this");
  run.folder.write("val/cold/1.jpg", "nor this");
  run.folder.write("val/warm/1.jpg", "nor this");
  EXPECT_EQ(run.run("train", run.train_spec(1)), 1);
  EXPECT_EQ(run.failure(), "bad_image");
  EXPECT_FALSE(text_of(run.events("failure")[0].at("file")).empty());
}

// What an earlier attempt left is gone on with as if nothing had happened.
TEST(Train, AfterAKillTheWeightsAreThoseOfATrainingThatWasNotKilled) {
  WorkerRun whole, killed;
  ::setenv("BERTH_TASK_ID", "one-task", 1);
  std::string weights[2];
  for (WorkerRun* run : {&whole, &killed}) {
    tests::write_easy_set(run->folder, 12, 4);
    object spec = run->train_spec(4);
    spec["augment"] = {{"horizontal_flip", 0.5}, {"crop", 0.2}, {"noise", 0.05}};
    spec["clip_norm"] = 1;
    spec["schedule"] = "cosine";
    if (run == &killed) {
      const pid_t child = run->start("train", spec);
      const auto gone_by = [&] {
        return run->events("checkpoint").size() >= 4 &&
               std::filesystem::exists(run->saved("training_state.safetensors"));
      };
      while (!gone_by()) ::usleep(20'000);
      ::kill(child, SIGKILL);
      EXPECT_EQ(WorkerRun::wait(child), 128 + SIGKILL);
    }
    ASSERT_EQ(run->run("train", spec), 0) << TemporaryFolder::read(run->folder.path() + "/err");
    weights[run == &killed] = TemporaryFolder::read(run->saved("last_model.safetensors"));
    EXPECT_FALSE(std::filesystem::exists(run->saved("training_state.safetensors")));
    EXPECT_EQ(
        parsed(TemporaryFolder::read(run->saved("history.json"))).at("epochs").as_array().size(),
        4u);
  }
  ::unsetenv("BERTH_TASK_ID");
  EXPECT_TRUE(weights[0] == weights[1]);
  bool went_on = false;
  for (const object& event : killed.events("log"))
    went_on = went_on || text_of(event.at("message")).find("Going on after epoch") == 0;
  EXPECT_TRUE(went_on);
}

TEST(Train, AnotherTasksStateIsNotGoneOnWithUnlessAskedFor) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 8, 4);
  const auto went_on = [&](const char* task, object spec) {
    ::setenv("BERTH_TASK_ID", task, 1);
    const pid_t child = run.start("train", spec);
    bool found = false, epoch_over = false;
    while (!epoch_over) {
      ::usleep(20'000);
      for (const object& event : run.events("log")) {
        const std::string text = text_of(event.at("message"));
        found = found || text.find("Going on after epoch") == 0;
        epoch_over = epoch_over || text.find("finished:") != std::string::npos;
      }
    }
    ::kill(child, SIGKILL);
    WorkerRun::wait(child);
    ::unsetenv("BERTH_TASK_ID");
    return found;
  };
  object spec = run.train_spec(1000);
  EXPECT_FALSE(went_on("a", spec));
  EXPECT_FALSE(went_on("b", spec));
  EXPECT_TRUE(went_on("b", spec));
  spec["resume"] = true;
  EXPECT_TRUE(went_on("c", spec));
  spec["resume"] = false;
  EXPECT_FALSE(went_on("c", spec));
  spec["resume"] = true;
  spec["model"] = "resnet34";
  EXPECT_EQ(run.run("train", spec), 1);
  EXPECT_EQ(run.failure(), "checkpoint_mismatch");
}

TEST(Train, WhereMemoryRunsOutFewerPicturesAtATimeMakeTheSameUpdate) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 16, 4);
  object spec = run.train_spec(1);
  spec["batch_size"] = 32;
  spec["image_size"] = 128;
  // The model, its gradients and moments take 180 MB; 32 pictures take more than the rest.
  ASSERT_EQ(run.run("train", spec, "export BERTH_MEMORY_LIMIT=330000000; "), 0)
      << TemporaryFolder::read(run.folder.path() + "/err");
  EXPECT_LT(run.events("result").at(0).at("data").at("batch_size").as_int64(), 32);
  EXPECT_EQ(run.run("train", spec, "export BERTH_MEMORY_LIMIT=120000000; "), 1);
  EXPECT_EQ(run.failure(), "out_of_memory");
}

TEST(Train, EndsEarlyAndKeepsTheNewestCheckpoints) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 8, 4);
  object spec = run.train_spec(50);
  spec["learning_rate"] = 1e-12;  // nothing is learnt
  spec["ema"] = false;
  spec["early_stop"] = 3;
  spec["save_every"] = 1;
  spec["keep_checkpoints"] = 2;
  spec["class_weights"] = "balanced";
  ASSERT_EQ(run.run("train", spec), 0);
  const object result = run.events("result").at(0).at("data").as_object();
  EXPECT_EQ(result.at("epochs"), result.at("best_epoch").as_int64() + 3);
  EXPECT_EQ(result.at("stopped_early"), true);
  const int64_t last = result.at("epochs").as_int64();
  for (int64_t epoch = 1; epoch <= last; ++epoch) {
    const std::string name = "ResNet_epoch_" + std::to_string(epoch) + ".safetensors";
    EXPECT_EQ(std::filesystem::exists(run.saved(name.c_str())), epoch > last - 2) << name;
  }
}

TEST(Train, AsManyPicturesAtATimeAsFit) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 16, 4);
  object spec = run.train_spec(1);
  spec["batch_size"] = "auto";
  ASSERT_EQ(run.run("train", spec), 0) << TemporaryFolder::read(run.folder.path() + "/err");
  const int64_t chosen = run.events("result").at(0).at("data").at("batch_size").as_int64();
  EXPECT_GE(chosen, 2);
  EXPECT_LE(chosen, 32);
}

TEST(Train, OptionsOutOfRangeAreNamed) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 2, 1);
  const auto refused = [&](const char* name, boost::json::value value) {
    object spec = run.train_spec(1);
    spec[name] = std::move(value);
    EXPECT_EQ(run.run("train", spec), 1) << name;
    const auto failures = run.events("failure");
    return failures.size() == 1 &&
           text_of(failures[0].at("message")).find(name) != std::string::npos;
  };
  EXPECT_TRUE(refused("optimizer", "lion"));
  EXPECT_TRUE(refused("momentum", 1.5));
  EXPECT_TRUE(refused("label_smoothing", 1));
  EXPECT_TRUE(refused("class_weights", boost::json::array{1, 2, 3}));
  EXPECT_TRUE(refused("warmup_epochs", 1));
  EXPECT_TRUE(refused("augment", "much"));
  EXPECT_TRUE(refused("batch_size", "all"));
  EXPECT_TRUE(refused("amp_level", "O7"));
}

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

TEST(Train, OutOfMemoryNamesBatchAndPictureSize) {
  WorkerRun run;
  tests::write_easy_set(run.folder, 60, 1);
  object spec = run.train_spec(1);
  spec["batch_size"] = 120;
  spec["image_size"] = 512;
  EXPECT_EQ(run.run("train", spec, "ulimit -v 2600000; "), 1);
  EXPECT_EQ(run.failure(), "out_of_memory") << TemporaryFolder::read(run.folder.path() + "/err");
  const std::string message = text_of(run.events("failure")[0].at("message"));
  EXPECT_NE(message.find("batch size 120"), std::string::npos) << message;
  EXPECT_NE(message.find("image size 512"), std::string::npos) << message;
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
