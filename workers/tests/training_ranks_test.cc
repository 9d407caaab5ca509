// SPDX-License-Identifier: Apache-2.0
// A training in several processes on the CPU.
#include <algorithm>

#include "worker_run.h"

namespace berth {
namespace {

using boost::json::object;
using tests::parsed;
using tests::TemporaryFolder;
using tests::text_of;
using tests::WorkerRun;

/// Whether this LibTorch brings what is needed: Debian's does, a Python package does not.
bool trains_together() { return BERTH_HAS_GLOO != 0; }

#define NEEDS_GLOO() \
  if (!trains_together()) GTEST_SKIP() << "this LibTorch has no headers of Gloo"

std::string all_messages(const WorkerRun& run) {
  std::string text;
  for (const object& event : run.events("log")) text += text_of(event.at("message")) + "\n";
  return text;
}

TEST(Ranks, LearnWithBatchNormalisationAndCountABrokenPictureOnce) {
  NEEDS_GLOO();
  WorkerRun run;
  tests::write_easy_set(run.folder, 81, 6);
  const std::string broken = run.folder.write("train/cold/broken.jpg", "not a picture");
  object spec = run.train_spec(6);
  spec["learning_rate"] = 0.0003;  // faster, single passes fall back to guessing
  spec["batch_size"] = 16;
  spec["processes"] = 2;
  spec["augment"] = {{"horizontal_flip", 0.5}};
  ASSERT_EQ(run.run("train", spec), 0) << TemporaryFolder::read(run.folder.path() + "/err");
  const object result = run.events("result").at(0).at("data").as_object();
  EXPECT_GT(result.at("best_acc").to_number<double>(), 80);
  EXPECT_EQ(result.at("unreadable"), 1);
  EXPECT_EQ(result.at("processes"), 2);
  EXPECT_EQ(result.at("batch_size"), 16);
  const std::string text = all_messages(run);
  const auto first = text.find(broken);
  EXPECT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find(broken, first + 1), std::string::npos)
      << "told once, by whoever met it first";
  EXPECT_EQ(run.events("metrics").size(), 6u) << "told by one process, not by all";
}

TEST(Ranks, OneThatIsKilledEndsAllAndTheTrainingGoesOnWithTheSameWeights) {
  NEEDS_GLOO();
  WorkerRun whole, killed;
  ::setenv("BERTH_TASK_ID", "one-task", 1);
  std::string weights[2];
  for (WorkerRun* run : {&whole, &killed}) {
    tests::write_easy_set(run->folder, 12, 4);
    object spec = run->train_spec(3);
    spec["processes"] = 2;
    spec["augment"] = {{"crop", 0.2}};
    if (run == &killed) {
      const pid_t child = run->start("train", spec);
      while (!std::filesystem::exists(run->saved("training_state.safetensors"))) ::usleep(20'000);
      const auto ranks = tests::children_of(child);
      ASSERT_EQ(ranks.size(), 2u);
      ::kill(ranks[1], SIGKILL);
      EXPECT_EQ(WorkerRun::wait(child), 1);
      const auto failures = run->events("failure");
      ASSERT_EQ(failures.size(), 1u);
      EXPECT_NE(text_of(failures[0].at("message")).find("rank 1 of 2 was killed"),
                std::string::npos)
          << text_of(failures[0].at("message"));
      for (const pid_t rank : ranks) EXPECT_EQ(::kill(rank, 0), -1);
    }
    ASSERT_EQ(run->run("train", spec), 0) << TemporaryFolder::read(run->folder.path() + "/err");
    weights[run == &killed] = TemporaryFolder::read(run->saved("last_model.safetensors"));
  }
  ::unsetenv("BERTH_TASK_ID");
  EXPECT_NE(all_messages(killed).find("Going on after epoch"), std::string::npos);
  EXPECT_TRUE(weights[0] == weights[1]);
}

TEST(Ranks, CancelEndsAllOfThem) {
  NEEDS_GLOO();
  WorkerRun run;
  tests::write_easy_set(run.folder, 12, 4);
  object spec = run.train_spec(1000);
  spec["processes"] = 2;
  const pid_t child = run.start("train", spec);
  while (run.events("checkpoint").empty()) ::usleep(20'000);
  const auto ranks = tests::children_of(child);
  ASSERT_EQ(ranks.size(), 2u);
  ::kill(child, SIGTERM);
  EXPECT_EQ(WorkerRun::wait(child), 143);
  for (const pid_t rank : ranks) EXPECT_EQ(::kill(rank, 0), -1);
  EXPECT_TRUE(run.events("failure").empty());
}

TEST(Ranks, OneErrorIsToldForAll) {
  NEEDS_GLOO();
  WorkerRun run;
  tests::write_easy_set(run.folder, 4, 2);
  object spec = run.train_spec(1);
  spec["processes"] = 2;
  spec["num_classes"] = 5;
  EXPECT_EQ(run.run("train", spec), 1);
  EXPECT_EQ(run.failure(), "bad_request");
  const std::string shown = TemporaryFolder::read(run.folder.path() + "/err");
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 1) << shown;
  spec["num_classes"] = 2;
  spec["batch_size"] = 3;
  EXPECT_EQ(run.run("train", spec), 1);
  EXPECT_EQ(run.failure(), "bad_request");
}

}  // namespace
}  // namespace berth
