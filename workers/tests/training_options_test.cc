// SPDX-License-Identifier: Apache-2.0
// What a training can be asked for beyond the originals' request.
#include "worker_run.h"

namespace berth {
namespace {

using boost::json::object;
using tests::parsed;
using tests::TemporaryFolder;
using tests::text_of;
using tests::WorkerRun;

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
  const std::string message = text_of(run.events("failure")[0].at("message"));
  EXPECT_NE(message.find("image size 128"), std::string::npos) << message;
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

}  // namespace
}  // namespace berth
