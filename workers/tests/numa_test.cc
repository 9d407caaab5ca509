// SPDX-License-Identifier: Apache-2.0
#include "runtime/numa.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/process_setup.h"

namespace berth::runtime {
namespace {

/// How many processors a process may use after it was bound in a sysfs with this list for node 1;
/// -1 when it was not bound. In a process of its own, which may change itself.
int bound_to(const std::string& list, const char* nodes, const char* rank = nullptr) {
  const std::string sysfs = testing::TempDir() + "numa-" + std::to_string(::getpid());
  std::filesystem::create_directories(sysfs + "/devices/system/node/node1");
  std::ofstream(sysfs + "/devices/system/node/node1/cpulist") << list << "\n";
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("BERTH_NUMA_NODES", nodes, 1);
    if (rank != nullptr) ::setenv("BERTH_RANK", rank, 1);
    if (!bind_to_numa_node(sysfs)) ::_exit(255);
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    ::_exit(CPU_COUNT(&allowed) == thread_count(64) ? CPU_COUNT(&allowed) : 254);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::filesystem::remove_all(sysfs);
  return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

/// A processor that this process may use, and how many there are.
std::pair<int, int> own_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  int first = 0;
  while (!CPU_ISSET(first, &allowed)) ++first;
  return {first, CPU_COUNT(&allowed)};
}

TEST(NumaNode, ListsOfProcessorsAreRead) {
  const auto count = [](std::string_view text) {
    const auto set = parse_cpu_list(text);
    return set ? CPU_COUNT(&*set) : -1;
  };
  EXPECT_EQ(count("0-3,8,10-11\n"), 7);
  EXPECT_EQ(count("5"), 1);
  EXPECT_EQ(count(""), 0) << "a node of memory only";
  for (const char* bad : {"x", "3-1", "1,", "0-99999999", "-1", "1-"})
    EXPECT_EQ(count(bad), -1) << bad;
}

TEST(NumaNode, AProcessIsBoundToTheProcessorsOfItsDevicesNode) {
  const auto [first, count] = own_processors();
  EXPECT_EQ(bound_to(std::to_string(first), "1"), 1);
  EXPECT_EQ(bound_to("0-1023", "1,1"), count) << "those that it may use anyway";
}

TEST(NumaNode, ARankIsBoundToTheNodeOfItsOwnDevice) {
  const auto [first, count] = own_processors();
  EXPECT_EQ(bound_to(std::to_string(first), "0,1", "1"), 1);
}

TEST(NumaNode, WithoutOneNodeThatHasOurProcessorsNothingIsBound) {
  EXPECT_EQ(bound_to("0", "0,1"), -1) << "devices of two nodes and one process";
  EXPECT_EQ(bound_to("1000", "1"), -1) << "none of ours";
  EXPECT_EQ(bound_to("0", "7"), -1) << "no such node";
  EXPECT_EQ(bound_to("0", "one"), -1);
  EXPECT_EQ(bound_to("0", ""), -1);
}

}  // namespace
}  // namespace berth::runtime
