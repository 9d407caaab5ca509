// SPDX-License-Identifier: Apache-2.0
// The processor for tasks that would rather have a GPU.
#include "core/script.h"

namespace berth::core::script {
namespace {

TEST(Processor, TakesATaskWhenNoGpuWasFreeForSoLong) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("x").training().on("cuda"));
  box.take(submit("a").training().on("cuda").cpu_after(60));
  EXPECT_EQ(box.where("a"), "queued");
  EXPECT_EQ(next_wakeup(box.state), box.now + base::Duration{60'000});
  EXPECT_EQ(box.verdict("a", "cpu"), "not_requested");
  box.after_s(60);
  EXPECT_EQ(box.where("a"), "cpu");
  EXPECT_EQ(box.only<Launch>().fallback, Fallback::kGpusBusy);
}

TEST(Processor, AGpuThatIsFreeInTimeIsPreferred) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("x").training().on("cuda"));
  box.take(submit("a").training().on("cuda").cpu_after(60));
  box.after_s(30);
  box.exits("x");
  EXPECT_EQ(box.where("a"), "cuda:0");
  EXPECT_EQ(box.only<Launch>().fallback, Fallback::kNone);
  box.after_s(60);
  EXPECT_EQ(box.where("a"), "cuda:0");
}

TEST(Processor, AtOnceWithNoTimeToWait) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").training().on("cuda").cpu_after(0));
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.take(submit("b").training().on("cuda").cpu_after(0));
  EXPECT_EQ(box.where("b"), "cpu");
}

TEST(Processor, IsBoundByItsOwnLimits) {
  Config config;
  config.cpu_limits = {1, 1};
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8), config);
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().on("cuda").cpu_after(0));
  EXPECT_EQ(box.where("c"), "queued");
  EXPECT_EQ(box.verdict("c", "cpu"), "kind_limit");
  EXPECT_EQ(box.verdict("c", "cuda:0"), "kind_limit");
  box.exits("b");
  EXPECT_EQ(box.where("c"), "cpu");
}

TEST(Processor, TakesWhatIsTooLargeForAnyGpu) {
  Box box(Fleet().gpus(1, "RTX 3090", 24_GiB).cpu(8, 256_GiB));
  box.take(submit("a").training().on("cuda").memory(100));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kNeverFits);
  box.take(submit("b").training().on("cuda").memory(100).cpu_after(0));
  EXPECT_EQ(box.where("b"), "cpu");
}

TEST(Processor, NegativeTimesAreRefused) {
  Box box(Fleet().gpus(1, "A100", 80_GiB).cpu(8));
  box.take(submit("a").on("cuda").cpu_after(-1));
  EXPECT_EQ(box.refusal().code, base::ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace berth::core::script
