// SPDX-License-Identifier: Apache-2.0
// Named pools of devices, and tasks of a kind together.
#include "core/script.h"

namespace berth::core::script {
namespace {

Config with(std::map<std::string, Pool> pools) {
  Config config;
  config.pools = std::move(pools);
  return config;
}

Pool of(std::set<std::string> devices, std::set<Kind> kinds = {}) {
  Pool pool;
  pool.devices = std::move(devices);
  pool.kinds = std::move(kinds);
  return pool;
}

TEST(Pools, TrainingOnSomeGpusInferenceOnOthers) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8),
          with({{"train", of({"cuda:0", "cuda:1"}, {Kind::kTraining})},
                {"serve", of({"cuda:2", "cuda:3"}, {Kind::kInference})}}));
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().on("cuda"));
  EXPECT_EQ(box.where("a"), "cuda:0");
  EXPECT_EQ(box.where("b"), "cuda:1");
  EXPECT_EQ(box.where("c"), "queued");
  EXPECT_EQ(box.verdict("c", "cuda:2"), "pool");
  EXPECT_EQ(box.verdict("c", "cuda:0"), "kind_limit");
  box.take(submit("i").inference().on("cuda"));
  EXPECT_EQ(box.where("i"), "cuda:2");
}

TEST(Pools, ARequestMayNameOne) {
  Box box(Fleet().gpus(2, "RTX 3090", 24_GiB).gpus(2, "A100", 80_GiB).cpu(8),
          with({{"large", of({"cuda:2", "cuda:3"})}, {"small", of({"cuda:0", "cuda:1"})}}));
  box.take(submit("a").training().on("cuda").pool("large").memory(10));
  EXPECT_EQ(box.where("a"), "cuda:2");
  box.take(submit("b").training().on("cuda:0").pool("large"));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  EXPECT_NE(box.refusal().message.find("needs in the pool large, has in the pool small"),
            std::string::npos)
      << box.refusal().message;
  box.take(submit("c").training().on("cuda").pool("huge"));
  EXPECT_EQ(box.refusal().message, "There is no pool \"huge\": the pools are large, small");
}

TEST(Pools, ByTypeAndMemory) {
  Pool large;
  large.gpu_type = "a100";
  large.min_memory = 70_GiB;
  large.kinds = {Kind::kTraining};
  Box box(Fleet().gpus(1, "A100", 40_GiB).gpus(1, "NVIDIA A100", 80_GiB).cpu(8),
          with({{"large", large}}));
  box.take(submit("a").training().on("cuda").pool("large"));
  EXPECT_EQ(box.where("a"), "cuda:1");
  box.take(submit("i").inference().on("cuda"));
  EXPECT_EQ(box.where("i"), "cuda:0");  // the large one is for training
}

TEST(Pools, ForTheirUsers) {
  Pool staff = of({"cuda:0"});
  staff.users = {"ann"};
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8), with({{"staff", staff}}));
  box.take(submit("a").training().on("cuda").user("bob"));
  EXPECT_NE(box.refusal().message.find("a pool for training tasks of the user bob"),
            std::string::npos);
  box.take(submit("b").training().on("cuda").user("ann"));
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(Pools, HaveTheirOwnLimits) {
  Pool shared = of({"cuda:1"});
  shared.kind_limits = KindLimits{3, 5};
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8), with({{"shared", shared}}));
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:1")).limits, (KindLimits{3, 5}));
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:0")).limits, (KindLimits{1, 3}));
  box.limits({{box.id_of("cuda:1"), 2, {}}});
  EXPECT_EQ(box.state.devices.at(box.id_of("cuda:1")).limits, (KindLimits{2, 5}));
}

TEST(Pools, AreReadAgain) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.input(Configure{with({{"p", of({"cuda:1"}, {Kind::kInference})}}), false});
  box.take(submit("a").training().on("cuda:1"));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  box.input(Configure{Config{}, false});
  box.take(submit("a").training().on("cuda:1"));
  EXPECT_EQ(box.where("a"), "cuda:1");
}

TEST(GroupByKind, KeepsTasksOfAKindTogether) {
  Config config;
  config.gpu_limits = {2, 4};
  config.group_by_kind = true;
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8), config);
  box.take(submit("t1").training().on("cuda").memory(10));
  box.take(submit("i1").inference().on("cuda").memory(10));
  box.take(submit("t2").training().on("cuda").memory(10));
  box.take(submit("i2").inference().on("cuda").memory(10));
  EXPECT_EQ(box.where("t2"), box.where("t1"));
  EXPECT_EQ(box.where("i2"), box.where("i1"));
  EXPECT_NE(box.where("t1"), box.where("i1"));
}

TEST(GroupByKind, PerRequest) {
  Config config;
  config.gpu_limits = {2, 4};
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8), config);
  box.take(submit("t1").training().on("cuda").memory(10));
  auto ask = submit("t2").training().on("cuda").memory(10);
  ask.request.group_by_kind = true;
  box.take(ask);
  EXPECT_EQ(box.where("t2"), "cuda:0");
  box.take(submit("t3").training().on("cuda").memory(10));  // balanced: the emptier one
  EXPECT_EQ(box.where("t3"), "cuda:1");
}

}  // namespace
}  // namespace berth::core::script
