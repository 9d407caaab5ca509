// SPDX-License-Identifier: Apache-2.0
// A verdict for every device, counts that add up, and what would have to change.
#include <algorithm>

#include "core/script.h"

namespace berth::core::script {
namespace {

int total(const Explanation& explanation) {
  int sum = 0;
  for (const auto& [code, count] : explanation.counts) sum += count;
  return sum;
}

bool mentions(const Explanation& explanation, std::string_view text) {
  return std::any_of(explanation.would_fit_if.begin(), explanation.would_fit_if.end(),
                     [&](const base::Phrase& line) {
                       return base::to_text(line).find(text) != std::string::npos;
                     });
}

TEST(Explain, GivesAVerdictForEveryDeviceAndCountsAddUp) {
  Box box(Fleet().gpus(6, "A100", 80_GiB).gpu("V100", 32_GiB).amd(1).cpu(8));
  box.truth("cuda:0").health = model::Health::kLost;
  box.truth("cuda:1").foreign = 70_GiB;
  box.sample();
  box.limits({{box.id_of("cuda:2"), 0, {}}});
  box.take(submit("t3").training().on("cuda:3").memory(10));
  box.take(submit("x4").command().on("cuda:4"));
  box.take(submit("t5").training().on("cuda:5").memory(10));
  box.take(submit("ask").training().on("cuda").memory(40));
  ASSERT_EQ(box.where("ask"), "queued");
  const std::map<std::string, std::string> expected{
      {"cuda:0", "unhealthy"},  {"cuda:1", "memory"},        {"cuda:2", "limit_zero"},
      {"cuda:3", "kind_limit"}, {"cuda:4", "exclusive"},     {"cuda:5", "kind_limit"},
      {"cuda:6", "too_small"},  {"rocm:0", "not_requested"}, {"cpu", "not_requested"}};
  for (const auto& [device, code] : expected) EXPECT_EQ(box.verdict("ask", device), code) << device;
  const auto explanation = box.explain("ask");
  EXPECT_EQ(explanation.devices.size(), box.state.devices.size());
  EXPECT_EQ(total(explanation), static_cast<int>(box.state.devices.size()));
  EXPECT_EQ(explanation.counts.at("kind_limit"), 2);
}

TEST(Explain, OrdersGpusByIndexAndTheProcessorLast) {
  Fleet fleet;
  fleet.cpu(8).amd(1).gpu("A", 8_GiB).uuid("GPU-z").gpu("B", 8_GiB).uuid("GPU-a");
  Box box(fleet);
  box.take(submit("t").training().on("cuda:0"));
  std::vector<std::string> names;
  for (const auto& row : box.explain("t").devices) names.push_back(row.name);
  EXPECT_EQ(names, (std::vector<std::string>{"cuda:0", "cuda:1", "rocm:0", "cpu"}));
}

TEST(Explain, SaysWhatIsNeededAndWhatThereIs) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.truth("cuda:0").foreign = 70_GiB;
  box.sample();
  box.take(submit("a").training().on("cuda").memory(20));
  const auto row = box.explain("a").devices.front();
  const auto& refusal = std::get<model::Refusal>(row.verdict);
  EXPECT_EQ(base::to_text(refusal.needed), "20.00 GB");
  EXPECT_EQ(base::to_text(refusal.available), "10.00 GB");
  EXPECT_FALSE(refusal.never);
}

TEST(Explain, SaysHowManyDevicesAreWantedAtOnce) {
  Box box(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  box.take(submit("a").command().on("cuda:0"));
  box.take(submit("three").command().on("cuda").gpus(3));
  EXPECT_EQ(box.explain("three").wanted, 3U);
  EXPECT_EQ(box.explain("three").counts.at("fits"), 2);
  EXPECT_EQ(box.explain("a").wanted, 1U);
}

TEST(Explain, NamesRemedies) {
  Box box(Fleet().gpus(3, "A100", 80_GiB).cpu(8));
  box.truth("cuda:0").foreign = 70_GiB;
  box.sample();
  box.limits({{box.id_of("cuda:1"), 0, {}}});
  box.take(submit("t").training().on("cuda:2").memory(10));
  box.take(submit("a").training().on("cuda").memory(20));
  const auto explanation = box.explain("a");
  EXPECT_TRUE(mentions(explanation, "20.00 GB were free on cuda:0 (now 10.00 GB)"));
  EXPECT_TRUE(mentions(explanation, "a task of the kind training on cuda:2 ended"));
  EXPECT_TRUE(mentions(explanation, "limit for training on cuda:1 were above 0"));
  EXPECT_FALSE(mentions(explanation, "training on cuda:1 ended"));  // none runs there
}

TEST(Explain, ALeaseThatIsInTheWayIsNamedWithHowToEndIt) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.lease(submit("l").on("cuda:0").memory(10), 60);
  box.lease(submit("m").on("cuda:1"), 60);
  box.take(submit("whole").command().on("cuda").exclusive());
  const auto explanation = box.explain("whole");
  const auto there = [&](std::size_t row) {
    return base::to_text(std::get<model::Refusal>(explanation.devices.at(row).verdict).available);
  };
  EXPECT_EQ(there(0), "lease l is there");
  EXPECT_EQ(there(1), "lease m has it to itself");
  EXPECT_TRUE(mentions(explanation, "lease l had ended (berth leases end l)"));
  EXPECT_TRUE(mentions(explanation, "lease m had ended (berth leases end m)"));
  EXPECT_FALSE(mentions(explanation, "the tasks on cuda:0 ended"));
}

TEST(Explain, WhatATaskHasIsNotInItsWay) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").command().on("cuda:0"));
  ASSERT_EQ(box.where("a"), "cuda:0");
  const auto explanation = box.explain("a");
  EXPECT_TRUE(std::holds_alternative<Fit>(explanation.devices.front().verdict));
  EXPECT_TRUE(explanation.would_fit_if.empty());
}

TEST(Explain, NeverHasNoRemedy) {
  Box box(Fleet().gpu("A100", 80_GiB).gpu("V100", 32_GiB).cpu(8));
  box.take(submit("t").training().on("cuda:0"));
  box.take(submit("a").training().on("cuda").memory(50));
  EXPECT_FALSE(mentions(box.explain("a"), "cuda:1"));
}

TEST(Explain, CountsTasksOfTheSameShapeAhead) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"run", "a", "b", "c"}) box.take(submit(id).training().on("cuda"));
  EXPECT_EQ(box.explain("a").ahead, 0);
  EXPECT_EQ(box.explain("c").ahead, 2);
  EXPECT_EQ(box.explain("run").ahead, 0);
}

TEST(Explain, AskingForTheProcessorIsWhatGpusAreRefusedFor) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));  // workers without GPU support
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().builtin().on("cpu"));
  EXPECT_EQ(box.verdict("c", "cuda:0"), "not_requested");
  EXPECT_EQ(box.verdict("c", "cpu"), "kind_limit");
  EXPECT_EQ(box.explain("c").fallback, Fallback::kNone);
}

TEST(Explain, ReportsTheFallback) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().builtin().on("cuda"));
  const auto explanation = box.explain("c");
  EXPECT_EQ(explanation.fallback, Fallback::kWorkerWithoutGpu);
  EXPECT_EQ(box.verdict("c", "cuda:0"), "worker_without_cuda");
  EXPECT_EQ(box.verdict("c", "cpu"), "kind_limit");
}

TEST(Explain, WorksBeforeTheInventoryIsKnown) {
  Box box = Box::empty();
  box.take(submit("a").training().on("cuda"));
  EXPECT_TRUE(box.explain("a").devices.empty());
}

}  // namespace
}  // namespace berth::core::script
