// SPDX-License-Identifier: Apache-2.0
#include "daemon/task_environment.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace berth::daemon {
namespace {

using model::Vendor;

model::Device gpu(Vendor vendor, int index, const std::string& id) {
  model::Device device;
  device.id = model::DeviceId(id);
  device.vendor = vendor;
  device.index = index;
  return device;
}

std::optional<std::string> value(const std::vector<std::string>& env, const std::string& name) {
  for (const auto& entry : env) {
    if (entry.rfind(name + "=", 0) == 0) return entry.substr(name.size() + 1);
  }
  return std::nullopt;
}

model::TaskRecord command() {
  model::TaskRecord record;
  record.type = "command";
  record.argv = {"true"};
  return record;
}

TEST(TaskEnvironment, itIsThatOfTheUserItRunsAs) {
  Grant grant{{gpu(Vendor::kNvidia, 0, "GPU-a")}, 1};
  grant.account = base::Account{"ann", 1000, 1000, "/home/ann", "/bin/zsh"};
  auto record = command();
  auto env = task_environment(record, grant);
  EXPECT_EQ(value(env, "HOME"), "/home/ann");
  EXPECT_EQ(value(env, "USER"), "ann");
  EXPECT_EQ(value(env, "LOGNAME"), "ann");
  EXPECT_EQ(value(env, "SHELL"), "/bin/zsh");
  record.env["HOME"] = "/elsewhere";
  env = task_environment(record, grant);
  EXPECT_EQ(value(env, "HOME"), "/elsewhere");
}

TEST(TaskEnvironment, gpusAreHandedOverByUuidInPciOrder) {
  const Grant grant{{gpu(Vendor::kNvidia, 2, "GPU-c"), gpu(Vendor::kNvidia, 5, "GPU-f")}, 1};
  const auto env = task_environment(command(), grant);
  EXPECT_EQ(value(env, "CUDA_VISIBLE_DEVICES"), "GPU-c,GPU-f");
  EXPECT_EQ(value(env, "CUDA_DEVICE_ORDER"), "PCI_BUS_ID");
  EXPECT_EQ(value(env, "BERTH_DEVICE"), "cuda:0");
}

TEST(TaskEnvironment, aServiceThatChoosesByItselfIsToldItsOnlyDevice) {
  auto record = command();
  const Grant grant{{gpu(Vendor::kNvidia, 5, "GPU-f")}, 1};
  EXPECT_FALSE(value(task_environment(record, grant), "SENSEVOICE_DEVICE"));
  for (const char* asked : {"auto", "cuda", "cuda:5", ""}) {
    record.env["SENSEVOICE_DEVICE"] = asked;
    EXPECT_EQ(value(task_environment(record, grant), "SENSEVOICE_DEVICE"), "cuda:0");
  }
  EXPECT_EQ(
      value(task_environment(record, Grant{{gpu(Vendor::kAmd, 1, "a")}, 1}), "SENSEVOICE_DEVICE"),
      "cuda:0")
      << "PyTorch on ROCm calls it so";
  EXPECT_EQ(
      value(task_environment(record, Grant{{gpu(Vendor::kCpu, 0, "CPU")}, 2}), "SENSEVOICE_DEVICE"),
      "cpu");
}

TEST(TaskEnvironment, theNumaNodesOfTheGpusAreToldWhereAllAreKnown) {
  auto near = gpu(Vendor::kNvidia, 0, "GPU-a"), far = gpu(Vendor::kNvidia, 1, "GPU-b");
  near.numa_node = 0;
  EXPECT_EQ(value(task_environment(command(), Grant{{near}, 1}), "BERTH_NUMA_NODES"), "0");
  EXPECT_FALSE(value(task_environment(command(), Grant{{near, far}, 1}), "BERTH_NUMA_NODES"));
  far.numa_node = 1;
  EXPECT_EQ(value(task_environment(command(), Grant{{near, far}, 1}), "BERTH_NUMA_NODES"), "0,1");
}

TEST(TaskEnvironment, aTaskOnTheProcessorSeesNoGpu) {
  const auto env = task_environment(command(), Grant{{gpu(Vendor::kCpu, 0, "CPU")}, 2});
  EXPECT_EQ(value(env, "CUDA_VISIBLE_DEVICES"), "");
  EXPECT_EQ(value(env, "BERTH_DEVICE"), "cpu");
}

TEST(TaskEnvironment, otherVendorsGetTheirOwnVariables) {
  EXPECT_EQ(value(task_environment(command(), Grant{{gpu(Vendor::kAmd, 0, "GPU-x")}, 1}),
                  "ROCR_VISIBLE_DEVICES"),
            "GPU-x");
  EXPECT_EQ(value(task_environment(command(), Grant{{gpu(Vendor::kIntel, 1, "u")}, 1}),
                  "ZE_AFFINITY_MASK"),
            "1");
  EXPECT_EQ(value(task_environment(command(), Grant{{gpu(Vendor::kAscend, 3, "u")}, 1}),
                  "ASCEND_RT_VISIBLE_DEVICES"),
            "3");
}

TEST(TaskEnvironment, theClientsVariablesArePassedButNeverOverrideOurs) {
  auto record = command();
  record.env = {{"MINE", "1"},
                {"CUDA_VISIBLE_DEVICES", "0,1,2,3"},
                {"HIP_VISIBLE_DEVICES", "7"},
                {"BERTH_TOKEN", "secret"},
                {"BERTH_MEMORY_LIMIT", "1"},
                {"PATH", "/client/bin"}};
  const auto env = task_environment(record, Grant{{gpu(Vendor::kNvidia, 0, "GPU-a")}, 1});
  EXPECT_EQ(value(env, "MINE"), "1");
  EXPECT_EQ(value(env, "PATH"), "/client/bin");
  EXPECT_EQ(value(env, "CUDA_VISIBLE_DEVICES"), "GPU-a");
  EXPECT_FALSE(value(env, "HIP_VISIBLE_DEVICES"));
  EXPECT_FALSE(value(env, "BERTH_TOKEN"));
  EXPECT_FALSE(value(env, "BERTH_MEMORY_LIMIT"));
}

TEST(TaskEnvironment, theReservationIsTold) {
  auto record = command();
  record.placement = model::Placement{{{model::DeviceId("GPU-a"), "cuda:0", base::Bytes{123}}}, {}};
  EXPECT_EQ(value(task_environment(record, Grant{{gpu(Vendor::kNvidia, 0, "GPU-a")}, 1}),
                  "BERTH_MEMORY_LIMIT"),
            "123");
}

TEST(TaskEnvironment, aBuiltInTaskIsToldItsDeviceAndCores) {
  auto record = command();
  record.request.builtin = true;
  record.parameters = {{"model", "resnet18"}};
  const Grant grant{{gpu(Vendor::kNvidia, 4, "GPU-e")}, 3};
  EXPECT_EQ(value(task_environment(record, grant), "OMP_NUM_THREADS"), "3");
  const auto specification = worker_specification(record, grant);
  EXPECT_EQ(base::string_or(specification, "model"), "resnet18");
  EXPECT_EQ(base::string_or(specification, "device"), "cuda:0");
  EXPECT_EQ(base::int_or(specification, "threads"), 3);
}

TEST(TaskEnvironment, aBuiltInTaskHasItsProgramAndVerb) {
  using Worker = std::pair<std::string_view, std::string_view>;
  EXPECT_EQ(worker_for("training"), Worker("berth-worker-vision", "train"));
  EXPECT_EQ(worker_for("inference"), Worker("berth-worker-vision", "infer"));
  EXPECT_EQ(worker_for("benchmark"), Worker("berth-worker-vision", "benchmark"));
  EXPECT_EQ(worker_for("image_crop"), Worker("berth-worker-prepare", "crop"));
  EXPECT_EQ(worker_for("iq_dataset"), Worker("berth-worker-signal", "dataset"));
  EXPECT_EQ(worker_for("snr"), Worker("berth-worker-signal", "snr"));
}

}  // namespace
}  // namespace berth::daemon
