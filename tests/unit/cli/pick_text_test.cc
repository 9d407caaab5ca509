// SPDX-License-Identifier: Apache-2.0
#include "cli/gpus_text.h"
#include "cli/samples.h"

namespace berth::cli {
namespace {

using namespace test;

PickOptions asking(int count, double gib, std::string policy = "most_free") {
  PickOptions options;
  options.count = count;
  options.memory = base::Bytes::from_gib(gib);
  options.policy = std::move(policy);
  return options;
}

std::string names(const base::Result<std::vector<base::json::object>>& devices,
                  PickFormat format = PickFormat::kDevice) {
  return devices ? render_pick(*devices, format) : devices.error().message;
}

TEST(Pick, takes_the_device_with_most_free_memory_and_never_a_lost_one) {
  EXPECT_EQ(names(choose(json_object(kGpus), asking(1, 0))), "cuda:1\n");
  EXPECT_EQ(names(choose(json_object(kGpus), asking(2, 0))), "cuda:1,cuda:0\n");
}

TEST(Pick, formats) {
  const auto devices = choose(json_object(kGpus), asking(2, 0));
  EXPECT_EQ(names(devices, PickFormat::kIndex), "1,0\n");
  EXPECT_EQ(names(devices, PickFormat::kUuid), "GPU-bbbb,GPU-aaaa\n");
  EXPECT_EQ(names(devices, PickFormat::kEnv),
            "CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=GPU-bbbb,GPU-aaaa\n");
  const auto parsed = json_object(names(devices, PickFormat::kJson));
  EXPECT_EQ(parsed.at("devices").as_array().at(0).at("device").as_string(), "cuda:1");
  EXPECT_EQ(parsed.at("env").at("CUDA_VISIBLE_DEVICES").as_string(), "GPU-bbbb,GPU-aaaa");
}

TEST(Pick, instances_one_at_a_time_and_never_their_gpu) {
  const auto one = choose(json_object(kDivided), asking(1, 0));
  EXPECT_EQ(names(one), "cuda:0:0\n");
  EXPECT_EQ(names(one, PickFormat::kIndex), "0:0\n");
  EXPECT_EQ(names(one, PickFormat::kEnv),
            "CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=MIG-1111\n");
  EXPECT_EQ(choose(json_object(kDivided), asking(2, 0)).error().message,
            "2 GPUs are asked for, only 1 of 4 fit\n"
            "  cuda:0: divided into MIG instances\n"
            "  cuda:0:0: a MIG instance, of which a program can use only one\n"
            "  cuda:0:1: a MIG instance, of which a program can use only one");
}

TEST(Pick, says_why_nothing_fits) {
  const auto devices = choose(json_object(kGpus), asking(1, 16));
  ASSERT_FALSE(devices);
  EXPECT_EQ(base::row(devices.error().code).exit_status, 5);
  EXPECT_EQ(
      devices.error().message,
      "1 GPU with 16.00 GB free is asked for, none fits\n"
      "  cuda:0: 2.46 GB free\n  cuda:1: 13.46 GB free\n  cuda:2: lost: GPU is lost (XID 79)");
  EXPECT_EQ(choose(json_object(kGpus), asking(3, 0)).error().message,
            "3 GPUs are asked for, only 2 of 3 fit\n  cuda:2: lost: GPU is lost (XID 79)");
  EXPECT_EQ(choose(json_object(R"({"devices": []})"), asking(1, 0)).error().code,
            base::ErrorCode::kNeverFits);
}

TEST(Pick, a_type_is_part_of_the_models_name_in_any_case) {
  auto asked = asking(1, 0);
  asked.gpu_type = "rtx 4090";
  EXPECT_EQ(names(choose(json_object(kGpus), asked)), "cuda:1\n");
  asked.gpu_type = "H100";
  EXPECT_EQ(names(choose(json_object(kGpus), asked)),
            "1 GPU of type H100 is asked for, none fits\n  cuda:0: it is NVIDIA GeForce RTX 4090\n"
            "  cuda:1: it is NVIDIA GeForce RTX 4090\n  cuda:2: lost: GPU is lost (XID 79)");
}

TEST(Pick, policies) {
  const auto report = json_object(R"({"devices": [
    {"id": 0, "device_name": "cuda:0", "name": "A", "compute_capability": "9.0", "free_memory_gb": 30, "sm_utilization": 50, "current_tasks": {"training": 1}},
    {"id": 1, "device_name": "cuda:1", "name": "B", "compute_capability": "12.0", "free_memory_gb": 20, "sm_utilization": 90, "current_tasks": {"training": 0}},
    {"id": 2, "device_name": "cuda:2", "name": "B", "compute_capability": "8.6", "free_memory_gb": 10, "sm_utilization": 5, "current_tasks": {"training": 2}}]})");
  EXPECT_EQ(names(choose(report, asking(1, 0, "most_free"))), "cuda:0\n");
  EXPECT_EQ(names(choose(report, asking(1, 0, "balanced"))), "cuda:1\n");
  EXPECT_EQ(names(choose(report, asking(1, 0, "fastest"))), "cuda:1\n");
  const auto known = json_object(R"({"devices": [
    {"id": 0, "device_name": "cuda:0", "name": "T4", "compute_capability": "7.5", "peak_gflops": 65000, "memory_gbps": 320, "free_memory_gb": 15},
    {"id": 1, "device_name": "cuda:1", "name": "V100", "compute_capability": "7.0", "peak_gflops": 125000, "memory_gbps": 900, "free_memory_gb": 16}]})");
  EXPECT_EQ(names(choose(known, asking(1, 0, "fastest"))), "cuda:1\n");
  EXPECT_EQ(names(choose(report, asking(1, 0, "least_loaded"))), "cuda:2\n");
  EXPECT_EQ(names(choose(report, asking(1, 0, "pack"))), "cuda:2\n");
  EXPECT_EQ(names(choose(report, asking(1, 15, "pack"))), "cuda:1\n");
  EXPECT_EQ(names(choose(report, asking(2, 0, "most_free"))), "cuda:1,cuda:2\n")
      << "two of one model";
}

}  // namespace
}  // namespace berth::cli
