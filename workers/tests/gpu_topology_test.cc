// SPDX-License-Identifier: Apache-2.0
#include "runtime/gpu_topology.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace berth::runtime {
namespace {

using tests::TemporaryFolder;

TEST(GpuTopology, NamesGpusNodesAndWhoDoesNotReachWhom) {
  const std::vector<GpuPlace> gpus{
      {"NVIDIA A100", "0000:01:00.0", 0, {true, true, false}},
      {"NVIDIA A100", "0000:41:00.0", 0, {true, true, true}},
      {"NVIDIA A100", "0000:81:00.0", std::nullopt, {false, true, true}}};
  EXPECT_EQ(
      topology_text(gpus),
      "cuda:0 (NVIDIA A100, 0000:01:00.0, NUMA node 0), "
      "cuda:1 (NVIDIA A100, 0000:41:00.0, NUMA node 0), "
      "cuda:2 (NVIDIA A100, 0000:81:00.0, NUMA node not known); no peer access: cuda:0-cuda:2");
  EXPECT_EQ(topology_text({{"GPU", "0000:01:00.0", 1, {true}}}),
            "cuda:0 (GPU, 0000:01:00.0, NUMA node 1); all reach each other's memory");
  EXPECT_EQ(topology_text({}), "");
}

TEST(GpuTopology, ReadsTheNodeAndTheDriver) {
  const TemporaryFolder folder;
  folder.write("bus/pci/devices/0000:01:00.0/numa_node", "3\n");
  folder.write("bus/pci/devices/0000:02:00.0/numa_node", "-1\n");
  EXPECT_EQ(numa_node_of("0000:01:00.0", folder.path()), 3);
  EXPECT_EQ(numa_node_of("0000:02:00.0", folder.path()), std::nullopt) << "-1: not known";
  EXPECT_EQ(numa_node_of("0000:03:00.0", folder.path()), std::nullopt);
  const std::string file = folder.write("version",
                                        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  "
                                        "550.54.15  Release Build\nGCC 12.2.0\n");
  EXPECT_EQ(nvidia_driver_version(file), "550.54.15");
  EXPECT_EQ(nvidia_driver_version(folder.path() + "/none"), "");
}

TEST(GpuTopology, AFailureNamesRankDriverAndTheReasonWithoutAStack) {
  const std::string what =
      "NCCL error in: ProcessGroupNCCL.cpp:1970, unhandled system error\n"
      "Exception raised from f at x.cpp:1 (most recent call first):\nframe #0: ...";
  const std::string text = communication_failure("NCCL", 2, 4, "cuda:2", what);
  EXPECT_EQ(text.rfind("NCCL failed on rank 2 of 4 (cuda:2): NCCL error in: "
                       "ProcessGroupNCCL.cpp:1970, unhandled system error. Driver ",
                       0),
            0u)
      << text;
  EXPECT_EQ(text.find("frame"), std::string::npos);
  EXPECT_EQ(communication_failure("Gloo", 0, 2, "cpu", "Connection closed by peer\n"),
            "Gloo failed on rank 0 of 2 (cpu): Connection closed by peer");
}

}  // namespace
}  // namespace berth::runtime
