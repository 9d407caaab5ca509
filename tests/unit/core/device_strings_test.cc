// SPDX-License-Identifier: Apache-2.0
// What the device strings of contract.md 2 mean on different machines.
#include "core/script.h"

namespace berth::core::script {
namespace {

using base::ErrorCode;
using model::Vendor;

Config workers(std::set<Vendor> vendors) {
  Config config;
  config.worker_vendors = std::move(vendors);
  return config;
}

std::string placed(Box& box, std::string_view device) {
  static int number = 0;
  const std::string id = "t" + std::to_string(++number);
  box.take(submit(id).training().on(device));
  return box.where(id);
}

TEST(DeviceStrings, NameOneDevice) {
  struct Row {
    std::string_view text, device;
  };
  for (const Row& row : std::initializer_list<Row>{{"cuda:1", "cuda:1"},
                                                   {"CUDA:1", "cuda:1"},
                                                   {"  cuda:1\t", "cuda:1"},
                                                   {"rocm:0", "rocm:0"},
                                                   {"hip:0", "rocm:0"},
                                                   {"HIP:0", "rocm:0"},
                                                   {"xpu:0", "xpu:0"},
                                                   {"npu:0", "npu:0"},
                                                   {"cpu", "cpu"},
                                                   {"CPU", "cpu"},
                                                   {"GPU-0001aaaa-1111-2222", "cuda:1"},
                                                   {"gpu-0001AAAA", "cuda:1"},
                                                   {"GPU-0000d", "rocm:0"},
                                                   {"rocm", "rocm:0"},
                                                   {"hip", "rocm:0"},
                                                   {"xpu", "xpu:0"},
                                                   {"npu", "npu:0"}}) {
    Box box(Fleet().gpus(2, "A100", 80_GiB).amd(1).intel(1).ascend(1).cpu(8));
    EXPECT_EQ(placed(box, row.text), row.device) << row.text;
  }
}

TEST(DeviceStrings, MigUuidIsADevice) {
  Box box(Fleet().gpu("A100 MIG 1g.10gb", 9.5_GiB).uuid("MIG-5f0c-77").cpu(8));
  EXPECT_EQ(placed(box, "mig-5F0C"), "cuda:0");
}

TEST(DeviceStrings, AutoAndEmptyTakeAnyGpuBeforeTheProcessor) {
  for (const std::string_view text : {"auto", "AUTO", "", " "}) {
    Box box(Fleet().intel(1).cpu(8));
    EXPECT_EQ(placed(box, text), "xpu:0") << '"' << text << '"';
  }
}

TEST(DeviceStrings, CudaTakesNvidiaDevicesOnly) {
  Box box(Fleet().amd(1).gpu("A100", 80_GiB).cpu(8));
  EXPECT_EQ(placed(box, "cuda"), "cuda:0");
  EXPECT_EQ(placed(box, "cuda"), "queued");
}

TEST(DeviceStrings, CudaMeansTheAmdCardsOfABoxThatHasNoOthers) {
  Box box(Fleet().amd(2).cpu(8));
  EXPECT_EQ(placed(box, "cuda"), "rocm:0");
  EXPECT_EQ(placed(box, "cuda"), "rocm:1");
}

TEST(DeviceStrings, ListNamesAllDevicesOfOneTask) {
  Box box(Fleet().gpus(4, "A100", 80_GiB).cpu(8));
  EXPECT_EQ(placed(box, "cuda:3, CUDA:1"), "cuda:1,cuda:3");
  box.take(submit("twice").training().on("cuda:1,GPU-0001"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kBadRequest);
}

TEST(DeviceStrings, OutOfRangeIndexIsRefusedWithWhatIsThere) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").on("cuda:2"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDeviceNotFound);
  EXPECT_EQ(box.refusal().message,
            "Device index 2 is out of range: this machine has 2 CUDA devices (cuda:0, cuda:1)");
  EXPECT_EQ(box.where("a"), "none");
  box.take(submit("a").on("cuda:0,cuda:7"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDeviceNotFound);
}

TEST(DeviceStrings, OutOfRangeMessageListsDevicesByIndexNotByUuid) {
  Fleet fleet;
  fleet.gpu("A100", 80_GiB).uuid("GPU-ff").gpu("A100", 80_GiB).uuid("GPU-00").cpu(8);
  Box box(fleet);
  box.take(submit("a").on("cuda:2"));
  EXPECT_EQ(box.refusal().message,
            "Device index 2 is out of range: this machine has 2 CUDA devices (cuda:0, cuda:1)");
}

TEST(DeviceStrings, OneDeviceIsSingular) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  box.take(submit("a").on("cuda:1"));
  EXPECT_EQ(box.refusal().message,
            "Device index 1 is out of range: this machine has 1 CUDA device (cuda:0)");
}

TEST(DeviceStrings, AnotherVendorsIndexIsRefused) {
  Box box(Fleet().gpu("A100", 80_GiB).cpu(8));
  for (const std::string_view text : {"rocm:0", "xpu:0", "npu:0", "rocm", "xpu", "npu"}) {
    box.take(submit("a").on(text));
    EXPECT_EQ(box.refusal().code, ErrorCode::kDeviceNotFound) << text;
  }
}

TEST(DeviceStrings, UnknownAndAmbiguousUuidsAreRefused) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  box.take(submit("a").on("GPU-9"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDeviceNotFound);
  box.take(submit("a").on("GPU-000"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDeviceNotFound);
  EXPECT_NE(box.refusal().message.find("cuda:0, cuda:1"), std::string::npos)
      << box.refusal().message;
}

TEST(DeviceStrings, WholeUuidWinsOverALongerOneThatBeginsWithIt) {
  Fleet fleet;
  fleet.gpu("A100", 80_GiB).uuid("GPU-1").gpu("A100", 80_GiB).uuid("GPU-12").cpu(8);
  Box box(fleet);
  EXPECT_EQ(placed(box, "GPU-1"), "cuda:0");
}

TEST(DeviceStrings, ANumberOfGpusThatContradictsTheNamesIsRefused) {
  Box box(Fleet().gpus(8, "A100", 80_GiB).cpu(16));
  box.take(submit("a").training().on("cuda:1").gpus(2));
  EXPECT_EQ(box.refusal().code, ErrorCode::kBadRequest);
  box.take(submit("b").training().on("cuda:1,cuda:2").gpus(2));
  EXPECT_TRUE(std::holds_alternative<Queued>(box.outputs.front()));
}

TEST(DeviceStrings, ProcessorTakesEverythingOnAMachineWithoutGpus) {
  for (const std::string_view text :
       {"auto", "cuda", "cuda:0", "cuda:3", "cuda:0,cuda:1", "rocm", "hip:1", "xpu", ""}) {
    Box box(Fleet().cpu(8));
    box.take(submit("a").training().on(text).gpus(2));
    EXPECT_EQ(box.where("a"), "cpu") << text;
    ASSERT_TRUE(std::holds_alternative<Queued>(box.outputs.front()));
    EXPECT_EQ(std::get<Queued>(box.outputs.front()).fallback, Fallback::kNoGpu) << text;
    EXPECT_EQ(box.state.devices.at(DeviceId("CPU")).running_of(Kind::kTraining), 1);
  }
}

TEST(DeviceStrings, AskingForTheProcessorIsNoFallback) {
  Box box(Fleet().cpu(8));
  box.take(submit("a").training().on("cpu"));
  EXPECT_EQ(std::get<Queued>(box.outputs.front()).fallback, Fallback::kNone);
}

TEST(DeviceStrings, AUuidIsRefusedOnAMachineWithoutGpus) {
  Box box(Fleet().cpu(8));
  box.take(submit("a").on("GPU-0"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDeviceNotFound);
}

TEST(DeviceStrings, FallbackObeysTheLimitsOfTheProcessor) {
  Box box(Fleet().cpu(8));
  for (const char* id : {"a", "b", "c"}) box.take(submit(id).training().on("cuda"));
  EXPECT_EQ(box.where("b"), "cpu");
  EXPECT_EQ(box.where("c"), "queued");
}

TEST(DeviceStrings, BuiltinTasksAvoidGpusTheirWorkersCannotUse) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8), workers({}));
  for (const std::string_view text : {"auto", "cuda", "cuda:1", "cuda:0,cuda:1"}) {
    box.take(submit("a").inference().builtin().on(text));
    EXPECT_EQ(box.where("a"), "cpu") << text;
    EXPECT_EQ(std::get<Queued>(box.outputs.front()).fallback, Fallback::kWorkerWithoutGpu) << text;
    box.exits("a");
  }
  box.take(submit("b").training().on("cuda"));  // no built-in task
  EXPECT_EQ(box.where("b"), "cuda:0");
}

TEST(DeviceStrings, BuiltinTasksStillNeedTheDeviceTheyName) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8), workers({}));
  box.take(submit("a").training().builtin().on("cuda:2"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kDeviceNotFound);
}

TEST(DeviceStrings, BuiltinTasksTakeTheGpusTheirWorkersCanUse) {
  Box box(Fleet().amd(1).gpu("A100", 80_GiB).cpu(8), workers({Vendor::kNvidia}));
  box.take(submit("a").training().builtin().on("auto"));
  EXPECT_EQ(box.where("a"), "cuda:0");
  box.take(submit("b").training().builtin().on("auto"));
  EXPECT_EQ(box.where("b"), "queued");
  EXPECT_EQ(box.verdict("b", "rocm:0"), "worker_without_cuda");
}

TEST(DeviceStrings, GpuTypeIsPartOfTheModelInAnyCase) {
  Box box(Fleet().gpu("NVIDIA A100-SXM4-80GB", 80_GiB).gpu("Tesla V100-SXM2-32GB", 32_GiB).cpu(8));
  box.take(submit("a").training().type("v100"));
  EXPECT_EQ(box.where("a"), "cuda:1");
  box.take(submit("b").training().type("H100"));
  EXPECT_EQ(box.refusal().code, ErrorCode::kNeverFits);
  EXPECT_NE(box.refusal().message.find("H100"), std::string::npos);
}

TEST(DeviceStrings, RequestsThatMakeNoSenseAreRefused) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  for (const Ask& ask : {submit("a").gpus(0), submit("a").gpus(-1), submit("a").priority(0),
                         submit("a").priority(11), submit("a").memory(-1), submit("")}) {
    box.take(ask);
    EXPECT_EQ(box.refusal().code, ErrorCode::kBadRequest);
  }
  EXPECT_TRUE(box.state.tasks.empty());
}

TEST(DeviceStrings, FindDeviceByNameOrUuidInAnyCase) {
  Box box(Fleet().gpus(2, "A100", 80_GiB).cpu(8));
  ASSERT_NE(find_device(box.state, "CUDA:1"), nullptr);
  EXPECT_EQ(find_device(box.state, "CUDA:1")->device.index, 1);
  EXPECT_EQ(find_device(box.state, "gpu-0001AAAA-1111-2222")->device.index, 1);
  EXPECT_EQ(find_device(box.state, "CPU"), find_device(box.state, "cpu"));
  EXPECT_EQ(find_device(box.state, "cuda:2"), nullptr);
}

}  // namespace
}  // namespace berth::core::script
